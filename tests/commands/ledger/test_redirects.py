"""A server that sends us on: within itself we go, and to another one no token goes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands.ledger.test_reading import COMMITS, TAGS
from tests.conftest import CommandLine
from tests.support.gitbuild import History, build, run_git
from tests.support.githttp import GitServer, serve

TOKEN = "glpat-s3cret-token"
READS = ("show", "rf#prod")
WRITES = ("assign", "rf#dev", "--version", "v1.0.0", "--push")


@pytest.fixture
def served(here: Path) -> Path:
    build(here / "served" / "shop.git", History(COMMITS, TAGS, {"main": "c1"}), bare=True)
    for key in ("uploadpack.allowFilter", "http.receivepack"):
        run_git(here / "served" / "shop.git", "config", key, "true")
    return here / "served"


@pytest.fixture
def server(served: Path) -> Iterator[GitServer]:
    with serve(served, password=TOKEN) as server:
        yield server


@pytest.fixture
def thief(served: Path) -> Iterator[GitServer]:
    """Another server, here another port of the same host, that has the same repository and asks for no password."""
    with serve(served) as server:
        yield server


def _job(server: GitServer, platform: str) -> dict[str, str]:
    if platform == "github":
        return {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": server.url, "TAGLINE_TOKEN": TOKEN}
    return {"GITLAB_CI": "true", "CI_SERVER_URL": server.url, "CI_JOB_TOKEN": TOKEN}


def _secrets() -> list[str]:
    users = ("x-access-token", "gitlab-ci-token", "x")
    return [TOKEN, *(base64.b64encode(f"{user}:{TOKEN}".encode()).decode() for user in users)]


def _no_token_came(server: GitServer) -> bool:
    return not [text for text in server.headers if any(secret in text for secret in _secrets())]


def _elsewhere(thief: GitServer) -> Callable[[str], str | None]:
    return lambda path: f"{thief.url}{path}"


@pytest.mark.parametrize("command", [READS, WRITES], ids=["fetch", "push"])
@pytest.mark.parametrize("token", ["repo", "github", "gitlab"])
def test_redirect__to_another_port__gets_no_token_and_both_are_named(
    server: GitServer, thief: GitServer, tagline: CommandLine, command: tuple[str, ...], token: str
) -> None:
    environ = {"TAGLINE_REPO_TOKEN": TOKEN} if token == "repo" else _job(server, token)
    server.redirect = _elsewhere(thief)
    said = tagline(*command, "--repo", f"{server.url}/shop.git", "--json", **environ)
    assert (said.code, said.json["error"]["code"]) == (4, "redirected"), said.err
    assert server.url in said.json["error"]["message"]
    assert thief.url in said.json["error"]["message"]
    assert TOKEN not in said.out + said.err
    assert not thief.requests
    assert any(_secrets()[1] in text or _secrets()[2] in text for text in server.headers)


@pytest.mark.parametrize("token", ["github", "gitlab"])
def test_redirect__of_the_push_alone__gets_no_token(
    server: GitServer, thief: GitServer, tagline: CommandLine, token: str
) -> None:
    server.redirect = lambda path: f"{thief.url}{path}" if "receive-pack" in path else None
    said = tagline(*WRITES, "--repo", f"{server.url}/shop.git", "--json", **_job(server, token))
    assert (said.code, said.json["error"]["code"]) == (4, "redirected"), said.err
    assert not thief.requests


def test_redirect__of_a_later_request__is_not_followed(
    server: GitServer, thief: GitServer, tagline: CommandLine
) -> None:
    server.redirect = lambda path: f"{thief.url}{path}" if path.endswith("/git-upload-pack") else None
    said = tagline(*READS, "--repo", f"{server.url}/shop.git", "--json", TAGLINE_REPO_TOKEN=TOKEN)
    assert said.code == 4, said.err
    assert not thief.requests


@pytest.mark.parametrize("how", ["in-url", "header", "unscoped-header", "clone-follows"])
def test_redirect__of_a_clones_remote__gets_nothing_of_what_the_clone_has(
    server: GitServer, thief: GitServer, here: Path, tagline: CommandLine, how: str
) -> None:
    """What actions/checkout and GitLab's runner leave in a clone is a job's token too."""
    run_git(here, "clone", "--quiet", f"{server.url.replace('://', f'://x:{TOKEN}@')}/shop.git", "clone")
    if how != "in-url":
        run_git(here / "clone", "remote", "set-url", "origin", f"{server.url}/shop.git")
        scope = "" if how == "unscoped-header" else f".{server.url}/"
        secret = base64.b64encode(f"x:{TOKEN}".encode()).decode()
        run_git(here / "clone", "config", f"http{scope}.extraheader", f"Authorization: basic {secret}")
    if how == "clone-follows":
        run_git(here / "clone", "config", "http.followRedirects", "true")
    thief.headers.clear()
    server.redirect = _elsewhere(thief)
    for command in (("show", "rf#prod"), WRITES):
        said = tagline(*command, "--json", cwd=here / "clone", GITHUB_ACTIONS="true")
        assert said.code == 4, said.out
        assert thief.url in said.json["error"]["message"]
        assert TOKEN not in said.out + said.err
    assert _no_token_came(thief)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("relative", [False, True])
def test_renamed_repository__on_the_same_server__is_found(
    server: GitServer, served: Path, tagline: CommandLine, status: int, relative: bool
) -> None:
    (served / "shop.git").rename(served / "new.git")

    def redirect(path: str) -> str | None:
        if not path.startswith("/shop.git"):
            return None
        target = path.replace("/shop.git", "/new.git")
        # A login in a redirect is whoever's; it is not taken.
        return target if relative else f"{server.url.replace('://', '://evil:login@')}{target}"

    server.redirect, server.status = redirect, status
    for command in (READS, ("resolve", "rf#prod"), WRITES):
        said = tagline(*command, "--repo", f"{server.url}/shop.git", "--json", TAGLINE_REPO_TOKEN=TOKEN)
        assert said.code == 0, said.err
    assert "rf#dev#3" in run_git(served / "new.git", "tag").split()
    sent = {header for _, _, header in server.requests}
    assert sent == {f"Basic {_secrets()[1]}"}


def test_renamed_repository__costs_one_look_a_run(server: GitServer, served: Path, tagline: CommandLine) -> None:
    (served / "shop.git").rename(served / "renamed.git")
    server.redirect = lambda path: path.replace("/shop.git", "/renamed.git") if "/shop.git" in path else None
    said = tagline(*WRITES, "--repo", f"{server.url}/shop.git", "--json", TAGLINE_REPO_TOKEN=TOKEN)
    assert said.code == 0, said.err
    assert len([path for _, path, _ in server.requests if path.startswith("/shop.git")]) == 2


def test_chain_of_redirects__that_leaves_the_server__gets_no_token(
    server: GitServer, thief: GitServer, tagline: CommandLine
) -> None:
    server.redirect = lambda path: (
        path.replace("/shop.git", "/two.git") if "/shop.git" in path else f"{thief.url}{path}"
    )
    said = tagline(*READS, "--repo", f"{server.url}/shop.git", "--json", TAGLINE_REPO_TOKEN=TOKEN)
    assert (said.code, said.json["error"]["code"]) == (4, "redirected"), said.err
    assert not thief.requests


def test_circle_of_redirects__ends(server: GitServer, tagline: CommandLine) -> None:
    server.redirect = lambda path: path.replace("/shop", "/x") if "/shop" in path else path.replace("/x", "/shop")
    said = tagline(*READS, "--repo", f"{server.url}/shop.git", "--json", TAGLINE_REPO_TOKEN=TOKEN)
    assert said.code == 4, said.err
    assert len(server.requests) < 30


@pytest.mark.parametrize(
    "target", ["/users/sign_in", "ssh://evil/x.git/info/refs", "http://[/info/refs", "file:///etc/info/refs", "//"]
)
def test_redirect__to_no_repository__is_refused(server: GitServer, tagline: CommandLine, target: str) -> None:
    server.redirect = lambda _path: target
    said = tagline(*READS, "--repo", f"{server.url}/shop.git", "--json", TAGLINE_REPO_TOKEN=TOKEN)
    assert said.code == 4, said.err
    assert server.url in said.json["error"]["message"]


def test_redirect__of_a_public_repository__is_followed_without_any_token(
    server: GitServer, thief: GitServer, tagline: CommandLine
) -> None:
    server.redirect = _elsewhere(thief)
    said = tagline(*READS, "--repo", f"{server.url}/shop.git", "--json")
    # Both are http here, and nobody follows to a server without encryption.
    assert (said.code, said.json["error"]["code"]) == (4, "redirected"), said.err
    assert not thief.requests


def test_redirect__that_one_run_followed__is_not_known_to_the_next_in_the_same_process(
    server: GitServer, served: Path, tagline: CommandLine
) -> None:
    (served / "shop.git").rename(served / "new.git")
    server.redirect = lambda path: path.replace("/shop.git", "/new.git", 1) if path.startswith("/shop.git") else None
    asked = (*READS, "--repo", f"{server.url}/shop.git", "--json")
    assert (moved := tagline(*asked, TAGLINE_REPO_TOKEN=TOKEN)).code == 0, moved.err
    assert any(path.startswith("/new.git") for _, path, _ in server.requests)
    server.redirect = lambda _: None
    (served / "new.git").rename(served / "shop.git")
    assert (back := tagline(*asked, TAGLINE_REPO_TOKEN=TOKEN)).code == 0, back.err
    assert back.json == moved.json
