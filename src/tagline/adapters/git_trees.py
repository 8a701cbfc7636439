"""The files of a work tree or of a commit, read without checkout and without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tagline.adapters.git import Git
from tagline.domain.lfs import MAX_POINTER, PREFIX
from tagline.ports import Blob, Content

_REGULAR = ("100644", "100755", "100664")
_AT_ONCE = 500


class _Entry(NamedTuple):
    mode: str
    kind: str
    object_id: str
    path: str


def _decode(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _kind(mode: str, kind: str) -> str:
    """Git's words for an entry, in those of :class:`tagline.ports.Content`."""
    found = {"tree": "tree", "commit": "submodule"}.get(kind, "blob")
    return "symlink" if found == "blob" and mode not in _REGULAR else found


def _size(column: Sequence[str]) -> int | None:
    return int(column[0]) if column and column[0].isdigit() else None


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

    def files(self) -> Sequence[tuple[str, str]]:
        """Every path of the index; Git has not seen these bytes yet."""
        return [(path, "") for path in self.paths()]

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
    """The files of one commit, read from Git's objects."""

    def __init__(
        self, git: Git, commit: str, *, partial: bool = False, prefetch: Callable[[list[str]], None] | None = None
    ) -> None:
        self._git = git
        self._commit = commit
        self._partial = partial
        # Brings many files of a partial repository at once; git itself would ask for one after the other.
        self._prefetch = prefetch

    @property
    def label(self) -> str:
        """``commit 1a2b3c4``."""
        return f"commit {self._commit[:7]}"

    @cached_property
    def _all(self) -> list[_Entry]:
        return self._list("-r")

    def paths(self) -> Sequence[str]:
        """Every file of the commit, sorted by Git."""
        return [entry.path for entry in self._all]

    def files(self) -> list[tuple[str, str]]:
        """Path and id of every file and link."""
        return [(entry.path, entry.object_id) for entry in self._all if entry.kind == "blob"]

    def _list(self, *arguments: str) -> list[_Entry]:
        output = self._git.run("ls-tree", "-z", "--full-tree", *arguments[:1], self._commit, *arguments[1:]).stdout
        entries = []
        for raw in output.split(b"\0"):
            if raw:
                meta, _, path = raw.partition(b"\t")
                mode, kind, object_id = meta.decode().split()
                entries.append(_Entry(mode, kind, object_id, _decode(path)))
        return entries

    def _entries(self, paths: Sequence[str]) -> list[_Entry]:
        found = []
        # git takes a path that leads out of the repository for an error; to us nothing lies there.
        paths = [path for path in paths if path and not path.startswith("/") and ".." not in path.split("/")]
        for start in range(0, len(paths), _AT_ONCE):
            found += self._list("-t", "--", *paths[start : start + _AT_ONCE])
        wanted = set(paths)
        return [entry for entry in found if entry.path in wanted]

    def _known(self, paths: Sequence[str]) -> list[_Entry]:
        """The files at some paths: by the whole list where that was read before, which spares a process."""
        if "_all" not in self.__dict__:
            return self._entries(paths)
        return [self._by_path[path] for path in dict.fromkeys(paths) if path in self._by_path]

    @cached_property
    def _by_path(self) -> dict[str, _Entry]:
        return {entry.path: entry for entry in self._all}

    def read(self, path: str, limit: int) -> bytes | None:
        """A regular file's first ``limit`` + 1 bytes."""
        return self.read_many([path], limit).get(path)

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        """Several files by three git processes, whatever their number."""
        regular = [e for e in self._known(list(paths)) if e.mode in _REGULAR]
        if not regular:
            return {}
        if self._prefetch is not None:
            self._prefetch([entry.object_id for entry in regular])
        wanted = "".join(f"{entry.object_id}\n" for entry in regular).encode()
        output = self._git.run("cat-file", "--batch-check=%(objectsize)", stdin=wanted).stdout
        sizes = [int(line) for line in output.split()]
        small = [e for e, size in zip(regular, sizes, strict=True) if size <= limit]
        contents = self._blobs(small)
        # A file over the limit is reported as such by its reader, who needs to see one byte more.
        too_large = (e for e, size in zip(regular, sizes, strict=True) if size > limit)
        return contents | {entry.path: b" " * (limit + 1) for entry in too_large}

    def _blobs(self, entries: Sequence[_Entry]) -> dict[str, bytes]:
        if not entries:
            return {}
        wanted = "".join(f"{entry.object_id}\n" for entry in entries).encode()
        output = self._git.run("cat-file", "--batch=%(objectsize)", "--buffer", stdin=wanted).stdout
        contents: dict[str, bytes] = {}
        position = 0
        for entry in entries:
            end = output.index(b"\n", position)
            size = int(output[position:end])
            contents[entry.path] = output[end + 1 : end + 1 + size]
            position = end + 1 + size + 1
        return contents

    def object_id(self, path: str) -> tuple[str, str] | None:
        """Kind (as of Content) and id of what lies at ``path``; None for nothing."""
        entry = self._entry(path.strip("/"))
        return None if entry is None else (_kind(entry.mode, entry.kind), entry.object_id)

    def _entry(self, path: str) -> _Entry | None:
        """A file, by the whole list where that was read before; or a folder."""
        if "_all" in self.__dict__ and path in self._by_path:
            return self._by_path[path]
        return next(iter(self._entries([path])), None)

    def content(self, path: str) -> Content | None:
        """What lies at ``path``: a file, a folder, a link or a submodule."""
        wanted = path.strip("/")
        entry = self._entry(wanted) if wanted else None
        if entry is None:
            return None
        if entry.kind == "tree":
            return self._folder(entry)
        if entry.kind == "commit":
            return Content("submodule", entry.object_id, None, 0)
        if self._prefetch is not None:
            self._prefetch([entry.object_id])
        size = int(self._git.text("cat-file", "-s", entry.object_id))
        if entry.mode not in _REGULAR:
            return Content("symlink", entry.object_id, size, 1)
        pointer = size <= MAX_POINTER and self._blobs([entry])[entry.path].startswith(PREFIX)
        return Content("blob", entry.object_id, size, 1, pointer)

    def _folder(self, entry: _Entry) -> Content:
        blobs = self._below(entry.object_id)
        size = None if self._partial else sum(blob.size or 0 for blob in blobs)
        return Content("tree", entry.object_id, size, len(blobs))

    def blobs(self, path: str) -> list[Blob]:
        """Every file, link and submodule below a folder."""
        entry = next(iter(self._entries([path.strip("/")])), None)
        return self._below(entry.object_id) if entry is not None and entry.kind == "tree" else []

    def _below(self, tree: str) -> list[Blob]:
        # A partial clone would download every blob just to measure it.
        arguments = ["-r"] if self._partial else ["-r", "-l"]
        output = self._git.run("ls-tree", "-z", *arguments, tree).stdout
        found = []
        for raw in output.split(b"\0"):
            if raw:
                meta, _, path = raw.partition(b"\t")
                mode, kind, object_id, *size = meta.decode().split()
                found.append(Blob(_decode(path), _kind(mode, kind), object_id, _size(size)))
        return found
