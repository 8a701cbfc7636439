"""A comment's Markdown, for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator


def plain(body: str) -> Iterator[str]:
    """The lines that matter: no escapes, tables in columns, folds closed, no small print."""
    text = re.sub(r"<details><summary>(.*?)</summary>.*?</details>", r"▸ \1", body, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->|<sub>.*?</sub>|\*\*|\u2060", "", text.replace("<br>", "\n"))
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\\([^\w\s])", r"\1", text).replace("`", "")
    text = re.sub(r"^#+ ", "", text, flags=re.MULTILINE)
    rows: list[list[str]] = []
    for line in [*text.strip().splitlines(), ""]:
        if line.startswith("|"):
            rows.append(line.removeprefix("| ").removesuffix(" |").split(" | "))
            continue
        yield from _columns([row for row in rows if "---" not in row])
        rows = []
        if line:
            yield line


def _columns(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell + " " * (size - _width(cell)) for cell, size in zip(row, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) == "W" else 1 for char in text)
