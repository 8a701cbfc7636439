"""Workflows and their runs on the local forge: started as GitHub starts them, told as GitHub tells them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tagline_localforge import ForgeServer, Repository
from tests.localforge.clients import on_github, status_of
from tests.support.gitbuild import environment

TAG = "dir/sub=churn#prod#1"


@pytest.fixture
def tagged(shop: Repository, ids: dict[str, str]) -> Repository:
    """A tag of prod, annotated, and a workflow that may be dispatched."""
    identity = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    shop.git("tag", "-a", "-m", "x", TAG, ids["t1"], more=identity)
    shop.add_workflow("deploy.yml", tags=["**#prod#*"])
    return shop


def dispatch(server: ForgeServer, ref: str, token: str = "actions-token", workflow: str = "deploy.yml", **more: bool):
    repository = on_github(server, token)
    url = f"{repository.url}/actions/workflows/{workflow}/dispatches"
    return repository.requester.requestJsonAndCheck("POST", url, input={"ref": ref, **more})[1]


@pytest.mark.parametrize("ref", [TAG, f"refs/tags/{TAG}"])
def test_dispatch__on_a_tag__is_a_run_of_its_commit(
    tagged: Repository, server: ForgeServer, ids: dict[str, str], ref: str
) -> None:
    details = dispatch(server, ref, return_run_details=True)
    (run,) = on_github(server).get_workflow_runs(branch=TAG)
    assert details == {"workflow_run_id": run.id, "html_url": run.html_url, "run_url": run.url}
    assert (run.event, run.head_branch, run.head_sha) == ("workflow_dispatch", TAG, ids["t1"])
    assert (run.path, run.run_number, run.actor.login) == (".github/workflows/deploy.yml", 1, "github-actions[bot]")


def test_dispatch__without_asking_for_details__answers_nothing(tagged: Repository, server: ForgeServer) -> None:
    assert dispatch(server, TAG) is None
    assert server.exchanges[-1].status == 204
    assert [run.event for run in tagged.runs] == ["workflow_dispatch"]


def test_dispatch__where_a_branch_is_called_as_the_tag__the_short_name_is_the_branch(
    tagged: Repository, server: ForgeServer, ids: dict[str, str]
) -> None:
    tagged.git.set_ref(f"refs/heads/{TAG}", ids["main1"])
    dispatch(server, TAG)
    dispatch(server, f"refs/tags/{TAG}")
    assert [run.sha for run in tagged.runs] == [ids["main1"], ids["t1"]]


def test_dispatch__refused__as_github_refuses(tagged: Repository, server: ForgeServer) -> None:
    tagged.add_workflow("ci.yml", dispatch=False)
    assert status_of(lambda: dispatch(server, TAG, "fork-token")) == 403
    assert status_of(lambda: dispatch(server, TAG, "mallory-token")) == 403
    assert status_of(lambda: dispatch(server, TAG, "tess-token")) == 403
    assert status_of(lambda: dispatch(server, TAG, workflow="none.yml")) == 404
    assert status_of(lambda: dispatch(server, TAG, workflow="ci.yml")) == 422
    assert "does not have 'workflow_dispatch' trigger" in server.exchanges[-1].answer["message"]
    assert status_of(lambda: dispatch(server, "churn#prod#2")) == 422
    assert server.exchanges[-1].answer["message"] == "No ref found for: churn#prod#2"
    assert tagged.runs == []


def test_runs__listed__newest_first_by_page_and_filter(tagged: Repository, server: ForgeServer) -> None:
    for _ in range(3):
        dispatch(server, TAG)
    dispatch(server, "main", "bob-token")
    repository = on_github(server, "mallory-token")
    assert [run.run_number for run in repository.get_workflow_runs()] == [4, 3, 2, 1]
    assert [run.actor.login for run in repository.get_workflow_runs(branch="main")] == ["bob"]
    assert [run.run_number for run in repository.get_workflow_runs(event="push")] == []
    assert repository.get_workflow_runs(branch=TAG).totalCount == 3


def push(server: ForgeServer, folder: Path, token: str, *tags: str) -> None:
    """A clone of its own, from which the tags are pushed in one go."""
    url = server.url.replace("http://", f"http://x:{token}@") + "/org/shop.git"
    git = ["git", "-C", str(folder)]
    own = environment(HOME=str(folder))
    for arguments in (
        ["init", "--quiet"],
        ["fetch", "--quiet", url, "main"],
        *(["tag", "-a", "-m", "x", tag, "FETCH_HEAD"] for tag in tags),
        ["push", "--quiet", "--atomic", url, *(f"refs/tags/{tag}" for tag in tags), "FETCH_HEAD:refs/heads/pushed"],
    ):
        done = subprocess.run([*git, *arguments], capture_output=True, text=True, check=False, env=own)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("token", "tags", "started"),
    [
        ("alice-token", ["churn#prod#2", "churn@v1.0.0"], ["churn#prod#2"]),
        ("app-token", ["churn#prod#2", "a/b#prod#1"], ["a/b#prod#1", "churn#prod#2"]),
        # What the workflow's own token pushes starts nothing, and neither do more than three tags at once.
        ("actions-token", ["churn#prod#2"], []),
        ("app-token", ["churn#prod#2", "churn#prod#3", "churn#prod#4", "churn#prod#5"], []),
    ],
)
def test_push__of_tags__starts_what_a_person_or_an_app_may_start(
    tagged: Repository, server: ForgeServer, tmp_path: Path, token: str, tags: list[str], started: list[str]
) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    push(server, folder, token, *tags)
    assert sorted(run.name for run in tagged.runs) == started
    assert {run.event for run in tagged.runs} <= {"push"}
    assert {f"refs/tags/{tag}" for tag in tags} <= set(tagged.git("for-each-ref", "--format=%(refname)").split())
