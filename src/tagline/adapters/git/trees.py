"""The files of a work tree or of a commit, read without checkout and without following links."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from tagline.adapters.git.folders import FOLDER, LINK, MOST_PATHS, SUBMODULE, Entry, Folders, Survey, Wanted
from tagline.adapters.git.running import Git
from tagline.domain.manifest.tracked import TrackedPaths, is_telling, upwards
from tagline.domain.storage.lfs import ATTRIBUTES, MAX_ATTRIBUTES, MAX_POINTER, PREFIX, mention_lfs
from tagline.errors import TooManyPaths
from tagline.ports.repository import Blob, Content, Object

_REGULAR = ("100644", "100755")


def _decode(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _kind(entry: Entry) -> str:
    """Git's mode in the words of :class:`tagline.ports.repository.Object`."""
    return {FOLDER: "tree", SUBMODULE: "submodule", LINK: "symlink"}.get(entry.mode, "blob")


class WorkTree:
    """The tracked files as they lie on disk."""

    label = "work tree"

    def __init__(self, git: Git, root: Path) -> None:
        self._git = git
        self._root = root

    def paths(self) -> Sequence[str]:
        """Every path of the index, sorted."""
        output = self._git.run("ls-files", "-z", "--cached", "--deduplicate").stdout
        return sorted(_decode(raw) for raw in output.split(b"\0") if raw)

    def telling(self) -> Sequence[str]:
        """By their names in the index."""
        return [path for path in self.paths() if is_telling(posixpath.basename(path))]

    def objects(self, paths: Iterable[str]) -> dict[str, Object]:
        """As far as names tell: what is no folder is called a blob."""
        tracked = TrackedPaths(self.paths())
        kinds = {path: "blob" if tracked.is_file(path) else "tree" for path in paths}
        return {path: Object(kind, "") for path, kind in kinds.items() if kind == "blob" or tracked.is_directory(path)}

    def read(self, path: str, limit: int) -> bytes | None:
        """A regular file's first ``limit`` + 1 bytes, whether Git tracks it or not."""
        try:
            descriptor = self._open(path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read(limit + 1)

    def files(self, within: Collection[str]) -> Sequence[tuple[str, str]]:
        """By their names in the index; Git has not seen these bytes yet."""
        tracked = TrackedPaths(self.paths())
        if "." in within:
            return [(path, "") for path in self.paths()]
        inside = {file for path in within for file in (path, *tracked.below(path)) if tracked.is_file(file)}
        return [(path, "") for path in sorted(inside)]

    def submodules(self) -> frozenset[str]:
        """None: the index is read by names alone."""
        return frozenset()

    def _open(self, path: str) -> int:
        """Open component by component, so that no link on the way leads out of the work tree."""
        *folders, name = path.split("/")
        here = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                if folder in ("", ".", ".."):
                    raise ValueError(path)
                inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = inner
            # O_NONBLOCK: a FIFO must not hold us up.
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
        finally:
            os.close(here)

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        """Several files; what cannot be read is left out."""
        contents = ((path, self.read(path, limit)) for path in paths)
        return {path: data for path, data in contents if data is not None}

    def content(self, path: str) -> Content | None:
        """What lies at a tracked path; its id is empty, because Git has not seen these bytes yet."""
        tracked = self.paths()
        if path not in tracked:
            inside = sum(1 for file in tracked if file.startswith(f"{path}/"))
            return Content("tree", "", None, inside) if inside else None
        data = self.read(path, MAX_POINTER)
        if data is None:
            return Content("symlink", "", None, 1)
        return Content("blob", "", None, 1, data.startswith(PREFIX) and len(data) <= MAX_POINTER)

    def blobs(self, path: str) -> list[Blob]:
        """The tracked files below a folder."""
        inside = (file for file in self.paths() if file.startswith(f"{path}/"))
        return [
            Blob(file[len(path) + 1 :], "blob" if self.read(file, 0) is not None else "symlink", "", None)
            for file in inside
        ]


class CommitTree:
    """The files of one commit, read from Git's objects.

    Only the folders that a question is about are read. ``prefetch`` brings many files of a partial repository at
    once; git itself would ask for one after the other. Without ``measures`` no file is brought to learn its size.
    """

    def __init__(
        self,
        git: Git,
        commit: str,
        *,
        partial: bool = False,
        prefetch: Callable[[list[str]], None] | None = None,
        measures: bool = True,
    ) -> None:
        self._commit = commit
        self._partial = partial
        self._prefetch = prefetch
        self._measures = measures
        self.folders = Folders(git, commit)

    @property
    def label(self) -> str:
        """``commit 1a2b3c4``."""
        return f"commit {self._commit[:7]}"

    def paths(self) -> Sequence[str]:
        """Every file of the commit, sorted by Git. Raises TooManyPaths."""
        return [entry.path for entry in self._all]

    def files(self, within: Collection[str]) -> list[tuple[str, str]]:
        """Path and id of the files and links at and below some paths. Raises TooManyPaths."""
        if "." in within:
            return [(entry.path, entry.object_id) for entry in self._all if not entry.is_submodule]
        found: dict[str, str] = {}
        folders: set[str] = set()
        with self.folders.reading():
            for path, entry in sorted(self.folders.find(within).items()):
                if entry.is_folder and folders.isdisjoint(upwards(path)):
                    folders.add(path)
                    found.update((f"{path}/{below.path}", below.object_id) for below in self._below(entry))
                elif not entry.is_folder and not entry.is_submodule:
                    found[path] = entry.object_id
                if len(found) > MOST_PATHS:
                    raise TooManyPaths(f"More than {MOST_PATHS:,} paths")
        return sorted(found.items())

    def _below(self, folder: Entry) -> Iterator[Entry]:
        survey = self.folders.survey(folder.object_id, lambda *_: True)
        return (entry for entry in survey.unfold() if not entry.is_submodule)

    def submodules(self) -> frozenset[str]:
        """The paths of the submodules. Raises TooManyPaths."""
        return frozenset(entry.path for entry in self.survey.unfold() if entry.is_submodule)

    @cached_property
    def _all(self) -> list[Entry]:
        return self.named(lambda *_: True)

    def telling(self) -> Sequence[str]:
        """The files that tell something of artifacts, by their names. Raises TooManyPaths."""
        return self._telling

    @cached_property
    def _telling(self) -> list[str]:
        return [entry.path for entry in self.survey.unfold() if not entry.is_submodule]

    @cached_property
    def survey(self) -> Survey:
        """The folders with the telling files in them, and with submodules."""
        return self.folders.survey(self.folders.root, lambda mode, name: mode == SUBMODULE or is_telling(name))

    def named(self, wanted: Wanted) -> list[Entry]:
        """The files whose names are wanted, in any folder. Raises TooManyPaths."""
        return self.folders.survey(self.folders.root, wanted).unfold()

    def objects(self, paths: Iterable[str]) -> dict[str, Object]:
        """What lies at some paths, by its folder's word."""
        return {path: Object(_kind(entry), entry.object_id) for path, entry in self.folders.find(paths).items()}

    def read(self, path: str, limit: int) -> bytes | None:
        """A regular file's first ``limit`` + 1 bytes."""
        return self.read_many([path], limit).get(path)

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        """Several files, whatever their number by one git process; equal ones are read once."""
        with self.folders.reading() as reader:
            found = self.folders.find(paths)
            regular = {path: entry.object_id for path, entry in found.items() if entry.mode in _REGULAR}
            ids = list(dict.fromkeys(regular.values()))
            if ids and self._prefetch is not None:
                self._prefetch(ids)
            sizes = reader.sizes(ids)
            contents = reader.blobs([one for one in ids if sizes[one] <= limit])
        # A file over the limit is reported as such by its reader, who needs to see one byte more.
        too_large = b" " * (limit + 1) if len(contents) < len(ids) else b""
        return {path: contents.get(object_id, too_large) for path, object_id in regular.items()}

    def _entry(self, path: str) -> Entry | None:
        wanted = path.strip("/")
        return self.folders.find([wanted]).get(wanted)

    def content(self, path: str) -> Content | None:
        """What lies at ``path``: a file, a folder, a link or a submodule."""
        entry = self._entry(path)
        if entry is None:
            return None
        if entry.is_folder:
            return self._folder(entry)
        if entry.is_submodule:
            return Content("submodule", entry.object_id, None, 0)
        if not self._measures:
            return Content(_kind(entry), entry.object_id, None, 1, self._is_pointer(path, entry))
        if self._prefetch is not None:
            self._prefetch([entry.object_id])
        with self.folders.reading() as reader:
            (size,) = reader.sizes([entry.object_id]).values()
            if entry.mode not in _REGULAR:
                return Content("symlink", entry.object_id, size, 1)
            (data,) = reader.blobs([entry.object_id] if size <= MAX_POINTER else []).values() or (b"",)
        return Content("blob", entry.object_id, size, 1, data.startswith(PREFIX))

    def _is_pointer(self, path: str, entry: Entry) -> bool:
        """Whether a file is a pointer of Git LFS. Without LFS nobody brings a file to learn that it is none."""
        data = self.read(path, MAX_POINTER) if entry.mode in _REGULAR and self._uses_lfs else None
        return data is not None and len(data) <= MAX_POINTER and data.startswith(PREFIX)

    @cached_property
    def _uses_lfs(self) -> bool:
        attributes = [path for path in self._telling if posixpath.basename(path) == ATTRIBUTES]
        return mention_lfs(self.read_many(attributes, MAX_ATTRIBUTES).values())

    def _folder(self, entry: Entry) -> Content:
        """By adding up, without a list of its files."""
        survey = self.folders.survey(entry.object_id, lambda *_: True)
        sizes = self._sizes_below(survey)
        size = survey.total(lambda _mode, _name, one: sizes.get(one, 0)) if sizes is not None else None
        return Content("tree", entry.object_id, size, survey.total(lambda *_: 1))

    def _sizes_below(self, survey: Survey) -> dict[str, int] | None:
        """The bytes of the files of a folder, by id; None where a partial clone would download each to measure it."""
        if self._partial:
            return None
        ids = {row[2] for rows in survey.rows.values() for row in rows if row[0] not in (FOLDER, SUBMODULE)}
        with self.folders.reading() as reader:
            return reader.sizes(list(ids))

    def blobs(self, path: str) -> list[Blob]:
        """Every file, link and submodule below a folder. Raises TooManyPaths."""
        entry = self._entry(path)
        if entry is None or not entry.is_folder:
            return []
        survey = self.folders.survey(entry.object_id, lambda *_: True)
        found = survey.unfold()
        sizes = self._sizes_below(survey) or {}
        return [Blob(file.path, _kind(file), file.object_id, sizes.get(file.object_id)) for file in found]
