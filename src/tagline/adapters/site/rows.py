"""The rows of an index's Parquet files, read by DuckDB. Needs the extra ``index``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tagline.adapters.index.duck import connect, in_seconds, load
from tagline.adapters.scratch import temporary
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
        with temporary("tagline-site-") as folder:
            connection = connect(folder)
            try:
                return {name: self._read(connection, table) for name, table in TABLES.items()}
            finally:
                connection.close()

    def _read(self, connection: Any, table: Table) -> list[tuple[Any, ...]]:
        files = self._data.local(self._listing.tables.get(table.name, ()))
        if not files:
            return []
        try:
            rows: list[tuple[Any, ...]] = connection.execute(in_seconds(connection, table.name, files)).fetchall()
        except load().Error as error:
            raise WrongUsage(
                f"The index's table {table.name} cannot be read: {str(error).splitlines()[0]}",
                "Make the index again: tagline index REPO... -o DEST",
            ) from error
        return rows
