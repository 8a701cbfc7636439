"""Instants: RFC 3339 in, RFC 3339 in UTC out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.text.times import MAX_TIME, format_time, parse_instant, parse_time
from tagline.errors import WrongUsage


@given(st.integers(0, MAX_TIME))
def test_parse_time__a_formatted_time__gives_it_back(seconds):
    assert parse_time(format_time(seconds)) == seconds


@given(st.integers(0, MAX_TIME))
def test_format_time__any_time__is_rfc_3339_in_utc(seconds):
    assert format_time(seconds) == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-03-01T01:30:00+01:30", "2026-03-01T00:00:00Z"),
        ("2026-02-28T16:00:00-08:00", "2026-03-01T00:00:00Z"),
        ("2026-03-01t00:00:00z", "2026-03-01T00:00:00Z"),
        ("2026-03-01 00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00.999999Z", "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00.123456789Z", "2026-03-01T00:00:00Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_parse_time__spellings_of_one_instant__are_equal(text, same):
    assert format_time(parse_time(text)) == same


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-03-01", "2026-03-01T00:00:00", "2026-03-01T00:00Z", "2026-13-01T00:00:00Z",
     "2026-02-30T00:00:00Z", "2026-03-01T24:00:01Z", "2026-03-01T00:00:00+0100", "2026-03-01T00:00:00Z\n",
     "1772323200", "20260301T000000Z", "2026-03-01T00:00:00+25:00", "9999-12-31T23:59:59-01:00",
     "0001-01-01T00:00:00+01:00", "２026-03-01T00:00:00Z"],
)  # fmt: skip
def test_parse_time__no_instant__refused_with_an_example(text):
    with pytest.raises(WrongUsage) as caught:
        parse_time(text)

    assert "2026-03-01T00:00:00Z" in caught.value.hint


@given(st.dates())
def test_parse_instant__a_date__its_first_instant_in_utc(day):
    assert parse_instant(day.isoformat()) == parse_time(f"{day.isoformat()}T00:00:00Z")


@pytest.mark.parametrize("text", ["2026-02-30", "2026-3-1", "2026-03", "20260301", "2026-03-01Z", "today\n"])
def test_parse_instant__neither_instant_nor_date__refused_with_an_example(text):
    with pytest.raises(WrongUsage) as caught:
        parse_instant(text)

    assert "2026-03-01" in caught.value.hint
