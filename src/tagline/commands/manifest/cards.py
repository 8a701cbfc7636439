"""Model cards that manifests name: read, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tagline.domain.manifest.card_images import (
    MAX_IMAGE,
    MOST_BYTES,
    MOST_LOOKED_AT,
    Image,
    image_of,
    images_in,
    wanted_images,
)
from tagline.domain.manifest.cards import MAX_CARD, Card
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import Declared, ManifestEntry, is_absolute, is_uri
from tagline.ports.repository import Tree

#: Bytes of all cards of a repository, each counted for every artifact that names it.
MOST_OF_CARDS = 64 << 20
#: Files that are read at once: each may have a mebibyte.
_AT_ONCE = 32


def card_findings(tree: Tree, items: Sequence[Declared]) -> list[Finding]:
    """Flaws of cards that are in Git, each at its line there; that one is nowhere is said of its path."""
    named = {item.entry.card: item.entry for item in items if _inside(item.entry.card)}
    if not named:
        return []
    from tagline.formats.card import read_card  # here, because most manifests name none

    found = []
    there = set()
    for file, data in _read(tree, sorted(path for path in named if path), MAX_CARD + 1):
        there.add(file)
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


def cards_of(
    tree: Tree, entries: Iterable[ManifestEntry], most: int = MOST_OF_CARDS
) -> tuple[Mapping[str, Card], bool]:
    """The card of each artifact that names one which can be read; and whether ``most`` bytes were enough for all."""
    named: dict[str, list[str]] = {}
    for entry in entries:
        if entry.card is not None and _inside(entry.card):
            named.setdefault(entry.card, []).append(entry.name)
    found: dict[str, Card] = {}
    if not named:
        return found, True
    from tagline.formats.card import read_card

    for path, data in _read(tree, sorted(named), MAX_CARD):
        if len(data) > MAX_CARD:
            continue
        fit = len(named[path]) if not data else min(len(named[path]), most // len(data))
        card = read_card(data)[0] if fit else None
        found |= {name: card for name in sorted(named[path])[:fit] if card is not None}
        most -= fit * len(data)
        if fit < len(named[path]):
            return found, False
    return found, True


def images_of(
    tree: Tree, entries: Mapping[str, ManifestEntry], cards: Mapping[str, Card], most: int = MOST_LOOKED_AT
) -> Mapping[str, Sequence[Image]]:
    """The pictures that the card of each artifact shows and that are small files of the tree, up to a bound in all.

    No more than ``most`` files are looked at, one card's after another's.
    """
    found: dict[str, Sequence[Image]] = {}
    #: Files that were looked at, and of those that are pictures and had room their bytes.
    seen: dict[str, bytes] = {}
    room = MOST_BYTES
    for name, card in sorted(cards.items()):
        if room <= 0:
            break
        paths = wanted_images(card.text, entries[name].card or "")
        new = [path for path in paths if path not in seen][: most - len(seen)]
        there = tree.read_many(new, MAX_IMAGE) if new else {}
        for path in new:
            data = there.get(path, b"")
            seen[path] = data if len(data) <= room and image_of(path, data) is not None else b""
        if images := images_in(seen, paths, room):
            found[name] = images
            room -= sum(len(one.data) for one in images)
    return found


def _read(tree: Tree, paths: Sequence[str], limit: int) -> Iterator[tuple[str, bytes]]:
    """Files in this order, of which only a few are in memory at once."""
    for start in range(0, len(paths), _AT_ONCE):
        yield from sorted(tree.read_many(paths[start : start + _AT_ONCE], limit).items())


def _inside(path: str | None) -> bool:
    return path is not None and not is_uri(path) and not is_absolute(path) and not path.startswith("../")
