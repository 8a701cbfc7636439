"""Plans as pure functions: whatever was done before, doing it again writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.messages import ROLLBACK_FROM, parse_trailers
from tagline.domain.ledger.planning import (
    NewTag,
    Plan,
    next_version,
    plan_assign,
    plan_deprecate,
    plan_deregister,
    plan_register,
    plan_rollback,
    plan_unassign,
    version_at,
)
from tagline.domain.ledger.registry import ArtifactState, fold
from tagline.domain.ledger.rollback import rollback_target
from tagline.domain.ledger.tags import EventKind, parse_tag
from tagline.errors import TaglineError

COMMITS = [f"{n:x}" * 40 for n in range(1, 7)]
STAGES = ("dev", "prod")
NOW = 1_700_000_000


class Ledger:
    """A ledger of one artifact in memory, written by plans."""

    def __init__(self) -> None:
        self.tags: list[NewTag] = []
        self.now = NOW

    @property
    def state(self) -> ArtifactState:
        raw = [RawTag(t.name, "", "tag", t.commit, "commit", t.time, t.name) for t in self.tags]
        return fold("rf", read_events(raw).events.get("rf", []))

    @property
    def rollbacks(self) -> set[str]:
        return {tag.name for tag in self.tags if ROLLBACK_FROM in parse_trailers(tag.message)}

    def apply(self, plan: Plan) -> Plan:
        self.tags += plan.new
        return plan


Step = tuple[str, Callable[[Ledger], Plan]]


def _register(commit: str, bump: str) -> Step:
    return f"register {commit[:1]} {bump}", lambda led: plan_register(led.state, commit, led.now, bump=bump)  # type: ignore[arg-type]


def _assign(commit: str, stage: str) -> Step:
    def step(led: Ledger) -> Plan:
        return plan_assign(led.state, stage, version_at(led.state, commit, stage), led.now)

    return f"assign {commit[:1]} {stage}", step


def _deregister(commit: str) -> Step:
    def step(led: Ledger) -> Plan:
        return plan_deregister(led.state, version_at(led.state, commit, "prod").version, led.now)

    return f"deregister {commit[:1]}", step


def _unassign(commit: str, stage: str) -> Step:
    def step(led: Ledger) -> Plan:
        return plan_unassign(led.state, stage, version_at(led.state, commit, stage).version, led.now)

    return f"unassign {commit[:1]} {stage}", step


def _rollback(stage: str) -> Step:
    def step(led: Ledger) -> Plan:
        state = led.state
        hold = state.stages.get(stage)
        target = rollback_target(state, stage, led.rollbacks)
        return plan_rollback(state, stage, led.now, target=target, from_version=hold.version if hold else None)

    return f"rollback {stage}", step


commits, stages = st.sampled_from(COMMITS), st.sampled_from(STAGES)
steps = st.lists(
    st.one_of(
        st.builds(_register, commits, st.sampled_from(["major", "minor", "patch"])),
        st.builds(_assign, commits, stages),
        st.builds(_assign, commits, stages),
        st.builds(_unassign, commits, stages),
        st.builds(_deregister, commits),
        st.builds(_rollback, stages),
    ),
    max_size=25,
)


def _play(script: list[Step]) -> Ledger:
    ledger = Ledger()
    for _, step in script:
        try:
            ledger.apply(step(ledger))
        except TaglineError:
            continue  # refused: nothing was written
    return ledger


@given(steps)
def test_plans__any_sequence__keep_the_ledger_clean(script: list[Step]) -> None:
    ledger = _play(script)
    times = [tag.time for tag in ledger.tags]
    assert times == sorted(set(times))
    assert len({tag.name for tag in ledger.tags}) == len(ledger.tags)
    parsed = [parse_tag(tag.name) for tag in ledger.tags]
    counters = Counter(tag.counter for tag in parsed if tag and tag.counter is not None)
    assert all(count == 1 for count in counters.values())
    registered = Counter(t.commit for t, p in zip(ledger.tags, parsed, strict=True) if p.kind is EventKind.REGISTRATION)  # type: ignore[union-attr]
    assert all(count == 1 for count in registered.values())
    assert ledger.state.warnings == []


@given(steps)
def test_plans__each_step_twice__the_second_writes_nothing(script: list[Step]) -> None:
    ledger = Ledger()
    for name, step in script:
        try:
            ledger.apply(step(ledger))
        except TaglineError:
            continue
        if name.startswith(("rollback", "unassign", "deregister")):
            continue  # what they act on by commit has changed; their idempotence has tests of its own
        assert step(ledger).new == [], name


@given(steps, commits, stages)
def test_plan_assign__after_it__the_stage_is_held(script: list[Step], commit: str, stage: str) -> None:
    ledger = _play(script)
    try:
        row = version_at(ledger.state, commit, stage)
    except TaglineError:
        return
    ledger.apply(plan_assign(ledger.state, stage, row, ledger.now))
    assert ledger.state.stages[stage].version == row.version


@given(steps, stages)
def test_rollback__repeated__ends_and_never_returns_to_a_version(script: list[Step], stage: str) -> None:
    ledger = _play(script)
    seen = [ledger.state.stages[stage].version] if stage in ledger.state.stages else []
    for _ in range(len(ledger.tags) + 2):
        target = rollback_target(ledger.state, stage, ledger.rollbacks)
        if stage not in ledger.state.stages or target is None:
            return
        ledger.apply(plan_rollback(ledger.state, stage, ledger.now, target=target))
        assert ledger.state.stages[stage].version == target
        seen.append(target)
    pytest.fail(f"rollback never ends: {seen}")


@pytest.mark.parametrize(
    ("used", "active", "bump", "expected"),
    [
        ([], [], "patch", "v0.0.1"),
        ([], [], "minor", "v0.1.0"),
        ([], [], "major", "v1.0.0"),
        (["v1.0.0"], ["v1.0.0"], "patch", "v1.0.1"),
        (["v1.0.0", "v1.0.1"], ["v1.0.0"], "patch", "v1.0.2"),
        (["v0.0.1"], [], "patch", "v0.0.2"),
        (["v1.2.0-rc.1"], ["v1.2.0-rc.1"], "patch", "v1.2.1"),
        (["v1.0.0", "v1.1.0+build"], ["v1.0.0"], "minor", "v1.2.0"),
        (["v2.0.0", "v1.0.0"], ["v2.0.0", "v1.0.0"], "minor", "v2.1.0"),
    ],
)
def test_next_version__skips_what_was_ever_used(used: list[str], active: list[str], bump: str, expected: str) -> None:
    raw = []
    for number, version in enumerate(used):
        raw.append(RawTag(f"rf@{version}", "", "tag", COMMITS[number], "commit", NOW + number, f"rf@{version}"))
        if version not in active:
            cancel = f"rf@{version}!"
            raw.append(RawTag(cancel, "", "tag", COMMITS[number], "commit", NOW + 100 + number, cancel))
    assert next_version(fold("rf", read_events(raw).events.get("rf", [])), bump) == expected  # type: ignore[arg-type]


def test_plan_deprecate__used_up_name__gets_a_counter() -> None:
    ledger = Ledger()
    ledger.apply(plan_register(ledger.state, COMMITS[0], NOW))
    assert ledger.apply(plan_deprecate(ledger.state, NOW)).new[0].name == "rf@deprecated"
    assert plan_deprecate(ledger.state, NOW).new == []
    ledger.apply(plan_register(ledger.state, COMMITS[1], NOW))
    assert ledger.apply(plan_deprecate(ledger.state, NOW)).new[0].name == "rf@deprecated#1"
