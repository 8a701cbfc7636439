"""What keeping an index answers: data for the renderers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Indexed:
    """One run.

    ``failed`` are (repository, status, reason) of those that could not be read; ``rows`` is how many each table has
    now. ``bugs`` counts repositories on which Tagline itself failed.
    """

    place: str
    repositories: int
    read: int
    unchanged: int
    removed: int
    failed: Sequence[tuple[str, str, str]]
    rows: Mapping[str, int]
    bugs: int = 0
