"""A model card's bytes as what it says, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from tagline.domain.manifest.cards import Card, Flaw, card_of, field_meant, split
from tagline.domain.manifest.document import Document, Node
from tagline.formats.schema.check import Check, compile_check, read_schema
from tagline.formats.schema.explanation import Explanation
from tagline.formats.yaml import reading as yaml

_FILE = "card.schema.json"


def read_card(data: bytes) -> tuple[Card, list[Flaw]]:
    """Never raises: what cannot be read is a flaw, and the rest of the card is kept."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Card(), [Flaw(1, 1, "The card is not UTF-8.", "Save it as UTF-8.")]
    front, body = split(text)
    if front is None:
        hint = "Begin with three lines: ---, owner: NAME, ---"
        return card_of(None, body), [Flaw(1, 1, "The card has no front matter.", hint)]
    document = yaml.load(front.encode())
    errors = [one for one in document.problems if one.severity == "error" and one.rule != "file-empty"]
    flaws = [Flaw(one.line + 1, one.column, one.message, one.hint) for one in errors]
    root = document.root
    if root is None or not isinstance(root.value, dict):
        if not flaws and front.strip():
            flaws = [Flaw(2, 1, "The front matter is no mapping.", "Write one field a line: owner: NAME")]
        return card_of(None, body), flaws
    return card_of(root.value, body), [*flaws, *_misread(document, root), *_misspelt(root)]


def _misread(document: Document, root: Node) -> Iterable[Flaw]:
    """Fields of the wrong kind, by the schema. The front matter begins on the card's second line."""
    if _quick()(root.value):
        return
    for one in _CardExplanation(document, (), "").findings(_validator().iter_errors(root.value)):
        yield Flaw(one.line + 1, one.column, one.message, one.hint)


def _misspelt(root: Node) -> Iterable[Flaw]:
    """Fields that only their spelling keeps from being ours: any other may be another program's."""
    for key, place in root.keys.items():
        meant = field_meant(key)
        if meant is not None and meant not in root.keys:
            yield Flaw(place.line + 1, place.column, f"Unknown field '{key}'.", f"Did you mean '{meant}'?")


class _CardExplanation(Explanation):
    """Errors about a card."""

    def root_name(self) -> str:
        return "The front matter"


@cache
def _quick() -> Check:
    return compile_check(read_schema(_FILE))


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(read_schema(_FILE))
