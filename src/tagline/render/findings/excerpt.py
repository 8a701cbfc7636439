"""The line that a finding is about, with a caret under the place."""

from __future__ import annotations

import re

from tagline.render.escape import break_commands, visible, width

WINDOW = 100  # columns of source that are shown


def source_lines(source: str) -> list[str]:
    """The text's lines by YAML's line breaks, as findings count them."""
    return re.split("\r\n|\n|\r", source)


def excerpt(lines: list[str], line: int, column: int) -> tuple[str, int] | None:
    """The text of ``line`` around ``column``, and how many columns precede the caret.

    None where there is nothing to show.
    """
    if not 1 <= line <= len(lines) or not lines[line - 1].strip():
        return None
    text = lines[line - 1]
    start = min(column - 1, len(text))
    before, prefix = _last_columns(text[:start], WINDOW // 2)
    after, suffix = _first_columns(text[start:], WINDOW - width(before))
    # Breaking up a runner's command lengthens the text, so each side of the caret is treated alone.
    shown = break_commands(prefix + before)
    return shown + _joined(shown, break_commands(after + suffix)), width(shown)


def _joined(before: str, after: str) -> str:
    """``after``, changed if a runner's command would arise where the two meet."""
    if "##[" in before[-2:] + after[:2]:
        return "\\" + after
    return after


def _last_columns(text: str, limit: int) -> tuple[str, str]:
    shown: list[str] = []
    used = 0
    for char in reversed(text):
        piece = visible(char)
        used += width(piece)
        if used > limit:
            return "".join(reversed(shown)), "…"
        shown.append(piece)
    return "".join(reversed(shown)), ""


def _first_columns(text: str, limit: int) -> tuple[str, str]:
    shown: list[str] = []
    used = 0
    for char in text:
        piece = visible(char)
        used += width(piece)
        if used > limit:
            return "".join(shown), "…"
        shown.append(piece)
    return "".join(shown), ""
