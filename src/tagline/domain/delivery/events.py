"""Events: what happened to versions and stages, as CloudEvents that receivers are sent.

All of an event is read from its tag, so that it says the same whenever it is sent. Source: https://cloudevents.io
(1.0, JSON format).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tagline.domain.delivery.book import Report
from tagline.domain.ledger import messages
from tagline.domain.ledger.messages import Trailers, parse_trailers
from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.tags import EventKind
from tagline.domain.text.times import format_time

REGISTERED, ASSIGNED, UNASSIGNED = "version.registered", "stage.assigned", "stage.unassigned"
HELD, REFUSED, REPORTED = "stage.held", "change.refused", "deployment.reported"
#: What each type begins with.
_OURS = "tagline."
#: Bytes of a whole event at most, as the specification lets a receiver ask for; long texts are cut for it.
_LONGEST_REASON = 2000
_MOST_PEOPLE = 50


class WrittenTag(NamedTuple):
    """A tag of the ledger: its object's id, the tagger's time (unix seconds), its message."""

    object_id: str
    time: int
    message: str


class ChangeLink(NamedTuple):
    """A change's number and page."""

    number: int
    url: str


@dataclass(frozen=True)
class Event:
    """What happened to one artifact. ``object_id`` names it beside kind and artifact; ``time`` is unix seconds.

    What means nothing for its kind is None. ``person`` is who asked for it.
    """

    kind: str
    object_id: str
    artifact: str
    time: int
    stage: str | None = None
    version: str | None = None
    previous: str | None = None
    commit: str | None = None
    tag: str | None = None
    change: ChangeLink | None = None
    person: str | None = None
    approved_by: tuple[str, ...] = ()
    reason: str | None = None
    tickets: tuple[str, ...] = ()
    #: Of a deployment that reports: its state, run, page and digest.
    deployment: Mapping[str, str | None] | None = None

    @property
    def id(self) -> str:
        """The same whenever it is sent: whoever gets it twice knows it by that."""
        return f"{self.object_id}:{_OURS}{self.kind}:{self.artifact}"


def events_of(row: Row, written: WrittenTag, change: ChangeLink | None) -> Iterator[Event]:
    """What one tag means: for who gains a stage, for who loses it, and for a stage that is held from now on."""
    said = parse_trailers(written.message)
    common: dict[str, Any] = {
        "object_id": written.object_id,
        "artifact": row.artifact,
        "time": written.time,
        "commit": row.commit,
        "tag": row.tag,
        "change": change,
        "person": _first(said, messages.REQUESTED_BY),
        "approved_by": tuple(line.split(" ")[0] for line in said.get(messages.APPROVED_BY, ())[:_MOST_PEOPLE]),
        "tickets": tuple(line[:_LONGEST_REASON] for line in said.get(messages.TICKET, ())[:_MOST_PEOPLE]),
    }
    reason, before = _first(said, messages.REASON), _first(said, messages.PREVIOUS)
    match row.event:
        case EventKind.REGISTRATION:
            yield Event(REGISTERED, version=row.version, previous=before, reason=reason, **common)
        case EventKind.ASSIGNMENT:
            yield Event(ASSIGNED, stage=row.stage, version=row.version, previous=before, reason=reason, **common)
            if before is not None and before != row.version:
                yield Event(UNASSIGNED, stage=row.stage, version=before, reason=reason, **common)
            if (hold := _first(said, messages.HOLD)) is not None:
                yield Event(HELD, stage=row.stage, version=row.version, previous=before, reason=hold, **common)
        case EventKind.UNASSIGNMENT:
            yield Event(UNASSIGNED, stage=row.stage, version=row.version or before, reason=reason, **common)
        case _:
            return


def refused(artifact: str, commit: str, time: int, change: ChangeLink, reason: str) -> Event:
    """What a merged change asked of an artifact and did not get; ``commit`` is the one that it landed as."""
    return Event(REFUSED, commit, artifact, time, commit=commit, change=change, reason=reason)


def reported(artifact: str, commit: str, report: Report) -> Event:
    """What a deployment said of itself."""
    return Event(
        REPORTED,
        report.id,
        artifact,
        report.time,
        stage=report.stage,
        version=report.version,
        commit=commit,
        tag=report.tag,
        person=report.actor or None,
        deployment={"state": report.state, "run_url": report.run_url, "url": report.url, "digest": report.digest},
    )


def _first(said: Trailers, key: str) -> str | None:
    return said[key][0] if said.get(key) else None


def as_json(event: Event, source: str) -> bytes:
    """The body of a request: a CloudEvent of the repository ``source``, an address."""
    reason = event.reason
    document = {
        "specversion": "1.0",
        "id": event.id,
        "type": f"{_OURS}{event.kind}",
        "source": source,
        "subject": f"{event.artifact}#{event.stage}" if event.stage else event.artifact,
        "time": format_time(event.time),
        "datacontenttype": "application/json",
        "data": {
            "artifact": event.artifact,
            "stage": event.stage,
            "version": event.version,
            "previous_version": event.previous,
            "commit": event.commit,
            "tag": event.tag,
            "change": event.change._asdict() if event.change else None,
            "actor": event.person,
            "approved_by": list(event.approved_by),
            "reason": reason[:_LONGEST_REASON] if reason is not None else None,
            "tickets": list(event.tickets),
            **({"deployment": dict(event.deployment)} if event.deployment is not None else {}),
        },
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


_WORDS = {
    REGISTERED: "{artifact} {version} is registered",
    ASSIGNED: "{artifact} {version} is {stage} now",
    UNASSIGNED: "{artifact} {version} is {stage} no more",
    HELD: "{artifact}#{stage} is held at {version}",
    REFUSED: "{artifact}: a merged change was refused",
    REPORTED: "{artifact} {version}, {stage}: the deployment {state}",
}
_STATES = {"in_progress": "began", "success": "succeeded", "failure": "failed"}
#: The characters that mean something to Slack. Source: https://docs.slack.dev/messaging/formatting-message-text
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'", "*": "∗", "_": "_\u200b", "~": "∼", "|": "¦"})


def as_slack(event: Event, source: str) -> bytes:
    """The body of a request to Slack: one line, with a link to the change, the run, else the repository."""
    names = {key: value or "" for key, value in (("version", event.version), ("stage", event.stage))}
    names["state"] = _STATES[str(event.deployment["state"])] if event.deployment is not None else ""
    said = _WORDS[event.kind].format(artifact=event.artifact, **names)
    was = f" (before: {event.previous})" if event.previous and event.kind == ASSIGNED else ""
    by = f", asked by {event.person}" if event.person else ""
    why = f": {event.reason[:300]}" if event.reason else ""
    url, title = _page(event, source)
    link = f" <{url.translate(_URL)}|{title}>"
    line = " ".join(f"{said}{was}{by}{why}".split()).translate(_SLACK)
    return json.dumps({"text": line + link}).encode()


def _page(event: Event, source: str) -> tuple[str, str]:
    """Where people read more: the change, the run that deployed, else the repository."""
    if event.change is not None:
        return event.change.url, f"change {event.change.number}"
    run = event.deployment["run_url"] if event.deployment is not None else None
    return (run, "run") if run else (source, "repository")


#: What would end a link.
_URL = str.maketrans({"<": "%3C", ">": "%3E", "|": "%7C", " ": "%20"})
