"""The answer of ``tagline init``: its JSON document; for people what is written, what tags mean, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagline.domain.setup.entries import Entry, renamed
from tagline.domain.setup.results import FileState, OldTags, SetUp
from tagline.render.escape import no_command, one_line
from tagline.render.json import documents
from tagline.render.terminal.tables import Pen, table

#: Rows of a table.
_MOST = 20
_WORDS = {FileState.WRITTEN: "written", FileState.MISSING: "would be written", FileState.THERE: "is there"}


def document(done: SetUp) -> dict[str, Any]:
    """What was found, written and is left to do."""
    return {
        "forge": done.forge,
        "files": [{"path": file.path, "state": str(file.state), "what": file.what} for file in done.files],
        "artifacts": [{**entry._asdict(), "type": entry.type or None} for entry in done.entries],
        "registry": {
            "tags": done.old.tags,
            "artifacts": list(done.old.artifacts),
            "versions": done.old.versions,
            "holders": [holder._asdict() for holder in done.old.holders],
            "stages": list(done.old.stages),
        },
        "todo": [todo._asdict() for todo in done.todo],
        "dry_run": done.dry_run,
        "warnings": documents.warnings(done.warnings),
    }


def text(done: SetUp, pen: Pen) -> str:
    """Tables and lists, one after the other."""
    files = [(file.path, _WORDS[file.state], file.what) for file in done.files]
    parts = [table(("FILE", "", ""), files, pen, ("bold", "green", ""))]
    if done.entries:
        rows = [(entry.name, entry.type or "-", entry.path, _by(entry)) for entry in done.entries]
        parts.append(_table(("ARTIFACT", "TYPE", "PATH", "BY"), rows, pen, ("bold", "cyan", "", "dim")))
    if done.old.tags:
        parts.append(_old(done.old, pen))
    lines = [pen("Left to do by hand:", "bold")]
    for number, todo in enumerate(done.todo, 1):
        lines.append(no_command(f"{number:2}. {one_line(todo.what)}"))
        lines += [f"    {one_line(todo.url)}"] if todo.url else []
    parts.append("\n".join(lines))
    new = sum(file.state is not FileState.THERE for file in done.files)
    said = "Nothing is missing." if not new else f"{new} file{'s' * (new != 1)} {'would be ' * done.dry_run}written."
    return "\n\n".join([*parts, said])


def _by(entry: Entry) -> str:
    return f"{entry.source}, named otherwise" if renamed(entry) else entry.source


def _old(old: OldTags, pen: Pen) -> str:
    """What the tags mean."""
    counts = (
        f"{old.tags} registry tags are here already: {_count(len(old.artifacts), 'artifact')}, "
        f"{_count(old.versions, 'version')}, {_count(len(old.holders), 'stage')} held. They stay as they are."
    )
    rows = [(holder.artifact, holder.stage, holder.version or "-") for holder in old.holders]
    return (
        f"{counts}\n{_table(('ARTIFACT', 'STAGE', 'HELD BY'), rows, pen, ('bold', 'cyan', 'green'))}"
        if rows
        else counts
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], pen: Pen, styles: tuple[str, ...]) -> str:
    shown = table(head, rows[:_MOST], pen, styles)
    return f"{shown}\n... and {len(rows) - _MOST} more; --json has all of them." if len(rows) > _MOST else shown
