"""From one state of an index to the next: which files are written anew, and which stay."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tagline.adapters.index.duck import columns, connect, from_spool
from tagline.adapters.index.duck import parts as select
from tagline.adapters.index.sql import quoted
from tagline.domain.index.buckets import BUCKETS, bucket_of, files_for, group_of
from tagline.domain.index.listing import Listing, Part
from tagline.domain.index.tables import TABLES

#: Where the files of some parts are on this machine.
Local = Callable[[Sequence[Part]], Sequence[Path]]


class Merged(NamedTuple):
    """The parts of every table, and where those are that are new."""

    tables: dict[str, list[Part]]
    fresh: dict[str, Path]


class Merge:
    """One run of DuckDB over the old parts and the new rows, in a folder of its own."""

    def __init__(self, scratch: Path, local: Local) -> None:
        self._scratch = scratch
        self._local = local
        self._duck = connect(scratch)
        self._fresh: dict[str, Path] = {}

    def __enter__(self) -> Merge:
        return self

    def __exit__(self, *_: object) -> None:
        self._duck.close()

    def repositories(self, parts: Sequence[Part]) -> dict[str, str | None]:
        """Every repository that is listed, and its fingerprint."""
        if not parts:
            return {}
        there = select(self._duck, "repositories", self._local(parts))
        rows = self._duck.execute(f"SELECT repository, fingerprint FROM ({there})")
        return dict(rows.fetchall())

    def run(
        self, listing: Listing, spool: Mapping[str, Path], leaving: Collection[str], replaced: Collection[str],
        known: Collection[str],
    ) -> Merged:  # fmt: skip
        """The next state: without the rows of ``leaving`` and ``replaced``, with those of the spool.

        ``known`` are all repositories that are in the old state or the spool.
        """
        self._name(known, {*leaving, *replaced})
        touched = frozenset(bucket_of(one) for one in {*leaving, *replaced})
        found = {table: self._table(table, listing, spool.get(table), touched) for table in TABLES}
        return Merged(found, self._fresh)

    def _name(self, known: Collection[str], going: Collection[str]) -> None:
        """The buckets of repositories, and whose old rows go, as tables that the others are joined with."""
        self._duck.execute("CREATE OR REPLACE TABLE named (repository VARCHAR, bucket INTEGER, goes BOOLEAN)")
        names = sorted({*known, *going})
        for start in range(0, len(names), 1000):
            some = names[start : start + 1000]
            values = [value for name in some for value in (name, bucket_of(name), name in going)]
            self._duck.execute(f"INSERT INTO named VALUES {', '.join(['(?, ?, ?)'] * len(some))}", values)

    def _table(self, table: str, listing: Listing, spool: Path | None, touched: frozenset[int]) -> list[Part]:
        """One table's parts. Where the number of files changes with the number of rows, all are written anew.

        So are those that lack a column.
        """
        parts, is_whole = listing.tables.get(table, ()), listing.is_whole(table)
        files = files_for(sum(part.rows for part in parts))
        if not is_whole or not _is_split(parts, files):
            touched = frozenset(range(BUCKETS))
        stays, rows = self._gather(table, parts, spool, touched, files)
        if files_for(rows) != files:
            files, touched = files_for(rows), frozenset(range(BUCKETS))
            stays, rows = self._gather(table, parts, spool, touched, files)
        groups = sorted({group_of(bucket, files) for bucket in touched})
        fresh = [part for group in groups if (part := self._write(table, group, files)) is not None]
        every = sorted([*stays, *fresh], key=lambda part: part.buckets)
        if every:
            return every
        empty = [part for part in parts if not part.rows and is_whole]
        return empty[:1] or [self._empty(table)]

    def _gather(
        self, table: str, parts: Sequence[Part], spool: Path | None, touched: frozenset[int], files: int
    ) -> tuple[list[Part], int]:
        """Bring together the rows of the files that are written anew; what stays, and the number of all rows."""
        groups = {group_of(bucket, files) for bucket in touched}
        stays = [
            part for part in parts if part.rows and groups.isdisjoint(group_of(one, files) for one in part.buckets)
        ]
        old = [part for part in parts if part.rows and part not in stays]
        names = columns(table)
        sources = []
        if old:
            sources.append(
                f"SELECT {names} FROM ({select(self._duck, table, self._local(old))}) "
                "WHERE repository NOT IN (SELECT repository FROM named WHERE goes)"
            )
        if spool is not None:
            sources.append(f"SELECT {names} FROM ({from_spool(table, spool)})")
        kinds = ", ".join(f'"{column.name}" {column.kind}' for column in TABLES[table].columns)
        self._duck.execute(f"CREATE OR REPLACE TABLE gathered ({kinds})")
        if sources:
            self._duck.execute(f"INSERT INTO gathered {' UNION ALL '.join(sources)}")
        ((count,),) = self._duck.execute("SELECT count(*) FROM gathered").fetchall()
        return stays, count + sum(part.rows for part in stays)

    def _write(self, table: str, group: int, files: int) -> Part | None:
        """One file of the gathered rows; None for no rows."""
        first, last = group * BUCKETS // files, (group + 1) * BUCKETS // files
        rows = f"FROM gathered JOIN named USING (repository) WHERE bucket >= {first} AND bucket < {last}"
        buckets = self._duck.execute(f"SELECT bucket, count(*) {rows} GROUP BY bucket ORDER BY bucket").fetchall()
        if not buckets:
            return None
        return self._copy(table, f"SELECT {columns(table)} {rows} ORDER BY ALL", buckets)

    def _empty(self, table: str) -> Part:
        """A file without rows, so that every reader finds the columns."""
        return self._copy(table, f"SELECT {columns(table)} FROM gathered LIMIT 0", [])

    def _copy(self, table: str, query: str, buckets: Sequence[tuple[int, int]]) -> Part:
        new = self._scratch / f"{table}.parquet"
        self._duck.execute(f"COPY ({query}) TO {quoted(str(new))} (FORMAT parquet, COMPRESSION zstd)")
        with new.open("rb") as file:
            name = f"{table}/{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}.parquet"
        path = self._scratch / name
        path.parent.mkdir(exist_ok=True)
        new.replace(path)
        self._fresh[name] = path
        rows = sum(count for _, count in buckets)
        return Part(name, rows, path.stat().st_size, tuple(bucket for bucket, _ in buckets))


def _is_split(parts: Sequence[Part], files: int) -> bool:
    """Whether parts lie as so many files would: each within one group, and no two in the same."""
    groups: list[set[int]] = [{group_of(bucket, files) for bucket in part.buckets} for part in parts if part.rows]
    seen = [next(iter(group)) for group in groups if len(group) == 1]
    return len(seen) == len(groups) == len(set(seen))
