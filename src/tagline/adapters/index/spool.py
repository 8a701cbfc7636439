"""New rows on their way to Parquet: a file of JSON lines a table, which DuckDB reads at once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tagline.domain.index.tables import TABLES


class FileSpool:
    """The port Spool over a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, IO[str]] = {}

    def add(self, rows: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        """Append rows."""
        for table, some in rows.items():
            if table not in self._files:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._files[table] = self._path(table).open("w", encoding="ascii")
            lines = (json.dumps(dict(enumerate(map(_cell, row)))) for row in some)
            self._files[table].writelines(f"{line}\n" for line in lines)

    def files(self) -> dict[str, Path]:
        """The file of each table that has new rows; nothing may be added any more."""
        for file in self._files.values():
            file.close()
        return {table: self._path(table) for table in TABLES if table in self._files}

    def _path(self, table: str) -> Path:
        return self._folder / f"{table}.ndjson"


def _cell(cell: Any) -> Any:
    # JSON has no word for them; DuckDB takes these for numbers.
    return repr(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell
