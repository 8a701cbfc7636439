"""What a build of the site made."""

from __future__ import annotations

from typing import NamedTuple


class Built(NamedTuple):
    """What a build made. ``kept`` artifacts are those whose pages stayed as they were."""

    folder: str
    repositories: int
    artifacts: int
    versions: int
    kept: int
    files: int
    written: int
    removed: int
