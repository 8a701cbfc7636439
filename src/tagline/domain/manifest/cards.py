"""Model cards: a Markdown file that the manifest names, with fields before its text.

The front matter is that of the Hugging Face Hub, and what it does not know is ours: ``owner``, ``intended_use``,
``risk_tier``, ``data``. Other fields are left to whoever reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: Bytes of a card.
MAX_CARD = 1 << 20
#: Characters of the text that an index keeps.
LONGEST_TEXT = 100_000
#: Our fields, each with what a wrong value is told.
FIELDS = {
    "owner": "text: who looks after it",
    "license": "text: the licence's identifier, such as apache-2.0",
    "intended_use": "text: what it is for, and what not",
    "risk_tier": "text, such as high",
    "data": "text, or a list of texts: what it was made from",
}
#: Of the Hub's, what another program would stumble on.
_LISTS = ("tags", "datasets", "metrics", "language")


class Card(NamedTuple):
    """A card: its text without the front matter, and what that says; a list is one text."""

    text: str = ""
    owner: str | None = None
    license: str | None = None
    intended_use: str | None = None
    risk_tier: str | None = None
    data: str | None = None


class Flaw(NamedTuple):
    """What is wrong with a card, at a line of it (from 1)."""

    line: int
    message: str
    hint: str


def split(text: str) -> tuple[str | None, str]:
    """The front matter, None where there is none, and the rest."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        return None, "".join(lines)
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "".join(lines[1:number]), "".join(lines[number + 1 :])
    return None, "".join(lines)


def card_of(front: Any, text: str) -> Card:
    """A card from what its front matter says; a field of the wrong kind counts as absent."""
    said = front if isinstance(front, Mapping) else {}
    found = {name: _text(said.get(name)) for name in FIELDS}
    if found["data"] is None:
        found["data"] = _text(said.get("datasets"))
    return Card(text[:LONGEST_TEXT], **found)


def flaws_of(front: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Fields of the wrong kind: name, and what it should be."""
    found = []
    for name, meant in FIELDS.items():
        value = front.get(name)
        if value is not None and (isinstance(value, bool) or _text(value) is None):
            found.append((name, meant))
    for name in _LISTS:
        value = front.get(name)
        if value is not None and not isinstance(value, str) and _text(value) is None:
            found.append((name, "text, or a list of texts"))
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(value) if value and all(isinstance(one, str) for one in value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None
