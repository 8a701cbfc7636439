"""``history --at`` for people: a line a hold, newest first, then what the holds come to."""

from __future__ import annotations

from tagline.domain.ledger.holds import Holding, Tally, approvals
from tagline.domain.ledger.messages import REQUESTED_BY
from tagline.domain.ledger.results import StageHistory
from tagline.domain.ledger.tags import EventKind, parse_tag
from tagline.domain.text.durations import format_duration
from tagline.domain.text.times import format_time
from tagline.render.escape import one_line
from tagline.render.terminal.tables import UNUSUAL, Pen, table

_NOBODY = "-"


def holds(result: StageHistory, pen: Pen, artifact: str | None) -> str:
    """The table of holds, a line for each artifact, and one for all where there are several.

    ``artifact`` is the one that was asked about, whose name then needs no column.
    """
    rows = [(past, one) for past in result.artifacts for one in past.holdings]
    rows.sort(key=lambda row: row[1].hold.since, reverse=True)
    head: tuple[str, ...] = ("SINCE", "UNTIL", "FOR", "VERSION", "BY", "APPROVED BY", "WHY")
    styles: tuple[str, ...] = ("dim", "dim", "", "green")
    cells: list[tuple[str, ...]] = [_cells(one) for _, one in rows]
    if artifact is None:
        head, styles = ("ARTIFACT", *head), ("bold", *styles)
        cells = [(past.artifact, *row) for (past, _), row in zip(rows, cells, strict=True)]
    lines = [table(head, cells, pen, styles), ""] if cells else []
    for past in result.artifacts:
        state = " (deprecated)" if past.deprecated else ""
        lines.append(one_line(f"{result.stage} of {past.artifact}{state}: {_counted(past.tally)}"))
    if artifact is None and len(result.artifacts) != 1:
        lines.append(one_line(f"{result.stage} of {len(result.artifacts)} artifacts: {_counted(result.overall)}"))
    return "\n".join(lines)


def _cells(one: Holding) -> tuple[str, ...]:
    hold, trailers = one.hold, one.trailers
    approvers = dict.fromkeys(approval.login for approval in approvals(trailers))
    return (
        format_time(hold.since),
        "still" if hold.until is None else format_time(hold.until),
        format_duration(one.seconds),
        hold.version or f"commit {hold.commit[:7]}",
        ", ".join(trailers.get(REQUESTED_BY, [])) or one.actor_name or _NOBODY,
        ", ".join(approvers) or _NOBODY,
        _why(one),
    )


def _why(one: Holding) -> str:
    """The change, and whatever is unusual about how the hold began."""
    reasons = [f"{word}{value}" for key, word in UNUSUAL.items() for value in one.trailers.get(key, ())]
    opened = parse_tag(one.hold.opened_by)
    if opened is not None and opened.kind is not EventKind.ASSIGNMENT:
        # Nobody assigned it then: another version was taken away, or this commit got its version.
        reasons.append(f"by {one.hold.opened_by}")
    return "; ".join(reasons)


def _counted(tally: Tally) -> str:
    """``7 holds, mean 9d 4h, median 8d, longest 31d, 1 rollback; held 98% of the time``."""
    if not tally.holds:
        return "nobody held it in that time"
    parts = [_number(tally.holds, "hold")]
    if tally.mean is None or tally.median is None or tally.longest is None:
        parts.append("none has ended")
    else:
        parts.append(f"mean {format_duration(tally.mean)}")
        parts.append(f"median {format_duration(tally.median)}")
        parts.append(f"longest {format_duration(tally.longest)}")
    if tally.rollbacks:
        parts.append(_number(tally.rollbacks, "rollback"))
    share = f"; held {_percent(tally)} of the time" if tally.window else ""
    return ", ".join(parts) + share


def _percent(tally: Tally) -> str:
    """Cut off to whole percents: all of the time is all of it, and a little is not nothing."""
    percent = 100 * tally.held // tally.window
    return f"{percent}%" if percent or not tally.held else "under 1%"


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
