"""GitLab's adapter on real HTTP: the token is for one server, wherever that sends us on to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tagline.adapters.forges.gitlab.forge import GitLab
from tagline.domain.changes.changes import Change
from tagline.errors import PlatformRefused
from tagline.ports.forge import CannotComment
from tagline.settings import Secret
from tests.support.answering import Server

SECRET = "glpat-secret"
KINDS = pytest.mark.parametrize("job_token", [False, True], ids=["project-token", "job-token"])
CHANGE = Change(1, "https://f/1", "Better", "alice", "main", "c0")


def _gitlab(server: Server, *, job_token: bool) -> GitLab:
    return GitLab(server.url, "org/shop", f"{server.url}/org/shop", Secret(SECRET), job_token=job_token)


@KINDS
@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:{port}", "http://localhost:{port}", "//localhost:{port}", "https://127.0.0.1:{own}"]
)
def test_redirect__to_another_scheme_host_or_port__is_refused_and_no_token_goes_there(
    ours: Server, other: Server, job_token: bool, status: int, where: str
) -> None:
    ours.answer = lambda path: (status, {"Location": where.format(port=other.port, own=ours.port) + path}, {})
    with pytest.raises(PlatformRefused) as caught:
        _gitlab(ours, job_token=job_token).change(1)
    assert (caught.value.code, caught.value.exit_code) == ("other-origin", 4)
    assert ours.url in caught.value.message
    assert "CI_API_V4_URL" in caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint
    assert (len(ours.heard), other.heard) == (1, [])


@KINDS
def test_redirect__of_a_post__is_no_comment_and_goes_nowhere(ours: Server, other: Server, job_token: bool) -> None:
    ours.answer = lambda path: (307, {"Location": other.url + path}, {})
    with pytest.raises(CannotComment, match="sends us on"):
        _gitlab(ours, job_token=job_token).comment(CHANGE, "hello")
    assert (len(ours.heard), other.heard) == (1, [])


@KINDS
def test_next_page__on_another_server__is_refused(ours: Server, other: Server, job_token: bool) -> None:
    ours.answer = lambda _: (200, {"Link": f'<{other.url}/elsewhere?page=2>; rel="next"'}, [])
    with pytest.raises(PlatformRefused) as caught:
        _gitlab(ours, job_token=job_token).open_changes()
    assert (caught.value.code, other.heard) == ("other-origin", [])


@KINDS
@pytest.mark.parametrize("relative", [False, True])
def test_redirect__on_the_same_server__is_followed_with_the_token(
    ours: Server, job_token: bool, relative: bool
) -> None:
    def answer(path: str) -> tuple[int, Mapping[str, str], object]:
        if "/moved" in path:
            return 200, {}, []
        return 302, {"Location": ("" if relative else ours.url) + "/moved?" + path.partition("?")[2]}, {}

    ours.answer = answer
    assert _gitlab(ours, job_token=job_token).open_changes() == []
    name = "Job-Token" if job_token else "Private-Token"
    assert [{key.title(): value for key, value in heard.items()}[name] for heard in ours.heard] == [SECRET] * 2
