"""``schemas/index/*.json`` as the tables say them: a row of each table as a JSON object, which ``query`` prints."""

from __future__ import annotations

import json
from typing import Any

from tagline.domain.index.tables import FORMAT, TABLES, Column, Table

_KINDS: dict[str, dict[str, Any]] = {
    "VARCHAR": {"type": "string"},
    "BOOLEAN": {"type": "boolean"},
    "BIGINT": {"type": "integer"},
    "DOUBLE": {"type": "number"},
    "TIMESTAMP WITH TIME ZONE": {"type": "string", "format": "date-time"},
    "VARCHAR[]": {"type": "array", "items": {"type": "string"}},
}


def schema(table: Table) -> str:
    """The file of one table. ``x-column`` is the column's type in SQL, ``x-format`` the format of the data set."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://tagline.dev/schemas/index/{table.name}.json",
        "title": table.name,
        "description": f"One row: {table.row}.",
        "x-format": FORMAT,
        "type": "object",
        "required": list(table.names),
        "properties": {column.name: _property(column) for column in table.columns},
        "additionalProperties": False,
    }
    return json.dumps(document, indent=2) + "\n"


def _property(column: Column) -> dict[str, Any]:
    kind = dict(_KINDS[column.kind])
    if column.nullable:
        kind["type"] = [kind["type"], "null"]
    return {**kind, "x-column": column.kind, "description": column.meaning}


def table_text() -> str:
    """The tables as a document shows them."""
    pieces = []
    for table in TABLES.values():
        rows = "".join(f"| `{one.name}` | {one.kind} | {_sentence(one)} |\n" for one in table.columns)
        pieces.append(f"**`{table.name}`**: {table.row}.\n\n| Column | Type | Meaning |\n| --- | --- | --- |\n{rows}")
    return "\n".join(pieces)


def _sentence(column: Column) -> str:
    return column.meaning if column.nullable else f"{column.meaning} (never NULL)"
