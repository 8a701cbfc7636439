"""The arithmetic of holds, against looking at the registry second by second."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagline.domain.ledger.events import Event, RawTag
from tagline.domain.ledger.holds import (
    Approval,
    Holding,
    StagePast,
    approvals,
    inside,
    overall,
    overlaps,
    stage_past,
    tally,
)
from tagline.domain.ledger.registry import Hold, fold
from tests.domain.ledger.test_registry import assign, deprecate, deregister, histories, register, unassign

LAST = 25


def raw(events: Iterable[Event], **messages: str) -> dict[str, RawTag]:
    """The tags of events; a message is found by the tag's counter: ``n2``."""
    blank = RawTag("", "", "tag", "", "commit", None, "")
    return {e.tag: blank._replace(name=e.tag, message=messages.get(f"n{e.counter}", "")) for e in events}


def past(events: list[Event], start: int | None, end: int, stage: str = "prod", **messages: str) -> StagePast:
    return stage_past(fold("rf", events, as_of=end), stage, raw(events, **messages), start, end)


def held(version: str, since: int, until: int | None) -> Hold:
    return Hold("prod", version, "aaaa", "t", since, "t", until)


def holding(version: str, since: int, until: int | None, seconds: int) -> Holding:
    return Holding(held(version, since, until), seconds, seconds, {}, "", "")


windows = st.tuples(st.integers(-1, LAST + 2), st.integers(-1, LAST + 2)).map(lambda pair: (min(pair), max(pair)))


# Invariants


@given(histories(), windows)
def test_stage_past__any_ledger__holds_follow_each_other_and_never_overlap(events, window):
    newest_first = past(events, *window).holdings
    assert all(one.hold.until is not None for one in newest_first[1:]), "only the newest may be current"
    for later, earlier in pairwise(newest_first):
        assert earlier.hold.until <= later.hold.since


@given(histories(), windows)
@example([register("v1.0.0", "aaaa", 1), assign("prod", "aaaa", 2), unassign("prod", "aaaa", 2)], (2, 2))
def test_stage_past__each_second__is_what_the_registry_answered_then(events, window):
    """The oracle: fold the ledger as of every second of the window, and count."""
    start, end = window
    for stage in ("prod", "dev"):
        found = past(events, start, end, stage)
        answered = 0
        for second in range(start, end):
            holder = fold("rf", events, as_of=second).stages.get(stage)
            answered += holder is not None
            there = [
                one.hold for one in found.holdings
                if one.hold.since <= second and (one.hold.until is None or second < one.hold.until)
            ]  # fmt: skip
            assert [(h.commit, h.version) for h in there] == ([(holder.commit, holder.version)] if holder else [])
        assert found.tally.held == answered
        assert found.tally.window == end - start


@given(histories(), windows)
def test_stage_past__seconds_held_and_gaps_between__are_the_window(events, window):
    start, end = window
    oldest_first = past(events, start, end).holdings[::-1]
    gaps, at = 0, start
    for one in oldest_first:
        begins = max(one.hold.since, start)
        gaps += begins - at
        at = begins + one.inside
    gaps += end - at
    assert gaps >= 0
    assert sum(one.inside for one in oldest_first) + gaps == end - start


@given(histories(), windows)
def test_stage_past__without_a_start__has_every_hold_until_the_end(events, window):
    _, end = window
    state = fold("rf", events, as_of=end)
    found = past(events, None, end)
    every = state.holds.get("prod", [])
    assert [one.hold for one in found.holdings] == every[::-1]
    assert found.tally.window == (end - every[0].since if every else 0)
    assert found.tally.share is None or 0 <= found.tally.share <= 1


@given(histories())
def test_fold__each_hold__is_ended_by_an_event_of_that_second(events):
    by_tag = {event.tag: event for event in events}
    for holds in fold("rf", events).holds.values():
        for hold in holds:
            assert (hold.ended_by is None) == (hold.until is None)
            assert hold.ended_by is None or by_tag[hold.ended_by].time == hold.until
            assert by_tag[hold.opened_by].time == hold.since


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_tally__lengths__as_the_statistics_of_the_standard_library(lengths):
    counted = tally([holding("v1.0.0", 0, one, one) for one in lengths], sum(lengths))
    assert abs(counted.mean - statistics.mean(lengths)) <= 0.5
    assert abs(counted.median - statistics.median(lengths)) <= 0.5
    assert counted.longest == max(lengths)
    assert counted.ended == counted.holds == len(lengths)


# One by one


def test_tally__a_current_hold__is_counted_but_has_no_length_yet() -> None:
    counted = tally([holding("v2.0.0", 10, None, 1_000), holding("v1.0.0", 0, 10, 10)], 1_010)
    assert (counted.holds, counted.ended) == (2, 1)
    assert (counted.mean, counted.median, counted.longest) == (10, 10, 10)
    assert counted.share == 1


def test_tally__nothing_ended__no_figures() -> None:
    assert tally([], 0).share is None
    only = tally([holding("v1.0.0", 0, None, 5)], 5)
    assert (only.mean, only.median, only.longest, only.ended) == (None, None, None, 0)


def test_overall__two_artifacts__their_windows_add_up() -> None:
    events = [register("v1.0.0", "aaaa", 1), assign("prod", "aaaa", 1), unassign("prod", "aaaa", 11)]
    both = overall([past(events, None, 21), past(events, 1, 11)])
    assert (both.holds, both.held, both.window) == (2, 20, 30)
    assert both.share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("since", "until", "start", "expected"),
    [
        (0, 10, None, True),
        (0, 10, 9, True),
        (0, 10, 10, False),  # at its end it no longer held
        (0, None, 99, True),
        (10, 10, 10, True),  # of no length, right at the start
        (10, 10, 11, False),
    ],
)
def test_overlaps__edges_of_the_window(since: int, until: int | None, start: int | None, expected: bool) -> None:
    assert overlaps(held("v1.0.0", since, until), start) is expected


@pytest.mark.parametrize(
    ("since", "until", "seconds"), [(0, 30, 10), (12, 15, 3), (12, None, 8), (0, 10, 0), (25, None, 0), (12, 12, 0)]
)
def test_inside__window_from_10_to_20__as_much_as_lies_in_it(since: int, until: int | None, seconds: int) -> None:
    assert inside(held("v1.0.0", since, until), 10, 20) == seconds


def test_stage_past__holder_taken_away__told_by_the_tag_that_did_it() -> None:
    events = [
        register("v1.0.0", "aaaa", 1), assign("prod", "aaaa", 2, 1),
        register("v2.0.0", "bbbb", 3), assign("prod", "bbbb", 4, 2), unassign("prod", "bbbb", 6, 3),
    ]  # fmt: skip
    found = past(events, None, 10, n1="x\n\nChange: one\n", n3="x\n\nOverride: v2 is broken\n")
    back, second, first = found.holdings
    assert (back.hold.version, back.hold.tag, back.hold.opened_by) == ("v1.0.0", "rf#prod#1", "rf#prod!#3")
    assert back.trailers == {"Override": ["v2 is broken"]}, "no approval of v1.0.0's change covers this"
    assert (second.hold.ended_by, first.hold.ended_by) == ("rf#prod!#3", "rf#prod#2")
    assert first.trailers == {"Change": ["one"]}
    assert found.tally.rollbacks == 0


def test_stage_past__assigned_again__one_hold_told_by_the_first_tag() -> None:
    events = [register("v1.0.0", "aaaa", 1), assign("prod", "aaaa", 2, 1), assign("prod", "aaaa", 5, 2)]
    (only,) = past(events, None, 9, n1="x\n\nApproved-By: bob\n", n2="x\n\nOverride: no reason\n").holdings
    assert (only.seconds, only.hold.tag, only.hold.opened_by) == (7, "rf#prod#2", "rf#prod#1")
    assert "Override" not in only.trailers


def test_stage_past__rollback__counted() -> None:
    events = [
        register("v1.0.0", "aaaa", 1), assign("prod", "aaaa", 2, 1), register("v2.0.0", "bbbb", 3),
        assign("prod", "bbbb", 4, 2), assign("prod", "aaaa", 5, 3),
        deregister("v2.0.0", "bbbb", 6), deprecate("aaaa", 7),
    ]  # fmt: skip
    found = past(events, None, 9, n3="x\n\nRollback-From: v2.0.0\n")
    assert (found.tally.holds, found.tally.rollbacks) == (3, 1)
    assert found.deprecated


def test_stage_past__dated_ahead__a_hold_that_has_yet_to_begin_has_no_length() -> None:
    events = [register("v1.0.0", "aaaa", 1), assign("prod", "aaaa", 50)]
    found = stage_past(fold("rf", events), "prod", raw(events), None, 20)
    assert found.holdings[0].seconds == 0
    assert (found.tally.held, found.tally.window, found.tally.share) == (0, 0, None)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"bob {COMMIT} 2026-03-01T00:00:00Z", Approval("bob", COMMIT, "2026-03-01T00:00:00Z")),
        ("bob 2026-03-01T00:00:00Z", Approval("bob", None, "2026-03-01T00:00:00Z")),
        (f"bob {COMMIT}", Approval("bob", COMMIT, None)),
        ("deadbeef", Approval("deadbeef")),
        ("some bot[bot] by hand", Approval("some bot[bot] by hand")),
        ("bob 2026-03-01", Approval("bob 2026-03-01")),
    ],
)
def test_approvals__one_trailer__login_commit_and_time(value: str, expected: Approval) -> None:
    assert approvals({"Approved-By": [value]}) == [expected]


def test_approvals__none_or_empty__none() -> None:
    assert approvals({}) == []
    assert approvals({"Approved-By": [""]}) == []
