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
#: Our fields, and license, which is the Hub's: ``schemas/card.schema.json`` says what each takes.
FIELDS = ("owner", "license", "intended_use", "risk_tier", "data")
#: What people write for a field, beside its own name with other marks and capitals.
_ALSO = {"licence": "license"}


class Card(NamedTuple):
    """A card: its text without the front matter, and what that says; a list is one text."""

    text: str = ""
    owner: str | None = None
    license: str | None = None
    intended_use: str | None = None
    risk_tier: str | None = None
    data: str | None = None


class Flaw(NamedTuple):
    """What is wrong with a card, at a line and column of it (from 1)."""

    line: int
    column: int
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


def field_meant(key: str) -> str | None:
    """The field that somebody meant who wrote another key for it."""
    plain = key.strip().lower().replace("-", "_").replace(" ", "_")
    meant = _ALSO.get(plain, plain)
    return meant if meant in FIELDS and meant != key else None


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(value) if value and all(isinstance(one, str) for one in value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None
