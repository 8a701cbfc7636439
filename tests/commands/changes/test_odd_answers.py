"""What is no answer of a forge is told as that: exit 4 with what came; never a bug, never an empty list.

Proxies answer with pages, sign-in redirects and JSON of their own, also with status 200.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tagline_localforge import Request, Response
from tests.commands.changes.world import BETTER, Platform, Ran, World
from tests.localforge.faults import fail_always

POLICY = "stages:\n  prod: {approvals: {count: 1, from: ['@org/ml-leads']}}\n"
LABELS = ("version:minor", "stage:prod")
PAGE = b"<!DOCTYPE html><html><head><style>body{color:red}</style><title>Maintenance</title></head><p>Back soon</html>"
HTML = {"Content-Type": "text/html"}


class Call(NamedTuple):
    """A GET of plan or promote: its path, and what it answers with."""

    path: str
    is_list: bool = False


CALLS: dict[Platform, dict[str, Call]] = {
    "github": {
        "change": Call(r"/pulls/1$"),
        "recent": Call(r"/pulls$", is_list=True),
        "compare": Call(r"/compare/"),
        "events": Call(r"/issues/1/events$", is_list=True),
        "reviews": Call(r"/pulls/1/reviews$", is_list=True),
        "permission": Call(r"/collaborators/carol/permission$"),
        "pushes": Call(r"/activity$", is_list=True),
        "team": Call(r"/teams/ml-leads/members$", is_list=True),
        "comments": Call(r"/issues/1/comments$", is_list=True),
        "me": Call(r"/user$"),
    },
    "gitlab": {
        "change": Call(r"/merge_requests/1$"),
        "recent": Call(r"/merge_requests$", is_list=True),
        "events": Call(r"/resource_label_events$", is_list=True),
        "reviews": Call(r"/approvals$"),
        "versions": Call(r"/versions$", is_list=True),
        "permission": Call(r"/members/all/\d+$"),
        "pushes": Call(r"/projects/\d+/events$", is_list=True),
        "team": Call(r"/groups/.*members/all$", is_list=True),
        "comments": Call(r"/notes$", is_list=True),
        "me": Call(r"/user$"),
    },
}
#: What is no part of a decision: without it there is no status, which is said.
STATUSES = r"/commits/[0-9a-f]+/statuses$"
NOT_IN: dict[str, set[str]] = {"plan": {"recent"}, "promote": {"compare"}}
CASES = [
    (platform, command, call)
    for command, missing in NOT_IN.items()
    for platform, calls in CALLS.items()
    for call in calls
    if call not in missing
]


def odd_answers(call: Call) -> dict[str, Response]:
    """What may come instead of an answer."""
    other, hollow = ({}, [{}]) if call.is_list else ([], {})
    return {
        "page": Response(200, None, HTML, PAGE),
        "nothing": Response(200),
        "no-content": Response(204),
        "later": Response(202, hollow),
        "text": Response(200, None, {"Content-Type": "text/plain"}, b"down for maintenance"),
        "null": Response(200, None, {"Content-Type": "application/json"}, b"null"),
        "other-container": Response(200, other),
        "hollow": Response(200, hollow),
        "strings": Response(200, ["maintenance"]),
        "number": Response(200, 7),
        "half": Response(200, None, {"Content-Type": "application/json"}, b'[{"id": 1}, {"id'),
        "no-text": Response(200, None, {"Content-Type": "application/json"}, b"\xff\xfe\x00"),
        "deep": Response(200, None, {"Content-Type": "application/json"}, b"[" * 100_000),
        "redirect-without-address": Response(302),
        "redirect-that-leads-nowhere": Response(300, None, {"Location": "/api/elsewhere"}),
        "refusal-that-is-a-list": Response(400, ["no"]),
        "refusal-that-is-a-page": Response(400, None, HTML, PAGE),
    }


@contextmanager
def _answering(world: World, path: str, answer: Response) -> Iterator[list[str]]:
    """Every GET of a path is answered with that; gives the paths that were."""
    asked: list[str] = []

    def answer_it(request: Request) -> Response | None:
        if request.method != "GET" or not re.search(path, request.path):
            return None
        asked.append(request.path)
        return answer

    world.server.before.append(answer_it)
    yield asked
    world.server.before.remove(answer_it)


def _world(make_world: Callable[..., World], platform: Platform, command: str) -> World:
    """A change that was planned once, so that there is a comment, and is merged for promote."""
    world = make_world(platform, POLICY)
    world.server.observers.clear()  # what is answered here is no contract's
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    if command == "promote":
        world.merge(number)
    return world


def _run(world: World, command: str, call: str = "") -> Ran:
    # On GitHub only a person's token asks who it is.
    person = {"token": "carol-token"} if (world.platform, call) == ("github", "me") else {}
    return world.run(command, "--change", "1", **person)


def test_calls__are_all_that_plan_and_promote_read(make_world: Callable[..., World], platform: Platform) -> None:
    for command in NOT_IN:
        ran = _run(_world(make_world, platform, command), command)
        asked = {e.path for e in ran.requests if e.method == "GET"}
        asked |= {
            e.path for e in _run(_world(make_world, platform, command), command, "me").requests if e.method == "GET"
        }
        calls = {name: call for name, call in CALLS[platform].items() if name not in NOT_IN[command]}
        known = [STATUSES, *(call.path for call in calls.values())]
        unknown = {path for path in asked if not any(re.search(one, path) for one in known)}
        unasked = {name for name, call in calls.items() if not any(re.search(call.path, path) for path in asked)}
        assert (unknown, unasked) == (set(), set())


def test_statuses__answered_with_something_else__are_not_set_and_that_is_said(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = _world(make_world, platform, "plan")
    for name, answer in odd_answers(Call(STATUSES, is_list=True)).items():
        with _answering(world, STATUSES, answer) as asked:
            ran = _run(world, "plan")
        assert asked, "the request was never made"
        assert ran.code == 0, (name, ran.out, ran.err)
        assert [warning["code"] for warning in ran.json["warnings"]] == ["status-not-set"], name
        assert "body{" not in ran.out + ran.err


@pytest.mark.parametrize(("platform", "command", "call"), CASES)
def test_get__answered_with_something_else__is_a_refusal_that_says_what_came(
    make_world: Callable[..., World], platform: Platform, command: str, call: str
) -> None:
    world = _world(make_world, platform, command)
    found = CALLS[platform][call]
    for name, answer in odd_answers(found).items():
        with _answering(world, found.path, answer) as asked:
            ran = _run(world, command, call)
        assert asked, "the request was never made"
        assert ran.code == 4, (name, ran.out, ran.err)
        error = ran.json["error"]
        assert error["code"] == "forge-failed", (name, error)
        assert "GITHUB_API_URL" in error["hint"] or name.startswith("refusal"), error
        assert "<" not in error["message"], error
        assert "\n" not in error["message"], error
        assert world.tags() == {}, name
        (comment,) = world.comments(1)
        assert ("Tagline: ready" in comment) or (command == "promote" and "Tagline: failed" in comment), name
    assert _run(world, command).verdict == "ok"


def test_page__is_told_by_status_type_and_first_words(make_world: Callable[..., World], platform: Platform) -> None:
    world = _world(make_world, platform, "plan")
    with _answering(world, CALLS[platform]["change"].path, Response(200, None, HTML, PAGE)):
        message = world.plan(1).json["error"]["message"]
    assert "no JSON (HTTP 200, text/html, 'Maintenance Back soon')" in message
    assert "org/shop" in message


def test_page_that_repeats_the_token__is_told_without_it(make_world: Callable[..., World], platform: Platform) -> None:
    world = _world(make_world, platform, "plan")

    def echo(request: Request) -> Response | None:
        if request.path.startswith("/api/"):
            return Response(200, None, HTML, f"You sent: {json.dumps(request.headers)}".encode())
        return None

    world.server.before.append(echo)
    secret = "s3cr3t-of-the-job"
    ran = world.run("plan", "--change", "1", token=secret)
    assert ran.code == 4
    assert secret not in ran.out + ran.err
    # Hidden where the token is all that is said, and not only cut off.
    world.server.before[-1] = lambda request: Response(
        200, None, HTML, (request.headers.get("authorization") or request.headers["private-token"]).encode()
    )
    ran = world.run("plan", "--change", "1", token=secret)
    assert secret not in ran.out + ran.err
    assert "***" in ran.json["error"]["message"]


@pytest.mark.parametrize("answer", [Response(200, None, HTML, PAGE), Response(302), Response(200, [])])
def test_post__answered_with_something_else__is_a_comment_not_written(
    make_world: Callable[..., World], platform: Platform, answer: Response
) -> None:
    world = make_world(platform, POLICY)
    world.server.observers.clear()
    number = world.open("topic", BETTER, labels=LABELS)
    world.server.before.append(
        lambda request: answer if request.method == "POST" and request.path.startswith("/api/") else None
    )
    ran = world.plan(number)
    assert (ran.code, ran.json["comment_url"]) == (0, None)
    assert [warning["code"] for warning in ran.json["warnings"]] == ["comment-not-written", "status-not-set"]


def test_me__cannot_be_asked__is_no_guess(make_world: Callable[..., World], platform: Platform) -> None:
    world = _world(make_world, platform, "plan")
    fault = fail_always(world.server, "GET", r"/user$", 500)
    ran = _run(world, "plan", "me")
    assert fault.fired
    assert (ran.code, ran.json["error"]["code"]) == (4, "forge-failed")
