"""Steps of pipelines for the tests of lineages, in few words, and JSON of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.lineage.graph import Graph, Pointed, graph_of
from tagline.domain.lineage.pipelines import Behind, Imported, Step

#: Anything that a file of JSON or YAML may hold, numbers that are none and very long ones too.
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def defining(body: Any, stage: Any) -> Any:
    """A stage's definition with the outs that its lock has, where it lists none itself."""
    if not isinstance(body, dict) or not isinstance(stage, dict):
        return body
    if isinstance(body.get("do"), dict):
        return {**body, "do": defining(body["do"], stage)}
    listed = [kind for kind in ("outs", "metrics", "plots") if kind in body]
    return body if listed or "outs" not in stage else {**body, "outs": [row["path"] for row in stage["outs"]]}


def row(text: str) -> Behind:
    """``path`` or ``path=digest``; ``!path`` is kept by Git."""
    path, _, digest = text.lstrip("!").partition("=")
    return Behind(path, f"md5:{digest}" if digest else None, cached=not text.startswith("!"))


def step(
    name: str,
    reads: str = "",
    writes: str = "",
    *,
    metrics: str = "",
    plots: str = "",
    params: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> Step:
    """A step that reads and writes paths, separated by blanks; metrics and plots are outs as well."""
    outs = [row(text) for text in (writes + " " + metrics + " " + plots).split()]
    named = [frozenset(row(text).path for text in texts.split()) for texts in (metrics, plots)]
    deps = tuple(row(text) for text in reads.split())
    return Step(name, "dvc.yaml", name, deps, tuple(outs), params or {}, *named, **more)


def graph(
    target: str | None,
    *steps: Step,
    imports: Sequence[Imported] = (),
    in_git: Sequence[str] = (),
    others: Sequence[str] = (),
) -> Graph:
    """The graph of a path; files in Git have their own path as id."""
    return graph_of(target, Pointed(steps, imports), [(path, f"id-{path}") for path in in_git], lambda: others)


def names(steps: Sequence[Step]) -> list[str]:
    """Their names."""
    return [one.name for one in steps]


def facts(letter: str = "a") -> CommitFacts:
    """Ada's commit that a test calls by one letter of hexadecimal."""
    return CommitFacts(letter * 40, "Ada", "ada@example.com", 1, "Ada", 1, "More")
