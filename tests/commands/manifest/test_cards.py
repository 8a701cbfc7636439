"""Model cards and their pictures: how much of a repository is read for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tagline.commands.manifest.cards import card_findings, cards_of, images_of
from tagline.domain.manifest.card_images import MAX_IMAGE, MOST_BYTES, MOST_LOOKED_AT
from tagline.domain.manifest.cards import Card
from tagline.domain.manifest.manifest import Declared, ManifestEntry
from tests.support.fakes import MemoryTree

#: As large as a picture may be, and one by its first bytes.
PICTURE = (b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00\x00\x00\x01" * 2).ljust(MAX_IMAGE, b"\x00")


class Counted(MemoryTree):
    """``at_once`` is the largest number of files that were in memory together."""

    at_once = 0

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        found = super().read_many(paths, limit)
        self.at_once = max(self.at_once, len(found))
        return found


def entry(name: str, card: str) -> ManifestEntry:
    return ManifestEntry(name, "artifacts.yaml", 1, card=card)


def test_images__of_many_cards__are_read_card_by_card_while_there_is_room() -> None:
    names = [f"m{number}" for number in range(60)]
    cards = {name: Card(text=" ".join(f"![]({name}-{each}.png)" for each in range(12))) for name in names}
    entries = {name: entry(name, "CARD.md") for name in names}
    files = [f"{name}-{each}.png" for name in names for each in range(12)]

    tree = Counted(dict.fromkeys(files, PICTURE))
    found = images_of(tree, entries, cards)
    assert sum(len(one.data) for images in found.values() for one in images) == MOST_BYTES
    assert (len(tree.reads), tree.at_once) == (12, 12)

    tree = Counted(dict.fromkeys(files, b"no picture"))
    assert images_of(tree, entries, cards) == {}
    assert (len(set(tree.reads)), len(tree.reads)) == (MOST_LOOKED_AT, MOST_LOOKED_AT)


def test_cards__of_many_artifacts__are_read_by_a_few_up_to_a_bound() -> None:
    entries = [entry(f"m{number}", f"{number:03}.md") for number in range(100)]
    files = {f"{number:03}.md": "---\n---\n" for number in range(100)}
    tree = Counted(files)
    found, whole = cards_of(tree, entries, most=800)
    assert (len(found), whole, len(tree.reads)) == (100, True, 100)
    assert tree.at_once <= 32
    found, whole = cards_of(tree, entries, most=799)
    assert (len(found), whole) == (99, False)
    # A card counts for each artifact that names it: each has a row of its own.
    found, whole = cards_of(tree, [entry(name, "000.md") for name in "abc"], most=16)
    assert (sorted(found), whole) == (["a", "b"], False)

    tree = Counted(files)
    nowhere: Any = None
    assert card_findings(tree, [Declared(one, one.name, (), nowhere, nowhere, "artifacts") for one in entries]) == []
    assert tree.at_once <= 32
