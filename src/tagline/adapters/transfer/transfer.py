"""Bringing an artifact's files into a staging folder: side by side, each byte hashed as it arrives."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tagline.adapters.transfer.cache import ObjectCache
from tagline.adapters.transfer.large_files import LargeFile
from tagline.adapters.transfer.passing import feed
from tagline.adapters.transfer.ranges import close, patiently
from tagline.adapters.transfer.refusals import wrong_digest, wrong_size
from tagline.adapters.transfer.staging import Staging
from tagline.adapters.transfer.trees import CHUNK, pieces_of, write_all
from tagline.adapters.transfer.workers import Workers
from tagline.domain.storage.digests import Hasher
from tagline.domain.storage.objects import Facts, Item, Key
from tagline.domain.storage.sha256 import Sha256s
from tagline.ports.storage import ObjectStore

#: Objects above this size are read as several ranges; below it they are hardly worth a question first.
LARGE = 16 << 20
#: More files than this, of fewer bytes each on the average, are read without asking for their sizes first.
_MANY, _SMALL = 200, 1 << 20
#: Requests at once for large objects: with PART and SPARE of ranges.py this bounds the memory.
_LARGE_STREAMS = 6
#: Large objects at once: their digests are what takes the time, and one core computes one digest.
_LARGE_AT_ONCE = 2


class Transfer:
    """One fetch from one store."""

    def __init__(
        self,
        store: ObjectStore,
        staging: Staging,
        *,
        cache: ObjectCache | None,
        streams: int | None,
        report: Callable[[int, int], None],
        sums: Sha256s,
        total: int | None = None,
    ) -> None:
        self._store = store
        self._staging = staging
        self._cache = cache
        self._streams = max(1, streams or store.streams)
        self._report = report
        self._sums = sums
        #: The bytes of all items together, where somebody knows.
        self.total = total
        self._workers = Workers()
        self._facts: Mapping[Key, Facts] = {}
        #: Bytes that are still to come; approximate, and good enough to leave them their room.
        self._to_come = 0

    def sizes(self, items: Sequence[Item]) -> list[int | None]:
        """The size of each item; the store is asked where the pointer does not say.

        Of many small files it is not: that would be as many requests as their bytes take.
        """
        unknown = list({item.key for item in items if item.size is None})
        small = self.total is not None and self.total <= len(items) * _SMALL
        if unknown and not (small and len(unknown) > _MANY):
            self._facts = patiently(lambda: self._store.look_many(unknown), self._workers)
        return [self._size(item) for item in items]

    def _size(self, item: Item) -> int | None:
        if item.size is not None:
            return item.size
        facts = self._facts.get(item.key)
        return None if facts is None else facts.size

    def bring(self, items: Sequence[Item]) -> None:
        """Every file, complete and verified. Raises the first failure, and stops the others then."""
        large: list[Item] = []
        small: list[Item] = []
        for item in items:
            size = self._size(item)
            (large if size is not None and size > LARGE else small).append(item)
            self._to_come += size or 0
        if large:
            at_once = min(_LARGE_AT_ONCE, len(large), self._streams)
            streams = max(1, min(_LARGE_STREAMS, self._streams) // at_once)
            self._workers.run((partial(self._bring_large, item, streams) for item in large), at_once)
        if small:
            self._workers.run((partial(self._bring_small, item) for item in small), min(self._streams, len(small)))

    def _bring_large(self, item: Item, streams: int) -> None:
        if not self._from_cache(item):
            LargeFile(self._store, item, self._staging, self._workers, self._report, self._sums).bring(streams)
            self._keep(item)
        self._done(item)

    def _bring_small(self, item: Item) -> None:
        if item.relpath in self._staging.kept and self._is_kept(item):
            self._keep(item)
        elif not self._from_cache(item):
            data = patiently(partial(self._download, item), self._workers)
            self._keep(item, data)
        self._done(item)

    def _done(self, item: Item) -> None:
        self._to_come -= self._size(item) or 0
        self._report(0, 1)

    def _is_kept(self, item: Item) -> bool:
        """Whether a file that an earlier run left is complete, by its digest. Deleted if not."""
        hasher = self._sums.hasher(item, self._size(item))
        descriptor = self._staging.reopen(item.relpath)
        try:
            size = feed(pieces_of(descriptor), hasher, lambda _size: self._workers.check())
        finally:
            os.close(descriptor)
        if hasher.matches() and self._size(item) in (None, size):
            self._sums.tell(item, hasher)
            self._report(size, 0)
            return True
        self._staging.drop(item.relpath)
        return False

    def _from_cache(self, item: Item) -> bool:
        if self._cache is None or item.relpath in self._staging.kept or not self._cache.has(item):
            return False
        size = None
        descriptor = self._staging.create(item.relpath)
        try:
            size = self._cache.fetch(item, descriptor, self._workers.check, self._sums)
        finally:
            os.close(descriptor)
            if size is None:
                self._staging.drop(item.relpath)
        self._report(size or 0, 0)
        return size is not None

    def _download(self, item: Item) -> bytes | None:
        """One small file; its bytes too, where they came in one piece and are wanted again."""
        size = self._size(item)
        most = self.total if size is None else size
        hasher, done, data = self._sums.hasher(item, size), 0, b""
        descriptor = self._staging.create(item.relpath)
        try:
            try:
                pieces = self._store.read(item.key)
                try:
                    for data in pieces:
                        self._workers.check()
                        hasher.update(data)
                        done += len(data)
                        if most is not None and done > most:
                            raise wrong_size(item, self._store, most, None)
                        write_all(descriptor, data)
                finally:
                    close(pieces)
            finally:
                os.close(descriptor)
            self._verify(item, hasher, size, done)
        except BaseException:
            self._staging.drop(item.relpath)
            raise
        self._report(done, 0)
        return data if done == len(data) else None

    def _verify(self, item: Item, hasher: Hasher, size: int | None, done: int) -> None:
        if size is not None and done != size:
            raise wrong_size(item, self._store, size, done)
        if not hasher.matches():
            raise wrong_digest(item, self._store, hasher.found)
        self._sums.tell(item, hasher)

    def _keep(self, item: Item, data: bytes | None = None) -> None:
        """Into the cache, as long as that leaves room for what is still to come."""
        if self._cache is None:
            return
        if data is not None and len(data) <= CHUNK and not item.text:
            self._cache.put_bytes(item.digest, data, self._to_come)
        else:
            self._cache.put(item, self._staging.path(item.relpath), self._to_come, self._workers.check)
