"""In-memory stand-ins for ports, complete enough that commands cannot tell them apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


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

    def read(self, path: str, limit: int) -> bytes | None:
        self.reads.append(path)
        data = self._files.get(path)
        return None if data is None else data[: limit + 1]

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        found = {path: self.read(path, limit) for path in paths}
        return {path: data for path, data in found.items() if data is not None}
