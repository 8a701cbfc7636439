"""Asking the stores: is an artifact's object there, is it what the pointer says, which files are in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tagline.commands.manifest.snapshots import snapshot
from tagline.commands.storage.locating import Place, folder_items, object_key
from tagline.domain.storage.listings import MAX_LISTING, Entry, below, folder_digest, listing_too_large, read_listing
from tagline.domain.storage.objects import Facts, Item, Key, Location, only_file
from tagline.domain.storage.sha256 import pointed_sha256
from tagline.errors import BadPointer, NotFound, ObjectMissing, WrongBytes
from tagline.ports.repository import Tree
from tagline.ports.storage import ObjectStore

#: How many files are named where many are wrong.
_EXAMPLES = 3


def location_of(place: Place, *, look: bool = True) -> Location:
    """Where the bytes are, after a look at the one object that stands for them.

    Without ``look`` no store is asked, and what only a store could tell is None: of a part of a folder
    that is its digest. Raises ObjectMissing, WrongBytes for an object of another size or digest,
    StoreRefused.
    """
    if place.inner:
        if not look:
            return Location(f"{place.uri}#{place.inner}")
        place = inner_place(place)
    if not look or place.store is None or place.key is None:
        return _location(place, None)
    facts = place.store.look(place.key)
    if place.items and place.items[0].key == place.key:
        _compare(place.store, place.items[0], facts)
    return _location(place, facts)


def _location(place: Place, facts: Facts | None) -> Location:
    """``facts`` are those of the one object, where it was looked at."""
    size, version = place.size, place.key.version_id if place.key else None
    if facts is not None and not place.is_listing and size is None:
        size = facts.size
    if version is None and facts is not None and facts.version_id != "null":
        version = facts.version_id
    if place.unlisted is not None or (place.items is not None and only_file(place.items) is None):
        version = None  # each file of the folder has its own
    return Location(place.uri, place.digest, size, place.files, version, pointed_sha256(place.items or ()))


def _compare(store: ObjectStore, item: Item, facts: Facts) -> None:
    """Raises WrongBytes where the store says that an object is not what the pointer names."""
    where = store.uri(item.key)
    if item.size is not None and facts.size != item.size:
        raise WrongBytes(
            f"{where} has {facts.size:,} bytes, and the pointer says {item.size:,}.",
            "The object was cut or replaced: push it again from a good copy (dvc push), or restore it.",
            code="wrong-size",
        )
    # DVC 2 hashed text with other line ends than it stored.
    if facts.md5 is not None and not item.text and item.digest.startswith("md5:") and item.digest[4:] != facts.md5:
        raise WrongBytes(
            f"{where} has the md5 {facts.md5}, and the pointer says {item.digest[4:]}.",
            "The object was replaced: push it again from a good copy (dvc push), or restore it.",
        )


def inner_place(place: Place) -> Place:
    """A place in a folder that is kept as a list, as the file or the folder that it is."""
    store, name = _known(place)
    entries = listing(place)
    exact = next((entry for entry in entries if entry.relpath == place.inner), None)
    if exact is not None:
        item = _item(place, exact, "")
        uri = store.uri(item.key)
        return replace(
            place, uri=uri, digest=item.digest, size=None, files=1, key=item.key, is_listing=False, inner="",
            items=(item,),
        )  # fmt: skip
    inside = below(entries, place.inner)
    if not inside:
        raise NotFound(
            f"{name}, the list of the folder, has nothing at {place.inner}.",
            "Check the path in the manifest against what DVC tracks: dvc list . --dvc-only --recursive",
            code="no-bytes",
        )
    items = tuple(_item(place, entry, entry.relpath) for entry in inside)
    digest = f"md5:{folder_digest(inside)}"
    # No object is this folder alone: its address is the list's, and the part of it.
    uri = f"{store.uri(place.key or Key(''))}#{place.inner}"
    return replace(place, uri=uri, digest=digest, size=None, files=len(items), inner="", items=items)


def _item(place: Place, entry: Entry, relpath: str) -> Item:
    return Item(relpath, object_key(place.prefix, entry.md5), f"md5:{entry.md5}", None, place.text)


def _known(place: Place) -> tuple[ObjectStore, str]:
    assert place.store is not None and place.key is not None  # noqa: S101, PT018 - of a listing both are known
    return place.store, place.store.uri(place.key)


def listing(place: Place) -> list[Entry]:
    """The files of a folder by its ``.dir`` object, whose own digest is checked first."""
    return read_listing(listing_bytes(place), _known(place)[1])


def listing_bytes(place: Place) -> bytes:
    """The ``.dir`` object. Raises WrongBytes where it is not what the pointer names, BadPointer for a huge one."""
    store, name = _known(place)
    data = bytearray()
    for piece in store.read(place.key or Key("")):
        data += piece
        if len(data) > MAX_LISTING:
            raise listing_too_large(name)
    found = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if place.digest != f"md5:{found}.dir":
        raise WrongBytes(
            f"{name} is damaged: its own md5 is {found}.",
            "Push the folder again from a good copy (dvc push), or restore the object.",
        )
    return bytes(data)


def items_of(
    place: Place, tree: Tree, recall: Callable[[str], bytes | None] = lambda digest: None
) -> tuple[Place, list[Item]]:
    """Every file of an artifact, and its place as far as the store has made it clearer.

    ``recall`` gives a folder's list by its digest where it is at hand already.
    """
    if place.unlisted is not None:
        raise place.unlisted
    if place.inner:
        place = inner_place(place)
    if place.items is not None:
        return place, list(place.items)
    if place.git_folder is not None:
        return place, folder_items(tree, place, uses_lfs=snapshot(tree).uses_lfs)
    if place.is_listing:
        data = recall(place.digest or "") or listing_bytes(place)
        items = [_item(place, entry, entry.relpath) for entry in read_listing(data, _known(place)[1])]
        return replace(place, files=len(items), listing=data), items
    raise BadPointer(
        "The manifest gives this artifact no path, or only an address: there are no bytes to look at.",
        "Give it a path that Git or DVC tracks.",
        code="no-path",
    )


def look_at_all(place: Place, tree: Tree) -> Location:
    """Look at every object behind an artifact. Raises as :func:`location_of` does, naming the first few."""
    if place.store is None and place.unlisted is not None:
        raise place.unlisted
    if place.store is None or (place.git_folder is not None and not snapshot(tree).uses_lfs):
        return location_of(place, look=False)
    in_git = place.git_folder is not None or (place.key is None and place.items is not None)
    clear, items = items_of(place, tree)
    if in_git:
        items = [item for item in items if item.key.path.startswith("lfs/")]
    facts = place.store.look_many([item.key for item in items]) if items else {}
    missing = [item for item in items if item.key not in facts]
    if missing:
        raise ObjectMissing(_missing(place.store, missing, len(items)), _PUSH)
    for item in items:
        _compare(place.store, item, facts[item.key])
    location = _location(clear, facts[items[0].key] if len(items) == 1 else None)
    if location.size is None and items and not in_git:
        location = replace(location, size=sum(facts[item.key].size for item in items))
    _compare_folder(place, items, facts)
    return location


_PUSH = "Push them from a clone that has them (dvc push, or git lfs push --all origin), then try again."


def _missing(store: ObjectStore, missing: Sequence[Item], total: int) -> str:
    some = ", ".join(store.uri(item.key) for item in missing[:_EXAMPLES])
    more = f" and {len(missing) - _EXAMPLES} more" if len(missing) > _EXAMPLES else ""
    if total == 1:
        return f"There is no object at {some}."
    return f"{len(missing)} of {total} objects are missing: {some}{more}."


def _compare_folder(place: Place, items: Sequence[Item], facts: Mapping[Key, Facts]) -> None:
    """The sizes of a folder's files must add up to what its pointer says."""
    if not place.is_listing or place.size is None or place.inner:
        return
    total = sum(facts[item.key].size for item in items)
    if total != place.size and not place.text:
        raise WrongBytes(
            f"The files of {place.uri} have {total:,} bytes together, and the pointer says {place.size:,}.",
            "An object was cut or replaced: push the folder again from a good copy (dvc push).",
            code="wrong-size",
        )
