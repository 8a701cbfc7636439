"""DuckDB as the index uses it: opened without extensions, files or configuration of anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tagline.adapters.index.sql import of_mixed_releases, quoted
from tagline.domain.index.tables import TABLES
from tagline.errors import WrongUsage

#: Of memory; what does not fit goes to a folder of the run.
_MEMORY = "400MB"


def require() -> None:
    """Raise WrongUsage where the extra is not installed; nothing is imported, which would take a fifth of a second."""
    if find_spec("duckdb") is None:
        raise WrongUsage(
            "The index needs DuckDB, which is not installed.",
            "Install it: pip install 'tagline[index]'",
            code="no-duckdb",
        )


def load() -> Any:
    """The module. Raises WrongUsage where the extra is not installed."""
    require()
    import duckdb

    return duckdb


def connect(scratch: Path, threads: int = 2) -> Any:
    """A database in memory. ``scratch`` is an own folder for what does not fit."""
    connection = load().connect(
        ":memory:",
        config={
            "memory_limit": _MEMORY,
            "threads": threads,
            "temp_directory": str(scratch / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "true",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def parquet(files: Sequence[Path]) -> str:
    """What reads some files, by their own names alone: DuckDB would take signs in a name for a pattern."""
    listed = ", ".join(quoted(_plain(file)) for file in files)
    return f"read_parquet([{listed}])"


def parts(connection: Any, table: str, files: Sequence[Path]) -> str:
    """A SELECT of a table's columns from its parts. Of a part of an older release, a column that it lacks is NULL."""
    source = parquet(files).removesuffix(")") + ", union_by_name = true)"
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    return of_mixed_releases(source, [(one.name, one.kind) for one in TABLES[table].columns], there)


def in_seconds(connection: Any, table: str, files: Sequence[Path]) -> str:
    """The same with times as whole unix seconds."""
    cells = [
        f'CAST(floor(epoch("{one.name}")) AS BIGINT) AS "{one.name}"'
        if one.kind.startswith("TIMESTAMP")
        else f'"{one.name}"'
        for one in TABLES[table].columns
    ]
    return f"SELECT {', '.join(cells)} FROM ({parts(connection, table, files)})"


def _plain(file: Path) -> str:
    """A path in which nothing is a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(file))


def columns(table: str) -> str:
    """The names of a table's columns, as SQL writes them."""
    return ", ".join(f'"{name}"' for name in TABLES[table].names)


def from_spool(table: str, file: Path) -> str:
    """A SELECT of the rows of a spool: a JSON object a line, cells by their numbers, times as whole seconds."""
    known = {"TIMESTAMP WITH TIME ZONE": "BIGINT"}
    kinds = [known.get(column.kind, column.kind) for column in TABLES[table].columns]
    types = ", ".join(f"'{number}': '{kind}'" for number, kind in enumerate(kinds))
    cells = [
        f'{f"to_timestamp({cell})" if column.kind.startswith("TIMESTAMP") else cell} AS "{column.name}"'
        for column, cell in ((one, f'"{number}"') for number, one in enumerate(TABLES[table].columns))
    ]
    source = f"read_json({quoted(_plain(file))}, format='newline_delimited', columns={{{types}}})"
    return f"SELECT {', '.join(cells)} FROM {source}"
