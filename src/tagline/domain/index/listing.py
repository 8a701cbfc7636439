"""``index.json``: which files an index consists of, as one state of all tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tagline.domain.index.buckets import BUCKETS
from tagline.domain.index.tables import FORMAT, TABLES
from tagline.errors import WrongUsage

#: The file's name.
INDEX = "index.json"
#: Where other engines read which files a table has.
MANIFEST = "_symlink_format_manifest/manifest"
#: Bytes of it.
MAX_INDEX = 64 << 20

_FILE_RE = re.compile(r"[a-z]+/[0-9a-f]{32}\.parquet")


class Part(NamedTuple):
    """A Parquet file of a table: its path from the data set's root, rows, bytes, and which buckets it has rows of."""

    file: str
    rows: int
    bytes: int
    buckets: tuple[int, ...]


@dataclass(frozen=True)
class Listing:
    """One state. ``generated_at`` is RFC 3339; ``retired`` are files that are listed no more, and since when.

    ``columns`` is how many of a table's columns each of its parts has at least: other releases may have written fewer.
    """

    generated_at: str
    tables: Mapping[str, Sequence[Part]]
    retired: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT
    columns: Mapping[str, int] = field(default_factory=dict)

    def is_whole(self, table: str) -> bool:
        """Whether each part of a table is known to have all columns that we know."""
        return self.columns.get(table, 0) >= len(TABLES[table].columns)

    @property
    def files(self) -> frozenset[str]:
        """Every file that is listed."""
        return frozenset(part.file for parts in self.tables.values() for part in parts)


def is_part(file: str) -> bool:
    """Whether a path is called as parts are: a folder may also have files of other people."""
    return _FILE_RE.fullmatch(file) is not None


def encode(listing: Listing) -> bytes:
    """The content of ``index.json``."""
    tables = {
        name: [{**part._asdict(), "buckets": list(part.buckets)} for part in parts]
        for name, parts in listing.tables.items()
    }
    document = {
        "format": FORMAT,
        "generated_at": listing.generated_at,
        "tables": tables,
        "retired": listing.retired,
        "columns": listing.columns,
    }
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def decode(data: bytes, name: str, *, outdated: bool = False) -> Listing:
    """What an ``index.json`` says. Whoever may write there may have written it: a file's name leads nowhere else.

    ``outdated``: of an older format no table is known, only its files, which are retired from now on. Else raises
    WrongUsage for an index of another format; and always for a newer one, and for what is none.
    """
    try:
        found = json.loads(data)
        written = found["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _no_index(name) from None
    if type(written) is not int:
        raise _no_index(name)
    if outdated and 0 <= written < FORMAT:
        files = dict.fromkeys(_FILE_RE.findall(data.decode(errors="replace")), "")
        return Listing("", {}, files, written)
    if written != FORMAT:
        newer = written > FORMAT
        raise WrongUsage(
            f"The index at {name} has format {written}, and this release of Tagline knows format {FORMAT}.",
            "Update Tagline." if newer else "Bring it up to date: run tagline index into the same place.",
            code="index-format",
        )
    try:
        tables = {table: _parts(table, found["tables"].get(table, ())) for table in TABLES}
        retired = {
            str(file): str(since) for file, since in found.get("retired", {}).items() if _FILE_RE.fullmatch(file)
        }
        columns = {table: int(number) for table, number in found.get("columns", {}).items() if table in TABLES}
        return Listing(str(found["generated_at"]), tables, retired, columns=columns)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise _no_index(name) from None


def _parts(table: str, rows: Any) -> tuple[Part, ...]:
    """A table's parts, each once and of that table: else its rows would count again, and each copy take room."""
    parts = tuple(map(_part, rows))
    files = {part.file for part in parts}
    if len(files) < len(parts) or not all(file.startswith(f"{table}/") for file in files):
        raise ValueError(table)
    return parts


def _part(row: Any) -> Part:
    file, rows, size, buckets = (row[key] for key in Part._fields)
    part = Part(file, int(rows), int(size), tuple(int(bucket) for bucket in buckets))
    if (
        not _FILE_RE.fullmatch(file)
        or min(part.rows, part.bytes) < 0
        or not all(0 <= b < BUCKETS for b in part.buckets)
    ):
        raise ValueError(file)
    return part


def _no_index(name: str) -> WrongUsage:
    return WrongUsage(
        f"{name}/{INDEX} is no index of Tagline.",
        "Name the place that tagline index -o wrote to.",
        code="no-index",
    )
