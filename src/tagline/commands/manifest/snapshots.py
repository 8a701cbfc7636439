"""One commit's artifacts: what its manifests describe, and the files in Git that stand for them."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any

from tagline.commands.manifest.parameters import parameter_files
from tagline.commands.manifest.reading import load_manifest, mentions_artifacts
from tagline.domain.manifest.document import Document
from tagline.domain.manifest.dvc_stages import Stages, is_of_dvc_1
from tagline.domain.manifest.dvcignore import DVCIGNORE, MAX_DVCIGNORE, DvcIgnore
from tagline.domain.manifest.interpolation import LoadParams
from tagline.domain.manifest.manifest import DVC_MANIFEST, MANIFEST, ManifestEntry
from tagline.domain.manifest.stage_templates import settled
from tagline.domain.manifest.tracked import TrackedPaths, lies_in, upwards
from tagline.domain.storage.lfs import ATTRIBUTES, MAX_ATTRIBUTES, mention_lfs
from tagline.domain.storage.pointers import Out, outs_of, pick
from tagline.errors import BadPointer
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree

DVC_CONFIG = ".dvc/config"


class Snapshot:
    """The files of a commit, as far as artifacts are concerned."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._outs: dict[str, list[Out]] = {}
        self._projects: dict[str, str] = {}
        self._readable: set[frozenset[str]] = set()

    @cached_property
    def entries(self) -> dict[str, ManifestEntry]:
        """Every artifact that its manifests describe."""
        return entries_of(self.tree)

    @cached_property
    def uses_lfs(self) -> bool:
        """Whether any of its files may be kept by Git LFS."""
        return mention_lfs(self.tree.read_many(self._telling.named(ATTRIBUTES), MAX_ATTRIBUTES).values())

    def stands_for(self, entry: ManifestEntry) -> str:
        """The one file in Git that stands for an artifact: its pointer, itself, or else its manifest."""
        path, tracked = entry.path, self._telling
        if path is None or entry.virtual:
            return entry.file
        own = [f"{part}.dvc" for part in upwards(path) if tracked.is_file(f"{part}.dvc")]
        if counted := self.counted(own):
            return counted[0]
        if self.tree.objects([path]):
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
        """The outs of some pointer files, as far as these can be read and count. Each file is read once."""
        pointers = self.counted(pointers)
        new = [path for path in pointers if path not in self._outs]
        read: dict[str, list[Out]] = {path: [] for path in new}
        for out in read_outs(self.tree, new) if new else ():
            read[out.file].append(out)
        self._outs |= read
        return [out for path in pointers for out in self._outs[path]]

    @cached_property
    def pointers(self) -> Sequence[str]:
        """The pointer files that count."""
        return self.counted([file for file in self.tree.telling() if is_pointer(file)])

    def counted(self, files: Sequence[str]) -> list[str]:
        """Those of some files that DVC does not pass over."""
        ignore = self._ignore
        if ignore is None:
            return list(files)

        def counts(file: str) -> bool:
            # DVC reads a lock for the dvc.yaml beside it.
            beside = posixpath.join(posixpath.dirname(file), DVC_MANIFEST)
            parts = (file, beside) if posixpath.basename(file) == "dvc.lock" else (file,)
            return not any(ignore.ignores(part, self._of(part)) for part in parts)

        return [file for file in files if counts(file)]

    def _of(self, file: str) -> str:
        """The folder of a file's project, once for all files of a folder."""
        folder = posixpath.dirname(file)
        if folder not in self._projects:
            self._projects[folder] = project_of(file, self.tree)
        return self._projects[folder]

    @cached_property
    def _ignore(self) -> DvcIgnore | None:
        contents = self.tree.read_many(self._telling.named(DVCIGNORE), MAX_DVCIGNORE)
        texts = {
            posixpath.dirname(path): data.decode(errors="replace")
            for path, data in contents.items()
            if len(data) <= MAX_DVCIGNORE
        }
        return DvcIgnore(texts) if texts else None

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


def project_of(pointer: str, tree: Tree) -> str:
    """The folder of the DVC project that a pointer belongs to: the nearest one with a configuration, else the root."""
    folders = list(upwards(posixpath.dirname(pointer)))
    found = tree.objects(posixpath.join(folder, DVC_CONFIG) for folder in folders)
    configs = {path for path, one in found.items() if one.kind != "tree"}
    return next((folder for folder in folders if posixpath.join(folder, DVC_CONFIG) in configs), "")


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
    load = parameter_files(tree)
    return [
        out
        for path in pointers
        for out in outs_of(path, values.get(path), pipeline_in(data.get(pipelines[path]), pipelines[path], load))
    ]


def tracked_out(tree: Tree, path: str, *, in_git: bool) -> tuple[Out, str] | None:
    """The out that has a path's bytes, from as few pointers as can tell.

    The ``.dvc`` file of its own name answers most questions; a name or a ``wdir`` of another kind is
    rare. ``in_git``: Git has a folder there, so only what lies in it or names it can matter, and nothing
    that DVC leaves to Git (``cache: false``); nor can an out of an unknown folder be it, for DVC takes none
    that Git has. Raises BadPointer where a pointer that counts cannot be read.
    """
    known = snapshot(tree)
    pointers = known.pointers
    own = {f"{part}.dvc" for part in upwards(path)}
    locks = {file for file in pointers if posixpath.basename(file) == "dvc.lock"}
    near = {file for file in pointers if lies_in(file, path)}
    rest = set() if in_git else set(pointers) - own - locks - near
    unplaced = []
    for some in (own.intersection(pointers), locks | near, rest):
        outs = known.outs(sorted(some)) if own.isdisjoint(some) else read_outs(tree, sorted(some), own)
        if in_git:
            outs = [out for out in outs if out.cached and not out.unplaced]
        # They count last: a pointer that is read later may know the path.
        unplaced += [out for out in outs if out.unplaced]
        if found := pick([out for out in outs if not out.unplaced], path):
            if found[0].file in locks:
                # Only the pipeline beside a lock says that the lock counts.
                known.require(frozenset([found[0].file]))
            return found
    if locks and not in_git:
        # Nobody has the path: then a lock that cannot be read may be the one that does.
        known.require(frozenset(locks))
    return pick(unplaced, path)


def pipeline_in(document: Document | None, file: str, load: LoadParams) -> Any:
    """A ``dvc.yaml`` as ``Stages`` takes it: empty where there is none or it is empty, None where it cannot be read."""
    if document is None or [problem.rule for problem in document.problems] == ["file-empty"]:
        return {}
    return settled(document.root.value, file, load) if document.root is not None else None


def _refuse_unreadable(path: str, document: Document | None) -> None:
    if document is None:
        return
    if document.root is not None:
        if posixpath.basename(path) == "dvc.lock" and is_of_dvc_1(document.root.value):
            raise BadPointer(
                f"{path} is in the form of DVC 1, which later versions do not read: it has no schema.",
                "Let DVC 2 or later write it anew (dvc commit --force, or dvc repro), then commit it.",
                code="lock-of-dvc-1",
            )
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
