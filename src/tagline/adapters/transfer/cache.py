"""A shared folder of objects by their MD5, laid out as DVC 3 lays out its cache: it may be one.

Every entry appears complete, by a rename, so any number of processes may use one cache at once. What is
read is hashed again: an entry that does not hold what its name says is deleted. The cache is a help and
no more: where it cannot be written, the fetch goes on and ``notes`` says so.
"""

# ruff: noqa: PTH103, PTH112
# Plain strings and descriptors: a Path for each of many files would cost more than the file.

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tagline.adapters.transfer.passing import copy
from tagline.adapters.transfer.refusals import is_full
from tagline.adapters.transfer.trees import open_file, pieces_of, write_all
from tagline.domain.storage.digests import Hasher
from tagline.domain.storage.objects import Item
from tagline.domain.storage.sha256 import UNCOUNTED, Sha256s

_NAME = re.compile(r"md5:([0-9a-f]{32})(\.dir)?")
#: Outside of the objects' folders, where DVC would take a file for an object.
_TEMPORARY_FOLDER = ".tagline"
_TEMPORARY = re.compile(r"[0-9a-f]{16}\.tmp")
#: Seconds after which a temporary file belongs to a run that was killed.
_ABANDONED = 24 * 3600
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ_ONLY = 0o444
#: Left free on the cache's disk, whatever else could be cached.
_RESERVE = 64 << 20


def _nothing() -> None:
    """No check is needed between pieces."""


class ObjectCache:
    """The objects below ``folder/files/md5``."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._ready = False
        self._given_up = False
        self._lock = threading.Lock()
        #: What a person should know: why nothing was cached.
        self.notes: list[str] = []

    def has(self, item: Item) -> bool:
        """Whether something lies here under an item's digest. DVC 2's digests of text are no names here."""
        path = self._path_of(item)
        return path is not None and os.path.lexists(path)

    def fetch(
        self, item: Item, target: int, check: Callable[[], None] = _nothing, sums: Sha256s = UNCOUNTED
    ) -> int | None:
        """Copy an item's bytes into an open, empty file. None, and the file empty, where they are not here."""
        path = self._path_of(item)
        source = None if path is None else self._open(path)
        if path is None or source is None:
            return None
        try:
            hasher = sums.hasher(item)
            size = copy(source, target, hasher, check)
            if hasher.matches() and item.size in (None, size):
                sums.tell(item, hasher)
                return size
        except OSError as error:
            if is_full(error):
                # Of the target: an entry is only read.
                raise
            self._note(f"an object of the cache {self._folder!r} cannot be read: {error.strerror}")
        finally:
            os.close(source)
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)
        self._delete(path)
        return None

    def put(self, item: Item, source: str, spare: int = 0, check: Callable[[], None] = _nothing) -> None:
        """Keep a copy of a verified file, which is hashed again on the way.

        ``spare`` bytes of the disk are for somebody else, such as files that are still to come.
        """
        path = self._path_of(item)
        if path is None or self._is_settled(path):
            return
        original = open_file(source)
        if original is None:
            return
        try:
            size = os.fstat(original).st_size

            def fill(target: int) -> bool:
                hasher = Hasher(item.digest, size)
                copy(original, target, hasher, check)
                return hasher.matches()

            self._write(path, size + spare, fill)
        finally:
            os.close(original)

    def put_bytes(self, digest: str, data: bytes, spare: int = 0) -> None:
        """Keep bytes that were verified, such as the list of a folder's files (``md5:HEX.dir``)."""
        path = self._path(digest)
        if path is None or self._is_settled(path):
            return

        def fill(target: int) -> bool:
            write_all(target, data)
            return True

        self._write(path, len(data) + spare, fill)

    def get_bytes(self, digest: str) -> bytes | None:
        """The bytes of an object, verified; None where they are not here."""
        path = self._path(digest)
        source = None if path is None else self._open(path)
        if path is None or source is None:
            return None
        try:
            data = b"".join(pieces_of(source))
        finally:
            os.close(source)
        hasher = Hasher(digest.removesuffix(".dir"), len(data))
        hasher.update(data)
        if hasher.matches():
            return data
        self._delete(path)
        return None

    def _path_of(self, item: Item) -> str | None:
        return None if item.text else self._path(item.digest)

    def _path(self, digest: str) -> str | None:
        name = _NAME.fullmatch(digest)
        if name is None:
            return None
        return f"{self._folder}/files/md5/{name[1][:2]}/{name[1][2:]}{name[2] or ''}"

    def _open(self, path: str) -> int | None:
        try:
            return open_file(path)
        except OSError as error:
            self._note(f"an object of the cache {self._folder!r} cannot be read: {error.strerror}")
            return None

    def _is_settled(self, path: str) -> bool:
        return self._given_up or os.path.lexists(path)

    def _delete(self, path: str) -> None:
        *folders, name = self._names(path)
        try:
            with self._inside(folders) as folder, suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        except OSError as error:
            self._note(f"a damaged object of the cache cannot be deleted: {path!r}: {error.strerror}")

    def _write(self, path: str, room: int, fill: Callable[[int], bool]) -> None:
        """Write an entry beside the others' folders, and move it in when it is complete."""
        try:
            if not os.path.isdir(self._folder):
                os.makedirs(self._folder, exist_ok=True)
            with self._inside([_TEMPORARY_FOLDER], make=True) as here:
                self._prepare(here)
                facts = os.statvfs(here)
                if facts.f_bavail * facts.f_frsize < room + _RESERVE:
                    self._note(f"the disk of the cache {self._folder!r} lacks the room: not everything was cached")
                    return
                self._write_from(here, path, fill)
        except OSError as error:
            self._given_up = True
            self._note(f"nothing more is cached in {self._folder!r}: {error.strerror}")

    def _write_from(self, here: int, path: str, fill: Callable[[int], bool]) -> None:
        *folders, name = self._names(path)
        temporary = f"{secrets.token_hex(8)}.tmp"
        target = os.open(temporary, _NEW, 0o600, dir_fd=here)
        moved = False
        try:
            try:
                complete = fill(target)
                os.fchmod(target, _READ_ONLY)
            finally:
                os.close(target)
            if complete:
                with self._inside(folders, make=True) as folder:
                    os.rename(temporary, name, src_dir_fd=here, dst_dir_fd=folder)
                moved = True
        finally:
            if not moved:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=here)

    def _prepare(self, here: int) -> None:
        """Before the first write: the folder of temporary files must be ours, and is tidied."""
        with self._lock:
            if self._ready:
                return
            if os.fstat(here).st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, f"{_TEMPORARY_FOLDER!r} in it belongs to another user")
            _sweep(here)
            self._ready = True

    def _names(self, path: str) -> list[str]:
        return path.removeprefix(f"{self._folder}/").split("/")

    @contextmanager
    def _inside(self, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """A folder below the cache's, open. Only the cache's own may be a link: people choose it.

        A cache may lie in a repository that somebody else wrote, such as ``.dvc/cache``. A link committed
        there would lead our writing and deleting to any other place.
        """
        folder = os.open(self._folder, _FOLDER)
        try:
            shared = os.fstat(folder).st_mode & 0o077
            for name in names:
                inner = _enter(folder, name, shared if make else None)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    def _note(self, text: str) -> None:
        with self._lock:
            if text not in self.notes:
                self.notes.append(text)


def _enter(parent: int, name: str, shared: int | None) -> int:
    """Open a folder in another one; make it where ``shared`` says what else than 0700 a new one has to allow.

    Who may write to the cache may write to its new folders too.
    """
    try:
        return _open_folder(parent, name)
    except FileNotFoundError:
        if shared is None:
            raise
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return _open_folder(parent, name)
    folder = _open_folder(parent, name)
    made = os.fstat(folder).st_mode
    if shared & ~made:
        os.fchmod(folder, stat.S_IMODE(made | shared))
    return folder


def _open_folder(parent: int, name: str) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise OSError(error.errno, f"{name!r} in it is a link or no folder") from error


def _sweep(folder: int) -> None:
    """Delete what killed runs left behind, and nothing that does not look like it."""
    with os.scandir(folder) as found:
        for entry in found:
            if not _TEMPORARY.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            # Another run may tidy at the same time.
            with suppress(FileNotFoundError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                    os.unlink(entry.name, dir_fd=folder)
