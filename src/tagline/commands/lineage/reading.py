"""Reading what is behind an artifact at one commit: pointers, code, parameters, metrics, by few questions to Git."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from tagline.commands.lineage.staleness import commands_of, files_behind, gap_of, read_texts
from tagline.commands.manifest.describe import describe
from tagline.commands.manifest.kept_tree import KeptTree
from tagline.commands.manifest.metrics import metrics_at
from tagline.commands.manifest.snapshots import entries_of, is_pointer
from tagline.commands.mlflow.runs import check
from tagline.commands.storage.asking import location_of
from tagline.commands.storage.locating import StorageContext, Surroundings, digest_of, locate
from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.graph import Graph, Pointed, graph_of
from tagline.domain.lineage.lineage import Figure, Lineage, Stale, figures_of, parameters_of
from tagline.domain.lineage.pipelines import flatten, imported_of, metrics_of, steps_of
from tagline.domain.lineage.staleness import Now, check_steps
from tagline.domain.manifest.document import Document
from tagline.domain.manifest.manifest import DVC_MANIFEST, ManifestEntry
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.domain.mlflow.runs import Checked
from tagline.domain.storage.objects import Location
from tagline.errors import ManifestUnreadable, TaglineError
from tagline.formats.params import read_params
from tagline.formats.yaml import reading as yaml
from tagline.ports.mlflow import MlflowAccess
from tagline.ports.repository import Content, Tree


class Subject(NamedTuple):
    """An artifact at a commit; ``version`` and ``tag`` where the ledger has them."""

    artifact: str
    commit: str
    version: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class LineageSource:
    """Where lineages are read from.

    ``content`` says what a commit has at a path. ``tracking`` is MLflow, opened on the first question; ``policy`` gives
    the policy file of the default branch. What was parsed is kept: versions of one artifact share most of their files.
    """

    url: str
    tree: Callable[[str], Tree]
    facts: Callable[[str], CommitFacts]
    prepare: Callable[[Sequence[str]], None]
    content: Callable[[str, Tree, str], Content | None]
    context: StorageContext
    tracking: Callable[[], MlflowAccess]
    policy: Callable[[], bytes | None]
    parsed: dict[str, Any] = field(default_factory=dict)
    commits: dict[str, _Commit] = field(default_factory=dict)
    read: dict[tuple[str, str], Lineage] = field(default_factory=dict)
    #: What MLflow said, by artifact and commit.
    runs: dict[tuple[str, str], Checked | None] = field(default_factory=dict)


def read_lineage(lineage_source: LineageSource, subject: Subject, *, ask_mlflow: bool = True) -> Lineage:
    """The lineage of an artifact at a commit, as Git tells it; once a run.

    What cannot be read is a warning in the answer: a lineage with a gap is better than none.
    """
    key = (subject.artifact, subject.commit)
    if key not in lineage_source.read:
        lineage_source.read[key] = _Reading(lineage_source, subject).lineage()
    known = lineage_source.read[key]
    if ask_mlflow and key not in lineage_source.runs and known.entry is not None and known.entry.mlflow is not None:
        said = metrics_at(lineage_source.commits[subject.commit].tree, subject.artifact)
        lineage_source.runs[key] = check(*lineage_source.tracking(), known.entry, said)
    return replace(known, version=subject.version, tag=subject.tag, run=lineage_source.runs.get(key))


class _Commit:
    """What all artifacts of a commit share: its files, and what DVC's pointers among them say."""

    def __init__(self, tree: Tree, facts: CommitFacts, parsed: dict[str, Any]) -> None:
        self.whole = tree
        self.tree: Tree = KeptTree(tree)
        self.facts = facts
        self.submodules = tree.submodules()
        self._ids = dict(tree.files(tree.telling()))
        self.pipelines: dict[str, Any] = {}
        #: Files that tell what is behind artifacts and cannot be read, and why.
        self.problems: list[tuple[str, str]] = []
        self._parsed = parsed

    @cached_property
    def pointed(self) -> Pointed:
        """The steps of every lock, and every ``.dvc`` file."""
        pointers = [path for path in self._ids if is_pointer(path)]
        locks = [path for path in pointers if posixpath.basename(path) == "dvc.lock"]
        beside = {lock: posixpath.join(posixpath.dirname(lock), DVC_MANIFEST) for lock in locks}
        data = self._parse([*pointers, *(path for path in beside.values() if path in self._ids)])
        self.pipelines = {path: data.get(path) for path in beside.values()}
        steps = [step for lock in locks for step in steps_of(lock, data.get(lock), self._pipeline(beside[lock]))]
        plain = (path for path in pointers if path not in beside)
        imports = [found for path in plain if (found := imported_of(path, data.get(path))) is not None]
        return Pointed(steps, imports)

    @cached_property
    def _named(self) -> frozenset[str]:
        """The paths that its pointers and pipelines name."""
        steps, imports = self.pointed
        behind = [step.deps + step.outs for step in steps] + [imported.outs for imported in imports]
        others = [frozenset(step.params) | step.metrics | step.plots for step in steps]
        listed = (metrics_of(file, data) for file, data in self.pipelines.items())
        return frozenset(one.path for some in behind for one in some).union(self._ids, *others, *listed)

    @cached_property
    def _named_files(self) -> Sequence[tuple[str, str]]:
        return self.whole.files(self._named)

    def files(self, paths: Collection[str]) -> Sequence[tuple[str, str]]:
        """Path and id of every file of the commit that may be behind an artifact: what is named, and some paths."""
        more = [path for path in paths if path not in self._named]
        return sorted({*self._named_files, *self.whole.files(more)}) if more else self._named_files

    def _pipeline(self, path: str) -> Any:
        """A ``dvc.yaml``: empty where there is none, or where it is; None where it cannot be read."""
        found = self.pipelines.get(path)
        if found is not None or (path in self._ids and not self._is_empty(path)):
            return found
        return {}

    def _is_empty(self, path: str) -> bool:
        return not any(path == one for one, _ in self.problems) and self.tree.read(path, yaml.MAX_BYTES) is not None

    def _parse(self, paths: Sequence[str]) -> dict[str, Any]:
        """YAML files as data, each content once a run; one that cannot be read is None, and a problem."""
        new = [path for path in paths if not self._ids[path] or self._ids[path] not in self._parsed]
        contents = self.tree.read_many(new, yaml.MAX_BYTES) if new else {}
        found: dict[str, Any] = {}
        for path in paths:
            if path not in contents:
                found[path] = self._parsed.get(self._ids[path])
                continue
            document = yaml.load(contents[path])
            found[path] = document.root.value if document.root is not None else None
            if (why := _why_unreadable(document)) is not None:
                self.problems.append((path, why))
            elif self._ids[path]:
                self._parsed[self._ids[path]] = found[path]
        return found


def _why_unreadable(document: Document) -> str | None:
    """What keeps a pointer or a pipeline from being read; an empty one says nothing, and clearly so."""
    first = next((p for p in document.problems if p.rule == "yaml-duplicate-key"), None)
    if document.root is None:
        first = next((p for p in document.problems if p.rule != "file-empty"), None)
    elif first is None and not isinstance(document.root.value, Mapping):
        return "line 1: it is no mapping."
    return None if first is None else f"line {first.line}: {first.message}"


class _Reading:
    """One artifact of a commit while it is read."""

    def __init__(self, lineage_source: LineageSource, subject: Subject) -> None:
        self._lineage_source = lineage_source
        self._subject = subject
        if subject.commit not in lineage_source.commits:
            tree, facts = lineage_source.tree(subject.commit), lineage_source.facts(subject.commit)
            lineage_source.commits[subject.commit] = _Commit(tree, facts, lineage_source.parsed)
        self._commit = lineage_source.commits[subject.commit]
        self._tree = self._commit.tree
        self._ids: dict[str, str] = {}
        self._warnings: list[Warn] = []

    def lineage(self) -> Lineage:
        """Everything."""
        subject = self._subject
        entry = self._entry()
        path = entry.path if entry is not None and not entry.virtual else None
        own_file = entry.metrics if entry is not None and isinstance(entry.metrics, str) else None
        files = self._commit.files([one for one in (path, own_file) if one])
        self._ids = dict(files)
        graph = graph_of(path, self._commit.pointed, files, self._other_paths, self._commit.submodules)
        for path_of_problem, problem in self._commit.problems:
            self._warn(f"{path_of_problem} cannot be read, {problem}")
        said = metrics_at(self._tree, subject.artifact) if entry is not None and entry.metrics is not None else ""
        texts = self._texts(graph, own_file)
        figures = self._figures(graph, said, own_file, texts)
        content, no_content = self._content(entry, graph)
        params = {file: self._params(file, texts) for step in graph.steps for file in step.params}
        return Lineage(
            artifact=subject.artifact,
            commit=self._commit.facts,
            entry=entry,
            content=content,
            graph=graph,
            parameters=parameters_of(graph.steps),
            metrics=tuple(figures),
            no_metrics="" if figures else self._why_none(entry, said),
            no_content=no_content,
            stale=self._stale(graph, texts, params),
            warnings=tuple(self._warnings),
            partial=self._why_partial(graph),
        )

    def _stale(
        self, graph: Graph, texts: Mapping[str, bytes], params: Mapping[str, Mapping[str, Any] | str | None]
    ) -> tuple[Stale, ...]:
        """The steps that would have to run again; what could not be checked is one warning."""
        tracked = None if self._ignores else self._tracked
        commands = commands_of(self._tree, graph.steps, self._commit.pipelines)
        found = check_steps(graph, Now(texts, params, tracked, commands, self._commit.submodules))
        if gap := gap_of(found.unchecked):
            self._warn(gap)
        return found.stale

    def _why_partial(self, graph: Graph) -> str:
        """Why the graph may lack something; empty where it is whole.

        A file that cannot be read matters where it may tell of this artifact: one in a folder above it, or any where
        something behind it is not to be found.
        """
        lost = any(file.missing for file in graph.files.values())
        target = graph.target or ""
        for path, _ in self._commit.problems:
            folder = posixpath.dirname(path)
            if lost or not folder or target.startswith(f"{folder}/"):
                return f"{path} of {self._tree.label} cannot be read"
        return ""

    @cached_property
    def _tracked(self) -> TrackedPaths:
        return TrackedPaths(self._ids)

    @cached_property
    def _ignores(self) -> bool:
        """Whether DVC passes files over: then nobody here knows which ones a folder has for it."""
        texts = self._tree.read_many(TrackedPaths(self._tree.telling()).named(".dvcignore"), yaml.MAX_BYTES)
        lines = (line.strip() for text in texts.values() for line in text.splitlines())
        return any(line and not line.startswith(b"#") for line in lines)

    def _warn(self, message: str) -> None:
        self._warnings.append(Warn("lineage-gap", self._subject.tag, message))

    def _entry(self) -> ManifestEntry | None:
        try:
            entry = describe(self._subject.artifact, self._tree)
        except ManifestUnreadable as error:
            self._warn(error.message)
            return None
        if entry is None:
            self._warn(f"No manifest describes {self._subject.artifact} at {self._tree.label}.")
        return entry

    def _other_paths(self) -> list[str]:
        return [entry.path for entry in entries_of(self._tree).values() if entry.path and not entry.virtual]

    # -- what lies in Git -----------------------------------------------------------

    def _texts(self, graph: Graph, own_file: str | None) -> dict[str, bytes]:
        """The content of every file in Git that tells something: code, parameters, metrics."""
        # What is shown comes first, in case that there is too much.
        wanted = dict.fromkeys(self._metrics_files(graph, own_file))
        behind = list(files_behind(graph))
        wanted.update(dict.fromkeys(behind))
        # A folder is what all its files are.
        folders = dict.fromkeys(path for path in behind if path not in self._ids)
        wanted.update((path, None) for folder in folders for path in self._tracked.below(folder))
        return read_texts(self._tree, (path for path in wanted if path in self._ids))

    def _metrics_files(self, graph: Graph, own_file: str | None) -> list[str]:
        """The manifest's first, then those of the pipelines' steps, then those that their files list."""
        found: dict[str, None] = {own_file: None} if own_file else {}
        for step in graph.steps:
            found.update(dict.fromkeys(sorted(step.metrics)))
        # What a pipeline lists for the project as a whole is this artifact's where one of these steps wrote it.
        outs = [out.path for step in graph.steps for out in step.outs]
        for file in dict.fromkeys(step.file for step in graph.steps):
            listed = metrics_of(file, self._commit.pipelines.get(file))
            found.update(
                (path, None) for path in listed if any(path == out or path.startswith(f"{out}/") for out in outs)
            )
        return list(found)

    def _figures(
        self, graph: Graph, said: Mapping[str, Any] | str, own_file: str | None, texts: Mapping[str, bytes]
    ) -> list[Figure]:
        figures = figures_of(said, own_file)
        if own_file is not None and isinstance(said, str):
            self._warn(f"There are no metrics of {self._subject.artifact}: {said}")
        for path in self._metrics_files(graph, None):
            if path == own_file:
                continue
            if path not in texts:
                why = "it is no plain, small file" if path in self._ids else "it is not in Git (cache: false)"
                self._warn(f"The metrics of {path} are not shown: {why}.")
                continue
            read = read_params(path, texts[path])
            if isinstance(read, str):
                self._warn(f"The metrics of {path} cannot be read: {read}")
            figures += figures_of(read, path)
        return figures

    @staticmethod
    def _why_none(entry: ManifestEntry | None, said: Mapping[str, Any] | str) -> str:
        if isinstance(said, str) and said:
            return said
        return (
            "neither the manifest nor its pipeline names metrics" if entry is not None else "no manifest describes it"
        )

    def _params(self, file: str, texts: Mapping[str, bytes]) -> Mapping[str, Any] | str | None:
        """A parameter file's values, flat; None for one that is not there, a text for one that cannot be read."""
        if file not in self._ids:
            return None
        read = read_params(file, texts[file]) if file in texts else "it is too large."
        return read if isinstance(read, str) else flatten(read)

    def _content(self, entry: ManifestEntry | None, graph: Graph) -> tuple[Location, str]:
        """Where the bytes are by Git's word; where that is no place, at least which bytes they are."""
        if entry is None or entry.path is None:
            return Location(), "no manifest gives it a path"
        lineage_source, commit = self._lineage_source, self._subject.commit
        around = Surroundings(
            lineage_source.context,
            lineage_source.url,
            commit,
            lambda path: lineage_source.content(commit, self._commit.whole, path),
        )
        try:
            return location_of(locate(self._tree, entry, around), look=False), ""
        except TaglineError as error:
            found = graph.artifact
            digest = digest_of(self._tree, entry.path) or (found.digest if found else None)
            return Location(None, digest, found.size if found else None, found.files if found else None), error.message


def read_points(
    lineage_source: LineageSource, subjects: Iterable[Subject], files: Sequence[str], *, inline: bool
) -> list[list[Figure]]:
    """The metrics of several commits, of these files alone; ``inline``: of the manifest too. Nothing else is read."""
    found = []
    for subject in subjects:
        tree = lineage_source.tree(subject.commit)
        texts = tree.read_many(files, yaml.MAX_BYTES)
        figures: list[Figure] = []
        if inline:
            figures += figures_of(metrics_at(tree, subject.artifact), None)
        for path in files:
            if path in texts:
                figures += figures_of(read_params(path, texts[path]), path)
        found.append(figures)
    return found
