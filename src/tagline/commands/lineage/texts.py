"""The files in Git behind an artifact: which ones are read, and how much of them at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagline.domain.lineage.graph import Graph
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.ports.repository import Tree

#: Bytes of most files; those that are larger are read one by one.
_LARGE = 1024 * 1024
#: Bytes of one file, and of all together, in which a change is looked for.
MOST_OF_ONE = 16 * 1024 * 1024
MOST_OF_ALL = 64 * 1024 * 1024
#: So many files are read at most, and so many at once.
_MOST_FILES = 5000
_AT_ONCE = 500


def texts_behind(tree: Tree, in_git: TrackedPaths, graph: Graph, metrics: Sequence[str]) -> dict[str, bytes]:
    """Every file in Git that tells something: metrics, parameters, and what steps read or left to Git."""
    behind = [path for step in graph.steps for path in step.params]
    for step in graph.steps:
        behind += [dep.path for dep in step.deps]
        behind += [out.path for out in step.outs if not out.cached]
    # A folder is what all its files are.
    folders = dict.fromkeys(path for path in behind if not in_git.is_file(path))
    inside = (path for folder in folders for path in in_git.below(folder))
    # What is shown comes first, in case that there is too much.
    return read_texts(tree, (path for path in (*metrics, *behind, *inside) if in_git.is_file(path)))


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
