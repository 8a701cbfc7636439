"""What a comment remembers, however it is quoted, cut, forged or filled."""

from __future__ import annotations

import base64
import json
import random
import string
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.promotion import Decided, Refusal
from tagline.domain.changes.record import LONGEST, MARKER, Record, Signature, digest, find, hide
from tests.support.promotions import merged_change

texts = st.text(max_size=20)
maybe = st.none() | texts
signatures = st.tuples(maybe, maybe, maybe, maybe, maybe)
records = st.builds(Record, st.lists(signatures, max_size=4).map(tuple), texts)
RECORD = Record((("rf", "assign", "prod", "v1.0.0", None),), "0123456789abcdef")


def marked(data: Any) -> str:
    """A hidden line of any data."""
    return line(zlib.compress(json.dumps(data).encode()))


def line(packed: bytes) -> str:
    return f"{MARKER}{base64.b64encode(packed).decode()} -->"


@given(records, texts, texts)
def test_find__what_was_hidden__is_found_again_whatever_stands_around_it(record, before, after):
    assert find(f"{before}\n\n{hide(record)}{after}") == record


@given(records)
def test_hide__any_record__is_one_html_comment_that_ends_only_at_its_end(record):
    hidden = hide(record)
    assert hidden.startswith("<!-- tagline:v1 ")
    assert hidden.endswith(" -->")
    assert "--" not in hidden[4:-4]
    assert ">" not in hidden[:-1]
    assert "\n" not in hidden
    assert hidden.isascii()


@given(st.text())
def test_find__any_text__never_fails(text):
    assert find(text) is None
    find(f"{MARKER}{text} -->")
    find(line(text.encode(errors="replace")))
    find(line(zlib.compress(text.encode(errors="replace"))))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["seen", "says"]), json_values) | json_values)
def test_find__any_data__is_a_record_of_texts_or_none(data):
    found = find(marked(data))
    if found is None:
        return
    assert isinstance(found.says, str)
    assert all(len(row) == 5 and all(v is None or isinstance(v, str) for v in row) for row in found.seen)


GOOD: dict[str, Any] = {"seen": [], "says": "x"}


@pytest.mark.parametrize(
    "change",
    [
        {"seen": None}, {"seen": 5}, {"seen": "abcde"}, {"seen": ["abcde"]}, {"seen": [["a", "b", "c", "d"]]},
        {"seen": [["a", "b", "c", "d", 5]]}, {"seen": [{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}]},
    ],
)  # fmt: skip
def test_find__data_of_another_shape__is_none(change):
    assert find(marked(GOOD)) == Record(says="x")
    assert find(marked(GOOD | change)) is None


def test_find__a_comment_of_an_older_version__says_nothing_of_what_it_said():
    old = {"seen": [["rf", "assign", "prod", "v1.0.0", None]], "final": True, "refused": [], "made": []}
    assert find(marked(old)) == Record(RECORD.seen)


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_find__cut_off__is_none(cut):
    assert find(hide(RECORD)[:-cut]) is None


@given(st.data())
def test_find__a_letter_of_it_changed__is_none_or_a_record(data):
    hidden = hide(RECORD)
    place = data.draw(st.integers(len(MARKER), len(hidden) - 5))
    letter = data.draw(st.sampled_from(string.ascii_letters + "+/= "))
    found = find(hidden[:place] + letter + hidden[place + 1 :])
    assert found is None or isinstance(found, Record)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"x",
        zlib.compress(b""),
        zlib.compress(b"\xff\xfe"),
        zlib.compress(b"[" * 100_000),
        zlib.compress(b"9" * 10_000),
        zlib.compress(b'{"seen": [' + b"[" * 50_000),
        zlib.compress(json.dumps(GOOD).encode())[:-6],
    ],
    ids=["empty", "no zlib", "nothing", "no text", "deep", "long number", "deep key", "cut"],
)
def test_find__packed_badly__is_none(packed):
    found = find(line(packed))
    assert found is None or found == Record(says="x")


def test_find__bomb__is_none_and_takes_no_memory():
    """A hundred megabytes in a hundred kilobytes."""
    pieces = zlib.compressobj(9)
    packed = pieces.compress(b'{"seen": [], "says": "')
    for _ in range(100):
        packed += pieces.compress(b"a" * 1_000_000)
    packed += pieces.compress(b'"}') + pieces.flush()
    assert find(line(packed)) is None


def test_find__forged_ones_before_ours__are_passed_over():
    """What a text quotes stands before the line that we write."""
    forged = hide(Record(says="x"))
    assert find(f"{forged}\n`{forged}`\n\n{hide(RECORD)}") == RECORD


def test_find__second_marker_that_is_never_closed__is_harmless():
    assert find(f"{MARKER}\n{hide(RECORD)}\n{MARKER}") == RECORD


@pytest.mark.parametrize("marker", ["<!-- tagline:v2 ", "<!-- Tagline:v1 ", "<!--tagline:v1 ", "tagline:v1 "])
def test_find__another_marker__is_none(marker):
    assert find(hide(RECORD).replace(MARKER, marker)) is None


# Too much for a comment


def long_seen(count: int, length: int) -> tuple[Signature, ...]:
    """Of names that do not compress."""
    source = random.Random(0)
    names = ["".join(source.choices(string.ascii_letters + string.digits, k=length)) for _ in range(count)]
    return tuple((name, "assign", "prod", "v1.0.0", None) for name in names)


@pytest.mark.parametrize(("count", "length"), [(1, 10), (100, 10), (500, 30), (500, 10_000), (5000, 40), (1, 100_000)])
def test_hide__however_much__leaves_room_for_people_and_is_found_again(count, length):
    record = Record(long_seen(count, length), "0123456789abcdef")
    hidden = hide(record)
    assert len(hidden) <= LONGEST
    assert find(hidden) in (record, Record((), record.says))


def test_hide__five_hundred_artifacts_with_usual_names__are_remembered_whole():
    seen = tuple((f"models/team-{n % 7}:model-{n}", "register", None, "v1.2.0", "v1.1.0") for n in range(500))
    assert find(hide(Record(seen))) == Record(seen)


def test_digest__tells_apart_what_was_refused_and_what_was_made():
    change = merged_change()
    refusals = [Refusal("rf", stage, "approvals", "0 of 1.", "") for stage in ("prod", "staging")]
    words = {digest(Decided(change, final=(refusal,))) for refusal in refusals}
    assert len(words | {digest(Decided(change))}) == 3
