"""What is remembered of an artifact's deliveries: what was started, what deployments reported, who was told.

It is the newest record of a line, ``refs/tagline/NAME@delivery``, and has all that is still of use. Whoever may push
may have written it: it is read as data, each part of it that is not understood is left out, and it decides one thing
only, that nothing is started twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeVar

from tagline.domain.ledger.records import MAX_RECORD, Actor, Record, encode
from tagline.domain.text.times import format_time, parse_time
from tagline.errors import WrongUsage

#: The kind of its records.
DELIVERY = "delivery"
#: So many starts, reports and sent events are kept, the newest.
MOST_STARTS, MOST_REPORTS, MOST_SENT = 200, 200, 300
#: Characters of a text in it.
_LONGEST = 2000

_Row = Mapping[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Note:
    """One start: ``claimed`` by a run before it asked the forge, ``started`` after; ``none``: the forge said no.

    ``target`` is the target's key, ``by`` the page of the run that wrote it, ``time`` when (unix seconds). A start that
    several tags share runs ``on`` one of them, at ``commit``.
    """

    tag: str
    tag_object: str
    target: str
    state: Literal["claimed", "started", "none"]
    how: Literal["event", "dispatch", "trigger"]
    run_url: str | None
    by: str | None
    time: int
    on: str | None = None
    commit: str | None = None


@dataclass(frozen=True)
class Report:
    """What a deployment said of itself: ``in_progress``, ``success`` or ``failure``.

    ``run_url`` is the run that deployed, ``url`` where it is deployed, ``digest`` what it deployed, as it says.
    """

    tag: str
    tag_object: str
    stage: str
    version: str | None
    state: Literal["in_progress", "success", "failure"]
    digest: str | None
    run_url: str | None
    url: str | None
    actor: str
    time: int

    @property
    def id(self) -> str:
        """What tells it from other reports, whenever it is made again: 64 hex digits."""
        row = [self.tag_object, self.stage, self.state, self.digest, self.run_url, self.url]
        return hashlib.sha256(json.dumps(row).encode()).hexdigest()


@dataclass(frozen=True)
class Book:
    """All of it, oldest first. ``sent`` names by an event's id who has been sent it."""

    starts: tuple[Note, ...] = ()
    reports: tuple[Report, ...] = ()
    sent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def note(self, tag_object: str, target: str) -> Note | None:
        """What is known of a start."""
        found = (one for one in reversed(self.starts) if (one.tag_object, one.target) == (tag_object, target))
        return next(found, None)

    def noted(self, note: Note) -> Book:
        """With one more start, in the place of what was known of it."""
        others = (one for one in self.starts if (one.tag_object, one.target) != (note.tag_object, note.target))
        return replace(self, starts=(*others, note)[-MOST_STARTS:])

    def known(self, report: Report) -> Report | None:
        """The same report, where it is there: by the same run, or (where no run is known) the stage's newest."""
        of_stage = [one for one in self.reports if one.stage == report.stage]
        looked_at = of_stage if report.run_url is not None else of_stage[-1:]
        return next((one for one in looked_at if one.id == report.id), None)

    def reported(self, report: Report) -> Book:
        """With one more report, unless it is there. Of too many the oldest of the stage that has most goes."""
        if self.known(report) is not None:
            return self
        reports = [*self.reports, report]
        while len(reports) > MOST_REPORTS:
            stages = [one.stage for one in reports]
            reports.pop(stages.index(max(stages, key=stages.count)))
        return replace(self, reports=tuple(reports))

    def told(self, event: str, receiver: str) -> Book:
        """With one more event that a receiver has been sent."""
        names = dict.fromkeys((*self.sent.get(event, ()), receiver))
        rows = {**{key: value for key, value in self.sent.items() if key != event}, event: tuple(names)}
        return replace(self, sent=dict(list(rows.items())[-MOST_SENT:]))


def to_record(book: Book, actor: Actor, now: int) -> Record:
    """As it is written down: what is oldest is left out where a record holds no more, of starts last."""
    record = _record(book, actor, now)
    while len(encode(record)) > MAX_RECORD and (book.reports or book.sent or len(book.starts) > 1):
        if book.reports or book.sent:
            sent = dict(list(book.sent.items())[(len(book.sent) + 1) // 2 :])
            book = replace(book, reports=book.reports[(len(book.reports) + 1) // 2 :], sent=sent)
        else:
            book = replace(book, starts=book.starts[1 + len(book.starts) // 8 :])
        record = _record(book, actor, now)
    return record


def _record(book: Book, actor: Actor, now: int) -> Record:
    rows = {
        "starts": [{**asdict(one), "time": format_time(one.time)} for one in book.starts],
        "reports": [{**asdict(one), "time": format_time(one.time)} for one in book.reports],
        "sent": {event: list(receivers) for event, receivers in book.sent.items()},
    }
    return Record(DELIVERY, (), None, actor, now, rows)


def from_record(record: Record | None) -> Book:
    """What a record says; an empty book for one that is none of ours."""
    if record is None or record.kind != DELIVERY:
        return Book()
    sent = record.more.get("sent")
    return Book(
        tuple(_rows(record.more.get("starts"), _note)[-MOST_STARTS:]),
        tuple(_rows(record.more.get("reports"), _report)[-MOST_REPORTS:]),
        {
            event: tuple(one for one in names if isinstance(one, str))
            for event, names in list((sent if isinstance(sent, dict) else {}).items())[-MOST_SENT:]
            if isinstance(names, list)
        },
    )


def _rows(value: Any, read: Callable[[_Row], _T]) -> Sequence[_T]:
    found = []
    for row in value if isinstance(value, list) else ():
        try:
            found.append(read(row))
        except (KeyError, TypeError, ValueError, WrongUsage):
            continue
    return found


def _note(row: _Row) -> Note:
    return Note(
        _text(row["tag"]),
        _text(row["tag_object"]),
        _text(row["target"]),
        _one_of(row["state"], ("claimed", "started", "none")),
        _one_of(row["how"], ("event", "dispatch", "trigger")),
        _page(row["run_url"]),
        _page(row["by"]),
        parse_time(_text(row["time"])),
        _maybe(row.get("on")),
        _maybe(row.get("commit")),
    )


def _report(row: _Row) -> Report:
    return Report(
        _text(row["tag"]),
        _text(row["tag_object"]),
        _text(row["stage"]),
        _maybe(row["version"]),
        _one_of(row["state"], ("in_progress", "success", "failure")),
        _maybe(row["digest"]),
        _page(row["run_url"]),
        _page(row["url"]),
        _text(row["actor"]),
        parse_time(_text(row["time"])),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError(value)
    return value


def _maybe(value: Any) -> str | None:
    return None if value is None else _text(value)


def _page(value: Any) -> str | None:
    """A link that people are shown: of the web, or none."""
    found = _maybe(value)
    if found is not None and not found.startswith(("https://", "http://")):
        raise ValueError(found)
    return found


def _one_of(value: Any, words: Sequence[_T]) -> _T:
    return words[words.index(value)]
