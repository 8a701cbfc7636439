"""The ways of merging make the commits that forges make."""

from __future__ import annotations

import pytest

from tagline_localforge import ForgeServer, Repository
from tagline_localforge.git import MergeConflict
from tagline_localforge.merging import NotFastForward
from tests.localforge.clients import on_github
from tests.support.gitbuild import run_git


def merged(shop: Repository, method: str) -> tuple[str, list[str]]:
    """What a merge of ``topic`` made, and the two commits that it joined."""
    before = shop.git.branches()
    shop.open_change(author="alice", source="topic", title="Better")
    tip = shop.merge(1, by="bob", method=method)
    assert shop.git.branches()["main"] == tip
    return tip, [before["main"], before["topic"]]


def test_merge__merge_commit__has_both_parents(shop: Repository, server: ForgeServer) -> None:
    tip, parents = merged(shop, "merge")
    assert list(shop.git.commit(tip).parents) == parents
    pull = on_github(server).get_pull(1)
    assert (pull.merged, pull.merge_commit_sha, pull.merged_by.login, pull.state) == (True, tip, "bob", "closed")
    names = run_git(shop.path, "ls-tree", "-r", "--name-only", tip).split()
    assert names == ["a.txt", "b", "m", "new.txt"]


def test_merge__squash__is_one_commit(shop: Repository, server: ForgeServer) -> None:
    tip, (base, _) = merged(shop, "squash")
    commit = shop.git.commit(tip)
    assert (commit.parents, commit.author.name, commit.committer.name) == ((base,), "alice", "bob")
    assert commit.message.startswith("Better (#1)")
    assert on_github(server).get_pull(1).merge_commit_sha == tip


def test_merge__rebase__makes_each_commit_anew(shop: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    tip, (base, _) = merged(shop, "rebase")
    second, first = shop.git.commits(f"{base}..{tip}")
    assert (first.parents, second.parents) == ((base,), (first.sha,))
    assert [c.author.when for c in (first, second)] == ["1700000200 +0000", "1700000300 +0000"]
    assert [c.message for c in (first, second)] == ["t1", "t2"]
    assert {first.sha, second.sha}.isdisjoint({ids["t1"], ids["t2"]})
    assert second.committer.name == "bob"
    repo = on_github(server)
    assert repo.get_pull(1).merge_commit_sha == tip
    assert [p.number for p in repo.get_commit(first.sha).get_pulls()] == [1]


def test_merge__trees__are_the_same_whatever_the_method(shop: Repository) -> None:
    start, trees = shop.git.branches()["main"], set()
    for number, method in enumerate(("merge", "squash", "rebase", "squash-merge"), 1):
        shop.git.set_ref("refs/heads/main", start)
        shop.open_change(author="alice", source="topic")
        trees.add(shop.git.commit(shop.merge(number, by="bob", method=method)).tree)
    assert len(trees) == 1


def test_merge__conflict__moves_nothing(shop: Repository, ids: dict[str, str]) -> None:
    shop.open_change(author="alice", source="conflict")
    with pytest.raises(MergeConflict):
        shop.merge(1, by="bob")
    assert (shop.change(1).state, shop.git.branches()["main"]) == ("open", ids["main1"])
    shop.open_change(author="alice", source="topic")
    with pytest.raises(NotFastForward):
        shop.merge(2, by="bob", method="ff")
