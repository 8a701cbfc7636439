"""The names of a clone's tags, and its manifests, read as files: no program runs, and nothing is asked of a remote.

For who presses a key in a terminal and waits. A clone is anybody's: its configuration is not read, and what is no
plain file is passed over. ``refs_here`` reads such files for a decision and leaves to git whatever is odd; here a name
too few costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: Bytes of a file that are looked at; folders below the top that manifests are looked for in.
_MOST_REFS, _MOST_TEXT, _MOST_FOLDERS, _DEEPEST = 64 << 20, 256 << 10, 300, 3
_TAGS = "refs/tags/"


class Clone:
    """A work tree by the folder that somebody is in. ``top`` is None where that is no repository."""

    def __init__(self, folder: Path) -> None:
        self.top, self._common = _find(folder)

    def tags(self) -> Iterator[str]:
        """The names of all tags, without ``refs/tags/``."""
        if self._common is None:
            return
        for line in read(self._common / "packed-refs", _MOST_REFS).splitlines():
            _, _, ref = line.partition(b" ")
            if ref.startswith(_TAGS.encode()):
                yield ref[len(_TAGS) :].decode(errors="replace")
        loose = self._common / _TAGS
        for folder, _, files in os.walk(loose):
            inside = Path(folder).relative_to(loose)
            for name in files:
                if not name.endswith(".lock"):
                    yield (inside / name).as_posix()

    def files(self, names: frozenset[str]) -> Iterator[tuple[str, bytes]]:
        """The files of these names in the work tree, a few folders deep: paths from its top, and how they begin."""
        if self.top is None:
            return
        folders = [(self.top, 0)]
        for folder, depth in folders:
            for entry in _entries(folder):
                if entry.name in names and entry.is_file(follow_symlinks=False):
                    yield Path(entry.path).relative_to(self.top).as_posix(), read(Path(entry.path), _MOST_TEXT)
                elif depth < _DEEPEST and len(folders) < _MOST_FOLDERS and _is_open(entry):
                    folders.append((Path(entry.path), depth + 1))


def _find(folder: Path) -> tuple[Path | None, Path | None]:
    """The top of the work tree, and the folder of its refs: of a linked work tree the first one's."""
    for top in (folder, *folder.parents):
        git = top / ".git"
        if git.is_dir():
            return top, git
        if git.is_file():
            own = top / read(git, 4096).decode(errors="replace").removeprefix("gitdir:").strip()
            said = read(own / "commondir", 4096).decode(errors="replace").strip()
            return top, own / said
        if (top / "packed-refs").is_file() and (top / "refs").is_dir():
            return None, top  # a bare one
    return None, None


def _is_open(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def read(path: Path, most: int = _MOST_TEXT) -> bytes:
    """The beginning of a plain file; nothing of what is none, or may not be read."""
    try:
        # Without waiting: what lies there may be a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        return file.read(most) if path.is_file() else b""
