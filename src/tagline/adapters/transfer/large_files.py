"""One large object on its way into a file: in ranges, continued where an earlier run left it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from tagline.adapters.transfer.passing import feed
from tagline.adapters.transfer.ranges import Ranges, close, patiently
from tagline.adapters.transfer.refusals import wrong_digest, wrong_size
from tagline.adapters.transfer.staging import Staging
from tagline.adapters.transfer.trees import pieces_of, write_all
from tagline.adapters.transfer.workers import Workers
from tagline.domain.storage.digests import Hasher
from tagline.domain.storage.objects import Facts, Item
from tagline.domain.storage.sha256 import Sha256s
from tagline.errors import ObjectChanged, WrongBytes
from tagline.ports.storage import ObjectStore


class LargeFile:
    """A file of many parts. It is a contiguous beginning of the object at every instant."""

    def __init__(
        self,
        store: ObjectStore,
        item: Item,
        staging: Staging,
        workers: Workers,
        report: Callable[[int, int], None],
        sums: Sha256s,
    ) -> None:
        self._store = store
        self._item = item
        self._name = item.relpath
        self._staging = staging
        self._workers = workers
        self._report = report
        self._sums = sums
        self._reported = 0
        self._continued = False

    def bring(self, streams: int) -> None:
        """Complete and verify the file.

        Bytes of two transfers may not belong together, so whatever is wrong with them is tried once
        more from nothing; so is an object that changed on the way.
        """
        for last in (False, True):
            try:
                self._attempt(streams)
                return
            except (WrongBytes, ObjectChanged) as error:
                self._restart()
                if last or not (self._continued or isinstance(error, ObjectChanged)):
                    raise

    def _attempt(self, streams: int) -> None:
        self._continued = False
        facts = patiently(lambda: self._store.look(self._item.key), self._workers)
        if self._item.size not in (None, facts.size):
            raise wrong_size(self._item, self._store, self._item.size or 0, facts.size)
        if facts.etag is None:
            patiently(lambda: self._in_one_stream(facts), self._workers)
            return
        hasher = self._sums.hasher(self._item, facts.size)
        descriptor, start = self._begin(facts, hasher)
        try:
            ranges = Ranges(self._store, self._item.key, facts.etag, start, facts.size, streams, self._workers)
            feed(ranges.pieces(), hasher, self._count, partial(write_all, descriptor))
            self._continued |= ranges.continued
        finally:
            os.close(descriptor)
        self._verify(hasher)
        self._staging.forget(self._name)

    def _begin(self, facts: Facts, hasher: Hasher) -> tuple[int, int]:
        """The open file and how much of it is there already: hashed again, and of this very object."""
        state = {"digest": self._item.digest, "etag": facts.etag, "uri": self._store.uri(self._item.key)}
        kept = self._staging.kept.get(self._name, 0)
        if kept and kept <= facts.size and (kept == facts.size or self._staging.recall(self._name) == state):
            descriptor = self._staging.reopen(self._name)
            try:
                feed(pieces_of(descriptor), hasher, self._count)
            except BaseException:
                os.close(descriptor)
                raise
            self._continued = True
            return descriptor, kept
        self._staging.drop(self._name)
        self._staging.remember(self._name, state)
        return self._staging.create(self._name), 0

    def _in_one_stream(self, facts: Facts) -> None:
        """Without a mark of its content nobody can tell whether an object is still the same: all or nothing."""
        self._restart()
        hasher = self._sums.hasher(self._item, facts.size)
        descriptor = self._staging.create(self._name)
        try:
            try:
                pieces = self._store.read(self._item.key)
                feed(self._at_most(pieces, facts.size), hasher, self._count, partial(write_all, descriptor))
            finally:
                os.close(descriptor)
            self._verify(hasher)
        except BaseException:
            self._restart()
            raise

    def _at_most(self, pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
        done = 0
        try:
            for piece in pieces:
                done += len(piece)
                if done > size:
                    raise wrong_size(self._item, self._store, size, None)
                yield piece
        finally:
            close(pieces)
        if done < size:
            raise wrong_size(self._item, self._store, size, done)

    def _verify(self, hasher: Hasher) -> None:
        if not hasher.matches():
            raise wrong_digest(self._item, self._store, hasher.found)
        self._sums.tell(self._item, hasher)

    def _count(self, size: int) -> None:
        self._workers.check()
        self._reported += size
        self._report(size, 0)

    def _restart(self) -> None:
        """Nothing of it is there, and nothing was reported."""
        self._staging.drop(self._name)
        self._staging.kept.pop(self._name, None)
        if self._reported:
            self._report(-self._reported, 0)
            self._reported = 0
