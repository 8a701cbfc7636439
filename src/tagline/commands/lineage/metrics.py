"""The figures of an artifact: from its manifest, and from the metrics files that its pipelines name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tagline.commands.manifest.metrics import metrics_at
from tagline.domain.lineage.graph import Graph
from tagline.domain.lineage.lineage import Figure, figures_of
from tagline.domain.lineage.pipelines import metrics_of
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.formats.params import read_params
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


def metrics_files(graph: Graph, pipelines: Mapping[str, Any]) -> list[str]:
    """Those of the steps first, then those that their pipelines list for the project as a whole."""
    found = dict.fromkeys(path for step in graph.steps for path in sorted(step.metrics))
    # Of what is listed as a whole, this artifact's is what one of these steps wrote.
    outs = [out.path for step in graph.steps for out in step.outs]
    for file in dict.fromkeys(step.file for step in graph.steps):
        for path in metrics_of(file, pipelines.get(file)):
            if any(path == out or path.startswith(f"{out}/") for out in outs):
                found[path] = None
    return list(found)


def figures_in(files: Iterable[str], texts: Mapping[str, bytes], in_git: TrackedPaths, gaps: list[str]) -> list[Figure]:
    """The figures of some files; what one of them lacks is a gap."""
    figures: list[Figure] = []
    for path in files:
        if path not in texts:
            why = "it is no plain, small file" if in_git.is_file(path) else "it is not in Git (cache: false)"
            gaps.append(f"The metrics of {path} are not shown: {why}.")
            continue
        read = read_params(path, texts[path])
        if isinstance(read, str):
            gaps.append(f"The metrics of {path} cannot be read: {read}")
        figures += figures_of(read, path)
    return figures


def figures_at(tree: Tree, artifact: str, files: Sequence[str], *, inline: bool) -> list[Figure]:
    """The figures of these files alone; ``inline``: of the manifest too. Nothing else of the commit is read."""
    figures = figures_of(metrics_at(tree, artifact), None) if inline else []
    texts = tree.read_many(files, yaml.MAX_BYTES)
    for path in files:
        if path in texts:
            figures += figures_of(read_params(path, texts[path]), path)
    return figures
