"""Labels that ask for nothing, and those that are taught instead."""

from __future__ import annotations

import pytest

from tagline.domain.changes.asks import resembles
from tagline.domain.changes.changes import Label
from tagline.domain.changes.labels import Lesson, lessons
from tagline.domain.changes.policy import NO_POLICY, Part, read_policy
from tagline.domain.changes.unheard import Unheard, added_late, similar
from tests.support.promotions import merged_change, policy

POLICY = read_policy(Part({"stages": {"prod": {"after": ["staging"]}, "staging": None}}, digest="sha256:1"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("stage-prod", "stage:prod"), ("Stage/Prod", "stage:prod"), ("stages_prod", "stage:prod"),
        ("stage prod", "stage:prod"), ("versions-minor", "version:minor"),
        ("stage:prod", None), ("stages:prod", None), ("version-minor", None),  # a request, and two mistakes
        ("stage-qa", None), ("state-prod", None), ("version-2", None), ("prod", None), ("backstage-prod", None),
    ],
)  # fmt: skip
def test_resembles__label__is_the_request_that_it_is_like(name: str, meant: str | None) -> None:
    assert resembles(name, "", ["prod"]) == meant


def test_similar__without_stages__are_versions_alone() -> None:
    assert similar(["stage-prod", "versions-minor"], NO_POLICY, None) == [Unheard("versions-minor", "version:minor")]
    assert similar(["stage-prod"], NO_POLICY, ["prod"]) == [Unheard("stage-prod", "stage:prod")]


def test_added_late__labels_of_today__are_the_requests_that_did_not_stand() -> None:
    change = merged_change(labels=("bug", "stage:prod", "version:minor"))
    assert added_late(change, [Label("version:minor", "bob", 1.0)], "") == [Unheard("stage:prod")]


def test_lessons__one_artifact__is_one_pair_with_the_stage_that_comes_first() -> None:
    assert lessons(POLICY, ["churn"], None, 50) == (Lesson(None, "version:minor", "stage:staging"),)
    assert lessons(NO_POLICY, ["churn"], None, 50) == (Lesson(None, "version:minor", "stage:prod"),)
    # A label cannot name the ticket that a stage asks for.
    tickets = policy("stages: {prod: {ticket: A-*}}\n")
    assert lessons(tickets, ["churn"], None, 50) == (Lesson(None, "version:minor", None),)
    assert lessons(NO_POLICY, ["churn"], ("qa",), 50) == (Lesson(None, "version:minor", "stage:qa"),)
    refusing = read_policy(Part({"other_stages": "refuse"}, digest="sha256:2"))
    assert lessons(refusing, ["churn"], None, 50) == (Lesson(None, "version:minor", None),)


def test_lessons__several_artifacts__are_a_pair_each_as_far_as_the_forge_allows() -> None:
    long = "risk/" + "x" * 40 + ":model"
    assert lessons(POLICY, ["churn", long], None, 50) == (
        Lesson("churn", "version:churn@minor", "stage:churn#staging"),
    )
    assert lessons(POLICY, [long, f"{long}s"], None, 50) == (Lesson(None, "version:minor", "stage:staging"),)
    assert len(lessons(POLICY, [f"m{place}" for place in range(9)], None, 50)) == 5
