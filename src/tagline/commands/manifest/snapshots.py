"""One commit's artifacts: what its manifests describe, and the files in Git that stand for them."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any

from tagline.commands.manifest.reading import load_manifest, mentions_artifacts
from tagline.domain.manifest.document import Document
from tagline.domain.manifest.dvc_stages import Stages
from tagline.domain.manifest.manifest import DVC_MANIFEST, MANIFEST, ManifestEntry
from tagline.domain.manifest.tracked import TrackedPaths, upwards
from tagline.domain.storage.pointers import Out, outs_of
from tagline.errors import BadPointer
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


class Snapshot:
    """The files of a commit, as far as artifacts are concerned."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._outs: dict[str, list[Out]] = {}
        self._readable: set[frozenset[str]] = set()

    @cached_property
    def entries(self) -> dict[str, ManifestEntry]:
        """Every artifact that its manifests describe."""
        return entries_of(self.tree)

    @cached_property
    def uses_lfs(self) -> bool:
        """Whether any of its files may be kept by Git LFS."""
        contents = self.tree.read_many(self._telling.named(".gitattributes"), yaml.MAX_BYTES)
        return any(b"filter=lfs" in data for data in contents.values())

    def stands_for(self, entry: ManifestEntry) -> str:
        """The one file in Git that stands for an artifact: its pointer, itself, or else its manifest."""
        path, tracked = entry.path, self._telling
        if path is None or entry.virtual:
            return entry.file
        if tracked.has_dvc_file(path):
            return next(f"{part}.dvc" for part in upwards(path) if tracked.is_file(f"{part}.dvc"))
        if self.tree.kinds([path]):
            return path
        return self._locks.get(path, entry.file)

    @cached_property
    def _locks(self) -> dict[str, str]:
        """The first lock that has an out, by the out's path."""
        found: dict[str, str] = {}
        for lock in self._telling.named("dvc.lock"):
            for out in self.outs([lock]):
                if not out.unplaced:
                    found.setdefault(out.path, lock)
        return found

    def outs(self, pointers: Sequence[str]) -> list[Out]:
        """The outs of some pointer files, as far as these can be read. Each file is read once."""
        new = [path for path in pointers if path not in self._outs]
        read: dict[str, list[Out]] = {path: [] for path in new}
        for out in read_outs(self.tree, new) if new else ():
            read[out.file].append(out)
        self._outs |= read
        return [out for path in pointers for out in self._outs[path]]

    def require(self, pointers: frozenset[str]) -> None:
        """Raise BadPointer where one of some pointer files cannot be read."""
        if pointers not in self._readable:
            read_outs(self.tree, sorted(pointers), pointers)
            self._readable.add(pointers)

    @cached_property
    def _telling(self) -> TrackedPaths:
        return TrackedPaths(self.tree.telling())


# What is asked of one commit is asked for each of many artifacts.
@lru_cache(maxsize=32)
def snapshot(tree: Tree) -> Snapshot:
    """What a tree's files say of artifacts, each read once."""
    return Snapshot(tree)


def entries_of(tree: Tree) -> dict[str, ManifestEntry]:
    """Every artifact that a snapshot's manifests describe; artifacts.yaml counts before dvc.yaml."""
    manifests = [path for path in tree.telling() if posixpath.basename(path) in (MANIFEST, DVC_MANIFEST)]
    contents = tree.read_many(manifests, yaml.MAX_BYTES)
    entries: dict[str, ManifestEntry] = {}
    for file in sorted(contents, key=lambda path: (posixpath.basename(path) != MANIFEST, path)):
        if posixpath.basename(file) == MANIFEST or mentions_artifacts(contents[file]):
            for item in load_manifest(file, contents[file], tree).items:
                entries.setdefault(item.entry.name, item.entry)
    return entries


def is_pointer(path: str) -> bool:
    """Whether a file says what DVC keeps elsewhere, with digests."""
    name = posixpath.basename(path)
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


def pointers_among(changed: Iterable[str]) -> list[str]:
    """The pointers whose word may differ when these files do: themselves, and the locks beside pipelines."""
    beside = (
        posixpath.join(posixpath.dirname(path), "dvc.lock") if posixpath.basename(path) == DVC_MANIFEST else path
        for path in changed
    )
    return list(dict.fromkeys(path for path in beside if is_pointer(path)))


def read_outs(tree: Tree, pointers: Sequence[str], needed: Collection[str] = ()) -> list[Out]:
    """The outs of some pointer files. Raises BadPointer where one that is needed cannot be read.

    A lock needs the ``dvc.yaml`` beside it too, which knows the stages, their folders and the remotes.
    """
    pipelines = {path: posixpath.join(posixpath.dirname(path), DVC_MANIFEST) for path in pointers}
    locks = [pipelines[path] for path in pointers if posixpath.basename(path) == "dvc.lock"]
    contents = tree.read_many([*pointers, *locks], yaml.MAX_BYTES)
    data = {path: yaml.load(content) for path, content in contents.items()}
    for path in pointers:
        if path in needed:
            _refuse_unreadable(path, data.get(path))
            _refuse_unreadable(pipelines[path], data.get(pipelines[path]))
    values = {path: document.root.value for path, document in data.items() if document.root is not None}
    return [out for path in pointers for out in outs_of(path, values.get(path), pipeline_in(data.get(pipelines[path])))]


def pipeline_in(document: Document | None) -> Any:
    """A ``dvc.yaml`` as ``Stages`` takes it: empty where there is none or it is empty, None where it cannot be read."""
    if document is None or [problem.rule for problem in document.problems] == ["file-empty"]:
        return {}
    return document.root.value if document.root is not None else None


def _refuse_unreadable(path: str, document: Document | None) -> None:
    if document is None:
        return
    if document.root is not None:
        if posixpath.basename(path) == DVC_MANIFEST and not Stages(document.root.value).readable:
            raise BadPointer(
                f"{path} has no mapping of stages, so nothing says what counts of the dvc.lock beside it.",
                f"Correct it, or restore it from Git's history: git log -- {path}",
            )
        return
    problem = document.problems[0]
    # An empty pipeline is one without stages; an empty .dvc file is what is left of a pointer.
    if problem.rule == "file-empty" and not path.endswith(".dvc"):
        return
    raise BadPointer(
        f"{path} cannot be read, line {problem.line}: {problem.message}",
        f"Correct it, or restore it from Git's history: git log -- {path}",
    )
