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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tagline.domain.promotion import Refusal

#: What every comment of ours ends in; by it and by its author it is found again.
MARKER = "<!-- tagline:v1 "
_DATA_RE = re.compile(re.escape(MARKER) + r"([A-Za-z0-9+/=]*) -->")
_MAX_DATA = 1_000_000
#: Characters of the hidden line: the rest of a comment is for people.
LONGEST = 25_000

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
    """The record as the last line of a comment; of one that is too long for that, what is needed most."""
    return next(line for line in map(_line, _shorter(record)) if len(line) <= LONGEST)


def _line(record: Record) -> str:
    data = {"seen": record.seen, "final": record.final, "refused": record.refused, "made": record.made}
    text = json.dumps(data).encode()
    packed = zlib.compress(text, 9) if len(text) <= _MAX_DATA else text
    return f"{MARKER}{base64.b64encode(packed).decode()} -->"


def _shorter(record: Record) -> Iterator[Record]:
    """The record, and then with ever less in it. It never says less than that a merge was judged, and refused."""
    yield record
    if record.final:
        yield (record := replace(record, seen=(), made=()))  # judged is judged, whatever was seen before
        yield replace(record, refused=tuple(r._replace(message=_short(r.message), fix="") for r in record.refused))
    # Where nothing is remembered as seen, nothing counts as seen.
    yield Record(final=record.final, refused=(_TOO_LONG,) if record.refused else ())


def _short(message: str) -> str:
    return message if len(message) <= 100 else f"{message[:99]}…"


_TOO_LONG = Refusal(
    None,
    None,
    "record",
    "More was refused than a comment can remember.",
    "Ask again for what is missing in new changes of fewer artifacts.",
)


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
            tuple(_texts(row) for row in data["seen"]),
            data["final"] is True,
            tuple(map(_refusal, data["refused"])),
            tuple(map(str, data["made"])),
        )
    except (binascii.Error, zlib.error, ValueError, TypeError, KeyError, RecursionError):
        return None


def _refusal(row: Any) -> Refusal:
    artifact, stage, *words = _texts(row)
    return Refusal(artifact, stage, *(word or "" for word in words))


def _texts(row: Any) -> Signature:
    if not isinstance(row, list) or len(row) != 5 or not all(v is None or isinstance(v, str) for v in row):
        raise ValueError(row)
    return tuple(row)
