"""A YAML document as data in which every key and every value knows its place.

Lines and columns count from 1; columns count characters, not bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tagline.domain.manifest.findings import Finding, Severity

Key = str | int
Path = tuple[Key, ...]


class Position(NamedTuple):
    """A place in a file."""

    line: int
    column: int


class Node:
    """One value: plain data in ``value``, and the nodes of its parts.

    ``fields`` holds the values of a mapping, ``keys`` the positions of its keys, ``items``
    the elements of a list; all three are empty for a scalar. A node that an alias repeats
    shares its parts with the anchor's node. ``size`` counts the node and all below,
    aliases expanded; long text counts for more. ``written`` is how the file spells a number,
    true or false (``1.10`` has the value 1.1), and empty for all else.
    """

    __slots__ = ("column", "fields", "items", "keys", "line", "size", "value", "written")

    def __init__(self, value: Any, line: int, column: int) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.fields: dict[str, Node] = {}
        self.keys: dict[str, Position] = {}
        self.items: list[Node] = []
        self.size = 1
        self.written = ""

    def __repr__(self) -> str:
        return f"Node({self.value!r}, {self.line}, {self.column})"

    @property
    def position(self) -> Position:
        """Where the value begins."""
        return Position(self.line, self.column)

    def child(self, key: Key) -> Node | None:
        """The part under ``key`` (a mapping's key or a list's index), or None."""
        if isinstance(key, str):
            return self.fields.get(key)
        return self.items[key] if 0 <= key < len(self.items) else None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the YAML itself, and the path of keys that it lies under."""

    path: Path
    line: int
    column: int
    rule: str
    severity: Severity
    message: str
    hint: str

    def finding(self, file: str, artifact: str | None = None) -> Finding:
        """The same as a finding about ``file``."""
        return Finding(file, self.line, self.column, artifact, self.rule, self.severity, self.message, self.hint)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds: its root (None if it could not be read) and the YAML's problems."""

    root: Node | None
    problems: Sequence[Problem] = field(default=())

    def find(self, path: Sequence[Key]) -> Node | None:
        """The value at ``path``, or None where there is none."""
        node = self.root
        for key in path:
            if node is None:
                return None
            node = node.child(key)
        return node

    def key_position(self, path: Sequence[Key]) -> Position | None:
        """Where the last key of ``path`` is written; for a list's index, where the element is."""
        if not path:
            return self.root.position if self.root else None
        parent = self.find(path[:-1])
        if parent is None:
            return None
        if isinstance(path[-1], str):
            return parent.keys.get(path[-1])
        element = parent.child(path[-1])
        return element.position if element else None


#: Gives the value in place of a text; of the key of a mapping in the section that the text belongs to.
Change = Callable[[str, Position, str], Any]


def with_section(root: Node, name: str, keys: Mapping[str, str], change: Change) -> Node:
    """A copy of a document in which the texts of one section went through ``change``; places stay.

    ``keys`` are the section's own by what they were. ``change`` may give data of any kind, whose parts have no nodes.
    """
    section = root.fields[name]
    changed = Node({}, section.line, section.column)
    for key, node in section.fields.items():
        changed.fields[keys[key]] = part = _mapped(node, key, change)
        changed.keys[keys[key]] = section.keys[key]
        changed.value[keys[key]] = part.value
    copy = Node({**root.value, name: changed.value}, root.line, root.column)
    copy.keys, copy.fields = root.keys, {**root.fields, name: changed}
    return copy


def _mapped(node: Node, key: str, change: Change) -> Node:
    if isinstance(node.value, str):
        return Node(change(node.value, node.position, key), node.line, node.column)
    copy = Node(node.value, node.line, node.column)
    copy.written = node.written
    if isinstance(node.value, Mapping):
        copy.keys = node.keys
        copy.fields = {name: _mapped(child, key, change) for name, child in node.fields.items()}
        copy.value = {name: child.value for name, child in copy.fields.items()}
    elif isinstance(node.value, list):
        copy.items = [_mapped(child, key, change) for child in node.items]
        copy.value = [child.value for child in copy.items]
    return copy
