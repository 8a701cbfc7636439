"""``.dvcignore``: the files that DVC passes over, by gitignore's patterns; a pointer that it passes over is none.

Source: https://dvc.org/doc/user-guide/project-structure/dvcignore-files
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tagline.domain.manifest.tracked import MOST_OF_PATH
from tagline.domain.text.patterns import PathPattern

DVCIGNORE = ".dvcignore"
#: Bytes of one file; each pointer may be compared with each of its lines.
MAX_DVCIGNORE = 64 * 1024


class _Rule(NamedTuple):
    """One line. ``takes_back`` is one with an exclamation mark; ``folders`` one that ends in a slash."""

    pattern: PathPattern
    takes_back: bool
    folders: bool


class DvcIgnore:
    """What the ``.dvcignore`` files of a snapshot say, by the folders that they lie in (empty for the root)."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._rules = {folder: tuple(filter(None, map(_rule, text.splitlines()))) for folder, text in texts.items()}
        self._folders: dict[tuple[str, str], bool] = {}

    def ignores(self, file: str, project: str) -> bool:
        """Whether DVC passes over a file; ``project`` is the folder of its project, where DVC begins to look."""
        if len(file) > MOST_OF_PATH:
            return False
        # Nothing below a folder that is passed over can be taken back, as in Git.
        for folder in reversed(_upwards(posixpath.dirname(file), project)):
            if folder != project and self._passes_over_folder(folder, project):
                return True
        return self._says(file, project, is_folder=False)

    def _passes_over_folder(self, folder: str, project: str) -> bool:
        key = (folder, project)
        if key not in self._folders:
            self._folders[key] = self._says(folder, project, is_folder=True)
        return self._folders[key]

    def _says(self, path: str, project: str, *, is_folder: bool) -> bool:
        for place in _upwards(posixpath.dirname(path), project):
            relative = path[len(place) + 1 :] if place else path
            decided = _decide(self._rules.get(place, ()), relative, is_folder=is_folder)
            if decided is not None:
                return decided
        return False


def _upwards(folder: str, project: str) -> list[str]:
    """A folder and those above it, up to the project's own: the nearest file has the last word."""
    found = [folder]
    while folder and folder != project:
        folder = posixpath.dirname(folder)
        found.append(folder)
    return found


def _decide(rules: Sequence[_Rule], path: str, *, is_folder: bool) -> bool | None:
    """What the last line that matches says."""
    for rule in reversed(rules):
        if (is_folder or not rule.folders) and rule.pattern.matches(path):
            return not rule.takes_back
    return None


def _rule(line: str) -> _Rule | None:
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    takes_back = text.startswith("!")
    text = text.removeprefix("!")
    body = text.removesuffix("/")
    segments = body.removeprefix("/").split("/")
    if "/" not in body:
        segments.insert(0, "**")
    return _Rule(PathPattern(segments, below=True), takes_back, text.endswith("/")) if body else None
