"""The port of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Clock(NamedTuple):
    """What time it is, in unix seconds, and waiting for so many of them."""

    now: Callable[[], float]
    pause: Callable[[float], None]
