"""One object read as several ranges at once, given out in order and within bounded memory."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from tagline.adapters.transfer.workers import Stopped, Workers
from tagline.domain.storage.objects import Key
from tagline.errors import StoreRefused, TaglineError
from tagline.ports.storage import ObjectStore

T = TypeVar("T")

PART = 8 << 20
#: Parts beyond those on their way that may wait for their turn.
SPARE = 1
#: Streams to begin with, and the share of a part's time beyond which waiting for it calls for one more.
FEW, _HUNGRY = 2, 0.3
ATTEMPTS = 4
BACKOFF = 0.3
#: Seconds after which a waiting thread looks whether it was stopped.
_GLANCE = 0.2


def is_lost(error: TaglineError) -> bool:
    """Whether a connection broke: the one failure that may pass within seconds."""
    return isinstance(error, StoreRefused) and error.code == "connection-lost"


def patiently(act: Callable[[], T], workers: Workers) -> T:
    """Call ``act``, and again after a lost connection. It must bear being done twice."""
    for attempt in range(ATTEMPTS):
        try:
            return act()
        except StoreRefused as error:
            if not is_lost(error) or attempt == ATTEMPTS - 1:
                raise
        workers.pause(random.uniform(0.5, 1.0) * BACKOFF * 2**attempt)  # noqa: S311
    raise AssertionError("unreachable")  # pragma: no cover


class _Part(NamedTuple):
    """A range on its way: its pieces, then None at its end or the failure that ended it."""

    start: int
    length: int
    pieces: queue.SimpleQueue[bytes | Exception | None]


class Ranges:
    """The bytes ``start`` to ``end`` of an object that must not change meanwhile.

    At most the bytes of ``streams`` + SPARE parts are in memory: a part is asked for only when one was given
    out. It begins with FEW streams, and after a part that was mostly waited for there is one more: a fast store
    costs no more threads than keep up with the digest, a slow or distant one is asked by all. While nobody
    waits, parts grow into the room of the streams that are not needed: a request takes a millisecond of Python,
    in which no digest goes on.
    """

    def __init__(
        self,
        store: ObjectStore,
        key: Key,
        etag: str,
        start: int,
        end: int,
        streams: int,
        workers: Workers,
        part: int = PART,
    ) -> None:
        self._store = store
        self._key = key
        self._etag = etag
        self._workers = workers
        self._at, self._end = start, end
        self._part = self._length = part
        self._streams = max(1, min(streams, -(-(end - start) // part)))
        self._todo: queue.SimpleQueue[_Part | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        #: How many streams were started.
        self.started = 0
        #: Seconds that were waited for the present part.
        self._waited = 0.0
        #: Whether a range was continued after its connection broke.
        self.continued = False

    def pieces(self) -> Iterator[bytes]:
        """The bytes in order. Closing the iterator early ends the transfers."""
        under_way: deque[_Part] = deque()
        try:
            for _ in range(min(FEW, self._streams)):
                self._start(under_way)
            for _ in range(SPARE):
                self._ask(under_way)
            while under_way:
                part = under_way.popleft()
                begun, self._waited = time.monotonic(), 0.0
                while (piece := self._next(part)) is not None:
                    yield piece
                self._adapt(under_way, hungry=self._waited > _HUNGRY * (time.monotonic() - begun))
                self._ask(under_way)
        finally:
            self._closed.set()
            for _ in range(self.started):
                self._todo.put(None)

    def _adapt(self, under_way: deque[_Part], *, hungry: bool) -> None:
        if hungry:
            self._length = self._part
            if self.started < self._streams:
                self._start(under_way)
        elif 2 * self._length * (self.started + SPARE) <= self._part * (self._streams + SPARE):
            self._length *= 2

    def _start(self, under_way: deque[_Part]) -> None:
        """One more stream, and a part for it."""
        threading.Thread(target=self._work, name="fetch-range", daemon=True).start()
        self.started += 1
        self._ask(under_way)

    def _ask(self, under_way: deque[_Part]) -> None:
        if self._at < self._end:
            part = _Part(self._at, min(self._length, self._end - self._at), queue.SimpleQueue())
            self._at += part.length
            under_way.append(part)
            self._todo.put(part)

    def _next(self, part: _Part) -> bytes | None:
        begun = time.monotonic()
        while True:
            try:
                piece = part.pieces.get(timeout=_GLANCE)
            except queue.Empty:
                self._workers.check()
                continue
            self._waited += time.monotonic() - begun
            if isinstance(piece, Exception):
                raise piece
            return piece

    def _work(self) -> None:
        while (part := self._todo.get()) is not None:
            if self._closed.is_set():
                return
            try:
                self._fill(part)
            except Exception as error:
                part.pieces.put(error)

    def _fill(self, part: _Part) -> None:
        """Read one range, and go on where a broken connection left it."""
        done = 0

        def act() -> None:
            nonlocal done
            self.continued |= done > 0
            pieces = self._store.read(self._key, part.start + done, part.length - done, self._etag)
            try:
                for piece in pieces:
                    self._check()
                    done += len(piece)
                    if done > part.length:
                        raise StoreRefused(
                            f"{self._store.uri(self._key)}: the store sent more than it was asked for.",
                            "A proxy between here and the store may ignore ranges: fetch without it.",
                        )
                    part.pieces.put(piece)
            finally:
                close(pieces)
            if done < part.length:
                raise StoreRefused(
                    f"{self._store.uri(self._key)}: the store ended a transfer too early.",
                    "Fetch again: what came is kept.",
                    code="connection-lost",
                )

        patiently(act, self._workers)
        part.pieces.put(None)

    def _check(self) -> None:
        self._workers.check()
        if self._closed.is_set():
            raise Stopped


def close(pieces: Iterator[bytes]) -> None:
    """End a transfer whose rest nobody wants; plain iterators have nothing to end."""
    ending = getattr(pieces, "close", None)
    if ending is not None:
        ending()
