"""The local forge as GitHub Enterprise Server 3.17: every answer is held against that server's own description."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from github.Repository import Repository as Remote

from tagline_localforge import ForgeServer, LocalForge, Repository
from tests.localforge.clients import github_client, on_github, status_of
from tests.localforge.contracts import Checkers, all_checkers


@pytest.fixture
def forge(tmp_path: Path) -> LocalForge:
    return LocalForge(tmp_path / "forge", ghes=True)


@pytest.fixture
def checkers() -> Checkers:
    return all_checkers(ghes=True)


@pytest.fixture
def remote(shop: Repository, server: ForgeServer) -> Remote:
    shop.forge.team("org/ml", ["bob"])
    shop.add_workflow("deploy.yml")
    shop.open_change(author="alice", source="topic", title="Better", body="why")
    return on_github(server)


def test_answers__of_a_change_from_start_to_end__are_those_of_the_server(
    shop: Repository, server: ForgeServer, remote: Remote, ids: dict[str, str]
) -> None:
    pull = remote.get_pull(1)
    pull.add_to_labels("stage:prod")
    comment = pull.create_issue_comment("plan")
    comment.edit("plan again")
    shop.review(1, by="bob")
    assert [review.state for review in pull.get_reviews()] == ["APPROVED"]
    assert len(list(pull.get_files())) == 3
    assert len(list(pull.get_commits())) == 2
    assert [event.event for event in pull.get_issue_events()] == ["labeled"]
    assert [event.event for event in pull.get_issue_timeline()][2:] == ["labeled", "commented", "reviewed"]
    assert remote.get_collaborator_permission("bob") == "write"
    assert remote.compare("main", "topic").ahead_by == 2
    remote.get_commit(ids["t2"]).create_status("success", context="tagline")
    tip = shop.merge(1, by="bob")
    assert [found.number for found in remote.get_commit(tip).get_pulls()] == [1]
    assert [found.merge_commit_sha for found in remote.get_pulls(state="closed")] == [tip]
    assert remote.get_branch("main").commit.sha == tip
    assert github_client(server).get_user().login == "alice"


def test_dispatch__with_a_newer_key__is_refused_and_without_it_tells_nothing(
    shop: Repository, server: ForgeServer, remote: Remote, checkers: Checkers
) -> None:
    url = f"{remote.url}/actions/workflows/deploy.yml/dispatches"
    asked = {"ref": "main", "return_run_details": True}
    assert status_of(lambda: remote.requester.requestJsonAndCheck("POST", url, input=asked)) == 422
    assert '"return_run_details" is not a permitted key' in server.exchanges[-1].answer["message"]
    for checker in checkers:
        assert all("return_run_details" in violation for violation in checker.violations)
        checker.violations.clear()  # the key is no violation of the forge's, but of the client's
    assert remote.requester.requestJsonAndCheck("POST", url, input={"ref": "main", "inputs": {}})[1] is None
    assert server.exchanges[-1].status == 204
    assert [run.path for run in remote.get_workflow_runs()] == [".github/workflows/deploy.yml"]


def test_api__beside_its_prefix__is_not_there(server: ForgeServer, remote: Remote, checkers: Checkers) -> None:
    assert remote.url == f"{server.url}/api/v3/repos/org/shop"
    assert status_of(lambda: github_client(server, prefix="").get_repo("org/shop")) == 404


def test_limits__are_not_told(server: ForgeServer, remote: Remote) -> None:
    assert not [name for name in server.exchanges[-1].answer_headers if name.startswith("X-RateLimit")]
    assert server.exchanges[-1].answer_headers["X-GitHub-Enterprise-Version"] == "3.17.0"
    assert status_of(lambda: github_client(server).get_rate_limit().rate) == 404


def test_versions__of_the_api__newer_ones_are_refused(server: ForgeServer, remote: Remote) -> None:
    def asked(version: str) -> int:
        headers = {"Authorization": "Bearer alice-token", "X-GitHub-Api-Version": version}
        return requests.get(remote.url, headers=headers, timeout=10).status_code

    assert [asked("2022-11-28"), asked("2026-03-10")] == [200, 400]
    assert server.exchanges[-2].headers["x-github-api-version"] == "2022-11-28"
