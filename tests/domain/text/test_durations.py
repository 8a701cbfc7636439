"""Durations for people: two units are enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.text.durations import format_clock, format_duration, parse_duration

_DAY = 86_400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3_599, "59m 59s"),
        (3_600 + 59, "1h"),
        (_DAY - 1, "23h 59m"),
        (3 * _DAY + 4 * 3_600 + 59 * 60, "3d 4h"),
        (31 * _DAY, "31d"),
        (31 * _DAY + 60, "31d"),
        (400 * _DAY + 3_600, "400d 1h"),
    ],
)
def test_format_duration__seconds__two_largest_units(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**11))
def test_format_duration__read_back__never_more_and_less_than_one_small_unit_off(seconds: int) -> None:
    parts = format_duration(seconds).split(" ")
    back = sum(parse_duration(part) for part in parts)
    assert back <= seconds
    unit = {"d": 3_600, "h": 60, "m": 1, "s": 1}[parts[0][-1]]
    assert seconds - back < unit


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (723, "12:03"), (11100, "3:05:00")])
def test_format_clock__seconds__as_a_clock_says_them(seconds: float, text: str) -> None:
    assert format_clock(seconds) == text
