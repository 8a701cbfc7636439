"""What a change touches: the artifacts whose bytes differ between the two ends of it.

Bytes, not words: an edited description touches nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.manifest.tracked import below, upwards
from tagline.domain.storage.pointers import Out


class FileChange(NamedTuple):
    """A file that differs between two commits. ``status`` is Git's letter: A, D, M or T."""

    path: str
    status: str


class Among(NamedTuple):
    """Which of the files that differ are asked for: all in some folders, of each of some paths (a file or a folder)
    the first one, and those that tell something of artifacts by their names.
    """

    folders: Collection[str] = ()
    paths: Collection[str] = ()
    telling: bool = False


@dataclass(frozen=True)
class Side:
    """One end of a change: its manifest entries by name, and the outs of the pointers that changed."""

    entries: Mapping[str, ManifestEntry]
    outs: Sequence[Out] = ()


@dataclass(frozen=True)
class Touches:
    """``touched``: artifact to why. ``removed`` and ``renamed`` (old name, new name) are listed and never tagged."""

    touched: Mapping[str, str]
    removed: Sequence[str] = ()
    renamed: Sequence[tuple[str, str]] = ()
    files: Sequence[FileChange] = field(default=(), compare=False)


def find_touches(before: Side, after: Side, files: Sequence[FileChange]) -> Touches:
    """Compare the two ends. ``files`` are those that differ between them, of a folder at least the first."""
    changed = _Changed(sorted(file.path for file in files), frozenset(file.path for file in files))
    outs = _Outs(before.outs), _Outs(after.outs)
    gone = {entry.path: name for name, entry in before.entries.items() if name not in after.entries and entry.path}
    touched: dict[str, str] = {}
    renamed: list[tuple[str, str]] = []
    for name, entry in sorted(after.entries.items()):
        if entry.path is None:
            continue
        if name not in before.entries and entry.path in gone:
            renamed.append((gone[entry.path], name))
            continue
        why = _why(before, after, name, entry.path, changed, outs)
        if why is not None:
            touched[name] = why
    old_names = {old for old, _ in renamed}
    removed = sorted(name for name in before.entries if name not in after.entries and name not in old_names)
    return Touches(touched, removed, renamed, files)


def _why(before: Side, after: Side, name: str, path: str, changed: _Changed, outs: tuple[_Outs, _Outs]) -> str | None:
    """Why an artifact is touched; None when it is not."""
    old = before.entries.get(name)
    if old is None:
        return "is new"
    if old.path != path:
        return f"moved from {old.path}" if old.path else f"got the path {path}"
    if after.entries[name].virtual:
        return None
    itself = [path] if path in changed.files else []
    file = next(chain(itself, below(changed.ordered, path)), None)
    if file is not None:
        return f"{file} changed"
    if outs[0].digests(path) != outs[1].digests(path):
        return "its DVC pointer changed"
    return None


class _Changed(NamedTuple):
    """The paths that differ, sorted, and as a set."""

    ordered: Sequence[str]
    files: frozenset[str]


class _Outs:
    """The digests of outs, by path. Many artifacts may have one path."""

    def __init__(self, outs: Iterable[Out]) -> None:
        self._known: dict[str, set[tuple[str, str | None]]] = {}
        self._digests: dict[str, set[str | None]] = {}
        for out in outs:
            self._digests.setdefault(out.path, set()).add(out.digest)
        self._sorted = sorted(self._digests)

    def digests(self, path: str) -> set[tuple[str, str | None]]:
        """Of the outs that are a path, a folder above it, or something below it."""
        if path not in self._known:
            meeting = chain((part for part in upwards(path) if part in self._digests), below(self._sorted, path))
            self._known[path] = {(found, digest) for found in meeting for digest in self._digests[found]}
        return self._known[path]
