"""Git over the local forge's HTTP, with the tokens that may and those that may not."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tagline_localforge import ForgeServer, Repository
from tests.support.gitbuild import environment, run_git


def git(*arguments: str, token: str | None, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["git", "-c", "credential.helper="]
    if token:
        command += ["-c", f"http.extraHeader=Authorization: Bearer {token}"]
    return subprocess.run(
        [*command, *arguments], cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture
def clone(tmp_path: Path, shop: Repository, server: ForgeServer) -> Path:
    done = git("clone", "-q", f"{server.url}/org/shop.git", "clone", token="alice-token", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "clone"


def test_git__push__moves_the_change(shop: Repository, clone: Path, ids: dict[str, str]) -> None:
    shop.open_change(author="alice", source="topic")
    for commit in ("main1", "t1"):
        done = git("push", "-q", "-f", "origin", f"{ids[commit]}:refs/heads/topic", token="bob-token", cwd=clone)
        assert done.returncode == 0, done.stderr
    # Each push is a version of its own, though nobody looked in between.
    assert [version.head for version in shop.change(1).versions] == [ids["t2"], ids["main1"], ids["t1"]]


@pytest.mark.parametrize("token", ["mallory-token", "fork-token", "job-token", None])
def test_git__push__refused_to_those_who_may_not(shop: Repository, clone: Path, token: str | None) -> None:
    done = git("push", "-q", "origin", "main:refs/heads/new", token=token, cwd=clone)
    assert done.returncode != 0
    assert "new" not in shop.git.branches()


def test_git__job_token__pushes_where_it_is_allowed(shop: Repository, clone: Path) -> None:
    shop.job_token_push = True
    assert git("push", "-q", "origin", "main:refs/heads/new", token="job-token", cwd=clone).returncode == 0


def test_git__refused_pushes__say_why(shop: Repository, clone: Path) -> None:
    shop.refuse_pushes = "remote: error: GH013: Repository rule violations found for refs/tags/x."
    done = git("push", "origin", "main:refs/heads/new", token="alice-token", cwd=clone)
    assert done.returncode != 0
    assert "remote: error: GH013: Repository rule violations" in done.stderr
    shop.refuse_pushes = None
    assert git("push", "origin", "main:refs/heads/new", token="alice-token", cwd=clone).returncode == 0


def test_git__heads_of_changes__can_be_fetched_and_not_pushed(
    shop: Repository, clone: Path, ids: dict[str, str]
) -> None:
    shop.open_change(author="alice", source="topic")
    for ref in ("refs/pull/1/head", "refs/merge-requests/1/head"):
        assert git("fetch", "-q", "origin", ref, token="mallory-token", cwd=clone).returncode == 0
    assert run_git(clone, "rev-parse", "FETCH_HEAD").strip() == ids["t2"]
    assert git("push", "origin", "main:refs/pull/1/head", token="alice-token", cwd=clone).returncode != 0


def test_git__partial_and_shallow_fetches__work(
    shop: Repository, server: ForgeServer, tmp_path: Path, ids: dict[str, str]
) -> None:
    options = ("--filter=blob:none", "--depth=1", "--no-checkout", "-q")
    done = git("clone", *options, f"{server.url}/org/shop.git", "part", token="actions-token", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    fetched = git("fetch", "-q", "--depth=1", "origin", ids["c0"], token="actions-token", cwd=tmp_path / "part")
    assert fetched.returncode == 0, fetched.stderr
    assert any(e.is_git and e.headers.get("git-protocol") == "version=2" for e in server.exchanges)


@pytest.mark.parametrize(
    "said",
    [
        "Content-Length: 9\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n9\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ],
    ids=["length", "in a chunk", "between chunks"],
)
def test_request__whose_client_dies_half_way__is_none(server: ForgeServer, shop: Repository, said: str) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as line:
        line.sendall(f"POST /org/shop.git/git-receive-pack HTTP/1.1\r\nHost: x\r\n{said}".encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1) == b""
    assert server.exchanges == []
    assert server.failures == []
