"""Small data sets on disk, written by DuckDB itself: rows by table, in the order of the columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tagline.domain.index.tables import FORMAT, TABLES

#: A value that would harm whoever takes it for more than text.
HOSTILE = (
    "=cmd|' /C calc'!A0\x1b[31m\r\n::error::<script>alert(1)</script>`|'; DROP TABLE stages; --\t@x\u202e##[group]"
)

#: One artifact with a row in every table.
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "cards": [("h/o/r", "public", "rf", "MODEL_CARD.md", "# A forest", "team-a", "mit", "churn", "low", None)],
    "images": [("h/o/r", "public", "rf", "curve.png", "png", 4, 3, "iVBORw0KGgo=")],
    "pins": [("h/o/r", "public", "base", "h/o/base", "base", "base#prod", "v2.0.0", "c2", "md5:ae")],
    "repositories": [("h/o/r", "https://h/o/r", "github", "public", None, 1_700_000_000, "ok", None, None)],
    "artifacts": [("h/o/r", "public", "rf", "model", "m", "a forest", ["tabular"], "team-a", None, "v1.1.0", False)],
    "versions": [
        ("h/o/r", "public", "rf", "v1.0.0", "c0", "rf@v1.0.0", 1_700_000_000, True, "md5:aa", None, 5, None, None,
         None),
        ("h/o/r", "public", "rf", "v1.1.0", "c1", "rf@v1.1.0", 1_700_100_000, True, "md5:ab", None, None, None, None,
         ["alice", "bob"]),
    ],
    "stages": [("h/o/r", "public", "rf", "prod", "v1.0.0", "c0", "rf#prod#1", 1_700_000_001, False)],
    "holds": [("h/o/r", "public", "rf", "prod", "v1.0.0", 1_700_000_001, None, "https://h/o/r/pull/7", ["alice"])],
    "events": [
        ("h/o/r", "public", "rf", "registration", "v1.0.0", None, "c0", "rf@v1.0.0", 1_700_000_000, "Ann", None,
         "Q1 review", ["RISK-12"]),
    ],
    "metrics": [
        ("h/o/r", "public", "rf", "v1.0.0", "accuracy", 0.91, "metrics.json"),
        ("h/o/r", "public", "rf", "v1.1.0", "accuracy", float("nan"), "metrics.json"),
    ],
    "params": [("h/o/r", "public", "rf", "v1.0.0", "train.lr", "0.001", "params.yaml")],
    "inputs": [("h/o/r", "public", "rf", "v1.0.0", "data", "train", "data.csv", "md5:dd", 9, None)],
    "deployments": [],
}  # fmt: skip


def into(connection: duckdb.DuckDBPyConnection, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """All tables, with these rows."""
    for name, table in TABLES.items():
        columns = ", ".join(f'"{one.name}" {one.kind}' for one in table.columns)
        marks = ", ".join("to_timestamp(?)" if one.kind.startswith("TIMESTAMP") else "?" for one in table.columns)
        connection.execute(f"CREATE TABLE {name} ({columns})")
        if rows.get(name):
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", [list(row) for row in rows[name]])


def build(folder: Path, rows: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """An index in the folder, with one part for each table that has rows."""
    connection = duckdb.connect()
    into(connection, rows)
    listed = {name: [_part(connection, folder, name, len(rows[name]))] if rows.get(name) else [] for name in TABLES}
    document = {"format": FORMAT, "generated_at": "2026-01-01T00:00:00Z", "tables": listed}
    (folder / "index.json").write_text(json.dumps(document))
    return folder


def _part(connection: duckdb.DuckDBPyConnection, folder: Path, name: str, rows: int) -> dict[str, Any]:
    (folder / name).mkdir(parents=True)
    written = folder / name / "written"
    connection.execute(f"COPY {name} TO '{written}' (FORMAT parquet)")
    data = written.read_bytes()
    file = f"{name}/{hashlib.sha256(data).hexdigest()[:32]}.parquet"
    written.rename(folder / file)
    return {"file": file, "rows": rows, "bytes": len(data), "buckets": [0]}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by its path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in _files(folder)}


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())
