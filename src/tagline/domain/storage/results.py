"""What the commands about bytes answer: data for the renderers."""

from __future__ import annotations

from dataclasses import dataclass

from tagline.domain.ledger.answers import Answer
from tagline.domain.ledger.events import Warn
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.storage.objects import Location


@dataclass(frozen=True)
class Presigned:
    """A URL that reads an object without credentials, until ``expires_at`` (unix seconds)."""

    url: str
    expires_at: int


@dataclass(frozen=True)
class Resolved:
    """``resolve``: a target's artifact at the commit that its tag names."""

    answer: Answer
    entry: ManifestEntry | None
    location: Location
    current: bool
    previous_version: str | None
    warnings: list[Warn]
    presigned: Presigned | None = None
    #: Another tag overtook it and nothing was handed over, as was asked.
    superseded: bool = False


@dataclass(frozen=True)
class Fetched:
    """``fetch``: what was resolved and where it is now. ``there``: it was there already, byte for byte.

    ``destination`` is None where nothing was handed over.
    """

    resolved: Resolved
    destination: str | None
    there: bool
