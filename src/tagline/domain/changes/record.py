"""What a comment of ours remembers, hidden in it: the plan that reviewers saw, or which words on a merge it has.

Compressed and in Base64, so that nothing of it can end the HTML comment that it stands in. It is read
only from comments of our own, and even there as data that somebody may have edited: it tells whether a comment
has to be written anew, and nothing about the change.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

from tagline.domain.changes.promotion import Decided

#: What every comment of ours ends in; by it and by its author it is found again.
MARKER = "<!-- tagline:v1 "
_DATA_RE = re.compile(re.escape(MARKER) + r"([A-Za-z0-9+/=]*) -->")
_MAX_DATA = 1_000_000
#: Characters of the hidden line: the rest of a comment is for people.
LONGEST = 25_000

Signature = tuple[str | None, ...]


@dataclass(frozen=True)
class Record:
    """``seen`` are the signatures of the plan's steps; ``says`` is the digest of a judged merge, before it empty."""

    seen: tuple[Signature, ...] = ()
    says: str = ""


def digest(decided: Decided) -> str:
    """One word for what a comment says of a judged merge."""
    tags = [row.tag for row in decided.rows]
    text = json.dumps([decided.verdict, decided.refused, tags, decided.drift])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def hide(record: Record) -> str:
    """The record as the last line of a comment. Where what was seen is too long for that, nothing counts as seen."""
    line = _line(record)
    return line if len(line) <= LONGEST else _line(Record(says=record.says))


def _line(record: Record) -> str:
    text = json.dumps({"seen": record.seen, "says": record.says}).encode()
    packed = zlib.compress(text, 9) if len(text) <= _MAX_DATA else text
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
        # Comments of older versions have no digest, and are written anew.
        return Record(tuple(_texts(row) for row in data["seen"]), str(data.get("says", "")))
    except (binascii.Error, zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _texts(row: Any) -> Signature:
    if not isinstance(row, list) or len(row) != 5 or not all(v is None or isinstance(v, str) for v in row):
        raise ValueError(row)
    return tuple(row)
