"""Promote, ``kill -9``, run again: whatever it died at, the tags are exact, there is one comment, no tag started
twice, and receivers know all that happened.

Some rounds in every run of the tests; ``make fuzz ROUNDS=200 SEED=1`` runs more, and prints what each died at.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.changes.kills import Round, Whole, draw, run
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
from tests.commands.changes.starts import HERE, SECRET, TAKES_LIST, THERE, add_app, add_pipelines
from tests.commands.changes.test_events import KEY
from tests.commands.changes.world import Platform, Ran, World
from tests.support.receiver import Inbox, receiving

ROUNDS = int(os.environ.get("TAGLINE_TESTS_ROUNDS", "50"))
SEED = int(os.environ.get("TAGLINE_TESTS_SEED", "1"))
#: Of so many rounds one looks with other readers too: GTO, git fsck, and whoever writes next.
_SEEN_BY_OTHERS = 5
#: What a whole promote of two artifacts takes, as this process measured it.
_whole: dict[Platform, Whole] = {}
_OURS = re.compile(
    r"refs/(heads/(main|topic)|tags/.+|(pull|merge-requests)/1/(head|merge)|tagline/(\w+@(guard|delivery)|@changes/1))"
)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receiving() as found:
        yield found


@pytest.fixture
def whole(make_world: Callable[..., World], seed: int, inbox: Inbox) -> Whole:
    platform = draw(seed).platform
    if platform not in _whole:
        world = shop(make_world, platform, elsewhere=False)
        number = open_and_plan(world, ASKED["two artifacts"])
        world.merge(number)
        told = {"TAGLINE_WEBHOOK_URL": inbox.url, "TAGLINE_WEBHOOK_SECRET": KEY}
        _whole[platform] = run(world, inbox, ["promote", "--change", str(number)], told, None, Whole(0, 0)).whole
        inbox.got.clear()
    return _whole[platform]


def shop(make_world: Callable[..., World], platform: Platform, *, elsewhere: bool) -> World:
    """Two registered artifacts, each stage of which starts something: here or in ``org/app``."""
    target = (THERE if elsewhere else HERE)[platform]
    deliver = f"deliver: {{{target}, wait: 1s, required: true}}"
    policy = POLICY.replace("{}", f"{{{deliver}}}").replace("{after", f"{{{deliver}, after")
    world = make_world(platform, policy)
    register_all(world)
    if elsewhere:
        add_app(world)
    elif platform == "github":  # its run begins when it is asked for, GitLab's by the push
        world.push("main", TAKES_LIST)
        world.repo.add_workflow("deploy.yml", inputs=["tags"])
    else:
        add_pipelines(world.repo, platform)
    return world


def test_draw__of_many_seeds__has_every_forge_method_trigger_and_question() -> None:
    rounds = [draw(seed) for seed in range(1, 201)]
    for platform in METHODS:
        of_it = [each for each in rounds if each.platform == platform]
        assert {each.method for each in of_it} == set(METHODS[platform])
        assert {each.trigger for each in of_it} == set(TRIGGERS[platform])
        assert {each.asked for each in of_it} == set(ASKED) - {"nothing"}
        assert {each.elsewhere for each in of_it} == {True, False}
    assert draw(7) == draw(7)


def test_draw__of_fifty_seeds__kills_at_every_step() -> None:
    parts = sorted(draw(seed).kills[0].part for seed in range(1, 51))
    assert max(after - before for before, after in zip([0.0, *parts], [*parts, 1.0], strict=True)) < 1 / 28


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_kill__and_run_again__all_is_exact_and_nothing_left(
    make_world: Callable[..., World], seed: int, whole: Whole, inbox: Inbox, tmp_path: Path,
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    drawn = draw(seed)
    told = [str(drawn)]
    wanted = ASKED[drawn.asked]
    world = shop(make_world, drawn.platform, elsewhere=drawn.elsewhere)
    old = world.tags()
    number = open_and_plan(world, wanted)
    head = world.git("rev-parse", "origin/topic")
    before = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    merged = world.merge(number, drawn.method)

    arguments = ["promote", *(["--change", str(number)] if drawn.trigger == "number" else [])]
    variables = {
        **trigger_of(world, drawn.trigger, number, before, merged),
        "TAGLINE_WEBHOOK_URL": inbox.url,
        "TAGLINE_WEBHOOK_SECRET": KEY,
        "TAGLINE_DELIVER_TOKEN": SECRET,
    }
    for kill in drawn.kills:
        told.append(f"  {kill}: {run(world, inbox, arguments, variables, kill, whole)}")
    left = _temporary(world)
    told.append(f"  left by what died: {len(left)} temporary files")
    request.node.add_report_section("call", "rounds", "\n".join(told) + "\n")
    monkeypatch.setenv("TMPDIR", str(world.folder / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(world.folder / "tmp"))
    variables["TAGLINE_CACHE"] = str(world.folder / "cache")
    last = world.run(*arguments, **variables)
    assert last.code in (0, 4), last.out + last.err

    check_tags(world, old, wanted, number, merged)
    _check_starts(world, drawn, old, last)
    _check_events(world, drawn, old, inbox)
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment, comment
    assert world.status(head) == "success"
    assert _temporary(world) <= left, "the last run left files"
    _check_refs(world)
    _check_quiet(world, inbox, last, lambda: world.run(*arguments, **variables))
    if seed % _SEEN_BY_OTHERS == 0:
        check_gto(world, tmp_path / "read", wanted)
        _check_readers(world)


def _temporary(world: World) -> set[Path]:
    return set((world.folder / "tmp").rglob("*/*"))  # in the folder of all runs


def _check_starts(world: World, drawn: Round, old: dict[str, Any], last: Ran) -> None:
    """No tag of a stage started more than one run, and one that started none is known to be so."""
    stages = [tag for tag in set(world.tags()) - set(old) if "#" in tag and "!" not in tag]
    if drawn.elsewhere:
        runs = world.forge.repositories["org/app"].runs
        names = [run.variables.get("TAGLINE_TAG") or run.title.removeprefix("deploy ") for run in runs]
    else:
        lists = [run.variables.get("tags") for run in world.repo.runs]
        names = [name for run, tags in zip(world.repo.runs, lists, strict=True) for name in _names(run.name, tags)]
    counts = {tag: names.count(tag) for tag in stages}
    assert max(counts.values(), default=1) == 1 or (set(counts.values()) <= {0, 1} and last.code == 4), counts
    assert (0 in counts.values()) == (last.code == 4), (counts, last.out)


def _names(tag: str, tags: str | None) -> list[str]:
    return json.loads(tags) if tags else [tag]


def _check_events(world: World, drawn: Round, old: dict[str, Any], inbox: Inbox) -> None:
    """Each new tag's event came at least once, what came again has the same id and says the same."""
    got = [json.loads(body) for _, body in inbox.got]
    said: dict[str, list[Any]] = {}
    for event in got:
        said.setdefault(event["id"], []).append(event)
    for same in said.values():
        assert all(event == same[0] for event in same), same
        assert len(same) <= 1 + len(drawn.kills), same
    tags = world.tags()
    for tag in set(tags) - set(old):
        kind = "stage.unassigned" if "!" in tag else "stage.assigned" if "#" in tag else "version.registered"
        artifact = re.split("[@#]", tag)[0]
        if "@deprecated" not in tag:
            assert f"{tags[tag].object_id}:tagline.{kind}:{artifact}" in said, tag
    assert {event["data"]["tag"] for event in got} <= set(tags) - set(old)


def _check_refs(world: World) -> None:
    """No refs but those that belong there, and no locks."""
    refs = world.git("ls-remote", "origin").split()[1::2]
    assert [ref for ref in refs if ref != "HEAD" and not ref.endswith("^{}") and not _OURS.fullmatch(ref)] == []
    assert list(world.repo.path.rglob("*.lock")) == []


def _check_quiet(world: World, inbox: Inbox, last: Ran, again: Callable[[], Ran]) -> None:
    """Once more changes nothing, starts nothing, and tells nobody."""
    seen = _seen(world, inbox)
    assert again().code == last.code
    assert _seen(world, inbox) == seen


def _seen(world: World, inbox: Inbox) -> Any:
    runs = [run.id for repository in world.forge.repositories.values() for run in repository.runs]
    return world.git("ls-remote", "origin"), [c.body for c in world.repo.change(1).comments], runs, len(inbox.got)


def _check_readers(world: World) -> None:
    """Readers have nothing to say, and whoever writes next is in nobody's way."""
    world.git("fsck", "--strict", "--no-dangling", folder=world.repo.path)
    shown = world.run_cli("show", "--json", "--repo", world.repo.path.as_uri(), cwd=world.folder)
    assert (shown.code, shown.json["warnings"]) == (0, [])
    world.admin("assign", "churn#next", "--version", "v1.0.0")
    world.admin("assign", "fraud#next", "--version", "v1.0.0")
    assert {"churn#next", "fraud#next"} <= {tag.rpartition("#")[0] for tag in world.tags()}
