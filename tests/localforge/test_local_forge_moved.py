"""A repository that was renamed or given away: what each API and git say under its old name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

from tagline_localforge import ForgeServer, LocalForge, Repository
from tests.localforge.clients import gitlab_client, on_github
from tests.localforge.test_local_forge_git import git
from tests.support.gitbuild import run_git


@pytest.fixture
def moved(forge: LocalForge, shop: Repository) -> Repository:
    shop.open_change(author="alice", source="topic")
    return forge.rename("org/shop", "new-org/store")


def ask(server: ForgeServer, method: str, path: str, **body: str) -> requests.Response:
    headers = {"Authorization": "Bearer alice-token"} if "/api/v3" in path else {"Private-Token": "alice-token"}
    json = body or None
    return requests.request(method, server.url + path, headers=headers, json=json, allow_redirects=False, timeout=10)


@pytest.mark.parametrize(
    ("method", "rest", "status", "said"),
    [
        ("GET", "", 301, "Moved Permanently"),
        ("GET", "/pulls/1?x=1", 301, "Moved Permanently"),
        ("POST", "/issues/1/comments", 307, "Temporary Redirect"),
        ("PATCH", "/pulls/1", 307, "Temporary Redirect"),
        ("DELETE", "/issues/1/labels/x", 307, "Temporary Redirect"),
    ],
)
def test_github__old_name__is_sent_to_the_number(
    moved: Repository, server: ForgeServer, method: str, rest: str, status: int, said: str
) -> None:
    server.observers.clear()  # no query may have an x
    path = "/api/v3/repos/org/shop"
    answer = ask(server, method, path + rest, **({"body": "x"} if method in ("POST", "PATCH") else {}))
    address = f"{server.url}/api/v3/repositories/{moved.id}{rest}"
    assert (answer.status_code, answer.headers["Location"], answer.json()["message"]) == (status, address, said)
    assert answer.json()["url"] == address


def test_github__number__is_the_repository_whatever_it_is_called(moved: Repository, server: ForgeServer) -> None:
    path = f"/api/v3/repositories/{moved.id}"
    assert ask(server, "GET", path).json()["full_name"] == "new-org/store"
    assert ask(server, "POST", f"{path}/issues/1/comments", body="x").status_code == 201
    assert [comment["body"] for comment in ask(server, "GET", f"{path}/issues/1/comments").json()] == ["x"]
    assert ask(server, "GET", "/api/v3/repositories/1/pulls").status_code == 404
    # PyGithub follows where it only reads.
    assert on_github(server).full_name == "new-org/store"
    assert moved.change(1).number == on_github(server).get_pull(1).number


def test_gitlab__old_path__reads_by_the_number_and_writes_nothing(moved: Repository, server: ForgeServer) -> None:
    old = "/api/v4/projects/org%2Fshop/merge_requests/1"
    answer = ask(server, "GET", f"{old}/notes?sort=asc")
    address = f"{server.url}/api/v4/projects/{moved.id}/merge_requests/1/notes?sort=asc"
    assert (answer.status_code, answer.headers["Location"]) == (301, address)
    assert answer.text == f"This resource has been moved permanently to {address}"
    answer = ask(server, "POST", f"{old}/notes", body="x")
    assert (answer.status_code, answer.json()["message"]) == (
        405, "Non GET methods are not allowed for moved projects",
    )  # fmt: skip
    project = gitlab_client(server).projects.get("org/shop")
    assert project.path_with_namespace == "new-org/store"
    assert project.mergerequests.get(1).web_url == f"{server.url}/new-org/store/-/merge_requests/1"


def test_old_name__to_those_who_may_not_read__is_not_there(moved: Repository, server: ForgeServer) -> None:
    moved.forge.token("stranger-token", login="stranger")
    for path, header in (("/api/v3/repos/org/shop", "Authorization"), ("/api/v4/projects/org%2Fshop", "Private-Token")):
        secret = "Bearer stranger-token" if header == "Authorization" else "stranger-token"
        answer = requests.get(server.url + path, headers={header: secret}, allow_redirects=False, timeout=10)
        assert answer.status_code == 404


def test_git__old_name__is_followed_to_the_new(moved: Repository, server: ForgeServer, tmp_path: Path) -> None:
    for name in ("org/shop", "new-org/store"):
        done = git("clone", "-q", f"{server.url}/{name}.git", name, token="alice-token", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    clone = tmp_path / "org" / "shop"
    done = git("push", "-q", "origin", "main:refs/heads/new", token="bob-token", cwd=clone)
    assert done.returncode == 0, done.stderr
    assert run_git(clone, "rev-parse", "main").strip() == moved.git.branches()["new"]
    quiet = ["git", "-c", "http.followRedirects=false", "ls-remote", f"{server.url}/org/shop.git"]
    assert subprocess.run(quiet, capture_output=True, check=False, cwd=tmp_path).returncode != 0


def test_repository__of_an_old_name__is_not_made_anew(forge: LocalForge, moved: Repository) -> None:
    with pytest.raises(ValueError, match="was renamed"):
        forge.repository("org/shop")
    assert forge.repository("new-org/store") is moved
