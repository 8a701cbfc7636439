"""Values, sizes, digests and differences as people read them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from tagline.domain.comparison import MetricDelta
from tagline.render.lineage_document import plain

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
#: Characters of a value in a table.
_LONGEST = 60
_BLOCKS = "▁▂▃▄▅▆▇█"


def value(what: Any) -> str:
    """A parameter's or a metric's value in one line; nothing there is a dash."""
    if what is None:
        return "–"
    if isinstance(what, float) and math.isfinite(what):
        return f"{what:.6g}"
    shown = plain(what)
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def difference(delta: float) -> str:
    """A difference with its sign."""
    return "±0" if delta == 0 else f"{delta:+.4g}"


def judged(metric: MetricDelta) -> str:
    """``0.902 (+0.01, better)``: what it was, and what it is more by."""
    before = value(metric.before)
    if metric.delta is None:
        if metric.before is None:
            return "new"
        return before if metric.after is not None else f"{before}, gone"
    if metric.delta == 0:
        return before
    word = f" {metric.judgement}" if metric.judgement in ("better", "worse") else ""
    return f"{before} ({difference(metric.delta)}{word})"


def size(number: int | None) -> str:
    """``12.3 MB``; a dash where nobody knows."""
    if number is None:
        return "–"
    amount, unit = float(number), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount /= 1000
        unit += 1
    return f"{number} B" if unit == 0 else f"{amount:.3g} {_UNITS[unit]}"


def digest(text: str | None) -> str:
    """The first letters of a digest, enough to tell two apart."""
    if text is None:
        return "–"
    return text.partition(":")[2][:8] or text[:8]


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 step``, ``3 steps``."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def sparkline(values: Sequence[float | None]) -> str:
    """A row of bars, one a value, a blank where there is none; empty with fewer than two values."""
    known = [number for number in values if number is not None and math.isfinite(number)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low and math.isfinite(high - low) else 0.0
    bars = (
        " " if number is None or not math.isfinite(number) else _BLOCKS[round((number - low) * scale) if scale else 3]
        for number in values
    )
    return "".join(bars)
