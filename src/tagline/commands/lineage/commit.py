"""What the lineages of one commit share: its files, and what DVC's pointers among them say."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tagline.commands.manifest.kept_tree import KeptTree
from tagline.commands.manifest.parameters import parameter_files
from tagline.commands.manifest.snapshots import snapshot
from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.lineage.graph import Pointed
from tagline.domain.lineage.pipelines import imported_of, metrics_of, steps_of
from tagline.domain.manifest.document import Document
from tagline.domain.manifest.manifest import DVC_MANIFEST
from tagline.domain.manifest.stage_templates import settled
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


@dataclass(frozen=True)
class Commit:
    """A commit whose pointers were read.

    ``pipelines`` are the ``dvc.yaml`` beside its locks as data, None for one that cannot be read. ``problems`` are the
    files that tell what is behind artifacts and cannot be read, and why. ``named`` are the files that tell something,
    and all paths that they name.
    """

    facts: CommitFacts
    tree: Tree
    submodules: frozenset[str]
    pointed: Pointed
    pipelines: Mapping[str, Any]
    problems: Sequence[tuple[str, str]]
    named: frozenset[str]

    def files(self, paths: Collection[str]) -> Sequence[tuple[str, str]]:
        """Path and id of every file of the commit that may be behind an artifact: what is named, and some paths."""
        more = [path for path in paths if path not in self.named]
        return sorted({*self._named_files, *self.tree.files(more)}) if more else self._named_files

    @cached_property
    def _named_files(self) -> Sequence[tuple[str, str]]:
        return self.tree.files(self.named)

    @cached_property
    def ignores(self) -> bool:
        """Whether DVC passes files over: then nobody here knows which ones a folder has for it."""
        texts = self.tree.read_many(TrackedPaths(self.tree.telling()).named(".dvcignore"), yaml.MAX_BYTES)
        lines = (line.strip() for text in texts.values() for line in text.splitlines())
        return any(line and not line.startswith(b"#") for line in lines)


def read_commit(facts: CommitFacts, tree: Tree, parsed: dict[str, Any]) -> Commit:
    """Read the steps of every lock, and every ``.dvc`` file. ``parsed`` has what earlier commits said, by id."""
    tree = KeptTree(tree)
    ids = dict(tree.files(tree.telling()))
    pointers = list(snapshot(tree).pointers)
    beside = {
        path: posixpath.join(posixpath.dirname(path), DVC_MANIFEST)
        for path in pointers
        if posixpath.basename(path) == "dvc.lock"
    }
    there = [path for path in beside.values() if path in ids]
    data, problems = _parse(tree, {path: ids[path] for path in (*pointers, *there)}, parsed)
    load = parameter_files(tree)
    data |= {path: settled(data[path], path, load) for path in there if path in data}
    # Where there is no pipeline it defines no stage; one that cannot be read may define any.
    steps = [
        step for lock, pipeline in beside.items() for step in steps_of(lock, data.get(lock), data.get(pipeline, {}))
    ]
    imports = [
        found for path in pointers if path not in beside and (found := imported_of(path, data.get(path))) is not None
    ]
    pipelines = {path: data.get(path) for path in beside.values()}
    named = set(ids)
    named.update(one.path for step in steps for one in (*step.deps, *step.outs))
    named.update(path for step in steps for path in (*step.params, *step.metrics, *step.plots))
    named.update(out.path for imported in imports for out in imported.outs)
    named.update(path for file, pipeline in pipelines.items() for path in metrics_of(file, pipeline))
    return Commit(facts, tree, tree.submodules(), Pointed(steps, imports), pipelines, problems, frozenset(named))


def _parse(tree: Tree, ids: Mapping[str, str], parsed: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """YAML files as data, each content once a run: empty is a mapping without keys, unreadable None and a problem."""
    new = [path for path, object_id in ids.items() if not object_id or object_id not in parsed]
    contents = tree.read_many(new, yaml.MAX_BYTES) if new else {}
    found: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for path, object_id in ids.items():
        if path not in contents:
            found[path] = parsed.get(object_id)
            continue
        document = yaml.load(contents[path])
        if (why := _why_unreadable(document)) is not None:
            problems.append((path, why))
        if document.root is not None:
            found[path] = document.root.value
        else:
            found[path] = {} if why is None else None
        if object_id and why is None:
            parsed[object_id] = found[path]
    return found, problems


def _why_unreadable(document: Document) -> str | None:
    """What keeps a pointer or a pipeline from being read; an empty one says nothing, and clearly so."""
    first = next((p for p in document.problems if p.rule == "yaml-duplicate-key"), None)
    if document.root is None:
        first = next((p for p in document.problems if p.rule != "file-empty"), None)
    elif first is None and not isinstance(document.root.value, Mapping):
        return "line 1: it is no mapping."
    return None if first is None else f"line {first.line}: {first.message}"
