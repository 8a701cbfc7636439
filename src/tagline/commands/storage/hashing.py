"""Reading an artifact's bytes for their SHA-256 alone, where nothing else needs them."""

from __future__ import annotations

from tagline.commands.storage.asking import items_of
from tagline.commands.storage.locating import Place
from tagline.domain.storage.sha256 import Sha256s
from tagline.errors import WrongBytes
from tagline.ports.repository import Tree


def read_sha256(place: Place, tree: Tree) -> str | None:
    """The SHA-256 of an artifact's bytes, each file verified by its pointer on the way; None for no bytes.

    One object after the other, nothing kept. Raises WrongBytes, and what stores raise.
    """
    place, items = items_of(place, tree)
    if place.store is None:
        return None
    sums = Sha256s(counts=True)
    for item in items:
        # Only Git's own ids need the size, and Git tells it without a request.
        needs_size = item.size is None and item.digest.startswith("gitblob:")
        hasher = sums.hasher(item, place.store.look(item.key).size if needs_size else None)
        for piece in place.store.read(item.key):
            hasher.update(piece)
        if not hasher.matches():
            raise WrongBytes(
                f"{place.store.uri(item.key)} is not what the pointer names: its digest is {hasher.found}.",
                "The object was cut or replaced: push it again from a good copy (dvc push), or restore it.",
            )
        sums.tell(item, hasher)
    return sums.of(items)
