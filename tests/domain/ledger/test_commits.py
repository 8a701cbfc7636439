"""A commit's own words, read from its text as Git stores it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.commits import CommitFacts, Signature, read_commit, verified

PLAIN = (
    "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
    "parent 1111111111111111111111111111111111111111\n"
    "author Ada L. <ada@example.com> 1700000000 +0100\n"
    "committer A Bot <bot@example.com> 1700000100 -0830\n"
)


def test_commit__plain__is_read():
    assert read_commit("c" * 40, PLAIN + "\nBetter\n\nMore words.\n") == CommitFacts(
        "c" * 40, "Ada L.", "ada@example.com", 1700000000, "A Bot", 1700000100, "Better"
    )


@pytest.mark.parametrize(
    ("message", "subject"),
    [("", ""), ("\n\nLate\n", "Late"), ("One\ntwo", "One"), ("author Eve <e@x> 1 +0000\n", "author Eve <e@x> 1 +0000")],
)
def test_commit__subject__is_the_first_line_of_its_message(message, subject):
    found = read_commit("c", f"{PLAIN}\n{message}")
    assert (found.subject, found.author) == (subject, "Ada L.")


@pytest.mark.parametrize(
    "line", ["", "author", "author Ada", "author <> x +0000", "author A <a> 1", f"author A <a> {'9' * 30} +0000"]
)
def test_commit__author_that_is_not_as_git_writes_it__is_empty(line):
    found = read_commit("c", f"tree x\n{line}\n\nm")
    assert (found.author, found.email, found.authored_at) == ("", "", 0)


def test_commit__second_author__does_not_count():
    found = read_commit("c", PLAIN + "author Eve <eve@example.com> 1 +0000\n\nm")
    assert found.email == "ada@example.com"


def test_commit__name_with_odd_characters__is_kept_as_data():
    found = read_commit("c", "author A\x1b[31m <x> <a@b> 1 +0000\n\nm")
    assert (found.author, found.email) == ("A\x1b[31m <x>", "a@b")
    assert read_commit("c", "author Ü \x1b[31m <a@b> 1 +0000\n\nm").author == "Ü \x1b[31m"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----", "openpgp"),
        ("gpgsig -----BEGIN SSH SIGNATURE-----\n U1NI\n -----END SSH SIGNATURE-----", "ssh"),
        ("gpgsig -----BEGIN SIGNED MESSAGE-----\n x", "x509"),
        ("gpgsig-sha256 -----BEGIN PGP SIGNATURE-----\n x", "openpgp"),
        ("gpgsig something else", None),
    ],
)
def test_commit__with_a_signature__is_unverified_until_git_says_more(header, kind):
    found = read_commit("c", f"{PLAIN}{header}\n\nm")
    assert found.signature == Signature("unverified", kind)
    assert found.subject == "m"


def test_commit__signature_in_its_message__is_none():
    text = f"{PLAIN}\nm\n\ngpgsig -----BEGIN PGP SIGNATURE-----\n"
    assert read_commit("c", text).signature == Signature()


@pytest.mark.parametrize(
    ("state", "status"),
    [("G", "good"), ("U", "unverified"), ("B", "bad"), ("X", "expired"), ("Y", "expired"), ("R", "revoked"),
     ("E", "unverified"), ("N", "unverified"), ("", "unverified")],
)  # fmt: skip
def test_verified__gits_word__is_told_in_ours(state, status):
    facts = read_commit("c", f"{PLAIN}gpgsig -----BEGIN SSH SIGNATURE-----\n\nm")
    assert verified(facts, state, "Ada", "").signature == Signature(status, "ssh", "Ada", None)
    assert verified(facts, state, "", "AB").signature == Signature(status, "ssh", None, "AB")


@given(st.text() | st.text(alphabet="author <>0123456789+ \n"))
def test_commit__any_text__never_raises(text):
    found = read_commit("c", text)
    assert "\n" not in found.subject
