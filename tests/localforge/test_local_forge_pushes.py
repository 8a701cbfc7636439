"""Who pushed to a branch, and who started a run, as the local forge tells it by both APIs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tagline_localforge import ForgeServer, Repository
from tagline_localforge.records import Run
from tests.localforge.clients import on_github, on_gitlab, status_of
from tests.support.gitbuild import environment

NOTHING = "0" * 40


def push(server: ForgeServer, folder: Path, token: str, *refs: str) -> None:
    url = server.url.replace("http://", f"http://x:{token}@") + "/org/shop.git"
    if not folder.exists():
        subprocess.run(["git", "clone", "--quiet", url, str(folder)], check=True, env=environment())
    command = ["git", "-C", str(folder), "push", "--quiet", "--force", url, *refs]
    subprocess.run(command, check=True, env=environment(HOME=str(folder)))


def activity(server: ForgeServer, token: str = "fork-token", **query: str) -> list[dict[str, Any]]:
    """By hand, page by page: PyGithub does not know the route."""
    requester = on_github(server, token).requester
    found: list[dict[str, Any]] = []
    url, more = f"{server.url}/api/v3/repos/org/shop/activity", dict(query)
    while url:
        headers, rows = requester.requestJsonAndCheck("GET", url, more)
        found += rows
        link = headers.get("link", "")
        url, more = (link[1 : link.index(">")], {}) if 'rel="next"' in link else ("", {})
    return found


@pytest.fixture
def pushed(shop: Repository, server: ForgeServer, ids: dict[str, str], tmp_path: Path) -> Repository:
    """A branch that alice made, bob pushed to and carol forced back; and it is gone again."""
    shop.grant("carol", "write")
    shop.forge.token("carol-token", login="carol")
    folder = tmp_path / "clone"
    push(server, folder, "alice-token", f"{ids['t1']}:refs/heads/new")
    push(server, folder, "bob-token", f"{ids['t2']}:refs/heads/new")
    push(server, folder, "carol-token", f"{ids['main1']}:refs/heads/new")
    push(server, folder, "alice-token", ":refs/heads/new")
    return shop


def test_activity__of_a_branch__newest_first_with_who_and_from_where(
    pushed: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    rows = activity(server, ref="refs/heads/new")
    assert [(row["activity_type"], row["actor"]["login"], row["before"], row["after"]) for row in rows] == [
        ("branch_deletion", "alice", ids["main1"], NOTHING),
        ("force_push", "carol", ids["t2"], ids["main1"]),
        ("push", "bob", ids["t1"], ids["t2"]),
        ("branch_creation", "alice", NOTHING, ids["t1"]),
    ]
    assert activity(server, ref="new", actor="bob") == rows[2:3]
    assert activity(server, ref="new", per_page="1") == rows
    assert activity(server, ref="refs/heads/other") == []


def test_activity__by_who_may_not_read__is_not_found(pushed: Repository, server: ForgeServer) -> None:
    pushed.forge.token("stranger-token", login="stranger")
    assert status_of(lambda: activity(server, "stranger-token")) == 404


def test_activity__of_a_merge__is_by_who_merged(shop: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    number = shop.open_change(author="alice", source="topic").number
    tip = shop.merge(number, by="bob")
    (row,) = activity(server, ref="main")
    assert (row["activity_type"], row["actor"]["login"]) == ("pr_merge", "bob")
    assert (row["before"], row["after"]) == (ids["main1"], tip)


def test_events__of_pushes__as_gitlab_tells_them(pushed: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    events = on_gitlab(server).events.list(action="pushed", get_all=True)
    found = [(e.author["username"], e.push_data) for e in events]
    assert [(by, d["action"], d["commit_from"], d["commit_to"]) for by, d in found] == [
        ("alice", "removed", ids["main1"], None),
        ("carol", "pushed", ids["t2"], ids["main1"]),
        ("bob", "pushed", ids["t1"], ids["t2"]),
        ("alice", "created", None, ids["t1"]),
    ]
    assert {(d["ref"], d["ref_type"], d["ref_count"]) for _, d in found} == {("new", "branch", None)}
    assert on_gitlab(server).events.list(action="pushed", after="2999-01-01", get_all=True) == []


def test_events__of_four_branches_at_once__are_one_that_names_none(
    shop: Repository, server: ForgeServer, ids: dict[str, str], tmp_path: Path
) -> None:
    refs = [f"{ids['t1']}:refs/heads/b{number}" for number in range(4)]
    push(server, tmp_path / "clone", "bob-token", *refs)
    (event,) = on_gitlab(server).events.list(action="pushed", get_all=True)
    assert event.push_data["ref_count"] == 4
    assert (event.push_data["ref"], event.push_data["commit_to"]) == (None, None)
    assert len(activity(server, ref="b2")) == 1


@pytest.fixture
def run(shop: Repository) -> Run:
    """A run of bob's that carol started again; both times are over."""
    shop.add_workflow("train.yml")
    run = shop.start_run("train.yml", "refs/heads/main", by="bob")
    shop.end_run(run)
    shop.run_again(run, by="carol")
    shop.end_run(run)
    return run


def test_runs__of_github__each_attempt_names_who_started_it(shop: Repository, server: ForgeServer, run: Run) -> None:
    (listed,) = on_github(server).get_workflow_runs(created="2000-01-01T00:00:00Z..2999-01-01T00:00:00Z")
    assert (listed.actor.login, listed.triggering_actor.login, listed.run_attempt) == ("bob", "carol", 2)
    assert listed.created_at < listed.run_started_at < listed.updated_at
    requester = on_github(server).requester
    _, first = requester.requestJsonAndCheck("GET", f"{listed.url}/attempts/1")
    assert (first["triggering_actor"]["login"], first["run_attempt"]) == ("bob", 1)
    assert first["updated_at"] < f"{listed.run_started_at:%Y-%m-%dT%H:%M:%SZ}"
    assert list(on_github(server).get_workflow_runs(created="2000-01-01T00:00:00Z..2001-01-01T00:00:00Z")) == []


def test_pipelines__of_gitlab__each_job_names_who_started_it(shop: Repository, server: ForgeServer, run: Run) -> None:
    project = on_gitlab(server)
    (pipeline,) = project.pipelines.list(updated_after="2000-01-01T00:00:00Z", get_all=True)
    assert (pipeline.id, pipeline.status, pipeline.source) == (run.id, "success", "web")
    assert project.pipelines.list(updated_after="2999-01-01T00:00:00Z", get_all=True) == []
    assert [job.user["username"] for job in pipeline.jobs.list(get_all=True)] == ["carol"]
    assert [job.user["username"] for job in pipeline.jobs.list(include_retried="true", get_all=True)] == [
        "carol",
        "bob",
    ]
