"""What ``check-ref`` answers: data for the renderers."""

from __future__ import annotations

from dataclasses import dataclass, field

from tagline.domain.ledger.events import Event, Warn
from tagline.domain.manifest.manifest import ManifestEntry


@dataclass(frozen=True)
class Checked:
    """``check-ref``. ``event`` is None for a ref that is no registry tag."""

    event: Event | None = None
    version: str | None = None
    entry: ManifestEntry | None = None
    current: bool = False
    warnings: list[Warn] = field(default_factory=list)
