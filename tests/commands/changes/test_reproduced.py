"""A pipeline that was not run again: refused where the policy says so, else said; in plan and promote alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.test_lineage import START, version
from tests.commands.changes.world import Platform, Ran, World

Make = Callable[..., World]
REQUIRED = "storage: best-effort\nreproduced: required\n"
BOTH = ("version:minor", "stage:prod")


def _stale(what: str) -> dict[str, str | None]:
    """A second run's files, but for one thing that was changed after it."""
    files = version("two", 0.05, 0.93)
    if what == "params":
        return {**files, "params.yaml": "train: {lr: 0.5}\n"}
    if what == "command":
        return {**files, "dvc.yaml": str(START["dvc.yaml"]).replace("cmd: python src/train.py", "cmd: python -O x")}
    return {**files, "src/train.py": "print('changed')\n"}


def _codes(ran: Ran) -> list[str]:
    return [warning["code"] for warning in ran.json["warnings"] if warning["code"] == "not-reproduced"]


@pytest.mark.parametrize("what", ["params", "command", "code"])
def test_required__one_thing_is_newer_than_the_lock__neither_version_nor_stage(make_world: Make, what: str) -> None:
    world = make_world("github", REQUIRED, START)
    number = world.open("topic", _stale(what), labels=BOTH)
    planned = world.plan(number)
    (refused,) = planned.json["refused"]
    assert (planned.code, refused["stage"], refused["rule"]) == (1, None, "reproduced")
    assert "train was not run again" in refused["message"]
    assert "dvc repro" in refused["fix"]
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, ran.json["refused"]) == (1, planned.json["refused"])
    assert world.tags() == {}


def test_required__run_again__is_made(make_world: Make, platform: Platform) -> None:
    world = make_world(platform, REQUIRED, START)
    number = world.open("topic", version("two", 0.05, 0.93), labels=BOTH)
    planned = world.plan(number)
    assert {row["rule"]: row["state"] for row in planned.json["rules"]}["reproduced"] == "ok", planned.out
    world.merge(number)
    assert world.promote(number).verdict == "ok"
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}


def test_required__a_stage_for_an_old_stale_version_is_refused_and_a_rollback_is_not(make_world: Make) -> None:
    world = make_world("github", REQUIRED, {**START, "params.yaml": "train: {lr: 0.5}\n"})
    world.admin("register", "churn", "--version", "v1.0.0")
    world.admin("assign", "churn#prod", "--version", "v1.0.0")
    second = world.push("main", version("two", 0.05, 0.93))
    world.admin("register", "churn", "--version", "v2.0.0", "--rev", second)
    world.admin("assign", "churn#prod", "--version", "v2.0.0")
    asked = world.open("ask", {"note": "x"}, labels=("stage:churn@v1.0.0#staging",))
    assert [row["rule"] for row in world.plan(asked).json["refused"]] == ["reproduced"]
    back = world.open("back", {"note": "y"}, labels=("rollback:churn#prod",))
    assert world.plan(back).verdict == "ok"


def test_required__no_pipeline_behind_it__needs_nothing(make_world: Make, platform: Platform) -> None:
    world = make_world(platform, "reproduced: required\n")
    number = world.open("topic", {"models/churn.txt": "trees: 50\n"}, labels=BOTH)
    planned = world.plan(number)
    assert (planned.verdict, planned.json["rules"]) == ("ok", [])


@pytest.mark.parametrize("policy", ["storage: best-effort\n", "storage: best-effort\nreproduced: best-effort\n"])
def test_not_required__params_newer_than_the_lock__is_a_warning(make_world: Make, policy: str) -> None:
    world = make_world("gitlab", policy, START)
    number = world.open("topic", _stale("params"), labels=BOTH)
    planned = world.plan(number)
    assert (planned.verdict, _codes(planned)) == ("ok", ["not-reproduced"])
    world.merge(number)
    ran = world.promote(number)
    assert (ran.verdict, _codes(ran)) == ("ok", ["not-reproduced"])
    again = world.open("again", {"params.yaml": "train: {lr: 0.05}\n"}, labels=("stage:churn#staging",))
    assert _codes(world.plan(again)) == ["not-reproduced"], "the version that the stage goes to is still stale"


def test_policy__reproduced__is_one_of_two_words(make_world: Make) -> None:
    world = make_world("github", "reproduced: maybe\n")
    assert world.plan(world.open("topic", {"models/churn.txt": "x"}, labels=BOTH)).code == 1
