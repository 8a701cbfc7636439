"""Runs of ``tagline index``, and what lies there afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from tagline.domain.index.listing import INDEX, Listing, decode
from tagline.domain.index.tables import TABLES
from tests.support.gitbuild import Commit, History, Tag, build

#: Of the one model of each repository: as many tags for staging, half as many for prod.
VERSIONS, TAGS = 8, 20


class Ran:
    """One run: its exit code, its document, what a person was told."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.err = code, err
        self.document: dict[str, Any] = json.loads(out) if out else {}

    def __getattr__(self, name: str) -> Any:
        return self.document[name]


Run = Callable[..., Ran]


def listing(index: Path) -> Listing:
    return decode((index / INDEX).read_bytes(), str(index))


def rows(index: Path, table: str, *columns: str) -> list[Any]:
    """Rows of a table of the state that is listed."""
    files = ", ".join(f"'{index / part.file}'" for part in listing(index).tables[table])
    names = ", ".join(columns or TABLES[table].names)
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    return duck.execute(f"SELECT {names} FROM read_parquet([{files}]) ORDER BY ALL").fetchall()


def everything(index: Path) -> dict[str, list[Any]]:
    return {
        name: rows(index, name, *(one for one in table.names if one != "indexed_at")) for name, table in TABLES.items()
    }


def small(path: Path, *tags: Tag, files: dict[str, str | bytes] | None = None) -> Path:
    build(path, History((Commit("c0", (), files or {"a": "a"}),), tags), bare=True)
    return path
