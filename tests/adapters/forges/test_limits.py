"""Rate limits of both forges on real HTTP: waited for whatever the method, not for long, and told with their end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests

from tagline.adapters.forges.github.forge import GitHub
from tagline.adapters.forges.gitlab.forge import GitLab
from tagline.adapters.forges.limits import LimitReached, is_limited, patient
from tagline.domain.changes.changes import Change
from tagline.errors import PlatformRefused
from tagline.ports.forge import CannotComment, Forge
from tagline.settings import Secret
from tests.support.answering import Server

CHANGE = Change(1, "https://f/1", "Better", "alice", "main", "c0")
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
PRIMARY = {"message": "API rate limit exceeded for installation ID 1."}
DENIED = {"message": "Resource not accessible by integration"}
Answer = tuple[int, Mapping[str, str], Any]
KINDS = pytest.mark.parametrize("kind", ["github", "gitlab"])


def _forge(kind: str, server: Server) -> Forge:
    if kind == "github":
        return GitHub(server.url, "org/shop", f"{server.url}/org/shop", Secret("ghp_x"))
    return GitLab(server.url, "org/shop", f"{server.url}/org/shop", Secret("glpat-x"))


def _answers(server: Server, *answers: Answer) -> None:
    """The change, and of all else these in order, the last for ever."""
    left, change = list(answers), {"number": 1, "issue_url": f"{server.url}/repos/org/shop/issues/1"}

    def answer(path: str) -> Answer:
        if path.endswith("/pulls/1"):
            return 200, {}, change
        return left.pop(0) if len(left) > 1 else left[0]

    server.answer = answer


def _note(kind: str) -> Answer:
    user = {"login": "alice", "username": "alice", "id": 1}
    note = {"id": 5, "body": "hello", "author": user, "user": user, "html_url": "https://f/1#5", "url": "https://f/c/5"}
    return 201, {}, note


@KINDS
@pytest.mark.parametrize(
    "limit",
    [
        pytest.param((429, {"Retry-After": "0"}, {"message": "Too many"}), id="429"),
        pytest.param((403, {"Retry-After": "0"}, SECONDARY), id="403-secondary"),
        pytest.param((403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, PRIMARY), id="403-primary"),
    ],
)
def test_post__limited_for_a_moment__waits_as_a_get_does_and_posts_once(ours: Server, kind: str, limit: Answer) -> None:
    _answers(ours, limit, _note(kind))
    assert _forge(kind, ours).comment(CHANGE, "hello").key == 5
    asked = [request.partition(" ")[0] for request in ours.asked if not request.endswith("/pulls/1")]
    assert asked == ["POST", "POST"], "no list of comments: nothing can have been made"


@KINDS
def test_get__limited_for_a_moment__is_asked_once_more(ours: Server, kind: str) -> None:
    _answers(ours, (429, {"Retry-After": "0"}, {"message": "Too many"}), (200, {}, []))
    assert _forge(kind, ours).comments(CHANGE) == []


@KINDS
def test_limit__of_an_hour__says_when_it_ends(ours: Server, kind: str) -> None:
    ends = int(time.time()) + 1380
    named = "X-RateLimit" if kind == "github" else "RateLimit"
    headers = {f"{named}-Remaining": "0", f"{named}-Reset": str(ends)}
    _answers(ours, (403 if kind == "github" else 429, headers, PRIMARY))
    with pytest.raises(PlatformRefused) as caught:
        _forge(kind, ours).comments(CHANGE)
    assert caught.value.code == "rate-limit"
    # It is told in seconds from now, and the minute may end meanwhile.
    clocks = "|".join(time.strftime("%H:%M", time.gmtime(ends + more)) for more in (-60, 0, 60))
    said = rf"limits the rate of this token until ({clocks}) UTC, in 2[234] minutes\. It said: API"
    assert re.search(said, str(caught.value))
    with pytest.raises(CannotComment, match="until") as refused:
        _forge(kind, ours).comment(CHANGE, "hello")
    assert refused.value.passes
    assert len(ours.asked) == {"github": 4, "gitlab": 2}[kind], "neither was repeated"


def test_denial__is_no_limit_and_not_repeated(ours: Server) -> None:
    _answers(ours, (403, {"X-RateLimit-Remaining": "17"}, DENIED))
    with pytest.raises(CannotComment, match="the token needs"):
        _forge("github", ours).comment(CHANGE, "hello")
    assert len(ours.asked) == 2, "the change, and one try"


def test_version__of_the_api__is_sent_to_github(ours: Server) -> None:
    _answers(ours, (403, {}, DENIED))
    with pytest.raises(CannotComment):
        _forge("github", ours).comment(CHANGE, "hello")
    assert ours.heard[0]["X-GitHub-Api-Version"] == "2022-11-28"


# How long


def _response(status: int = 429, body: object = SECONDARY, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(body).encode()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def _sending(*responses: requests.Response) -> Callable[[], requests.Response]:
    left: Iterator[requests.Response] = iter(responses)
    return lambda: next(left)


def _waits(*responses: requests.Response) -> list[float]:
    pauses: list[float] = []
    with pytest.raises(LimitReached):
        patient(_sending(*responses), sleep=pauses.append)
    return pauses


def test_waits__without_a_word_how_long__a_minute_then_two_then_no_more() -> None:
    assert _waits(*[_response(403)] * 3) == [60, 120]


def test_waits__asked_for__as_long_as_they_come_to_three_minutes() -> None:
    assert _waits(*[_response(Retry_After="90")] * 3) == [90, 90]
    assert _waits(*[_response(Retry_After="100")] * 2) == [100]
    assert _waits(_response(Retry_After="121")) == []


@pytest.mark.parametrize("told", ["", "soon", "-3", "9" * 40])
def test_waits__a_word_that_is_no_time__as_without_one(told: str) -> None:
    pauses: list[float] = []
    answers = _sending(_response(X_RateLimit_Remaining="0", X_RateLimit_Reset=told), _response(200))
    assert patient(answers, sleep=pauses.append).status_code == 200
    assert pauses == [60]


@pytest.mark.parametrize(
    ("response", "limited"),
    [
        (_response(429), True),
        (_response(403), True),
        (_response(403, {"message": "You have triggered an abuse detection mechanism."}), True),
        (_response(403, DENIED), False),
        (_response(403, DENIED, X_RateLimit_Remaining="0"), True),
        (_response(503, DENIED, Retry_After="5"), False),
        (_response(200), False),
    ],
)
def test_limited__is_told_from_denials_and_faults(response: requests.Response, limited: bool) -> None:
    assert is_limited(response) is limited
