"""A promotion that failed is said on its change: why, what is made, what a run again does. A success replaces it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, Platform, World
from tests.localforge.faults import fail_always

LABELS = ("version:minor", "stage:prod")
BOTH = {**BETTER, "models/fraud.txt": "rules: 4\n"}
RULESET = "remote: error: GH013: Repository rule violations found for refs/tags/churn@v0.1.0."
EVENTS = {"github": r"/issues/\d+/events$", "gitlab": r"/resource_label_events$"}


def _merged(world: World, branch: str = "topic", files: dict[str, str] | None = None, *, plan: bool = True) -> int:
    number = world.open(branch, BETTER if files is None else files, labels=LABELS)
    if plan:
        assert world.plan(number).verdict == "ok"
    world.merge(number)
    return number


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "never-planned"])
def test_promote__whose_push_is_refused__says_so_on_the_change_until_one_succeeds(
    make_world: Callable[..., World], platform: Platform, planned: bool
) -> None:
    world = make_world(platform)
    number = _merged(world, plan=planned)
    world.repo.refuse_pushes = RULESET
    ran = world.promote(number)
    assert (ran.code, ran.json["error"]["code"]) == (4, "ruleset")
    (comment,) = world.comments(number)
    assert "Tagline: failed" in comment
    assert "Nothing was tagged" in comment
    assert "ruleset" in comment
    assert f"`tagline promote --change {number}`" in comment
    assert "churn@v0.1.0" not in comment.partition("ruleset")[0]
    assert "final" not in comment
    world.repo.refuse_pushes = None
    assert world.promote(number).code == 0
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment


def test_promote__done_in_part__says_what_was_made(make_world: Callable[..., World]) -> None:
    world = make_world("github")  # on GitLab the four tags are one push
    number = _merged(world, files=BOTH)
    drop = world.drop_pushes_after_the_first()
    ran = world.promote(number)
    assert ran.code == 4
    (comment,) = world.comments(number)
    assert "Tagline: failed" in comment
    assert "This merge made 2 tags" in comment
    assert "churn#prod#1" in comment
    assert "fraud#prod#1" not in comment
    assert ran.json["comment_url"]
    world.server.before.remove(drop)
    assert world.promote(number).code == 0
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment
    assert "fraud#prod#1" in comment


@pytest.mark.parametrize("asks", [True, False], ids=["planned", "asks-nothing"])
def test_promote__that_cannot_read_the_change__says_so_where_a_plan_promised_something(
    make_world: Callable[..., World], platform: Platform, asks: bool
) -> None:
    world = make_world(platform)
    number = _merged(world) if asks else world.open("quiet", {"README.md": "x\n"}, labels=("bug",))
    if not asks:
        world.repo.comment(number, by="bob", body="Hm.")
        world.merge(number)
    fault = fail_always(world.server, "GET", EVENTS[platform], 500)
    ran = world.promote(number)
    assert (ran.code, ran.json["error"]["code"]) == (4, "forge-failed")
    assert ["Tagline: failed" in comment for comment in world.comments(number)] == [True] * asks
    fault.remove()
    assert world.promote(number).code == 0
    assert ["Tagline: done" in comment for comment in world.comments(number)] == [True] * asks


def test_promote__behind_one_that_fails_for_now__says_which_comes_first(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    earlier = _merged(world, "t1")
    number = _merged(world, "t2", {"models/churn.txt": "trees: 51\n"})
    fault = fail_always(world.server, "POST", "git-receive-pack$", 500)
    assert world.promote(number).code == 4
    assert world.tags() == {}
    for one in (earlier, number):
        assert "Tagline: failed" in world.comments(one)[0]
    assert f"Change {earlier}, which landed earlier, comes first" in world.comments(number)[0]
    fault.remove()
    assert world.promote(number).code == 0
    for one in (earlier, number):
        assert "Tagline: done" in world.comments(one)[0]


def test_promote__that_was_done_and_fails_again__leaves_the_word_on_the_merge(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    number = _merged(world)
    assert world.promote(number).code == 0
    before = world.comments(number)
    fail_always(world.server, "GET", EVENTS[platform], 500)
    assert world.promote(number).code == 4
    assert world.comments(number) == before


@pytest.mark.parametrize("way", ["dry-run", "no-comments"])
def test_promote__that_fails_and_cannot_say_it__fails_as_before(
    make_world: Callable[..., World], platform: Platform, way: str
) -> None:
    world = make_world(platform)
    number = _merged(world)
    before = world.comments(number)
    world.repo.refuse_pushes = RULESET
    if way == "dry-run":
        fail_always(world.server, "GET", EVENTS[platform], 500)
        ran = world.run("promote", "--change", str(number), "--dry-run")
        assert (ran.code, ran.json["error"]["code"]) == (4, "forge-failed")
    else:
        fail_always(world.server, "PATCH" if platform == "github" else "PUT", "comments|notes", 403)
        ran = world.promote(number)
        assert (ran.code, ran.json["error"]["code"]) == (4, "ruleset")
    assert world.comments(number) == before
