"""What became of a pin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tagline.domain.ledger.events import Warn
from tagline.domain.pins.lock import Pin


@dataclass(frozen=True)
class Looked:
    """``gone`` where the target is there no more, with ``why``; else what it names ``now``, with the ledger's warnings.

    A version that was withdrawn is still what a pin of it names: that is such a warning.
    """

    name: str
    pinned: Pin
    state: Literal["current", "moved", "gone"]
    now: Pin | None = None
    why: str | None = None
    warnings: tuple[Warn, ...] = ()


def warnings_of(looked: Iterable[Looked]) -> list[Warn]:
    """The warnings of all, each once: pins of one repository share them."""
    return list(dict.fromkeys(warn for one in looked for warn in one.warnings))
