"""A model card's bytes as what it says, and what is wrong with it."""

from __future__ import annotations

from tagline.domain.manifest.cards import Card, Flaw, card_of, flaws_of, split
from tagline.formats.yaml import reading as yaml


def read_card(data: bytes) -> tuple[Card, list[Flaw]]:
    """Never raises: what cannot be read is a flaw, and the rest of the card is kept."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Card(), [Flaw(1, "The card is not UTF-8.", "Save it as UTF-8.")]
    front, body = split(text)
    if front is None:
        hint = "Begin with three lines: ---, owner: NAME, ---"
        return card_of(None, body), [Flaw(1, "The card has no front matter.", hint)]
    document = yaml.load(front.encode())
    errors = [one for one in document.problems if one.severity == "error" and one.rule != "file-empty"]
    flaws = [Flaw(one.line + 1, one.message, one.hint) for one in errors]
    root = document.root
    if root is None or not isinstance(root.value, dict):
        if not flaws and front.strip():
            flaws = [Flaw(2, "The front matter is no mapping.", "Write one field a line: owner: NAME")]
        return card_of(None, body), flaws
    for name, meant in flaws_of(root.value):
        line = root.keys[name].line + 1
        flaws.append(Flaw(line, f"'{name}' is of the wrong kind.", f"It is {meant}."))
    return card_of(root.value, body), flaws
