"""Answers for people: tables and short lists, plain or in colour."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.messages import CHANGE, HOLD, HOLD_LIFTED, OVERRIDE, ROLLBACK_FROM, TICKET, Trailers
from tagline.domain.ledger.tags import EventKind
from tagline.domain.text.times import format_time
from tagline.errors import TaglineError
from tagline.render.escape import no_command, one_line, width

if TYPE_CHECKING:
    from tagline.domain.ledger.registry import ArtifactState, Hold, Stop
    from tagline.domain.ledger.results import History, Shown, Written
    from tagline.domain.manifest.results import Checked
    from tagline.domain.storage.results import Fetched, Resolved

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Pen:
    """Text in colour, or plain."""

    def __init__(self, *, color: bool) -> None:
        self._color = color

    def __call__(self, text: str, *styles: str) -> str:
        """``text`` in the given styles; untouched without colour."""
        if not self._color or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], pen: Pen, styles: Sequence[str] = ()) -> str:
    """Columns as wide as their widest cell; ``styles`` is one style a column, empty for none."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(width(row[i]) for row in [list(head), *cells]) for i in range(len(head))]

    def line(row: Sequence[str], styled: Sequence[str]) -> str:
        padded = []
        for i, cell in enumerate(row):
            pad = " " * (widths[i] - width(cell)) if i < len(row) - 1 else ""
            style = styled[i] if i < len(styled) else ""
            padded.append((pen(cell, style) if style else cell) + pad)
        return "  ".join(padded).rstrip()

    return "\n".join([line(head, ["dim"] * len(head)), *(line(row, styles) for row in cells)])


def hidden(count: int, pen: Pen) -> str:
    """A line about deprecated artifacts that are left out."""
    return pen(f"{count} deprecated artifact{'s' * (count != 1)} not shown: --all", "dim")


def registry(states: Iterable[ArtifactState], pen: Pen) -> str:
    """``show``: a line an artifact; nothing where there is none."""
    rows = [
        (
            state.name + (" (deprecated)" if state.deprecated else ""),
            state.latest.version if state.latest else "-",
            ", ".join(f"{stage} {_holder(hold)}{_held(stage, state)}" for stage, hold in state.stages.items()) or "-",
            str(sum(row.active for row in state.versions)),
        )
        for state in states
    ]
    if not rows:
        return ""
    return table(("ARTIFACT", "LATEST", "STAGES", "VERSIONS"), rows, pen, ("bold", "green", "cyan", ""))


def artifact(state: ArtifactState, pen: Pen, only_here: Collection[str] = (), remote: str = "") -> str:
    """``show NAME``: its stages, then a line a version; of tags ``only_here`` it says that the remote has them not."""

    def marked(text: str, tag: str) -> str:
        return f"{text} (not on {remote})" if tag in only_here else text

    lines = [pen(state.name, "bold") + (pen("  deprecated", "yellow") if state.deprecated else "")]
    if state.stages:
        rows = [
            (
                stage,
                f"{_holder(hold)}{_held(stage, state)}",
                hold.commit[:7],
                format_time(hold.since),
                marked(hold.tag, hold.tag),
            )
            for stage, hold in state.stages.items()
        ]
        lines += ["", table(("STAGE", "HOLDS", "COMMIT", "SINCE", "TAG"), rows, pen, ("cyan", "green"))]
    lines += [f"{pen(f'{stage} is held', 'yellow')} {_stopped(stop)}" for stage, stop in state.stops.items()]
    if state.versions:
        versions = [
            (
                marked(row.version + ("" if row.active else " (deregistered)"), row.tag),
                row.commit[:7],
                format_time(row.registered_at),
                ", ".join(row.stages) or "-",
            )
            for row in state.versions
        ]
        lines += [
            "",
            table(("VERSION", "COMMIT", "REGISTERED", "STAGES"), versions, pen, ("green", "", "", "cyan")),
        ]
    return "\n".join(lines)


NOTHING = (
    "No artifact has a registry tag yet. The first version comes with the merge of a change that has the label "
    "version:minor; by hand: tagline register NAME"
)


def _holder(hold: Hold | None) -> str:
    if hold is None:
        return "nobody"
    return hold.version or f"commit {hold.commit[:7]}"


def _held(stage: str, state: ArtifactState) -> str:
    return " (held)" if stage in state.stops else ""


def _stopped(stop: Stop) -> str:
    """Since when a stage is held, at what, by whom and why."""
    by = f" by {stop.by}" if stop.by else ""
    at = stop.version or f"commit {stop.commit[:7]}"
    return one_line(f"at {at} since {format_time(stop.since)}{by}: {stop.reason} ({stop.tag})")


def _fields(pairs: Iterable[tuple[str, object]], pen: Pen) -> str:
    shown = [(key, one_line(str(value))) for key, value in pairs if value not in (None, "", [])]
    longest = max((len(key) for key, _ in shown), default=0)
    return "\n".join(f"{pen(key.ljust(longest), 'dim')}  {value}" for key, value in shown)


def shown(result: Shown, pen: Pen) -> str:
    """``show NAME@...`` and ``show NAME#...``."""
    answer = result.answer
    asked = f"{answer.artifact}#{answer.stage}" if answer.stage else answer.artifact
    state = "" if answer.active or answer.version is None else pen(" (deregistered)", "yellow")
    head = f"{pen(asked, 'bold')}  {pen(answer.version or 'no version', 'green')}{state}"
    registered = format_time(answer.registered_at) if answer.registered_at is not None else None
    pairs = [("commit", answer.commit), ("tag", answer.tag), ("registered", registered)]
    if answer.stage:
        pairs.append(("held since", format_time(result.state.stages[answer.stage].since)))
    pairs.append(("stages", ", ".join(answer.stages)))
    stop = result.state.stops.get(answer.stage or "")
    pairs += [("held", _stopped(stop))] if stop is not None else []
    return f"{head}\n{_fields(pairs, pen)}"


def history(result: History, pen: Pen) -> str:
    """``history``: a line an event, newest first."""
    if not result.events:
        return "Nothing has happened yet."
    rows = [
        (
            format_time(past.event.time),
            past.event.artifact,
            str(past.event.kind),
            past.version or "-",
            past.event.stage or "-",
            past.event.tag,
            past.actor_name,
            _why(past.trailers),
        )
        for past in result.events
    ]
    head = ("TIME", "ARTIFACT", "EVENT", "VERSION", "STAGE", "TAG", "BY", "WHY")
    return table(head, rows, pen, ("dim", "bold", "", "green", "cyan"))


#: What trailers say of an event's reason, and how that is said: the change, and what is unusual.
UNUSUAL = {
    CHANGE: "",
    ROLLBACK_FROM: "rollback from ",
    TICKET: "",
    OVERRIDE: "override: ",
    HOLD: "held: ",
    HOLD_LIFTED: "hold lifted: ",
}


def _why(trailers: Trailers) -> str:
    """What the trailers say of an event's reason."""
    from tagline.domain.ledger.holds import approvals  # here, because only history tells it

    reasons = [f"{word}{value}" for key, word in UNUSUAL.items() for value in trailers.get(key, ())]
    approvers = dict.fromkeys(approval.login for approval in approvals(trailers))
    reasons += [f"approved by {', '.join(approvers)}"] if approvers else []
    return "; ".join(reasons)


def checked(result: Checked, pen: Pen) -> str:
    """``check-ref``."""
    event, entry = result.event, result.entry
    if event is None:
        return "No registry tag."
    pairs = [
        ("event", str(event.kind)),
        ("artifact", event.artifact),
        ("version", result.version),
        ("stage", event.stage),
        ("tag", event.tag),
        ("commit", event.commit),
        ("type", entry.type if entry else None),
        ("path", entry.path if entry else None),
        ("description", entry.description if entry else None),
        ("current", "yes" if result.current else "no"),
    ]
    return _fields(pairs, pen)


def resolved(result: Resolved, pen: Pen, *, public: bool = False) -> str:
    """``resolve``. ``public``: everybody reads it, so what gives access to the bytes is not shown."""
    answer, entry, location = result.answer, result.entry, result.location
    asked = f"{answer.artifact}#{answer.stage}" if answer.stage else answer.artifact
    pairs = [
        ("commit", answer.commit),
        ("tag", answer.tag),
        ("type", entry.type if entry else None),
        ("path", entry.path if entry else None),
        ("description", entry.description if entry else None),
        ("labels", ", ".join(entry.labels) if entry else None),
        ("uri", location.uri),
        ("digest", location.digest),
        ("sha256", location.sha256),
        ("size", f"{location.size:,} bytes" if location.size is not None else None),
        ("object", location.version_id),
        ("files", location.files),
        ("current", "no: overtaken" if result.superseded else "yes" if result.current else "no"),
        ("before", result.previous_version),
        ("url", None if result.presigned is None else "(in the outputs)" if public else result.presigned.url),
    ]
    head = f"{pen(asked, 'bold')}  {pen(answer.version or 'no version', 'green')}"
    return f"{head}\n{_fields(pairs, pen)}"


def fetched(result: Fetched, pen: Pen) -> str:
    """``fetch``."""
    answer, location = result.resolved.answer, result.resolved.location
    what = f"{answer.artifact} {answer.version or answer.commit[:7]}"
    if result.destination is None:
        return f"{what}  {pen('overtaken: nothing was fetched', 'yellow')}"
    parts = [pen(one_line(result.destination), "bold"), what]
    if location.files is not None and location.files != 1:
        parts.append(f"{location.files:,} files")
    if location.size is not None:
        parts.append(f"{location.size:,} bytes")
    parts.append(pen("is there already" if result.there else "fetched and verified", "green"))
    return "  ".join(parts)


_DONE = {
    EventKind.REGISTRATION: "registered {artifact} {version}",
    EventKind.DEREGISTRATION: "deregistered {artifact} {version}",
    EventKind.ASSIGNMENT: "assigned {stage} to {artifact} {version}",
    EventKind.UNASSIGNMENT: "unassigned {stage} from {artifact} {version}",
    EventKind.DEPRECATION: "deprecated {artifact}",
}
_WOULD = {
    EventKind.REGISTRATION: "would register {artifact} {version}",
    EventKind.DEREGISTRATION: "would deregister {artifact} {version}",
    EventKind.ASSIGNMENT: "would assign {stage} to {artifact} {version}",
    EventKind.UNASSIGNMENT: "would unassign {stage} from {artifact} {version}",
    EventKind.DEPRECATION: "would deprecate {artifact}",
}


def written(result: Written, stage: str | None, pen: Pen) -> str:
    """What a writing command did, and every stage that changed hands by it."""
    lines = [result.note] if result.note else []
    for row in result.rows:
        if result.note:
            lines.append(f"  tag {row.tag} at {row.commit[:7]}")
            continue
        words = _WOULD if result.dry_run else _DONE
        done = words[row.event].format(artifact=row.artifact, version=row.version or "", stage=row.stage)
        where = ", pushed" if result.pushed else ""
        lines.append(f"{done}: tag {pen(row.tag, 'green')} at {row.commit[:7]}{where}")
    moved = result.moved()
    for name, (old, new) in moved.items():
        would = "would be" if result.dry_run else "is now"
        lines.append(f"{result.state.name}#{name} {would} {pen(_holder(new), 'green')}, was {_holder(old)}")
    if stage is not None and stage not in moved:
        lines.append(f"{result.state.name}#{stage} is {pen(_holder(result.holder(stage)), 'green')}")
    stop = result.state.stops.get(stage or "")
    lines += [f"{result.state.name}#{stage} is held {_stopped(stop)}"] if stop is not None else []
    made = [row.tag for row in result.rows if row.created]
    if result.stayed_from is not None and made:
        refs = " ".join(f"'refs/tags/{tag}'" for tag in made)
        lines.append(f"It stayed in this clone. Others see it after: git push --atomic {result.stayed_from} {refs}")
    if result.before.deprecated and not result.state.deprecated:
        lines.append(f"{result.state.name} was deprecated and is back")
    return "\n".join(lines)


def warnings(found: Iterable[Warn], pen: Pen) -> str:
    """A line a warning, for stderr; one for all that say the same of many tags, as of another tool's."""
    alike: dict[str, list[Warn]] = {}
    for warn in found:
        alike.setdefault(warn.code, []).append(warn)
    lines = []
    for code, warns in alike.items():
        many = len(warns) > _MOST_ALIKE
        lines += [f"{_among(warns)} [{code}]"] if many else [f"{one_line(warn.message)} [{code}]" for warn in warns]
    return "\n".join(f"{pen('warning:', 'yellow', 'bold')} {line}" for line in lines)


#: Warnings of one code that have a line each; all of more are in the JSON document.
_MOST_ALIKE = 3


def _among(warns: Sequence[Warn]) -> str:
    """The first of many warnings, and which tags it is said of too."""
    first, *others = warns
    names = [warn.tag for warn in others[:_MOST_ALIKE] if warn.tag is not None]
    some = f", as {', '.join(names)}" if names else ""
    return one_line(f"{first.message} The same of {len(others):,} more{some} (all: --json).")


def failure(error: TaglineError, pen: Pen) -> str:
    """Cause, then fix, for stderr."""
    lines = [f"{pen('error:', 'red', 'bold')} {one_line(error.message)}"]
    if error.hint:
        first, *rest = error.hint.split("\n")
        lines.append(f"  {pen('fix:', 'bold')} {one_line(first)}")
        lines += [f"       {no_command(one_line(line))}" for line in rest]
    return "\n".join(lines)
