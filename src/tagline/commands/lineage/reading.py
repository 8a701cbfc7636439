"""Reading what is behind an artifact at one commit: pointers, code, parameters, metrics, by few questions to Git."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tagline.commands.lineage.commit import Commit, read_commit
from tagline.commands.lineage.metrics import figures_in, metrics_files
from tagline.commands.lineage.staleness import stale_steps
from tagline.commands.lineage.texts import read_texts, texts_behind
from tagline.commands.manifest.describe import describe
from tagline.commands.manifest.metrics import declared_metrics
from tagline.commands.manifest.snapshots import entries_of
from tagline.commands.mlflow.runs import check
from tagline.commands.storage.asking import location_of
from tagline.commands.storage.locating import StorageContext, Surroundings, digest_of, locate
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.graph import Graph, graph_of
from tagline.domain.lineage.lineage import Lineage, figures_of, parameters_of, parameters_of_run
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.manifest.metrics import Metrics
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.domain.mlflow.runs import Checked
from tagline.domain.storage.objects import Location
from tagline.errors import ManifestUnreadable, TaglineError
from tagline.ports.mlflow import MlflowAccess
from tagline.ports.repository import Repository


class Subject(NamedTuple):
    """An artifact at a commit; ``version`` and ``tag`` where the ledger has them."""

    artifact: str
    commit: str
    version: str | None = None
    tag: str | None = None


class Read(NamedTuple):
    """A lineage as Git tells it, and the metrics of the manifest, to be compared with MLflow's."""

    lineage: Lineage
    metrics: Metrics


@dataclass(frozen=True)
class LineageSource:
    """Where lineages are read from, and what was read: versions of one artifact share most of their files."""

    repository: Repository
    storage: StorageContext
    tracking: MlflowAccess | None
    #: Only what tables keep: nobody looks whether a step would run again, and so at no code.
    light: bool = False
    #: Pointers and pipelines as data, by the id of the file.
    parsed: dict[str, Any] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    #: By artifact and commit, as is what MLflow said.
    read: dict[tuple[str, str], Read] = field(default_factory=dict)
    runs: dict[tuple[str, str], Checked | None] = field(default_factory=dict)

    def commit(self, commit: str) -> Commit:
        """A commit, read once."""
        if commit not in self.commits:
            facts, tree = self.repository.facts(commit), self.repository.tree(commit)
            self.commits[commit] = read_commit(facts, tree, self.parsed)
        return self.commits[commit]


def read_lineage(lineage_source: LineageSource, subject: Subject, *, ask_mlflow: bool = True) -> Lineage:
    """The lineage of an artifact at a commit, as Git tells it; once a run.

    What cannot be read is a warning in the answer: a lineage with a gap is better than none.
    """
    key = (subject.artifact, subject.commit)
    if key not in lineage_source.read:
        lineage_source.read[key] = _Reading(lineage_source, subject).read()
    lineage, metrics = lineage_source.read[key]
    tracking = lineage_source.tracking if ask_mlflow else None
    if tracking is not None and key not in lineage_source.runs and lineage.entry is not None:
        lineage_source.runs[key] = check(*tracking, lineage.entry, metrics)
    return replace(lineage, version=subject.version, tag=subject.tag, run=lineage_source.runs.get(key))


class _Reading:
    """One artifact of a commit while it is read: each question once, and from its answer on to the next."""

    def __init__(self, lineage_source: LineageSource, subject: Subject) -> None:
        self._lineage_source = lineage_source
        self._subject = subject
        self._commit = lineage_source.commit(subject.commit)
        self._gaps: list[str] = []

    def read(self) -> Read:
        """From the manifest to the pointers, and by these to the files in Git."""
        commit, gaps, entry = self._commit, self._gaps, self._entry()
        metrics = declared_metrics(entry, commit.tree) if entry is not None and entry.metrics is not None else ""
        own_file = entry.metrics if entry is not None and isinstance(entry.metrics, str) else None
        path = entry.path if entry is not None and not entry.virtual else None
        files = commit.files([one for one in (path, own_file) if one])
        graph = graph_of(path, commit.pointed, files, self._other_paths, commit.submodules)
        gaps += [f"{file} cannot be read, {why}" for file, why in commit.problems]
        in_git = TrackedPaths(file for file, _ in files)
        steps_files = [file for file in metrics_files(graph, commit.pipelines) if file != own_file]
        light = self._lineage_source.light
        told = [*([own_file] if own_file else ()), *steps_files]
        in_tree = (path for path in told if in_git.is_file(path))
        texts = read_texts(commit.tree, in_tree) if light else texts_behind(commit.tree, in_git, graph, told)
        if own_file is not None and isinstance(metrics, str):
            gaps.append(f"There are no metrics of {self._subject.artifact}: {metrics}")
        figures = figures_of(metrics, own_file) + figures_in(steps_files, texts, in_git, gaps)
        none = "neither the manifest nor its pipeline names metrics" if entry else "no manifest describes it"
        content, no_content = self._content(entry, graph)
        stale, unchecked = ((), "") if light else stale_steps(commit, in_git, graph, texts, gaps)
        named = entry.mlflow if entry is not None else None
        kept = parameters_of_run(named.params or {}) if named is not None else ()
        lineage = Lineage(
            artifact=self._subject.artifact,
            commit=commit.facts,
            entry=entry,
            content=content,
            graph=graph,
            parameters=(*parameters_of(graph.steps), *kept),
            metrics=tuple(figures),
            no_metrics="" if figures else (metrics if isinstance(metrics, str) and metrics else none),
            no_content=no_content,
            stale=stale,
            unchecked=unchecked,
            warnings=tuple(Warn("lineage-gap", self._subject.tag, gap) for gap in gaps),
            partial=self._why_partial(graph),
        )
        return Read(lineage, metrics)

    def _entry(self) -> ManifestEntry | None:
        try:
            entry = describe(self._subject.artifact, self._commit.tree)
        except ManifestUnreadable as error:
            self._gaps.append(error.message)
            return None
        if entry is None:
            self._gaps.append(f"No manifest describes {self._subject.artifact} at {self._commit.tree.label}.")
        return entry

    def _other_paths(self) -> list[str]:
        entries = entries_of(self._commit.tree).values()
        return [entry.path for entry in entries if entry.path and not entry.virtual]

    def _content(self, entry: ManifestEntry | None, graph: Graph) -> tuple[Location, str]:
        """Where the bytes are by Git's word; where that is no place, at least which bytes they are."""
        if entry is None or entry.path is None:
            return Location(), "no manifest gives it a path"
        source, tree = self._lineage_source, self._commit.tree
        try:
            place = locate(tree, entry, Surroundings(source.storage, source.repository.url, self._subject.commit))
            return location_of(place, look=False), ""
        except TaglineError as error:
            found = graph.artifact
            digest = digest_of(tree, entry.path) or (found.digest if found else None)
            return Location(None, digest, found.size if found else None, found.files if found else None), error.message

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
                return f"{path} of {self._commit.tree.label} cannot be read"
        return ""
