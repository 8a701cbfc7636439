"""The keys of a mapping in a YAML text, without reading what stands under them: names that are offered to who types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tagline.formats.yaml.composer import Abort
from tagline.formats.yaml.reading import events


def keys(data: bytes, under: str | None = None) -> list[str]:
    """The keys at the top, or of the mapping under a key there. Of a text that breaks off, those before."""
    found: list[str] = []
    try:
        for depth, parent, key in _keys(events(data.decode("utf-8-sig", errors="replace"))):
            if depth == (1 if under is None else 2) and (under is None or parent == under):
                found.append(key)
    except Abort:
        pass
    return found


def _keys(stream: Iterator[Any]) -> Iterator[tuple[int, str | None, str]]:
    """Each key of the first two levels: how deep it is, the key at the top that it is under, itself."""
    import yaml

    inside: list[bool] = []  # of each collection that is open: whether it is a mapping
    key_next: list[bool] = []
    parent = None
    for event in stream:
        if isinstance(event, yaml.CollectionEndEvent):
            inside.pop()
            key_next.pop()
        elif isinstance(event, yaml.NodeEvent):
            if inside and inside[-1]:
                if key_next[-1] and isinstance(event, yaml.ScalarEvent) and len(inside) <= 2:
                    yield len(inside), parent, event.value
                    parent = event.value if len(inside) == 1 else parent
                key_next[-1] = not key_next[-1]
            if isinstance(event, yaml.CollectionStartEvent):
                inside.append(isinstance(event, yaml.MappingStartEvent))
                key_next.append(True)
