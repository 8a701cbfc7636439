"""Answers of the index as a table, JSON, CSV or Markdown: whatever their cells hold, they mean only themselves."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tagline.render.escape import break_commands, no_command, one_line

if TYPE_CHECKING:
    from tagline.domain.ledger.events import Warn
    from tagline.render.terminal.tables import Pen

#: Characters of a cell that a table shows; JSON and CSV have all of it.
_LONGEST = 120
#: With these a spreadsheet takes a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
#: What a spreadsheet may pass over before it.
_BEFORE = re.compile(r"^(?:\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|[\s\"])+")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Rows(Protocol):
    """Rows under the names of their columns, as ``ports.engine.Answer`` has them."""

    @property
    def columns(self) -> Sequence[str]:
        """The names, one or more of them perhaps twice."""

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """The rows."""


def as_json(answer: Rows) -> str:
    """A list of objects. A name that comes twice gets a number; NaN and infinities are text, as in a lineage."""
    from tagline.render.json.documents import dumps

    names = unique(answer.columns)
    return dumps([dict(zip(names, map(finite, row), strict=True)) for row in answer.rows])


def finite(value: Any) -> Any:
    """A value without the numbers that JSON has not: those are text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [finite(part) for part in value]
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    return value


def unique(names: Iterable[str]) -> list[str]:
    """The names, each once: a second ``a`` is ``a_2``, or the next that is free."""
    found: dict[str, None] = {}
    for name in names:
        number, free = 1, name
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found[free] = None
    return list(found)


def as_csv(answer: Rows) -> str:
    """RFC 4180 with a head. Text is quoted, in one line, and begins with ``'`` where a spreadsheet would compute it.

    Numbers stay numbers, negative ones too, and so does text that is a number; nothing is an empty cell.
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([_harmless(name) for name in answer.columns])
    for row in answer.rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue().rstrip("\r\n")


def _cell(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if math.isfinite(value) else str(finite(value))
    return _harmless(plain(value))


def _harmless(text: str) -> str:
    """One cell, or several to a spreadsheet that is set to semicolons: there a quote within a cell ends nothing."""
    line = one_line(text)
    if _NUMBER.fullmatch(line):
        return line
    first, *others = line.split(";")
    return ";".join([_no_formula(first, is_number=not others), *(_no_formula(part) for part in others)])


def _no_formula(text: str, *, is_number: bool = True) -> str:
    # A tab or a line break is not passed on, and what stands behind it must not begin the cell either.
    began = _BEFORE.sub("", text)
    if began.startswith(_FORMULA) and not (is_number and _NUMBER.fullmatch(text)):
        return f"'{text}"
    return text


def plain(value: Any) -> str:
    """A value in words: nothing for nothing, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, list | dict):
        return json.dumps(finite(value), ensure_ascii=False)
    return str(finite(value))


def _seen(value: Any) -> Any:
    """A number as people read it: 0.96 - 0.91 is 0.05. Of JSON and CSV every digit counts."""
    return float(f"{value:.12g}") if isinstance(value, float) and math.isfinite(value) and abs(value) < 1e9 else value


def _short(value: Any) -> str:
    text = plain(_seen(value))
    line = one_line(text[: _LONGEST + 1])
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def as_table(answer: Rows, pen: Pen) -> str:
    """Columns for a terminal, and how many rows there are."""
    from tagline.render.terminal.tables import table

    head = [_short(name).upper() for name in answer.columns]
    rows = [[_short(value) if value is not None else "–" for value in row] for row in answer.rows]
    lines = table(head, rows, pen).split("\n")
    count = f"{len(rows)} row{'s' * (len(rows) != 1)}"
    return "\n".join([*map(no_command, lines), pen(count, "dim")])


def as_markdown(answer: Rows) -> str:
    """A table for a forge: numbers as they are, everything else as code."""
    from tagline.render.markdown import escaping

    rows = [[_marked(value) for value in row] for row in answer.rows]
    return break_commands(escaping.table([escaping.code(name) for name in answer.columns], rows))


def _marked(value: Any) -> str:
    from tagline.render.markdown import escaping

    if value is None:
        return "–"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(finite(_seen(value)))
    return escaping.code(plain(value)) if plain(value) else ""


class Versions(Protocol):
    """Versions that a search found, as ``commands.index.search.Found`` has them."""

    @property
    def artifacts(self) -> Sequence[Mapping[str, Any]]:
        """Each by the names of its columns."""


def found_as_json(found: Versions, warned: Iterable[Warn] = ()) -> dict[str, Any]:
    """``search --json``; numbers that JSON has not are text, as in a lineage."""
    from tagline.render.json.documents import warnings

    return {"artifacts": [finite(dict(one)) for one in found.artifacts], "warnings": warnings(warned)}


def found_as_table(found: Versions, pen: Pen) -> str:
    """``search``: a line a version, with the metrics that were asked about."""
    measured = any(one["metrics"] for one in found.artifacts)
    head = ["repository", "artifact", "version", "stages", "type", "registered", *(["metrics"] if measured else [])]
    rows = [
        [one["repository"], one["artifact"], one["version"], one["stages"], one["type"], one["registered_at"]]
        + ([", ".join(f"{name}={plain(value)}" for name, value in one["metrics"].items())] if measured else [])
        for one in found.artifacts
    ]
    return as_table(_Rows(head, rows), pen)


class _Rows(NamedTuple):
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


#: What ``--format`` chooses, but for the table, which takes a pen.
FORMATS: dict[str, Callable[[Rows], str]] = {"json": as_json, "csv": as_csv, "markdown": as_markdown}
