"""A repository that got another name or owner between two runs: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.merges import TRIGGERS, trigger_of
from tests.commands.changes.world import BETTER, Platform, World

FREE = "stages:\n  prod: {}\n"
GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
LABELS = ("version:minor", "stage:prod")
TAGS = {"churn@v0.1.0", "churn#prod#1"}
NEW = "new-org/store"


def _rename(world: World) -> None:
    world.forge.rename("org/shop", NEW)


@pytest.mark.parametrize(
    ("platform", "trigger"), [(platform, trigger) for platform, found in TRIGGERS.items() for trigger in found]
)
def test_promote__of_a_repository_renamed_since__is_done_once(
    make_world: Callable[..., World], platform: Platform, trigger: str
) -> None:
    """The stage is left, so that whoever does not know its own tags again assigns it once more."""
    world = make_world(platform, FREE)
    before = world.git("rev-parse", "origin/main")
    number = world.open("topic", BETTER, labels=LABELS)
    after = world.merge(number)
    first = world.run("promote", *_asked(trigger, number), **trigger_of(world, trigger, number, before, after))
    assert first.code == 0, first.out + first.err
    world.admin("unassign", "churn#prod")
    tags = set(world.tags())
    _rename(world)
    for _ in range(2):
        world.git("push", "--quiet", "origin", f":refs/tagline/@changes/{number}")
        again = world.run("promote", *_asked(trigger, number), **trigger_of(world, trigger, number, before, after))
        assert again.code == 0, again.out + again.err
        assert set(world.tags()) == tags


def _asked(trigger: str, number: int) -> tuple[str, ...]:
    return ("--change", str(number)) if trigger == "number" else ()


def test_promote__after_the_rename__writes_comments_tags_and_statuses_there(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    _rename(world)
    planned = world.plan(number)
    assert (planned.code, planned.verdict) == (0, "waiting"), planned.out + planned.err
    assert planned.json["warnings"] == []
    assert NEW in planned.json["change"]["url"]
    assert NEW in planned.json["comment_url"]
    assert world.status(world.repo.change(number).head) == "pending"
    world.approve(number, "carol")
    again = world.plan(number)
    assert again.verdict == "ok", again.out + again.err
    (comment,) = world.comments(number)
    assert "Tagline: ready" in comment
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, ran.json["warnings"]) == (0, []), ran.out + ran.err
    assert set(world.tags()) == TAGS
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment


def test_promote__of_a_change_whose_tags_are_older_than_keys__knows_them_by_merge_and_number(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    assert world.promote(number).code == 0
    world.git("fetch", "--quiet", "origin")
    for tag in TAGS:
        raw = world.tags()[tag]
        message = "\n".join(line for line in raw.message.split("\n") if not line.startswith("Change-Key:"))
        world.git("tag", "--force", "--annotate", tag, "--message", message, raw.target)
    world.git("push", "--quiet", "--force", "origin", "--tags")
    world.admin("unassign", "churn#prod")
    tags = set(world.tags())
    _rename(world)
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err
    assert set(world.tags()) == tags


def test_key__of_a_tag__is_host_repository_and_number(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.promote(number)
    host = world.server.url.removeprefix("http://")
    assert world.trailers("churn#prod#1")["Change-Key"] == [f"{host}/{world.repo.id}/{number}"]


def test_deliver__after_the_rename__starts_the_workflow_once(make_world: Callable[..., World]) -> None:
    world = make_world("github", FREE)
    world.repo.add_workflow("deploy.yml")
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    _rename(world)
    for started in (True, False):
        ran = world.run("promote", "--change", str(number), "--deliver", "deploy.yml", token="actions")
        assert ran.code == 0, ran.out + ran.err
        assert [one["started"] for one in ran.json["delivery"]] == [started]
    assert [run.name for run in world.repo.runs] == ["churn#prod#1"]
