"""The fold: its invariants on any events, and the rules one by one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.events import Event
from tagline.domain.ledger.planning import next_counter
from tagline.domain.ledger.registry import ArtifactState, fold
from tagline.domain.ledger.tags import EventKind, TagName, format_tag
from tagline.domain.ledger.versions import precedence

K = EventKind


def register(version: str, commit: str, time: int, counter: int | None = None) -> Event:
    return _event(K.REGISTRATION, commit, time, version=version, counter=counter)


def deregister(version: str, commit: str, time: int, counter: int | None = None) -> Event:
    return _event(K.DEREGISTRATION, commit, time, version=version, counter=counter)


def assign(stage: str, commit: str, time: int, counter: int | None = None) -> Event:
    return _event(K.ASSIGNMENT, commit, time, stage=stage, counter=time if counter is None else counter)


def unassign(stage: str, commit: str, time: int, counter: int | None = None) -> Event:
    return _event(K.UNASSIGNMENT, commit, time, stage=stage, counter=time if counter is None else counter)


def deprecate(commit: str, time: int, counter: int | None = None) -> Event:
    return _event(K.DEPRECATION, commit, time, counter=counter)


def _event(
    kind: EventKind,
    commit: str,
    time: int,
    version: str | None = None,
    stage: str | None = None,
    counter: int | None = None,
) -> Event:
    tag = format_tag(TagName("rf", kind, version, stage, counter))
    return Event(time, counter or 0, tag, "rf", kind, version, stage, commit)


@st.composite
def histories(draw: st.DrawFn, last: int = 25) -> list[Event]:
    """Any events of one artifact, with unique tags; many share a second or a commit."""
    events: dict[str, Event] = {}
    for counter in range(1, draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(K))
        version = draw(st.sampled_from(("v1.0.0", "v1.1.0", "v2.0.0-rc.1", "v1.0.0+b")))
        stage = draw(st.sampled_from(("prod", "dev")))
        event = _event(
            kind,
            commit=draw(st.sampled_from(("aaaa", "bbbb", "cccc"))),
            time=draw(st.integers(0, last)),
            version=version if kind in (K.REGISTRATION, K.DEREGISTRATION) else None,
            stage=stage if kind in (K.ASSIGNMENT, K.UNASSIGNMENT) else None,
            counter=draw(st.sampled_from((None, counter))),
        )
        events.setdefault(event.tag, event)
    return list(events.values())


def state(*events: Event, as_of: int | None = None) -> ArtifactState:
    return fold("rf", events, as_of=as_of)


def codes(folded: ArtifactState) -> list[tuple[str, str | None]]:
    return [(warning.code, warning.tag) for warning in folded.warnings]


# Invariants


@given(histories(), st.randoms())
def test_fold__any_order_of_input__same_state(events, random):
    shuffled = random.sample(events, len(events))
    assert fold("rf", shuffled) == fold("rf", events)


@given(histories(), st.integers(-1, 26))
def test_fold__as_of_an_instant__is_the_fold_of_what_had_happened(events, instant):
    assert fold("rf", events, as_of=instant) == fold("rf", [e for e in events if e.time <= instant])


@given(histories())
def test_fold__as_of_each_second__answers_what_the_history_of_holds_says(events):
    """Two ways to the same past: fold less, or look into the holds of the whole fold.

    Only their version can differ: a registration is known from its own time on in both.
    """
    whole = fold("rf", events)
    for instant in range(-1, 27):
        then = fold("rf", events, as_of=instant)
        for stage, holds in whole.holds.items():
            held = [h for h in holds if h.since <= instant and (h.until is None or h.until > instant)]
            now = then.stages.get(stage)
            assert [(h.commit, h.version) for h in held] == ([(now.commit, now.version)] if now else [])


@given(histories())
def test_fold__holders__are_active_and_named_by_a_live_assignment(events):
    folded = fold("rf", events)
    by_tag = {event.tag: event for event in events}
    for stage, hold in folded.stages.items():
        assigned = by_tag[hold.tag]
        assert (assigned.kind, assigned.stage, assigned.commit) == (K.ASSIGNMENT, stage, hold.commit)
        last = max(e for e in events if e.stage == stage and e.commit == hold.commit)
        assert last == assigned
        row = folded.version(hold.version) if hold.version else None
        assert row is None or row.active
        assert row is None or stage in row.stages


@given(histories())
def test_fold__holders__are_what_looking_at_each_commit_afresh_finds(events):
    """The incremental fold against the definition, which needs no order of application."""
    folded = fold("rf", events)
    for stage in {e.stage for e in events if e.stage}:
        live = []
        for commit in {e.commit for e in events}:
            newest = max((e for e in events if e.stage == stage and e.commit == commit), default=None)
            registered = {e.version for e in events if e.kind is K.REGISTRATION and e.commit == commit}
            there = [row for row in folded.versions if row.version in registered]
            active = [row for row in there if row.active]
            if newest is not None and newest.kind is K.ASSIGNMENT and (active or not there):
                live.append((newest, precedence(active[0].version) if active else None))
        hold = folded.stages.get(stage)
        if not live:
            assert hold is None
        else:
            event, rank = max(live)
            assert hold is not None
            assert (hold.tag, hold.commit) == (event.tag, event.commit)
            assert (precedence(hold.version) if hold.version else None) == rank


@given(histories())
def test_fold__holds__follow_one_another_without_overlap(events):
    folded = fold("rf", events)
    for stage, holds in folded.holds.items():
        for earlier, later in pairwise(holds):
            assert earlier.until is not None
            assert earlier.since <= earlier.until <= later.since
            touching = earlier.until == later.since
            assert (
                not touching
                or (earlier.commit, earlier.version) != (later.commit, later.version)
                or (earlier.since == earlier.until or _taken_between(events, stage, earlier.until))
            )
        assert (folded.stages.get(stage) is not None) == bool(holds and holds[-1].until is None)
        if stage in folded.stages:
            assert folded.stages[stage] is holds[-1]
        for hold in holds:
            assert hold.stage == stage
            assert hold.opened_by in {e.tag for e in events if e.time == hold.since}


def _taken_between(events: list[Event], stage: str, second: int) -> bool:
    """Whether several events of that second can have taken and given the stage."""
    return sum(e.time == second for e in events) > 1


@given(histories())
def test_fold__versions__highest_first_with_their_newest_registration(events):
    folded = fold("rf", events)
    registered = {e.version for e in events if e.kind is K.REGISTRATION}
    assert {row.version for row in folded.versions} == registered
    assert len(folded.versions) == len(registered)
    assert all(precedence(a.version) >= precedence(b.version) for a, b in pairwise(folded.versions))
    for row in folded.versions:
        newest = max(e for e in events if e.kind is K.REGISTRATION and e.version == row.version)
        assert (row.tag, row.commit, row.registered_at) == (newest.tag, newest.commit, newest.time)
        last = max(e for e in events if e.version == row.version)
        assert row.active == (last.kind is K.REGISTRATION)
        assert row.stages == sorted(s for s, hold in folded.stages.items() if hold.version == row.version)


@given(histories())
def test_fold__latest__is_the_highest_active_version(events):
    folded = fold("rf", events)
    active = [precedence(row.version) for row in folded.versions if row.active]
    assert (folded.latest is None) == (not active)
    if folded.latest is not None:
        assert folded.latest.active
        assert precedence(folded.latest.version) == max(active)


@given(histories())
def test_fold__deprecated__says_what_the_newest_event_says(events):
    folded = fold("rf", events)
    assert folded.deprecated == (bool(events) and max(events).kind is K.DEPRECATION)
    assert folded.newest == max((e.time for e in events), default=0)
    assert folded.counter == max((e.counter for e in events), default=0)
    assert folded.events == sorted(events)


@given(histories())
def test_fold__warnings__name_tags_that_are_there(events):
    tags = {event.tag for event in events}
    assert {warning.tag for warning in fold("rf", events).warnings} <= tags


@given(histories())
def test_fold__seconds_all_different__never_warns_of_a_tie(events):
    spread = [event._replace(time=number) for number, event in enumerate(sorted(events))]
    assert "same-second" not in {warning.code for warning in fold("rf", spread).warnings}


# The rules


def test_fold__no_events__is_empty():
    folded = state()
    assert (folded.versions, folded.stages, folded.latest, folded.deprecated) == ([], {}, None, False)
    assert (folded.newest, folded.counter) == (0, 0)


def test_stage__assigned_twice__newest_assignment_wins_whatever_the_version():
    versions = [register("v2.0.0", "b", 1), register("v1.0.0", "a", 2)]
    folded = state(*versions, assign("prod", "b", 3), assign("prod", "a", 4))

    assert folded.stages["prod"].version == "v1.0.0"
    assert folded.stages["prod"].tag == "rf#prod#4"


def test_stage__newest_unassigned__falls_back_to_the_one_before_since_then():
    folded = state(
        register("v1.0.0", "a", 1),
        register("v2.0.0", "b", 2),
        assign("prod", "a", 3),
        assign("prod", "b", 4),
        unassign("prod", "b", 5),
    )

    hold = folded.stages["prod"]
    assert (hold.version, hold.tag, hold.since, hold.opened_by) == ("v1.0.0", "rf#prod#3", 5, "rf#prod!#5")
    assert [(h.version, h.since, h.until) for h in folded.holds["prod"]] == [
        ("v1.0.0", 3, 4),
        ("v2.0.0", 4, 5),
        ("v1.0.0", 5, None),
    ]


def test_stage__holder_deregistered__falls_back_and_returns_with_the_registration():
    events = [
        register("v1.0.0", "a", 1),
        register("v2.0.0", "b", 2),
        assign("prod", "a", 3),
        assign("prod", "b", 4),
        deregister("v2.0.0", "b", 5),
        register("v2.0.0", "b", 6, counter=9),
    ]

    assert state(*events[:5]).stages["prod"].version == "v1.0.0"
    assert state(*events).stages["prod"].version == "v2.0.0"
    assert state(*events).stages["prod"].since == 6


def test_stage__holder_deregistered_and_registered_elsewhere__holds_again_where_it_was_assigned():
    folded = state(
        register("v1.0.0", "a", 1),
        assign("prod", "a", 2),
        deregister("v1.0.0", "a", 3),
        register("v1.0.0", "b", 4, counter=9),
    )

    hold = folded.stages["prod"]
    assert (hold.version, hold.commit, hold.since, hold.opened_by) == ("v1.0.0", "a", 4, "rf@v1.0.0#9")


def test_stage__same_version_assigned_again__one_unbroken_hold_decided_by_the_newest_tag():
    folded = state(register("v1.0.0", "a", 1), assign("prod", "a", 2), assign("prod", "a", 3))

    assert len(folded.holds["prod"]) == 1
    hold = folded.stages["prod"]
    assert (hold.since, hold.tag, hold.opened_by) == (2, "rf#prod#3", "rf#prod#2")


def test_stage__assigned_before_the_registration__has_the_version_from_then_on():
    early, late = assign("prod", "a", 1), register("v1.0.0", "a", 2)

    assert state(early).stages["prod"].version is None
    assert codes(state(early)) == [("unregistered-commit", "rf#prod#1")]
    folded = state(early, late)
    assert folded.stages["prod"].version == "v1.0.0"
    assert codes(folded) == []
    assert [(h.version, h.since, h.until) for h in folded.holds["prod"]] == [(None, 1, 2), ("v1.0.0", 2, None)]


def test_stage__several_versions_assigned__earlier_ones_are_not_unassigned():
    folded = state(register("v1.0.0", "a", 1), assign("prod", "a", 2), assign("dev", "a", 3))

    assert folded.version("v1.0.0").stages == ["dev", "prod"]


def test_stage__assigned_to_a_deregistered_version__holds_nothing():
    folded = state(register("v1.0.0", "a", 1), deregister("v1.0.0", "a", 2), assign("prod", "a", 3))

    assert folded.stages == {}


@pytest.mark.parametrize("commit", ["a", "b"])
def test_deregister__on_any_commit__deregisters_by_name(commit):
    folded = state(register("v1.0.0", "a", 1), deregister("v1.0.0", commit, 2))

    assert folded.version("v1.0.0").active is False
    assert codes(folded) == ([] if commit == "a" else [("deregister-elsewhere", "rf@v1.0.0!")])


def test_deregister__before_the_registration__does_not_undo_it():
    folded = state(deregister("v1.0.0", "a", 1), register("v1.0.0", "a", 2))

    assert folded.latest.version == "v1.0.0"
    assert codes(folded) == [("deregister-unknown", "rf@v1.0.0!")]


def test_unassign__of_another_commit__has_no_effect_and_warns():
    folded = state(register("v1.0.0", "a", 1), assign("prod", "a", 2), unassign("prod", "b", 3))

    assert folded.stages["prod"].version == "v1.0.0"
    assert codes(folded) == [("unassign-without-effect", "rf#prod!#3")]


def test_registration__on_two_commits__newest_counts_and_warns():
    folded = state(register("v1.0.0", "a", 1), register("v1.0.0", "b", 2, counter=2))

    assert [(row.version, row.commit, row.registered_at) for row in folded.versions] == [("v1.0.0", "b", 2)]
    assert codes(folded) == [("registered-twice", "rf@v1.0.0#2")]


def test_registration__twice_on_one_commit__is_silent():
    assert codes(state(register("v1.0.0", "a", 1), register("v1.0.0", "a", 2, counter=2))) == []


def test_registration__twice_on_one_staged_commit__is_one_version():
    events = [register("v1.0.0", "a", 1), register("v1.0.0", "a", 2, counter=2), assign("prod", "a", 3)]
    folded = state(*events, deregister("v1.0.0", "a", 4))
    assert codes(state(*events)) == []
    assert "prod" not in folded.stages


def test_two_versions__on_a_staged_commit__the_highest_active_one_and_a_warning():
    events = [register("v1.0.0", "a", 1), register("v1.1.0", "a", 2), assign("prod", "a", 3)]

    assert state(*events).stages["prod"].version == "v1.1.0"
    assert codes(state(*events)) == [("two-versions", "rf#prod#3")]
    assert state(*events, deregister("v1.1.0", "a", 4)).stages["prod"].version == "v1.0.0"


def test_two_versions__without_a_stage_tag__nobody_needs_to_know():
    assert codes(state(register("v1.0.0", "a", 1), register("v1.1.0", "a", 2))) == []


def test_deprecation__followed_by_any_event__revived():
    events = [register("v1.0.0", "a", 1), deprecate("a", 2)]

    assert state(*events).deprecated
    assert not state(*events, assign("prod", "a", 3)).deprecated
    assert not state(*events, deregister("v1.0.0", "a", 3)).deprecated


def test_tie__of_two_assignments__higher_counter_wins_and_a_warning_names_both():
    folded = state(
        register("v1.0.0", "a", 1),
        register("v2.0.0", "b", 2),
        assign("prod", "a", 5, counter=10),
        assign("prod", "b", 5, counter=9),
    )

    assert folded.stages["prod"].version == "v1.0.0"
    assert codes(folded) == [("same-second", "rf#prod#10")]
    assert "rf#prod#9 and rf#prod#10" in folded.warnings[0].message


def test_tie__without_counters__goes_by_the_tags_name():
    folded = state(register("v1.0.0", "a", 5), deregister("v1.0.0", "a", 5))

    assert folded.version("v1.0.0").active is False
    assert codes(folded) == [("same-second", "rf@v1.0.0!")]


def test_tie__that_a_later_assignment_made_moot__is_silent():
    folded = state(
        register("v1.0.0", "a", 1),
        register("v2.0.0", "b", 2),
        assign("prod", "a", 5, counter=10),
        assign("prod", "b", 5, counter=9),
        assign("prod", "b", 6, counter=11),
    )

    assert codes(folded) == []


def test_tie__of_different_subjects__is_silent():
    assert codes(state(register("v1.0.0", "a", 5), assign("prod", "a", 5), assign("dev", "a", 5))) == []


@pytest.mark.parametrize("others", [1, 2])
def test_tie__of_a_deprecation_with_other_events__warns(others):
    events = [deprecate("a", 5), register("v1.0.0", "a", 5), assign("prod", "a", 5)]

    folded = state(*events[: 1 + others])

    assert not folded.deprecated
    assert [code for code, _ in codes(folded)] == ["same-second"]


def test_counter__of_ignored_tags__counts_too():
    assert next_counter(fold("rf", [assign("prod", "a", 5, counter=3)], ignored=["rf#dev#7"])) == 8
    assert next_counter(fold("rf", [assign("prod", "a", 5, counter=3)], ignored=["rf#dev#2"])) == 4
