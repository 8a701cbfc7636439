"""Who may have started what did something at an instant."""

from __future__ import annotations

import pytest

from tagline.domain.changes.runs import Attempt, starters


@pytest.mark.parametrize(
    ("attempt", "is_there"),
    [
        (Attempt("Bob", 5, 15), True),
        (Attempt("Bob", 10, 10), True),
        (Attempt("Bob", 5, None), True),
        (Attempt("Bob", 11, None), False),
        (Attempt("Bob", 5, 9.5), False),
    ],
)
def test_starters__are_of_what_went_on(attempt: Attempt, is_there: bool) -> None:
    found = starters([attempt], 10, whole=True)
    assert (found.logins, found.unread) == (frozenset({"bob"} if is_there else ()), None)


@pytest.mark.parametrize(
    ("attempts", "whole"), [([Attempt(None, 5, 15)], True), ([Attempt("bob", 5, 15)], False), ([], False)]
)
def test_starters__where_somebody_may_be_missing__are_not_all(attempts: list[Attempt], whole: bool) -> None:
    assert starters(attempts, 10, whole=whole).unread is not None
