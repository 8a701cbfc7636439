"""In-memory stand-ins for ports, complete enough that commands cannot tell them apart."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tagline.domain.manifest.tracked import TrackedPaths, is_telling
from tagline.domain.storage.lfs import MAX_POINTER, PREFIX
from tagline.domain.storage.objects import Facts, Key
from tagline.errors import ObjectChanged, ObjectMissing, StoreRefused
from tagline.ports.repository import Blob, Content, Object


class MemoryTree:
    """A snapshot in a dictionary. ``links`` are tracked paths without content: symlinks, submodules.

    ``reads`` records what was asked for, so that tests can show what was *not* read.
    """

    def __init__(
        self,
        files: Mapping[str, str | bytes],
        *,
        links: Iterable[str] = (),
        label: str = "work tree",
    ) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self._links = frozenset(links)
        self._label = label
        self.reads: list[str] = []

    @property
    def label(self) -> str:
        return self._label

    def paths(self) -> Sequence[str]:
        return sorted({*self._files, *self._links})

    def telling(self) -> Sequence[str]:
        return [path for path in self.paths() if is_telling(path.rpartition("/")[2])]

    def objects(self, paths: Iterable[str]) -> dict[str, Object]:
        tracked = TrackedPaths(self.paths())
        kinds = {path: "blob" if tracked.is_file(path) else "tree" for path in paths}
        return {path: Object(kind, "") for path, kind in kinds.items() if kind == "blob" or tracked.is_directory(path)}

    def files(self, within: Collection[str]) -> Sequence[tuple[str, str]]:
        inside = (file for file in self.paths() if "." in within or any(f"{file}/".startswith(f"{p}/") for p in within))
        return [(path, "") for path in inside]

    def read(self, path: str, limit: int) -> bytes | None:
        self.reads.append(path)
        data = self._files.get(path)
        return None if data is None else data[: limit + 1]

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        found = {path: self.read(path, limit) for path in paths}
        return {path: data for path, data in found.items() if data is not None}

    def submodules(self) -> frozenset[str]:
        return frozenset()

    def content(self, path: str) -> Content | None:
        if path in self._links:
            return Content("symlink", "", None, 1)
        if path not in self._files:
            inside = len(self.blobs(path))
            return Content("tree", "", None, inside) if inside else None
        data = self._files[path]
        return Content("blob", "", len(data), 1, data.startswith(PREFIX) and len(data) <= MAX_POINTER)

    def blobs(self, path: str) -> list[Blob]:
        inside = [file for file in self.paths() if file.startswith(f"{path}/")]
        return [Blob(file[len(path) + 1 :], "symlink" if file in self._links else "blob", "", None) for file in inside]


@dataclass
class _Stored:
    data: bytes
    version: str


class MemoryStore:
    """An object store in a dictionary, with faults to order.

    ``requests`` are the methods that were asked for, with their keys. The faults: ``cut_after`` bytes of an
    object the connection is lost, so many times; ``swaps`` replaces an object as soon as its reading begins;
    ``lies`` are bytes that come instead of the object's.
    """

    def __init__(self, objects: Mapping[str, bytes] | None = None, *, streams: int = 4) -> None:
        self._objects: dict[str, list[_Stored]] = {}
        self._streams = streams
        self.requests: list[tuple[str, Key]] = []
        self.cut_after: dict[str, list[int]] = {}
        self.swaps: dict[str, bytes] = {}
        self.lies: dict[str, bytes] = {}
        for path, data in (objects or {}).items():
            self.put(path, data)

    def put(self, path: str, data: bytes) -> Key:
        """Store an object; the answer names its version."""
        versions = self._objects.setdefault(path, [])
        versions.append(_Stored(data, f"v{len(versions) + 1}"))
        return Key(path, versions[-1].version)

    def remove(self, path: str) -> None:
        """Take an object away with all its versions."""
        del self._objects[path]

    def count(self, method: str) -> int:
        """How often a method was asked for."""
        return sum(1 for asked, _ in self.requests if asked == method)

    @property
    def streams(self) -> int:
        return self._streams

    def uri(self, key: Key) -> str:
        return f"memory://{key.path}"

    def look(self, key: Key) -> Facts:
        self.requests.append(("look", key))
        return self._facts(key)

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        found = {}
        for key in keys:
            self.requests.append(("look_many", key))
            with contextlib.suppress(ObjectMissing):
                found[key] = self._facts(key)
        return found

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        self.requests.append(("read", key))
        if key.path in self.swaps:
            self.put(key.path, self.swaps.pop(key.path))
        stored = self._find(key)
        if etag is not None and etag != self._facts(key).etag:
            raise ObjectChanged(f"{self.uri(key)} was replaced while it was read.", "Run the same command again.")
        data = self.lies.get(key.path, stored.data)
        if start and start >= len(data):
            raise StoreRefused(f"{self.uri(key)} is too short.", "Again.", code="connection-lost")
        data = data[start:] if length is None else data[start : start + length]
        cuts = self.cut_after.get(key.path)
        cut = cuts.pop(0) if cuts else None
        for at in range(0, len(data) if cut is None else min(cut, len(data)), 1 << 20):
            yield data[at : min(at + (1 << 20), len(data) if cut is None else cut)]
        if cut is not None:
            raise StoreRefused(f"The connection was lost at {self.uri(key)}.", "Again.", code="connection-lost")

    def presign(self, key: Key, seconds: int) -> str | None:
        return None

    def _find(self, key: Key) -> _Stored:
        for stored in reversed(self._objects.get(key.path, [])):
            if key.version_id in (None, stored.version):
                return stored
        raise ObjectMissing(f"There is no object {self.uri(key)}.", "dvc push")

    def _facts(self, key: Key) -> Facts:
        stored = self._find(key)
        digest = hashlib.md5(stored.data, usedforsecurity=False).hexdigest()
        return Facts(len(stored.data), digest, stored.version, digest)
