"""The rules that need nobody: after, soak, freeze and gates."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.conditions import judge_after, judge_freeze, judge_gate
from tagline.domain.changes.policy import Freeze, Gate, StageRules
from tagline.domain.changes.verdicts import Verdict, worst
from tagline.domain.manifest.metrics import number
from tagline.domain.text.times import format_time
from tests.support.promotions import START, Ledger, ledger

HOUR = 3600
DAY = 24 * HOUR


# After and soak


def after(
    book: Ledger, version: str | None, *, stages: tuple[str, ...] = ("staging",), soak: int = 0, at: int = DAY
) -> list[Verdict]:
    """The verdicts for a version, so many seconds after START."""
    return judge_after(StageRules(after=stages, soak=soak), book.state(), version, START + at)


VERSIONS = ("rf@v1.0.0 a 0", "rf@v2.0.0 b 0")


def test_after__version_holds_the_stage__is_ok():
    (verdict,) = after(ledger(*VERSIONS, "rf#staging#1 a 10"), "v1.0.0")
    assert verdict == Verdict("after", "ok", "rf v1.0.0 holds staging.")


def test_after__version_held_the_stage__is_ok():
    (verdict,) = after(ledger(*VERSIONS, "rf#staging#1 a 10", "rf#staging#2 b 20"), "v1.0.0")
    assert verdict == Verdict("after", "ok", "rf v1.0.0 held staging.")


def test_after__another_version_holds_it__is_refused_with_the_label_that_helps():
    (verdict,) = after(ledger(*VERSIONS, "rf#staging#1 a 10"), "v2.0.0")
    assert verdict == Verdict(
        "after",
        "refused",
        "rf v2.0.0 never held staging.",
        "Promote it to staging first (stage:rf@v2.0.0#staging), then ask again.",
    )


def test_after__with_a_label_prefix__the_label_that_helps_has_it():
    rules = StageRules(after=("staging",))
    (verdict,) = judge_after(rules, ledger(*VERSIONS).state(), "v1.0.0", START, "ml/")
    assert "(ml/stage:rf@v1.0.0#staging)" in verdict.fix


def test_after__commit_without_a_version_holds_it__no_version_is_not_that_commit():
    (verdict,) = after(ledger("rf#staging#1 a 10"), None)
    assert verdict.state == "refused"
    assert "stage:rf@VERSION#staging" in verdict.fix


def test_after__several_stages__each_must_have_been_held():
    verdicts = after(ledger(*VERSIONS, "rf#dev#1 a 10"), "v1.0.0", stages=("dev", "staging"))
    assert [verdict.state for verdict in verdicts] == ["ok", "refused"]


def test_after__nothing_asked__no_verdict():
    assert after(ledger(*VERSIONS), "v1.0.0", stages=(), soak=HOUR) == []


def soaked(book: Ledger, at: int, soak: int = HOUR) -> Verdict:
    (verdict,) = after(book, "v1.0.0", soak=soak, at=at)
    return verdict


HOLDS = ledger(*VERSIONS, "rf#staging#1 a 100")


@pytest.mark.parametrize(("held", "state"), [(0, "waiting"), (HOUR - 1, "waiting"), (HOUR, "ok"), (HOUR + 1, "ok")])
def test_soak__still_held__is_ok_from_the_last_second_on(held, state):
    assert soaked(HOLDS, 100 + held).state == state


def test_soak__still_held_and_too_short__says_until_when_to_wait():
    verdict = soaked(HOLDS, 100 + 90, HOUR)
    assert verdict == Verdict(
        "soak",
        "waiting",
        "rf v1.0.0 has held staging for 1m 30s; 1h are needed.",
        f"Merge from {format_time(START + 100 + HOUR)} on.",
    )


def test_soak__long_enough__says_for_how_long():
    assert soaked(HOLDS, 100 + 2 * HOUR).message == "rf v1.0.0 holds staging for 2h."


def test_soak__no_longer_held_and_too_short__is_refused():
    verdict = soaked(ledger(*VERSIONS, "rf#staging#1 a 0", "rf#staging#2 b 60"), 10 * HOUR)
    assert (verdict.rule, verdict.state) == ("soak", "refused")
    assert verdict.fix == "Promote it to staging again and leave it there for 1h."


def test_soak__no_longer_held_but_was_for_long_enough__is_ok():
    verdict = soaked(ledger(*VERSIONS, "rf#staging#1 a 0", f"rf#staging#2 b {HOUR}"), 10 * HOUR)
    assert (verdict.state, verdict.message) == ("ok", "rf v1.0.0 held staging for 1h.")


def test_soak__two_holds_of_half_the_time__do_not_add_up():
    book = ledger(*VERSIONS, "rf#staging#1 a 0", "rf#staging#2 b 1800", "rf#staging#3 a 3600")
    verdict = soaked(book, 3600 + 1800)
    assert verdict.state == "waiting"
    assert "held staging for 30m;" in verdict.message


def test_soak__the_longest_hold_counts__not_the_last():
    book = ledger(*VERSIONS, "rf#staging#1 a 0", f"rf#staging#2 b {2 * HOUR}", f"rf#staging#3 a {3 * HOUR}")
    assert soaked(book, 3 * HOUR + 1).message == "rf v1.0.0 holds staging for 2h."


def test_soak__held_again_too_short_both_times__waits_for_the_current_hold():
    book = ledger(*VERSIONS, "rf#staging#1 a 0", "rf#staging#2 b 1800", "rf#staging#3 a 5000")
    assert soaked(book, 5001).fix == f"Merge from {format_time(START + 5000 + HOUR)} on."


def test_soak__assigned_again_meanwhile__is_one_unbroken_hold():
    assert soaked(ledger(*VERSIONS, "rf#staging#1 a 0", "rf#staging#2 a 3000"), HOUR).state == "ok"


def test_soak__held_by_the_fall_of_another__counts_from_then():
    book = ledger(*VERSIONS, "rf#staging#1 a 0", "rf#staging#2 b 60", "rf#staging!#3 b 5000")
    assert soaked(book, 5000 + HOUR - 1).state == "waiting"
    assert soaked(book, 5000 + HOUR).state == "ok"


def new(book: Ledger, at: int, prefix: str = "") -> Verdict:
    """The verdict for a version that the very change makes."""
    rules = StageRules(after=("staging",), soak=HOUR)
    (verdict,) = judge_after(rules, book.state(), "v1.0.0", START + at, prefix, is_new=True)
    return verdict


def test_soak__of_a_version_that_the_change_itself_makes__is_refused_for_no_waiting_helps():
    verdict = new(HOLDS, 100, "ml/")
    assert (verdict.rule, verdict.state) == ("soak", "refused")
    assert "by a later change (ml/stage:NAME@VERSION#STAGE)" in verdict.fix


def test_soak__long_enough_already__is_ok_though_the_change_makes_it():
    assert new(HOLDS, 100 + HOUR).state == "ok"


def test_soak__zero__is_only_after():
    verdict = soaked(HOLDS, 100, 0)
    assert (verdict.rule, verdict.state) == ("after", "ok")


def test_soak__hold_that_begins_in_the_future__waits():
    assert soaked(HOLDS, 0).message == "rf v1.0.0 has held staging for 0s; 1h are needed."


# Freeze


@pytest.mark.parametrize(("now", "state"), [(9, "ok"), (10, "waiting"), (15, "waiting"), (19, "waiting"), (20, "ok")])
def test_freeze__from_its_first_second_until_before_its_last(now, state):
    (verdict,) = judge_freeze(StageRules(freeze=(Freeze(10, 20),)), now, now)
    assert (verdict.rule, verdict.state) == ("freeze", state)


def test_freeze__several_at_once__names_the_last_end():
    rules = StageRules(freeze=(Freeze(0, 30), Freeze(0, 50), Freeze(0, 40), Freeze(60, 70)))
    (verdict,) = judge_freeze(rules, 20, 20)
    end = "1970-01-01T00:00:50Z"
    assert (verdict.message, verdict.fix) == (f"The stage is frozen until {end}.", f"Merge after {end}.")


@pytest.mark.parametrize(
    ("instants", "state"),
    [((5, 15), "waiting"), ((15, 25), "waiting"), ((5, 25), "waiting"), ((5, 9), "ok"), ((20, 25), "ok")],
)
def test_freeze__at_any_time_from_the_merge_until_now__counts(instants, state):
    (verdict,) = judge_freeze(StageRules(freeze=(Freeze(10, 20),)), *instants)
    assert verdict.state == state


def test_freeze__none_in_the_policy__no_verdict():
    assert judge_freeze(StageRules(), 0, 0) == []


# Gates


def gate(metrics: Any, held: Any = None, **fields: Any) -> str:
    return judge_gate(Gate("m", **fields), metrics, held, "v1.0.0").state


@pytest.mark.parametrize(
    ("value", "state"),
    [(0.9, "ok"), (0.8999999, "refused"), (0.9000001, "ok"), (1, "ok"), (0, "refused"), (-1.0, "refused")],
)
def test_gate__min__may_be_reached(value, state):
    assert gate({"m": value}, min=0.9) == state


@pytest.mark.parametrize(("value", "state"), [(0.9, "ok"), (0.9000001, "refused"), (-5, "ok")])
def test_gate__max__may_be_reached(value, state):
    assert gate({"m": value}, max=0.9) == state


@pytest.mark.parametrize(("value", "state"), [(0, "refused"), (1, "ok"), (2, "ok"), (3, "refused")])
def test_gate__both_bounds__hold_both(value, state):
    assert gate({"m": value}, min=1, max=2) == state


def test_gate__bound_of_zero__is_a_bound():
    assert gate({"m": -0.1}, min=0) == "refused"
    assert gate({"m": 0.1}, max=0.0) == "refused"


def test_gate__refused__says_value_and_bound():
    verdict = judge_gate(Gate("auc", min=0.9), {"auc": 0.85}, None, None)
    assert verdict[:3] == ("gate:auc", "refused", "auc is 0.85, at least 0.9 is needed.")
    assert verdict.fix


@pytest.mark.parametrize(("value", "written"), [(0.8999999, "0.8999999"), (0.1 + 0.2, "0.3"), (1234567, "1234567")])
def test_gate__value_near_its_bound__is_shown_with_enough_digits(value, written):
    assert judge_gate(Gate("m", min=1e9), {"m": value}, None, None).message.startswith(f"m is {written}, ")


def test_gate__passed__says_value_and_bounds():
    verdict = judge_gate(Gate("auc", min=0.9, max=1), {"auc": 0.95}, None, None)
    assert verdict.message == "auc is 0.95 (at least 0.9, at most 1)."


@pytest.mark.parametrize(
    ("value", "held", "tolerance", "state"),
    [
        (0.91, 0.9, 0.0, "ok"),
        (0.9, 0.9, 0.0, "ok"),
        (0.8999, 0.9, 0.0, "refused"),
        (0.9, 0.91, 0.01, "ok"),
        (0.8999, 0.91, 0.01, "refused"),
        (0.1, 0.3, 0.2, "ok"),
        (1.0, 1.1, 0.1, "ok"),
        (-0.3, -0.2, 0.1, "ok"),
        (10**15, 10**15 + 1, 1, "ok"),
        (10**15, 10**15 + 1, 0, "refused"),
        (-1.7e308, 1.7e308, 1.0, "refused"),
        (1.7e308, -1.7e308, 0.0, "ok"),
    ],
)
def test_gate__not_worse_than__by_the_tolerance_in_decimals(value, held, tolerance, state):
    assert gate({"m": value}, {"m": held}, not_worse_than="prod", tolerance=tolerance) == state
    upside_down = {"not_worse_than": "prod", "tolerance": tolerance, "higher_is_better": False}
    assert gate({"m": -value}, {"m": -held}, **upside_down) == state


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000), st.integers(0, 200), st.integers(0, 5))
def test_gate__values_of_a_few_decimals__are_compared_as_they_are_written(value, held, tolerance, places):
    """As exact decimal arithmetic decides, whatever binary fractions make of them."""
    new, old, slack = (Decimal(n).scaleb(-places) for n in (value, held, tolerance))
    found = gate({"m": float(new)}, {"m": float(old)}, not_worse_than="prod", tolerance=float(slack))
    assert found == ("ok" if old - new <= slack else "refused")


def test_gate__worse__says_both_and_the_tolerance():
    rule = Gate("auc", not_worse_than="prod", tolerance=0.01)
    verdict = judge_gate(rule, {"auc": 0.8}, {"auc": 0.9}, "v1.0.0")
    assert verdict.message == "auc is 0.8, v1.0.0 in prod has 0.9: worse (tolerance 0.01)."


def test_gate__not_worse_and_within_a_bound__says_both():
    rule = Gate("auc", min=0.5, not_worse_than="prod")
    verdict = judge_gate(rule, {"auc": 0.9}, {"auc": 0.9}, "v1.0.0")
    assert verdict.message == "auc is 0.9, v1.0.0 in prod has 0.9, at least 0.5."


def test_gate__bound_and_comparison__both_must_hold():
    assert gate({"m": 0.5}, {"m": 0.4}, min=0.6, not_worse_than="prod") == "refused"
    assert gate({"m": 0.7}, {"m": 0.8}, min=0.6, not_worse_than="prod") == "refused"


def test_gate__compared_with_an_empty_stage__passes():
    verdict = judge_gate(Gate("auc", not_worse_than="prod"), {"auc": 0.1}, None, None)
    assert (verdict.state, verdict.message) == ("ok", "auc is 0.1; nobody holds prod.")


def test_gate__compared_with_an_empty_stage_but_without_the_metric__is_refused():
    assert gate({}, not_worse_than="prod") == "refused"


@pytest.mark.parametrize("held", [{}, {"m": "0.9"}, {"m": True}, {"m": math.nan}, "nothing was read."])
def test_gate__holder_without_the_metric__is_refused_and_says_whose(held):
    verdict = judge_gate(Gate("m", not_worse_than="prod"), {"m": 0.9}, held, "v1.0.0")
    assert verdict.state == "refused"
    assert verdict.message.startswith("m of v1.0.0 in prod: ")
    assert "until prod holds a version with this metric" in verdict.fix


NO_NUMBERS: list[tuple[Any, str]] = [
    ({}, "is missing"),
    ({"m": None}, "is missing"),
    ({"M": 1}, "is missing"),
    ({"m": "0.99"}, "is not a number"),
    ({"m": True}, "is not a number"),
    ({"m": [0.99]}, "is not a number"),
    ({"m": {}}, "is not a number"),
    ({"m": {"value": 0.99}}, "is not a number"),
    ({"m": math.nan}, "is not a finite number"),
    ({"m": math.inf}, "is not a finite number"),
    ({"m": -math.inf}, "is not a finite number"),
    ({"m": 10**400}, "is not a finite number"),
    ({"m": -(10**400)}, "is not a finite number"),
    ("metrics.json is not in Git at 1234567.", "metrics.json is not in Git"),
]


@pytest.mark.parametrize(("metrics", "reason"), NO_NUMBERS)
@pytest.mark.parametrize("bounds", [{"min": 0}, {"max": 1e300}, {"not_worse_than": "prod"}])
def test_gate__no_number__is_refused_with_the_reason(metrics, reason, bounds):
    verdict = judge_gate(Gate("m", **bounds), metrics, None, None)
    assert verdict.state == "refused"
    assert reason in verdict.message
    assert verdict.fix == "Commit the metrics with the version."


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        ({"a": {"b": {"c": 5}}}, "a.b.c"),
        ({"a.b.c": 5}, "a.b.c"),
        ({"a.b.c": 5, "a": {"b": {"c": 6}}}, "a.b.c"),
        ({"a.b.c": None, "a": {"b": {"c": 5}}}, "a.b.c"),
        ({"a": 5}, "a"),
        ({"": {"": 5}}, "."),
    ],
)
def test_number__by_its_name_or_its_path(metrics, name):
    assert number(metrics, name) == 5.0


@pytest.mark.parametrize("metrics", [{"a": 5}, {"a": {"b": 5}}, {"a": [{"b": {"c": 5}}]}, {"a": "b.c"}, {"a": None}])
def test_number__path_that_leads_nowhere__is_missing(metrics):
    assert number(metrics, "a.b.c") == "the metric is missing."


@pytest.mark.parametrize("value", [0, 0.0, -0.0])
def test_number__zero__is_a_number(value):
    assert number({"m": value}, "m") == 0.0


@given(st.dictionaries(st.sampled_from(["a", "b", "a.b"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
)), st.sampled_from(["a", "b", "a.b", "a.a.b", ""]))  # fmt: skip
def test_number__any_metrics__is_finite_or_says_why_not(metrics, name):
    found = number(metrics, name)
    assert isinstance(found, str) or math.isfinite(found)


# Verdicts


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), "ok"),
        (("ok", "ok"), "ok"),
        (("ok", "waiting"), "waiting"),
        (("waiting", "unknown"), "unknown"),
        (("unknown", "waiting", "ok"), "unknown"),
        (("unknown", "refused", "waiting"), "refused"),
    ],
)
def test_worst__decides(states, expected):
    assert worst(Verdict("r", state, "") for state in states) == expected
