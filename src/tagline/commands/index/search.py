"""``tagline search``: the versions that a search is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tagline.domain.search.compiling import COLUMNS, compile_search
from tagline.domain.search.tree import Search
from tagline.ports.engine import Engine, Limits, Question


class Found(NamedTuple):
    """Versions by repository and artifact, newest first, each by the names of ``COLUMNS``; metrics as name to value."""

    artifacts: Sequence[Mapping[str, Any]]


def search(engine: Engine, asked: Search, limits: Limits, *, all_versions: bool = False) -> Found:
    """Of each artifact the newest version that matches, or all that do. Raises Refused at a limit."""
    compiled = compile_search(asked, all_versions=all_versions)
    answer = engine.ask(Question(*compiled), limits)
    return Found([_version(row) for row in answer.rows])


def _version(row: Sequence[Any]) -> dict[str, Any]:
    version = dict(zip(COLUMNS, row, strict=True))
    return {**version, "metrics": {one["name"]: one["value"] for one in version["metrics"]}}
