"""Files and folders of this machine: deleting, copying, comparing; no symlink is ever followed."""

# ruff: noqa: PTH101, PTH108
# Plain strings and descriptors: a Path for each of many files would cost more than the file.

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator

CHUNK = 1 << 20
# Linux's ioctl that lets two files share their blocks until one is written to.
_FICLONE = 0x40049409


def remove(path: str) -> None:
    """Delete a file, a link or a whole folder; nothing there is fine."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        # Unlinking a folder is EISDIR on Linux and EPERM elsewhere.
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise
        _remove_folder(path)


def _remove_folder(path: str) -> None:
    """Folders that forbid writing in them are still ours to delete."""
    try:
        shutil.rmtree(path)
    except PermissionError:
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)
        shutil.rmtree(path)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it: a single write may take less, near the end of a disk."""
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, memoryview(data)[done:])


def pieces_of(descriptor: int, chunk: int = CHUNK) -> Iterator[bytes]:
    """The rest of an open file."""
    while data := os.read(descriptor, chunk):
        yield data


def clone(source: int, target: int) -> bool:
    """Let ``target`` share the blocks of ``source``, where the filesystem can."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False
    return True


def open_file(path: str) -> int | None:
    """A regular file, open for reading; None for anything else, a link to a file too."""
    try:
        # Without O_NONBLOCK a pipe that lies there would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR):
            return None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor
