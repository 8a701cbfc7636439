"""The names of a snapshot's files, and what DVC's pointers among them stand for."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagline.domain.manifest.dvc_stages import Stages, as_mapping, listed_outs


class TrackedPaths:
    """Which files and directories Git tracks, by name only."""

    def __init__(self, paths: Iterable[str], passed_over: Collection[str] = ()) -> None:
        """``passed_over`` are the pointers among them that are none for DVC."""
        self._sorted = sorted(paths)
        self._files = frozenset(self._sorted)
        self._passed_over = frozenset(passed_over)

    def is_file(self, path: str) -> bool:
        """Whether Git tracks exactly this path (a file, a symlink or a submodule)."""
        return path in self._files

    def is_directory(self, path: str) -> bool:
        """Whether Git tracks something below this path."""
        return _any_below(self._sorted, path)

    def below(self, folder: str) -> list[str]:
        """The files in a folder, and in those that it has; none for a file."""
        return list(below(self._sorted, folder))

    def has_dvc_file(self, path: str) -> bool:
        """Whether ``path`` or a directory above it has a ``.dvc`` file of its name."""
        own = (f"{part}.dvc" for part in upwards(path))
        return any(file in self._files and file not in self._passed_over for file in own)

    def names(self) -> Iterator[str]:
        """Every file, and instead of a ``.dvc`` file what it stands for."""
        for path in self._sorted:
            yield path.removesuffix(".dvc") if _is_pointer(posixpath.basename(path)) else path

    def named(self, *names: str) -> list[str]:
        """The files that have one of these names, in any folder."""
        return [path for path in self._sorted if posixpath.basename(path) in names]

    def pointers(self) -> list[str]:
        """The files that tell what DVC tracks."""
        return [
            path for path in self._sorted if _is_pointer(posixpath.basename(path)) and path not in self._passed_over
        ]


def _is_pointer(name: str) -> bool:
    return name in ("dvc.lock", "dvc.yaml") or (name.endswith(".dvc") and name != ".dvc")


def is_telling(name: str) -> bool:
    """Whether a file of this name tells something of artifacts, whatever its folder: all that is looked for by name."""
    return name in ("artifacts.yaml", ".gitattributes", ".dvcignore") or _is_pointer(name)


@dataclass(slots=True)
class Outs:
    """The paths that DVC tracks, relative to the repository's root.

    ``endings`` are paths whose directory is written as ``${...}`` and so known only by their ends.
    """

    paths: set[str] = field(default_factory=set)
    endings: set[str] = field(default_factory=set)
    _sorted: list[str] | None = None
    _lengths: list[int] | None = None

    def covers(self, path: str) -> bool:
        """Whether DVC tracks ``path``, a directory above it, or something below it."""
        if self._sorted is None:
            self._sorted = sorted(self.paths)
        if any(part in self.paths for part in upwards(path)) or _any_below(self._sorted, path):
            return True
        return self._may_be_below_a_template(path)

    def _may_be_below_a_template(self, path: str) -> bool:
        """Whether some parts of a path that follow each other are one of the endings."""
        if not self.endings:
            return False
        if self._lengths is None:
            self._lengths = sorted({ending.count("/") + 1 for ending in self.endings})
        parts = path.split("/", _MOST_PARTS)
        return any(
            "/".join(parts[start : start + length]) in self.endings
            for length in self._lengths
            for start in range(len(parts) - length + 1)
        )

    def add_dvc_file(self, file: str, data: Any) -> None:
        """The outs of a ``.dvc`` file."""
        rows = as_mapping(data).get("outs")
        paths = (as_mapping(row).get("path") for row in (rows if isinstance(rows, list) else ()))
        wdir = as_mapping(data).get("wdir")
        self._add(posixpath.dirname(file), wdir, (path for path in paths if isinstance(path, str)))

    def add_pipeline(self, directory: str, pipeline: Any, lock: Any) -> None:
        """The outs of a directory's ``dvc.yaml`` and ``dvc.lock``. The lock has those that the pipeline generates."""
        stages = Stages(pipeline)
        for body in stages.bodies():
            self._add(directory, body.get("wdir"), (path for path, _ in listed_outs(body) if "${" not in path))
        for stage in stages.locked(lock):
            folder = stage.body.get("wdir") if stage.folder is None else stage.folder
            self._add(directory, folder, (row["path"] for row, _ in stage.outs))

    def _add(self, directory: str, wdir: Any, outs: Iterable[str]) -> None:
        folder = wdir if isinstance(wdir, str) else ""
        if "${" in folder:
            self.endings.update(map(posixpath.normpath, outs))
        else:
            self.paths.update(posixpath.normpath(posixpath.join(directory, folder, out)) for out in outs)


#: Folders in one another in which the end of a path is looked for.
_MOST_PARTS = 50
#: No system has a longer path; the folders above one of a megabyte would be half a million texts of half of it.
MOST_OF_PATH = 4096


def upwards(path: str) -> Iterable[str]:
    """A path and every folder above it, the nearest first; an absolute one ends below its root.

    Of a path that is too long to be there, itself alone.
    """
    if len(path) > MOST_OF_PATH:
        yield path
        return
    while path and path != "." and (above := posixpath.dirname(path)) != path:
        yield path
        path = above


def _any_below(ordered: Sequence[str], path: str) -> bool:
    if path == ".":
        return bool(ordered)
    prefix = path + "/"
    index = bisect_left(ordered, prefix)
    return index < len(ordered) and ordered[index].startswith(prefix)


def lies_in(path: str, folder: str) -> bool:
    """Whether a path lies in a folder; all of the repository does in ``.``, but not what DVC tracks elsewhere."""
    if folder == ".":
        return not path.startswith(("/", "../")) and ":/" not in path
    return path.startswith(f"{folder}/")


def below(ordered: Sequence[str], folder: str) -> Iterator[str]:
    """The paths of a sorted list that lie in a folder."""
    if folder == ".":
        yield from (path for path in ordered if lies_in(path, folder))
        return
    prefix = f"{folder}/"
    for place in range(bisect_left(ordered, prefix), len(ordered)):
        if not ordered[place].startswith(prefix):
            return
        yield ordered[place]
