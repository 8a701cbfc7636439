"""Statuses of commits on the local forge: GitHub adds them up, GitLab moves what is under way in a pipeline."""

from __future__ import annotations

from typing import Any

import pytest
from gitlab.exceptions import GitlabError
from gitlab.v4.objects import ProjectCommit

from tagline_localforge import ForgeServer, Repository
from tests.localforge.clients import gitlab_client, on_github, on_gitlab, status_of

# GitHub


def listed(server: ForgeServer, sha: str) -> list[dict[str, Any]]:
    """By hand: PyGithub asks at an older address, which GitHub no longer describes."""
    repository = on_github(server)
    rows: list[dict[str, Any]] = repository.requester.requestJsonAndCheck(
        "GET", f"{repository.url}/commits/{sha}/statuses"
    )[1]  # fmt: skip
    return rows


def test_github__set_and_read__the_newest_first_and_what_they_come_to(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    commit = on_github(server, "bob-token").get_commit(ids["t2"])
    assert commit.get_combined_status().state == "pending"
    commit.create_status(state="pending", context="tagline", description="wait", target_url="https://example.com/1")
    commit.create_status(state="success", context="ci")
    assert commit.get_combined_status().state == "pending"
    commit.create_status(state="success", context="tagline", description="fine")
    assert [(s["context"], s["state"], s["description"], s["creator"]["login"]) for s in listed(server, ids["t2"])] == [
        ("tagline", "success", "fine", "bob"), ("ci", "success", None, "bob"), ("tagline", "pending", "wait", "bob"),
    ]  # fmt: skip
    combined = commit.get_combined_status()
    assert (combined.state, combined.sha, combined.total_count) == ("success", ids["t2"], 2)
    commit.create_status(state="error", context="ci")
    assert commit.get_combined_status().state == "failure"
    assert [(s.sha, s.context) for s in shop.statuses][-1] == (ids["t2"], "ci")
    assert listed(server, ids["t1"]) == []
    assert status_of(lambda: commit.create_status(state="success", description="x" * 141)) == 422


def test_github__more_than_it_takes__is_refused_for_that_context_alone(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    assert shop.switches.most_statuses == 1000
    shop.switches.most_statuses = 2
    commit = on_github(server).get_commit(ids["t2"])
    for _ in range(2):
        commit.create_status(state="success", context="tagline")
    assert status_of(lambda: commit.create_status(state="success", context="tagline")) == 422
    (error,) = server.exchanges[-1].answer["errors"]
    assert error["message"] == "This SHA and context has reached the maximum number of statuses."
    commit.create_status(state="success", context="other")
    on_github(server).get_commit(ids["t1"]).create_status(state="success", context="tagline")


# GitLab


def on_commit(server: ForgeServer, sha: str, token: str = "bob-token") -> ProjectCommit:
    return on_gitlab(server, token).commits.get(sha)


def told(commit: ProjectCommit, **more: Any) -> list[tuple[str, str, str | None]]:
    found = commit.statuses.list(get_all=True, query_parameters=more)
    return [(s.name, s.status, s.description) for s in found]


def post(commit: ProjectCommit, state: str, description: str = "", **more: Any) -> Any:
    return commit.statuses.create({"state": state, "name": "tagline", "description": description, **more})


def test_gitlab__pending_again__is_refused_and_changes_nothing(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    commit = on_commit(server, ids["t2"])
    first = post(commit, "pending", "wait")
    with pytest.raises(GitlabError) as refused:
        post(commit, "pending", "wait for carol")
    assert refused.value.response_code == 400
    assert "Cannot transition status via :enqueue from :pending" in str(refused.value.error_message)
    assert told(commit) == [("tagline", "pending", "wait")]
    assert post(commit, "running", "now").id == first.id
    assert status_of(lambda: post(commit, "pending")) == status_of(lambda: post(commit, "running")) == 400
    # Another user's is another status.
    assert post(on_commit(server, ids["t2"], "alice-token"), "pending").id != first.id
    assert post(commit, "success", "fine").id == first.id
    assert told(commit, all="true") == [("tagline", "success", "fine"), ("tagline", "pending", "")]


def test_gitlab__what_is_done__is_followed_by_a_new_one(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    commit = on_commit(server, ids["t2"])
    for state in ("failed", "pending", "success"):
        post(commit, state, state)
    assert told(commit) == [("tagline", "success", "success")]
    assert told(commit, all="true") == [("tagline", "failed", "failed"), ("tagline", "success", "success")]
    assert told(commit, name="other") == []
    assert [(s.sha, s.state, s.login) for s in shop.statuses][-1] == (ids["t2"], "success", "bob")


def test_gitlab__head_without_a_pipeline__starts_an_external_one(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    shop.git("update-ref", "-d", "refs/heads/fresh")
    status = post(on_commit(server, ids["t2"]), "pending")
    (pipeline,) = on_gitlab(server).pipelines.list(get_all=True)
    assert (pipeline.source, pipeline.sha, pipeline.ref) == ("external", ids["t2"], "topic")
    assert (pipeline.status, status.pipeline_id, status.ref) == ("pending", pipeline.id, "topic")
    assert pipeline.jobs.list(get_all=True) == []
    post(on_commit(server, ids["t2"]), "success")
    assert [found.status for found in on_gitlab(server).pipelines.list(get_all=True)] == ["success"]


def test_gitlab__head_with_a_pipeline__is_told_of_in_it(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    shop.add_workflow("ci")
    run = shop.start_run("ci", "refs/heads/topic", by="bob", event="push")
    assert post(on_commit(server, ids["t2"]), "pending").pipeline_id == run.id
    assert post(on_commit(server, ids["t2"]), "pending", ref="fresh").pipeline_id != run.id


def test_gitlab__head_of_a_fork__has_no_branch_here(shop: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    shop.git("update-ref", "-d", "refs/heads/fresh")
    shop.open_change(author="mallory", source="topic", fork=True)
    shop.switches.fork_heads_unknown = True
    commit = on_commit(server, ids["t2"])
    with pytest.raises(GitlabError, match="404 References for commit Not Found") as refused:
        post(commit, "pending")
    assert refused.value.response_code == 404
    # Whoever names a branch is believed.
    assert post(commit, "pending", ref="refs/merge-requests/1/head").ref == "refs/merge-requests/1/head"


def test_gitlab__statuses__are_not_for_readers_and_jobs(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    assert status_of(lambda: post(on_commit(server, ids["t2"], "mallory-token"), "success")) == 403
    url = f"/projects/{shop.id}/repository/commits/{ids['t2']}/statuses"
    assert gitlab_client(server, "mallory-token").http_list(url, get_all=True) == []
    missing = f"/projects/{shop.id}/statuses/{'0' * 40}"
    assert status_of(lambda: gitlab_client(server).http_post(missing, post_data={"state": "success"})) == 404
