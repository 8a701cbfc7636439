"""A change's labels and reviews as they stood at an instant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.changes import Change, Label, LabelEvent, Review, latest_reviews, standing_labels

NAMES = ("stage:prod", "version:minor", "bug")


def added(name: str | None, at: float, by: str | None = "zoe") -> LabelEvent:
    return LabelEvent(name, by, at, added=True)


def removed(name: str | None, at: float) -> LabelEvent:
    return LabelEvent(name, "zoe", at, added=False)


@pytest.mark.parametrize(
    ("state", "told"),
    [("open", (True, False)), ("merging", (False, False)), ("merged", (False, True)), ("closed", (False, False))],
)
def test_change__open_and_merged__are_told_by_its_state(state, told):
    change = Change(1, "", "", "alice", "main", "d", state=state)
    assert (change.open, change.merged) == told


@st.composite
def histories(draw: st.DrawFn) -> list[LabelEvent]:
    """Labels put and taken away as a forge lets people do it; many at one second."""
    standing: set[str] = set()
    events: list[LabelEvent] = []
    time = 0
    for by in draw(st.lists(st.sampled_from(("ann", "bob", None)), max_size=15)):
        time += draw(st.integers(0, 2))
        name = draw(st.sampled_from(NAMES))
        events.append(LabelEvent(name, by, float(time), added=name not in standing))
        standing ^= {name}
    return events


def replay(events: list[LabelEvent]) -> dict[str, Label]:
    """Forward from no labels: what the definition says."""
    standing: dict[str, Label] = {}
    for event in events:
        assert event.name is not None
        if event.added:
            standing[event.name] = Label(event.name, event.by, event.at)
        else:
            del standing[event.name]
    return standing


@given(histories(), st.integers(-1, 31))
def test_standing_labels__at_any_instant__are_the_forward_replay_until_then(events, until):
    today = list(replay(events))
    then = standing_labels(today, events, float(until))
    assert {label.name: label for label in then} == replay([event for event in events if event.at <= until])
    assert len(then) == len({label.name for label in then})


@given(histories())
def test_standing_labels__without_an_instant__are_todays_with_who_put_them(events):
    today = replay(events)
    assert standing_labels(today, events, None) == tuple(today.values())


@given(histories(), st.randoms())
def test_standing_labels__events_of_other_seconds_in_any_order__same_answer(events, random):
    spread = [event._replace(at=float(place)) for place, event in enumerate(events)]
    today = list(replay(events))
    shuffled = random.sample(spread, len(spread))
    assert set(standing_labels(today, shuffled, 7.0)) == set(standing_labels(today, spread, 7.0))


def test_standing_labels__put_in_the_second_of_the_merge__counts():
    assert standing_labels(["bug"], [added("bug", 10.0)], 10.0) == (Label("bug", "zoe", 10.0),)


def test_standing_labels__put_a_fraction_after_the_merge__does_not_count():
    assert standing_labels(["bug"], [added("bug", 10.001)], 10.0) == ()


def test_standing_labels__taken_away_after_the_merge__counts_still():
    events = [added("stage:prod", 5.0), removed("stage:prod", 11.0)]
    assert standing_labels([], events, 10.0) == (Label("stage:prod", "zoe", 5.0),)


def test_standing_labels__put_twice__the_last_time_before_the_merge_counts():
    events = [added("bug", 1.0, "ann"), removed("bug", 2.0), added("bug", 3.0, "bob"), removed("bug", 11.0)]
    again = [*events, added("bug", 12.0, "eve")]
    assert standing_labels(["bug"], again, 10.0) == (Label("bug", "bob", 3.0),)


def test_standing_labels__no_event_tells_of_it__stands_by_nobody():
    """A label that was renamed since: its events have the old name."""
    now = standing_labels(["stage:prod"], [added("stage:live", 1.0)], None)
    assert now == (Label("stage:prod", None, None),)
    then = standing_labels(["stage:prod"], [added("stage:live", 1.0)], 10.0)
    assert then == (*now, Label("stage:live", "zoe", 1.0, gone=True))


def test_standing_labels__deleted_since__stood_by_whoever_put_it_there():
    events = [added("stage:prod", 1.0), added("bug", 2.0), removed("bug", 3.0), added("later", 11.0)]
    assert standing_labels([], events, 10.0) == (Label("stage:prod", "zoe", 1.0, gone=True),)
    assert standing_labels([], events, None) == ()


def test_standing_labels__deleted_and_so_nameless__stood_without_a_name():
    events = [added("bug", 1.0), added(None, 2.0, "ann"), added(None, 3.0), added(None, 11.0)]
    assert standing_labels(["bug"], events, 10.0) == (Label("bug", "zoe", 1.0), Label("", "zoe", 3.0, gone=True))


def test_standing_labels__nameless_and_taken_off__stood_not():
    assert standing_labels([], [added(None, 2.0), removed(None, 3.0)], 10.0) == ()
    both = [added(None, 1.0, "ann"), added(None, 2.0), removed(None, 3.0)]
    assert standing_labels([], both, 10.0) == (Label("", "zoe", 2.0, gone=True),)


def test_standing_labels__some_label_was_deleted_after_it_was_put_on__nobody_can_tell_which():
    events = [added("stage:prod", 1.0), removed(None, 2.0), added("version:minor", 3.0)]
    assert standing_labels([], events, 10.0) == (
        Label("stage:prod", None, None, gone=True),
        Label("version:minor", "zoe", 3.0, gone=True),
    )


def test_standing_labels__last_event_took_it_away_and_it_stands__is_by_nobody():
    """Another label was renamed to it: who put the first of that name tells nothing of this one."""
    events = [added("stage:prod", 1.0), removed("stage:prod", 2.0)]
    assert standing_labels(["stage:prod"], events, 10.0) == (Label("stage:prod", None, None),)


@pytest.mark.parametrize("last", ["approved", "rejected", "withdrawn"])
def test_latest_reviews__several_of_one_person__the_last_in_order_decides(last):
    reviews = [
        Review("Bob", "approved", "c1", 1.0),
        Review("bob", "rejected", "c2", 2.0),
        Review("BOB", last, "c3", 3.0),
    ]
    assert latest_reviews(reviews) == {"bob": Review("BOB", last, "c3", 3.0)}


@given(
    st.lists(st.builds(Review, st.sampled_from(["ann", "Ann", "bob"]), st.just("approved"), st.none(), st.floats(0, 9)))
)
def test_latest_reviews__any__one_each_person_and_each_its_last(reviews):
    latest = latest_reviews(reviews)
    assert set(latest) == {review.by.casefold() for review in reviews}
    for person, review in latest.items():
        assert review == [r for r in reviews if r.by.casefold() == person][-1]
