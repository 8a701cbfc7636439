"""PyGithub, as it is, talks to the local forge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from github import GithubException
from github.NamedUser import NamedUser
from github.PaginatedList import PaginatedList
from github.PullRequest import PullRequest

from tagline_localforge import ForgeServer, LocalForge, Repository
from tests.localforge.clients import github_client, on_github, status_of
from tests.localforge.faults import fail_always, fail_once, rate_limited, too_many_requests


@pytest.fixture
def pull(shop: Repository, server: ForgeServer) -> PullRequest:
    shop.open_change(author="alice", source="topic", title="Better model", body="why")
    return on_github(server).get_pull(1)


# Pull requests and what is said about them


def test_pull__open__has_head_base_and_trial_merge(shop: Repository, pull: PullRequest, ids: dict[str, str]) -> None:
    assert (pull.head.sha, pull.base.sha) == (ids["t2"], ids["main1"])
    assert (pull.state, pull.merged, pull.mergeable, pull.draft) == ("open", False, True, False)
    assert (pull.commits, pull.changed_files, pull.body) == (2, 3, "why")
    assert pull.html_url.endswith("/org/shop/pull/1")
    trial = shop.git.commit(pull.merge_commit_sha)
    assert trial.parents == (ids["main1"], ids["t2"])
    assert shop.git.revision("refs/pull/1/merge") == trial.sha


def test_pull__conflict__is_not_mergeable(shop: Repository, server: ForgeServer) -> None:
    shop.open_change(author="bob", source="conflict")
    pull = on_github(server).get_pull(1)
    assert (pull.mergeable, pull.mergeable_state, pull.merge_commit_sha) == (False, "dirty", None)


def test_pull__files_and_commits__are_gits(pull: PullRequest) -> None:
    files = {file.filename: file for file in pull.get_files()}
    assert files["new.txt"].status == "renamed"
    assert files["new.txt"].previous_filename == "old.txt"
    assert (files["b"].status, files["b"].additions) == ("added", 1)
    assert files["a.txt"].patch.endswith("-1\n+3\n")
    assert [commit.commit.message for commit in pull.get_commits()] == ["t1", "t2"]


def test_pull__pushed_to__head_follows(shop: Repository, pull: PullRequest, ids: dict[str, str]) -> None:
    shop.git.set_ref("refs/heads/topic", ids["t1"])
    pull.update()
    assert pull.head.sha == ids["t1"]
    assert shop.git.revision("refs/pull/1/head") == ids["t1"]
    assert [version.head for version in shop.change(1).versions] == [ids["t2"], ids["t1"]]


def test_pull__fork__names_another_repository(shop: Repository, server: ForgeServer) -> None:
    shop.open_change(author="mallory", source="topic", fork=True)
    head = on_github(server).get_pull(1).head
    assert (head.repo.full_name, head.repo.fork, head.label) == ("mallory/shop", True, "mallory:topic")


def test_pull__of_a_branch_that_has_one__is_refused(server: ForgeServer, pull: PullRequest) -> None:
    with pytest.raises(GithubException, match="A pull request already exists for org:topic") as refused:
        on_github(server).create_pull(base="main", head="topic", title="Again")
    assert refused.value.status == 422
    pull.edit(state="closed")
    assert on_github(server).create_pull(base="main", head="topic", title="Again").number == 2


def test_labels__put_on_and_off__events_say_who_and_when(shop: Repository, pull: PullRequest) -> None:
    shop.label(1, "stage:prod", by="bob")
    shop.label(1, "version:minor", by="tess")
    shop.unlabel(1, "stage:prod", by="alice")
    events = list(pull.get_issue_events())
    assert [(e.event, e.actor.login, e.label.name) for e in events] == [
        ("labeled", "bob", "stage:prod"),
        ("labeled", "tess", "version:minor"),
        ("unlabeled", "alice", "stage:prod"),
    ]
    assert len({e.created_at for e in events}) == 3
    pull.update()
    assert [label.name for label in pull.labels] == ["version:minor"]


def test_labels__by_the_api__by_whose_token_it_is(shop: Repository, server: ForgeServer, pull: PullRequest) -> None:
    on_github(server, "tess-token").get_pull(1).add_to_labels("stage:a/b#prod", "x")
    pull.remove_from_labels("stage:a/b#prod")
    pull.set_labels("y")
    assert [label.name for label in pull.get_labels()] == ["y"]
    assert [(e.kind, e.login) for e in shop.change(1).events][:3] == [
        ("labeled", "tess"), ("labeled", "tess"), ("unlabeled", "alice"),
    ]  # fmt: skip
    assert status_of(lambda: pull.remove_from_labels("none")) == 404
    assert status_of(lambda: pull.add_to_labels("x" * 51)) == 422


def test_reviews__dismissed__keep_their_commit(shop: Repository, pull: PullRequest, ids: dict[str, str]) -> None:
    first = shop.review(1, by="bob", state="changes_requested", body="no")
    shop.review(1, by="tess")
    shop.dismiss(1, first.id, by="alice", message="settled")
    states = [(r.user.login, r.state, r.commit_id) for r in pull.get_reviews()]
    assert states == [("bob", "DISMISSED", ids["t2"]), ("tess", "APPROVED", ids["t2"])]
    dismissal = next(iter(pull.get_issue_events()))
    assert (dismissal.event, dismissal.dismissed_review["review_id"]) == ("review_dismissed", first.id)
    assert dismissal.dismissed_review["state"] == "changes_requested"


def test_timeline__everything__is_in_order(shop: Repository, pull: PullRequest) -> None:
    shop.comment(1, by="mallory", body="hello")
    shop.review(1, by="bob")
    shop.label(1, "stage:prod", by="bob")
    tip = shop.merge(1, by="alice")
    timeline = list(pull.get_issue_timeline())
    kinds = ["committed", "committed", "commented", "reviewed", "labeled", "merged", "closed"]
    assert [item.event for item in timeline] == kinds
    assert timeline[5].commit_id == tip
    assert timeline[3].raw_data["state"] == "approved"


def test_comments__written_edited_and_deleted(pull: PullRequest) -> None:
    comment = pull.create_issue_comment("first")
    comment.edit("second")
    assert [(c.body, c.user.login) for c in pull.get_issue_comments()] == [("second", "alice")]
    assert comment.updated_at > comment.created_at
    comment.delete()
    assert list(pull.get_issue_comments()) == []


def test_comments__too_long__is_refused(pull: PullRequest) -> None:
    assert status_of(lambda: pull.create_issue_comment("x" * 65_537)) == 422
    pull.create_issue_comment("x" * 65_536)


def test_comments__of_others__only_for_those_who_may_write(
    shop: Repository, server: ForgeServer, pull: PullRequest
) -> None:
    comment = pull.create_issue_comment("mine")
    others = on_github(server, "mallory-token").get_pull(1).get_issue_comment(comment.id)
    assert status_of(lambda: others.edit("hers")) == 403
    on_github(server, "bob-token").get_pull(1).get_issue_comment(comment.id).edit("his")


def test_pages__of_more_than_a_hundred__all_are_read(shop: Repository, pull: PullRequest) -> None:
    for number in range(205):
        shop.comment(1, by="bob", body=str(number))
    comments = pull.get_issue_comments()
    assert [c.body for c in comments] == [str(number) for number in range(205)]
    assert comments.totalCount == 205
    assert [c.body for c in comments.reversed][:2] == ["204", "203"]


def test_pulls__listed__by_state_base_and_update(shop: Repository, server: ForgeServer) -> None:
    for source in ("topic", "feature/slash", "fresh"):
        shop.open_change(author="alice", source=source)
    shop.open_change(author="alice", source="topic", target="fresh")
    shop.merge(2, by="bob", method="squash")
    shop.close(1)
    shop.label(2, "late", by="bob")
    repo = on_github(server)
    closed = repo.get_pulls(state="closed", sort="updated", direction="desc", base="main")
    assert [(p.number, p.merged_at is not None, [x.name for x in p.labels]) for p in closed] == [
        (2, True, ["late"]), (1, False, []),
    ]  # fmt: skip
    assert [p.number for p in repo.get_pulls()] == [4, 3]
    assert [p.number for p in repo.get_pulls(state="all", head="org:topic")] == [4, 1]


def test_pulls__opened_edited_and_closed_by_the_api(shop: Repository, server: ForgeServer) -> None:
    repo = on_github(server)
    pull = repo.create_pull(base="main", head="topic", title="T", body="B", draft=True)
    pull.edit(title="T2", state="closed")
    assert (shop.change(1).title, shop.change(1).state, shop.change(1).draft) == ("T2", "closed", True)
    pull.edit(state="open")
    assert [e.event for e in pull.get_issue_events()] == ["renamed", "closed", "reopened"]
    assert repo.get_issue(1).pull_request is not None
    assert status_of(lambda: repo.create_pull(base="main", head="nowhere", title="T")) == 422


def test_pull__retargeted__an_event_of_its_own_that_the_timeline_leaves_out(
    shop: Repository, server: ForgeServer
) -> None:
    repo = on_github(server)
    pull = repo.create_pull(base="feature/slash", head="topic", title="T")
    pull.edit(base="main")
    assert (shop.change(1).target, pull.base.ref) == ("main", "main")
    (event,) = pull.get_issue_events()
    assert (event.event, event.actor.login) == ("base_ref_changed", "alice")
    assert "base_ref_changed" not in [entry.event for entry in repo.get_issue(1).get_timeline()]
    for nowhere in ("none", "topic"):
        assert status_of(lambda base=nowhere: pull.edit(base=base)) == 422  # type: ignore[misc]
    pull.edit(state="closed")
    assert status_of(lambda: pull.edit(base="feature/slash")) == 422


# Commits


def test_commit__pulls__before_and_after_the_merge(shop: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    shop.open_change(author="alice", source="topic")
    repo = on_github(server)
    assert [p.number for p in repo.get_commit(ids["t1"]).get_pulls()] == [1]
    assert list(repo.get_commit(ids["c0"]).get_pulls()) == []
    tip = shop.merge(1, by="bob", method="squash")
    assert [(p.number, p.merge_commit_sha) for p in repo.get_commit(tip).get_pulls()] == [(1, tip)]
    assert status_of(lambda: repo.get_commit("0" * 40)) == 422


def test_compare__diverged__says_so(shop: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    comparison = on_github(server).compare("main", "feature/slash")
    assert comparison.merge_base_commit.sha == ids["c0"]
    assert (comparison.ahead_by, comparison.behind_by, comparison.status) == (1, 1, "diverged")
    assert [file.filename for file in comparison.files] == ["a.txt"]
    assert status_of(lambda: on_github(server).compare("main", "none").status) == 404


def test_branch_and_ref__names_with_slashes(shop: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    repo = on_github(server)
    assert repo.get_branch("feature/slash").commit.sha == ids["t1"]
    assert repo.get_git_ref("heads/feature/slash").object.sha == ids["t1"]
    assert status_of(lambda: repo.get_branch("none")) == 404
    assert status_of(lambda: repo.get_git_ref("heads/feature")) == 404


# Who may do what


def test_permission__of_roles__in_old_and_new_words(shop: Repository, server: ForgeServer) -> None:
    repo = on_github(server)
    shop.grant("mia", "maintain")
    repo.get_pulls()
    wanted = {"alice": "admin", "mia": "write", "bob": "write", "tess": "read", "mallory": "read"}
    assert {login: repo.get_collaborator_permission(login) for login in wanted} == wanted
    assert repo.get_collaborator_role_name("tess") == "triage"
    assert status_of(lambda: repo.get_collaborator_permission("github-actions[bot]")) == 404


def members(server: ForgeServer, token: str) -> list[str]:
    requester = github_client(server, token).requester
    users = PaginatedList(NamedUser, requester, "/orgs/org/teams/ml-leads/members", None)
    return [user.login for user in users]


def test_team__members__are_hidden_from_jobs(forge: LocalForge, shop: Repository, server: ForgeServer) -> None:
    forge.team("org/ml-leads", ["alice", "bob"])
    assert members(server, "alice-token") == members(server, "app-token") == ["alice", "bob"]
    assert status_of(lambda: members(server, "actions-token")) == 404
    requester = github_client(server).requester
    url = "/orgs/org/teams/ml-leads/memberships"
    assert requester.requestJsonAndCheck("GET", f"{url}/bob")[1]["state"] == "active"
    assert status_of(lambda: requester.requestJsonAndCheck("GET", f"{url}/mallory")) == 404


@pytest.mark.parametrize("token", ["actions-token", "app-token", "fork-token"])
def test_user__of_an_installation__is_forbidden(shop: Repository, server: ForgeServer, token: str) -> None:
    assert status_of(lambda: github_client(server, token).get_user().login) == 403
    assert github_client(server).get_user().login == "alice"


def test_token__of_the_job__writes_as_the_bot(shop: Repository, server: ForgeServer, pull: PullRequest) -> None:
    on_github(server, "actions-token").get_pull(1).create_issue_comment("plan")
    assert shop.change(1).comments[0].login == "github-actions[bot]"
    assert next(iter(pull.get_issue_comments())).user.type == "Bot"


def test_token__of_a_fork__only_reads(shop: Repository, server: ForgeServer, pull: PullRequest) -> None:
    theirs = on_github(server, "fork-token").get_pull(1)
    assert status_of(lambda: theirs.create_issue_comment("x")) == 403
    assert status_of(lambda: theirs.add_to_labels("x")) == 403
    assert status_of(lambda: on_github(server, "fork-token").get_commit("main").create_status("success")) == 403


def test_token__none_or_wrong__sees_nothing_private(shop: Repository, server: ForgeServer) -> None:
    assert status_of(lambda: on_github(server, "")) == 404
    assert status_of(lambda: on_github(server, "wrong")) == 401
    assert status_of(lambda: on_github(server, "job-token")) == 401
    shop.public = True
    assert on_github(server, "").default_branch == "main"
    assert status_of(lambda: on_github(server, "").get_commit("main").create_status("success")) == 401


def test_token__of_a_reader__may_speak_and_no_more(shop: Repository, server: ForgeServer, pull: PullRequest) -> None:
    theirs = on_github(server, "mallory-token").get_pull(1)
    theirs.create_issue_comment("x")
    assert status_of(lambda: theirs.add_to_labels("x")) == 403
    assert status_of(lambda: theirs.edit(title="x")) == 403


def test_prefix__none__is_served_too(shop: Repository, server: ForgeServer) -> None:
    repo = github_client(server, prefix="").get_repo("org/shop")
    assert repo.url == f"{server.url}/repos/org/shop"
    assert github_client(server, prefix="").get_rate_limit().rate.limit == 5000


# Faults


def test_fault__server_error__once_is_retried(shop: Repository, server: ForgeServer) -> None:
    fault = fail_once(server, "GET", "/repos/org/shop$", 502)
    assert github_client(server, retry=2).get_repo("org/shop").id == shop.id
    assert fault.fired == 1
    assert [e.status for e in server.exchanges] == [502, 200]


def test_fault__always__is_given_up(shop: Repository, server: ForgeServer) -> None:
    fault = fail_always(server, "GET", "/repos/org/shop$", 500)
    assert status_of(lambda: on_github(server)) == 500
    fault.remove()
    assert on_github(server).id == shop.id


def test_fault__rate_limits__are_waited_for(shop: Repository, server: ForgeServer) -> None:
    faults = [too_many_requests(server, "GET", "/repos/org/shop$"), rate_limited(server, "GET", "/repos/org/shop$")]
    assert github_client(server, retry=3).get_repo("org/shop").id == shop.id
    assert [fault.fired for fault in faults] == [1, 1]


def test_fault__dropped__before_or_after_the_work(shop: Repository, server: ForgeServer, pull: PullRequest) -> None:
    fail_once(server, "POST", "/comments$", "drop")
    with pytest.raises(Exception, match=r"Connection aborted|RemoteDisconnected"):
        pull.create_issue_comment("never")
    assert shop.change(1).comments == []
    fault = fail_once(server, "POST", "/comments$", "drop-after")
    with pytest.raises(Exception, match=r"Connection aborted|RemoteDisconnected"):
        pull.create_issue_comment("unheard")
    assert [c.body for c in shop.change(1).comments] == ["unheard"]
    assert (fault.fired, server.exchanges[-1].status) == (1, 0)


def test_hook__changes_the_forge_between_two_requests(shop: Repository, server: ForgeServer, pull: PullRequest) -> None:
    shop.label(1, "stage:prod", by="bob")
    server.before.append(lambda request: shop.unlabel(1, "stage:prod", by="bob") if "/labels" in request.path else None)
    assert list(pull.get_labels()) == []


def test_clock__another__is_believed(forge: LocalForge, shop: Repository, server: ForgeServer) -> None:
    now = 1_800_000_000.0
    forge.clock = lambda: now
    shop.open_change(author="alice", source="topic")
    now += 90
    shop.label(1, "x", by="bob")
    pull = on_github(server).get_pull(1)
    assert pull.updated_at - pull.created_at == timedelta(seconds=90)


def test_threads__at_once__lose_nothing(shop: Repository, server: ForgeServer, pull: PullRequest) -> None:
    def write(number: int) -> None:
        on_github(server).get_pull(1).create_issue_comment(str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    comments = list(pull.get_issue_comments())
    assert sorted(int(comment.body) for comment in comments) == list(range(40))
    assert len({comment.created_at for comment in comments}) == 40
