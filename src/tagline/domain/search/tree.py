"""What a search means, as a tree; and that tree as JSON, which Python and the page agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tagline.domain.text.times import format_time

#: ``~`` is ``:`` with a pattern, in which ``*`` stands for any text.
Operator = str
#: A date alone is a day: from its midnight UTC, to the next one.
DAY = 86_400


@dataclass(frozen=True)
class Word:
    """A bare word: in the artifact's name or description, whatever its case."""

    text: str


@dataclass(frozen=True)
class Instant:
    """An instant, or the day that it begins."""

    seconds: int
    is_day: bool


Operand = str | float | bool | Instant


@dataclass(frozen=True)
class Term:
    """A key, perhaps a name (of a metric, a parameter, a stage), and perhaps a comparison.

    Without ``operator``: that there is one. A name is a pattern where it has a ``*`` outside of quotes.
    """

    key: str
    operator: Operator | None = None
    value: Operand | None = None
    name: str | None = None
    name_is_pattern: bool = False


@dataclass(frozen=True)
class Not:
    """The opposite."""

    node: Node


@dataclass(frozen=True)
class And:
    """AND: each of them."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """OR: one of them at least."""

    nodes: tuple[Node, ...]


Node = Word | Term | Not | And | Or


@dataclass(frozen=True)
class Search:
    """A whole search: the tree (None: everything), and the instant that it is asked as of, in unix seconds."""

    where: Node | None
    as_of: int | None = None

    @property
    def keys(self) -> set[str]:
        """The keys that it names."""
        return {term.key for term in terms(self.where)}

    @property
    def metrics(self) -> tuple[tuple[str, bool], ...]:
        """The names of metrics that it names, each with whether it is a pattern."""
        found = [(one.name or "", one.name_is_pattern) for one in terms(self.where) if one.key == "metric"]
        return tuple(dict.fromkeys(found))

    def to_dict(self) -> dict[str, Any]:
        """``{"as_of": RFC 3339 or null, "where": tree or null}``."""
        as_of = None if self.as_of is None else format_time(self.as_of)
        return {"as_of": as_of, "where": None if self.where is None else _as_json(self.where)}


def terms(node: Node | None) -> list[Term]:
    """All terms of a tree, from left to right."""
    if node is None or isinstance(node, Word):
        return []
    if isinstance(node, Term):
        return [node]
    inner = (node.node,) if isinstance(node, Not) else node.nodes
    return [term for one in inner for term in terms(one)]


def _as_json(node: Node) -> dict[str, Any]:
    if isinstance(node, Word):
        return {"word": node.text}
    if isinstance(node, Not):
        return {"not": _as_json(node.node)}
    if isinstance(node, And | Or):
        return {"and" if isinstance(node, And) else "or": [_as_json(one) for one in node.nodes]}
    told: dict[str, Any] = {"key": node.key}
    if node.name is not None:
        told["name"] = node.name
    if node.name_is_pattern:
        told["pattern"] = True
    if node.operator is not None:
        told["op"] = node.operator
        told["value"] = node.value
        if isinstance(node.value, Instant):
            told["value"] = format_time(node.value.seconds)
            if node.value.is_day:
                told["day"] = True
    return told
