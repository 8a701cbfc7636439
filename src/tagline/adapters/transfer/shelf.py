"""Fetched artifacts that several programs of a user read: each under a name made of its digests, bounded in all.

What lies here is verified at every use; what is not as it should be is thrown away and fetched anew. Files are
read-only, so that nobody writes into what others read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tagline.adapters.transfer import refusals
from tagline.adapters.transfer.cache import ObjectCache
from tagline.adapters.transfer.destination import Destination
from tagline.domain.storage.objects import Item
from tagline.domain.storage.sha256 import UNCOUNTED, Sha256s
from tagline.errors import WrongUsage

#: Seconds in which a used artifact is not thrown away: somebody may be reading it.
_IN_USE = 3600
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class ShelfPlace(Destination):
    """The place of one artifact below ``folder``, decided when its files are known."""

    def __init__(self, folder: Path, limit: int, *, cache: ObjectCache | None = None) -> None:
        """``limit`` is in bytes, of all that lies below ``folder``."""
        super().__init__(folder / "artifact", cache=cache)
        self._shelf = folder
        self._limit = limit

    def settle(self, items: Sequence[Item], name: str) -> str:
        """Below the shelf, under the digests of the files and the artifact's own name."""
        self._refuse_strangers()
        key = hashlib.sha256()
        for item in sorted(items, key=lambda one: one.relpath):
            key.update(f"{item.relpath}\0{item.digest}\0{item.text}\n".encode(errors="surrogateescape"))
        self._path = self._shelf / key.hexdigest()[:40] / name
        self._name = str(self._path)
        return self._name

    def compare(self, items: Sequence[Item], sums: Sha256s = UNCOUNTED) -> bool | None:
        """As of any destination; what is there and not as it should be is thrown away."""
        equal = super().compare(items, sums)
        if equal:
            self._use()
            return equal
        if equal is False:
            _throw_away(self._path)
        self._make_room(sum(item.size or 0 for item in items))
        return None

    def shelve(self) -> Path:
        """Make what was fetched read-only; gives its path."""
        for path in (self._path, *(self._path.rglob("*") if self._path.is_dir() else ())):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & _WRITABLE:
                path.chmod(stat.S_IMODE(mode) & ~_WRITABLE)
        self._use()
        return self._path

    def _use(self) -> None:
        """Note the time: what was not used for the longest time goes first."""
        with suppress(OSError):
            os.utime(self._path.parent)

    def _refuse_strangers(self) -> None:
        """Raises WrongUsage where others may write: what is verified now could be another thing a moment later."""
        try:
            self._shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
            facts = self._shelf.lstat()
        except OSError as error:
            raise refusals.cannot_write(str(self._shelf), error) from error
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
            raise WrongUsage(
                f"{self._shelf} is no folder of this user's alone.",
                "Name another cache (TAGLINE_CACHE), or a destination: dest=...",
                code="shared-cache",
            )

    def _make_room(self, needed: int) -> None:
        """Throw away what was not used for the longest time, until ``needed`` bytes more keep within the limit."""
        kept = sorted(_entries(self._shelf))
        total = sum(size for _, size, _ in kept) + needed
        for used, size, path in kept:
            if total <= self._limit or time.time() - used < _IN_USE:
                return
            _throw_away(path)
            total -= size


def _entries(shelf: Path) -> Iterator[tuple[float, int, Path]]:
    """When each artifact was used, its bytes, and where it is."""
    for entry in os.scandir(shelf):
        with suppress(OSError):  # another program threw it away
            path = Path(entry.path)
            size = sum(one.lstat().st_size for one in path.rglob("*") if not one.is_dir())
            yield entry.stat(follow_symlinks=False).st_mtime, size, path


def _throw_away(path: Path) -> None:
    """Moved aside first, so that nobody sees a part of it under its name."""
    aside = path.parent / f".{secrets.token_hex(8)}.gone"
    with suppress(FileNotFoundError):
        path.rename(aside)
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)
