"""(forge) x (merge method) x (trigger) x (what asks): the tags by name, target, trailers, and as GTO reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.changes.merges import (
    ASKED,
    METHODS,
    POLICY,
    TRIGGERS,
    check_gto,
    check_tags,
    open_and_plan,
    register_all,
    trigger_of,
)
from tests.commands.changes.world import Platform, World

CASES = [
    pytest.param(platform, method, trigger, asked, id=f"{platform}-{method}-{trigger}-{asked}")
    for platform, methods in METHODS.items()
    for method in methods
    for trigger in TRIGGERS[platform]
    for asked in ASKED
    # Everything is asked in every way of merging and by every trigger; the two crossed for the richest.
    if method == methods[0] or trigger == "push" or asked == "version and stages"
]


@pytest.mark.oracle
@pytest.mark.parametrize(("platform", "method", "trigger", "asked"), CASES)
def test_merge__by_method_and_trigger__makes_the_tags_that_were_asked_for(
    make_world: Callable[..., World], platform: Platform, method: str, trigger: str, asked: str, tmp_path: Path
) -> None:
    wanted = ASKED[asked]
    world = make_world(platform, POLICY, days_ago=10)
    register_all(world)
    old = world.tags()
    number = open_and_plan(world, wanted)

    before = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    merged = world.merge(number, method)
    arguments = ["promote", *(["--change", str(number)] if trigger == "number" else [])]
    ran = world.run(*arguments, **trigger_of(world, trigger, number, before, merged))
    assert ran.code == 0, ran.out + ran.err

    check_tags(world, old, wanted, number, merged)
    check_gto(world, tmp_path / "read", wanted)
    tags = world.tags()
    again = world.run(*arguments, **trigger_of(world, trigger, number, before, merged))
    assert again.code == 0
    assert world.tags() == tags, "a second run wrote"
