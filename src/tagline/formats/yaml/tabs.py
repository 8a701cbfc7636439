"""Tabs that libyaml reads and ruamel.yaml does not: GTO and DVC would refuse the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tagline.domain.manifest.document import Problem

_QUOTED_OR_BLOCK = ("'", '"', "|", ">")
_COMMENT = re.compile(r"(?:^|[ \t])#")


def tab_problems(text: str, events: Iterable[Any]) -> Iterator[Problem]:
    """A warning for each line with a tab outside quotes, block text, brackets and comments.

    ``events`` are the parser's for ``text``, which it accepts.
    """
    lines = re.split("(\r\n|\n|\r)", text)
    allowed = list(_ranges(events))
    offset = current = 0
    for number, line in enumerate(lines[::2], start=1):
        end = offset + len(line)
        # Ranges are in the text's order; those that end before this line are done with.
        while current < len(allowed) and allowed[current][1] <= offset:
            current += 1
        if "\t" in line and (column := _bad_tab(line, offset, allowed, current)) is not None:
            yield Problem(
                (), number, column + 1, "yaml-portability", "warning",
                "GTO and DVC cannot read a file with a tab here.", "Replace the tab by a space.",
            )  # fmt: skip
        offset = end + (len(lines[2 * number - 1]) if 2 * number - 1 < len(lines) else 0)


def _bad_tab(line: str, offset: int, allowed: list[tuple[int, int]], current: int) -> int | None:
    """The column of the line's first tab outside the allowed ranges and before a comment."""
    begin = 0
    for start, end in (*_on_line(allowed, current, offset + len(line)), (offset + len(line), 0)):
        gap = max(begin, start - offset)
        tab = line.find("\t", begin, gap)
        comment = _COMMENT.search(line, begin, gap)
        if comment and (tab < 0 or comment.end() - 1 < tab):
            return None
        if tab >= 0:
            return tab
        begin = end - offset
    return None


def _on_line(allowed: list[tuple[int, int]], current: int, end: int) -> Iterator[tuple[int, int]]:
    while current < len(allowed) and allowed[current][0] < end:
        yield allowed[current]
        current += 1


def _ranges(events: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Where tabs are text, or allowed between brackets: first and last index of each part."""
    depth = start = 0
    for event in events:
        kind = type(event).__name__
        if kind in ("MappingStartEvent", "SequenceStartEvent") and (depth or event.flow_style):
            if depth == 0:
                start = event.start_mark.index
            depth += 1
        elif kind in ("MappingEndEvent", "SequenceEndEvent") and depth:
            depth -= 1
            if depth == 0:
                yield start, event.end_mark.index
        elif kind == "ScalarEvent" and depth == 0 and event.style in _QUOTED_OR_BLOCK:
            yield event.start_mark.index, event.end_mark.index
