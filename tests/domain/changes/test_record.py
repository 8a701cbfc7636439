"""What a comment hides, however it is quoted, cut or forged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.promotion import Decided, Refusal
from tagline.domain.changes.record import ADDED, MARKER, Record, answered, digest, find, hide, visible
from tests.support.promotions import merged_change

texts = st.text(max_size=20)
words = st.just("") | st.text("0123456789abcdef", min_size=32, max_size=32)
records = st.builds(Record, words, answers=words) | st.builds(Record, st.just(""), st.just(True), words)
RECORD = Record("0123456789abcdef" * 2)


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
    assert find(f"{MARKER}{text} -->") in (None, Record(), Record(text), Record(teaches=text == "teach"))


@pytest.mark.parametrize("data", ["eJyrVipOTUxRslKIjtVRUCpOrCwGsQ0MagHDKggA", "0123", "0" * 33, "Z" * 32, ""])
def test_find__data_of_an_older_version_or_none__says_nothing(data):
    assert find(f"{MARKER}{data} -->") == Record()


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_find__cut_off__is_none(cut):
    assert find(hide(RECORD)[:-cut]) is None


def test_find__forged_ones_before_ours__are_passed_over():
    """What a text quotes stands before the line that we write."""
    forged = hide(Record("f" * 32))
    assert find(f"{forged}\n`{forged}`\n\n{hide(RECORD)}") == RECORD


def test_find__second_marker_that_is_never_closed__is_harmless():
    assert find(f"{MARKER}\n{hide(RECORD)}\n{MARKER}") == RECORD


@pytest.mark.parametrize("marker", ["<!-- tagline:v2 ", "<!-- Tagline:v1 ", "<!--tagline:v1 ", "tagline:v1 "])
def test_find__another_marker__is_none(marker):
    assert find(hide(RECORD).replace(MARKER, marker)) is None


def test_digest__tells_apart_what_was_refused_and_what_was_made():
    change = merged_change()
    refusals = [Refusal("rf", stage, "approvals", "0 of 1.", "") for stage in ("prod", "staging")]
    words = {digest(Decided(change, final=(refusal,))) for refusal in refusals}
    assert len(words | {digest(Decided(change))}) == 3


def test_visible__of_a_comment_that_was_added_to__is_what_stood_there_first():
    assert visible(f"done\n\n{hide(RECORD)}") == "done"
    assert visible(f"done\n\n{ADDED}\n\ntoo late\n\n{hide(RECORD)}") == "done"


def test_answered__labels_in_any_order__is_one_word_and_none_for_none():
    assert answered(["b", "a"]) == answered(["a", "b"]) != answered(["a"])
    assert answered([]) == ""
