"""Deployments, records by digest and files by the API on the local forge: as both platforms tell them."""

from __future__ import annotations

import base64

import pytest
from github import GithubException
from gitlab import Gitlab
from gitlab.exceptions import GitlabCreateError, GitlabHttpError

from tagline_localforge import ForgeServer, Repository
from tests.localforge.clients import gitlab_client, on_github


def by_job(server: ForgeServer) -> Gitlab:
    return Gitlab(server.url, job_token="job-token")


OURS = {"auto_merge": False, "required_contexts": [], "environment": "prod"}


def test_github_deployment__is_told_by_its_commit__and_success_makes_the_one_before_inactive(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    repository = on_github(server, "actions-token")
    one = repository.create_deployment(ref="topic", payload={"tagline": {"tag": "x"}}, **OURS)
    two = repository.create_deployment(ref="main", **OURS)
    for each in (one, two):
        each.create_status("in_progress", target_url="https://ci.example.org/1")
        each.create_status("success", environment_url="https://x.example.org", auto_inactive=True)
    assert [each.state for each in one.get_statuses()] == ["inactive", "success", "in_progress"]
    assert [each.state for each in two.get_statuses()] == ["success", "in_progress"]
    (found,) = repository.get_deployments(sha=ids["t2"], environment="prod")
    assert (found.id, found.payload, found.ref) == (one.id, {"tagline": {"tag": "x"}}, "topic")
    assert found.creator.login == "github-actions[bot]"


@pytest.mark.parametrize(
    ("asked", "token", "status"),
    [
        ({**OURS, "required_contexts": ["ci"]}, "actions-token", 409),
        (OURS, "fork-token", 403),
        (OURS, "mallory-token", 403),
    ],
)
def test_github_deployment__that_is_refused(
    shop: Repository, server: ForgeServer, asked: dict[str, object], token: str, status: int
) -> None:
    with pytest.raises(GithubException) as refused:
        on_github(server, token).create_deployment(ref="main", **asked)
    assert (refused.value.status, shop.deployments) == (status, [])


def test_github_deployment__of_a_ref_that_is_not_there(shop: Repository, server: ForgeServer) -> None:
    with pytest.raises(GithubException) as refused:
        on_github(server, "actions-token").create_deployment(ref="nowhere", **OURS)
    assert refused.value.status == 422


def test_github_record__wants_a_sha256_and_is_one_a_name(shop: Repository, server: ForgeServer) -> None:
    requester = on_github(server, "actions-token").requester
    url = "/orgs/org/artifacts/metadata/deployment-record"
    body = {"name": "m", "status": "deployed", "logical_environment": "prod", "deployment_name": "m prod"}
    for digest in ("0", "1"):
        requester.requestJsonAndCheck("POST", url, input={**body, "digest": "sha256:" + digest * 64})
    (kept,) = shop.forge.deployment_records.values()
    assert kept["digest"] == "sha256:" + "1" * 64


def test_github_branch_and_file__once_each(shop: Repository, server: ForgeServer, ids: dict[str, str]) -> None:
    repository = on_github(server, "actions-token")
    repository.create_git_ref("refs/heads/new", ids["main1"])
    with pytest.raises(GithubException) as there:
        repository.create_git_ref("refs/heads/new", ids["main1"])
    assert (there.value.status, there.value.data["message"]) == (422, "Reference already exists")
    repository.create_file("a/b.yaml", "Add it", "x: 1\n", branch="new")
    assert base64.b64decode(repository.get_contents("a/b.yaml", ref="new").content) == b"x: 1\n"  # type: ignore[union-attr]
    with pytest.raises(GithubException) as exists:
        repository.create_file("a/b.yaml", "Add it", "x: 2\n", branch="new")
    assert exists.value.status == 422
    tip = shop.git.commit(shop.git.branches()["new"])
    assert (tip.parents, tip.message, tip.author.name) == ((ids["main1"],), "Add it", "github-actions[bot]")
    assert shop.pushes[-1].branch == "new"


def test_gitlab_deployment__by_a_job__moves_from_state_to_state(
    shop: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    api = by_job(server)
    path = f"/projects/{shop.id}/deployments"
    body = {"environment": "prod", "sha": ids["t1"], "ref": "topic", "tag": False, "status": "running"}
    made = api.http_post(path, post_data=body)
    moved = api.http_put(f"{path}/{made['id']}", post_data={"status": "success"})
    assert (made["status"], moved["status"], moved["environment"]["name"]) == ("running", "success", "prod")
    with pytest.raises(GitlabHttpError):
        api.http_put(f"{path}/{made['id']}", post_data={"status": "success"})
    with pytest.raises(GitlabHttpError):
        api.http_post(path, post_data={"environment": "prod"})
    assert [row["id"] for row in api.http_list(path, environment="prod", get_all=True)] == [made["id"]]


def test_gitlab_job__is_told_to_its_own_token(shop: Repository, server: ForgeServer) -> None:
    shop.add_workflow(".gitlab-ci.yml")
    shop.start_run(".gitlab-ci.yml", "refs/heads/main", by="alice")
    job = by_job(server).http_get("/job")
    assert job["user"]["username"] == "alice"
    found = gitlab_client(server, "bob-token").http_get(f"/projects/{shop.id}/jobs/{job['id']}")
    assert found["id"] == job["id"]


def test_gitlab_commit__makes_its_branch_and_a_merge_request_is_opened_once(
    shop: Repository, server: ForgeServer
) -> None:
    project = gitlab_client(server, "bob-token").projects.get(shop.id)
    body = {
        "branch": "new", "start_branch": "main", "commit_message": "Add it",
        "actions": [{"action": "create", "file_path": "a/b.yaml", "content": "x: 1\n"}],
    }  # fmt: skip
    assert project.commits.create(body).title == "Add it"
    with pytest.raises(GitlabCreateError) as there:
        project.commits.create(body)
    assert "already exists" in str(there.value.error_message)
    asked = {"source_branch": "new", "target_branch": "main", "title": "T"}
    made = project.mergerequests.create(asked)
    with pytest.raises(GitlabCreateError) as twice:
        project.mergerequests.create(asked)
    assert (twice.value.response_code, made.author["username"]) == (409, "bob")
    with pytest.raises(GitlabCreateError):
        by_job(server).projects.get(shop.id, lazy=True).commits.create(body)
