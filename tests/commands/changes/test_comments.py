"""The comment on a change, where somebody deletes it or locks the conversation, or a page comes for an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.changes.world import BETTER, Platform, World
from tests.localforge.faults import bad_gateway

LABELS = ("version:minor", "stage:prod")


def test_comment__deleted_between_list_and_edit__is_posted_anew(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=LABELS)
    first = world.plan(number).json["comment_url"]
    world.repo.switches.comments_vanish = 1
    ran = world.plan(number)
    assert (ran.code, ran.json["warnings"]) == (0, [])
    assert ran.json["comment_url"] not in (None, first)
    assert len(world.comments(number)) == 1
    world.merge(number)
    world.repo.switches.comments_vanish = 1
    assert world.promote(number).json["warnings"] == []
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment


def _not_written(ran: Any) -> str:
    return next(w["message"] for w in ran.json["warnings"] if w["code"] == "comment-not-written")


def test_comment__on_a_locked_conversation__is_said_as_that_with_the_way_on(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=LABELS)
    world.repo.lock(number)
    who: dict[str, Any] = {}
    if platform == "gitlab":  # which lets every member write there
        world.repo.public = True
        world.forge.token("stranger-token", login="stranger")
        who = {"token": "stranger-token"}
    ran = world.plan(number, **who)
    assert (ran.code, ran.json["comment_url"]) == (0, None)
    message = _not_written(ran)
    assert "the conversation is locked" in message
    assert "unlock it" in message
    world.repo.lock(number, locked=False)
    assert "locked" not in world.plan(number).out
    assert len(world.comments(number)) == 1


def test_comment__refused_on_a_conversation_that_is_not_locked__says_what_the_token_needs(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=LABELS)
    ran = world.plan(number, token={"github": "fork", "gitlab": "job"}[platform])
    assert "locked" not in _not_written(ran)
    assert "token" in _not_written(ran)


@pytest.mark.parametrize("method", ["POST", "edit"])
def test_bad_gateway__with_a_page_for_people__is_told_without_its_markup(
    make_world: Callable[..., World], platform: Platform, method: str
) -> None:
    world = make_world(platform)
    world.server.observers.clear()  # a page is no contract's
    number = world.open("topic", BETTER, labels=LABELS)
    if method == "edit":
        world.plan(number)
        method = {"github": "PATCH", "gitlab": "PUT"}[platform]
    bad_gateway(world.server, method, "/(notes|comments)", times=99)
    bad_gateway(world.server, "POST", "/statuses/", times=99)
    world.push("topic", {"models/churn.txt": "trees: 51\n"})
    ran = world.plan(number)
    assert ran.code == 0
    assert [warning["code"] for warning in ran.json["warnings"]] == ["comment-not-written", "status-not-set"]
    for warning in ran.json["warnings"]:
        assert "502" in warning["message"]
        assert "taking too much time" in warning["message"]
        assert "<" not in warning["message"]
        assert "color" not in warning["message"]


def test_bad_gateway__of_a_question__is_told_without_its_markup(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    world.server.observers.clear()
    number = world.open("topic", BETTER, labels=LABELS)
    bad_gateway(world.server, "GET", "/(pulls|merge_requests)/1$", times=99)
    ran = world.plan(number)
    assert (ran.code, ran.json["error"]["code"]) == (4, "forge-failed")
    assert "taking too much time" in ran.json["error"]["message"]
    assert "<" not in ran.json["error"]["message"]


def test_comment__of_an_identity_that_nobody_told__is_one_whatever_killed_runs_left(
    make_world: Callable[..., World],
) -> None:
    """An App's token is not told its name, so its comments are found by what the first answer says."""
    world = make_world("github")
    number = world.open("topic", BETTER, labels=LABELS)
    world.plan(number, token="app")
    (first,) = world.repo.change(number).comments
    for _ in range(2):  # as runs leave them that were killed between post and tidying
        world.repo.comment(number, by=first.login, body=first.body)
    ran = world.plan(number, token="app")
    assert [warning["code"] for warning in ran.json["warnings"]] == ["identity"]
    (left,) = world.repo.change(number).comments
    assert left.id == first.id
    assert ran.json["comment_url"].endswith(str(first.id))
