"""Changes whose few kB stand for millions of paths: answered or refused, and nobody else is stopped."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, MANIFEST, Platform, World
from tests.localforge.faults import fail_always
from tests.support.bombs import bomb

#: Bytes of address space for one run: what a job needs many times over, and less than a list of all paths takes.
ROOM = 1_000_000_000


def _open(world: World, leaf: str = "x", place: str = "bomb", labels: tuple[str, ...] = ()) -> int:
    world.push("bomb", {"notes.md": "more\n"}, base="origin/main")
    world.git("push", "--quiet", "--force", "origin", f"{bomb(world.clone, 'HEAD', place, leaf)}:refs/heads/bomb")
    change = world.repo.open_change(author="mallory", source="bomb", target="main", title="More files")
    for label in labels:
        world.repo.label(change.number, label, by="bob")
    return int(change.number)


def _in_little_room(world: World, *arguments: str) -> tuple[int, dict[str, object]]:
    """The exit code and the document of a run that gets so much memory and no more."""
    child = world.child(*arguments)
    resource.prlimit(child.pid, resource.RLIMIT_AS, (ROOM, ROOM))
    out, err = child.communicate(timeout=300)
    assert out, err
    return child.returncode, json.loads(out)


def test_plan__of_a_bomb_that_asks_for_nothing__is_nothing(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    code, said = _in_little_room(world, "plan", "--change", str(_open(world)))
    assert (code, said["verdict"]) == (0, "nothing")


def test_plan__of_a_bomb_with_labels__touches_what_it_touches(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, None, {"artifacts.yaml": f"{MANIFEST}big: {{path: bomb}}\n"})
    code, said = _in_little_room(world, "plan", "--change", str(_open(world, labels=("version:minor",))))
    assert (code, said["verdict"]) == (0, "ok")
    assert [tag["tag"] for tag in said["tags"]] == ["big@v0.1.0"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("leaf", "place"), [("dvc.yaml", "bomb"), ("artifacts.yaml", "bomb"), ("m.dvc", "bomb"), ("a.yaml", "promotions")]
)
def test_plan__of_a_bomb_of_files_that_must_be_read__is_refused(
    make_world: Callable[..., World], platform: Platform, leaf: str, place: str
) -> None:
    world = make_world(platform)
    number = _open(world, leaf, place, labels=("version:minor",))
    code, said = _in_little_room(world, "plan", "--change", str(number))
    assert code == 1
    assert said["error"]["code"] == "too-many-paths"  # type: ignore[index]


def test_plan__of_all_open_changes__goes_on_behind_a_bomb(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform)
    bad = _open(world, "dvc.yaml", labels=("version:minor",))
    good = world.open("good", BETTER, labels=("version:churn@minor",))
    ran = world.run("plan", "--open")
    told = {one["change"]["number"]: one for one in ran.json["changes"]}
    assert ran.code == 1
    assert told[bad]["error"]["code"] == "too-many-paths"
    assert told[good]["verdict"] == "ok"
    assert world.comments(good)


@pytest.mark.parametrize(("leaf", "place"), [("dvc.yaml", "bomb"), ("a.yaml", "promotions")])
def test_promote__behind_a_merged_bomb__goes_on(
    make_world: Callable[..., World], platform: Platform, leaf: str, place: str
) -> None:
    world = make_world(platform)
    before = world.git("rev-parse", "origin/main")
    merged = world.merge(_open(world, leaf, place, labels=("version:minor",)))
    world.git("fetch", "--quiet", "origin")
    repaired = world.git("commit-tree", f"{before}^{{tree}}", "-p", merged, "-m", "without it")
    world.git("push", "--quiet", "origin", f"{repaired}:refs/heads/main")
    good = world.open("good", BETTER, labels=("version:churn@minor",))
    world.merge(good)
    ran = world.promote(good)
    assert "too-many-paths" in str(ran.json["earlier"])
    assert [tag["tag"] for tag in ran.json["tags"]] == ["churn@v0.1.0"]
    assert "churn@v0.1.0" in world.tags()
    assert world.on_schedule().code in (0, 1)


@pytest.mark.parametrize(("leaf", "place"), [("dvc.yaml", "bomb"), ("a.yaml", "promotions")])
def test_promote__beside_an_open_bomb__plans_the_others_anew(
    make_world: Callable[..., World], platform: Platform, leaf: str, place: str
) -> None:
    """One from before the bomb and one from behind it: the forges list changes in different orders."""
    world = make_world(platform)
    others = [world.open("first", BETTER, labels=("version:churn@minor",))]
    bad = _open(world, leaf, place, labels=("version:minor",))
    others.append(world.open("last", {"models/churn.txt": "trees: 70\n"}, labels=("version:churn@minor",)))
    good = world.open("good", {"models/churn.txt": "trees: 60\n"}, labels=("version:churn@minor",))
    world.merge(good)
    ran = world.promote(good)
    assert ran.code == 0
    assert [warning["code"] for warning in ran.json["warnings"]] == ["not-refreshed"]
    assert f"Change {bad} may show an old plan: " in ran.json["warnings"][0]["message"]
    for number in others:
        assert "churn@v0.2.0" in world.comments(number)[0]


def test_promote__whose_token_sets_no_status__says_so(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform)
    other = world.open("other", {"models/churn.txt": "trees: 60\n"}, labels=("version:churn@minor",))
    good = world.open("good", BETTER, labels=("version:churn@minor",))
    world.merge(good)
    fail_always(world.server, "POST", r"/statuses/", 403)
    ran = world.promote(good)
    assert ran.code == 0
    assert [warning["code"] for warning in ran.json["warnings"]] == ["status-not-set"]
    assert world.repo.change(other).head[:7] in ran.json["warnings"][0]["message"]


def test_commands__at_a_commit_with_a_bomb__answer(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(
        platform, None, {"artifacts.yaml": MANIFEST, "models/churn.txt": "1\n", "models/fraud.txt": "2\n"}
    )
    commit = bomb(world.clone, "HEAD")
    world.git("tag", "-a", "churn@v1.0.0", "-m", "x", commit)
    world.git("push", "--quiet", "origin", "churn@v1.0.0", f"{commit}:refs/heads/main")
    repo = ("--repo", world.repo.path.as_uri())
    code, said = _in_little_room(world, "resolve", "churn", *repo)
    assert (code, said["size"], said["commit"]) == (0, 2, commit)
    code, _ = _in_little_room(world, "fetch", "churn", "-o", str(world.folder / "churn"), *repo)
    assert (code, (world.folder / "churn").read_text()) == (0, "1\n")
    code, said = _in_little_room(world, "validate", "--repo", str(world.repo.path))
    assert (code, said["error"]["code"]) == (1, "too-many-paths")  # type: ignore[index]
    code, said = _in_little_room(world, "lineage", "churn", *repo)
    assert code == 0, said
