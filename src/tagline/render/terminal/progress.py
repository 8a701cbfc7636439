"""How far a transfer is, for people: a bar for a terminal, quiet lines for a log. Numbers in, text out."""

from __future__ import annotations

import math
from typing import NamedTuple

from tagline.domain.text.durations import format_clock
from tagline.render.escape import one_line, width

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_LONGEST_BAR = 30
_SHORTEST_BAR = 5
_SHORTEST_NAME = 8


class Progress(NamedTuple):
    """A transfer at one instant. ``size`` and ``files`` are totals, None where nobody knows them.

    ``rate`` is in bytes a second.
    """

    name: str
    done: int
    size: int | None
    done_files: int
    files: int | None
    rate: float

    @property
    def share(self) -> float | None:
        """The part that is done, 0 to 1; by files where the bytes are unknown."""
        if self.size:
            return min(1.0, max(0.0, self.done / self.size))
        if self.files and (self.files > 1 or self.size == 0):
            return min(1.0, self.done_files / self.files)
        return None

    @property
    def seconds_left(self) -> float | None:
        """At this rate; None where nobody can tell."""
        if self.size is None or self.rate <= 0:
            return None
        left = max(0, self.size - self.done) / self.rate
        return left if math.isfinite(left) else None


def amount(size: float) -> str:
    """A size in binary units."""
    unit = 0
    while size >= 1023.95 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def bar(progress: Progress, columns: int, *, plain: bool) -> str:
    """One line of at most ``columns``: what there is no room for is left out, the least important first."""
    share = progress.share
    percent = f"{share * 100:3.0f} %" if share is not None else ""
    counts = f"{progress.done_files}/{progress.files} files" if progress.files not in (None, 1) else ""
    rate = f"{amount(progress.rate)}/s" if progress.rate > 0 else ""
    left = f"{format_clock(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    # The order on the line, each with its rank: a higher one goes earlier.
    parts = [(percent, 0), (_bytes(progress), 2), (rate, 3), (left, 1), (counts, 4)]
    name = one_line(progress.name)
    for rank in range(5, -1, -1):
        shown = [text for text, own in parts if text and own < rank]
        room = columns - sum(len(text) + 2 for text in shown)
        if room >= min(width(name), _SHORTEST_NAME if rank > 1 else 2) or rank == 0:
            break
    name = _cut(name, max(0, room))
    room -= width(name) + 2
    if share is not None and room >= _SHORTEST_BAR and rank == 5:
        shown.insert(1, _blocks(share, min(room, _LONGEST_BAR), plain=plain))
    return "  ".join(text for text in (name, *shown) if text)


def line(progress: Progress) -> str:
    """One line of a log."""
    share = progress.share
    percent = f"{int(share * 100)} %, " if share is not None else ""
    known = [_bytes(progress)]
    if progress.files not in (None, 1):
        known.append(f"{progress.done_files} of {progress.files} files")
    if progress.rate > 0:
        known.append(f"{amount(progress.rate)}/s")
    if progress.seconds_left:
        known.append(f"{format_clock(progress.seconds_left)} left")
    return f"{one_line(progress.name)}: {percent}{', '.join(known)}"


def plain(words: str) -> str:
    """Words about what others wrote, as a terminal may see them: line by line."""
    return "\n".join(one_line(line) for line in words.splitlines())


def _bytes(progress: Progress) -> str:
    done = amount(max(0, progress.done))
    return done if progress.size is None else f"{done} of {amount(progress.size)}"


def _blocks(share: float, columns: int, *, plain: bool) -> str:
    inner = columns - 2 if plain else columns
    full = int(share * inner)
    if plain:
        return f"[{'#' * full}{'-' * (inner - full)}]"
    return "━" * full + "─" * (inner - full)


def _cut(text: str, columns: int) -> str:
    """The beginning of a text, with dots where something is missing."""
    if width(text) <= columns:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > columns - 2:
            break
        kept += char
    return f"{kept}.." if columns >= 2 else ""
