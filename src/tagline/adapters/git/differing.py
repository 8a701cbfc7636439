"""What differs between two commits, of what matters: by the ids of their folders, and unfolding no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tagline.adapters.git.folders import FOLDER, MOST_PATHS, ROOT, Folders, by_part
from tagline.domain.changes.touches import Among, FileChange
from tagline.domain.manifest.tracked import is_telling
from tagline.errors import TooManyPaths

#: Mode and id.
_Row = tuple[str, str]


class End(NamedTuple):
    """One of the two commits: its folders, and how many telling files lie below a folder, by its id."""

    folders: Folders
    telling: Mapping[str, int]


class _Place(NamedTuple):
    """A folder where it is looked at: its path with a slash behind it, and its ids at both ends, None for none.

    ``wanted`` are the paths in it that are asked for, as of ``by_part``; ``under`` those that it is or lies in.
    ``whole``: everything in it is asked for.
    """

    path: str
    old: str | None
    new: str | None
    wanted: Mapping[Any, Any]
    under: tuple[str, ...] = ()
    whole: bool = False


def differing(before: End, after: End, among: Among) -> list[FileChange]:
    """The files that differ, of those that are asked for, in Git's order. Raises TooManyPaths."""
    with before.folders.reading(), after.folders.reading():
        return _Comparison(before, after, among).files()


class _Comparison:
    def __init__(self, before: End, after: End, among: Among) -> None:
        self._before = before
        self._after = after
        self._telling = among.telling
        self._folders = frozenset(among.folders)
        self._wanted = by_part([*among.folders, *among.paths])
        self._met: set[str] = set()
        self._found: list[FileChange] = []

    def files(self) -> list[FileChange]:
        under = tuple(filter(None, [self._wanted.get(ROOT, {}).get(None)]))
        whole = ROOT in self._folders
        root = _Place("", self._before.folders.root, self._after.folders.root, self._wanted, under, whole)
        pending = [self._inside(root)] if root.old != root.new else []
        looked_at = 0
        while pending:
            place = next(pending[-1], None)
            looked_at += 1
            if max(looked_at, len(self._found)) > MOST_PATHS:
                raise TooManyPaths(f"More than {MOST_PATHS:,} paths that differ")
            if place is None:
                pending.pop()
            elif self._matters(place):
                pending.append(self._inside(place))
        return self._found

    def _inside(self, place: _Place) -> Iterator[_Place]:
        """Note the files of a folder that differ, and give its folders that do, as Git orders them."""
        old = self._before.folders.rows(place.old) if place.old else {}
        new = self._after.folders.rows(place.new) if place.new else {}
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        rows = [(name, _file(old.get(name)), _file(new.get(name))) for name in names]
        folders = [(f"{name}/", _folder(old.get(name)), _folder(new.get(name))) for name in names]
        for name, was, now in sorted((*rows, *folders), key=lambda row: row[0]):
            if was == now:
                continue
            if name.endswith("/"):
                yield self._below(place, name, was[1] if was else None, now[1] if now else None)
            else:
                self._note(place, name, was, now)

    def _below(self, place: _Place, name: str, old: str | None, new: str | None) -> _Place:
        wanted = place.wanted.get(name[:-1], {})
        under = (*place.under, wanted[None]) if None in wanted else place.under
        whole = place.whole or wanted.get(None) in self._folders
        return _Place(place.path + name, old, new, wanted, under, whole)

    def _matters(self, place: _Place) -> bool:
        """Whether a folder that differs may have something that is asked for."""
        if place.whole or len(place.wanted) > (None in place.wanted) or not self._met.issuperset(place.under):
            return True
        counts = (self._before.telling.get(place.old or "", 0), self._after.telling.get(place.new or "", 0))
        return self._telling and any(counts)

    def _note(self, place: _Place, name: str, was: _Row | None, now: _Row | None) -> None:
        own = place.wanted.get(name, {}).get(None)
        first_of = [path for path in (*place.under, own) if path is not None and path not in self._met]
        if place.whole or first_of or (self._telling and is_telling(name)):
            self._found.append(FileChange(place.path + name, _status(was, now)))
            self._met.update(first_of)


def _file(row: _Row | None) -> _Row | None:
    return row if row is not None and row[0] != FOLDER else None


def _folder(row: _Row | None) -> _Row | None:
    return row if row is not None and row[0] == FOLDER else None


def _status(was: _Row | None, now: _Row | None) -> str:
    """Git's letter."""
    if was is None or now is None:
        return "A" if was is None else "D"
    # A file may become executable and stay one.
    return "M" if was[0][:2] == now[0][:2] else "T"
