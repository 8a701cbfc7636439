"""Stages that ``.gto`` allows: one that cannot be understood refuses what it would guard, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, START, Platform, World

Make = Callable[..., World]


@pytest.mark.parametrize("text", ["stage: [dev]\n", "stages: dev\n", "stages: [dev]\nfoo: 1\n"])
def test_stage__gto_file_not_understood__refused_and_no_tag(make_world: Make, platform: Platform, text: str) -> None:
    world = make_world(platform, files={**START, ".gto": text})
    number = world.open("topic", BETTER, labels=("version:minor", "stage:prod"))
    planned = world.plan(number)
    assert (planned.code, planned.verdict) == (1, "refused")
    world.merge(number)
    ran = world.promote(number)
    (refusal,) = ran.json["refused"]
    assert (ran.code, refusal["rule"]) == (1, "gto-config")
    assert ".gto" in refusal["message"]
    assert world.tags() == {}


def test_version_alone__gto_file_not_understood__is_made(make_world: Make, platform: Platform) -> None:
    world = make_world(platform, files={**START, ".gto": "stage: [dev]\n"})
    number = world.open("topic", BETTER, labels=("version:minor",))
    world.merge(number)
    assert world.promote(number).verdict == "ok"
    assert set(world.tags()) == {"churn@v0.1.0"}


def test_stage__listed_under_upper_case__others_are_refused(make_world: Make, platform: Platform) -> None:
    world = make_world(platform, files={**START, ".gto": "STAGES: [dev]\n"})
    assert world.plan(world.open("a", BETTER, labels=("version:minor", "stage:prod"))).verdict == "refused"
    assert world.plan(world.open("b", BETTER, labels=("version:minor", "stage:dev"))).verdict == "ok"
