"""Records: what a write leaves behind beside its tags, in a line of commits under ``refs/tagline/``.

A line has one commit a write; the commit's tree holds ``record.json``, its parent is the write before. The
commit's message has the same text once more, for whoever has the commit without its files. Whoever may push may
rewrite a line, so a record is read as data that anybody may have written: it orders writers and saves work, and
nothing is decided by it. Keys that are not known here are passed over, for later kinds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tagline.domain.ledger import messages
from tagline.domain.text.times import format_time, parse_time
from tagline.errors import WrongUsage

#: The file of a commit's tree.
FILE = "record.json"
#: Bytes of it that are read; none that is longer is written.
MAX_RECORD = 262_144
#: Kinds of records: tags that were written together; the one tag that a guard of the old form pointed at; a merged
#: change that was judged, with all its tags.
WRITE, ADOPTED, JUDGED = "write", "adopted", "judged"
#: Of a judged change: whether nothing is left to do, what was refused for good, and the labels that were there.
FINISHED, REFUSED, LABELS = "finished", "refused", "labels"

_FORMAT = 1
_KEYS = frozenset(("format", "kind", "tags", "change", "actor", "time"))
_ID_RE = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class RecordedTag(NamedTuple):
    """A tag, the tag object that it named, and the commit that this one names."""

    tag: str
    tag_object: str
    commit: str


class ChangeKey(NamedTuple):
    """A change by what never changes: the forge's host, the repository's id there, its number.

    Not by a URL, which another name of the repository makes another one.
    """

    host: str
    repository: str
    number: int

    def __str__(self) -> str:
        """In one line, as a tag has it."""
        return f"{self.host}/{self.repository}/{self.number}"


class Actor(NamedTuple):
    """Who wrote, as Git knows them."""

    name: str
    email: str


@dataclass(frozen=True)
class Record:
    """One write: its tags, for which change (None for a command by hand), by whom, when (unix seconds by his clock).

    ``more`` are the keys of other kinds.
    """

    kind: str
    tags: tuple[RecordedTag, ...]
    change: ChangeKey | None
    actor: Actor
    time: int
    more: Mapping[str, Any] = field(default_factory=dict)


def judged(
    change: ChangeKey, tags: Sequence[RecordedTag], refused: Sequence[tuple[str | None, str | None, str]],
    labels: Collection[str], actor: Actor, time: int,
) -> Record:  # fmt: skip
    """What is remembered of a merged change with which nothing is left to do.

    ``refused`` are artifact, stage (None where it is about the change as a whole) and rule of what was refused,
    ``labels`` the requests among its labels: one that comes later is answered.
    """
    rows = [{"artifact": artifact, "stage": stage, "rule": rule} for artifact, stage, rule in refused]
    return Record(JUDGED, tuple(tags), change, actor, time, {FINISHED: True, REFUSED: rows, LABELS: sorted(labels)})


def same_word(one: Record | None, other: Record) -> bool:
    """Whether two records say the same, whoever wrote them and when."""
    return one is not None and replace(one, actor=other.actor, time=other.time) == other


def is_finished(record: Record, change: ChangeKey, tags: Mapping[str, str], labels: Collection[str] = ()) -> bool:
    """Whether a record spares looking at a change: it is that change's, and each tag in it is one of ``tags``.

    Those are name and object id of the tags that are there. ``labels`` are the requests among its labels today: the
    record must know them, if it tells of any.
    """
    known = record.more.get(LABELS)
    if isinstance(known, list) and not all(label in known for label in labels):
        return False
    done = record.kind == JUDGED and record.change == change and record.more.get(FINISHED) is True
    return done and all(tags.get(tag.tag) == tag.tag_object for tag in record.tags)


def encode(record: Record) -> bytes:
    """The content of ``record.json``."""
    own = {
        "format": _FORMAT,
        "kind": record.kind,
        "tags": [tag._asdict() for tag in record.tags],
        "change": record.change._asdict() if record.change else None,
        "actor": record.actor._asdict(),
        "time": format_time(record.time),
    }
    return (json.dumps({**record.more, **own}, indent=1) + "\n").encode()


def decode(data: bytes) -> Record | None:
    """The record that a ``record.json`` holds; None for anything that is none of ours."""
    if len(data) > MAX_RECORD:
        return None
    try:
        found = json.loads(data)
        if not isinstance(found, dict) or _whole(found["format"]) != _FORMAT:
            return None
        return Record(
            _text(found["kind"]),
            tuple(_tag(row) for row in _rows(found["tags"])),
            None if found["change"] is None else _change(found["change"]),
            Actor(_text(found["actor"]["name"]), _text(found["actor"]["email"])),
            parse_time(_text(found["time"])),
            {key: value for key, value in found.items() if key not in _KEYS},
        )
    except (ValueError, TypeError, KeyError, RecursionError, WrongUsage):
        return None


def _tag(row: Any) -> RecordedTag:
    objects = (_text(row["tag_object"]), _text(row["commit"]))
    if not all(_ID_RE.fullmatch(one) for one in objects):
        raise ValueError(objects)
    return RecordedTag(_text(row["tag"]), *objects)


def _change(row: Any) -> ChangeKey:
    return ChangeKey(_text(row["host"]), _text(row["repository"]), _whole(row["number"]))


def _rows(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:  # True is an int, and equals 1
        raise TypeError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def commit_message(record: Record) -> bytes:
    """The message of a record's commit: its tags' names, then what ``record.json`` says."""
    names = ", ".join(tag.tag for tag in record.tags) or record.kind
    return f"{messages.one_line(names)}\n\n".encode() + encode(record)


def file_in(message: bytes) -> bytes:
    """The text of ``record.json`` that a commit's message carries, if it is a record's."""
    return message.partition(b"\n\n")[2]
