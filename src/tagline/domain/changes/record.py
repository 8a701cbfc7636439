"""What a comment of ours hides: which words on a merge it has, if it is about one that was judged.

It is read only from comments of our own, and even there as data that somebody may have edited: it tells whether a
comment has to be written anew, and nothing about the change.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from tagline.domain.changes.promotion import Decided

#: What every comment of ours ends in; by it and by its author it is found again.
MARKER = "<!-- tagline:v1 "
_DATA_RE = re.compile(re.escape(MARKER) + r"([A-Za-z0-9+/=]*) -->")
_DIGEST_RE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Record:
    """``says`` is the digest of a judged merge (32 hex digits), before the merge empty."""

    says: str = ""


def digest(decided: Decided) -> str:
    """One word for what a comment says of a judged merge."""
    tags = [row.tag for row in decided.rows]
    text = json.dumps([decided.verdict, decided.refused, tags])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def hide(record: Record) -> str:
    """The record as the last line of a comment."""
    return f"{MARKER}{record.says} -->"


def find(body: str) -> Record | None:
    """The record of a comment; None where there is none. One of an older version says nothing, and is written anew."""
    # The last one is ours: what a text quotes stands before it.
    match = next(reversed(list(_DATA_RE.finditer(body))), None)
    if match is None:
        return None
    return Record(match[1] if _DIGEST_RE.fullmatch(match[1]) else "")
