"""python-gitlab, as it is, talks to the local forge."""

from __future__ import annotations

from datetime import UTC, datetime

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from tagline_localforge import ForgeServer, LocalForge, Repository
from tests.localforge.clients import gitlab_client, on_gitlab, status_of
from tests.localforge.faults import fail_once, too_many_requests


def by_job(server: ForgeServer) -> Project:
    return gitlab.Gitlab(server.url, job_token="job-token").projects.get("org/shop")


@pytest.fixture
def change(shop: Repository, server: ForgeServer) -> ProjectMergeRequest:
    shop.open_change(author="alice", source="topic", title="Better model", body="why")
    return on_gitlab(server).mergerequests.get(1)


def test_project__by_path_or_number(shop: Repository, server: ForgeServer) -> None:
    found = gitlab_client(server).projects.get(shop.id)
    assert (found.path_with_namespace, found.default_branch) == ("org/shop", "main")
    assert found.permissions["project_access"]["access_level"] == 50
    assert status_of(lambda: gitlab_client(server).projects.get("org/none")) == 404


def test_merge_request__open__has_its_commits(
    shop: Repository, change: ProjectMergeRequest, ids: dict[str, str]
) -> None:
    assert (change.state, change.sha, change.target_branch) == ("opened", ids["t2"], "main")
    assert change.diff_refs == {
        "base_sha": ids["c0"], "head_sha": ids["t2"], "start_sha": ids["main1"],
    }  # fmt: skip
    assert (change.has_conflicts, change.detailed_merge_status) == (False, "mergeable")
    assert change.source_project_id == change.target_project_id == shop.id
    assert change.web_url.endswith("/org/shop/-/merge_requests/1")
    assert change.created_at.endswith("Z")
    assert len(change.created_at.partition(".")[2]) == 4


def test_merge_request__fork_and_conflict(shop: Repository, server: ForgeServer) -> None:
    shop.open_change(author="mallory", source="conflict", fork=True)
    found = on_gitlab(server).mergerequests.get(1)
    assert found.source_project_id != found.target_project_id
    assert (found.has_conflicts, found.detailed_merge_status) == (True, "conflict")


def test_merge_requests__listed__by_state_target_and_update(shop: Repository, server: ForgeServer) -> None:
    for source in ("topic", "feature/slash", "fresh"):
        shop.open_change(author="alice", source=source)
    shop.merge(1, by="bob", method="squash")  # the others have its commits: a merge would merge them along
    moment = datetime.fromtimestamp(shop.change(1).updated, UTC)
    shop.close(2)
    remote = on_gitlab(server)
    assert [m.iid for m in remote.mergerequests.list(state="merged", target_branch="main")] == [1]
    since = remote.mergerequests.list(updated_after=moment, order_by="updated_at", sort="asc")
    assert [m.iid for m in since] == [1, 2]
    assert [m.iid for m in remote.mergerequests.list(state="opened")] == [3]


def test_pages__of_more_than_a_hundred__all_are_read(shop: Repository, change: ProjectMergeRequest) -> None:
    for number in range(205):
        shop.comment(1, by="bob", body=str(number))
    notes = change.notes.list(iterator=True, per_page=100, sort="asc")
    assert [note.body for note in notes] == [str(number) for number in range(205)]
    assert notes.total == 205
    assert len(change.notes.list(get_all=True)) == 205


def test_labels__by_the_api__events_say_who_and_when(
    shop: Repository, server: ForgeServer, change: ProjectMergeRequest
) -> None:
    mine = on_gitlab(server, "bob-token").mergerequests.get(1)
    mine.labels = [*mine.labels, "stage:prod", "x"]
    mine.save()
    on_gitlab(server).mergerequests.update(1, {"remove_labels": "x", "add_labels": "y"})
    events = change.resourcelabelevents.list(get_all=True)
    assert [(e.action, e.user["username"], e.label["name"]) for e in events] == [
        ("add", "bob", "stage:prod"),
        ("add", "bob", "x"),
        ("remove", "alice", "x"),
        ("add", "alice", "y"),
    ]
    assert on_gitlab(server).mergerequests.get(1).labels == ["stage:prod", "y"]


def test_merge_request__edited_closed_and_reopened(shop: Repository, change: ProjectMergeRequest) -> None:
    change.title, change.state_event = "Other", "close"
    change.save()
    assert (shop.change(1).title, change.state, change.closed_at is not None) == ("Other", "closed", True)
    change.state_event = "reopen"
    change.save()
    assert (shop.change(1).state, change.closed_at) == ("open", None)


def test_approvals__taken_back__linger_only_in_notes(shop: Repository, change: ProjectMergeRequest) -> None:
    shop.approve(1, by="bob")
    shop.approve(1, by="tess")
    shop.unapprove(1, by="bob")
    approvals = change.approvals.get()
    assert [each["user"]["username"] for each in approvals.approved_by] == ["tess"]
    assert approvals.approved_by[0]["approved_at"].endswith("Z")
    notes = [(note.system, note.body) for note in change.notes.list(sort="asc", get_all=True)]
    assert notes == [
        (True, "approved this merge request"),
        (True, "approved this merge request"),
        (True, "unapproved this merge request"),
    ]
    assert change.user_notes_count == 0


def test_versions__one_a_push__the_newest_first(
    shop: Repository, change: ProjectMergeRequest, ids: dict[str, str]
) -> None:
    shop.approve(1, by="bob")
    shop.git.set_ref("refs/heads/topic", ids["t1"])
    versions = change.diffs.list(get_all=True)
    assert [version.head_commit_sha for version in versions] == [ids["t1"], ids["t2"]]
    assert versions[0].created_at > change.approvals.get().approved_by[0]["approved_at"]
    assert [commit.title for commit in change.commits()] == ["t1"]


def test_merge_request__retargeted__a_note_and_a_version_of_the_same_head(
    shop: Repository, change: ProjectMergeRequest, ids: dict[str, str]
) -> None:
    change.target_branch = "feature/slash"
    change.save()
    assert shop.change(1).target == "feature/slash"
    notes = [(note.system, note.body) for note in change.notes.list(get_all=True)]
    assert notes == [(True, "changed target branch from `main` to `feature/slash`")]
    newest, first = change.diffs.list(get_all=True)
    assert newest.head_commit_sha == first.head_commit_sha == ids["t2"]
    assert (newest.base_commit_sha, newest.start_commit_sha) == (ids["t1"], ids["t1"])
    shop.merge(1, by="alice", method="merge")
    change.target_branch = "main"
    change.save()
    assert shop.change(1).target == "feature/slash"


def test_diffs__of_a_change__are_gits(server: ForgeServer, shop: Repository, change: ProjectMergeRequest) -> None:
    files = gitlab_client(server).http_list(f"/projects/{shop.id}/merge_requests/1/diffs", get_all=True)
    renamed = next(file for file in files if file["renamed_file"])
    assert (renamed["old_path"], renamed["new_path"]) == ("old.txt", "new.txt")
    assert next(file for file in files if file["new_path"] == "b")["new_file"] is True


def test_notes__written_edited_and_deleted(shop: Repository, server: ForgeServer, change: ProjectMergeRequest) -> None:
    note = change.notes.create({"body": "first"})
    note.body = "second"
    note.save()
    assert [(n.body, n.author["username"]) for n in change.notes.list(get_all=True)] == [("second", "alice")]
    others = on_gitlab(server, "bob-token").mergerequests.get(1).notes.get(note.id)
    others.body = "his"
    assert status_of(others.save) == 403
    note.delete()
    assert change.notes.list(get_all=True) == []
    assert shop.change(1).comments == []


@pytest.mark.parametrize(
    ("method", "merge", "squash"),
    [("merge", True, False), ("squash", False, True), ("squash-merge", True, True), ("ff", False, False)],
)
def test_merge__each_method__names_its_commits(
    shop: Repository, server: ForgeServer, method: str, merge: bool, squash: bool, ids: dict[str, str]
) -> None:
    shop.git.set_ref("refs/heads/main", ids["c0"])
    shop.open_change(author="alice", source="topic")
    tip = shop.merge(1, by="bob", method=method)
    found = on_gitlab(server).mergerequests.get(1)
    assert (found.state, found.sha, found.merged_at is not None) == ("merged", ids["t2"], True)
    assert (found.merge_commit_sha is not None, found.squash_commit_sha is not None) == (merge, squash)
    assert tip == (found.merge_commit_sha or found.squash_commit_sha or found.sha)
    assert shop.git.branches()["main"] == tip
    assert [m["iid"] for m in on_gitlab(server).commits.get(tip).merge_requests()] == [1]
    if method == "squash-merge":
        assert shop.git.commit(tip).parents == (ids["c0"], found.squash_commit_sha)
        assert shop.git.commit(found.squash_commit_sha).parents == (ids["c0"],)


def test_members__with_levels(shop: Repository, server: ForgeServer) -> None:
    members = on_gitlab(server).members_all.list(get_all=True)
    levels = {member.username: member.access_level for member in members}
    assert levels == {"alice": 50, "bob": 30, "tess": 20, "mallory": 20}
    assert on_gitlab(server).members_all.get(members[0].id).username == "alice"
    assert status_of(lambda: on_gitlab(server).members_all.get(1)) == 404


def test_groups__with_those_above(forge: LocalForge, shop: Repository, server: ForgeServer) -> None:
    forge.team("org", ["carol"])
    forge.team("org/ml-leads", ["alice", "bob"])
    group = gitlab_client(server).groups.get("org/ml-leads")
    assert {member.username for member in group.members_all.list(get_all=True)} == {"alice", "bob", "carol"}
    assert status_of(lambda: gitlab_client(server).groups.get("org/none")) == 404


def test_users__by_name_and_oneself(shop: Repository, server: ForgeServer) -> None:
    connection = gitlab_client(server)
    connection.auth()
    assert connection.user.username == "alice"
    assert [user.username for user in connection.users.list(username="bob", get_all=True)] == ["bob"]


def test_job_token__reads_little_and_writes_nothing(
    shop: Repository, server: ForgeServer, change: ProjectMergeRequest, ids: dict[str, str]
) -> None:
    shop.comment(1, by="bob", body="hi")
    theirs = by_job(server).mergerequests.get(1)
    assert [note.body for note in theirs.notes.list(get_all=True)] == ["hi"]
    assert by_job(server).commits.get("main").id == ids["main1"]
    for unreadable in ("approvals", "commits", "diffs", "versions", "resource_label_events"):
        path = f"/projects/{shop.id}/merge_requests/1/{unreadable}"
        assert status_of(lambda path=path: theirs.manager.gitlab.http_get(path)) == 404  # type: ignore[misc]
    assert status_of(lambda: by_job(server).members_all.list(get_all=True)) == 404
    assert status_of(lambda: theirs.notes.create({"body": "x"})) == 401
    assert status_of(lambda: by_job(server).commits.get("main").statuses.create({"state": "success"})) == 401


def test_tokens__wrong_or_in_the_wrong_header(shop: Repository, server: ForgeServer) -> None:
    assert status_of(lambda: on_gitlab(server, "wrong")) == 401
    assert status_of(lambda: on_gitlab(server, "job-token")) == 401
    assert status_of(lambda: gitlab.Gitlab(server.url, job_token="bob-token").projects.get("org/shop")) == 401
    assert status_of(lambda: gitlab.Gitlab(server.url).projects.get("org/shop")) == 404
    assert gitlab.Gitlab(server.url, oauth_token="bob-token").projects.get("org/shop").id == shop.id
    shop.public = True
    assert gitlab.Gitlab(server.url).projects.get("org/shop").id == shop.id


def test_faults__too_many_requests_and_errors__are_retried(shop: Repository, server: ForgeServer) -> None:
    limit = too_many_requests(server, "GET", "/projects/org%2Fshop$")
    assert on_gitlab(server).id == shop.id
    fault = fail_once(server, "GET", "/projects/org%2Fshop$", 503)
    assert gitlab_client(server, retry_transient_errors=True).projects.get("org/shop").id == shop.id
    assert (limit.fired, fault.fired) == (1, 1)


def test_faults__dropped_after_the_work__the_note_is_there(
    shop: Repository, server: ForgeServer, change: ProjectMergeRequest
) -> None:
    fail_once(server, "POST", "/notes$", "drop-after")
    with pytest.raises(Exception, match=r"Connection aborted|RemoteDisconnected"):
        change.notes.create({"body": "unheard"})
    assert [comment.body for comment in shop.change(1).comments] == ["unheard"]
