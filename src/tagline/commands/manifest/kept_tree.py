"""A tree whose files are read once, for commands that ask for the same ones from several sides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tagline.ports.repository import Blob, Content, Object, Tree


class KeptTree:
    """A tree of which every file is read once: artifacts of one commit ask for the same manifests and pointers."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._contents: dict[str, bytes | None] = {}

    @property
    def label(self) -> str:
        """The tree's own."""
        return self._tree.label

    def telling(self) -> Sequence[str]:
        """As the tree has them."""
        return self._tree.telling()

    def objects(self, paths: Iterable[str]) -> dict[str, Object]:
        """As the tree has them."""
        return self._tree.objects(paths)

    def paths(self) -> Sequence[str]:
        """As the tree has them."""
        return self._tree.paths()

    def files(self, within: Collection[str]) -> Sequence[tuple[str, str]]:
        """As the tree has them."""
        return self._tree.files(within)

    def submodules(self) -> frozenset[str]:
        """As the tree has them."""
        return self._tree.submodules()

    def read(self, path: str, limit: int) -> bytes | None:
        """From what is kept, or the tree."""
        return self.read_many([path], limit).get(path)

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        """What is not kept is read from the tree by one question."""
        wanted = list(dict.fromkeys(paths))
        found = {path: data for path in wanted if (data := self._contents.get(path)) is not None}
        new = [path for path in wanted if path not in self._contents]
        if new:
            read = self._tree.read_many(new, limit)
            # Of a file over the limit only its length is known, and another limit may be larger.
            self._contents |= {path: read.get(path) for path in new if len(read.get(path, b"")) <= limit}
            found |= read
        return {path: data[: limit + 1] for path, data in found.items()}

    def content(self, path: str) -> Content | None:
        """As the tree has it."""
        return self._tree.content(path)

    def blobs(self, path: str) -> list[Blob]:
        """As the tree has them."""
        return self._tree.blobs(path)
