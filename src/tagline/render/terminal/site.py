"""What ``tagline site`` made: its JSON document, and a line for people."""

from __future__ import annotations

from typing import Any

from tagline.domain.site.results import Built
from tagline.render.escape import one_line


def document(built: Built) -> dict[str, Any]:
    """Where it is, what it shows, what was written."""
    return {**built._asdict(), "warnings": []}


def text(built: Built) -> str:
    """Two lines."""
    shown = f"{_of(built.artifacts, 'artifact')} and {_of(built.versions, 'version')} of " + _of(
        built.repositories, "repositorie" if built.repositories != 1 else "repository"
    )
    wrote = f"{built.written} of {_of(built.files, 'file')} written, {built.removed} removed"
    return f"{one_line(built.folder)}/index.html shows {shown}.\n{wrote}."


def _of(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
