"""From the tags that Git holds to the events of the registry, with a warning for each odd one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from typing import Literal, NamedTuple

from tagline.domain.ledger.messages import (
    HOLD,
    HOLD_LIFTED,
    HOLD_PASSED,
    MERGE_COMMIT,
    REQUESTED_BY,
    parse_trailers,
    shown,
)
from tagline.domain.ledger.tags import EventKind, is_created_tag, parse_tag
from tagline.domain.text.times import MAX_TIME


class RawTag(NamedTuple):
    """One ref under ``refs/tags`` as Git stores it.

    ``object_type`` is the type of the object that the ref names: ``tag`` for an annotated tag,
    else the tag is lightweight. ``target`` and ``target_type`` are the end of the chain of tag
    objects. ``time`` is the outermost tagger's, in unix seconds, None where there is none or it
    is unreadable. ``embedded_name`` is the name inside the tag object. ``actor_name``,
    ``actor_email`` and ``message`` are read only where details were asked for, or where the message may speak of a stop
    (:data:`STOP_WORDS`); the message too where it may say of another commit that it is the tag's (see
    :func:`names_other_commit`).
    """

    name: str
    object_id: str
    object_type: str
    target: str
    target_type: str
    time: int | None
    embedded_name: str
    actor_name: str = ""
    actor_email: str = ""
    message: str = ""


class StopWord(NamedTuple):
    """What the tag of an assignment says of a stop, why, and who said it; ``by`` is None where nobody is named."""

    kind: Literal["hold", "lift", "pass"]
    reason: str
    by: str | None


class Event(NamedTuple):
    """One thing that happened to one artifact. Events sort in the order in which they count.

    ``time`` is the tagger's, in unix seconds; ties go by ``counter`` (0 for none), then name.
    """

    time: int
    counter: int
    tag: str
    artifact: str
    kind: EventKind
    version: str | None
    stage: str | None
    commit: str
    stop: StopWord | None = None


class Warn(NamedTuple):
    """Something in the ledger that a person should know. ``code`` is stable; see docs/warnings.md."""

    code: str
    tag: str | None
    message: str


#: In a message: how each trailer about a stop begins.
STOP_WORDS = "\nHold"
#: In a message: what a registration of a change says of its own commit.
MERGED_AS = f"\n{MERGE_COMMIT}: "


def names_other_commit(message: str, commit: str) -> bool:
    """Whether a message may say that a tag is on another commit: quick, for each of many tags."""
    return MERGED_AS in message and f"{MERGED_AS}{commit}\n" not in message


class Reading(NamedTuple):
    """The events of a set of tags by artifact (unsorted), and what was odd about the tags.

    ``ignored`` holds, by artifact, the tags that are no events: their names are taken all the same.
    """

    events: dict[str, list[Event]]
    warnings: list[Warn]
    lightweight: list[str]
    ignored: dict[str, list[str]]


def read_events(tags: Iterable[RawTag]) -> Reading:
    """Turn tags into events; tags that are none of the registry's are passed over in silence."""
    events: dict[str, list[Event]] = {}
    warnings: list[Warn] = []
    lightweight: list[str] = []
    ignored: dict[str, list[str]] = {}
    commits: dict[str, str] = {}
    registration, assignment, new = EventKind.REGISTRATION, EventKind.ASSIGNMENT, tuple.__new__
    for tag in tags:
        name, _, object_type, target, target_type, time, embedded, _, _, message = tag
        parsed = parse_tag(name)
        if parsed is None:
            if is_created_tag(name):
                why = f"{name} is ignored: GTO's @created event has no meaning here."
                warnings.append(Warn("created-event", name, why))
            continue
        artifact, kind, version, stage, counter = parsed
        if object_type != "tag" or target_type != "commit" or time is None or not 0 <= time <= MAX_TIME:
            warnings.append(_why_ignored(tag))
            ignored.setdefault(artifact, []).append(name)
            if object_type != "tag":
                lightweight.append(name)
            continue
        if embedded != name:
            warnings.append(_renamed(name, embedded))
        if message and kind is registration and (other := _other_commit(tag)):
            warnings.append(_elsewhere(name, target, other))
        stop = _stop_word(tag) if message and kind is assignment and STOP_WORDS in message else None
        # One string object a commit, not one a tag: a quarter of the memory at a million tags.
        commit = commits.setdefault(target, target)
        # What calling the class does, in two thirds of the time.
        event = new(Event, (time, counter or 0, name, artifact, kind, version, stage, commit, stop))
        try:
            events[artifact].append(event)
        except KeyError:
            events[artifact] = [event]
    return Reading(events, warnings, lightweight, ignored)


def left_out(reading: Reading, patterns: Sequence[str]) -> Reading:
    """A reading of all artifacts without those of other tools: all of whose tags match one of the patterns.

    As a whole or not at all, so that a list of artifacts never tells of one otherwise than an answer about it alone.
    """
    is_foreign = matcher(patterns)
    tags = {name: [event.tag for event in events] for name, events in reading.events.items()}
    for name, ignored in reading.ignored.items():
        tags.setdefault(name, []).extend(ignored)
    foreign = {name for name, named in tags.items() if all(map(is_foreign, named))}
    gone = {tag for name in foreign for tag in tags[name]}
    return Reading(
        {name: events for name, events in reading.events.items() if name not in foreign},
        [warn for warn in reading.warnings if warn.tag not in gone],
        [tag for tag in reading.lightweight if tag not in gone],
        {name: ignored for name, ignored in reading.ignored.items() if name not in foreign},
    )


def matcher(patterns: Sequence[str]) -> Callable[[str], object]:
    """Tells whether a tag matches one of some patterns."""
    if not patterns:
        return lambda tag: None
    return re.compile("|".join(map(translate, patterns))).match


def _other_commit(tag: RawTag) -> str | None:
    """The commit that a registration says it is of, where that is another one than it is on."""
    # Taking a message apart takes longer than all the rest.
    said = parse_trailers(tag.message).get(MERGE_COMMIT, []) if f"{MERGE_COMMIT}:" in tag.message else []
    return said[0] if said and tag.target not in said else None


def _stop_word(tag: RawTag) -> StopWord | None:
    """What an assignment says of a stop. Of several words the one that keeps most from happening counts."""
    trailers = parse_trailers(tag.message)
    by = next((name for name in (*trailers.get(REQUESTED_BY, ()), tag.actor_name) if name), None)
    kinds: tuple[tuple[str, Literal["hold", "lift", "pass"]], ...]
    kinds = ((HOLD, "hold"), (HOLD_PASSED, "pass"), (HOLD_LIFTED, "lift"))
    said = ((kind, trailers[key][0]) for key, kind in kinds if key in trailers)
    return next((StopWord(kind, shown(why), None if by is None else shown(by)) for kind, why in said), None)


def _elsewhere(name: str, commit: str, said: str) -> Warn:
    message = f"{name} is on commit {commit[:12]}, and its message says that its change landed as {said[:40]!r}."
    return Warn("other-merge-commit", name, message)


def _why_ignored(tag: RawTag) -> Warn:
    """Why a tag with a registry name is no event."""
    name = tag.name
    if tag.object_type != "tag":
        message = f"{name} is a lightweight tag and is ignored: only annotated tags are events of the registry."
        return Warn("lightweight-tag", name, message)
    if tag.time is None or not 0 <= tag.time <= MAX_TIME:
        return Warn("no-tagger", name, f"{name} is ignored: its tag object has no readable tagger and time.")
    return Warn("not-a-commit", name, f"{name} is ignored: it points at a {tag.target_type}, not at a commit.")


def _renamed(name: str, embedded: str) -> Warn:
    return Warn(
        "name-mismatch",
        name,
        f"{name} names itself {embedded!r} inside its tag object; the ref's name counts.",
    )
