"""The answer of ``tagline labels sync``: its JSON document, and a table for people."""

from __future__ import annotations

from typing import Any

from tagline.domain.changes.labels import LabelState, SyncedLabels
from tagline.render.terminal.tables import Pen, table


def document(synced: SyncedLabels) -> dict[str, Any]:
    """Every label and what became of it."""
    rows = [{**label.offer._asdict(), "state": str(label.state), "message": label.why} for label in synced.labels]
    return {"labels": rows, "dry_run": synced.dry_run, "refused": synced.refused}


_WORDS = {LabelState.MISSING: "would be made", LabelState.TOO_LONG: "left out"}


def text(synced: SyncedLabels, pen: Pen) -> str:
    """A line a label, and what could not be done."""
    rows = [(label.offer.name, _WORDS.get(label.state, str(label.state)), label.why or "") for label in synced.labels]
    made = sum(label.state in (LabelState.MADE, LabelState.MISSING) for label in synced.labels)
    count = f"{made} label{'s' * (made != 1)}"
    if synced.dry_run:
        said = f"Would make {count}; nothing was written." if made else "Nothing to make."
        said += f" {synced.refused}" if synced.refused else ""
    else:
        said = f"Made {count}." if made else "Nothing to make."
    return f"{table(('LABEL', '', ''), rows, pen, ('bold', 'cyan', ''))}\n{said}"
