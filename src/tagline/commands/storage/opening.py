"""A file of an artifact as a stream: read as it comes from its store, and judged when it ends."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from tagline.commands.ledger.reading import Source
from tagline.commands.storage.fetch import expected_of, file_of, find_items
from tagline.commands.storage.locating import StorageContext
from tagline.commands.storage.resolve import Wanted
from tagline.domain.storage.digests import Hasher
from tagline.domain.storage.objects import Item
from tagline.domain.storage.sha256 import Sha256s
from tagline.errors import WrongBytes


def stream(
    source: Source, wanted: Wanted, now: int, context: StorageContext, path: str, close: Callable[[], None]
) -> io.RawIOBase:
    """The bytes of an artifact's one file, or of a folder's file at ``path`` where that is not empty.

    They are read from the store as they are asked for; the end raises WrongBytes where they were not those that the
    pointer names. ``close`` is called when the stream is closed. Raises as ``fetch`` does.
    """
    found, place, items = find_items(source, wanted, now, context, lambda digest: None)
    item = file_of(items, path, found.answer.artifact)
    assert place.store is not None  # noqa: S101 - items came from it
    return _Verified(place.store.read(item.key), item, expected_of(found, [item], path), close)


class _Verified(io.RawIOBase):
    """Pieces as a file, hashed on their way."""

    def __init__(self, pieces: Iterator[bytes], item: Item, sums: Sha256s, close: Callable[[], None]) -> None:
        self._pieces, self._item, self._sums, self._end = pieces, item, sums, close
        self._hasher: Hasher | None = sums.hasher(item)
        self._left = memoryview(b"")
        self._size = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, target: Any) -> int:
        """The next bytes; raises WrongBytes at an end that is not the right one."""
        room = memoryview(target).cast("B")
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                self._judge()
                return 0
            if self._hasher is not None:
                self._hasher.update(piece)
            self._size += len(piece)
            self._left = memoryview(piece)
        taken = min(len(room), len(self._left))
        room[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        return taken

    def _judge(self) -> None:
        if self._hasher is None:
            return
        hasher, self._hasher = self._hasher, None
        if not hasher.matches() or self._item.size not in (None, self._size):
            raise WrongBytes(
                f"What was read is not what the pointer names: {self._item.digest}.",
                "Use none of it. The object was cut or replaced: push it again from a good copy (dvc push).",
            )
        self._sums.tell(self._item, hasher)
        self._sums.verify([self._item])

    def close(self) -> None:
        """End the transfer, also early: then nothing was verified."""
        if not self.closed:
            closing = getattr(self._pieces, "close", None)
            if closing is not None:
                closing()
            self._end()
        super().close()
