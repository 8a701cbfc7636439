"""Did you mean, for paths: the known file or folder nearest to a mistyped one."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from functools import cached_property

from tagline.domain.text.alike import looks
from tagline.domain.text.similar import did_you_mean

_MAX_PATH = 500
# A comparison takes microseconds, but many wrong paths times many files would take minutes.
_MAX_COMPARISONS = 20_000


class NearPaths:
    """Suggests paths of a snapshot. ``paths`` is asked at the first question only."""

    def __init__(self, paths: Callable[[], Iterable[str]]) -> None:
        self._paths = paths
        self._comparisons = 0

    def nearest(self, path: str) -> str | None:
        """The path that was probably meant, or None.

        One that is alike but for case or Unicode form comes first. Then each part of the path is corrected in its
        folder, then the same name is looked for in other folders.
        """
        if len(path) > _MAX_PATH:
            return None
        return self._by_looks.get(looks(path)) or self._corrected(path) or self._elsewhere(path)

    @cached_property
    def _by_looks(self) -> dict[str, str]:
        paths = (posixpath.join(folder, name) for folder, names in self._folders.items() for name in names)
        return {looks(path): path for path in sorted(paths, reverse=True)}

    @cached_property
    def _folders(self) -> dict[str, set[str]]:
        """The names in each folder; the root is the empty path."""
        folders: dict[str, set[str]] = {}
        for path in self._paths():
            name = path
            while name:
                folder, name = posixpath.split(path)
                names = folders.setdefault(folder, set())
                if name in names:
                    break  # the folders above were entered with it
                names.add(name)
                path, name = folder, folder
        return folders

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """The folders in which each name occurs."""
        places: dict[str, list[str]] = {}
        for folder, names in self._folders.items():
            for name in names:
                places.setdefault(name, []).append(folder)
        return places

    def _corrected(self, path: str) -> str | None:
        folder = ""
        for part in path.split("/"):
            names = self._folders.get(folder, set())
            near = part if part in names else self._similar(part, names)
            if near is None:
                return None
            folder = posixpath.join(folder, near)
        return folder

    def _elsewhere(self, path: str) -> str | None:
        folder, name = posixpath.split(path)
        places = self._by_name.get(name, [])
        if not self._affords(len(places)):
            return None
        near = did_you_mean(folder, places) or (places[0] if len(places) == 1 else None)
        return None if near is None else posixpath.join(near, name)

    def _similar(self, name: str, names: set[str]) -> str | None:
        """The name with the most similar stem: a common ending alone makes no two names alike."""
        if not self._affords(len(names)):
            return None
        stem, ending = posixpath.splitext(name)
        endings: dict[str, list[str]] = {}
        for known in sorted(names):
            known_stem, known_ending = posixpath.splitext(known)
            endings.setdefault(known_stem, []).append(known_ending)
        near = did_you_mean(stem, endings)
        if near is None:
            return None
        return near + (ending if ending in endings[near] else endings[near][0])

    def _affords(self, comparisons: int) -> bool:
        self._comparisons += comparisons
        return self._comparisons <= _MAX_COMPARISONS
