"""Values, sizes, digests and differences as people read them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from tagline.domain.lineage.comparison import BEHIND, Comparison, Kind, MetricDelta
from tagline.domain.lineage.lineage import same
from tagline.render.json.lineage import plain

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
#: Characters of a value in a table.
_LONGEST = 60
_KINDS: dict[Kind, str] = {"mlflow-parameters": "the parameters of the MLflow runs"}
_BLOCKS = "▁▂▃▄▅▆▇█"


def value(what: Any, *others: Any) -> str:
    """A parameter's or a metric's value in one line; nothing there is a dash.

    Numbers have six digits, or as many as it takes to tell them from ``others``.
    """
    if what is None:
        return "–"
    if isinstance(what, float) and math.isfinite(what):
        short = f"{what:.6g}"
        alike = (other for other in others if isinstance(other, int | float) and not isinstance(other, bool))
        return repr(what) if any(other != what and _short(other) == short for other in alike) else short
    shown = plain(what)
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _short(number: float) -> str:
    try:
        return f"{number:.6g}"
    except OverflowError:  # a whole number beyond all floats
        return ""


def difference(delta: float) -> str:
    """A difference with its sign."""
    return "±0" if delta == 0 else f"{delta:+.4g}"


def judged(metric: MetricDelta) -> str:
    """What a metric is more or less by, and whether that is good: ``+0.01 better``, ``±0``, ``new``, ``gone``."""
    if metric.delta is None:
        if metric.before is None or metric.after is None:
            return "new" if metric.before is None else "gone"
        return "same" if same(metric.before, metric.after) else "changed"
    word = f" {metric.judgement}" if metric.judgement in ("better", "worse") else ""
    return f"{difference(metric.delta)}{word}"


def beside(own: str, others: Sequence[tuple[str, str]]) -> list[str]:
    """The cells of a metric: the first of ``others``, then ``own``, then the difference; behind them the other pairs.

    Each of ``others`` is a value and the difference from it.
    """
    return [*(cell for (other, apart) in others[:1] for cell in (other, own, apart)), *([] if others else [own])] + [
        cell for pair in others[1:] for cell in pair
    ]


def not_compared(found: Comparison) -> str:
    """``bytes, data and code``; empty where everything is compared."""
    words = [_KINDS.get(kind, kind) for kind in found.not_compared]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def nothing_differs(found: Comparison) -> str:
    """What a comparison without differences says of what is behind both: no more than was looked at."""
    left = set(found.not_compared)
    if left >= {"bytes", *BEHIND}:
        return "nothing behind it is compared"
    return "nothing that is compared behind it differs" if left else "nothing behind it differs"


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
    return "".join(" " if n is None or not math.isfinite(n) else _BLOCKS[_height(n, low, high)] for n in values)


def _height(number: float, low: float, high: float) -> int:
    """From 0 to 7; in the middle where all are the same, or too far apart for a float."""
    reach = high - low
    return round((number - low) / reach * (len(_BLOCKS) - 1)) if 0 < reach < math.inf else 3
