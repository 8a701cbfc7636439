"""What a fetch says when bytes are wrong or a disk is full."""

from __future__ import annotations

import errno
import os

from tagline.domain.storage.objects import Item
from tagline.errors import PlatformRefused, Refused, WrongBytes
from tagline.ports.storage import ObjectStore

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_DAMAGED = (
    "Fetch again. If it stays, the object in the store is damaged: restore it there, "
    "or dvc push it again from a good copy."
)


def wrong_digest(item: Item, store: ObjectStore, found: str) -> WrongBytes:
    """The bytes came, and are others."""
    return WrongBytes(
        f"{_name(item)} is not what the pointer names: {store.uri(item.key)} "
        f"has the digest {found}, expected was {item.digest}.",
        _DAMAGED,
    )


def wrong_size(item: Item, store: ObjectStore, expected: int, found: int | None) -> WrongBytes:
    """The store says, or shows, another size; None for more than was expected."""
    has = "more" if found is None else f"{found:,} bytes"
    return WrongBytes(
        f"{_name(item)} is not what the pointer names: {store.uri(item.key)} has {has}, "
        f"expected were {expected:,} bytes.",
        _DAMAGED,
        code="wrong-size",
    )


def is_full(error: OSError) -> bool:
    """Whether a disk, a quota or the largest size of a file was reached."""
    return error.errno in _FULL


def disk_full(path: str, needed: int | None, free: int, why: str = "") -> PlatformRefused:
    """The room is not enough: known beforehand, or met on the way (``why``)."""
    wants = "The files" if needed is None else f"{amount(needed)} of files"
    reason = f" ({why})" if why else ""
    return PlatformRefused(
        f"{wants} do not fit beside {path!r}: {amount(free)} are free there{reason}.",
        "Free some space, or fetch to another disk. Nothing was put at the destination.",
        code="disk-full",
    )


def kept(name: str, why: str) -> Refused:
    """What lies there is nobody's to replace but the user's, whatever was said."""
    return Refused(
        f"{name} {why}: --force does not replace it.",
        "Name another path, or move away what lies there.",
        code="destination-kept",
    )


def cannot_write(path: str, error: OSError) -> PlatformRefused:
    """The machine says no for another reason."""
    at = f" ({os.fsdecode(error.filename)!r})" if error.filename else ""
    return PlatformRefused(
        f"{path!r} cannot be written or compared: {error.strerror or error}{at}.",
        "Look at the permissions there, or fetch to another place.",
        code="cannot-write",
    )


def amount(size: int) -> str:
    """A size for people."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{size} bytes" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"


def _name(item: Item) -> str:
    return repr(item.relpath) if item.relpath else "The file"
