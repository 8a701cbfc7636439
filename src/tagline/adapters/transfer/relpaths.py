"""Which paths inside an artifact may become files: checked where they are made, whoever checked them before."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from tagline.domain.storage.objects import Item
from tagline.errors import BadPointer


def is_one_file(items: Sequence[Item]) -> bool:
    """Whether the artifact is a file and no folder. No item at all is an empty folder."""
    return len(items) == 1 and items[0].relpath == ""


def check_relpaths(items: Sequence[Item]) -> None:
    """Raises BadPointer where a path would leave the destination or stand in another's way."""
    if is_one_file(items):
        return
    names = [item.relpath for item in items]
    files: set[str] = set()
    for name in names:
        why = "is there twice" if name in files else _wrong(name)
        if why:
            raise _bad(name, why)
        files.add(name)
    for folder in folders_of(names):
        if folder in files:
            raise _bad(folder, "is both a file and a folder")


def _wrong(name: str) -> str | None:
    if "\0" in name:
        return "contains a NUL"
    if name.startswith("/"):
        return "is absolute"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "has a part that is empty, '.' or '..'"
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return "cannot be a file's name here"
    return None


def folders_of(names: Iterable[str]) -> list[str]:
    """Every folder that the files need, parents before their children."""
    found: dict[str, None] = {}
    last = None
    for name in names:
        folder = name.rpartition("/")[0]
        if not folder or folder == last:
            continue
        last = folder
        if folder not in found:
            parts = folder.split("/")
            found.update(("/".join(parts[: i + 1]), None) for i in range(len(parts)))
    return list(found)


def _bad(name: str, why: str) -> BadPointer:
    return BadPointer(
        f"The artifact's list of files cannot be used: {name!r} {why}.",
        "Nothing was written. Add the folder anew with dvc add, and do not trust whoever made this list.",
    )
