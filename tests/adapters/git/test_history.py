"""Commits and files of a remote without a clone: right answers, by few requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tagline.adapters.git.history import GitHistory
from tagline.adapters.git.listing import Listing
from tagline.adapters.git.remote import RemoteCache
from tagline.adapters.git.urls import remote_url
from tagline.domain.changes.touches import Among, FileChange
from tests.support.gitbuild import EPOCH, Commit, History, build, run_git
from tests.support.githttp import GitServer, serve

COUNT = 150


class Place(NamedTuple):
    """A served repository of 150 commits of long ago, and a history that has read nothing of it yet."""

    history: GitHistory
    server: GitServer
    ids: dict[str, str]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    files = {"a": "1", "folder/b": "2"}
    commits = [Commit("c0", files=files)]
    commits += [Commit(f"c{n}", (f"c{n - 1}",), {**files, "a": str(n)}, EPOCH + n * 86_400) for n in range(1, COUNT)]
    ids = build(tmp_path / "root" / "r.git", History(tuple(commits), branches={"main": commits[-1].name}), bare=True)
    for key in ("allowFilter", "allowAnySHA1InWant"):
        run_git(tmp_path / "root" / "r.git", "config", f"uploadpack.{key}", "true")
    with serve(tmp_path / "root") as server:
        yield Place(_history(tmp_path, server), server, ids)


def _history(folder: Path, server: GitServer) -> GitHistory:
    remote = remote_url(f"{server.url}/r.git")
    return GitHistory(RemoteCache(folder / "cache"), remote, Listing(remote))


@pytest.mark.parametrize("steps", [1, 101, COUNT - 1])
def test_behind__far_behind_what_is_here__comes_by_one_fetch(place: Place, steps: int) -> None:
    tip = place.history.tip()
    place.history.line("main", EPOCH + COUNT * 86_400 * 2)
    before = len(place.server.requests)
    assert place.history.behind(tip, steps)[-1] == place.ids[f"c{COUNT - 1 - steps}"]
    assert len(place.server.requests) - before <= 3


def test_behind__more_than_there_is__ends_with_the_first_commit(place: Place) -> None:
    assert place.history.behind(place.ids["c3"], 4) == [place.ids[f"c{n}"] for n in (2, 1, 0)]


def test_line__since_an_instant__reaches_at_least_so_far_and_again_further(place: Place) -> None:
    near = place.history.line("main", EPOCH + 140 * 86_400)
    assert near[0] == place.ids["c149"]
    assert place.ids["c140"] in near
    assert place.ids["c20"] not in near
    assert place.ids["c20"] in place.history.line("main", EPOCH + 20 * 86_400)


def test_is_older__near_and_far__as_the_branch_has_them(place: Place) -> None:
    ids, history = place.ids, place.history
    history.line("main", EPOCH + 140 * 86_400)
    assert history.is_older(ids["c145"], ids["c148"]) is True
    assert history.is_older(ids["c148"], ids["c145"]) is False
    assert history.is_older(ids["c148"], ids["c148"]) is False
    assert history.is_older(ids["c148"], ids["c3"]) is False
    assert history.is_older("0" * 40, ids["c3"]) is None


def test_differing__two_commits__as_git_says(place: Place) -> None:
    ids, history = place.ids, place.history
    assert history.differing(ids["c1"], ids["c5"], Among(paths=("a", "none"))) == [FileChange("a", "M")]


LINES = "1\n2\n3\n4\n5\n"
OURS, THEIRS, BOTH = LINES.replace("1", "ours"), LINES.replace("5", "theirs"), "ours\n2\n3\n4\ntheirs\n"
MERGED = {"a": BOTH, "theirs": "t", "ours": "o"}
#: A branch from ``b1`` of the base branch, ``b0 - b1 - b2``, and what may become of it.
UPDATES = History(
    (
        Commit("b0", files={"a": LINES}),
        Commit("b1", ("b0",), {"a": LINES}, EPOCH + 1),
        Commit("b2", ("b1",), {"a": THEIRS, "theirs": "t"}, EPOCH + 2),
        Commit("o1", ("b1",), {"a": OURS, "ours": "o"}, EPOCH + 3),
        Commit("plain", ("o1", "b2"), MERGED, EPOCH + 4),
        Commit("evil", ("o1", "b2"), {**MERGED, "ours": "other"}, EPOCH + 4),
        Commit("turned", ("b2", "o1"), MERGED, EPOCH + 4),
        Commit("foreign", ("b1",), {"a": THEIRS, "theirs": "t"}, EPOCH + 2),
        Commit("strange", ("o1", "foreign"), MERGED, EPOCH + 4),
        Commit("o2", ("b1",), {"a": LINES.replace("5", "o")}, EPOCH + 3),
        Commit("solved", ("o2", "b2"), {"a": THEIRS, "theirs": "t"}, EPOCH + 4),
        Commit("squashed", ("o1",), MERGED, EPOCH + 4),
    ),
    branches={"main": "b2", **{name: name for name in ("plain", "evil", "turned", "strange", "solved", "squashed")}},
)


@pytest.mark.parametrize(
    ("before", "after", "nothing"),
    [
        ("o1", "plain", True),
        ("b1", "b2", True),
        (None, "b1", True),
        ("plain", "b1", True),
        ("o1", "evil", False),
        ("o1", "turned", False),
        ("b2", "turned", False),
        ("o1", "strange", False),
        ("o2", "solved", False),
        ("o1", "squashed", False),
        ("b1", "o1", False),
        ("b1", "plain", False),
        (None, "plain", False),
        ("o1", None, False),
    ],
)
def test_brings_nothing__only_what_git_itself_makes_of_the_base(
    tmp_path: Path, before: str | None, after: str | None, nothing: bool
) -> None:
    ids = build(tmp_path / "root" / "r.git", UPDATES, bare=True)
    for key in ("allowFilter", "allowAnySHA1InWant"):
        run_git(tmp_path / "root" / "r.git", "config", f"uploadpack.{key}", "true")
    with serve(tmp_path / "root") as server:
        history = _history(tmp_path, server)
        history.line("main", EPOCH + 2)  # as after a landing: what is here is shallow
        asked = (ids.get(before or ""), ids[after] if after is not None else "f" * 40, ids["b2"])
        assert history.brings_nothing(*asked) is nothing


@pytest.mark.parametrize("branches", [{}, {"anything": "c1"}], ids=["alone", "with-a-branch-there"])
def test_is_older__what_landed_last_says_it_was_made_first__the_line_tells(
    tmp_path: Path, branches: dict[str, str]
) -> None:
    """A fast-forward keeps its author's clock, and anybody who may push puts a branch where he likes."""
    commits = (Commit("c0"), Commit("c1", ("c0",), time=EPOCH + 100), Commit("c2", ("c1",), time=EPOCH + 50))
    ids = build(tmp_path / "root" / "r.git", History(commits, branches={"main": "c2", **branches}), bare=True)
    for key in ("allowFilter", "allowAnySHA1InWant"):
        run_git(tmp_path / "root" / "r.git", "config", f"uploadpack.{key}", "true")
    with serve(tmp_path / "root") as server:
        assert _history(tmp_path, server).is_older(ids["c1"], ids["c2"]) is True
        assert _history(tmp_path, server).is_older(ids["c2"], ids["c1"]) is False
