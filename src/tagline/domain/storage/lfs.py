"""Git LFS pointers: the small file that Git keeps instead of the bytes.

Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

#: How every pointer begins, and no pointer is longer than this many bytes.
PREFIX = b"version https://git-lfs.github.com/spec/"
MAX_POINTER = 1024
#: What says which files Git LFS keeps, in any folder, and the bytes that are read of one.
ATTRIBUTES = ".gitattributes"
MAX_ATTRIBUTES = 10 * 1024 * 1024

_OID_RE = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE_RE = re.compile(rb"^size ([0-9]{1,18})$", re.MULTILINE)


def mention_lfs(attributes: Iterable[bytes]) -> bool:
    """Whether a repository with these attributes may keep any file by Git LFS."""
    return any(b"filter=lfs" in data for data in attributes)


class LfsPointer(NamedTuple):
    """What a pointer stands for: sha256 (hex) and size in bytes."""

    sha256: str
    size: int


def parse_pointer(data: bytes) -> LfsPointer | None:
    """Read a pointer; None for a file that is none, or is one that nobody can read."""
    if len(data) > MAX_POINTER or not data.startswith(PREFIX):
        return None
    oid, size = _OID_RE.search(data), _SIZE_RE.search(data)
    return LfsPointer(oid[1].decode(), int(size[1])) if oid and size else None
