"""The data set as it is, read by others: DuckDB, pyarrow and Polars see the same rows and types."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow.parquet
import pytest

from tagline.adapters.index.dataset import PlacedDataSet
from tagline.adapters.index.folder import Folder
from tagline.domain.index.listing import MANIFEST
from tagline.domain.index.tables import TABLES
from tagline.ports.index import Update
from tests.support.indexes import HOSTILE, ROWS

_ARROW = {
    "VARCHAR": {"string"},
    "BOOLEAN": {"bool"},
    "BIGINT": {"int64"},
    "DOUBLE": {"double"},
    "TIMESTAMP WITH TIME ZONE": {"timestamp[us, tz=UTC]"},
    "VARCHAR[]": {"list<element: string>", "list<item: string>"},
}
_ODD = f"{HOSTILE}\0\ud800é\U0001f600"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with one repository by hand, and a second one of hostile text, infinities and times at their limits."""
    folder = tmp_path_factory.mktemp("place") / "index"
    odd = _ODD.encode(errors="replace").decode()
    with PlacedDataSet(Folder(folder), tmp_path_factory.mktemp("scratch")) as data:
        data.spool().add(ROWS)
        data.spool().add({
            "repositories": [("odd", odd, "git", "unknown", odd, 253_402_300_799, "ok", None, odd)],
            "artifacts": [("odd", "unknown", odd, odd, odd, odd, [odd, ""], odd, odd, None, False)],
            "metrics": [("odd", "unknown", odd, "v1.0.0", str(number), number, odd)
                        for number in (math.inf, -math.inf, 1e308, 5e-324, 0.1)],
        })  # fmt: skip
        data.update(Update(["h/o/r", "odd"], {}, lambda _: True, 1_800_000_000))
    return folder


def files(index: Path, table: str) -> list[str]:
    """By the list that other engines read."""
    return [line.removeprefix("file://") for line in (index / table / MANIFEST).read_text().splitlines()]


@pytest.mark.parametrize("name", TABLES)
def test_reader__each__has_the_columns_and_rows(index: Path, name: str) -> None:
    table = TABLES[name]
    arrow = pyarrow.parquet.ParquetDataset(files(index, name)).read()
    assert tuple(arrow.schema.names) == table.names
    for column in table.columns:
        assert str(arrow.schema.field(column.name).type) in _ARROW[column.kind], column
    frame = polars.read_parquet(files(index, name))
    assert tuple(frame.columns) == table.names
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    described = duck.execute(f"DESCRIBE SELECT * FROM read_parquet({files(index, name)})").fetchall()
    assert [row[:2] for row in described] == [(one.name, one.kind) for one in table.columns]
    rows = duck.execute(f"SELECT * FROM read_parquet({files(index, name)})").fetchall()
    assert len(rows) == arrow.num_rows == frame.height == sum(row[0] != "" for row in rows)
    by_arrow = [tuple(row.values()) for row in arrow.to_pylist()]
    assert list(map(told, rows)) == list(map(told, by_arrow)) == list(map(told, frame.rows()))


def told(row: tuple[Any, ...]) -> list[Any]:
    """A row to be compared: NaN is itself, an instant is its seconds."""
    cells: list[Any] = []
    for cell in row:
        if isinstance(cell, float) and math.isnan(cell):
            cells.append("NaN")
        else:
            cells.append(cell.timestamp() if isinstance(cell, datetime.datetime) else cell)
    return cells


def test_reader__hostile_text__is_as_it_was(index: Path) -> None:
    odd = _ODD.encode(errors="replace").decode()
    (row,) = duckdb.sql(f"SELECT * FROM read_parquet({files(index, 'artifacts')}) WHERE repository = 'odd'").fetchall()
    assert row[2:9] == (odd, odd, odd, odd, [odd, ""], odd, odd)
    found = duckdb.sql(f"SELECT value FROM read_parquet({files(index, 'metrics')}) WHERE repository = 'odd'").fetchall()
    assert {value for (value,) in found} == {math.inf, -math.inf, 1e308, 5e-324, 0.1}
