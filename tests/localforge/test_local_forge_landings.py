"""How changes land on the local forge, and what both APIs tell of it: at once, late, or otherwise than one expects."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tagline_localforge import ForgeServer, Repository
from tagline_localforge.switches import Late
from tests.localforge.clients import on_github, on_gitlab, status_of
from tests.localforge.contracts import Checkers
from tests.localforge.test_local_forge_pushes import activity, push


@pytest.fixture
def change(shop: Repository) -> int:
    return shop.open_change(author="alice", source="topic", title="Better").number


@pytest.fixture
def other(shop: Repository) -> int:
    """A change that goes well with the first."""
    return shop.open_change(author="bob", source="other").number


def github_found(server: ForgeServer, commit: str) -> list[int]:
    return [pull.number for pull in on_github(server).get_commit(commit).get_pulls()]


def gitlab_found(server: ForgeServer, commit: str) -> list[int]:
    return [found["iid"] for found in on_gitlab(server).commits.get(commit).merge_requests(get_all=True)]


# GitLab's fast-forward with automatic rebase


def test_ff_rebase__of_a_change_that_fell_behind__no_commit_of_gitlabs_names_what_landed(
    shop: Repository, server: ForgeServer, change: int, ids: dict[str, str]
) -> None:
    tip = shop.merge(change, by="bob", method="ff-rebase")
    found = on_gitlab(server).mergerequests.get(change)
    assert (found.state, found.sha) == ("merged", ids["t2"])
    assert (found.merge_commit_sha, found.squash_commit_sha) == (None, None)
    second, first = shop.git.commits(f"{ids['main1']}..{tip}")
    assert (first.parents, [first.message, second.message]) == ((ids["main1"],), ["t1", "t2"])
    assert tip not in ids.values()
    assert gitlab_found(server, tip) == gitlab_found(server, first.sha) == gitlab_found(server, ids["t2"]) == [change]
    assert [commit.id for commit in found.commits()] == [ids["t2"], ids["t1"]]


def test_ff_rebase__of_a_change_on_the_tip__is_a_fast_forward(
    shop: Repository, server: ForgeServer, change: int, ids: dict[str, str]
) -> None:
    shop.git.set_ref("refs/heads/main", ids["c0"])
    assert shop.merge(change, by="bob", method="ff-rebase") == ids["t2"]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase", "ff-rebase"])
def test_queue__lands_two_changes_by_one_push(
    shop: Repository, server: ForgeServer, change: int, other: int, ids: dict[str, str], method: str
) -> None:
    first, second = shop.merge_together([change, other], by="alice", method=method)
    assert shop.git.branches()["main"] == second
    (row,) = activity(server, ref="main")
    assert (row["activity_type"], row["before"], row["after"]) == ("merge_queue_merge", ids["main1"], second)
    assert github_found(server, first) == gitlab_found(server, first) == [change]
    assert github_found(server, second) == gitlab_found(server, second) == [other]
    pulls = {pull.number: pull.merge_commit_sha for pull in on_github(server).get_pulls(state="closed")}
    assert pulls == {change: first, other: second}
    assert shop.git.merge_base(first, second) == first


# A push that merges


def test_push__of_a_changes_head_to_its_target__merges_it(
    shop: Repository, server: ForgeServer, change: int, ids: dict[str, str], tmp_path: Path
) -> None:
    shop.git.set_ref("refs/heads/main", ids["c0"])
    push(server, tmp_path / "clone", "bob-token", f"{ids['t2']}:refs/heads/main")
    pull = on_github(server).get_pull(change)
    assert (pull.merged, pull.merged_by.login, pull.merge_commit_sha) == (True, "bob", ids["t2"])
    events = [(event.event, event.actor.login, event.commit_id) for event in pull.get_issue_events()]
    assert events == [("merged", "bob", ids["t2"]), ("closed", "bob", None)]
    assert activity(server, ref="main")[0]["activity_type"] == "push"
    found = on_gitlab(server).mergerequests.get(change)
    assert (found.state, found.sha, found.merge_commit_sha) == ("merged", ids["t2"], ids["t2"])
    assert github_found(server, ids["t1"]) == gitlab_found(server, ids["t1"]) == [change]


def test_push__of_a_merge_made_by_hand__names_the_merge(
    shop: Repository, server: ForgeServer, change: int, ids: dict[str, str], tmp_path: Path
) -> None:
    landing = shop.landing(shop.change(change), ids["main1"], "bob", 1_700_000_600)
    tree = shop.git.merged_tree(ids["main1"], ids["t2"])
    merge = shop.git.write_commit(tree, (ids["main1"], ids["t2"]), "by hand\n", landing.author, landing.committer)
    after = shop.git.write_commit(tree, (merge,), "and more\n", landing.author, landing.committer)
    shop.git.set_ref("refs/heads/by-hand", after)
    push(server, tmp_path / "clone", "bob-token", "refs/remotes/origin/by-hand:refs/heads/main")
    assert on_github(server).get_pull(change).merge_commit_sha == merge
    assert on_gitlab(server).mergerequests.get(change).merge_commit_sha == merge
    assert github_found(server, merge) == [change]
    assert github_found(server, after) == []


def test_push__of_something_else_or_to_another_branch__merges_nothing(
    shop: Repository, server: ForgeServer, change: int, ids: dict[str, str], tmp_path: Path
) -> None:
    push(server, tmp_path / "clone", "bob-token", f"{ids['t1']}:refs/heads/main", f"{ids['t2']}:refs/heads/elsewhere")
    assert not on_github(server).get_pull(change).merged


# Lists that lag


@pytest.mark.parametrize("requests", [2, math.inf])
def test_late_list__leaves_out_what_merged_last(
    shop: Repository, server: ForgeServer, change: int, other: int, requests: float
) -> None:
    shop.merge(other, by="bob", method="squash")
    shop.merge(change, by="bob")
    github, gitlab = on_github(server), on_gitlab(server)
    shop.switches.late_list = Late(requests)
    assert list(github.get_pulls(state="open")) == []
    assert [pull.number for pull in github.get_pulls(state="closed")] == [other]
    assert [found.iid for found in gitlab.mergerequests.list(state="merged", get_all=True)] == [other]
    told = [other] if requests == math.inf else [change, other]
    assert sorted(pull.number for pull in github.get_pulls(state="closed")) == told
    shop.switches.late_list = Late()
    assert sorted(pull.number for pull in github.get_pulls(state="closed")) == [change, other]


def test_late_commit_list__leaves_out_what_merged_last(
    shop: Repository, server: ForgeServer, change: int, other: int
) -> None:
    commits = [shop.merge(other, by="bob", method="squash"), shop.merge(change, by="bob")]
    shop.switches.late_commit_list = Late(math.inf)
    assert [github_found(server, commit) for commit in commits] == [[other], []]
    shop.switches.late_commit_list = Late(math.inf, changes=2)
    assert [gitlab_found(server, commit) for commit in commits] == [[], []]
    shop.switches.late_commit_list = Late(1)
    assert [gitlab_found(server, commits[1]) for _ in range(2)] == [[], [change]]


def test_late_merge_commit__is_null_for_a_moment(shop: Repository, server: ForgeServer, change: int) -> None:
    tip = shop.merge(change, by="bob")
    shop.switches.late_merge_commit = Late(2)
    pull, again = (on_github(server).get_pull(change) for _ in range(2))
    assert (pull.merged, pull.merge_commit_sha, again.merge_commit_sha) == (True, None, None)
    assert on_github(server).get_pull(change).merge_commit_sha == tip
    shop.switches.late_merge_commit = Late(1)
    found = [on_gitlab(server).mergerequests.get(change).merge_commit_sha for _ in range(2)]
    assert found == [None, tip]


def test_busy_week__of_more_than_500_changes__is_read_page_by_page(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    made = shop.merge_many(520, by="bob", files="models/{}.txt")
    pulls = list(on_github(server).get_pulls(state="closed", sort="updated", direction="desc", base="main"))
    assert [pull.number for pull in pulls] == list(range(520, 0, -1))
    assert pulls[0].merge_commit_sha == shop.git.branches()["main"] == made[-1].head
    assert len({pull.merged_at for pull in pulls}) == 520
    found = on_gitlab(server).mergerequests.list(state="merged", iterator=True, per_page=100)
    assert len(list(found)) == found.total == 520
    assert github_found(server, made[256].head) == gitlab_found(server, made[256].head) == [257]
    assert shop.git.commits("--max-count=1", "main~519")[0].parents == (ids["main1"],)
    assert [file.filename for file in on_github(server).get_pull(257).get_files()] == ["models/257.txt"]


# What GitLab does not say


def test_locked__while_git_merges__is_no_merge_yet(shop: Repository, server: ForgeServer, change: int) -> None:
    tip = shop.merge(change, by="bob")
    shop.switches.late_merged_state = Late(2)
    found = on_gitlab(server).mergerequests.get(change)
    assert (found.state, found.merged_at, found.merge_user, found.merge_commit_sha) == ("locked", None, None, None)
    assert on_gitlab(server).mergerequests.list(state="merged", get_all=True) == []
    found = on_gitlab(server).mergerequests.get(change)
    assert (found.state, found.merge_commit_sha) == ("merged", tip)


def test_merged_at__without_metrics__is_null(shop: Repository, server: ForgeServer, change: int) -> None:
    shop.merge(change, by="bob")
    shop.switches.no_merged_at = True
    found = on_gitlab(server).mergerequests.get(change)
    assert (found.state, found.merged_at, found.merge_user["username"]) == ("merged", None, "bob")


def test_approvals__of_an_old_server__say_not_when(
    shop: Repository, server: ForgeServer, change: int, checkers: Checkers
) -> None:
    shop.approve(change, by="bob")
    shop.switches.no_approved_at = True
    approvals = on_gitlab(server).mergerequests.get(change).approvals.get()
    assert [sorted(row) for row in approvals.approved_by] == [["user"]]
    shop.switches.no_approvers = True
    approvals = on_gitlab(server).mergerequests.get(change).approvals.get()
    assert approvals.approved_by == [{"user": None}]
    for checker in checkers:
        assert all("approved_by[0].user" in violation for violation in checker.violations)
        checker.violations.clear()  # no shape of GitLab's allows it


# Branches that are called otherwise


def test_default_branch__renamed__open_changes_go_along_and_the_old_name_is_sent_on(
    shop: Repository, server: ForgeServer, change: int, other: int
) -> None:
    tip = shop.merge(other, by="bob", method="squash")
    shop.rename_branch("main", "trunk")
    repo = on_github(server)
    assert (repo.default_branch, on_gitlab(server).default_branch) == ("trunk", "trunk")
    assert (repo.get_pull(change).base.ref, repo.get_pull(other).base.ref) == ("trunk", "main")
    assert repo.get_branch("main").commit.sha == tip
    assert [(e.status, e.answer_headers.get("Location", "")) for e in server.exchanges[-2:]] == [
        (301, f"{repo.url}/branches/trunk"), (200, ""),
    ]  # fmt: skip
    assert status_of(lambda: repo.get_git_ref("heads/main")) == 404
    assert shop.git("symbolic-ref", "HEAD").strip() == "refs/heads/trunk"
    shop.merge(change, by="bob")
    assert repo.get_pull(change).merged
