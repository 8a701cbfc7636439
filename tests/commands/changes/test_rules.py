"""By which policy and whose owners a landing is judged: those of the branch just before it, and no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, MANIFEST, START, Platform, World

GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
FREE = "stages:\n  prod: {}\n"
BY_OWNERS = "stages:\n  prod: {approvals: {count: 1, from: [codeowners]}}\n"
LABELS = ("version:minor", "stage:prod")


def _assert_refused(world: World, number: int) -> None:
    ran = world.promote(number)
    assert ran.code == 1, ran.out + ran.err
    assert [found["rule"] for found in ran.json["refused"]] == ["approvals"]
    assert not [tag for tag in world.tags() if "#prod" in tag]


# -- the policy -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_policy__emptied_by_the_change_and_touched_again_before_its_job__judges_nothing_of_it(
    make_world: Callable[..., World], platform: Platform, method: str
) -> None:
    world = make_world(platform, GUARDED)
    number = world.open("topic", {**BETTER, ".tagline.yaml": FREE}, labels=LABELS)
    world.merge(number, method)
    world.push("main", {".tagline.yaml": f"# A comment that says nothing.\n{FREE}"})
    _assert_refused(world, number)


@pytest.mark.parametrize("policy_first", [True, False])
def test_policy__emptied_by_one_of_several_commits_that_land_as_they_are__judges_nothing_of_them(
    make_world: Callable[..., World], platform: Platform, policy_first: bool
) -> None:
    """No commit is made for the landing: each of the change's own lies on the branch."""
    world = make_world(platform, GUARDED)
    commits = [{".tagline.yaml": FREE, "CODEOWNERS": "* @bob\n"}, BETTER]
    number = world.open("topic", *(commits if policy_first else commits[::-1]), labels=LABELS)
    world.merge(number, "rebase" if platform == "github" else "ff")
    world.push("main", {".tagline.yaml": f"# Later.\n{FREE}"})
    _assert_refused(world, number)


@pytest.mark.parametrize("later", [GUARDED, None], ids=["stricter", "none"])
def test_policy__that_came_after_the_landing__judges_nothing_of_it(
    make_world: Callable[..., World], platform: Platform, later: str | None
) -> None:
    world = make_world(platform, GUARDED if later is None else FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.push("main", {".tagline.yaml": later})
    if later is None:
        _assert_refused(world, number)
    else:
        assert world.promote(number).code == 0
        assert "churn#prod#1" in world.tags()


def test_policy__of_a_change_that_landed_before__judges_the_next_one(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """As in a queue, which lands several at once."""
    world = make_world(platform, FREE)
    first = world.open("stricter", {".tagline.yaml": GUARDED}, labels=())
    second = world.open("topic", BETTER, labels=LABELS)
    world.merge(first)
    world.merge(second)
    _assert_refused(world, second)


def test_prefix__that_came_after_the_landing__makes_no_label_unasked(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.push("main", {".tagline.yaml": f"labels: {{prefix: ml-}}\n{FREE}"})
    assert world.promote(number).code == 0
    assert "churn#prod#1" in world.tags()


# -- the owners -------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "passes"), [("bob", False), ("carol", True)])
def test_owners__edited_after_the_landing__are_those_of_before(
    make_world: Callable[..., World], platform: Platform, by: str, passes: bool
) -> None:
    world = make_world(platform, BY_OWNERS, {**START, "CODEOWNERS": "* @carol\n"})
    number = world.open("topic", {**BETTER, "CODEOWNERS": "* @dave\n"}, labels=LABELS)
    world.approve(number, by)
    world.merge(number)
    world.push("main", {"CODEOWNERS": "* @bob\n"})
    if passes:
        assert world.promote(number).code == 0
    else:
        _assert_refused(world, number)


TWO_STEPS = {
    "gone-and-back": "fraud: {path: models/fraud.txt}\n",
    "moved-first": MANIFEST.replace("models/churn.txt", "junk/churn.txt"),
}


@pytest.mark.parametrize("between", TWO_STEPS.values(), ids=TWO_STEPS)
@pytest.mark.parametrize(("by", "verdict"), [("bob", "waiting"), ("carol", "ok")])
def test_owners__of_an_artifact_that_two_changes_move__are_those_of_its_last_version(
    make_world: Callable[..., World], platform: Platform, between: str, by: str, verdict: str
) -> None:
    owners = "* @dave\n/models/ @carol\n/junk/ @bob\n"
    world = make_world(platform, BY_OWNERS, {**START, "CODEOWNERS": owners})
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", world.git("rev-parse", "HEAD"))
    first = world.open("first", {"artifacts.yaml": between, "junk/churn.txt": "x\n"}, labels=())
    world.merge(first)
    back = {"artifacts.yaml": MANIFEST.replace("models/churn.txt", "junk/churn.txt"), "junk/churn.txt": "y\n"}
    number = world.open("second", back, labels=LABELS)
    world.approve(number, by)
    assert world.plan(number).verdict == verdict
    world.merge(number)
    if verdict == "ok":
        assert world.promote(number).code == 0
        assert "churn#prod#1" in world.tags()
    else:
        _assert_refused(world, number)


def test_owners__once_a_version_lies_at_the_new_place__are_those_of_the_new_place(
    make_world: Callable[..., World], platform: Platform
) -> None:
    owners = "* @dave\n/models/ @carol\n/new/ @bob\n"
    world = make_world(platform, BY_OWNERS, {**START, "CODEOWNERS": owners})
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", world.git("rev-parse", "HEAD"))
    moved = {"artifacts.yaml": MANIFEST.replace("models/churn.txt", "new/churn.txt"), "new/churn.txt": "x\n"}
    first = world.open("first", moved, labels=("version:minor",))
    world.merge(first)
    assert world.promote(first).code == 0
    number = world.open("second", {"new/churn.txt": "y\n"}, labels=LABELS)
    world.approve(number, "bob")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert world.promote(number).code == 0
