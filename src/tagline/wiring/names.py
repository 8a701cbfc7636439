"""What is known here by name, at once: for completion in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tagline.adapters.git.names import Clone, read
from tagline.domain.ledger.known_names import Known, known_names
from tagline.domain.ledger.tags import is_artifact

#: A manifest's names: of a dvc.yaml they are under a key.
_MANIFESTS: Mapping[str, str | None] = {"artifacts.yaml": None, "dvc.yaml": "artifacts"}
_POLICY = ".tagline.yaml"


def names_at(folder: Path) -> Mapping[str, Known]:
    """The artifacts of the clone that a folder is in, by its tags and manifests; none in no repository."""
    clone = Clone(folder)
    described, stages = _described(clone)
    return known_names(clone.tags(), described, stages)


def tags_at(folder: Path) -> Iterator[str]:
    """The names of its tags."""
    return Clone(folder).tags()


def pins_at(file: Path) -> list[str]:
    """The names of the pins in a lock file; none in what is no such file."""
    import json

    try:
        pins = json.loads(read(file))["pins"]
        return [name for name in pins if is_artifact(name)]
    except (ValueError, TypeError, LookupError, RecursionError):
        return []


def _described(clone: Clone) -> tuple[list[str], list[str]]:
    from tagline.formats.yaml.keys import keys

    names: list[str] = []
    stages: list[str] = []
    for path, data in clone.files(frozenset((*_MANIFESTS, _POLICY))):
        place = PurePosixPath(path)
        if place.name != _POLICY:
            folder = "" if str(place.parent) == "." else f"{place.parent}:"
            names += (f"{folder}{key}" for key in keys(data, _MANIFESTS[place.name]))
        elif path == _POLICY:
            stages += keys(data, "stages")
    return names, stages
