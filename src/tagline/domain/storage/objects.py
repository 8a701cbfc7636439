"""Bytes that lie outside of Git's history: remotes, objects, and the files that an artifact consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Key(NamedTuple):
    """An object of a store: its path below the store's own root, and the version of it where one is named."""

    path: str
    version_id: str | None = None


class Facts(NamedTuple):
    """What a store says of an object without sending it. ``size`` is in bytes.

    ``etag`` is the store's own mark of this content, good for comparing and nothing else; ``md5`` is the
    hex digest where the store vouches for it.
    """

    size: int
    etag: str | None = None
    version_id: str | None = None
    md5: str | None = None


class Item(NamedTuple):
    """One file of an artifact.

    ``relpath`` is its path inside the artifact's folder, POSIX, and empty where the artifact is this one
    file. ``digest`` is ``md5:HEX``, ``sha256:HEX`` or ``gitblob:HEX``; ``size`` is in bytes, None where
    the pointer does not say. ``text`` marks an md5 of DVC 2, for which text was hashed with Unix's line
    ends whatever it has.
    """

    relpath: str
    key: Key
    digest: str
    size: int | None = None
    text: bool = False


@dataclass(frozen=True)
class Remote:
    """A DVC remote as the merged configuration describes it.

    ``options`` are the rest of its keys, as written. ``own`` names those (``url`` too) that this machine's
    configuration set; the repository set the others, so they are data from a stranger.
    """

    name: str
    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    @property
    def version_aware(self) -> bool:
        """Whether objects keep their paths and are told apart by versions."""
        return any(self.options.get(key, "").lower() == "true" for key in ("version_aware", "worktree"))

    @property
    def is_worktree(self) -> bool:
        """Whether hashed objects, where there are any, lie below ``.dvc``."""
        return self.options.get("worktree", "").lower() == "true"


@dataclass(frozen=True)
class Location:
    """Where the bytes are, as far as Git and the store tell. ``size`` is in bytes, ``sha256`` 64 hex digits."""

    uri: str | None = None
    digest: str | None = None
    size: int | None = None
    files: int | None = None
    version_id: str | None = None
    sha256: str | None = None


def only_file(items: Sequence[Item]) -> Item | None:
    """The one file that an artifact is; None for a folder, also for one with a single file in it."""
    return items[0] if len(items) == 1 and not items[0].relpath else None


def total_size(items: Sequence[Item]) -> int | None:
    """The bytes of all items; None where one does not say."""
    sizes = [item.size for item in items]
    return None if None in sizes else sum(size or 0 for size in sizes)
