"""An artifact's metrics as they were read, and one of them by its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: An artifact's metrics at a commit, or a few words that say why there are none.
Metrics = Mapping[str, Any] | str


def number(metrics: Metrics, name: str) -> float | str:
    """One metric by its name, or by its path with dots; else why there is no number."""
    if isinstance(metrics, str):
        return metrics
    value: Any = metrics.get(name)
    if value is None:
        value = metrics
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return "the metric is missing."
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "the metric is not a number."
    try:
        as_float = float(value)
    except OverflowError:
        as_float = math.inf
    return as_float if math.isfinite(as_float) else "the metric is not a finite number."
