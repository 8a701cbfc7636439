"""What a forge refuses or has lost: limits, pages instead of answers, comments, locks, labels."""

from __future__ import annotations

import time

import pytest
import requests
from github import GithubException
from github.PullRequest import PullRequest
from gitlab.v4.objects import ProjectMergeRequest

from tagline_localforge import ForgeServer, Repository
from tests.localforge.clients import on_github, on_gitlab, status_of
from tests.localforge.faults import bad_gateway, limit_reached, rate_limited


@pytest.fixture
def pull(shop: Repository, server: ForgeServer) -> PullRequest:
    shop.open_change(author="alice", source="topic", title="Better model", body="why")
    return on_github(server).get_pull(1)


@pytest.fixture
def change(shop: Repository, server: ForgeServer, pull: PullRequest) -> ProjectMergeRequest:
    return on_gitlab(server).mergerequests.get(1)


# Limits


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("retry_after", [60, None])
def test_secondary_limit__on_a_post__does_nothing(
    shop: Repository, server: ForgeServer, pull: PullRequest, status: int, retry_after: int | None
) -> None:
    fault = rate_limited(server, "POST", "/comments$", status=status, retry_after=retry_after)
    with pytest.raises(GithubException, match="secondary rate limit") as refused:
        pull.create_issue_comment("plan")
    assert (refused.value.status, fault.fired, shop.change(1).comments) == (status, 1, [])
    headers = {name.lower(): value for name, value in (refused.value.headers or {}).items()}
    assert headers.get("retry-after") == (None if retry_after is None else "60")
    pull.create_issue_comment("plan")


@pytest.mark.parametrize("status", [403, 429])
def test_primary_limit__says_when_it_ends(server: ForgeServer, pull: PullRequest, status: int) -> None:
    limit_reached(server, "GET", "/pulls/1$", status=status, reset_in=90)
    with pytest.raises(GithubException, match="API rate limit exceeded") as refused:
        pull.update()
    headers = {name.lower(): value for name, value in (refused.value.headers or {}).items()}
    assert (refused.value.status, headers["x-ratelimit-remaining"]) == (status, "0")
    assert 60 < int(headers["x-ratelimit-reset"]) - time.time() <= 90


def test_api_version__of_a_request__can_be_asked_for(server: ForgeServer, pull: PullRequest) -> None:
    headers = {"Authorization": "Bearer alice-token", "X-GitHub-Api-Version": "2026-03-10"}
    answer = requests.get(pull.url, headers=headers, timeout=10)
    assert (answer.status_code, answer.headers["X-GitHub-Api-Version-Selected"]) == (200, "2026-03-10")
    assert server.exchanges[-1].headers["x-github-api-version"] == "2026-03-10"
    headers["X-GitHub-Api-Version"] = "1999-01-01"
    assert requests.get(pull.url, headers=headers, timeout=10).status_code == 400


def test_bad_gateway__of_gitlab__is_a_page(server: ForgeServer, change: ProjectMergeRequest) -> None:
    fault = bad_gateway(server, "POST", "/notes$")
    url = f"{server.url}/api/v4/projects/{change.project_id}/merge_requests/1/notes"
    answer = requests.post(url, headers={"Private-Token": "alice-token"}, json={"body": "x"}, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"], fault.fired) == (502, "text/html", 1)
    assert answer.text.startswith("<!DOCTYPE html>")
    assert status_of(lambda: bad_gateway(server, "GET", "/notes$") and change.notes.list(get_all=True)) == 502
    assert change.notes.list(get_all=True) == []


# Comments


def test_comment__gone_between_list_and_edit__is_not_found(
    shop: Repository, pull: PullRequest, change: ProjectMergeRequest
) -> None:
    comment, note = pull.create_issue_comment("plan"), change.notes.create({"body": "note"})
    shop.switches.comments_vanish = 2
    assert status_of(lambda: comment.edit("again")) == 404
    note.body = "again"
    assert status_of(note.save) == 404
    assert shop.change(1).comments == []
    pull.create_issue_comment("plan").edit("again")


@pytest.mark.parametrize(
    ("token", "status"), [("actions-token", 403), ("app-token", 403), ("mallory-token", 403), ("bob-token", None)]
)
def test_locked__on_github__only_people_who_may_write_comment(
    shop: Repository, server: ForgeServer, pull: PullRequest, token: str, status: int | None
) -> None:
    theirs = on_github(server, token).get_pull(1)
    mine = theirs.create_issue_comment("before")
    shop.lock(1)
    if status is None:
        theirs.create_issue_comment("after")
    else:
        assert status_of(lambda: theirs.create_issue_comment("after")) == status
        assert server.exchanges[-1].answer["message"] == "Unable to create comment because issue is locked."
    mine.edit("edited")
    assert on_github(server).get_issue(1).locked
    shop.lock(1, locked=False)
    theirs.create_issue_comment("at last")


def test_locked__on_gitlab__only_members_comment(
    shop: Repository, server: ForgeServer, change: ProjectMergeRequest
) -> None:
    shop.public = True
    shop.forge.token("stranger-token", login="stranger")
    theirs = on_gitlab(server, "stranger-token").mergerequests.get(1)
    note = theirs.notes.create({"body": "before"})
    shop.lock(1)
    assert status_of(lambda: theirs.notes.create({"body": "after"})) == 403
    note.body = "edited"
    assert status_of(note.save) == 403
    on_gitlab(server, "mallory-token").mergerequests.get(1).notes.create({"body": "a member"})
    assert on_gitlab(server).mergerequests.get(1).discussion_locked is True


# Labels


def labelled(pull: PullRequest, change: ProjectMergeRequest) -> tuple[list[str], list[str | None], list[str], list]:
    """GitHub's labels and events, GitLab's labels and events."""
    pull.update()
    events = [event.label and event.label["name"] for event in change.resourcelabelevents.list(get_all=True)]
    github_events = [event.label.name for event in pull.get_issue_events() if event.event == "labeled"]
    labels = change.manager.get(1).labels
    return [label.name for label in pull.labels], github_events, labels, events


def test_label__renamed_after_the_merge__github_keeps_the_old_name_in_events(
    shop: Repository, pull: PullRequest, change: ProjectMergeRequest
) -> None:
    shop.label(1, "stage:prod", by="bob")
    shop.label(1, "x", by="bob")
    shop.merge(1, by="bob")
    shop.rename_label("stage:prod", "stage:live")
    live = ["stage:live", "x"]
    assert labelled(pull, change) == (live, ["stage:prod", "x"], live, live)
    # A new label of the old name is another one.
    shop.label(1, "stage:prod", by="tess")
    assert labelled(pull, change)[3] == ["stage:live", "x", "stage:prod"]


def test_label__deleted_after_the_merge__gitlab_has_null_in_events(
    shop: Repository, pull: PullRequest, change: ProjectMergeRequest
) -> None:
    shop.label(1, "stage:prod", by="bob")
    shop.label(1, "x", by="bob")
    shop.merge(1, by="bob")
    shop.delete_label("stage:prod")
    assert labelled(pull, change) == (["x"], ["stage:prod", "x"], ["x"], [None, "x"])
