"""Events: who is told what, once, signed as an independent library checks it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tagline.adapters.receivers import webhooks
from tests.commands.changes.world import BETTER, Platform, Ran, World
from tests.support.receiver import Inbox, receiving

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
LABELS = ("version:minor", "stage:prod")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same attempts, without the waiting between them."""
    monkeypatch.setattr(webhooks, "PAUSE", 0.0)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receiving() as found:
        yield found


@pytest.fixture
def other() -> Iterator[Inbox]:
    with receiving() as found:
        yield found


def promote(world: World, number: int, inbox: Inbox, **more: str) -> Ran:
    return world.promote(number, TAGLINE_WEBHOOK_URL=inbox.url, TAGLINE_WEBHOOK_SECRET=KEY, **more)


def merged(world: World, branch: str = "topic", files: Any = BETTER, labels: tuple[str, ...] = LABELS) -> int:
    number = world.open(branch, files, labels=labels)
    world.merge(number)
    return number


def events(inbox: Inbox) -> list[Any]:
    """What came, each with a good signature."""
    return [Webhook(KEY).verify(body, dict(headers)) for headers, body in inbox.got]


def told(inbox: Inbox) -> list[tuple[str, str, str | None]]:
    return [(one["type"].removeprefix("tagline."), one["subject"], one["data"]["version"]) for one in events(inbox)]


def test_events__of_a_promotion__one_for_who_gains_and_one_for_who_loses(
    make_world: Callable[..., World], inbox: Inbox
) -> None:
    for platform in ("github", "gitlab"):
        inbox.got.clear()
        world = make_world(platform, "stages:\n  prod: {approvals: {count: 1}}\n")
        number = world.open("topic", BETTER, labels=LABELS)
        world.approve(number, "carol")
        world.merge(number)
        assert promote(world, number, inbox).code == 0
        later = world.open("later", {"models/churn.txt": "trees: 60\n"}, labels=LABELS)
        world.approve(later, "dave")
        world.merge(later)
        ran = promote(world, later, inbox)
        assert ran.code == 0, ran.out + ran.err
        assert told(inbox) == [
            ("version.registered", "churn", "v0.1.0"),
            ("stage.assigned", "churn#prod", "v0.1.0"),
            ("version.registered", "churn", "v0.2.0"),
            ("stage.assigned", "churn#prod", "v0.2.0"),
            ("stage.unassigned", "churn#prod", "v0.1.0"),
        ]
        gained = events(inbox)[3]
        tag = world.tags()["churn#prod#2"]
        assert gained["id"] == f"{tag.object_id}:tagline.stage.assigned:churn"
        assert gained["source"] == f"{world.server.url}/org/shop"
        assert gained["data"] == {
            "artifact": "churn", "stage": "prod", "version": "v0.2.0", "previous_version": "v0.1.0",
            "commit": tag.target, "tag": "churn#prod#2", "change": {"number": later, "url": ran.json["change"]["url"]},
            "actor": "bob", "approved_by": ["dave"], "reason": None, "tickets": [],
        }  # fmt: skip
        assert [headers["webhook-id"] for headers, _ in inbox.got] == [one["id"] for one in events(inbox)]

        assert promote(world, later, inbox).code == 0
        assert len(inbox.got) == 5, "nobody is told twice"


def test_events__a_receiver_that_was_down__gets_what_it_missed_by_the_next_run(
    make_world: Callable[..., World], platform: Platform, inbox: Inbox
) -> None:
    world = make_world(platform)
    inbox.answers = [204, 500, 500, 500]
    number = merged(world)
    ran = promote(world, number, inbox)
    assert (ran.code, ran.verdict) == (0, "ok"), ran.out + ran.err
    (warning,) = [one for one in ran.json["warnings"] if one["code"] == "event-not-sent"]
    assert "it answered 500" in warning["message"]
    inbox.got.clear()
    assert world.run(
        "promote", **world.schedule_event(), TAGLINE_WEBHOOK_URL=inbox.url, TAGLINE_WEBHOOK_SECRET=KEY
    ).code == 0  # fmt: skip
    assert told(inbox) == [("stage.assigned", "churn#prod", "v0.1.0")], "not what it had taken"


def test_events__a_redirect__is_not_followed_and_the_address_is_told_to_nobody(
    make_world: Callable[..., World], inbox: Inbox, other: Inbox
) -> None:
    world = make_world("github")
    inbox.answers, inbox.location = [302], other.url
    ran = promote(world, merged(world), inbox)
    assert (ran.code, other.got, len(inbox.got)) == (0, [], 1)
    everything = ran.out + ran.err + "".join(world.comments(1)) + str([one.json for one in ran.requests])
    assert "event-not-sent" in everything
    assert "s3cr3t-key" not in everything
    assert KEY not in everything
    refs = world.git("ls-remote", "origin", "refs/tagline/*")
    for ref in refs.split()[1::2]:
        world.git("fetch", "--quiet", "origin", ref)
        assert "s3cr3t-key" not in world.git("log", "--format=%B", "FETCH_HEAD")


def test_events__of_a_rollback_that_holds__and_of_a_refusal(make_world: Callable[..., World], inbox: Inbox) -> None:
    world = make_world("github", "stages:\n  prod: {}\n")
    assert promote(world, merged(world), inbox).code == 0
    assert promote(world, merged(world, "two", {"models/churn.txt": "trees: 60\n"}), inbox).code == 0
    inbox.got.clear()
    back = merged(world, "back", {"note.txt": "x\n"}, labels=("rollback:churn#prod",))
    ran = promote(world, back, inbox)
    assert ran.code == 0, ran.out + ran.err
    assert told(inbox) == [
        ("stage.assigned", "churn#prod", "v0.1.0"),
        ("stage.unassigned", "churn#prod", "v0.2.0"),
        ("stage.held", "churn#prod", "v0.1.0"),
    ]
    inbox.got.clear()
    past = merged(world, "past", {"models/churn.txt": "trees: 70\n"})
    assert promote(world, past, inbox).code == 1
    assert told(inbox) == [("version.registered", "churn", "v0.3.0"), ("change.refused", "churn", None)]
    assert "held" in events(inbox)[1]["data"]["reason"]
    assert promote(world, past, inbox).code == 1
    assert len(inbox.got) == 2


def test_slack__gets_a_line_in_which_nothing_is_a_command(make_world: Callable[..., World], inbox: Inbox) -> None:
    world = make_world("github", "other_stages: allow\n")
    number = merged(world, labels=("version:minor", "stage:prod"))
    ran = world.promote(number, TAGLINE_SLACK_WEBHOOK=inbox.url)
    assert ran.code == 0, ran.out + ran.err
    texts = [json.loads(body)["text"] for _, body in inbox.got]
    url = ran.json["change"]["url"]
    assert texts == [
        f"churn v0.1.0 is registered, asked by bob <{url}|change {number}>",
        f"churn v0.1.0 is prod now, asked by bob <{url}|change {number}>",
    ]


@pytest.mark.parametrize("secret", ["", "k" * 40, "whsec_", "whsec_AAAA", "whsec_###"])
def test_webhook__without_a_secret_to_sign_with__is_refused_before_anything(
    make_world: Callable[..., World], inbox: Inbox, secret: str
) -> None:
    world = make_world("github")
    number = merged(world)
    ran = world.promote(number, TAGLINE_WEBHOOK_URL=inbox.url, TAGLINE_WEBHOOK_SECRET=secret)
    assert (ran.code, ran.json["error"]["code"]) == (2, "bad-webhook-secret")
    assert (world.tags(), inbox.got) == ({}, [])


def test_webhook__plan_sends_nothing__and_asks_for_no_secret(make_world: Callable[..., World], inbox: Inbox) -> None:
    world = make_world("github")
    number = world.open("topic", BETTER, labels=LABELS)
    ran = world.plan(number, TAGLINE_WEBHOOK_URL=inbox.url)
    assert (ran.code, ran.verdict, inbox.got) == (0, "ok", [])
