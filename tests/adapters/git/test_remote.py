"""The cache of remotes: several artifacts at once, what was seen of each before, and what nobody opens any more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tagline.adapters.git.remote import RemoteCache
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.upstream import GitUpstream
from tagline.adapters.git.urls import remote_url
from tests.support.gitbuild import Commit, History, Tag, build, run_git

TAGS = (Tag("a@v1.0.0", "c0"), Tag("b@v1.0.0", "c0"), Tag("ab@v1.0.0", "c0"), Tag("a/b@v1.0.0", "c0"))


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    build(tmp_path / "r.git", History((Commit("c0"),), TAGS), bare=True)
    return tmp_path / "r.git"


def test_fetch__of_several__has_their_tags_and_no_others(origin: Path, tmp_path: Path) -> None:
    found = RemoteCache(tmp_path / "cache").fetch(remote_url(origin.as_uri()), ["b", "a"])
    assert sorted(found.tag_names()) == ["a@v1.0.0", "b@v1.0.0"]


def test_fetch__of_several__tells_of_a_tag_that_was_moved_while_one_was_looked_at(origin: Path, tmp_path: Path) -> None:
    cache, remote = RemoteCache(tmp_path / "cache"), remote_url(origin.as_uri())
    cache.fetch(remote, ["a"])
    run_git(origin, "tag", "-f", "-a", "-m", "another", "a@v1.0.0", "main")
    assert [one.tag for one in cache.fetch(remote, ["a"]).moved] == ["a@v1.0.0"]
    assert [one.tag for one in cache.fetch(remote, ["a", "b"]).moved] == ["a@v1.0.0"]


@pytest.mark.parametrize("more", [0, 10_000])
def test_upstream__asked_for_some_artifacts__has_their_tags(origin: Path, tmp_path: Path, more: int) -> None:
    """Ten thousand names are more than a command line holds."""
    run_git(tmp_path, "clone", "--quiet", str(origin), "clone")
    names = ["a", "b", "no name", *(f"folder/of/region-{place:05}:churn-prediction-model" for place in range(more))]
    upstream = GitUpstream(
        GitRepository.at(tmp_path / "clone"), "origin", RemoteCache(tmp_path / "cache"), lambda _: None
    )
    assert sorted(upstream.tag_objects(names)) == ["a@v1.0.0", "b@v1.0.0"]


def test_cleaning__leaves_what_is_not_ours_and_what_was_opened_since(origin: Path, tmp_path: Path) -> None:
    cache, remote = RemoteCache(tmp_path / "cache"), remote_url(origin.as_uri())
    opened = cache.fetch(remote, ["a"]).place.root
    foreign = tmp_path / "cache" / "theirs.git"
    foreign.mkdir()
    month_ago = time.time() - 31 * 86_400
    for path in (foreign.with_suffix(".lock"), opened.with_suffix(".lock")):
        path.touch()
        os.utime(path, (month_ago, month_ago))
    cache.fetch(remote, ["a"])
    cache.fetch(remote, ["b"])
    assert foreign.exists()
    assert opened.exists()
