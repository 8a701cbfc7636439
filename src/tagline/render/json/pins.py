"""Pins as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from tagline.domain.delivery.events import ChangeLink
from tagline.domain.ledger.events import Warn
from tagline.domain.pins.lock import Pin
from tagline.domain.pins.looked import Looked, warnings_of
from tagline.render.json.documents import Document, warnings


def pinned(
    pins: Mapping[str, Pin],
    before: Mapping[str, Pin],
    changed: Sequence[str],
    file: str,
    dry_run: bool,
    found: Iterable[Warn],
    proposed: tuple[str, str, ChangeLink | None] | None = None,
) -> Document:
    """``pin``: the lock, and what this run changed in it; ``proposed``: what came of the change, its branch, itself."""
    state, branch, change = proposed or ("", "", None)
    return {
        "file": file,
        "pins": {name: asdict(pins[name]) for name in sorted(pins)},
        "changed": [
            {"name": name, "before": asdict(before[name]) if name in before else None, "after": asdict(pins[name])}
            for name in changed
        ],
        "proposed": {"state": state, "branch": branch, "change": change._asdict() if change is not None else None}
        if proposed is not None
        else None,
        "dry_run": dry_run,
        "warnings": warnings(found),
    }


def outdated(looked: Sequence[Looked]) -> Document:
    """``outdated``: each pin, and what its target names now."""
    return {
        "pins": [
            {
                "name": one.name,
                "state": one.state,
                "pinned": asdict(one.pinned),
                "now": asdict(one.now) if one.now is not None else None,
                "why": one.why,
            }
            for one in looked
        ],
        "warnings": warnings(warnings_of(looked)),
    }
