"""What became of a pin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tagline.domain.pins.lock import Pin


@dataclass(frozen=True)
class Looked:
    """``gone`` where the target is there no more, with ``why``; else what it names ``now``."""

    name: str
    pinned: Pin
    state: Literal["current", "moved", "gone"]
    now: Pin | None = None
    why: str | None = None
