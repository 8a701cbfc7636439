"""The rows of an index's Parquet files, read by DuckDB. Needs the extra ``index``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tagline.adapters.index.duck import connect, load, parquet
from tagline.domain.index.tables import TABLES, Table
from tagline.errors import WrongUsage
from tagline.ports.index import DataSet


class ParquetRows:
    """The port IndexRows over a data set. Raises WrongUsage where there is none."""

    def __init__(self, data: DataSet) -> None:
        load()
        self._data = data
        listing = data.read()
        if listing is None:
            raise WrongUsage(f"There is no index in {data.name}.", "Make one: tagline index REPO... -o DEST")
        self._listing = listing

    @property
    def generated_at(self) -> str:
        """When the index was made."""
        return self._listing.generated_at

    def rows(self) -> Mapping[str, Iterable[tuple[Any, ...]]]:
        """All tables; one without parts is empty."""
        with tempfile.TemporaryDirectory(prefix="tagline-site-") as scratch:
            connection = connect(Path(scratch))
            try:
                return {name: self._read(connection, table) for name, table in TABLES.items()}
            finally:
                connection.close()

    def _read(self, connection: Any, table: Table) -> list[tuple[Any, ...]]:
        """The rows of a table; a column that its parts do not have yet is NULL."""
        parts = self._data.local(self._listing.tables.get(table.name, ()))
        if not parts:
            return []
        source = parquet(parts).removesuffix(")") + ", union_by_name = true)"
        try:
            there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}  # noqa: S608
            columns = ", ".join(_select(one.name, one.kind, there) for one in table.columns)
            rows: list[tuple[Any, ...]] = connection.execute(f"SELECT {columns} FROM {source}").fetchall()  # noqa: S608
        except load().Error as error:
            raise WrongUsage(
                f"The index's table {table.name} cannot be read: {str(error).splitlines()[0]}",
                "Make the index again: tagline index REPO... -o DEST",
            ) from error
        return rows


def _select(name: str, kind: str, there: set[str]) -> str:
    if name not in there:
        return f'NULL AS "{name}"'
    return f'CAST(floor(epoch("{name}")) AS BIGINT) AS "{name}"' if kind.startswith("TIMESTAMP") else f'"{name}"'
