"""An artifact as it was when a change landed, whatever was written since."""

from __future__ import annotations

import pytest

from tagline.domain.changes.as_landed import CLOCKS, as_landed, holds_since, versions_since
from tagline.domain.changes.policy import NO_POLICY
from tagline.domain.changes.promotion import plan_artifact
from tests.support.promotions import START, URL, commit, facts, intents, ledger, merged_change

MERGED = 1000


def _landed(*lines: str, behind: str = "", **messages: str):
    """The ledger's ``rf`` and what it was when a change landed at MERGED; ``behind`` are commits on its line."""
    told = ledger(*lines, messages=messages)
    change = merged_change(merged_at=START + MERGED + 0.5)
    state = told.state("rf")
    return state, as_landed(state, told.raw, change, lambda found: found in {commit(letter) for letter in behind})


@pytest.mark.parametrize(
    ("seconds", "counts"), [(MERGED, True), (MERGED + CLOCKS, True), (MERGED + CLOCKS + 1, False), (9999, False)]
)
def test_event__by_hand__counts_until_the_merge_and_as_long_as_clocks_may_differ(seconds: int, counts: bool) -> None:
    state, then = _landed("rf@v1.0.0 a 0", f"rf@v1.1.0 b {seconds}")
    assert (then is state) == counts
    assert then.latest is not None
    assert then.latest.version == ("v1.1.0" if counts else "v1.0.0")


@pytest.mark.parametrize(
    ("message", "counts"),
    [
        pytest.param(f"\n\nChange: {URL}", True, id="the-changes-own"),
        pytest.param(f"\n\nChange: https://h/2\nMerge-Commit: {commit('b')}", True, id="of-one-that-landed-before"),
        pytest.param(f"\n\nChange: https://h/3\nMerge-Commit: {commit('c')}", False, id="of-one-that-landed-after"),
        pytest.param(f"\n\nChange: {URL}0", False, id="of-another-number"),
        pytest.param("", False, id="by-hand"),
    ],
)
def test_event__written_late__counts_for_what_landed_with_the_change_or_before_it(message: str, counts: bool) -> None:
    _, then = _landed("rf@v1.0.0 a 0", "rf#prod#1 a 5000", behind="b", **{"rf#prod#1": f"x{message}"})
    assert ("prod" in then.stages) == counts


def test_since__what_was_held_and_registered_after_the_landing_is_told_even_when_it_ended() -> None:
    state, then = _landed(
        "rf@v1.0.0 a 0", "rf#prod#1 a 10", "rf@v1.1.0 b 5000", "rf#prod#2 b 5001", "rf#prod!#3 b 5002"
    )
    assert [hold.version for hold in holds_since(state, then, "prod")] == ["v1.0.0", "v1.1.0"]
    assert [row.version for row in versions_since(state, then)] == ["v1.1.0"]


def test_stage__that_went_past_a_change_and_was_taken_away_again__is_superseded_all_the_same() -> None:
    """Else the refusal would pass once the newer holder is gone."""
    told = ledger("rf@v1.0.0 f 0", "rf@v1.1.0 b 5000", "rf#prod#2 b 5001", "rf#prod!#3 b 5002")
    change = merged_change(merged_at=START + MERGED + 0.5, merge_commit=commit("f"))
    then = as_landed(told.state("rf"), told.raw, change, lambda _: False)
    known = facts(change, commit=commit("f"), newer={commit("b"): True})
    (step,) = plan_artifact(told.state("rf"), told.raw, intents("stage:rf#prod"), known, NO_POLICY, then)
    assert [verdict.rule for verdict in step.verdicts] == ["superseded"]
    (step,) = plan_artifact(told.state("rf"), told.raw, intents("rollback:rf#prod"), known, NO_POLICY, then)
    assert [verdict.rule for verdict in step.verdicts] == ["superseded"]
