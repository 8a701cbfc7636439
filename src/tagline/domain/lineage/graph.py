"""What is behind an artifact: from its path upstream, step by step, to the raw inputs; and how it was measured.

A pure function of DVC's pointers and of the list of files in Git. What Git tracks and no pointer names is a leaf, as is
what people added with ``dvc add`` or brought by ``dvc import``.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, NamedTuple, TypeVar

from tagline.domain.lineage.pipelines import Behind, Imported, Origin, Step
from tagline.domain.manifest.manifest import is_uri
from tagline.domain.manifest.tracked import below, upwards
from tagline.domain.text.public import public
from tagline.errors import TooLarge

_T = TypeVar("_T")
Role = Literal["artifact", "data", "code", "metrics", "plots"]

#: Files of one folder in Git that are named one by one; the folder itself counts for the rest.
MOST_IN_FOLDER = 1000
#: Steps times what each of them reads.
MOST_EDGES = 300_000
#: What in Git is data by its name; everything else that a step reads from Git is code.
_DATA_RE = re.compile(
    r"\.(arff|arrow|avro|bin|csv|feather|gz|h5|hdf5|jpe?g|jsonl|ndjson|np[yz]|onnx|orc|parquet|pickle|pkl|png|pt"
    r"|safetensors|tfrecord|tsv|txt|wav|xlsx|zip)$",
    re.IGNORECASE,
)
_DRIVE_RE = re.compile(r"[A-Za-z]:[/\\]")
_LISTS_CODE_RE = re.compile(r"(requirements|constraints|environment)[^/]*\.txt$|CMakeLists\.txt$")


class File(NamedTuple):
    """Something behind an artifact.

    ``digest`` is as in :class:`Behind`, or ``gitblob:ID`` for a file in Git. ``maker`` is the step that wrote it,
    ``pointer`` the file of Git that says what it is (None for what lies in Git itself), ``origin`` where DVC brought
    it from. ``files`` is how many a folder has. ``missing``: a step read it, and the commit has it neither in Git nor
    by a pointer.
    """

    path: str
    role: Role
    digest: str | None = None
    size: int | None = None
    files: int | None = None
    maker: str | None = None
    pointer: str | None = None
    origin: Origin | None = None
    missing: bool = False


@dataclass(frozen=True)
class Graph:
    """Files and steps, and who reads and writes what.

    ``steps`` come in an order in which they can run. ``measuring`` names those of them that the artifact does
    not come from: they measure it.
    ``reads`` are (path, step), ``writes`` (step, path). ``read`` has the digest that a step read, of those of ``reads``
    that its lock says: the file may be another one by now. ``code`` lists the files in Git one by one, also those of
    folders.
    """

    target: str | None = None
    files: Mapping[str, File] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    measuring: frozenset[str] = frozenset()
    reads: tuple[tuple[str, str], ...] = ()
    writes: tuple[tuple[str, str], ...] = ()
    code: tuple[File, ...] = ()
    read: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def artifact(self) -> File | None:
        """The artifact itself, where its path is known."""
        return self.files.get(self.target or "")

    @property
    def data(self) -> list[File]:
        """Everything that is data, inputs first as the steps read them."""
        return [file for file in self.files.values() if file.role == "data"]

    @property
    def upstream(self) -> list[Step]:
        """The steps that the artifact comes from."""
        return [step for step in self.steps if step.name not in self.measuring]


class Pointed(NamedTuple):
    """What DVC's pointers of a snapshot say: the steps of its locks, and its ``.dvc`` files."""

    steps: Sequence[Step] = ()
    imports: Sequence[Imported] = ()


def graph_of(
    target: str | None,
    pointed: Pointed,
    in_git: Sequence[tuple[str, str]],
    others: Callable[[], Collection[str]] = tuple,
    submodules: Collection[str] = (),
) -> Graph:
    """The graph of the artifact at ``target`` (None: one without a path has nothing behind it).

    ``in_git`` are path and blob id of every file of the commit. ``others`` gives the paths of other artifacts: what is
    measured beyond them is not this one's.
    """
    if target is None:
        return Graph()
    files = _InGit(in_git, submodules)
    # As the pointers' paths are: a URL without its secrets.
    return _Walk(public(target) if is_uri(target) else target, _Sources(pointed), files, others).graph()


class _Made(NamedTuple):
    """An out, and what wrote it: a step, or a ``.dvc`` file."""

    out: Behind
    step: Step | None
    imported: Imported | None


class _Sources:
    """Which outs stand for a path: a step's, else a ``.dvc`` file's."""

    def __init__(self, pointed: Pointed) -> None:
        self._made: dict[str, _Made] = {}
        for imported in pointed.imports:
            self._made.update((out.path, _Made(out, None, imported)) for out in imported.outs)
        for step in pointed.steps:
            self._made.update((out.path, _Made(out, step, None)) for out in step.outs)
        self.steps = pointed.steps
        self._sorted = sorted(self._made)

    def of(self, path: str) -> list[_Made]:
        """The out itself or the folder that it lies in; else the outs below it."""
        # The whole repository is read as code: a step's own outs would be among what it reads.
        if is_uri(path) or path == ".":
            return []
        above = next((self._made[part] for part in upwards(path) if part in self._made), None)
        if above is not None:
            return [above]
        return [self._made[inner] for inner in below(self._sorted, path)]


class _InGit:
    """The files of the commit."""

    def __init__(self, files: Sequence[tuple[str, str]], submodules: Collection[str] = ()) -> None:
        self._files = sorted(files)
        self._ids = dict(files)
        self._submodules = frozenset(submodules)

    def knows(self, path: str) -> bool:
        """Whether a path that Git does not have is surely not there: not in a submodule, nor outside."""
        return not is_outside(path) and not any(part in self._submodules for part in upwards(path))

    def blob(self, path: str) -> str | None:
        """The id of a file."""
        return self._ids.get(path)

    def below(self, folder: str) -> list[tuple[str, str]]:
        """The files of a folder; of the root, all."""
        if folder == ".":
            return self._files
        start = bisect_left(self._files, (f"{folder}/", ""))
        found = []
        for row in self._files[start:]:
            if not row[0].startswith(f"{folder}/"):
                break
            found.append(row)
        return found


class _Walk:
    """One graph while it grows."""

    def __init__(self, target: str, sources: _Sources, in_git: _InGit, others: Callable[[], Collection[str]]) -> None:
        self._target = target
        self._sources = sources
        self._in_git = in_git
        self._others = others
        self._files: dict[str, File] = {}
        self._steps: dict[str, Step] = {}
        self._reads: dict[tuple[str, str], None] = {}
        self._read: dict[tuple[str, str], str] = {}
        self._code: dict[str, File] = {}
        self._edges = 0

    def graph(self) -> Graph:
        """Upstream first, then what measures it."""
        made = self._sources.of(self._target)
        for one in made:  # all that a step wrote comes with the step
            if one.step is not None:
                self._climb(one.step)
            self._files.setdefault(one.out.path, _file(one, "data"))
        if not made or self._target not in self._files:
            self._files[self._target] = self._itself(made)
        upstream = set(self._steps)
        for step in self._measuring():
            self._climb(step)
        writes = [(step.name, out.path) for step in self._steps.values() for out in step.outs]
        return Graph(
            target=self._target,
            files={path: self._with_role(file) for path, file in self._files.items()},
            steps=tuple(self._steps.values()),
            measuring=frozenset(self._steps) - upstream,
            reads=tuple(self._reads),
            writes=tuple(dict.fromkeys((name, path) for name, path in writes if path in self._files)),
            code=tuple(sorted(self._code.values())),
            read={key: digest for key, digest in self._read.items() if key in self._reads},
        )

    def _itself(self, made: Sequence[_Made]) -> File:
        """The artifact where no out has exactly its path: a file in Git, or a part of an out."""
        blob = self._in_git.blob(self._target)
        if blob is not None:
            return File(self._target, "artifact", f"gitblob:{blob}", files=1)
        if len(made) == 1:
            return _file(made[0], "artifact")._replace(path=self._target, digest=None, size=None, files=None)
        return File(self._target, "artifact", files=len(self._in_git.below(self._target)) or None)

    def _with_role(self, file: File) -> File:
        if file.path == self._target:
            return file._replace(role="artifact")
        step = self._steps.get(file.maker or "")
        if step is not None and file.path in step.metrics:
            return file._replace(role="metrics")
        return file._replace(role="plots") if step is not None and file.path in step.plots else file

    def _climb(self, last: Step) -> None:
        """A step and every step before it, each after those that it needs. Without recursion: chains may be long."""
        pending: list[tuple[Step, bool]] = [(last, False)]
        open_: set[str] = set()
        while pending:
            step, ready = pending.pop()
            if step.name in self._steps:
                continue
            if ready:
                self._add(step)
                continue
            if step.name in open_:
                continue  # a circle, which DVC refuses
            open_.add(step.name)
            pending.append((step, True))
            makers = [made.step for dep in step.deps for made in self._sources.of(dep.path) if made.step is not None]
            self._afford(len(makers))
            pending += [(maker, False) for maker in reversed(makers) if maker.name != step.name]

    def _add(self, step: Step) -> None:
        self._steps[step.name] = step
        for dep in step.deps:
            if dep.digest is not None:
                self._read[dep.path, step.name] = dep.digest
            made = self._sources.of(dep.path)
            self._afford(len(made))
            for one in made:
                self._files.setdefault(one.out.path, _file(one, "data"))
                self._reads[one.out.path, step.name] = None
            # A folder in Git may have outs in it: then it is both.
            if not made or (made[0].out.path.startswith(f"{dep.path}/") and self._in_git.below(dep.path)):
                self._files.setdefault(dep.path, self._leaf(dep))
                self._reads[dep.path, step.name] = None
        for out in step.outs:
            self._files.setdefault(out.path, _file(_Made(out, step, None), "data"))

    def _afford(self, edges: int) -> None:
        """Raise TooLarge where many steps read folders with many outs: each would be an edge of its own."""
        self._edges += edges
        if self._edges > MOST_EDGES:
            raise TooLarge(
                f"More than {MOST_EDGES:,} times a step behind {self._target} reads an out.",
                "Let fewer steps read whole folders of outs, or make a folder one out.",
            )

    def _leaf(self, dep: Behind) -> File:
        """What no pointer tracks: a file or a folder in Git, or something elsewhere."""
        if is_uri(dep.path):
            return File(dep.path, "data", dep.digest, dep.size, dep.files, origin=Origin(dep.path, locked=dep.digest))
        role = role_in_git(dep.path)
        blob = self._in_git.blob(dep.path)
        if blob is not None:
            file = File(dep.path, role, f"gitblob:{blob}", dep.size, 1)
            if role == "code":
                self._code.setdefault(dep.path, file)
            return file
        inside = self._in_git.below(dep.path)
        for path, blob in inside[:MOST_IN_FOLDER]:
            if role_in_git(path) == "code":
                self._code.setdefault(path, File(path, "code", f"gitblob:{blob}", files=1))
        # Of what is elsewhere nobody sees what a folder has: only a name with an ending says that it is code.
        unseen = not inside and not self._in_git.knows(dep.path)
        code = any(role_in_git(path) == "code" for path, _ in inside) if inside else not unseen
        folder: Role = "code" if code or (unseen and "." in posixpath.basename(dep.path) and role == "code") else "data"
        missing = not inside and not unseen
        return File(dep.path, folder, dep.digest, dep.size, len(inside) or dep.files, missing=missing)

    def _measuring(self) -> list[Step]:
        """The steps after the artifact that write metrics or plots, up to those that write another artifact."""
        rest = [step for step in self._sources.steps if step.name not in self._steps]
        readers = _Paths((dep.path, step) for step in rest for dep in step.deps)
        others: _Paths[None] | None = None
        after: dict[str, Step] = {}
        reached = [self._target]
        while reached:
            for step in readers.meeting(reached.pop()):
                if step.name in after:
                    continue
                others = others or _Paths((other, None) for other in self._others() if other != self._target)
                told = step.metrics | step.plots
                if not any(out.path not in told and others.meeting(out.path) for out in step.outs):
                    after[step.name] = step
                    reached += [out.path for out in step.outs]
        return [step for step in after.values() if step.metrics or step.plots]


class _Paths(Generic[_T]):
    """Things by the paths that they read or write."""

    def __init__(self, rows: Iterable[tuple[str, _T]]) -> None:
        self._rows: dict[str, list[_T]] = {}
        for path, thing in rows:
            self._rows.setdefault(path, []).append(thing)
        self._sorted = sorted(self._rows)

    def meeting(self, path: str) -> list[_T]:
        """Those of the path itself, of the folders above it, and of what lies below it."""
        above = [path] if is_uri(path) else upwards(path)
        paths = [part for part in above if part in self._rows]
        return [thing for part in (*paths, *below(self._sorted, path)) for thing in self._rows[part]]


def _file(made: _Made, role: Role) -> File:
    out = made.out
    pointer = made.imported.file if made.imported else None
    if made.step is not None:
        pointer = posixpath.join(posixpath.dirname(made.step.file), "dvc.lock")
    maker = made.step.name if made.step else None
    origin = made.imported.origin if made.imported else None
    return File(out.path, role, out.digest, out.size, out.files or 1, maker, pointer, origin)


def is_outside(path: str) -> bool:
    """Whether a path leads out of the repository: no commit has it."""
    return path == ".." or path.startswith(("../", "/")) or _DRIVE_RE.match(path) is not None


def role_in_git(path: str) -> Role:
    """What a file in Git that a step reads is, by its name: ``data`` or ``code``."""
    if _LISTS_CODE_RE.match(posixpath.basename(path)):
        return "code"
    return "data" if _DATA_RE.search(path) else "code"


def edges(graph: Graph) -> Iterator[tuple[str, str]]:
    """(step, step) where one reads what the other wrote, as ``dvc dag`` draws them."""
    makers = {path: name for name, path in graph.writes}
    seen: dict[tuple[str, str], None] = {}
    for path, reader in graph.reads:
        maker = makers.get(path)
        if maker is not None and maker != reader:
            seen[maker, reader] = None
    yield from seen
