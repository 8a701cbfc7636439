"""Promote, ``kill -9``, run again: whatever it died at, the tags are exact and there is one comment.

Some rounds in every run of the tests; ``make fuzz ROUNDS=200 SEED=1`` runs more, and prints what each died at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.changes.kills import Ended, Whole, draw, run
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

ROUNDS = int(os.environ.get("TAGLINE_TESTS_ROUNDS", "6"))
SEED = int(os.environ.get("TAGLINE_TESTS_SEED", "1"))
#: What a whole promote of two artifacts takes, as this process measured it.
_whole: dict[Platform, Whole] = {}
_OURS = re.compile(
    r"refs/(heads/(main|topic)|tags/.+|(pull|merge-requests)/1/(head|merge)|tagline/(\w+@guard|@changes/1))"
)


@pytest.fixture
def whole(make_world: Callable[..., World], seed: int) -> Whole:
    platform = draw(seed).platform
    if platform not in _whole:
        world = make_world(platform, POLICY)
        register_all(world)
        number = open_and_plan(world, ASKED["two artifacts"])
        world.merge(number)
        _whole[platform] = run(world, ["promote", "--change", str(number)], {}, None, Whole(0, 0)).whole
    return _whole[platform]


def test_draw__of_many_seeds__has_every_forge_method_trigger_and_question() -> None:
    rounds = [draw(seed) for seed in range(1, 201)]
    for platform in METHODS:
        of_it = [each for each in rounds if each.platform == platform]
        assert {each.method for each in of_it} == set(METHODS[platform])
        assert {each.trigger for each in of_it} == set(TRIGGERS[platform])
        assert {each.asked for each in of_it} == set(ASKED) - {"nothing"}
    assert draw(7) == draw(7)


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_kill__and_run_again__exact_tags_one_comment_and_nothing_left(
    make_world: Callable[..., World], seed: int, whole: Whole, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    drawn = draw(seed)
    told = [str(drawn)]
    wanted = ASKED[drawn.asked]
    world = make_world(drawn.platform, POLICY)
    register_all(world)
    old = world.tags()
    number = open_and_plan(world, wanted)
    head = world.git("rev-parse", "origin/topic")
    before = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    merged = world.merge(number, drawn.method)

    arguments = ["promote", *(["--change", str(number)] if drawn.trigger == "number" else [])]
    event = trigger_of(world, drawn.trigger, number, before, merged)
    for kill in drawn.kills:
        told.append(f"  {kill}: {run(world, arguments, event, kill, whole)}")
    left = _temporary(world)
    told.append(f"  left by what died: {len(left)} temporary files")
    request.node.add_report_section("call", "rounds", "\n".join(told) + "\n")
    last = run(world, arguments, event, None, whole)

    check_tags(world, old, wanted, number, merged)
    check_gto(world, tmp_path / "read", wanted)
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment, comment
    assert world.status(head) == "success"
    assert _temporary(world) <= left, "the last run left files"
    _check_forge(world)
    _check_quiet(world, arguments, event, whole, last)


def _temporary(world: World) -> set[Path]:
    return set((world.folder / "tmp").rglob("*"))


def _check_forge(world: World) -> None:
    """No refs but those that belong there, and no locks."""
    refs = world.git("ls-remote", "origin").split()[1::2]
    assert [ref for ref in refs if ref != "HEAD" and not ref.endswith("^{}") and not _OURS.fullmatch(ref)] == []
    assert list(world.repo.path.rglob("*.lock")) == []
    world.git("fsck", "--strict", "--no-dangling", folder=world.repo.path)


def _check_quiet(world: World, arguments: list[str], event: dict[str, str], whole: Whole, last: Ended) -> None:
    """Once more changes nothing; readers have nothing to say; and whoever writes next is in nobody's way."""
    refs, comments = world.git("ls-remote", "origin"), [c.body for c in world.repo.change(1).comments]
    assert not run(world, arguments, event, None, whole).killed, last
    assert world.git("ls-remote", "origin") == refs
    assert len(world.repo.change(1).comments) == len(comments)
    shown = world.run_cli("show", "--json", "--repo", world.repo.path.as_uri(), cwd=world.folder)
    assert (shown.code, shown.json["warnings"]) == (0, [])
    world.admin("assign", "churn#next", "--version", "v1.0.0")
    world.admin("assign", "fraud#next", "--version", "v1.0.0")
    assert {"churn#next", "fraud#next"} <= {tag.rpartition("#")[0] for tag in world.tags()}
