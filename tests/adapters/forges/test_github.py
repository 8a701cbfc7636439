"""GitHub's adapter on real HTTP: the token is for one server, wherever that sends us on to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tagline.adapters.forges.github.forge import GitHub
from tagline.adapters.forges.github.runs import GitHubRuns
from tagline.domain.changes.changes import Change
from tagline.domain.delivery.receipts import Start
from tagline.domain.delivery.targets import Target
from tagline.errors import PlatformRefused
from tagline.ports.forge import CannotComment
from tagline.settings import Secret
from tests.support.answering import Server

SECRET = "ghp-secret"
START = Start("m", "prod", "v1.0.0", "m#prod#1", "0" * 40, "c0", Target("d.yml"), "m/prod")
CHANGE = Change(1, "https://f/1", "Better", "alice", "main", "c0")
ELSEWHERE = pytest.mark.parametrize(
    "where", ["http://127.0.0.1:{port}", "http://localhost:{port}", "//localhost:{port}", "https://127.0.0.1:{own}"]
)


def _github(server: Server) -> GitHub:
    return GitHub(f"{server.url}/api/v3", "org/shop", server.url, Secret(SECRET))


@ELSEWHERE
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect__to_another_scheme_host_or_port__is_refused_and_no_token_goes_there(
    ours: Server, other: Server, status: int, where: str
) -> None:
    ours.answer = lambda path: (status, {"Location": where.format(port=other.port, own=ours.port) + path}, {})
    with pytest.raises(PlatformRefused) as caught:
        _github(ours).change(1)
    assert (caught.value.code, caught.value.exit_code) == ("other-origin", 4)
    assert ours.url in caught.value.message
    named = other.url if "port}" in where else f"https://127.0.0.1:{ours.port}"
    assert named.replace("127.0.0.1", "localhost") in caught.value.message.replace("127.0.0.1", "localhost")
    assert "--repo-api-url" in caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint
    assert (len(ours.heard), other.heard) == (1, [])


def test_redirect__of_a_post__is_no_comment_and_goes_nowhere(ours: Server, other: Server) -> None:
    ours.answer = lambda path: (307, {"Location": other.url + path}, {})
    with pytest.raises(CannotComment, match="sends us on"):
        _github(ours).comment(CHANGE, "hello")
    assert (len(ours.heard), other.heard) == (1, [])


def test_redirect__of_a_dispatch__starts_nothing_elsewhere(ours: Server, other: Server) -> None:
    ours.answer = lambda path: (302, {"Location": other.url + path}, {})
    with pytest.raises(PlatformRefused) as caught:
        GitHubRuns(f"{ours.url}/api/v3", "org/shop", ours.url, Secret(SECRET)).begin(START)
    assert (caught.value.code, other.heard) == ("other-origin", [])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("relative", [False, True])
def test_redirect__of_a_renamed_repository__is_followed_with_token_and_question(
    ours: Server, status: int, relative: bool
) -> None:
    """GitHub's way: the new address carries the repository's number and the old query."""

    def answer(path: str) -> tuple[int, Mapping[str, str], object]:
        if path.startswith("/api/v3/repositories/7/"):
            return 200, {}, []
        target = path.replace("/repos/org/shop/", "/repositories/7/")
        return status, {"Location": ("" if relative else ours.url) + target}, {}

    ours.answer = answer
    assert list(_github(ours).merged_since("main", 0.0).changes) == []
    (old, new) = ours.asked
    assert "state=closed" in new
    assert new == old.replace("/repos/org/shop/", "/repositories/7/")
    assert [heard["Authorization"] for heard in ours.heard] == [f"token {SECRET}"] * 2


def test_redirect__in_a_circle__ends(ours: Server) -> None:
    ours.answer = lambda path: (302, {"Location": f"{ours.url}{path}"}, {})
    with pytest.raises(PlatformRefused):
        _github(ours).change(1)
    assert len(ours.heard) < 30
