"""What a commit has of what its steps read, to see whether they would run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tagline.commands.lineage.commit import Commit
from tagline.commands.manifest.parameters import parameter_files
from tagline.domain.lineage.graph import Graph
from tagline.domain.lineage.lineage import Stale
from tagline.domain.lineage.pipelines import Step, flatten
from tagline.domain.lineage.staleness import Now, Unchecked, check_steps
from tagline.domain.manifest.dvc_stages import Stages
from tagline.domain.manifest.interpolation import LoadParams, filled
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.domain.text.public import public
from tagline.formats.params import read_params


def stale_steps(
    commit: Commit, in_git: TrackedPaths, graph: Graph, texts: Mapping[str, bytes], gaps: list[str]
) -> tuple[tuple[Stale, ...], str]:
    """The steps that would have to run again, and a sentence on what could not be checked, which is a gap too."""
    files = dict.fromkeys(file for step in graph.steps for file in step.params)
    params = {file: _values(file, texts) if in_git.is_file(file) else None for file in files}
    tracked = None if commit.ignores else in_git
    found = check_steps(graph, Now(texts, params, tracked, _commands(commit, graph.steps), commit.submodules))
    unchecked = _gap(found.unchecked) if found.unchecked else ""
    gaps += [unchecked] if unchecked else []
    return found.stale, unchecked


def _values(file: str, texts: Mapping[str, bytes]) -> Mapping[str, Any] | str:
    """A parameter file's values, flat; a text where it cannot be read."""
    read = read_params(file, texts[file]) if file in texts else "it is too large."
    return read if isinstance(read, str) else flatten(read)


def _commands(commit: Commit, steps: Sequence[Step]) -> dict[str, str | None]:
    """The commands that pipelines have with ``${...}``, filled in, by step; None for one that cannot be."""
    load = parameter_files(commit.tree)
    templates = [step for step in steps if "${" in (step.written or "")]
    return {step.name: _command(step, commit.pipelines.get(step.file), load) for step in templates}


def _command(step: Step, pipeline: Any, load: LoadParams) -> str | None:
    name, stages = step.name.removeprefix(f"{step.file}:"), Stages(pipeline)
    if step.written is None or "vars" in stages.body(name):
        return None
    found = filled(step.written, pipeline, step.file, load, stages.values(name))
    return None if found is None else public(found)


def _gap(unchecked: Sequence[Unchecked]) -> str:
    """What was not compared, as one sentence."""
    more = len(unchecked) - 1
    return unchecked[0].message + (f"; nor could {more} other{'s' if more > 1 else ''}." if more else ".")
