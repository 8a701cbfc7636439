"""Durations as people write and read them: ``90m``, ``24h``, ``7d``; ``3d 4h``; as a clock ``12:03``."""

from __future__ import annotations

import re

from tagline.errors import WrongUsage

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Nine digits of weeks are longer than any calendar; the bound keeps int() safe.
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])")


def parse_duration(text: str) -> int:
    """Seconds of a whole number and its unit: s, m, h, d (of 24 hours) or w.

    Raises :class:`WrongUsage` for anything else.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise WrongUsage(
            f"{text[:100]!r} is no duration.",
            "Write a whole number and s, m, h, d or w, such as 90m, 24h or 7d.",
        )
    return int(match[1]) * _SECONDS[match[2]]


def format_duration(seconds: int) -> str:
    """``3d 4h``: the two largest units of a number of seconds, what is less cut off; days are the largest.

    A unit that is zero is left out: ``31d``. Less than nothing is nothing: ``0s``.
    """
    parts, rest, units = [], max(seconds, 0), ("d", "h", "m", "s")
    for unit in units:
        count, rest = divmod(rest, _SECONDS[unit])
        parts.append(count)
    first = next((place for place, count in enumerate(parts) if count), len(parts) - 1)
    shown = [f"{parts[place]}{units[place]}" for place in range(first, min(first + 2, len(parts))) if parts[place]]
    return " ".join(shown) or "0s"


def format_clock(seconds: float) -> str:
    """``0:09``, ``12:03`` or ``3:05:00``, for what is watched while it runs."""
    whole = round(seconds)
    minutes, hours = whole // 60 % 60, whole // 3600
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
