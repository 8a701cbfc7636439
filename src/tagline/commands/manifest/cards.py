"""Model cards that manifests name: read, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tagline.domain.manifest.card_images import MAX_IMAGE, MOST_BYTES, Image, images_in, wanted_images
from tagline.domain.manifest.cards import MAX_CARD, Card
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import Declared, ManifestEntry, is_absolute, is_uri
from tagline.ports.repository import Tree


def card_findings(tree: Tree, items: Sequence[Declared]) -> list[Finding]:
    """Flaws of cards that are in Git, each at its line there; that one is nowhere is said of its path."""
    named = {item.entry.card: item.entry for item in items if _inside(item.entry.card)}
    if not named:
        return []
    from tagline.formats.card import read_card  # here, because most manifests name none

    there = tree.read_many(sorted(path for path in named if path), MAX_CARD + 1)
    found = []
    for file, data in sorted(there.items()):
        artifact = named[file].name
        if len(data) > MAX_CARD:
            hint = "Keep the card short, and put the rest into files that it links."
            found.append(Finding(file, 1, 1, artifact, "card", "error", "The card is larger than 1 MiB.", hint))
            continue
        _, flaws = read_card(data)
        found += [
            Finding(file, one.line, one.column, artifact, "card", "error", one.message, one.hint) for one in flaws
        ]
    tracked = set(tree.paths())
    for path, entry in named.items():
        if path is not None and path in tracked and path not in there:
            message = f"The card {path} is no regular file, or larger than 1 MiB."
            found.append(Finding(entry.file, entry.line, 1, entry.name, "card", "error", message, "Name another file."))
    return found


def cards_of(tree: Tree, entries: Iterable[ManifestEntry]) -> Mapping[str, Card]:
    """The card of each artifact that names one which can be read."""
    paths = {entry.name: entry.card for entry in entries if _inside(entry.card)}
    if not paths:
        return {}
    from tagline.formats.card import read_card

    there = tree.read_many(sorted({path for path in paths.values() if path}), MAX_CARD)
    read = {path: read_card(data)[0] for path, data in there.items()}
    return {name: read[path] for name, path in paths.items() if path in read}


def images_of(
    tree: Tree, entries: Mapping[str, ManifestEntry], cards: Mapping[str, Card]
) -> Mapping[str, Sequence[Image]]:
    """The pictures that the card of each artifact shows and that are small files of the tree, up to a bound in all."""
    wanted = {name: wanted_images(card.text, entries[name].card or "") for name, card in sorted(cards.items())}
    there = tree.read_many(sorted({path for paths in wanted.values() for path in paths}), MAX_IMAGE)
    found: dict[str, Sequence[Image]] = {}
    room = MOST_BYTES
    for name, paths in wanted.items():
        if images := images_in(there, paths, room):
            found[name] = images
            room -= sum(len(one.data) for one in images)
    return found


def _inside(path: str | None) -> bool:
    return path is not None and not is_uri(path) and not is_absolute(path) and not path.startswith("../")
