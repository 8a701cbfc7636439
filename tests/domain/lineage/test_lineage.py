"""What a lineage says of parameters, figures, the ledger, and of steps that would have to run again."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given

from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.lineage.lineage import Figure, Lineage, Parameter, figures_of, parameters_of, passages_of, same
from tests.support.pipelines import JSON, facts, step
from tests.support.promotions import commit

NAN = math.nan
LONG = 10**400


# -- parameters and figures ---------------------------------------------------------------


def test_parameters__of_two_steps__are_one_with_both():
    steps = [step("a", params={"p": {"lr": 0.1, "seed": 1}}), step("b", params={"p": {"seed": 1}, "q": {"seed": 1}})]
    assert parameters_of(steps) == (
        Parameter("lr", 0.1, "p", ("a",)),
        Parameter("seed", 1, "p", ("a", "b")),
        Parameter("seed", 1, "q", ("b",)),
    )


def test_parameters__that_two_steps_ran_with_different_values__are_two():
    steps = [step("b", params={"p": {"seed": 2}}), step("a", params={"p": {"seed": 1}})]
    assert parameters_of(steps) == (Parameter("seed", 1, "p", ("a",)), Parameter("seed", 2, "p", ("b",)))


def test_parameters__yes_and_one__are_two_values():
    steps = [step("a", params={"p": {"x": True}}), step("b", params={"p": {"x": 1}})]
    assert len(parameters_of(steps)) == 2


def test_parameters__of_thousands_of_steps__are_quick():
    started = time.monotonic()
    [found] = parameters_of([step(f"s{n}", params={"p": {"seed": 1}}) for n in range(3000)])
    assert len(found.steps) == 3000
    assert time.monotonic() - started < 5


def test_figures__of_a_file__are_flat_and_sorted():
    data = {"z": 1, "test": {"f1": 0.5, "deep": {"x": True}}, "note": "text", "curve": [1], "none": None, "e": {}}
    assert figures_of(data, "m.json") == [
        Figure("note", "text", "m.json"),
        Figure("test.deep.x", True, "m.json"),
        Figure("test.f1", 0.5, "m.json"),
        Figure("z", 1, "m.json"),
    ]


def test_figures__where_there_are_none__are_none():
    assert figures_of("the file is gone.", "m.json") == []


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (0.5, 0.5), (True, None), ("5", None), (NAN, None), (math.inf, None), (LONG, None), (None, None)],
)
def test_figure__number__is_a_finite_one(value, number):
    assert Figure("x", value).number == number


# -- sameness -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1.0, True), (1, True, False), (0, False, False), (True, True, True), (NAN, math.nan, True),
        (NAN, 0.0, False), (LONG, LONG, True), (LONG, 1e308, False),
        ("1", 1, False), (None, None, True), (None, 0, False), ([1, 2], [1, 2], True), ([1], [True], False),
        ([float("nan")], [float("nan")], True), ([1], [1, 1], False), ([[NAN]], [[-NAN]], True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False), ({"a": 1}, {"b": 1}, False), ([1], 1, False),
    ],
)  # fmt: skip
def test_same__values__are_as_a_person_reads_them(one, other, expected):
    assert same(one, other) is expected
    assert same(other, one) is expected


@given(JSON, JSON)
def test_same__any_values__is_reflexive_and_symmetric(one, other):
    assert same(one, one)
    assert same(one, other) == same(other, one)


# -- the ledger ---------------------------------------------------------------------------


def tag(name: str, letter: str, at: int, message: str = "", who: str = "Ada") -> RawTag:
    return RawTag(name, "", "tag", commit(letter), "commit", at, name, actor_name=who, message=message)


def test_passages__of_a_version__are_its_own_events_with_their_trailers():
    words = (
        "Registering\n\nChange: https://h/1\nRequested-By: bob\nApproved-By: carol c 2026\nApproved-By: dave c 2026\n"
        "Policy: sha256:x\nRun: https://h/run\nReason: why\n"
    )
    raw = [
        tag("rf@v1.0.0", "a", 10, words),
        tag("rf@v2.0.0", "b", 20),
        tag("rf@v3.0.0", "a", 25),
        tag("rf#prod#1", "a", 30, "Assigning\n\nOverride: freeze\nRollback-From: v2.0.0\n", "Bob"),
        tag("rf#prod#2", "b", 40),
        tag("rf#prod!#3", "a", 50),
    ]
    events = sorted(read_events(raw)[0]["rf"])
    found = passages_of(events, {one.name: one for one in raw}, "v1.0.0", commit("a"))
    assert [(row.time, row.stage, row.tag, row.tagger) for row in found] == [
        (10, None, "rf@v1.0.0", "Ada"),
        (30, "prod", "rf#prod#1", "Bob"),
        (50, "prod", "rf#prod!#3", "Ada"),
    ]
    first = found[0]
    assert (first.change, first.requested_by, first.reason) == ("https://h/1", ("bob",), "why")
    assert first.approved_by == ("carol c 2026", "dave c 2026")
    assert (first.policy, first.run) == ("sha256:x", "https://h/run")
    assert (found[1].override, found[1].rollback_from, found[1].change) == ("freeze", "v2.0.0", None)


def test_passages__event_whose_tag_nobody_read__is_left_out():
    raw = [tag("rf@v1.0.0", "a", 10)]
    assert passages_of(sorted(read_events(raw)[0]["rf"]), {}, "v1.0.0", commit("a")) == ()


def test_label__of_a_lineage__is_its_version_or_its_commit():
    assert Lineage("rf", facts("a"), version="v1.0.0").label == "v1.0.0"
    assert Lineage("rf", facts("a")).label == commit("a")[:7]
