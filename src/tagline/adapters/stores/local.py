"""The port ObjectStore on a folder of this machine: a mounted share, a second disk, a DVC cache."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from tagline.adapters.stores.options import PIECE, below, look_at_each, missing, no_versions
from tagline.domain.storage.objects import Facts, Key
from tagline.errors import ObjectChanged, StoreRefused, TaglineError

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class LocalStore:
    """Regular files of a folder. Links are followed as long as they lead to files of the same folder.

    The folder itself may be a link. One that leads out of it could make any file of this machine an object.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def streams(self) -> int:
        """More than a few do not make a disk faster."""
        return 4

    def uri(self, key: Key) -> str:
        """``file:///FOLDER/KEY``."""
        return f"file://{quote(f'{self._folder.absolute()}/{key.path}')}"

    def look(self, key: Key) -> Facts:
        """Size, and a mark made of time, size and inode."""
        return _facts(self._stat(key)[1])

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        """The same for many; a share over the network answers several at once."""
        return look_at_each(self.look, keys, self.streams)

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        """The bytes, in pieces of a MiB. Raises ObjectChanged also where the file changes while it is read."""
        if length == 0:
            return
        real, _ = self._stat(key)
        try:
            descriptor = os.open(real, _FLAGS | getattr(os, "O_NOFOLLOW", 0))
        except OSError as error:
            raise self._refused(key, error) from error
        try:
            facts = _facts(os.fstat(descriptor))
            if etag is not None and facts.etag != etag:
                raise self._changed(key)
            if start and start >= facts.size:
                raise self._cut_short(key)
            end = facts.size if length is None else min(facts.size, start + length)
            while start < end:
                piece = os.pread(descriptor, min(PIECE, end - start), start)
                if not piece:
                    raise self._cut_short(key)
                start += len(piece)
                yield piece
            if _facts(os.fstat(descriptor)).etag != facts.etag:
                raise self._changed(key)
        except OSError as error:
            raise self._refused(key, error) from error
        finally:
            os.close(descriptor)

    def presign(self, key: Key, seconds: int) -> str | None:
        """None: a folder has no URLs that others could read."""
        return None

    def _stat(self, key: Key) -> tuple[str, os.stat_result]:
        """Where the object's file really lies, and what the disk says of it."""
        uri = self.uri(key)
        path = below(str(self._folder), key, uri)
        if key.version_id is not None:
            raise no_versions(uri)
        try:
            root, real = os.path.realpath(self._folder), os.path.realpath(path)
            if os.path.commonpath((root, real)) != root:
                raise StoreRefused(
                    f"{uri} is a link that leads out of the store's folder.",
                    "Put the file itself there. Tagline follows no link out of a store.",
                    code="outside-store",
                )
            found = Path(real).lstat()
        except (OSError, ValueError) as error:
            raise self._refused(key, error) from error
        if not stat.S_ISREG(found.st_mode):
            raise missing(uri, "What lies there is no regular file.")
        return real, found

    def _refused(self, key: Key, error: Exception) -> TaglineError:
        if isinstance(error, ValueError | FileNotFoundError | NotADirectoryError):
            if self._folder.is_dir():
                return missing(self.uri(key))
            # Not there on this machine says nothing about the objects: another one may have it mounted.
            return StoreRefused(
                f"There is no folder {self._folder}, in which the objects should lie.",
                "Mount it, or point the DVC remote at the right one: dvc remote modify NAME url PATH",
                code="not-mounted",
            )
        reason = getattr(error, "strerror", None) or type(error).__name__
        return StoreRefused(
            f"{self.uri(key)} cannot be read: {reason}.",
            "Let this user read the folder and its files, and run the same command again.",
            code="access-denied" if isinstance(error, PermissionError) else "store-refused",
        )

    def _changed(self, key: Key) -> ObjectChanged:
        return ObjectChanged(f"{self.uri(key)} was replaced while it was read.", "Run the same command again.")

    def _cut_short(self, key: Key) -> StoreRefused:
        return StoreRefused(
            f"{self.uri(key)} is shorter than what was asked of it.",
            "Run the same command again, when nobody writes there.",
            code="connection-lost",
        )


def _facts(found: os.stat_result) -> Facts:
    return Facts(found.st_size, f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}")
