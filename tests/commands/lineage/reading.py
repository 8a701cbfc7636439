"""Lineages of the sample project as our code reads them, and DVC's word on the same commits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from tagline.adapters.git.repository import GitRepository
from tagline.commands.lineage.reading import LineageSource, Subject, read_lineage
from tagline.domain.lineage.graph import Graph, edges
from tagline.domain.lineage.lineage import Lineage
from tagline.ports.mlflow import MlflowAccess
from tagline.settings import Settings
from tagline.wiring.registry import Wiring
from tests.commands.lineage.pipeline_world import World
from tests.oracle.dvc_world import surroundings


def ours(world: World, revision: str, artifact: str = "churn") -> Lineage:
    """The lineage of an artifact at a revision of the clone."""
    repository = GitRepository.at(world.root)
    context = Wiring(Settings.from_environ({"HOME": str(world.home)}), repo=str(world.root)).storage.context()
    lineage_source = LineageSource(repository, context, MlflowAccess())
    return read_lineage(lineage_source, Subject(artifact, repository.commit(revision)), ask_mlflow=False)


@contextmanager
def dvc_at(world: World, revision: str) -> Iterator[Any]:
    """DVC's own view of a revision, without a work tree."""
    with surroundings(world.home), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # DVC's own libraries deprecate each other
        with Repo.open(str(world.root), rev=revision) as repo:
            yield repo


def address(stage: Any, root: str) -> str:
    """DVC's stage as its address from the repository's root: ``train``, ``sub/dvc.yaml:score@eu``, ``data/x.dvc``."""
    file = stage.repo.fs.relpath(stage.path, root)
    name = getattr(stage, "name", None)
    if name is None:
        return str(file)
    return name if file == "dvc.yaml" else f"{file}:{name}"


def all_edges(graph: Graph) -> set[tuple[str, str]]:
    """Who reads whose outs: steps, and ``.dvc`` files as DVC counts them too."""
    pointers = {path: file.pointer for path, file in graph.files.items() if file.maker is None and file.pointer}
    return {*edges(graph), *((pointers[path], step) for path, step in graph.reads if path in pointers)}


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but Git's and DVC's own."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".git", ".dvc"} & set(path.relative_to(folder).parts)
    }
