"""What a comment of ours hides: what it is about, and which words on a merge it has, if that was judged.

It is read only from comments of our own, and even there as data that somebody may have edited: it tells whether a
comment has to be written anew, and nothing about the change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from tagline.domain.changes.promotion import Decided

#: What every comment of ours ends in; by it and by its author it is found again.
MARKER = "<!-- tagline:v1 "
#: What is added to a comment that stands follows this.
ADDED = "<!-- tagline:added -->"
_DATA_RE = re.compile(re.escape(MARKER) + r"([A-Za-z0-9+/=]*) -->")
_DIGEST_RE = re.compile(r"[0-9a-f]{32}")
#: What the one that says how to ask hides. No digest looks like it.
_TEACHES = "teach"
#: Before the digest of the labels that it answers.
_JOINT = "+"


@dataclass(frozen=True)
class Record:
    """``says`` is the digest of a judged merge (32 hex digits), before the merge empty.

    ``teaches``: it only says how to ask. ``answers`` is the digest of the labels that ask for nothing and that it
    answers all the same; empty for none.
    """

    says: str = ""
    teaches: bool = False
    answers: str = ""


def answered(labels: Collection[str]) -> str:
    """One word for the labels that a comment answers; empty for none."""
    return _word(sorted(labels)) if labels else ""


def _word(said: object) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def digest(decided: Decided) -> str:
    """One word for what a comment says of a judged merge."""
    tags = [row.tag for row in decided.rows]
    return _word([decided.verdict, decided.refused, tags])


def hide(record: Record) -> str:
    """The record as the last line of a comment."""
    answers = f"{_JOINT}{record.answers}" if record.answers else ""
    return f"{MARKER}{_TEACHES if record.teaches else record.says}{answers} -->"


def find(body: str) -> Record | None:
    """The record of a comment; None where there is none. One of an older version says nothing, and is written anew."""
    # The last one is ours: what a text quotes stands before it.
    match = next(reversed(list(_DATA_RE.finditer(body))), None)
    if match is None:
        return None
    says, _, answers = match[1].partition(_JOINT)
    return Record(_digest_of(says), says == _TEACHES, _digest_of(answers))


def visible(body: str) -> str:
    """A comment without its record, and without what was added to it."""
    return body.rpartition(MARKER)[0].partition(ADDED)[0].rstrip()


def _digest_of(text: str) -> str:
    return text if _DIGEST_RE.fullmatch(text) else ""
