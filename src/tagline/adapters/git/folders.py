"""The folders of a commit, each read once by its id, however often it occurs in the tree.

Git names equal folders by one id, so a few kB can stand for millions of paths. Nothing here unfolds a tree before
it is known how many of its paths are wanted, and what is read and answered at all is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from tagline.adapters.git.object_reader import ObjectReader
from tagline.adapters.git.running import Git
from tagline.errors import TooManyPaths

#: Paths that one question may be answered with.
MOST_PATHS = 500_000
#: So many of them in any case, and behind that so many for each entry of a folder that was read: a tree of real
#: files has nearly as many entries as paths, one that only repeats folders has few.
_MOST_REPEATED, _REPEATED_EACH = 100_000, 4
#: Characters of all paths of an answer.
_MOST_CHARACTERS = 200_000_000
#: Bytes of folders that are read of one commit.
_MOST_BYTES = 512 * 1024 * 1024
#: Folders in one another; git itself stops at 2,048.
_DEEPEST = 2000
#: Entries of folders that are kept for the next question.
_KEPT = 300_000

#: The path of a commit's own folder.
ROOT = "."

#: Git's modes of what is no regular file.
FOLDER, LINK, SUBMODULE = "40000", "120000", "160000"


class Entry(NamedTuple):
    """A file, link, submodule or folder, by its path from where one looked."""

    mode: str
    object_id: str
    path: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == FOLDER

    @property
    def is_submodule(self) -> bool:
        """Whether it is another repository's commit."""
        return self.mode == SUBMODULE


#: Of one folder: mode, name and id of its entries.
_Rows = list[tuple[str, str, str]]
#: Whether an entry that is no folder is wanted, by its mode and name.
Wanted = Callable[[str, str], bool]


@dataclass(frozen=True)
class Survey:
    """The distinct folders below one, with their folders and those of their other entries that are wanted.

    ``read`` is the number of all entries that were looked at.
    """

    root: str
    rows: dict[str, _Rows]
    read: int

    def total(self, of: Callable[[str, str, str], int]) -> int:
        """The sum of a number of each wanted path (by mode, name and id), without unfolding anything."""
        return self._totals(of)[self.root]

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of wanted paths below each folder."""
        return self._totals(lambda *_: 1)

    def _totals(self, of: Callable[[str, str, str], int]) -> dict[str, int]:
        """The sum below each folder. Raises TooManyPaths for folders in one another without end."""
        totals: dict[str, int] = {}
        pending = [(self.root, False)]
        depth = 0
        while pending:
            folder, ready = pending.pop()
            if ready:
                depth -= 1
                rows = self.rows[folder]
                totals[folder] = sum(totals[row[2]] if row[0] == FOLDER else of(*row) for row in rows)
            elif folder not in totals:
                depth += 1
                if depth > _DEEPEST:
                    raise TooManyPaths(f"More than {_DEEPEST} folders in one another")
                pending.append((folder, True))
                pending += {(row[2], False) for row in self.rows[folder] if row[0] == FOLDER}
        return totals

    def unfold(self) -> list[Entry]:
        """Every wanted path, in Git's order. Raises TooManyPaths before the first where there are too many."""
        counts = self.counts
        most = min(MOST_PATHS, _MOST_REPEATED + _REPEATED_EACH * self.read)
        if counts[self.root] > most:
            raise TooManyPaths(f"{counts[self.root]:,} paths of some {self.read:,} entries")
        found: list[Entry] = []
        characters = 0
        pending = [("", iter(self.rows[self.root]))]
        while pending:
            prefix, rows = pending[-1]
            for mode, name, object_id in rows:
                if mode != FOLDER:
                    found.append(Entry(mode, object_id, prefix + name))
                    characters += len(prefix) + len(name)
                elif counts[object_id]:
                    pending.append((f"{prefix}{name}/", iter(self.rows[object_id])))
                    break
            else:
                pending.pop()
            if characters > _MOST_CHARACTERS:
                raise TooManyPaths(f"Paths of more than {_MOST_CHARACTERS // 10**6} million characters")
        return found


class Folders:
    """The folders of one commit. ``read`` counts those that Git was asked for."""

    def __init__(self, git: Git, commit: str) -> None:
        self.read = 0
        self._git = git
        self._commit = commit
        # An id has 40 hex digits, or 64.
        width = len(commit) // 2
        self._row = re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % width, re.DOTALL)
        self._left = _MOST_BYTES
        self._kept: dict[str, dict[str, tuple[str, str]]] = {}
        self._room = _KEPT
        self._root: str | None = None
        self._reader: ObjectReader | None = None

    @contextmanager
    def reading(self) -> Iterator[ObjectReader]:
        """All that is asked inside is read by one process."""
        if self._reader is not None:
            yield self._reader
            return
        with self._git.objects() as self._reader:
            try:
                yield self._reader
            finally:
                self._reader = None

    @property
    def root(self) -> str:
        """The id of the commit's own folder."""
        if self._root is None:
            with self.reading() as reader:
                return self._read_root(reader)
        return self._root

    def _read_root(self, reader: ObjectReader) -> str:
        if self._root is None:
            ((_, self._root, content),) = reader.trees([f"{self._commit}^{{tree}}"])
            self._keep(self._root, content)
        return self._root

    def rows(self, folder: str) -> dict[str, tuple[str, str]]:
        """Mode and id of what one folder has, by name."""
        if folder in self._kept:
            return self._kept[folder]
        with self.reading() as reader:
            ((rows, _),) = self._level(reader, [(folder, None)])
        return rows

    def survey(self, root: str, wanted: Wanted) -> Survey:
        """Look through all distinct folders below one."""
        with self.reading() as reader:
            rows: dict[str, _Rows] = {}
            level = [root]
            entries = kept = depth = 0
            while level:
                depth += 1
                if depth > _DEEPEST:
                    raise TooManyPaths(f"More than {_DEEPEST} folders in one another")
                for folder, _, content in reader.trees(level):
                    every = self._parse(content)
                    entries += len(every)
                    rows[folder] = [row for row in every if row[0] == FOLDER or wanted(row[0], row[1])]
                    kept += len(rows[folder])
                    if kept > MOST_PATHS:
                        raise TooManyPaths(f"More than {MOST_PATHS:,} paths")
                inner = (row[2] for folder in level for row in rows[folder] if row[0] == FOLDER)
                level = [folder for folder in dict.fromkeys(inner) if folder not in rows]
        return Survey(root, rows, entries)

    def find(self, paths: Iterable[str]) -> dict[str, Entry]:
        """What lies at some paths, by reading the folders above them alone; absent ones are left out."""
        found: dict[str, Entry] = {}
        wanted = by_part(paths)
        with self.reading() as reader:
            if ROOT in wanted:
                found[ROOT] = Entry(FOLDER, self._read_root(reader), ROOT)
            level: list[tuple[str, dict[Any, Any]]] = [(self._read_root(reader), wanted)] if wanted else []
            while level:
                inner = []
                for rows, names in self._level(reader, level):
                    for name in names.keys() & rows.keys():
                        mode, object_id = rows[name]
                        below = names[name]
                        if None in below:
                            found[below[None]] = Entry(mode, object_id, below[None])
                        if mode == FOLDER and len(below) > (None in below):
                            inner.append((object_id, below))
                level = inner
        return found

    def _level(
        self, reader: ObjectReader, level: Sequence[tuple[str, Any]]
    ) -> Iterator[tuple[dict[str, tuple[str, str]], Any]]:
        """The content of folders, each beside what belongs to it."""
        waiting: dict[str, list[Any]] = {}
        for folder, thing in level:
            if folder in self._kept:
                yield self._kept[folder], thing
            else:
                waiting.setdefault(folder, []).append(thing)
        for folder, _, content in reader.trees(list(waiting)):
            rows = self._keep(folder, content)
            yield from ((rows, thing) for thing in waiting[folder])

    def _keep(self, folder: str, content: bytes) -> dict[str, tuple[str, str]]:
        rows = {name: (mode, object_id) for mode, name, object_id in self._parse(content)}
        if len(rows) <= self._room:
            self._kept[folder] = rows
            self._room -= len(rows)
        return rows

    def _parse(self, content: bytes) -> _Rows:
        self.read += 1
        self._left -= len(content)
        if self._left < 0:
            raise TooManyPaths(f"More than {_MOST_BYTES // 1024**2} MiB of folders")
        return [
            (_canonical(mode), name.decode(errors="surrogateescape"), object_id.hex())
            for mode, name, object_id in self._row.findall(content)
        ]


def by_part(paths: Iterable[str]) -> dict[Any, Any]:
    """Paths by their parts, one inside the other; under None the path itself. Linear in their length."""
    wanted: dict[Any, Any] = {}
    for path in paths:
        here = wanted
        for part in path.split("/"):
            here = here.setdefault(part, {})
        here[None] = path
    return wanted


@lru_cache
def _canonical(mode: bytes) -> str:
    """A mode as Git reads it, whatever was written."""
    number = int(mode[-6:], 8)
    kind = number & 0o170000
    if kind == 0o100000:
        return "100755" if number & 0o100 else "100644"
    return {0o040000: FOLDER, 0o120000: LINK}.get(kind, SUBMODULE)
