"""What is read of a commit to see whether its steps would run again, and how much of it at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tagline.domain.lineage.graph import Graph
from tagline.domain.lineage.pipelines import Step
from tagline.domain.lineage.staleness import Unchecked
from tagline.domain.manifest.dvc_stages import Stages
from tagline.domain.manifest.interpolation import LoadParams, filled
from tagline.domain.text.public import public
from tagline.formats.params import read_params
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree

#: Bytes of most files; those that are larger are read one by one.
_LARGE = 1024 * 1024
#: Bytes of one file, and of all together, in which a change is looked for.
MOST_OF_ONE = 16 * 1024 * 1024
MOST_OF_ALL = 64 * 1024 * 1024
#: So many files are read at most, and so many at once.
_MOST_FILES = 5000
_AT_ONCE = 500


def read_texts(tree: Tree, paths: Iterable[str]) -> dict[str, bytes]:
    """Files by their paths, the first ones first, within the limits; what is beyond them is left out."""
    wanted = list(dict.fromkeys(paths))[:_MOST_FILES]
    found: dict[str, bytes] = {}
    large: list[str] = []
    left = MOST_OF_ALL
    for start in range(0, len(wanted), _AT_ONCE):
        read = tree.read_many(wanted[start : start + _AT_ONCE], _LARGE) if left > 0 else {}
        large += [path for path, data in read.items() if len(data) > _LARGE]
        small = {path: data for path, data in read.items() if len(data) <= _LARGE}
        found |= small
        left -= sum(map(len, small.values()))
    for path in large:
        limit = min(MOST_OF_ONE, left)
        data = tree.read(path, limit) if limit > _LARGE else None
        if data is not None and len(data) <= limit:
            found[path] = data
            left -= len(data)
    return found


def commands_of(tree: Tree, steps: Sequence[Step], pipelines: Mapping[str, Any]) -> dict[str, str | None]:
    """The commands that pipelines have with ``${...}``, filled in, by step; None for one that cannot be."""
    load = _loader(tree)
    return {step.name: _command(step, pipelines.get(step.file), load) for step in steps if "${" in (step.written or "")}


def _command(step: Step, pipeline: Any, load: LoadParams) -> str | None:
    name, stages = step.name.removeprefix(f"{step.file}:"), Stages(pipeline)
    if step.written is None or "vars" in stages.body(name):
        return None
    found = filled(step.written, pipeline, step.file, load, stages.values(name))
    return None if found is None else public(found)


def _loader(tree: Tree) -> Callable[[str], Mapping[str, Any] | str | None]:
    known: dict[str, Mapping[str, Any] | str | None] = {}

    def load(path: str) -> Mapping[str, Any] | str | None:
        if path not in known:
            data = tree.read(path, yaml.MAX_BYTES)
            known[path] = None if data is None else read_params(path, data)
        return known[path]

    return load


def gap_of(unchecked: Sequence[Unchecked]) -> str | None:
    """What was not compared, as one sentence; None where everything was."""
    if not unchecked:
        return None
    more = len(unchecked) - 1
    return unchecked[0].message + (f"; nor could {more} other{'s' if more > 1 else ''}." if more else ".")


def files_behind(graph: Graph) -> Iterable[str]:
    """What steps read or left to Git, parameters first: a file, or a folder of which all files count."""
    yield from (path for step in graph.steps for path in step.params)
    for step in graph.steps:
        yield from (dep.path for dep in step.deps)
        yield from (out.path for out in step.outs if not out.cached)
