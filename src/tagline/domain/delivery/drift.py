"""What is deployed, by what deployments said of themselves, and how that differs from what is assigned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tagline.domain.delivery.book import Book, Note, Report
from tagline.domain.ledger.registry import Hold

#: ``old-run``: an older tag's deployment finished last, after that of the tag that holds the stage had begun.
#: ``not-deployed``: no deployment of the tag that holds the stage succeeded, began, or is under way.
#: ``silent``: a deployment began and said nothing more for too long.
Drift = Literal["old-run", "not-deployed", "silent"]
#: Seconds after which a deployment that began and did not end is silent.
SILENT_AFTER = 3600

WORDS: dict[Drift, str] = {
    "old-run": "an older run finished last",
    "not-deployed": "not deployed",
    "silent": "began, and nothing was reported since",
}


class Deployed(NamedTuple):
    """The newest word about a stage. ``state`` ``started``: a run was started and has reported nothing.

    ``reported_at`` is unix seconds, None where nothing was reported.
    """

    version: str | None
    tag: str
    state: Literal["started", "in_progress", "success", "failure"]
    run_url: str | None
    reported_at: int | None
    drift: Drift | None


def deployed(hold: Hold, book: Book, now: float) -> Deployed | None:
    """What is known of a stage's deployments; None where nothing ever was started or reported for it."""
    reports = [one for one in book.reports if one.stage == hold.stage]
    own = [one for one in reports if _is_of(one, hold)]
    starts = [note for note in book.starts if note.tag == hold.tag and note.state != "none"]
    start = starts[-1] if starts and not own and _counts(starts[-1].time, hold) else None
    if start is not None and now - start.time > SILENT_AFTER:
        return _started(hold, start, "silent")
    if not reports:
        return _started(hold, start, None) if start is not None else None
    last = reports[-1]
    if own and own[-1].state == "in_progress":
        late = now - own[-1].time > SILENT_AFTER
        return _reported(own[-1], "silent") if late else _reported(last, None)
    drift = _drift(reports, own, started=start is not None)
    late = last.state == "in_progress" and now - last.time > SILENT_AFTER
    return _reported(last, "silent" if drift is None and late else drift)


def _drift(reports: Sequence[Report], own: Sequence[Report], *, started: bool) -> Drift | None:
    """How the newest reports differ from the tag that holds the stage, whose ``own`` ones are among them."""
    if not own:
        return None if started else "not-deployed"
    after = reports[reports.index(own[0]) :]
    succeeded = [one for one in after if one.state == "success"]
    if not succeeded:
        return "not-deployed"
    return None if succeeded[-1] in own else "old-run"


def _is_of(report: Report, hold: Hold) -> bool:
    """Whether a report is of what holds the stage now: of its tag, or of the same version since then.

    A tag may have been deleted and made again on another version: what was reported before is not of it.
    """
    if None not in (report.version, hold.version) and report.version != hold.version:
        return False
    same = report.tag == hold.tag or (report.version is not None and report.version == hold.version)
    return same and (report.tag == hold.tag == hold.opened_by or report.time >= hold.since)


def _counts(time: int, hold: Hold) -> bool:
    """Whether what began then began for this hold: a tag may hold its stage once more, after the one behind it left."""
    return hold.tag == hold.opened_by or time >= hold.since


def _started(hold: Hold, start: Note, drift: Drift | None) -> Deployed:
    return Deployed(hold.version, start.tag, "started", start.run_url, None, drift)


def _reported(report: Report, drift: Drift | None) -> Deployed:
    return Deployed(report.version, report.tag, report.state, report.run_url, report.time, drift)
