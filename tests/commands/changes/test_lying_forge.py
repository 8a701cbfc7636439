"""Writers on a forge that lies as real ones may: refs shown late, guards and memory that others left, made or took."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tagline.adapters.git import remote_ledger
from tagline.domain.ledger.tags import parse_tag
from tagline_localforge.late_refs import LateRefs
from tagline_localforge.state import Atomic
from tests.commands.changes.world import BETTER, START, WRITERS, Platform, World
from tests.support.gitbuild import run_git

FREE = "stages:\n  prod: {}\n"
LABELS = ("version:minor", "stage:prod")
CHURN = "refs/tagline/churn@guard"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks, without the waiting between them."""
    monkeypatch.setattr(remote_ledger, "LATE", (0.0,) * len(remote_ledger.LATE))


def _merged(world: World, count: int) -> list[int]:
    """Changes of one artifact that were merged one upon the other, none of them promoted."""
    found = []
    for place in range(count):
        number = world.open(f"t{place}", {"models/churn.txt": f"rules: {place + 2}\n"}, labels=LABELS)
        world.merge(number)
        found.append(number)
    return found


def _assert_each_once_in_order(world: World, numbers: list[int]) -> None:
    tags = world.tags()
    versions = [f"churn@v0.{place + 1}.0" for place in range(len(numbers))]
    assert [tags[version].target for version in versions] == [
        merged.tip for number in numbers if (merged := world.repo.change(number).merged) is not None
    ]
    assert len(tags) == 2 * len(numbers)
    counters = [event.counter for name in tags if (event := parse_tag(name)) is not None and "#" in name]
    assert sorted(counters) == list(range(1, len(numbers) + 1)), "no counter is given twice, whatever a list hides"
    assert len({tag.time for tag in tags.values()}) == len(tags)


def _all_promote(world: World, numbers: list[int]) -> None:
    running = [world.child("promote", "--change", str(number)) for number in reversed(numbers)]
    said = [(*child.communicate(timeout=300), child.returncode) for child in running]
    assert {code for _, _, code in said} <= {0, 5}, [err for _, err, _ in said]
    for number in numbers:  # whoever met a list that was late runs again, as it was told to
        assert world.promote(number).code == 0
    _assert_each_once_in_order(world, numbers)


LIES = [
    pytest.param(LateRefs(listings=2), id="all-refs-late"),
    pytest.param(LateRefs(listings=4, below="refs/tags/"), id="tags-later-than-guards"),
    pytest.param(LateRefs(listings=4, below="refs/tagline/"), id="guards-later-than-tags"),
    pytest.param(LateRefs(listings=8, below="refs/tags/", every=2), id="one-replica-of-two"),
]


@pytest.mark.parametrize("lie", LIES)
def test_promotions__at_once_with_refs_shown_late__each_once_in_order(
    make_world: Callable[..., World], lie: LateRefs
) -> None:
    world = make_world("github", FREE)
    numbers = _merged(world, WRITERS)
    world.repo.switches.late_refs = LateRefs(lie.listings, lie.below, lie.every)
    _all_promote(world, numbers)


def _old_guard(world: World) -> None:
    """A tag object, as versions before the chain wrote it."""
    world.git("tag", "--annotate", "guard", "--message", "x", "origin/main")
    world.git("push", "--quiet", "origin", f"refs/tags/guard:{CHURN}")
    world.git("tag", "--delete", "guard")


def _foreign_chain(world: World) -> None:
    """What somebody wrote there who is no writer of ours."""
    world.git("push", "--quiet", "origin", f"origin/main:{CHURN}")


def _chain_of_another_repository(world: World) -> None:
    """As a copy of all refs of a repository leaves it: its record names tags that are not here."""
    other = world.folder / "other.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(world.repo.path), str(other)], check=True)
    run = world.run_cli("register", "churn", "--push", "--repo", other.as_uri(), cwd=world.folder)
    assert run.code == 0, run.err
    world.git("fetch", "--quiet", "--no-tags", str(other), CHURN)
    world.git("push", "--quiet", "origin", f"FETCH_HEAD:{CHURN}")


@pytest.mark.parametrize("lay", [_old_guard, _foreign_chain, _chain_of_another_repository])
def test_promotions__at_once_on_a_guard_that_others_left__each_once_in_order(
    make_world: Callable[..., World], lay: Callable[[World], None]
) -> None:
    world = make_world("github", FREE)
    numbers = _merged(world, WRITERS)
    world.git("fetch", "--quiet", "--no-tags", "origin")
    lay(world)
    _all_promote(world, numbers)


def _memory(world: World) -> list[str]:
    return run_git(world.repo.path, "for-each-ref", "--format=%(refname)", "refs/tagline/@changes/").split()


def _forget(world: World) -> None:
    for ref in _memory(world):
        run_git(world.repo.path, "update-ref", "-d", ref)


def _forge_all(world: World) -> None:
    """Every change's line says what the first one's does."""
    first, *others = _memory(world)
    for ref in others:
        run_git(world.repo.path, "update-ref", ref, first)


@pytest.mark.parametrize("spoil", [_forget, _forge_all])
def test_memory__deleted_or_forged_between_runs__changes_nothing_that_is_written(
    make_world: Callable[..., World], platform: Platform, spoil: Callable[[World], None]
) -> None:
    world = make_world(platform, FREE)
    numbers = _merged(world, 4)
    for number in numbers[:2]:
        assert world.promote(number).code == 0
    spoil(world)
    ran = world.on_schedule()
    assert ran.code == 0, ran.out + ran.err
    _assert_each_once_in_order(world, numbers)
    spoil(world)
    for number in numbers:
        again = world.promote(number)
        assert (again.code, any(row["created"] for row in again.json["tags"])) == (0, False)
    _assert_each_once_in_order(world, numbers)


@pytest.mark.parametrize("atomic", ["kept", "ignored", "not-offered"])
@pytest.mark.parametrize("refused", ["refs/tags/churn#prod#1", "refs/tags/churn@v0.1.0", CHURN])
def test_push__of_which_one_ref_is_refused__is_told_and_completed_by_the_next_run(
    make_world: Callable[..., World], platform: Platform, atomic: Atomic, refused: str
) -> None:
    """Also on a server that takes a push in part: what it took counts, and nothing is written twice."""
    world = make_world(platform, FREE)
    (number,) = _merged(world, 1)
    world.repo.refused_refs, world.repo.atomic_pushes = refused, atomic
    ran = world.promote(number)
    assert ran.code == 4, ran.out + ran.err
    if atomic != "ignored":
        assert world.tags() == {}
    world.repo.refused_refs, world.repo.atomic_pushes = None, "kept"
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err
    _assert_each_once_in_order(world, [number])


# One writer


def _register(world: World, *more: str) -> list[str]:
    return ["register", "churn", "--bump", "minor", "--repo", f"{world.server.url}/org/shop.git", "--push", *more]


def _token(world: World) -> dict[str, str]:
    return {"TAGLINE_REPO_HOST": world.server.url, "TAGLINE_REPO_TOKEN": "app"}


def test_write__a_tag_that_lists_hide__is_waited_for(make_world: Callable[..., World]) -> None:
    world = make_world("github", FREE, START)
    assert world.run_cli(*_register(world), cwd=world.folder, **_token(world)).code == 0
    world.push("main", BETTER)
    world.repo.switches.late_refs = LateRefs(listings=6, below="refs/tags/")
    assert world.run_cli(*_register(world), cwd=world.folder, **_token(world)).code == 0
    world.push("main", {"models/churn.txt": "rules: 9\n"})
    assert world.run_cli(*_register(world), cwd=world.folder, **_token(world)).code == 0
    assert set(world.tags()) == {"churn@v0.1.0", "churn@v0.2.0", "churn@v0.3.0"}


def test_write__a_tag_that_lists_hide_for_good__is_told_and_nothing_written(make_world: Callable[..., World]) -> None:
    world = make_world("github", FREE, START)
    world.repo.switches.late_refs = LateRefs(listings=1000, below="refs/tags/")
    assert world.run_cli(*_register(world), cwd=world.folder, **_token(world)).code == 0
    world.push("main", BETTER)
    said = world.run_cli(*_register(world, "--json"), cwd=world.folder, **_token(world))
    assert (said.code, said.json["error"]["code"]) == (5, "late-list")
    assert "churn@v0.1.0" in said.json["error"]["message"]
    assert set(world.tags()) == {"churn@v0.1.0"}


def test_write__beside_a_stage_that_lists_hide__gives_no_number_twice(make_world: Callable[..., World]) -> None:
    """The guard is shown, the tag is not: another stage's tag has another name, so that nothing else would stop it."""
    world = make_world("github", "stages: {prod: {}, dev: {}}\n", START)
    assign = ["--version", "v0.1.0", "--push", "--json", "--repo", f"{world.server.url}/org/shop.git"]
    assert world.run_cli(*_register(world), cwd=world.folder, **_token(world)).code == 0
    world.repo.switches.late_refs = LateRefs(listings=8, below="refs/tags/")
    assert world.run_cli("assign", "churn#prod", *assign, cwd=world.folder, **_token(world)).code == 0
    said = world.run_cli("assign", "churn#dev", *assign, cwd=world.folder, **_token(world))
    assert (said.code, said.json.get("error", {}).get("code")) in ((0, None), (5, "late-list"))
    assert set(world.tags()) <= {"churn@v0.1.0", "churn#prod#1", "churn#dev#2"}


def test_write__from_the_clone_that_wrote_the_hidden_tag__is_no_unpublished_tag(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world("github", FREE, START)
    clone = tmp_path / "mine"
    url = f"{world.server.url}/org/shop.git"
    run_git(tmp_path, "-c", "http.extraHeader=Authorization: Basic eDphcHA=", "clone", "--quiet", url, str(clone))
    world.repo.switches.late_refs = LateRefs(listings=4)
    write = ["register", "churn", "--bump", "minor", "--push"]
    assert world.run_cli(*write, cwd=clone, **_token(world)).code == 0
    again = world.run_cli("assign", "churn#prod", "--push", "--json", cwd=clone, **_token(world))
    assert again.code == 0, again.err
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}
