"""The repository itself as a store of bytes: Git's blobs by their ids, and what Git LFS keeps for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping

from tagline.adapters.git.running import Git
from tagline.domain.storage.objects import Facts, Key
from tagline.errors import ObjectMissing, StoreRefused
from tagline.ports.storage import ObjectStore

_PIECE = 1024 * 1024
_BLOB, _LFS = "blob/", "lfs/"


class GitObjects:
    """Reads blobs by one git process, one after the other.

    ``prefetch`` brings many blobs of a partial repository at once; git itself would ask for each.
    """

    #: The one process answers one question at a time; what LFS keeps comes over HTTP.
    streams = 4

    def __init__(
        self, git: Git, url: str, lfs: Callable[[], ObjectStore], prefetch: Callable[[list[str]], None] | None = None
    ) -> None:
        self._stream = git.stream()
        self._url = url
        self._open_lfs = lfs
        self._prefetch = prefetch
        self._lfs: ObjectStore | None = None
        self._lock = threading.Lock()

    def _kept_by_lfs(self, key: Key) -> ObjectStore | None:
        if not key.path.startswith(_LFS):
            return None
        with self._lock:
            if self._lfs is None:
                self._lfs = self._open_lfs()
            return self._lfs

    def uri(self, key: Key) -> str:
        """The repository, and the object's id."""
        lfs = self._kept_by_lfs(key)
        return lfs.uri(key) if lfs is not None else f"git+{self._url}#{key.path}"

    def look(self, key: Key) -> Facts:
        """An object's size, without a mark: git sends objects only from their beginning, so that ranges cost more."""
        lfs = self._kept_by_lfs(key)
        if lfs is not None:
            return lfs.look(key)
        self._bring([key])
        with self._lock:
            size = self._stream.size(self._id(key))
        if size is None:
            raise self._missing(key)
        return Facts(size)

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        """The same for many, brought in one fetch where the repository is partial."""
        self._bring([key for key in keys if not key.path.startswith(_LFS)])
        found: dict[Key, Facts] = {}
        kept = [key for key in keys if key.path.startswith(_LFS)]
        if kept and (lfs := self._kept_by_lfs(kept[0])) is not None:
            found |= lfs.look_many(kept)
        with self._lock:
            for key in keys:
                if not key.path.startswith(_LFS) and (size := self._stream.size(self._id(key))) is not None:
                    found[key] = Facts(size)
        return found

    def _bring(self, keys: Collection[Key]) -> None:
        if self._prefetch is not None and keys:
            self._prefetch([self._id(key) for key in keys])

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        """The bytes of a blob; ``etag`` is its id and cannot change."""
        lfs = self._kept_by_lfs(key)
        if lfs is not None:
            yield from lfs.read(key, start, length, etag)
            return
        with self._lock:
            yield from self._read(key, start, length)

    def _read(self, key: Key, start: int, length: int | None) -> Iterator[bytes]:
        opened = self._stream.open(self._id(key))
        if opened is None:
            raise self._missing(key)
        size, stream = opened
        broken = False
        try:
            _skip(stream, start)
            left = size - start if length is None else min(length, size - start)
            while left > 0:
                piece = stream.read(min(_PIECE, left))
                if not piece:
                    broken = True
                    raise StoreRefused(
                        f"git stopped in the middle of {key.path}.", "Check the clone: git fsck", code="connection-lost"
                    )
                left -= len(piece)
                yield piece
        finally:
            # The process answers the next question only after the rest; to end it instead is not safe, because
            # the stream would still read from it when it is thrown away.
            if broken:
                self._stream.close()
            else:
                _skip(stream, size)

    @staticmethod
    def _id(key: Key) -> str:
        return key.path.removeprefix(_BLOB)

    def _missing(self, key: Key) -> ObjectMissing:
        return ObjectMissing(
            f"{self._url} has no object {self._id(key)}.",
            "The clone is damaged, or its history was rewritten: clone it again, or check it with git fsck.",
        )

    def close(self) -> None:
        """End git's processes; reading starts them again."""
        with self._lock:
            self._stream.close()

    def presign(self, key: Key, seconds: int) -> str | None:
        """Git has no URLs that anybody may read; what LFS keeps may have."""
        lfs = self._kept_by_lfs(key)
        return lfs.presign(key, seconds) if lfs is not None else None


def _skip(stream: object, count: int) -> None:
    read = stream.read  # type: ignore[attr-defined]
    while count > 0 and (piece := read(min(_PIECE, count))):
        count -= len(piece)
