"""API requests per plan and promote: bounded, and independent of how many tags the registry has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import START, Platform, World

MOST, MOST_QUIET = 12, 3
NAMES = [f"m{place}" for place in range(10)]
MANIFEST = "".join(f"{name}: {{path: models/{name}.txt}}\n" for name in NAMES)
POLICY = "stages:\n  prod: {approvals: {count: 2, from: [bob, '@org/ml-leads']}}\n"
#: Ten labels: nine artifacts by name, one stage by name.
LABELS = (*(f"version:{name}@minor" for name in NAMES[:9]), "stage:m0#prod")


def _world(make_world: Callable[..., World], platform: Platform, tags: int = 0) -> World:
    files = {"artifacts.yaml": MANIFEST, **{f"models/{name}.txt": "1\n" for name in NAMES}}
    world = make_world(platform, POLICY, files)
    commit = world.git("rev-parse", "HEAD")
    for place in range(tags):
        name = f"m{place % 10}@v0.0.{place // 10 + 1}"
        world.git("tag", "-a", name, "-m", "x", commit)
    if tags:
        world.git("push", "--quiet", "origin", "--tags")
    return world


def _change(world: World, branch: str = "topic", labels: tuple[str, ...] = LABELS, by: tuple[str, ...] = ()) -> int:
    files = {f"models/{name}.txt": f"{branch}\n" for name in NAMES} | {f"docs/{i}.md": branch for i in range(10)}
    number = world.open(branch, files, labels=labels)
    for login in by:
        world.approve(number, login)
    return number


@pytest.mark.parametrize("tags", [0, 300])
def test_requests__of_a_change_with_ten_labels_and_twenty_files__are_bounded(
    make_world: Callable[..., World], platform: Platform, tags: int
) -> None:
    world = _world(make_world, platform, tags)
    number = _change(world, by=("carol", "dave"))
    further = 1  # a second approver
    first, second = world.plan(number), world.plan(number)
    world.merge(number)
    done, again = world.promote(number), world.promote(number)
    assert [ran.code for ran in (first, second, done, again)] == [0, 0, 0, 0], done.err
    assert len(done.json["tags"]) == 10
    counts = [len(ran.requests) for ran in (first, second, done, again)]
    assert max(counts) <= MOST + further, counts


def test_requests__by_push_behind_many_finished_changes__are_bounded(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = _world(make_world, platform)
    for place in range(6):
        earlier = world.open(f"e{place}", {"models/m9.txt": f"{place}\n"}, labels=("version:m9@minor",))
        world.merge(earlier)
        assert world.promote(earlier).code == 0
    number = _change(world, by=("carol", "dave"))
    assert world.plan(number).verdict == "ok"
    before = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    merged = world.merge(number)
    if platform == "github":
        event = {
            **world.event("push", before=before, after=merged),
            "GITHUB_SHA": merged,
            "GITHUB_REF": "refs/heads/main",
        }
    else:
        event = {
            "CI_PIPELINE_SOURCE": "push",
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_SHA": merged,
            "CI_COMMIT_BEFORE_SHA": before,
        }
    ran = world.run("promote", **event)
    assert ran.code == 0
    assert len(ran.requests) <= MOST + 1, [f"{r.method} {r.path}" for r in ran.requests]


def test_requests__of_a_change_that_asks_for_nothing__are_three_at_most(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY, START)
    number = world.open("quiet", {"README.md": "x\n"}, labels=())
    for place in range(3):
        world.repo.comment(number, by="bob", body=f"chatter {place}")
    planned = world.plan(number)
    merged = world.merge(number)
    promoted = world.promote(number)
    push = (
        {**world.event("push", before="0" * 40, after=merged), "GITHUB_SHA": merged, "GITHUB_REF": "refs/heads/main"}
        if platform == "github"
        else {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": merged}
    )
    pushed = world.run("promote", **push)
    for ran in (planned, promoted, pushed):
        assert (ran.code, ran.verdict) == (0, "nothing"), ran.err
        assert len(ran.requests) <= MOST_QUIET, [f"{r.method} {r.path}" for r in ran.requests]
