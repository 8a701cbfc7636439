"""What a comment of ours remembers, hidden in it: the plan that reviewers saw, or what a merge decided.

Compressed and in Base64, so that nothing of it can end the HTML comment that it stands in. It is read
only from comments of our own, and even there as data that somebody may have edited.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tagline.domain.promotion import Refusal

#: What every comment of ours ends in; by it and by its author it is found again.
MARKER = "<!-- tagline:v1 "
_DATA_RE = re.compile(re.escape(MARKER) + r"([A-Za-z0-9+/=]*) -->")
_MAX_DATA = 200_000

Signature = tuple[str | None, ...]


@dataclass(frozen=True)
class Record:
    """``seen`` are the signatures of the plan's steps; ``final`` says that the merge was judged.

    ``refused`` are then the refusals that stand, and ``made`` the tags that were made or found.
    """

    seen: tuple[Signature, ...] = ()
    final: bool = False
    refused: tuple[Refusal, ...] = ()
    made: tuple[str, ...] = ()


def hide(record: Record) -> str:
    """The record as the last line of a comment."""
    data = {"seen": record.seen, "final": record.final, "refused": record.refused, "made": record.made}
    packed = zlib.compress(json.dumps(data).encode(), 9)
    return f"{MARKER}{base64.b64encode(packed).decode()} -->"


def find(body: str) -> Record | None:
    """The record of a comment; None where there is none, or none that can be read."""
    # The last one is ours: what a text quotes stands before it.
    match = next(reversed(list(_DATA_RE.finditer(body))), None)
    if match is None:
        return None
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(base64.b64decode(match[1], validate=True), _MAX_DATA)
        data = json.loads(text)
        return Record(
            tuple(_signature(row) for row in data["seen"]),
            data["final"] is True,
            tuple(Refusal(*_texts(row, 5)) for row in data["refused"]),
            tuple(str(tag) for tag in data["made"]),
        )
    except (binascii.Error, zlib.error, ValueError, TypeError, KeyError, RecursionError):
        return None


def _signature(row: Any) -> Any:
    return _texts(row, 5)


def _texts(row: Any, length: int) -> Any:
    if not isinstance(row, Sequence) or len(row) != length or not all(v is None or isinstance(v, str) for v in row):
        raise ValueError(row)
    return tuple(row)
