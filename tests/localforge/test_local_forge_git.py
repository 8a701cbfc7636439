"""Git over the local forge's HTTP, with the tokens that may and those that may not."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tagline_localforge import ForgeServer, Repository
from tagline_localforge.late_refs import LateRefs
from tagline_localforge.state import Atomic
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


def test_git__commit_with_a_workflow_that_no_branch_has__refused_to_who_may_write_none(
    shop: Repository, clone: Path
) -> None:
    shop.forge.token("weak-app", kind="app", workflows=False)
    file = clone / ".github" / "workflows" / "ci.yml"
    file.parent.mkdir(parents=True)
    for number, text in enumerate(("on: push", "on: [push]")):
        file.write_text(text)
        run_git(clone, "add", ".")
        run_git(clone, "commit", "--quiet", "-m", text)
        run_git(clone, "tag", "-a", "-m", "m", f"x@v1.{number}.0")
    assert git("push", "-q", "origin", "HEAD:main", token="alice-token", cwd=clone).returncode == 0
    for token in ("actions-token", "weak-app"):
        done = git("push", "--atomic", "origin", "x@v1.0.0", "x@v1.1.0", token=token, cwd=clone)
        assert done.returncode != 0
        assert done.stderr.count("(refusing to allow a GitHub App to create or update workflow") == 2, done.stderr
        assert "`.github/workflows/ci.yml` without `workflows` permission)" in done.stderr
        assert git("push", "-q", "origin", "x@v1.1.0", token=token, cwd=clone).returncode == 0
        assert git("push", "-q", "origin", ":x@v1.1.0", token=token, cwd=clone).returncode == 0
    shop.switches.workflows_by_ruleset = True
    done = git("push", "origin", "x@v1.0.0", token="actions-token", cwd=clone)
    assert "remote: error: GH013: Repository rule violations found for refs/tags/x@v1.0.0." in done.stderr
    assert "remote: - refusing to allow a GitHub App to create or update workflow" in done.stderr
    assert "(push declined due to repository rule violations)" in done.stderr
    assert git("push", "-q", "origin", "x@v1.0.0", token="app-token", cwd=clone).returncode == 0


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
    ("filters", "trees", "blobs"),
    [("no-trees", "filter 'tree' not supported", ""), ("refused", "not supported", "not supported")],
)
def test_git__filters_that_are_refused__end_the_fetch(
    shop: Repository, server: ForgeServer, tmp_path: Path, filters: str, trees: str, blobs: str
) -> None:
    shop.filters = filters
    for kind, said in (("tree:0", trees), ("blob:none", blobs)):
        options = ("--bare", "-q", f"--filter={kind}", f"{server.url}/org/shop.git")
        done = git("clone", *options, kind, token="alice-token", cwd=tmp_path)
        assert (done.returncode != 0) == bool(said), done.stderr
        assert said in done.stderr


def test_git__filters_that_the_server_lacks__are_passed_over(
    shop: Repository, server: ForgeServer, tmp_path: Path
) -> None:
    shop.filters = "none"
    done = git(
        "clone", "--bare", "--filter=tree:0", f"{server.url}/org/shop.git", "a", token="alice-token", cwd=tmp_path
    )
    assert done.returncode == 0
    assert "filtering not recognized by server, ignoring" in done.stderr
    assert run_git(tmp_path / "a", "cat-file", "-p", "main:a.txt") == "1\n"
    shop.filters = "all"
    done = git(
        "clone", "--bare", "--filter=tree:0", f"{server.url}/org/shop.git", "b", token="alice-token", cwd=tmp_path
    )
    assert (done.returncode, "warning" in done.stderr) == (0, False)


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


def _listed(clone: Path) -> set[str]:
    done = git("ls-remote", "--refs", "origin", "refs/tags/*", "refs/tagline/*", token="alice-token", cwd=clone)
    return {ref for _, ref in (line.split("\t") for line in done.stdout.splitlines())}


def _push(clone: Path, *refs: str, commit: str = "HEAD") -> subprocess.CompletedProcess[str]:
    refspecs = [f"{commit}:{ref}" for ref in refs]
    return git("push", "--atomic", "--porcelain", "origin", *refspecs, token="alice-token", cwd=clone)


GUARD, TAG = "refs/tagline/a@guard", "refs/tags/a@v1"


@pytest.mark.parametrize(
    ("late", "shown"),
    [
        (LateRefs(2), [set(), set(), {GUARD, TAG}]),
        (LateRefs(2, below="refs/tags/"), [{GUARD}, {GUARD}, {GUARD, TAG}]),
        (LateRefs(2, below="refs/tagline/"), [{TAG}, {TAG}, {GUARD, TAG}]),
        (LateRefs(4, every=2), [{GUARD, TAG}, set(), {GUARD, TAG}, set(), {GUARD, TAG}, {GUARD, TAG}]),
    ],
)
def test_git__refs_shown_late__are_there_and_not_listed(
    shop: Repository, clone: Path, late: LateRefs, shown: list[set[str]]
) -> None:
    shop.switches.late_refs = late
    assert _push(clone, GUARD, TAG).returncode == 0
    assert [_listed(clone) for _ in shown] == shown
    assert _push(clone, TAG, commit="HEAD~1").returncode != 0, "who pushes sees what is there"


def test_git__moved_ref_shown_late__is_listed_where_it_was(shop: Repository, clone: Path, ids: dict[str, str]) -> None:
    _push(clone, "refs/tagline/a@guard", commit=ids["c0"])
    shop.switches.late_refs = LateRefs(1)
    _push(clone, "refs/tagline/a@guard", commit=ids["main1"])
    listings = [git("ls-remote", "origin", GUARD, token="alice-token", cwd=clone).stdout.split()[0] for _ in range(2)]
    assert listings == [ids["c0"], ids["main1"]]


@pytest.mark.parametrize(("atomic", "left"), [("kept", set()), ("not-offered", set()), ("ignored", {TAG})])
def test_git__one_ref_of_a_push_refused(shop: Repository, clone: Path, atomic: Atomic, left: set[str]) -> None:
    shop.refused_refs, shop.atomic_pushes = "refs/tagline/*", atomic
    done = _push(clone, GUARD, TAG)
    assert done.returncode != 0
    assert _listed(clone) == left, done.stdout + done.stderr
    shop.refused_refs, shop.atomic_pushes = None, "kept"
    assert _push(clone, GUARD, TAG).returncode == 0, "nothing is refused any more"
