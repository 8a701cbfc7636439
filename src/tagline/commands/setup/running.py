"""Which of Tagline's commands the pipelines of a repository run, by their YAML and the files that they include."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from tagline.domain.setup.pipelines import called_by
from tagline.domain.text.patterns import gitlab_pattern
from tagline.formats.yaml import reading as yaml

#: Files that are read for one pipeline.
_MOST_FILES = 50


class Running(NamedTuple):
    """The commands of a pipeline, with those of the files that it includes; and what it calls of elsewhere."""

    commands: frozenset[str]
    files: frozenset[str]
    elsewhere: tuple[str, ...]


def running(start: str, read: Callable[[str], bytes | None], paths: Callable[[], Iterable[str]]) -> Running:
    """What the pipeline in the file ``start`` runs. ``paths`` are the repository's, for includes with a star.

    A file that is not there, or is no YAML, runs nothing.
    """
    waiting, seen = [start], {start}
    commands: set[str] = set()
    elsewhere: list[str] = []
    while waiting:
        data = read(waiting.pop())
        document = yaml.load(data) if data is not None else None
        if document is None or document.root is None:
            continue
        called = called_by(document.root.value)
        commands |= called.commands
        elsewhere += called.elsewhere
        for path in _files(called.files, paths):
            if path not in seen and len(seen) < _MOST_FILES:
                seen.add(path)
                waiting.append(path)
    return Running(frozenset(commands), frozenset(seen), tuple(elsewhere))


def _files(named: Collection[str], paths: Callable[[], Iterable[str]]) -> Iterator[str]:
    """The files of includes; a folder is an action's."""
    for name in named:
        if "*" in name:
            pattern = gitlab_pattern(f"/{name}")
            yield from (path for path in paths() if pattern.matches(path))
        elif name.endswith((".yml", ".yaml")):
            yield name
        else:
            yield from (f"{name.rstrip('/')}/action.{end}" for end in ("yml", "yaml"))
