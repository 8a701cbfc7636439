"""Whether Git tracks what lies at a path: in the repository that it is in, and in those around that one."""

from __future__ import annotations

import os
from pathlib import Path

from tagline.adapters.git.running import find_repository, open_git
from tagline.errors import WrongUsage


def tracked_at(path: Path) -> str | None:
    """A file at or below a path that Git tracks, as its repository calls it; None where there is none.

    Raises PlatformRefused where git cannot say it.
    """
    folder = path.parent.resolve()
    real = folder / path.name
    while True:
        try:
            place = find_repository(folder)
        except WrongUsage:
            return None
        root = place.root.resolve()
        if not place.bare:
            found = open_git(place).run("ls-files", "-z", "--", os.path.relpath(real, root)).stdout
            if found:
                return os.fsdecode(found.partition(b"\0")[0])
        if root == root.parent:
            return None
        folder = root.parent
