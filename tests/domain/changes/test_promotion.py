"""The plan of a change: its rules one by one, and what holds for any ledger and any requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tagline.domain.changes.approvals import People
from tagline.domain.changes.asks import LATEST, THIS, Action, Ask, Mistake
from tagline.domain.changes.changes import Review, Reviews, Unknown
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.policy import NO_POLICY, Policy
from tagline.domain.changes.promotion import Refusal, not_done, plan_artifact, settle
from tagline.domain.changes.steps import Content, Facts, Step
from tagline.domain.ledger.messages import parse_trailers
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.tags import EventKind, parse_tag
from tagline.domain.text.times import format_time
from tests.support.promotions import (
    HEAD,
    LABELLED,
    MERGE,
    NOW,
    OTHER_URL,
    START,
    URL,
    Ledger,
    asked,
    commit,
    decided,
    facts,
    intents,
    ledger,
    merged_change,
    only,
    open_change,
    plan,
    plan_intents,
    policy,
    said,
)

GUARDED = policy("stages: {prod: {approvals: {count: 1}}}")
AFTER = policy("stages: {staging: {}, prod: {after: [staging]}}")


def approved(*logins: str, at: float = LABELLED + 60, **fields: Any) -> People:
    """People who may write and have approved the last commit after the labels were put."""
    reviews = tuple(Review(login, "approved", HEAD, at) for login in logins)
    return replace(People(Reviews(reviews), {login.casefold(): True for login in logins}), **fields)


def tags(steps: Sequence[Step]) -> list[tuple[str, str]]:
    return [(tag.name, tag.commit) for step in steps for tag in step.new]


def trailers(step: Step) -> list[tuple[str, str]]:
    """The trailers of the step's one tag, in order."""
    (tag,) = step.new
    lines = tag.message.strip().split("\n\n")[-1].split("\n")
    return [(key, value) for key, _, value in (line.partition(": ") for line in lines)]


# Registrations


@pytest.mark.parametrize(
    ("label", "version"),
    [
        ("version:patch", "v1.0.1"),
        ("version:minor", "v1.1.0"),
        ("version:major", "v2.0.0"),
        ("version:rf@minor", "v1.1.0"),
        ("version:rf@v7.0.0-rc.1", "v7.0.0-rc.1"),
    ],
)
def test_register__tags_the_merge_commit(label, version):
    step = only(plan(ledger("rf@v1.0.0 a"), label))
    assert (step.state, step.version, step.before) == ("ok", version, "v1.0.0")
    assert tags([step]) == [(f"rf@{version}", MERGE)]


@pytest.mark.parametrize(
    ("label", "version"), [("version:patch", "v0.0.1"), ("version:minor", "v0.1.0"), ("version:major", "v1.0.0")]
)
def test_register__first_of_an_artifact(label, version):
    step = only(plan(ledger(), label))
    assert (step.version, step.before) == (version, None)


def test_register__of_an_open_change__is_shown_at_its_head():
    step = only(plan(ledger(), "version:minor", facts=facts(open_change())))
    assert tags([step]) == [("rf@v0.1.0", HEAD)]


def test_register__commit_has_a_version_already__that_is_the_answer():
    step = only(plan(ledger("rf@v1.0.0 e"), "version:minor"))
    assert (step.version, step.new, step.state) == ("v1.0.0", (), "ok")
    assert [row.created for row in step.rows] == [False]


@pytest.mark.parametrize(
    ("book", "label", "rule"),
    [
        (ledger("rf@v1.0.0 a"), "version:rf@v1.0.0", "version-taken"),
        (ledger("rf@v1.0.0 a", "rf@v1.0.0! a"), "version:rf@v1.0.0", "deregistered"),
        (ledger("rf@v1.0.0 e"), "version:rf@v2.0.0", "commit-has-version"),
        (ledger("rf@v1.0.0 e", "rf@v1.0.0! e"), "version:minor", "commit-has-version"),
        (ledger(f"rf@v1.0.0 a {90_000_000}"), "version:minor", "future-dated"),
    ],
)
def test_register__what_the_registry_forbids__is_refused(book, label, rule):
    step = only(plan(book, label))
    assert said(step) == [(rule, "refused")]
    assert step.new == ()


@pytest.mark.parametrize(("newer", "state"), [(True, "refused"), (False, "ok"), (None, "refused")])
def test_register__bump_when_the_latest_is_newer_or_may_be__is_superseded(newer, state):
    step = only(plan(ledger("rf@v1.0.0 a"), "version:minor", facts=facts(newer={commit("a"): newer})))
    assert step.state == state
    assert (said(step) == [("superseded", "refused")]) == (state == "refused")


def test_register__named_version_when_the_latest_is_newer__is_registered():
    step = only(plan(ledger("rf@v1.0.0 a"), "version:rf@v0.9.0", facts=facts(newer={commit("a"): True})))
    assert tags([step]) == [("rf@v0.9.0", MERGE)]


def test_register__bump_made_before__is_found_though_a_newer_one_is_there():
    step = only(plan(ledger("rf@v1.0.0 e", "rf@v1.1.0 a"), "version:minor", facts=facts(newer={commit("a"): True})))
    assert (step.state, step.version) == ("ok", "v1.0.0")


def test_register__of_a_guarded_artifact__needs_nobody():
    """Rules are of stages."""
    everything = policy(
        "stages: {prod: {approvals: {count: 2}, freeze: [{from: 2000-01-01T00:00:00Z, to: 2099-01-01T00:00:00Z}]}}"
    )
    assert only(plan(ledger("rf@v1.0.0 a", "rf#prod#1 a"), "version:minor", policy=everything)).verdicts == ()


# Assignments


def test_assign__with_the_registration_of_the_same_change__both_at_the_merge_commit():
    steps = plan(ledger("rf@v1.0.0 a", "rf#prod#1 a"), "version:minor", "stage:prod")
    assert tags(steps) == [("rf@v1.1.0", MERGE), ("rf#prod#2", MERGE)]
    assert [(step.before, step.version) for step in steps] == [("v1.0.0", "v1.1.0"), ("v1.0.0", "v1.1.0")]


def test_assign__version_that_the_merge_commit_has__is_it():
    assert tags(plan(ledger("rf@v1.0.0 e"), "stage:prod")) == [("rf#prod#1", MERGE)]


def test_assign__change_without_a_version__is_refused_and_never_an_older_one():
    step = only(plan(ledger("rf@v1.0.0 a"), "stage:prod"))
    assert said(step) == [("stage-without-version", "refused")]
    assert (step.new, step.version) == ((), None)
    (verdict,) = step.verdicts
    assert "version:minor" in verdict.fix
    assert "stage:rf@VERSION#prod" in verdict.fix


def test_assign__with_a_label_prefix__the_fix_carries_it():
    prefixed = policy("labels: {prefix: ml/}")
    wanted = [Intent("rf", Action.ASSIGN, "prod", THIS, (Ask(Action.ASSIGN, "ml/stage:prod", stage="prod"),))]
    (verdict,) = only(plan_intents(ledger(), wanted, prefixed, facts())).verdicts
    assert "Add ml/version:minor (or ml/version:rf@minor)" in verdict.fix


def test_assign__version_of_the_merge_commit_was_deregistered__is_refused():
    assert said(only(plan(ledger("rf@v1.0.0 e", "rf@v1.0.0! e"), "stage:prod"))) == [
        ("stage-without-version", "refused")
    ]


def test_assign__artifact_that_is_not_touched__is_its_latest():
    book = ledger("churn@v1.0.0 a", "churn@v2.0.0 b", "churn@v1.5.0 c")
    step = only(plan(book, "stage:churn#prod"))
    assert (step.version, tags([step])) == ("v2.0.0", [("churn#prod#1", commit("b"))])


@pytest.mark.parametrize("lines", [(), ("churn@v1.0.0 a", "churn@v1.0.0! a")])
def test_assign__latest_where_none_is_active__is_refused(lines):
    step = only(plan(ledger(*lines, "churn#dev#9 b"), "stage:churn#prod"))
    assert said(step) == [("stage-without-version", "refused")]


def test_assign__version_by_name__at_its_own_commit():
    assert tags(plan(ledger("rf@v1.0.0 a", "rf@v2.0.0 b"), "stage:rf@v1.0.0#prod")) == [("rf#prod#1", commit("a"))]


@pytest.mark.parametrize(("version", "rule"), [("v1.0.1", "unknown-version"), ("v1.0.0", "deregistered")])
def test_assign__version_that_cannot_be_assigned__is_refused(version, rule):
    step = only(plan(ledger("rf@v1.0.0 a", "rf@v1.0.0! a"), f"stage:rf@{version}#prod"))
    assert said(step) == [(rule, "refused")]


def test_assign__held_already__makes_no_tag_and_asks_no_rule():
    step = only(plan(ledger("rf@v1.0.0 a", "rf#prod#1 a"), "stage:rf@v1.0.0#prod", policy=GUARDED))
    assert (step.new, step.verdicts, step.state) == ((), (), "ok")
    assert [(row.tag, row.created) for row in step.rows] == [("rf#prod#1", False)]


@pytest.mark.parametrize(("newer", "state"), [(True, "refused"), (None, "refused"), (False, "ok")])
def test_assign__stage_is_at_a_commit_that_is_newer_or_may_be__is_superseded(newer, state):
    """What nobody can tell is no leave to go back."""
    book = ledger("rf@v1.0.0 e", "rf@v2.0.0 a", "rf#prod#1 a")
    step = only(plan(book, "stage:prod", facts=facts(newer={commit("a"): newer})))
    assert step.state == state
    if state == "refused":
        assert said(step) == [("superseded", "refused")]
        assert step.verdicts[0].fix.endswith("stage:rf@v1.0.0#prod")


def test_assign__stage_at_a_newer_commit_but_the_version_is_named__goes_there():
    book = ledger("rf@v1.0.0 b", "rf@v2.0.0 a", "rf#prod#1 a")
    step = only(plan(book, "stage:rf@v1.0.0#prod", facts=facts(newer={commit("a"): True})))
    assert tags([step]) == [("rf#prod#2", commit("b"))]


def test_assign__several_stages__each_with_the_next_counter():
    steps = plan(ledger("rf@v1.0.0 a", "rf#prod#7 a"), "version:minor", "stage:prod", "stage:dev", "stage:eu")
    assert [name for name, _ in tags(steps)] == ["rf@v1.1.0", "rf#dev#8", "rf#eu#9", "rf#prod#10"]


# The order


def test_order__stage_after_another__comes_after_it():
    """By name prod comes first; the policy wants staging first."""
    steps = plan(ledger(), "version:minor", "stage:prod", "stage:staging", policy=AFTER)
    assert [step.intent.stage for step in steps] == [None, "staging", "prod"]
    assert [step.state for step in steps] == ["ok", "ok", "ok"]
    assert steps[2].verdicts[0].message == "rf v0.1.0 holds staging."


def test_order__a_chain_of_stages__one_after_another():
    chain = policy("stages: {a: {after: [b]}, b: {after: [c]}, c: {after: [d]}, d: {}}")
    steps = plan(ledger(), "version:minor", "stage:a", "stage:b", "stage:c", "stage:d", policy=chain)
    assert [step.intent.stage for step in steps] == [None, "d", "c", "b", "a"]
    assert all(step.new for step in steps)


def test_order__stage_before_that_is_not_asked_for__is_refused_unless_it_was_held():
    assert said(plan(ledger(), "version:minor", "stage:prod", policy=AFTER)[1]) == [("after", "refused")]
    held = ledger("rf@v1.0.0 e", "rf#staging#1 e")
    assert said(only(plan(held, "stage:prod", policy=AFTER))) == [("after", "ok")]


@pytest.mark.parametrize("change", [open_change(), merged_change()], ids=["open", "merged"])
def test_order__soak_of_a_version_of_this_change__is_refused_and_the_rest_is_made(change):
    soaking = policy("stages: {staging: {}, prod: {after: [staging], soak: 1h}}")
    steps = plan(ledger(), "version:minor", "stage:staging", "stage:prod", policy=soaking, facts=facts(change))
    settled = settle(decided(steps, change), soaking)
    assert [(refusal.stage, refusal.rule) for refusal in settled.refused] == [("prod", "soak")]
    assert [name for name, _ in tags(settled.steps)] == ["rf@v0.1.0", "rf#staging#1"]


def test_rules__soak_of_a_version_that_its_commit_had_before__waits():
    """Nobody but this change could merge it, but it does not make it: waiting helps."""
    soaking = policy("stages: {staging: {}, prod: {after: [staging], soak: 1h}}")
    book = ledger("rf@v1.0.0 d", f"rf#staging#1 d {NOW - START - 60}")
    step = only(plan(book, "stage:prod", policy=soaking, facts=facts(open_change())))
    assert said(step) == [("soak", "waiting")]


def test_rules__soak__ends_at_the_merge_however_late_its_job_comes():
    soaking = policy("stages: {staging: {}, prod: {after: [staging], soak: 1h}}")
    book = ledger("rf@v1.0.0 a", f"rf#staging#1 a {NOW - START - 3600 - 30}")
    late, in_time = (merged_change(merged_at=float(NOW - before)) for before in (60, 30))
    for change, state in ((late, "waiting"), (in_time, "ok"), (open_change(), "ok")):
        assert only(plan(book, "stage:rf@v1.0.0#prod", policy=soaking, facts=facts(change))).state == state


@pytest.mark.parametrize(
    ("start", "end", "state"), [(90, 60, "waiting"), (90, 61, "ok"), (30, -30, "waiting"), (-1, -30, "ok")]
)
def test_rules__freeze__at_the_merge_or_when_it_is_carried_out__counts(start, end, state):
    """The change was merged a minute ago; the times of the freeze count back from now."""
    first, last = (format_time(NOW - before) for before in (start, end - 1))
    frozen = policy(f"stages: {{prod: {{freeze: [{{from: '{first}', to: '{last}'}}]}}}}")
    assert only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=frozen)).state == state


def test_order__stage_before_waits__after_the_merge_the_one_behind_it_is_refused():
    both = policy("stages: {staging: {approvals: {}}, prod: {after: [staging]}}")
    names = ("version:minor", "stage:staging", "stage:prod")
    merged = plan(ledger(), *names, policy=both)
    assert [step.state for step in merged] == ["ok", "waiting", "refused"]
    opened = plan(ledger(), *names, policy=both, facts=facts(open_change()))
    assert [step.state for step in opened] == ["ok", "waiting", "ok"]


@pytest.mark.parametrize("change", [open_change(), merged_change()])
def test_order__registration_refused__the_stage_has_no_version(change):
    steps = plan(ledger("rf@v1.0.0 a"), "version:rf@v1.0.0", "stage:prod", facts=facts(change))
    assert [said(step)[0][0] for step in steps] == ["version-taken", "stage-without-version"]


def test_order__stage_refused__its_version_is_registered_all_the_same():
    steps = settle(decided(plan(ledger(), "version:minor", "stage:prod", policy=AFTER)), AFTER).steps
    assert tags(steps) == [("rf@v0.1.0", MERGE)]


def test_order__two_stages_that_want_each_other__are_decided_all_the_same():
    """A policy cannot say so any more, but one that did must not hang a job."""
    ring = Policy(layers=(AFTER.layers[0]._replace(stages={"a": {"after": ["b"]}, "b": {"after": ["a"]}}),))
    steps = plan(ledger(), "version:minor", "stage:a", "stage:b", policy=ring)
    assert [step.state for step in steps] == ["ok", "refused", "refused"]


# The rules of a stage


def test_rules__approvals_missing__waits_and_names_who():
    step = only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=GUARDED))
    assert said(step) == [("approvals", "waiting")]
    assert step.verdicts[0].message == "0 of 1 approval."


def test_rules__approved__is_ok_and_says_by_whom():
    step = only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=GUARDED, facts=facts(people=approved("Bob"))))
    assert said(step) == [("approvals", "ok")]
    assert step.approved_by == (f"Bob {HEAD} {format_time(int(LABELLED) + 60)}",)


def test_rules__approved_after_the_stage_label_but_before_the_version_label__does_not_count():
    """The approval has to cover both: what is registered, and where it goes."""
    asks, _ = asked("stage:prod")
    early = [replace(ask, at=LABELLED - 600) for ask in asks]
    late, _ = asked("version:minor")
    wanted = [
        Intent("rf", Action.REGISTER, None, "minor", tuple(late)),
        Intent("rf", Action.ASSIGN, "prod", THIS, tuple(early)),
    ]
    between, after = (facts(people=approved("bob", at=LABELLED + by)) for by in (-60, 60))
    assert plan_intents(ledger(), wanted, GUARDED, between)[1].state == "waiting"
    assert plan_intents(ledger(), wanted, GUARDED, after)[1].state == "ok"


def test_rules__version_named__the_version_label_need_not_be_covered():
    asks, _ = asked("stage:rf@v1.0.0#prod")
    early = [replace(ask, at=LABELLED - 600) for ask in asks]
    late, _ = asked("version:minor")
    wanted = [
        Intent("rf", Action.REGISTER, None, "minor", tuple(late)),
        Intent("rf", Action.ASSIGN, "prod", "v1.0.0", tuple(early)),
    ]
    people = approved("bob", at=LABELLED - 60)
    assert plan_intents(ledger("rf@v1.0.0 a"), wanted, GUARDED, facts(people=people))[1].state == "ok"


def test_rules__several_requests_for_one_stage__the_newest_must_be_covered():
    asks, _ = asked("stage:rf#prod", "stage::rf#prod")
    wanted = [Intent("rf", Action.ASSIGN, "prod", THIS, (asks[0], replace(asks[1], at=LABELLED + 100)))]
    people = approved("bob", at=LABELLED + 60)
    assert only(plan_intents(ledger("rf@v1.0.0 e"), wanted, GUARDED, facts(people=people))).state == "waiting"


def test_rules__nobody_knows_when_one_of_the_labels_was_put__is_unknown():
    asks, _ = asked("stage:rf#prod", "stage::rf#prod")
    wanted = [Intent("rf", Action.ASSIGN, "prod", THIS, (asks[0], replace(asks[1], at=None)))]
    step = only(plan_intents(ledger("rf@v1.0.0 e"), wanted, GUARDED, facts(people=approved("bob"))))
    assert said(step) == [("approvals", "unknown")]


def test_rules__labeller_of_the_version_excluded__does_not_count():
    strict = policy("stages: {prod: {approvals: {not: [labeller]}}}")
    steps = plan(ledger(), "version:minor", "stage:prod", policy=strict, facts=facts(people=approved("Zoe")))
    assert steps[1].reviewers == (("Zoe", "asked for it"),)


def test_rules__labeller_in_other_letters__is_the_same_person():
    strict = policy("stages: {prod: {approvals: {not: [labeller]}}}")
    asks = (Ask(Action.ASSIGN, "stage:prod", stage="prod", by="Zoe", at=LABELLED),)
    wanted = [Intent("rf", Action.ASSIGN, "prod", THIS, asks)]
    given = facts(people=approved("zOE"))
    assert only(plan_intents(ledger("rf@v1.0.0 e"), wanted, strict, given)).reviewers == (("zOE", "asked for it"),)


OWNED = policy("stages: {prod: {approvals: {from: [codeowners]}}}")


def test_rules__codeowners_of_a_label__are_the_artifacts():
    given = facts(people=approved("bob"), owners={"rf": ("@bob",)}, file_owners={"promotions/prod/x.yaml": ("@carol",)})
    assert only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=OWNED, facts=given)).state == "ok"


@pytest.mark.parametrize(("login", "state"), [("bob", "waiting"), ("carol", "ok")])
def test_rules__codeowners_of_a_request_file__are_the_files(login, state):
    path = "promotions/prod/x.yaml"
    given = facts(people=approved(login), owners={"rf": ("@bob",)}, file_owners={path: ("@carol",)})
    step = only(plan(ledger("rf@v1.0.0 e"), files={path: "- {artifact: rf}"}, policy=OWNED, facts=given))
    assert step.state == state


FROZEN = policy("stages: {prod: {freeze: [{from: 2000-01-01T00:00:00Z, to: 2099-01-01T00:00:00Z}]}}")


def test_rules__frozen__waits_before_the_merge_and_is_refused_after_it():
    book = ledger("rf@v1.0.0 a")
    opened = decided(plan(book, "stage:rf@v1.0.0#prod", policy=FROZEN, facts=facts(open_change())), open_change())
    assert (opened.verdict, [w.rule for w in opened.waiting]) == ("waiting", ["freeze"])
    merged = settle(decided(plan(book, "stage:rf@v1.0.0#prod", policy=FROZEN)), FROZEN)
    assert (merged.verdict, merged.rows) == ("refused", [])


GATED = policy(
    "stages: {prod: {gates: [{metric: auc, min: 0.9}, {metric: loss, not_worse_than: prod, direction: min}]}}"
)


def test_rules__gates__compare_the_version_with_the_holder_at_their_commits():
    book = ledger("rf@v1.0.0 a", "rf@v2.0.0 b", "rf#prod#1 a")
    metrics: Any = {("rf", commit("a")): {"loss": 0.2}, ("rf", commit("b")): {"auc": 0.95, "loss": 0.3}}
    step = only(plan(book, "stage:rf@v2.0.0#prod", policy=GATED, facts=facts(metrics=metrics)))
    assert said(step) == [("gate:auc", "ok"), ("gate:loss", "refused")]
    assert "v1.0.0 in prod has 0.2" in step.verdicts[1].message


def test_rules__gates_of_a_version_of_this_change__are_of_the_merge_commit():
    metrics: Any = {("rf", MERGE): {"auc": 0.95, "loss": 0.3}}
    step = plan(ledger(), "version:minor", "stage:prod", policy=GATED, facts=facts(metrics=metrics))[1]
    assert said(step) == [("gate:auc", "ok"), ("gate:loss", "ok")]


def test_rules__gates_and_no_metrics_read__are_refused():
    step = only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=GATED))
    assert said(step) == [("gate:auc", "refused"), ("gate:loss", "refused")]


def test_rules__gates_of_another_artifact__are_not_looked_at():
    metrics: Any = {("churn", MERGE): {"auc": 0.95, "loss": 0.3}}
    assert (
        only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=GATED, facts=facts(metrics=metrics))).state == "refused"
    )


def test_rules__all_of_a_stage__in_one_order():
    everything = policy(
        "stages: {staging: {}, prod: {after: [staging], approvals: {}, gates: [{metric: auc, min: 1}], "
        "freeze: [{from: 2000-01-01T00:00:00Z, to: 2001-01-01T00:00:00Z}]}}"
    )
    step = only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=everything))
    assert [rule for rule, _ in said(step)] == ["after", "gate:auc", "freeze", "approvals"]


def test_rules__of_an_artifact_by_glob__are_its_own():
    by_glob = policy('stages: {prod: {}}\nartifacts: {"r*": {stages: {prod: {approvals: {count: 2}}}}}')
    steps = plan(ledger("rf@v1.0.0 e", "churn@v1.0.0 e"), "stage:prod", touched=("rf", "churn"), policy=by_glob)
    assert [(step.intent.artifact, step.state) for step in steps] == [("churn", "ok"), ("rf", "waiting")]


OTHERS = policy("stages: {prod: {}}\nother_stages: refuse")


@pytest.mark.parametrize("label", ["stage:dev", "stage:rf@v1.0.0#dev", "rollback:rf#dev"])
@pytest.mark.parametrize("rules", [OTHERS, GUARDED], ids=["said", "by the list alone"])
def test_other_stages__policy_lists_stages__nothing_gets_another(label, rules):
    book = ledger("rf@v1.0.0 e", "rf@v0.9.0 a", "rf#dev#1 a", "rf#dev#2 e")
    assert said(only(plan(book, label, policy=rules))) == [("other-stages", "refused")]


def test_other_stages__a_slip__is_told_the_listed_one():
    fix = only(plan(ledger("rf@v1.0.0 e", "rf#prdo#1 e"), "rollback:rf#prdo", policy=OTHERS)).verdicts[0].fix
    assert "It lists prod. Did you mean prod?" in fix


@pytest.mark.parametrize("label", ["stage:prod", "version:minor", "deprecate:rf", "unstage:rf#dev"])
def test_other_stages__refused_by_the_policy__leaves_all_else_be(label):
    assert only(plan(ledger("rf@v1.0.0 e", "rf#dev#1 e"), label, policy=OTHERS)).state == "ok"


@pytest.mark.parametrize(
    "free",
    [
        "stages: {prod: {}}\nother_stages: allow",
        "max_artifacts: 3",
        'artifacts: {"churn": {stages: {prod: {}}}}',
        "stages: {prod: {}}\nartifacts: {churn: {stages: {dev: {}}}, rf: {stages: {prod: {after: [dev]}}}}",
        "stages: {prod: {}}\nartifacts: {churn: {stages: {dev: {}}}, rf: {stages: {prod: {gates: [{metric: a, "
        "not_worse_than: dev}]}}}}",
    ],
    ids=["allowed", "no list", "a list for another artifact", "another comes after it", "compared with it"],
)
def test_other_stages__allowed_or_none_listed_or_named_by_a_rule__are_free(free):
    assert only(plan(ledger("rf@v1.0.0 e"), "stage:dev", policy=policy(free))).verdicts == ()


# Rollback, unstage, deprecate

EVERYTHING = policy(
    "stages: {staging: {}, prod: {after: [staging], soak: 1h, approvals: {count: 1}, gates: [{metric: auc, min: 1}], "
    "freeze: [{from: 2000-01-01T00:00:00Z, to: 2099-01-01T00:00:00Z}]}}"
)
TWICE = ledger("rf@v1.0.0 a", "rf@v2.0.0 b", "rf#prod#1 a", "rf#prod#2 b")


def test_rollback__goes_to_the_version_that_held_the_stage_before():
    step = only(plan(TWICE, "rollback:rf#prod"))
    assert tags([step]) == [("rf#prod#3", commit("a"))]
    assert (step.before, step.version) == ("v2.0.0", "v1.0.0")


def test_rollback__is_exempt_from_all_rules_but_approvals():
    assert said(only(plan(TWICE, "rollback:rf#prod", policy=EVERYTHING))) == [
        ("approvals", "waiting"), ("held", "ok"),
    ]  # fmt: skip
    given = facts(people=approved("bob"))
    assert only(plan(TWICE, "rollback:rf#prod", policy=EVERYTHING, facts=given)).state == "ok"


def test_rollback__by_request_file__is_the_same():
    step = only(plan(TWICE, files={"promotions/prod/x.yaml": "- {artifact: rf, rollback: true}"}))
    assert tags([step]) == [("rf#prod#3", commit("a"))]


def test_rollback__after_a_rollback__walks_further_back():
    book = ledger("rf@v1.0.0 a", "rf@v2.0.0 b", "rf@v3.0.0 c", "rf#prod#1 a", "rf#prod#2 b", "rf#prod#3 c")
    once = book.after(plan(book, "rollback:rf#prod", facts=facts(merged_change(url=OTHER_URL))))
    assert only(plan(once, "rollback:rf#prod")).version == "v1.0.0"


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        (("rf@v1.0.0 a",), "unknown-stage"),
        (("rf@v1.0.0 a", "rf#prod#1 a"), "nothing-to-roll-back-to"),
        (("rf@v1.0.0 a", "rf#prod#1 a", "rf#prod!#2 a"), "empty-stage"),
    ],
)
def test_rollback__nowhere_to_go__is_refused(lines, rule):
    assert said(only(plan(ledger(*lines), "rollback:rf#prod"))) == [(rule, "refused")]


def test_unstage__takes_the_stage_from_its_holder():
    step = only(plan(TWICE, "unstage:rf#prod"))
    assert tags([step]) == [("rf#prod!#3", commit("b"))]
    assert (step.before, step.version) == ("v2.0.0", "v2.0.0")


def test_unstage__of_a_guarded_stage__needs_its_approvals_and_no_freeze():
    assert said(only(plan(TWICE, "unstage:rf#prod", policy=EVERYTHING))) == [
        ("freeze", "waiting"),
        ("approvals", "waiting"),
    ]


@pytest.mark.parametrize(("lines", "rule"), [((), "unknown-stage"), (("rf#prod#1 a", "rf#prod!#2 a"), "empty-stage")])
def test_unstage__that_nobody_holds__is_refused(lines, rule):
    assert said(only(plan(ledger("rf@v1.0.0 a", *lines), "unstage:rf#prod"))) == [(rule, "refused")]


def test_deprecate__hides_the_artifact():
    step = only(plan(TWICE, "deprecate:rf"))
    assert tags([step]) == [("rf@deprecated", commit("b"))]


def test_deprecate__needs_the_approvals_of_every_stage_that_it_holds():
    two = policy("stages: {dev: {approvals: {from: [dan]}}, prod: {approvals: {from: [bob]}}, empty: {approvals: {}}}")
    book = ledger("rf@v1.0.0 a", "rf#prod#1 a", "rf#dev#2 a")
    step = only(plan(book, "deprecate:rf", policy=two, facts=facts(people=approved("bob"))))
    assert [(v.state, v.message) for v in step.verdicts] == [
        ("waiting", "dev: 0 of 1 approval."),
        ("ok", "prod: 1 of 1 approval."),
    ]
    step = only(plan(book, "deprecate:rf", policy=two, facts=facts(people=approved("bob", "dan"))))
    assert step.state == "ok"
    assert [line.split()[0] for line in step.approved_by] == ["dan", "bob"]


def test_deprecate__one_person_for_two_stages__is_named_once():
    two = policy("stages: {dev: {approvals: {}}, prod: {approvals: {}}}")
    book = ledger("rf@v1.0.0 a", "rf#prod#1 a", "rf#dev#2 a")
    assert len(only(plan(book, "deprecate:rf", policy=two, facts=facts(people=approved("bob")))).approved_by) == 1


def test_deprecate__holds_no_stage__needs_nobody():
    assert only(plan(ledger("rf@v1.0.0 a"), "deprecate:rf", policy=GUARDED)).verdicts == ()


def test_deprecate__artifact_that_was_never_registered__is_refused():
    assert said(only(plan(ledger(), "deprecate:rf"))) == [("unknown-artifact", "refused")]


def test_deprecate__deprecated_already__makes_no_tag():
    step = only(plan(ledger("rf@v1.0.0 a", "rf@deprecated a"), "deprecate:rf"))
    assert (step.new, step.state, step.rows[0].tag) == ((), "ok", "rf@deprecated")


def test_deprecated__assigned_again__comes_back():
    step = only(plan(ledger("rf@v1.0.0 a", "rf#prod#1 a", "rf@deprecated a"), "stage:rf@v1.0.0#prod"))
    assert tags([step]) == [("rf#prod#2", commit("a"))]


# Trailers

FULL = policy("stages: {prod: {approvals: {}}}\n# digest")
RUN = "https://forge.example/runs/1"


def full_facts(**fields: Any) -> Facts:
    values: dict[str, Any] = {
        "people": approved("bob", "carol"),
        "contents": {("rf", at): Content("md5:ab", "s3://b/m") for at in (MERGE, HEAD)},
        "run_url": RUN,
    }
    return facts(**(values | fields))


def test_trailers__of_a_registration__are_complete_and_in_order():
    step = only(plan(ledger("rf@v1.0.0 a"), "version:minor", policy=FULL, facts=full_facts()))
    assert trailers(step) == [
        ("Change", URL),
        ("Merge-Commit", MERGE),
        ("Requested-By", "zoe"),
        ("Policy", FULL.digest),
        ("Artifact-Digest", "md5:ab"),
        ("Artifact-Uri", "s3://b/m"),
        ("Run", RUN),
    ]
    assert step.new[0].message.startswith("Registering artifact rf version v1.1.0\n\n")


def test_trailers__of_an_assignment__are_complete_and_in_order():
    book = ledger("rf@v1.0.0 a", "rf#prod#1 a")
    files = {"promotions/prod/x.yaml": "- {artifact: rf, version: this, reason: quarterly}"}
    step = plan(book, "version:minor", "stage:rf#prod", files=files, policy=FULL, facts=full_facts())[1]
    when = format_time(int(LABELLED) + 60)
    assert trailers(step) == [
        ("Previous", "v1.0.0"),
        ("Change", URL),
        ("Merge-Commit", MERGE),
        ("Requested-By", "zoe"),
        ("Requested-By", "alice"),
        ("Approved-By", f"bob {HEAD} {when}"),
        ("Approved-By", f"carol {HEAD} {when}"),
        ("Policy", FULL.digest),
        ("Reason", "quarterly"),
        ("Artifact-Digest", "md5:ab"),
        ("Artifact-Uri", "s3://b/m"),
        ("Run", RUN),
    ]


def test_trailers__of_a_rollback__say_from_where():
    step = only(plan(TWICE, "rollback:rf#prod"))
    assert trailers(step)[:2] == [("Previous", "v2.0.0"), ("Rollback-From", "v2.0.0")]
    assert ("Change", URL) in trailers(step)


def test_trailers__of_an_unassignment__say_who_held_it():
    assert trailers(only(plan(TWICE, "unstage:rf#prod")))[0] == ("Previous", "v2.0.0")


def test_trailers__no_policy_file__says_none():
    assert ("Policy", "none") in trailers(only(plan(ledger(), "version:minor")))


def test_trailers__what_nobody_knows__is_left_out():
    asks, _ = asked("version:minor")
    wanted = [Intent("rf", Action.REGISTER, None, "minor", (replace(asks[0], by=None, at=None),))]
    step = only(plan_intents(ledger(), wanted, NO_POLICY, facts()))
    assert trailers(step) == [("Change", URL), ("Merge-Commit", MERGE), ("Policy", "none")]


@pytest.mark.parametrize(
    ("review", "expected"),
    [
        (Review("bob", "approved", None, LABELLED + 60.7, HEAD), f"bob {format_time(int(LABELLED) + 60)}"),
        (Review("bob", "approved", HEAD, None), f"bob {HEAD}"),
    ],
)
def test_trailers__approval_without_its_commit_or_time__has_the_rest(review, expected):
    loose = policy("stages: {prod: {approvals: {fresh: false}}}")
    given = facts(people=People(Reviews((review,)), {"bob": True}))
    assert ("Approved-By", expected) in trailers(
        only(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=loose, facts=given))
    )


def test_trailers__of_an_older_version__are_what_its_own_tag_says():
    message = "Registering artifact rf version v1.0.0\n\nArtifact-Digest: md5:old\nArtifact-Uri: s3://b/old\n"
    book = ledger("rf@v1.0.0 a", messages={"rf@v1.0.0": message})
    found = trailers(only(plan(book, "stage:rf@v1.0.0#prod", facts=full_facts())))
    assert ("Artifact-Digest", "md5:old") in found
    assert ("Artifact-Uri", "s3://b/old") in found


def test_trailers__of_an_older_version_whose_tag_says_nothing__are_not_this_changes():
    assert "Artifact-Digest" not in dict(
        trailers(only(plan(ledger("rf@v1.0.0 a"), "stage:rf@v1.0.0#prod", facts=full_facts())))
    )


@pytest.mark.parametrize(
    "reason", ["a\nChange: https://evil.example/1", "a\r\n\r\nChange: x", "x\u2028Change: y", "\x00Change: z"]
)
def test_trailers__text_with_line_breaks__forges_no_trailer(reason):
    wanted = [
        Intent(
            "rf", Action.REGISTER, None, "minor", (Ask(Action.REGISTER, "f:1", "rf", reason=reason, by="a\nRun: x"),)
        )
    ]
    (tag,) = only(plan_intents(ledger(), wanted, NO_POLICY, facts())).new
    parsed = parse_trailers(tag.message)
    assert parsed["Change"] == [URL]
    assert "Run" not in parsed


# What was done before


def test_done__on_a_commit_with_a_withdrawn_version_too__is_of_the_one_that_counts():
    book = ledger("rf@v0.1.0 a", "rf@v2.0.0 a", "rf@v2.0.0! a", "rf#dev#1 a")
    step = only(plan(book, "unstage:rf#dev"))
    again = only(plan(book.after([step]), "unstage:rf#dev"))
    assert (again.done, step.version, again.version) == (True, "v0.1.0", "v0.1.0")


def test_done__tags_with_this_changes_trailer__nothing_is_made_again():
    book = ledger("rf@v1.0.0 a", "rf#prod#1 a")
    first = plan(book, "version:minor", "stage:prod", policy=GUARDED, facts=full_facts())
    again = plan(book.after(first), "version:minor", "stage:prod", policy=GUARDED, facts=facts())
    assert [(step.done, step.new, step.verdicts) for step in again] == [(True, (), ()), (True, (), ())]
    assert [step.rows[0]._replace(created=True) for step in again] == [step.rows[0] for step in first]
    assert again[1].approved_by == first[1].approved_by


def later(book: Ledger, *lines: str) -> Ledger:
    """The ledger with tags that somebody made afterwards."""
    extra = ledger(*(f"{line} {NOW + 10 * place + 1000 - START}" for place, line in enumerate(lines)))
    return Ledger([*book.tags, *extra.tags])


@pytest.mark.parametrize(
    "meanwhile",
    [
        ("rf@v9.0.0 c", "rf#prod#9 c"),
        ("rf#prod!#9 e",),
        ("rf@v1.1.0! e",),
        ("rf@deprecated e",),
        ("rf@v9.0.0 c", "rf#prod#9 c", "rf#prod!#10 c"),
    ],
)
def test_done__whatever_happened_since__stays_done(meanwhile):
    first = plan(ledger("rf@v1.0.0 a"), "version:minor", "stage:prod")
    book = later(ledger("rf@v1.0.0 a").after(first), *meanwhile)
    again = plan(book, "version:minor", "stage:prod", facts=facts(newer={commit("c"): True}))
    assert all(step.done and step.state == "ok" and not step.new for step in again)
    assert [step.version for step in again] == ["v1.1.0", "v1.1.0"]


def test_done__of_another_change__is_not_of_this_one():
    book = ledger("rf@v1.0.0 a", "rf@v2.0.0 b")
    other = plan(book, "stage:rf@v1.0.0#prod", facts=facts(merged_change(url=OTHER_URL)))
    step = only(plan(book.after(other), "stage:rf@v2.0.0#prod"))
    assert (step.done, len(step.new)) == (False, 1)


@pytest.mark.parametrize("url", [f"{URL}1", URL[:-2], URL.replace("forge.", "other.")])
def test_done__address_that_is_only_alike__is_not_of_this_change(url):
    book = ledger("rf@v1.0.0 a")
    other = plan(book, "stage:rf@v1.0.0#prod", facts=facts(merged_change(url=url)))
    assert not only(plan(later(book.after(other), "rf#prod!#9 a"), "stage:rf@v1.0.0#prod")).done


def test_done__registration_alone__the_stage_is_still_to_do():
    book = ledger().after(plan(ledger(), "version:minor"))
    steps = plan(book, "version:minor", "stage:prod")
    assert [step.done for step in steps] == [True, False]
    assert tags(steps) == [("rf#prod#1", MERGE)]


def test_done__one_stage__another_of_the_same_artifact_is_still_to_do():
    book = ledger("rf@v1.0.0 e")
    book = book.after(plan(book, "stage:dev"))
    assert [(step.intent.stage, step.done) for step in plan(book, "stage:dev", "stage:prod")] == [
        ("dev", True),
        ("prod", False),
    ]


@pytest.mark.parametrize(
    "label", ["rollback:rf#prod", "unstage:rf#prod", "deprecate:rf", "version:minor", "stage:rf@v1.0.0#prod"]
)
def test_done__each_kind__once_carried_out(label):
    (intent,) = intents(label, tagged=("rf",))
    before, after = TWICE, TWICE.after(plan(TWICE, label))
    assert not_done([intent], before.state(), before.raw, merged_change()) == [intent]
    assert not_done([intent], after.state(), after.raw, merged_change()) == []
    assert not_done([intent], after.state(), after.raw, merged_change(url=OTHER_URL)) == [intent]
    again = only(plan(after, label))
    assert (again.done, again.version) == (True, only(plan(before, label)).version)


@pytest.mark.parametrize("label", ["rollback:rf#prod", "unstage:rf#prod", "version:minor", "stage:rf@v1.0.0#prod"])
def test_done__tells_what_was_there_before__as_the_run_that_did_it(label):
    """A run that completes another writes the comment anew: the column must not say what it made itself."""
    told = only(plan(TWICE, label)).before
    assert told is not None
    assert only(plan(TWICE.after(plan(TWICE, label)), label)).before == told


def test_done__tag_that_is_no_event__does_not_count():
    """A lightweight tag of that name, or a message that was not read."""
    book = ledger("rf@v1.0.0 e")
    done = book.after(plan(book, "stage:prod"))
    assert only(plan_artifact(done.state(), {}, intents("stage:prod"), facts(), NO_POLICY)).done is False


# After the merge


def test_settle__what_is_not_ok__makes_no_tags_and_is_refused():
    free_too = policy("stages: {prod: {approvals: {count: 1}}, dev: {}}")
    steps = plan(ledger("rf@v1.0.0 e"), "stage:prod", "stage:dev", policy=free_too)
    settled = settle(decided(steps), free_too)
    assert [name for name, _ in tags(settled.steps)] == ["rf#dev#1"]
    assert [(r.artifact, r.stage, r.rule) for r in settled.refused] == [("rf", "prod", "approvals")]
    assert settled.verdict == "refused"


@pytest.mark.parametrize("unknown", [Unknown("The approvals", "A token.")])
def test_settle__what_cannot_be_read__is_refused(unknown):
    steps = plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=GUARDED, facts=facts(people=People(reviews=unknown)))
    settled = settle(decided(steps), GUARDED)
    assert (settled.verdict, settled.rows) == ("refused", [])


@pytest.mark.parametrize("change", [open_change(), merged_change()], ids=["open", "merged"])
@pytest.mark.parametrize("can_read", [True, False])
def test_unreadable__is_what_a_better_token_would_decide_after_the_merge(change, can_read):
    people = People() if can_read else People(reviews=Unknown("The approvals", "A token."))
    steps = plan(ledger("rf@v1.0.0 e", "rf@v1.1.0 d"), "stage:prod", policy=GUARDED, facts=facts(change, people=people))
    assert decided(steps, change).unreadable == (change.merged and not can_read)


ATOMIC = policy("stages: {prod: {approvals: {}}, dev: {}}\natomic: change")


def test_atomic__something_is_refused__nothing_is_made():
    steps = plan(ledger("rf@v1.0.0 e"), "version:churn@minor", "stage:prod", "stage:dev", policy=ATOMIC)
    settled = settle(decided(steps), ATOMIC)
    assert tags(settled.steps) == []
    assert settled.rows == []
    assert {(r.artifact, r.stage): r.rule for r in settled.refused} == {
        ("churn", None): "atomic",
        ("rf", "dev"): "atomic",
        ("rf", "prod"): "approvals",
    }


def test_atomic__everything_is_ok__all_is_made():
    steps = plan(
        ledger("rf@v1.0.0 e"), "version:churn@minor", "stage:prod", policy=ATOMIC, facts=facts(people=approved("bob"))
    )
    assert len(tags(settle(decided(steps), ATOMIC).steps)) == 2


def test_atomic__refused_by_an_earlier_run__nothing_is_made():
    steps = plan(ledger("rf@v1.0.0 e"), "stage:dev", policy=ATOMIC)
    final = (Refusal("rf", "prod", "approvals", "0 of 1 approval.", ""),)
    assert tags(settle(decided(steps, final=final), ATOMIC).steps) == []


def test_atomic__what_was_done_before__stays():
    book = ledger("rf@v1.0.0 e").after(plan(ledger("rf@v1.0.0 e"), "stage:dev"))
    settled = settle(decided(plan(book, "stage:dev", "stage:prod", policy=ATOMIC)), ATOMIC)
    assert [(step.intent.stage, step.done, len(step.rows)) for step in settled.steps] == [
        ("dev", True, 1),
        ("prod", False, 0),
    ]


def test_not_atomic__something_is_refused__the_rest_is_made():
    steps = plan(ledger("rf@v1.0.0 e"), "version:churn@minor", "stage:prod", policy=GUARDED)
    assert tags(settle(decided(steps), GUARDED).steps) == [("churn@v0.1.0", MERGE)]


# The outcome


def test_decided__nothing_was_asked__is_nothing():
    assert decided([]).verdict == "nothing"


def test_decided__mistakes__refuse_the_change_as_a_whole():
    wrong = decided([], mistakes=(Mistake("stages:prod", "It is none.", "Did you mean stage:prod?"),))
    assert wrong.verdict == "refused"
    assert wrong.refused == [Refusal(None, None, "request", "stages:prod: It is none.", "Did you mean stage:prod?")]


def test_decided__refusals_of_an_earlier_run__stand():
    final = (Refusal("rf", "prod", "approvals", "0 of 1 approval.", ""),)
    assert (decided([], final=final).verdict, decided([], final=final).refused) == ("refused", list(final))


@pytest.mark.parametrize("state", ["waiting", "unknown"])
def test_decided__before_the_merge__waits_for_people_and_tokens(state):
    reviews: Any = Unknown("The approvals", "A token.") if state == "unknown" else Reviews(())
    change = open_change()
    steps = plan(
        ledger("rf@v1.0.0 d"), "stage:prod", policy=GUARDED, facts=facts(change, people=People(reviews=reviews))
    )
    found = decided(steps, change)
    assert (found.verdict, found.refused) == ("waiting", [])
    assert [(w.artifact, w.stage, w.rule) for w in found.waiting] == [("rf", "prod", "approvals")]


def test_decided__after_the_merge__nothing_waits_any_more():
    found = decided(plan(ledger("rf@v1.0.0 e"), "stage:prod", policy=GUARDED))
    assert (found.waiting, [r.rule for r in found.refused]) == ([], ["approvals"])


def test_decided__one_refused_and_one_waiting__is_refused():
    change = open_change()
    steps = plan(ledger("rf@v1.0.0 d"), "stage:prod", "rollback:rf#dev", policy=GUARDED, facts=facts(change))
    found = decided(steps, change)
    assert (found.verdict, len(found.refused), len(found.waiting)) == ("refused", 1, 1)


def test_decided__rows_and_intents__are_the_steps_in_order():
    found = decided(plan(ledger(), "version:minor", "stage:prod"))
    assert [row.tag for row in found.rows] == ["rf@v0.1.0", "rf#prod#1"]
    assert [intent.action for intent in found.intents] == [Action.REGISTER, Action.ASSIGN]


# Any ledger, any requests

LETTERS = "abce"
STAGES = ("dev", "prod", "staging")
POLICIES = (
    NO_POLICY,
    AFTER,
    GUARDED,
    ATOMIC,
    OTHERS,
    policy("stages: {dev: {}, staging: {after: [dev]}, prod: {after: [staging, dev], soak: 1m}}"),
)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """Any tags of one artifact, some in the same second, some on one commit."""
    lines: dict[str, str] = {}
    time = 0
    for counter in range(1, draw(st.integers(1, 10))):
        time += draw(st.integers(0, 90))
        version = draw(st.sampled_from(["v0.1.0", "v1.0.0", "v1.1.0-rc.1", "v2.0.0"]))
        stage = draw(st.sampled_from(STAGES))
        name = draw(st.sampled_from([
            f"rf@{version}", f"rf@{version}", f"rf#{stage}#{counter}", f"rf#{stage}#{counter}",
            f"rf#{stage}!#{counter}", f"rf@{version}!", "rf@deprecated",
        ]))  # fmt: skip
        lines.setdefault(name, f"{name} {draw(st.sampled_from(LETTERS))} {time}")
    return ledger(*lines.values())


@st.composite
def wanted_intents(draw: st.DrawFn) -> list[Intent]:
    """What resolve could give for one artifact: one intent a stage, a registration or none, or a deprecation alone."""
    ask = Ask(Action.ASSIGN, "label", by="zoe", at=LABELLED)
    if draw(st.integers(0, 9)) == 0:
        return [Intent("rf", Action.DEPRECATE, None, None, (ask,))]
    found = []
    which = draw(st.sampled_from([None, "patch", "minor", "major", "v1.0.0", "v3.0.0"]))
    if which is not None:
        found.append(Intent("rf", Action.REGISTER, None, which, (ask,)))
    for stage in draw(st.lists(st.sampled_from(STAGES), unique=True)):
        action = draw(st.sampled_from([Action.ASSIGN, Action.ASSIGN, Action.ROLLBACK, Action.UNASSIGN]))
        target = draw(st.sampled_from([THIS, THIS, LATEST, "v1.0.0"])) if action is Action.ASSIGN else None
        found.append(Intent("rf", action, stage, target, (ask,)))
    return found


@st.composite
def situations(draw: st.DrawFn) -> tuple[Ledger, list[Intent], Policy, Facts]:
    newer = {commit(letter): draw(st.sampled_from([True, False, False, None])) for letter in LETTERS}
    people = approved("bob") if draw(st.booleans()) else People()
    chosen = draw(st.sampled_from(POLICIES))
    return draw(ledgers()), draw(wanted_intents()), chosen, facts(newer=newer, people=people)


Situation = tuple[Ledger, list[Intent], Policy, Facts]


def carried_out(situation: Situation) -> tuple[Sequence[Step], Ledger]:
    """The steps that are settled after the merge, and the ledger after them."""
    book, wanted, rules, given = situation
    steps = settle(decided(plan_intents(book, wanted, rules, given)), rules).steps
    return steps, book.after(steps)


@given(situations())
def test_plan__of_one_situation__is_always_the_same(situation):
    book, wanted, rules, given = situation
    shuffled = Ledger(book.tags[::-1])
    assert plan_intents(book, wanted, rules, given) == plan_intents(shuffled, wanted, rules, given)


@given(situations())
def test_plan__its_tags__are_new_later_than_everything_and_counted_once(situation):
    book = situation[0]
    steps, after = carried_out(situation)
    new = [tag for step in steps for tag in step.new]
    assert len({tag.name for tag in after.tags}) == len(after.tags)
    times = [book.state().newest, *(tag.time for tag in new)]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert all(tag.time >= NOW for tag in new)
    counters = [parsed.counter for tag in new if (parsed := parse_tag(tag.name)) and parsed.counter is not None]
    assert all(counter > book.state().counter for counter in counters)
    assert len(set(counters)) == len(counters)


def keeps(step: Step, state: ArtifactState) -> bool:
    """Whether a state is what a step promised."""
    intent = step.intent
    match intent.action:
        case Action.REGISTER:
            row = state.version(step.version or "")
            return row is not None and row.active and row.commit == MERGE
        case Action.DEPRECATE:
            return state.deprecated
        case Action.UNASSIGN:
            hold = state.stages.get(intent.stage or "")
            return hold is None or hold.commit != step.rows[0].commit
    hold = state.stages.get(intent.stage or "")
    return hold is not None and hold.version == step.version and hold.commit == step.rows[0].commit


@given(situations())
def test_plan__carried_out__the_registry_is_what_the_steps_promised(situation):
    steps, after = carried_out(situation)
    for step in steps:
        assert (step.state == "ok") or step.rows == ()
        if step.new:
            assert keeps(step, after.state()), step
            assert len(step.new) == 1
            assert step.new[0].name == step.rows[-1].tag


@given(situations())
def test_plan__carried_out__only_what_was_asked_for_has_changed(situation):
    book = situation[0]
    steps, after = carried_out(situation)
    asked_for = {step.intent.stage for step in steps if step.new}
    before, now = book.state(), after.state()
    for stage in STAGES:
        if stage not in asked_for:
            old, new = before.stages.get(stage), now.stages.get(stage)
            # A stage tag on the merge commit finds its version once that is registered.
            assert (old and old.tag) == (new and new.tag) or (new is not None and new.commit == MERGE)


@given(situations())
def test_plan__carried_out__again_makes_nothing(situation):
    _, wanted, rules, given = situation
    steps, after = carried_out(situation)
    assume(any(step.new for step in steps))
    again = plan_intents(after, wanted, rules, given)
    for step in again:
        before = next(s for s in steps if s.intent.key == step.intent.key)
        if before.new:
            assert step.done
            assert step.new == ()
            assert step.version == before.version


@given(situations())
def test_plan__carried_out_in_two_runs__is_as_in_one(situation):
    """A job that dies after any of its pushes is completed by the next."""
    book, wanted, rules, given = situation
    steps, after = carried_out(situation)
    done = [step for step in steps if step.new]
    for count in range(len(done)):
        halfway = book.after(done[:count])
        rest = settle(decided(plan_intents(halfway, wanted, rules, given)), rules).steps
        again = halfway.after(rest)
        assert {(tag.name, tag.target) for tag in again.tags} == {(tag.name, tag.target) for tag in after.tags}


@given(situations())
def test_plan__every_step__has_its_intent_once_and_says_why_it_makes_nothing(situation):
    _, wanted, _, _ = situation
    steps, _ = carried_out(situation)
    assert {step.intent for step in steps} == set(wanted)
    assert len(steps) == len(wanted)
    for step in steps:
        assert step.new or step.rows or any(verdict.state != "ok" for verdict in step.verdicts)
        for verdict in step.verdicts:
            assert verdict.message


@given(situations())
def test_plan__no_tag_of_a_stage__is_on_a_commit_without_a_version_of_its_own(situation):
    steps, after = carried_out(situation)
    state = after.state()
    registered = {e.commit for e in state.events if e.kind is EventKind.REGISTRATION}
    for step in steps:
        for tag in step.new:
            if step.intent.action in (Action.ASSIGN, Action.ROLLBACK):
                assert tag.commit in registered
