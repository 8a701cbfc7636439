"""Bytes as they pass: hashed here, while a thread beside writes them and counts their SHA-256."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial

from tagline.adapters.transfer.ranges import close
from tagline.adapters.transfer.trees import clone, pieces_of, write_all
from tagline.domain.storage.digests import Hasher

#: Pieces that may wait to be written while earlier ones are hashed.
_BACKLOG = 4


def feed(
    pieces: Iterator[bytes], hasher: Hasher, each: Callable[[int], None], write: Callable[[bytes], None] | None = None
) -> int:
    """Hash pieces to their end, and ``write`` them in their order. Gives how many bytes they were.

    One core computes one digest, so the other core writes and counts the SHA-256 where that is wanted too. A file
    of one piece is not worth a thread. ``each`` is told the size of a piece before it is used, and may raise.
    """
    size, beside = 0, None
    try:
        for piece in pieces:
            each(len(piece))
            if size and beside is None:
                beside = _Beside(partial(_second, hasher, write))
            if beside is None:
                _second(hasher, write, piece)
            else:
                beside.put(piece)
            hasher.update_digest(piece)
            size += len(piece)
    finally:
        close(pieces)
        if beside is not None:
            beside.end()
    if beside is not None:
        beside.check()
    return size


def copy(source: int, target: int, hasher: Hasher, check: Callable[[], None]) -> int:
    """Copy an open file, or share its blocks, and feed what ``target`` now holds to a hasher. Gives its size."""
    if clone(source, target):
        return feed(pieces_of(target), hasher, lambda _size: check())
    return feed(pieces_of(source), hasher, lambda _size: check(), partial(write_all, target))


def _second(hasher: Hasher, write: Callable[[bytes], None] | None, piece: bytes) -> None:
    if write is not None:
        write(piece)
    hasher.update_sha256(piece)


class _Beside:
    """A thread that takes pieces in their order."""

    def __init__(self, act: Callable[[bytes], None]) -> None:
        self._act = act
        self._failure: Exception | None = None
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_BACKLOG)
        self._thread = threading.Thread(target=self._take, name="fetch-beside", daemon=True)
        self._thread.start()

    def put(self, piece: bytes) -> None:
        """One more piece; waits where too many wait already. Raises what an earlier one failed with."""
        self.check()
        self._waiting.put(piece)

    def end(self) -> None:
        """Take what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    def check(self) -> None:
        """Raises what a piece failed with."""
        if self._failure is not None:
            raise self._failure

    def _take(self) -> None:
        while (piece := self._waiting.get()) is not None:
            # After a failure the rest is only taken away, so that nobody waits for room.
            if self._failure is None:
                try:
                    self._act(piece)
                except Exception as error:
                    self._failure = error
