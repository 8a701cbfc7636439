"""A folder's files as DVC lists them, checked: whatever a list says, nothing leads out of the folder.

The list is the content of a ``.dir`` object, or stands in the pointer where a remote keeps versions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tagline.errors import BadPointer

#: Bytes. Beyond that a list is not read: it would take a gigabyte of memory.
MAX_LISTING = 128 * 1024 * 1024

#: Beyond so many bytes a list must have entries of so many bytes on the average; honest ones have 60 and more.
_LARGE, _SHORTEST = 16 * 1024 * 1024, 25
_MD5_RE = re.compile(r"[0-9a-f]{32}")
_HINT = "The list of the folder is damaged or hostile: add the folder anew with dvc add, and push it."


class Entry(NamedTuple):
    """One file of a folder."""

    relpath: str
    md5: str


def read_listing(data: bytes, name: str) -> list[Entry]:
    """The entries of a ``.dir`` object; ``name`` is what it is called in errors.

    Raises BadPointer for anything but a list of files with an md5 and a path inside the folder.
    """
    if len(data) > MAX_LISTING:
        raise listing_too_large(name)
    if len(data) > _LARGE and data.count(b"{") > len(data) // _SHORTEST:
        # Rows of nothing take a hundred times their length in memory.
        raise BadPointer(f"{name} is not the list of a folder: its entries are too short.", _HINT)
    try:
        # As text: bytes would be taken for UTF-16 as well, which DVC never writes or reads.
        rows = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BadPointer(f"{name} is not the list of a folder: {type(error).__name__}.", _HINT) from None
    if not isinstance(rows, list):
        raise BadPointer(f"{name} is not the list of a folder.", _HINT)
    return checked([_entry(row, name) for row in rows], name)


def listing_too_large(name: str) -> BadPointer:
    """The error for a list that is not read."""
    return BadPointer(
        f"{name} is longer than {MAX_LISTING // (1024 * 1024)} MiB and was not read.",
        "Split the folder, or keep its files in archives.",
        code="listing-too-large",
    )


def _entry(row: Any, name: str) -> Entry:
    relpath = row.get("relpath") if isinstance(row, dict) else None
    md5 = row.get("md5") if isinstance(row, dict) else None
    if not isinstance(relpath, str) or not isinstance(md5, str):
        raise BadPointer(f"{name} has an entry without a path or an md5.", _HINT)
    return Entry(relpath, md5)


def checked(entries: Sequence[Entry], name: str) -> list[Entry]:
    """The entries, each path once. Raises BadPointer for what no honest list has."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if not _MD5_RE.fullmatch(entry.md5):
            raise BadPointer(f"{name} has {entry.md5[:60]!r} for {entry.relpath[:200]!r}, which is no md5.", _HINT)
        if not is_inside(entry.relpath):
            raise BadPointer(f"{name} has the path {entry.relpath[:200]!r}, which is not inside the folder.", _HINT)
        if found.setdefault(entry.relpath, entry).md5 != entry.md5:
            raise BadPointer(f"{name} has {entry.relpath[:200]!r} twice, with different digests.", _HINT)
    # With the smallest character for slashes, what lies in a folder comes right after the folder's own name.
    ordered = sorted(path.replace("/", "\0") for path in found)
    for path, following in pairwise(ordered):
        if following.startswith(f"{path}\0"):
            clash = path.replace("\0", "/")
            raise BadPointer(f"In {name} {clash[:200]!r} is both a file and a folder.", _HINT)
    return list(found.values())


def is_inside(relpath: str) -> bool:
    """Whether a path stays inside the folder that it is relative to, in the one spelling that is allowed."""
    if "\0" in relpath or not _encodable(relpath):
        return False
    return all(part not in ("", ".", "..") for part in relpath.split("/"))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate names no file
        return False
    return True


def folder_digest(entries: Iterable[Entry]) -> str:
    """The md5 (with ``.dir``) that DVC gives to a folder of these files.

    Source: dvc_data's ``Tree.digest``: the md5 of its JSON list, sorted by path.
    """
    rows = [{"md5": entry.md5, "relpath": entry.relpath} for entry in sorted(entries, key=lambda e: e.relpath)]
    text = json.dumps(rows, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"


def below(entries: Iterable[Entry], inner: str) -> list[Entry]:
    """The entries in a folder inside the folder, with paths relative to it."""
    prefix = f"{inner}/"
    return [Entry(entry.relpath[len(prefix) :], entry.md5) for entry in entries if entry.relpath.startswith(prefix)]
