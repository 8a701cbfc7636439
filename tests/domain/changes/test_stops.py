"""Held stages and overrides: what a change may do, and who."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tagline.domain.changes.approvals import People
from tagline.domain.changes.asks import Action, Mistake
from tagline.domain.changes.changes import Named, Review, Reviews, Unknown
from tagline.domain.changes.intents import resolve
from tagline.domain.changes.policy import NO_POLICY, Policy
from tagline.domain.changes.promotion import plan_artifact
from tagline.domain.changes.steps import Step
from tagline.domain.ledger.messages import parse_trailers
from tests.support.promotions import (
    HEAD,
    LABELLED,
    START,
    URL,
    Ledger,
    asked,
    facts,
    intents,
    known,
    ledger,
    merged_change,
    only,
    open_change,
    plan,
    policy,
    said,
)

LINES = ("rf@v1.0.0 a", "rf@v2.0.0 b", "rf@v3.0.0 c", "rf#prod#1 a", "rf#prod#2 b", "rf#prod#3 a")
HELD = ledger(*LINES, messages={"rf#prod#3": "Tag\n\nRequested-By: zoe\nRollback-From: v2.0.0\nHold: it lost money\n"})
GUARDED = policy("stages: {prod: {approvals: {count: 1}}}")


def trailer(step: Step, key: str) -> list[str]:
    (tag,) = step.new
    return parse_trailers(tag.message).get(key, [])


def approved(*logins: str, at: float = LABELLED + 60, **fields: Any) -> People:
    reviews = tuple(Review(login, "approved", HEAD, at) for login in logins)
    return replace(People(Reviews(reviews), dict.fromkeys(logins, True)), **fields)


def request(text: str) -> Mapping[str, str]:
    return {"promotions/prod/x.yaml": text}


# -- what is asked ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["lift:rf#prod"], [(Action.LIFT, True)]),
        (["lift:rf#prod", "stage:rf@v1.0.0#prod"], [(Action.ASSIGN, True)]),
        (["stage:prod", "lift:rf#prod"], [(Action.ASSIGN, True)]),
        (["stage:rf#dev", "lift:rf#prod"], [(Action.ASSIGN, False), (Action.LIFT, True)]),
    ],
)
def test_lift__beside_a_version_for_the_stage__is_one_intent(names: list[str], expected: list[object]) -> None:
    found = intents(*names)
    assert [(intent.action, intent.lifts) for intent in found] == expected
    assert sorted(source for intent in found for source in intent.sources) == sorted(names)


@pytest.mark.parametrize("other", ["rollback:rf#prod", "unstage:rf#prod"])
def test_lift__beside_what_it_cannot_go_with__contradicts(other: str) -> None:
    asks, _ = asked("lift:rf#prod", other)
    found, (mistake,) = resolve(asks, known("rf"), 5)
    assert (found, "contradict" in mistake.message) == ([], True)


@pytest.mark.parametrize("name", ["lift:prod", "Lift:rf#prod", "lft:rf#prod", "lift-rf#prod", "lift:rf"])
def test_lift__nearly__is_a_mistake(name: str) -> None:
    assert [type(found) for found in asked(name)[1]] == [Mistake]


@pytest.mark.parametrize("name", ["lit:element", "Lift: weights", "gift:rf#prod", "list:rf#prod"])
def test_lift__a_label_of_others__is_left_alone(name: str) -> None:
    assert asked(name) == ([], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- {artifact: rf, lift: true}", (Action.LIFT, True, None)),
        ("- {artifact: rf, lift: true, version: v3.0.0}", (Action.ASSIGN, True, None)),
        ("- {artifact: rf, lift: false}", (Action.ASSIGN, False, None)),
        ("- {artifact: rf, version: v3.0.0, override: fire}", (Action.ASSIGN, False, "fire")),
        ("- {artifact: rf, rollback: true, override: fire}", (Action.ROLLBACK, False, "fire")),
    ],
)
def test_request__lift_and_override__are_read(text: str, expected: object) -> None:
    (ask,), mistakes = asked(files=request(text))
    assert ((ask.action, ask.lifts, ask.override), mistakes) == (expected, [])


@pytest.mark.parametrize("rest", ["lift: yes", "lift: true, rollback: true", "override: true", "override: ' '"])
def test_request__lift_or_override_misread__is_a_mistake(rest: str) -> None:
    asks, (mistake,) = asked(files=request(f"- {{artifact: rf, {rest}}}"))
    assert (asks, mistake.source) == ([], "promotions/prod/x.yaml:1")


# -- held -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stage:rf@v3.0.0#prod", "stage:rf@v2.0.0#prod", "unstage:rf#prod"])
def test_held_stage__to_another_version__is_refused_with_who_when_why_and_the_ways_out(name: str) -> None:
    step = only(plan(HELD, name))
    (verdict,) = step.verdicts
    assert (verdict.rule, verdict.state) == ("held", "refused")
    assert "since 2023-11-14T22:21:40Z by zoe: it lost money (rf#prod#3)" in verdict.message
    assert "lift:rf#prod" in verdict.fix
    assert "tagline assign 'rf#prod' --lift" in verdict.fix
    assert step.stop is not None


@pytest.mark.parametrize("name", ["stage:rf@v1.0.0#prod", "stage:rf@v3.0.0#dev", "version:minor"])
def test_held_stage__what_does_not_go_past_it__is_free(name: str) -> None:
    assert only(plan(HELD, name)).state == "ok"


def test_rollback__holds_unless_the_policy_says_no() -> None:
    twice = ledger(*LINES[:5])
    by_default = only(plan(twice, "rollback:rf#prod"))
    assert trailer(by_default, "Hold") == ["rollback from v2.0.0"]
    assert said(by_default) == [("held", "ok")]
    reasoned = only(plan(twice, files=request("- {artifact: rf, rollback: true, reason: it lost money}")))
    assert trailer(reasoned, "Hold") == ["it lost money"]
    for text in ("rollback: {hold: false}", "rollback: {hold: true}\nstages: {prod: {rollback: {hold: false}}}"):
        assert trailer(only(plan(twice, "rollback:rf#prod", policy=policy(text))), "Hold") == []


def test_rollback__of_a_held_stage__goes_further_back_and_holds_there() -> None:
    book = ledger(
        "rf@v1.0.0 a", "rf@v2.0.0 b", "rf@v3.0.0 c", "rf#prod#1 a", "rf#prod#2 b", "rf#prod#3 c", "rf#prod#4 b",
        messages={"rf#prod#4": "Tag\n\nRollback-From: v3.0.0\nHold: it lost money\n"},
    )  # fmt: skip
    step = only(plan(book, "rollback:rf#prod", policy=policy("rollback: {hold: false}")))
    assert (step.state, step.version, trailer(step, "Hold")) == ("ok", "v1.0.0", ["it lost money"])


@pytest.mark.parametrize(
    ("names", "version"), [(["lift:rf#prod"], "v1.0.0"), (["lift:rf#prod", "stage:rf@v3.0.0#prod"], "v3.0.0")]
)
def test_lift__needs_the_approvals_of_the_stage_and_is_in_the_tag(names: list[str], version: str) -> None:
    assert said(only(plan(HELD, *names, policy=GUARDED))) == [("approvals", "waiting"), ("held", "ok")]
    step = only(plan(HELD, *names, policy=GUARDED, facts=facts(people=approved("bob"))))
    assert (step.state, step.version, trailer(step, "Hold-Lifted")) == ("ok", version, [URL])
    assert HELD.after([step]).state().stops == {}


def test_lift__of_what_is_not_held__does_nothing() -> None:
    step = only(plan(ledger(*LINES), "lift:rf#prod"))
    assert (step.state, step.new, [row.tag for row in step.rows]) == ("ok", (), ["rf#prod#3"])


def test_lift__approved_before_the_hold__is_not_what_was_approved() -> None:
    held = ledger(*LINES[:5], "rf#prod#3 a 5000", messages={"rf#prod#3": "Tag\n\nHold: it lost money\n"})
    early = facts(people=approved("bob", at=START + 1000))
    rules = policy("stages: {prod: {approvals: {count: 1, fresh: false}}}")
    step = only(plan(held, "lift:rf#prod", "stage:rf@v3.0.0#prod", policy=rules, facts=early))
    assert said(step)[0] == ("not-what-was-approved", "waiting")
    assert "before rf#prod#3 held the stage" in step.verdicts[0].message


def _landed(before: Ledger, now: Ledger, *names: str) -> Step:
    """The step of a merged change whose landing saw another ledger than its job."""
    wanted = intents(*names, tagged=now.artifacts)
    return only(plan_artifact(now.state(), now.raw, wanted, facts(), NO_POLICY, before.state()))


def test_race__hold_after_the_landing__stands_in_the_way_of_a_promotion_and_of_a_lift() -> None:
    before = ledger(*LINES[:5])
    assert said(_landed(before, HELD, "stage:rf@v3.0.0#prod")) == [("held", "refused")]
    late = _landed(before, HELD, "lift:rf#prod", "stage:rf@v3.0.0#prod")
    assert ("held", "refused") in said(late)
    assert "After this change was merged it was held anew" in late.verdicts[0].message


def test_race__lift_after_the_landing__makes_nothing_of_what_was_refused_then() -> None:
    lifted = HELD.after([only(plan(HELD, "lift:rf#prod", facts=facts(merged_change(url=URL + "1"))))])
    assert said(_landed(HELD, lifted, "stage:rf@v3.0.0#prod")) == [("held", "refused")]
    assert only(plan(lifted, "stage:rf@v3.0.0#prod")).state == "ok"


# -- override ---------------------------------------------------------------------------

STRICT = policy(
    "stages:\n  staging:\n  prod:\n    after: [staging]\n    approvals: {count: 2}\n"
    "    freeze: [{from: '2020-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z'}]\n"
    "    override: {allow: [alice, '@org/on-call']}\n"
)
FIRE = "- {artifact: rf, version: v3.0.0, override: prices are wrong}"
ALICE = People(writers={"alice": True})


def _fire(people: People, text: str = FIRE, rules: Policy = STRICT, author: str = "alice") -> Step:
    change = replace(merged_change(), author=author)
    return only(plan(HELD, files=request(text), policy=rules, facts=facts(change, people=people)))


def test_override__by_who_is_listed__passes_over_people_time_and_the_hold_and_says_so() -> None:
    step = _fire(ALICE)
    assert step.state == "ok"
    assert step.override is not None
    assert (step.override.by, step.override.reason) == ("alice", "prices are wrong")
    assert set(step.override.passed) == {"after", "freeze", "approvals", "held"}
    assert (trailer(step, "Override"), trailer(step, "Hold-Passed")) == (["prices are wrong"], ["rf#prod#3"])
    after = HELD.after([step]).state()
    assert (after.stages["prod"].version, after.stops["prod"].tag, after.warnings) == ("v3.0.0", "rf#prod#3", [])


@pytest.mark.parametrize("more", ["", ", lift: true"])
def test_override__of_a_hold_that_came_after_the_landing__is_refused(more: str) -> None:
    wanted = intents(files=request(FIRE.replace("}", f"{more}}}")), tagged=HELD.artifacts)
    change = replace(merged_change(), author="alice")
    then = ledger(*LINES[:5]).state()
    step = only(plan_artifact(HELD.state(), HELD.raw, wanted, facts(change, people=ALICE), STRICT, then))
    assert (step.state, ("held", "refused") in said(step)) == ("refused", True)


def test_override__with_lift__lifts_the_hold() -> None:
    step = _fire(ALICE, "- {artifact: rf, version: v3.0.0, lift: true, override: fire}")
    assert (step.state, HELD.after([step]).state().stops) == ("ok", {})


@pytest.mark.parametrize(
    ("people", "author", "state", "words"),
    [
        (ALICE, "bob", "refused", "bob opened the change"),
        (replace(ALICE, writers={"alice": False}), "alice", "refused", "alice has no write permission"),
        (replace(ALICE, pushers=Named(frozenset({"mallory"}))), "alice", "refused", "mallory pushed to it"),
        (replace(ALICE, pushers=Named(frozenset({"alice"}))), "alice", "ok", "alice overrides"),
        (replace(ALICE, pushers=Named(unread=Unknown("who pushed", "more"))), "alice", "unknown", "who pushed"),
        (People(), "alice", "unknown", "the permission of alice"),
        (People(writers={"bob": True}, members={"@org/on-call": frozenset({"bob"})}), "bob", "ok", "bob overrides"),
        (People(members={"@org/on-call": Unknown("the team", "an App")}), "bob", "unknown", "the team"),
        (People(writers={"alice[bot]": True}), "alice[bot]", "refused", "is a robot"),
    ],
)
def test_override__counts_only_of_listed_people(people: People, author: str, state: str, words: str) -> None:
    step = _fire(people, author=author)
    verdict = next(verdict for verdict in step.verdicts if verdict.rule == "override")
    assert (verdict.state, words in verdict.message) == (state, True)
    assert (step.override is not None) is (state == "ok")


def test_override__where_the_policy_lists_nobody__is_refused() -> None:
    assert ("override", "refused") in said(_fire(ALICE, rules=GUARDED))
    assert ("override", "refused") in said(_fire(ALICE, rules=NO_POLICY))


@pytest.mark.parametrize("text", [FIRE.replace("v3.0.0", "v9.0.0"), FIRE.replace("v3.0.0", "this")])
def test_override__of_what_is_no_version__stays_refused(text: str) -> None:
    assert _fire(ALICE, text).state == "refused"


def test_override__of_a_failing_gate__stays_refused() -> None:
    gated = policy("stages: {prod: {gates: [{metric: auc, min: 0.9}], override: {allow: [alice]}}}")
    step = _fire(ALICE, rules=gated)
    assert ("gate:auc", "refused") in said(step)


def test_override__before_the_merge__is_planned_alike() -> None:
    step = only(plan(HELD, files=request(FIRE), policy=STRICT, facts=facts(open_change(), people=ALICE)))
    assert (step.state, step.override is not None) == ("ok", True)
