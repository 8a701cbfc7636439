"""Labels that are nearly requests, and labels that were renamed or deleted after they were put on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, Platform, Ran, World

DRESSED = {
    ":rocket: stage:prod": "stage:prod",
    "🚀 stage:prod": "stage:prod",
    "stage: prod": "stage:prod",
    "stage：prod": "stage:prod",
}


@pytest.mark.parametrize("label", DRESSED)
def test_label__dressed__refuses_the_change_and_says_what_was_meant(
    make_world: Callable[..., World], platform: Platform, label: str
) -> None:
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=("version:minor", label))
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (1, "refused")
    (found,) = ran.json["refused"]
    assert f"Did you mean {DRESSED[label]}?" in found["fix"]
    assert world.status(world.repo.change(number).head) == "failure"
    assert "Did you mean" in world.comments(number)[0]
    world.merge(number)
    assert (world.promote(number).code, world.tags()) == (1, {})


def test_label__dressed_alone__is_seen_by_the_push_and_by_the_schedule(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=("🚀 stage:prod",))
    assert world.run("plan", "--open").json["verdict"] == "refused"
    assert world.on_push(world.merge(number)).verdict == "refused"


# -- renamed or deleted since -------------------------------------------------


LABELS = ("version:minor", "stage:prod")
MADE = {"churn@v0.1.0", "churn#prod#1"}


def _warnings(ran: Ran) -> list[str]:
    return [warning["message"] for warning in ran.json["warnings"] if warning["code"] == "label-gone"]


def test_label__deleted_after_the_merge__counts_as_it_stood(make_world: Callable[..., World]) -> None:
    world = make_world("github")
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.repo.delete_label("stage:prod")
    ran = world.promote(number)
    assert (ran.code, set(world.tags())) == (0, MADE)
    assert world.trailers("churn#prod#1")["Requested-By"] == ["bob"]
    (warning,) = _warnings(ran)
    assert warning.startswith("stage:prod, which bob put on the change, was renamed or deleted since.")
    assert "was renamed or deleted since" in world.comments(number)[0]
    again = world.promote(number)
    assert (again.code, set(world.tags())) == (0, MADE)


@pytest.mark.parametrize("new", ["shipped", "stage:live", "🚀 stage:prod"])
def test_label__renamed_after_the_merge__counts_by_its_old_name(make_world: Callable[..., World], new: str) -> None:
    """GitHub's events keep the name that a label had. One that is called like another request now asks once."""
    world = make_world("github")
    number = world.open("topic", BETTER, labels=LABELS)
    merged = world.merge(number)
    world.repo.rename_label("stage:prod", new)
    ran = world.on_push(merged)
    assert (ran.code, set(world.tags())) == (0, MADE), ran.out
    assert len(_warnings(ran)) == 1
    world.repo.rename_label("version:minor", "version:major")
    assert world.promote(number).code == 0
    assert set(world.tags()) == MADE


def test_label__deleted_after_the_merge_where_its_name_is_gone__is_said_to_be_unknown(
    make_world: Callable[..., World],
) -> None:
    """GitLab's events have no name of a label that was deleted."""
    world = make_world("gitlab")
    number = world.open("topic", BETTER, labels=LABELS)
    assert world.plan(number).verdict == "ok"
    merged = world.merge(number)
    world.repo.delete_label("stage:prod")
    ran = world.on_push(merged)
    assert (ran.code, set(world.tags())) == (0, {"churn@v0.1.0"})
    (warning,) = _warnings(ran)
    assert warning.startswith("A label that bob put on the change was deleted since")
    assert "was deleted since" in world.comments(number)[0]


def test_label__deleted_after_the_merge_where_nothing_else_asks__is_said_on_the_change(
    make_world: Callable[..., World],
) -> None:
    world = make_world("gitlab")
    number = world.open("topic", BETTER, labels=("stage:prod", "version:minor"))
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    for label in LABELS:
        world.repo.delete_label(label)
    ran = world.promote(number)
    assert (ran.code, ran.verdict, world.tags()) == (0, "nothing", {})
    assert len(_warnings(ran)) == 1
    (comment,) = world.comments(number)
    assert "Tagline: nothing to tag" in comment
    assert "was deleted since" in comment


def test_label__deleted_after_the_merge_of_what_never_asked__is_a_warning_and_no_comment(
    make_world: Callable[..., World],
) -> None:
    world = make_world("gitlab")
    number = world.open("topic", BETTER, labels=("bug",))
    world.merge(number)
    world.repo.delete_label("bug")
    ran = world.promote(number)
    assert (ran.code, ran.verdict, len(_warnings(ran))) == (0, "nothing", 1)
    assert world.comments(number) == []


@pytest.mark.parametrize("taken", ["bug", "stage:prod"])
def test_label__taken_off_before_the_merge_and_deleted__stood_not(
    make_world: Callable[..., World], platform: Platform, taken: str
) -> None:
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=("version:minor", taken))
    world.repo.unlabel(number, taken, by="bob")
    world.merge(number)
    world.repo.delete_label(taken)
    ran = world.promote(number)
    assert (ran.code, set(world.tags()), _warnings(ran)) == (0, {"churn@v0.1.0"}, [])
