"""A store with faults to choose from. It counts what is asked of it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from tagline.domain.storage.objects import Facts, Item, Key
from tagline.errors import ObjectChanged, ObjectMissing, StoreRefused

PIECE = 1 << 18


def md5(data: bytes) -> str:
    return f"md5:{hashlib.md5(data).hexdigest()}"


def content(size: int, seed: int = 0) -> bytes:
    """Bytes of which no two parts are alike."""
    blocks = -(-size // 32)
    return b"".join(hashlib.sha256(b"%d %d" % (seed, i)).digest() for i in range(blocks))[:size]


def item(relpath: str, data: bytes, **changes: object) -> Item:
    made = Item(relpath, Key(relpath or "object"), md5(data), len(data))
    return made._replace(**changes)  # type: ignore[arg-type]


def read_folder(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def names_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class FaultyStore:
    """Objects in a dictionary.

    ``on_read(key, start, n)`` is called for the n-th read of all; it may change the store, or give a
    number of bytes after which this stream is cut (``cut``) or simply ends (``short``).
    """

    def __init__(self, objects: Mapping[str, bytes], *, etags: bool = True, streams: int = 6) -> None:
        self.objects = dict(objects)
        self._etags = etags
        self._known: dict[str, tuple[bytes, str]] = {}
        self.streams = streams
        self.on_read: Callable[[str, int, int], tuple[str, int] | None] = lambda key, start, n: None
        self.reads: list[tuple[str, int, int]] = []
        self.looks: list[str] = []
        self.delay = 0.0
        self._lock = threading.Lock()
        self.open_streams = 0

    @property
    def sent(self) -> int:
        return sum(size for _, _, size in self.reads)

    def uri(self, key: Key) -> str:
        return f"memory://{key.path}"

    def _etag(self, key: Key) -> str | None:
        if not self._etags:
            return None
        data = self.objects[key.path]
        known, etag = self._known.get(key.path, (b"", ""))
        if known is not data:
            etag = hashlib.sha256(data).hexdigest()
            self._known[key.path] = (data, etag)
        return etag

    def look(self, key: Key) -> Facts:
        self.looks.append(key.path)
        if key.path not in self.objects:
            raise ObjectMissing(f"{self.uri(key)} is not there.")
        return Facts(len(self.objects[key.path]), self._etag(key))

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        return {key: self.look(key) for key in keys if key.path in self.objects}

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        with self._lock:
            number = len(self.reads)
            self.reads.append((key.path, start, 0))
        fault = self.on_read(key.path, start, number)
        if key.path not in self.objects:
            raise ObjectMissing(f"{self.uri(key)} is not there.")
        if etag is not None and etag != self._etag(key):
            raise ObjectChanged(f"{self.uri(key)} was replaced while it was read.")
        data = self.objects[key.path]
        return self._stream(number, data[start : len(data) if length is None else start + length], fault)

    def _stream(self, number: int, data: bytes, fault: tuple[str, int] | None) -> Iterator[bytes]:
        kind, limit = fault or ("", len(data))
        self.open_streams += 1
        try:
            for at in range(0, min(limit, len(data)), PIECE):
                piece = data[at : min(at + PIECE, limit)]
                if self.delay:
                    time.sleep(self.delay)
                with self._lock:
                    path, start, sent = self.reads[number]
                    self.reads[number] = (path, start, sent + len(piece))
                yield piece
            if kind == "cut":
                raise StoreRefused("The connection was lost.", code="connection-lost")
        finally:
            self.open_streams -= 1

    def presign(self, key: Key, seconds: int) -> str | None:
        return None


class GeneratedStore(FaultyStore):
    """One object of any size that is nowhere in memory: the same MiB again and again."""

    BLOCK = bytes(range(256)) * 4096

    def __init__(self, size: int) -> None:
        super().__init__({})
        self._size = size

    def digest(self) -> str:
        hasher = hashlib.md5()
        for _ in range(self._size >> 20):
            hasher.update(self.BLOCK)
        return f"md5:{hasher.hexdigest()}"

    def look(self, key: Key) -> Facts:
        return Facts(self._size, "generated")

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        left = self._size - start if length is None else length
        while left > 0:
            # A copy, as a network's bytes would be.
            piece = bytes(bytearray(self.BLOCK[: min(left, 1 << 20)]))
            left -= len(piece)
            yield piece


class FolderStore(FaultyStore):
    """Objects in a folder, sent slowly; every byte sent is counted in a file, for whoever outlives us."""

    def __init__(self, folder: Path, delay: float) -> None:
        super().__init__({path.name: path.read_bytes() for path in folder.iterdir() if path.name != "sent"})
        self.delay = delay
        self._count = folder / "sent"

    def _stream(self, number: int, data: bytes, fault: tuple[str, int] | None) -> Iterator[bytes]:
        for piece in super()._stream(number, data, fault):
            with self._lock, self._count.open("a") as file:
                file.write(f"{len(piece)}\n")
            yield piece
