"""From raw tags to events: what is read, what is skipped, and with which warning."""

from __future__ import annotations

import pytest
from hypothesis import given

from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.tags import EventKind, format_tag
from tagline.domain.text.times import MAX_TIME
from tests.domain.ledger.test_tags import tag_names

COMMIT = "c" * 40
TAG = "d" * 40


def annotated(name: str, **changes: object) -> RawTag:
    return RawTag(name, TAG, "tag", COMMIT, "commit", 1_700_000_000, name)._replace(**changes)


def lightweight(name: str) -> RawTag:
    return RawTag(name, COMMIT, "commit", COMMIT, "commit", None, name)


def codes(*tags: RawTag) -> list[tuple[str, str | None]]:
    return [(warning.code, warning.tag) for warning in read_events(tags).warnings]


@given(tag_names())
def test_read_events__any_registry_tag__is_one_event_of_its_artifact(tag):
    name = format_tag(tag)

    reading = read_events([annotated(name)])

    ((artifact, (event,)),) = reading.events.items()
    assert artifact == event.artifact == tag.artifact
    assert (event.kind, event.version, event.stage) == (tag.kind, tag.version, tag.stage)
    assert event.counter == (tag.counter or 0)
    assert (event.tag, event.commit, event.time) == (name, COMMIT, 1_700_000_000)
    assert reading.warnings == []


def test_read_events__several_artifacts__are_kept_apart():
    reading = read_events([annotated("rf@v1.0.0"), annotated("dir=rf@v1.0.0"), annotated("rf#prod#1")])

    assert {name: len(events) for name, events in reading.events.items()} == {"rf": 2, "dir:rf": 1}
    assert [event.kind for event in reading.events["rf"]] == [EventKind.REGISTRATION, EventKind.ASSIGNMENT]


@pytest.mark.parametrize("name", ["v1.0.0", "nightly", "rf@1.0.0", "rf#prod#x"])
def test_read_events__tags_of_nobody__are_passed_over_in_silence(name):
    reading = read_events([annotated(name), lightweight(name), annotated(name, time=None)])

    assert (reading.events, reading.warnings, reading.lightweight) == ({}, [], [])


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        (lightweight("rf@v1.0.0"), "lightweight-tag"),
        (annotated("rf@created"), "created-event"),
        (annotated("rf@v1.0.0", time=None), "no-tagger"),
        (annotated("rf@v1.0.0", time=MAX_TIME + 1), "no-tagger"),
        (annotated("rf@v1.0.0", time=-1), "no-tagger"),
        (annotated("rf@v1.0.0", target_type="tree"), "not-a-commit"),
        (annotated("rf@v1.0.0", target_type="blob"), "not-a-commit"),
    ],
)
def test_read_events__odd_tag__is_skipped_with_a_warning_that_names_it(tag, code):
    reading = read_events([tag, annotated("rf@v2.0.0")])

    assert [event.version for event in reading.events["rf"]] == ["v2.0.0"]
    assert [(warning.code, warning.tag) for warning in reading.warnings] == [(code, tag.name)]
    assert tag.name in reading.warnings[0].message


def test_read_events__embedded_name_differs__ref_counts_with_a_warning():
    reading = read_events([annotated("rf@v1.0.0", embedded_name="bert@v9.0.0")])

    assert list(reading.events) == ["rf"]
    assert [(warning.code, warning.tag) for warning in reading.warnings] == [("name-mismatch", "rf@v1.0.0")]
    assert "bert@v9.0.0" in reading.warnings[0].message


@pytest.mark.parametrize("time", [0, MAX_TIME])
def test_read_events__first_and_last_second__are_times(time):
    assert codes(annotated("rf@v1.0.0", time=time)) == []


def test_read_events__lightweight_registry_tags__are_listed():
    reading = read_events([lightweight("rf@v1.0.0"), lightweight("nightly"), annotated("rf#prod#1")])

    assert reading.lightweight == ["rf@v1.0.0"]


def test_read_events__ignored_tags__are_kept_by_name():
    reading = read_events([lightweight("rf#prod#7"), annotated("rf#dev#3", time=None), annotated("rf#prod#1")])

    assert reading.ignored == {"rf": ["rf#prod#7", "rf#dev#3"]}


def test_read_events__tags_of_one_commit__share_one_string():
    tags = [annotated(name, target="".join(["e"] * 40)) for name in ("rf@v1.0.0", "rf#prod#1")]
    assert tags[0].target is not tags[1].target

    first, second = read_events(tags).events["rf"]

    assert first.commit is second.commit
