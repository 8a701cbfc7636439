"""Folders and files that go with their run, and with the next one where their own was killed.

Each is locked as long as its run lives, so what nobody holds is left over: a lock ends with its process in any case.
Files of people lie beside them. So temporary ones have a folder of their own, and elsewhere only a name counts that
ends as ``tempfile`` ends it, after a prefix that nobody types.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

#: What ``tempfile`` adds to a prefix.
_SUFFIX_RE = re.compile(r"[a-z0-9_]{8}")


@contextlib.contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """An empty folder of this run alone, which goes afterwards."""
    path, lock = _held(lambda: Path(tempfile.mkdtemp(dir=parent, prefix=prefix)))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """The same among the machine's temporary files; what killed runs have left of that name goes before."""
    private = _private()
    if private is not None:
        clear(private, prefix)
    with scratch(private or Path(tempfile.gettempdir()), prefix) as folder:
        yield folder


def _private() -> Path | None:
    """The folder that this user's runs have among temporary files; None where what has its name is not theirs alone."""
    path = Path(tempfile.gettempdir(), f"tagline-scratch-{os.getuid()}")
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found = path.lstat()
    except OSError:
        return None
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return path if own and os.access(path, os.R_OK | os.W_OK | os.X_OK) else None


@contextlib.contextmanager
def scratch_file(parent: Path, prefix: str) -> Iterator[Path]:
    """An empty file of this run alone. It is moved to its place, or goes afterwards."""

    def make() -> Path:
        handle, name = tempfile.mkstemp(dir=parent, prefix=prefix)
        os.close(handle)
        return Path(name)

    path, lock = _held(make)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def clear(parent: Path, prefix: str) -> None:
    """Delete what runs that were killed have left of that name. Only what is this user's own counts."""
    for path in parent.glob(f"{prefix}*"):
        if not _SUFFIX_RE.fullmatch(path.name.removeprefix(prefix)):
            continue
        with contextlib.suppress(OSError):
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid():
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISDIR(found.st_mode):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
            finally:
                os.close(descriptor)


def _held(make: Callable[[], Path]) -> tuple[Path, int]:
    """Something new and the lock on it; another one where it was cleared away before it could be locked."""
    while True:
        path = make()
        try:
            lock = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):  # a file system without locks: nothing is cleared there either
            fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), path.lstat()):
                return path, lock
        os.close(lock)
