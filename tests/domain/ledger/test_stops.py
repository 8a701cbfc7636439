"""Stops: what the tags of a stage say of one, and what would go past it."""

from __future__ import annotations

import pytest

from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.messages import HOLD, HOLD_LIFTED, HOLD_PASSED, REQUESTED_BY, compose
from tagline.domain.ledger.planning import Plan, plan_assign, plan_lift, plan_rollback, plan_unassign, projected
from tagline.domain.ledger.registry import ArtifactState, fold
from tagline.domain.ledger.stops import gone_past, words
from tagline.errors import NotFound

NOW = 1_700_000_000
A, B, C = (letter * 40 for letter in "abc")
REGISTERED = (("rf@v1", A), ("rf@v2", B), ("rf@v3", C))


def ledger(*stage_tags: tuple[str, str, str]) -> ArtifactState:
    """Three versions, and stage tags: name, commit, trailers (``Key: value`` lines)."""
    tags = [(f"{name}.0.0", commit, "") for name, commit in REGISTERED] + list(stage_tags)
    raw = [
        RawTag(name, "", "tag", commit, "commit", NOW + place, name, "Ada", "ada@example.com", f"Tag\n\n{said}\n")
        for place, (name, commit, said) in enumerate(tags)
    ]
    return fold("rf", read_events(raw).events["rf"])


HELD = (("rf#prod#1", A, ""), ("rf#prod#2", B, ""), ("rf#prod#3", A, "Rollback-From: v2.0.0\nHold: it lost money"))


def test_hold__says_what_when_who_why_and_by_which_tag() -> None:
    state = ledger(*HELD)
    stop = state.stops["prod"]
    assert (stop.version, stop.tag, stop.since, stop.by, stop.reason) == (
        "v1.0.0", "rf#prod#3", NOW + 5, "Ada", "it lost money",
    )  # fmt: skip
    assert words("rf", stop) == (
        "rf#prod is held at v1.0.0 since 2023-11-14T22:13:25Z by Ada: it lost money (rf#prod#3)."
    )
    assert state.stages["prod"].version == "v1.0.0"
    assert state.warnings == []


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (f"{HOLD_LIFTED}: fixed", False),
        (f"{HOLD}: worse\n{HOLD_LIFTED}: better", True),
        ("", True),
        ("Reason: Hold-Lifted: no", True),
        ("Prose, and no trailers.\nHold-Lifted: no", True),
    ],
)
def test_hold__until_a_tag_of_the_stage_lifts_it(said: str, held: bool) -> None:
    assert ("prod" in ledger(*HELD, ("rf#prod#4", A, said)).stops) is held
    assert "prod" in ledger(*HELD, ("rf#dev#4", A, f"{HOLD_LIFTED}: another stage")).stops
    assert "prod" in ledger(*HELD, ("rf#prod!#4", A, f"{HOLD_LIFTED}: no assignment")).stops


def test_hold__names_who_asked_before_who_made_the_tag() -> None:
    state = ledger(("rf#prod#1", A, f"{REQUESTED_BY}: zoe\n{HOLD}: x"))
    assert state.stops["prod"].by == "zoe"


@pytest.mark.parametrize(("said", "warned"), [("", ["held-passed"]), (f"{HOLD_PASSED}: rf#prod#3", [])])
def test_held_stage__gone_past_by_another_tool__stays_held_and_that_is_said(said: str, warned: list[str]) -> None:
    state = ledger(*HELD, ("rf#prod#4", C, said))
    assert (state.stages["prod"].version, state.stops["prod"].version) == ("v3.0.0", "v1.0.0")
    assert [warn.code for warn in state.warnings] == warned
    assert ledger(*HELD, ("rf#prod#4", C, said), ("rf#prod#5", A, "")).warnings == []


def _row(state: ArtifactState, version: str):
    row = state.version(version)
    assert row is not None
    return row


def _after(state: ArtifactState, plan: Plan) -> ArtifactState:
    return projected(state, plan.new)


def test_gone_past__another_version_by_whatever_way() -> None:
    state = ledger(*HELD)
    for plan in (
        plan_assign(state, "prod", _row(state, "v3.0.0"), NOW),
        plan_assign(state, "prod", _row(state, "v2.0.0"), NOW),
        plan_unassign(state, "prod", None, NOW),  # falls back to v2.0.0
    ):
        assert gone_past(state, _after(state, plan)) == state.stops["prod"]


def test_gone_past__not_what_leaves_goes_back_or_lifts() -> None:
    state = ledger(*HELD)
    alone = ledger(("rf#prod#1", A, f"{HOLD}: x"))
    assert gone_past(alone, _after(alone, plan_unassign(alone, "prod", None, NOW))) is None
    back = plan_rollback(state, "prod", NOW, target=None, to_version="v3.0.0")
    further = _after(state, back)
    assert gone_past(state, further) is None
    assert (further.stops["prod"].version, further.stops["prod"].reason) == ("v3.0.0", "it lost money")
    lifted = _after(state, plan_assign(state, "prod", _row(state, "v3.0.0"), NOW, lift="fixed"))
    assert (gone_past(state, lifted), lifted.stops) == (None, {})


def test_lift__alone__moves_nothing_and_twice_does_nothing() -> None:
    state = ledger(*HELD)
    plan = plan_lift(state, "prod", NOW, "fixed", [("Run", "x")])
    after = _after(state, plan)
    assert [(tag.name, tag.commit) for tag in plan.new] == [("rf#prod#4", A)]
    assert plan.new[0].message.endswith("Run: x\nHold-Lifted: fixed\n")
    assert (after.stops, after.stages["prod"].version, after.stages["prod"].since) == (
        {}, "v1.0.0", state.stages["prod"].since,
    )  # fmt: skip
    assert plan_lift(after, "prod", NOW, "fixed").new == []


def test_lift__alone__of_a_stage_that_nobody_holds__is_refused() -> None:
    state = ledger(("rf#prod#1", A, f"{HOLD}: x"), ("rf#prod!#2", A, ""))
    with pytest.raises(NotFound, match="Nobody holds"):
        plan_lift(state, "prod", NOW, "fixed")


def test_rollback__with_a_reason_where_it_is_already__holds_it_there_once() -> None:
    state = ledger(("rf#prod#1", A, ""))
    plan = plan_rollback(state, "prod", NOW, target=None, to_version="v1.0.0", stop="wait for the audit")
    assert plan.new[0].message == compose(
        "Assigning stage prod to artifact rf version v1.0.0", [(HOLD, "wait for the audit")]
    )
    after = _after(state, plan)
    assert plan_rollback(after, "prod", NOW, target=None, to_version="v1.0.0", stop="wait for the audit").new == []
