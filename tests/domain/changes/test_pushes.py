"""Which pushes brought a branch to a commit, of all that a forge tells of its name."""

from __future__ import annotations

import pytest

from tagline.domain.changes.pushes import Push, trail

HEAD = "c"


def pushed(*rows: str) -> list[Push]:
    """``WHO:BEFORE>AFTER`` in order of time, one a second; returned newest first, as forges list them."""
    found = []
    for at, row in enumerate(rows):
        by, ends = row.split(":")
        before, after = ends.split(">")
        found.append(Push(by or None, before or None, after or None, float(at)))
    return found[::-1]


@pytest.mark.parametrize(
    ("rows", "by", "whole"),
    [
        pytest.param(["ann:>c"], "ann", True, id="made-at-once"),
        pytest.param(["ann:>a", "ben:a>b", "cy:b>c"], "cy ben ann", True, id="one-after-the-other"),
        pytest.param(["ann:>c", "ben:c>x", "cy:x>c"], "cy ben ann", True, id="away-and-back"),
        pytest.param(["ann:>c", "ben:c>d"], "ann", True, id="pushed-to-since"),
        pytest.param(["ann:>c", "ben:c>"], "ann", True, id="taken-away-since"),
        pytest.param(["ann:>a", "ben:a>", "cy:>c"], "cy", True, id="an-earlier-branch-of-the-name"),
        pytest.param(["ann:>c", "ben:c>", "cy:>c"], "cy ann", True, id="restored"),
        pytest.param(["ann:>a", "ben:a>c", "cy:c>", "dan:>c", "cy:c>", "eve:>c"], "eve dan ben ann", True, id="twice"),
        pytest.param(["ann:>a", "ben:b>c"], "ben", False, id="one-is-missing"),
        pytest.param(["ben:b>c"], "ben", False, id="the-first-is-missing"),
        pytest.param(["ann:>a", "ben:a>b"], "", False, id="the-last-is-missing"),
        pytest.param([], "", False, id="none"),
    ],
)
def test_trail__ends_where_the_branch_was_made(rows: list[str], by: str, whole: bool) -> None:
    found = trail(pushed(*rows), HEAD, None)
    assert " ".join(str(push.by) for push in found.pushes) == by
    assert found.whole is whole


def test_trail__as_of_an_instant__nothing_later_is_asked() -> None:
    rows = pushed("ann:>c", "ben:c>", "cy:>c")
    assert [push.by for push in trail(rows, HEAD, 0.0).pushes] == ["ann"]
    assert [push.by for push in trail(rows, HEAD, 2.0).pushes] == ["cy", "ann"]


def test_trail__reads_no_more_than_it_takes() -> None:
    rows = iter(pushed("old:>x", "ann:>a", "ben:a>c"))
    trail(rows, HEAD, None)
    assert list(rows) == []
    rows = iter(pushed("old:>y", "old:y>", "ann:>a", "ben:a>c"))
    trail(rows, HEAD, None)
    assert [push.after for push in rows] == ["y"]
