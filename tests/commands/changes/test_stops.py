"""A stage that is held, and an override, on a forge: from the label to the tag, the comment and the readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.changes.world import BETTER, Platform, World

POLICY = "stages:\n  prod: {approvals: {count: 1}, override: {allow: [alice, '@org/ml-leads']}}\n"


def _versions(world: World) -> None:
    """Two versions of churn, both of which held prod; the second one is bad."""
    for number in (1, 2):
        commit = world.push("main", {"models/churn.txt": f"trees: {number}\n"})
        world.admin("register", "churn", "--version", f"v{number}.0.0", "--rev", commit)
        world.admin("assign", "churn#prod", "--version", f"v{number}.0.0", "--override", "set up")


def _held(world: World) -> Any:
    return world.run_cli("show", "churn#prod", "--json", "--repo", world.repo.path.as_uri()).json


def test_rollback_by_label__holds_until_a_change_lifts_it(world: World) -> None:
    _versions(world)
    back = world.open("back", {"notes/1": "x"}, labels=("rollback:churn#prod",))
    world.merge(back)
    assert world.promote(back).code == 0
    shown = _held(world)
    assert (shown["version"], shown["held"]["by"], shown["held"]["reason"]) == ("v1.0.0", "bob", "rollback from v2.0.0")

    late = world.open("late", {"notes/2": "x"}, labels=("stage:churn@v2.0.0#prod",))
    planned = world.plan(late)
    assert (planned.code, [found["rule"] for found in planned.json["refused"]]) == (1, ["held"])
    assert planned.json["held"] == [{"artifact": "churn", "stage": "prod", **shown["held"]}]
    assert "is held at" in world.comments(late)[0]

    world.repo.label(late, "lift:churn#prod", by="bob")
    assert world.plan(late).code == 0
    world.merge(late)
    done = world.promote(late)
    assert done.code == 0, done.out
    (row,) = done.json["tags"]
    assert world.trailers(row["tag"])["Hold-Lifted"] == [done.json["change"]["url"]]
    assert "its hold lifted" in world.comments(late)[0]
    assert (_held(world)["version"], _held(world)["held"]) == ("v2.0.0", None)
    again = world.promote(late)
    assert (again.code, again.json["tags"][0]["tag"], again.json["tags"][0]["created"]) == (0, row["tag"], False)


def test_lift_by_request_file__alone__moves_nothing(world: World) -> None:
    _versions(world)
    world.admin("rollback", "churn#prod", "--hold", "it lost money", "--override", "now")
    text = "- {artifact: churn, lift: true, reason: it was the feed}\n"
    number = world.open("lift", {"promotions/prod/lift.yaml": text})
    world.merge(number)
    done = world.promote(number)
    assert done.code == 0, done.out
    assert world.trailers(done.json["tags"][0]["tag"])["Hold-Lifted"] == ["it was the feed"]
    assert (_held(world)["version"], _held(world)["held"]) == ("v1.0.0", None)


def test_promote__a_hold_that_comes_between_plan_and_push__is_seen_at_the_write(world: World) -> None:
    _versions(world)
    world.push("main", {"models/churn.txt": "trees: 3\n"})
    number = world.open("third", BETTER, labels=("version:churn@v3.0.0", "stage:churn#prod"))
    world.merge(number)

    def hold(request: Any) -> None:
        if "git-receive-pack" in str(request):
            world.server.before.remove(hold)
            world.admin("rollback", "churn#prod", "--hold", "it lost money", "--override", "now")

    world.server.before.append(hold)
    done = world.promote(number)
    assert hold not in world.server.before
    assert [found["rule"] for found in done.json["refused"]] == ["held"]
    assert _held(world)["version"] == "v1.0.0"
    assert "churn@v3.0.0" in world.tags()  # the version is no stage's business


def test_override__by_who_is_listed__goes_past_the_rules_and_is_told_everywhere(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    _versions(world)
    text = "- {artifact: churn, version: v1.0.0, override: prices are wrong}\n"
    for author, pusher, words in (("bob", "bob", "bob opened"), ("carol", "bob", "bob pushed")):
        number = world.open(f"by-{author}", {f"promotions/prod/{author}.yaml": text}, author=author, pusher=pusher)
        refused = [found for found in world.plan(number).json["refused"] if found["rule"] == "override"]
        assert words in refused[0]["message"]
    number = world.open("fire", {"promotions/prod/fire.yaml": text}, author="carol")
    world.merge(number)
    done = world.promote(number)
    assert done.code == 0, done.out
    assert done.json["overrides"] == [
        {"artifact": "churn", "stage": "prod", "by": "carol", "reason": "prices are wrong", "passed": ["approvals"]}
    ]
    tag = done.json["tags"][0]["tag"]
    assert world.trailers(tag)["Override"] == ["prices are wrong"]
    assert "**Override** of `churn#prod` by `carol`: prices are wrong." in world.comments(number)[0]
    listed = world.run_cli("history", "--overrides", "--json", "--repo", world.repo.path.as_uri()).json["events"]
    assert [event["tag"] for event in listed] == [tag, "churn#prod#2", "churn#prod#1"]


FIRE = {"promotions/prod/fire.yaml": "- {artifact: churn, version: v2.0.0, override: prices are wrong}\n"}


@pytest.mark.parametrize(("by", "rules"), [("bob", ["override"]), ("carol", [])])
def test_override__a_label_that_lifts_beside_it__is_of_who_may_override(
    make_world: Callable[..., World], by: str, rules: list[str]
) -> None:
    world = make_world("github", POLICY)
    _versions(world)
    world.admin("rollback", "churn#prod", "--hold", "it lost money", "--override", "now")
    number = world.open("fire", FIRE, author="carol")
    world.repo.label(number, "lift:churn#prod", by=by)
    planned = world.plan(number)
    assert [found["rule"] for found in planned.json["refused"] if found["rule"] == "override"] == rules
