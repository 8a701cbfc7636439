"""What each kind of run asks of the forge: one table of today's numbers, which no run may leave.

A run that asks for more fails, and so does one that asks for less: then its row is out of date. A row may grow
by the requests that a change of the code names, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tagline_localforge import Exchange
from tests.commands.changes.starts import HERE, LABELS, ON_DISPATCH, SECRET, THERE, add_app, add_pipelines
from tests.commands.changes.test_events import KEY
from tests.commands.changes.world import BETTER, START, Platform, Ran, World
from tests.support.receiver import receiving
from tests.support.round_trips import RoundTrips, count, kind_of


class Row(NamedTuple):
    """The API's requests on each forge, and git's, which are the same on both but for tags that start something.

    Those of git: fetches opened, fetches, pushes opened, pushes. ``git fetch`` opens once, then asks for the refs,
    then once or more for objects. Three tags of one push start workflows on GitHub, four on GitLab.
    """

    github: int
    gitlab: int
    git: tuple[int, int, int, int]
    git_of_gitlab: tuple[int, int, int, int] | None = None

    def on(self, platform: Platform) -> tuple[int, tuple[int, int, int, int]]:
        """The API's and git's on one forge."""
        return (self.github, self.git) if platform == "github" else (self.gitlab, self.git_of_gitlab or self.git)


COSTS = {
    "plan": Row(12, 13, (3, 4, 0, 0)),
    "plan again": Row(12, 12, (3, 4, 0, 0)),
    "promote": Row(11, 13, (4, 5, 11, 11), (4, 5, 6, 6)),
    "promote again": Row(4, 5, (3, 4, 0, 0)),
    "promote by push": Row(11, 12, (8, 9, 11, 11), (8, 9, 6, 6)),
    "plan, no labels": Row(4, 4, (2, 2, 0, 0)),
    "promote, no labels": Row(2, 2, (2, 2, 0, 0)),
    "promote by push, no labels": Row(2, 2, (3, 3, 0, 0)),
    "plan that teaches": Row(7, 7, (2, 2, 0, 0)),
    "plan that teaches, again": Row(5, 4, (2, 2, 0, 0)),
    "plan --open of three": Row(22, 20, (5, 8, 0, 0)),
    "plan --open of three, again": Row(17, 17, (5, 8, 0, 0)),
    "schedule over thirty that ask nothing": Row(1, 1, (5, 5, 0, 0)),
    "schedule over three unfinished": Row(14, 12, (13, 16, 6, 6)),
    "schedule over three finished": Row(1, 1, (8, 8, 0, 0)),
    "promote one": Row(6, 7, (3, 4, 2, 2)),
    "promote one, again": Row(4, 5, (3, 4, 0, 0)),
    "promote one that starts something": Row(7, 8, (4, 5, 4, 4), (4, 5, 3, 3)),
    "promote one that starts something, again": Row(4, 5, (5, 6, 0, 0)),
    "promote one that starts something elsewhere": Row(8, 8, (4, 5, 4, 4)),
    "promote one that starts something elsewhere, again": Row(4, 5, (5, 6, 0, 0)),
    "promote one, to a receiver": Row(6, 7, (4, 5, 3, 3)),
    "promote one, to a receiver, again": Row(4, 5, (5, 6, 0, 0)),
    "show": Row(0, 0, (3, 5, 0, 0)),
    "show again": Row(0, 0, (2, 3, 0, 0)),
    "resolve": Row(0, 0, (2, 3, 0, 0)),
    "resolve again": Row(0, 0, (1, 1, 0, 0)),
    "fetch": Row(0, 0, (2, 3, 0, 0)),
    "fetch again": Row(0, 0, (1, 1, 0, 0)),
    "register in a clone": Row(0, 0, (1, 2, 1, 1)),
    "assign in a clone": Row(0, 0, (2, 3, 1, 1)),
    "register by URL": Row(0, 0, (3, 5, 1, 1)),
    "assign by URL": Row(0, 0, (4, 7, 1, 1)),
    "assign by URL, again": Row(0, 0, (3, 6, 0, 0)),
    "deployed in_progress": Row(3, 2, (5, 7, 1, 1)),
    "deployed success": Row(3, 2, (6, 8, 1, 1)),
    "deployed success, again": Row(2, 1, (6, 8, 0, 0)),
    "deployed failure that rolls back": Row(9, 6, (7, 9, 1, 1)),
    "show --deployed": Row(0, 0, (5, 7, 0, 0)),
}
PLANNED = ("plan", "plan again", "promote", "promote again")
NAMES = [f"m{place}" for place in range(10)]
POLICY = "stages:\n  prod: {approvals: {count: 2, from: [bob, '@org/ml-leads']}}\n"
FREE = "stages:\n  prod: {}\n"


class Costs:
    """The requests of the runs of one test, which ``check`` holds against the table."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: dict[str, list[Exchange]] = {}

    def run(self, row: str, *arguments: str, cache: str = "", cwd: Path | None = None, **more: str) -> Ran:
        """One run that must succeed, on an empty cache or on that of another row."""
        folder = self.world.folder / "caches" / (cache or row)
        ran = self.world.run(*arguments, cwd=cwd, TAGLINE_CACHE=str(folder), **more)
        assert ran.code == 0, ran.out + ran.err
        self._made[row] = [*ran.requests, *ran.by_git]
        return ran

    def trips(self) -> dict[str, RoundTrips]:
        return {row: count(kind_of(one.path, one.query) for one in made) for row, made in self._made.items()}

    def check(self) -> None:
        """Each run's requests are those of its row."""
        found = {row: (trips.api, trips.of_git) for row, trips in self.trips().items()}
        known = {row: COSTS[row].on(self.world.platform) for row in found}
        asked = [
            f"{row}: {one.method} {one.path} {one.query.get('service', '')}"
            for row, made in self._made.items() if found[row] != known[row] for one in made
        ]  # fmt: skip
        assert found == known, "\n".join(asked)


def _world(
    make_world: Callable[..., World], platform: Platform, names: list[str], tags: int = 0, policy: str = POLICY
) -> World:
    manifest = "".join(f"{name}: {{path: models/{name}.txt}}\n" for name in names)
    world = make_world(
        platform, policy, {"artifacts.yaml": manifest, **{f"models/{name}.txt": "1\n" for name in names}}
    )
    world.repo.git("fast-import", "--quiet", stdin="".join([*_tags(names, tags), "done\n"]).encode())
    return world


def _tags(names: list[str], count: int) -> Iterator[str]:
    """A version and a stage of each artifact, again and again, twenty tags on each new commit of main."""
    who = "T <t@example.com> 1700000000 +0000\ndata 1\nx\n"
    for place in range(count):
        if place % 20 == 0:
            yield f"commit refs/heads/main\ncommitter {who}from refs/heads/main^0\n"
        turn, name = divmod(place, len(names))
        tag = f"#staging#{turn + 1}" if turn % 2 else f"@v0.0.{turn + 1}"
        yield f"tag {names[name]}{tag}\nfrom refs/heads/main\ntagger {who}"


def _change(world: World, names: list[str], branch: str = "topic") -> int:
    """A change of each artifact and of ten more files, which asks for a version and a stage of each."""
    files = {f"models/{name}.txt": f"{branch}\n" for name in names} | {f"docs/{i}.md": branch for i in range(10)}
    labels = tuple(label for name in names for label in (f"version:{name}@minor", f"stage:{name}#prod"))
    number = world.open(branch, files, labels=labels)
    for login in ("carol", "dave"):
        world.approve(number, login)
    return number


def _plans_and_promotes(world: World, names: list[str], **more: str) -> Costs:
    """A change of each artifact, planned twice and promoted twice, beside an open change that asks for nothing."""
    costs = Costs(world)
    world.open("beside", {"README.md": "x\n"})
    change = ("--change", str(_change(world, names)))
    costs.run("plan", "plan", *change)
    costs.run("plan again", "plan", *change)
    world.merge(int(change[1]))
    done = costs.run("promote", "promote", *change, **more)
    assert len(done.json["tags"]) == 2 * len(names)
    costs.run("promote again", "promote", *change)
    return costs


@pytest.mark.parametrize("tags", [20, 300])
def test_requests__of_a_change_with_ten_artifacts__do_not_depend_on_the_tags(
    make_world: Callable[..., World], platform: Platform, tags: int
) -> None:
    _plans_and_promotes(_world(make_world, platform, NAMES, tags), NAMES).check()


def test_requests__of_git__do_not_grow_with_the_artifacts(make_world: Callable[..., World]) -> None:
    """Where the token starts nothing, all tags are one push, and one more remembers the change."""
    names = [f"m{place}" for place in range(30)]  # of more the manifest is fetched by itself
    world = _world(make_world, "github", names, 20)
    own = {"TAGLINE_JOB_TOKEN": world.environ()["TAGLINE_TOKEN"]}
    costs = _plans_and_promotes(world, names, **own)
    found = {row: trips.of_git for row, trips in costs.trips().items()}
    assert found == {**{row: COSTS[row].git for row in PLANNED}, "promote": (*COSTS["promote"].git[:2], 2, 2)}


def test_requests__by_push_behind_finished_changes__are_few(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = _world(make_world, platform, NAMES)
    costs = Costs(world)
    for place in range(3):
        earlier = world.open(f"e{place}", {"models/m9.txt": f"{place}\n"}, labels=("version:m9@minor",))
        world.merge(earlier)
        assert world.promote(earlier).code == 0
    number = _change(world, NAMES)
    before = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    costs.run("promote by push", "promote", **world.push_event(world.merge(number), before))
    costs.check()


def test_requests__of_a_change_that_asks_for_nothing__are_few(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY, START)
    costs = Costs(world)
    number = world.open("quiet", {"README.md": "x\n"}, labels=())
    for place in range(3):
        world.repo.comment(number, by="bob", body=f"chatter {place}")
    said = [costs.run("plan, no labels", "plan", "--change", str(number))]
    merged = world.merge(number)
    said.append(costs.run("promote, no labels", "promote", "--change", str(number)))
    said.append(costs.run("promote by push, no labels", "promote", **world.push_event(merged)))
    assert [ran.verdict for ran in said] == ["nothing"] * 3
    costs.check()


def test_requests__of_a_change_that_is_told_how_to_ask__are_few(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY, START)
    costs = Costs(world)
    change = ("--change", str(world.open("topic", BETTER)))
    costs.run("plan that teaches", "plan", *change)
    costs.run("plan that teaches, again", "plan", *change)
    assert len(world.comments(int(change[1]))) == 1
    costs.check()


def test_requests__of_refreshing_open_changes__are_few(make_world: Callable[..., World], platform: Platform) -> None:
    world = _world(make_world, platform, NAMES)
    costs = Costs(world)
    for place in range(3):
        world.open(f"topic{place}", {f"models/m{place}.txt": "2\n"}, labels=(f"version:m{place}@minor",))
    costs.run("plan --open of three", "plan", "--open")
    costs.run("plan --open of three, again", "plan", "--open")
    costs.check()


def test_requests__of_a_schedule__are_few(make_world: Callable[..., World], platform: Platform) -> None:
    """A label that is not ours says nothing of request files: those are looked for, but not commit by commit."""
    world = make_world(platform, POLICY, START)
    costs = Costs(world)
    for change in world.repo.merge_many(30, by="bob"):
        world.repo.label(change.number, "dependencies", by="bob")
    costs.run("schedule over thirty that ask nothing", "promote", **world.schedule_event())
    for place in range(3):
        number = world.open(f"e{place}", {"models/churn.txt": f"{place}\n"}, labels=("version:churn@minor",))
        world.merge(number)
    costs.run("schedule over three unfinished", "promote", **world.schedule_event())
    costs.run("schedule over three finished", "promote", **world.schedule_event())
    costs.check()


@pytest.mark.parametrize("what", ["", " that starts something", " that starts something elsewhere", ", to a receiver"])
def test_requests__that_delivery_adds__are_few(make_world: Callable[..., World], platform: Platform, what: str) -> None:
    """Beside those of the first row, which has none of it."""
    target = THERE[platform] if "elsewhere" in what else HERE[platform]
    world = make_world(
        platform, f"stages:\n  prod: {{deliver: {{{target}, required: true}}}}\n" if "starts" in what else FREE
    )
    if platform == "github":
        world.push("main", ON_DISPATCH)
    add_pipelines(world.repo, platform)
    add_app(world)
    # On GitHub the workflow's own token, whose pushes start nothing; GitLab's begins by the push.
    more = {"TAGLINE_JOB_TOKEN": world.environ()["TAGLINE_TOKEN"], "TAGLINE_DELIVER_TOKEN": SECRET}
    costs = Costs(world)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    with receiving() as inbox:
        if "receiver" in what:
            more |= {"TAGLINE_WEBHOOK_URL": inbox.url, "TAGLINE_WEBHOOK_SECRET": KEY}
        change = ("--change", str(number))
        costs.run(f"promote one{what}", "promote", *change, **more)
        costs.run(f"promote one{what}, again", "promote", *change, **more)
        assert len(inbox.got) == (2 if "receiver" in what else 0)
    costs.check()


def test_requests__of_readers_by_url__are_few(make_world: Callable[..., World], platform: Platform) -> None:
    world = _world(make_world, platform, NAMES, policy=FREE)
    for name in NAMES[:3]:
        world.admin("register", name, "--bump", "minor")
    world.admin("assign", "m0#prod", "--override", "first")
    costs = Costs(world)
    where = ("--repo", f"{world.server.url}/org/shop.git")
    for row, arguments in {
        "show": ("show", *where),
        "resolve": ("resolve", "m0#prod", *where),
        "fetch": ("fetch", "m0#prod", "-o", str(world.folder / "fetched"), *where),
    }.items():
        costs.run(row, *arguments)
        costs.run(f"{row} again", *arguments, cache=row)
    costs.check()


def test_requests__of_writing_by_hand__are_few(make_world: Callable[..., World], platform: Platform) -> None:
    world = _world(make_world, platform, NAMES, policy=FREE)
    costs = Costs(world)
    clone: Path = world.folder / "job"
    world.git("clone", "--quiet", str(world.repo.path), str(clone), folder=world.folder)
    world.git("remote", "set-url", "origin", f"{world.server.url}/org/shop.git", folder=clone)
    costs.run("register in a clone", "register", "m0", "--bump", "minor", "--push", cwd=clone)
    costs.run("assign in a clone", "assign", "m0#prod", "--push", "--override", "first", cwd=clone)
    where = ("--push", "--repo", f"{world.server.url}/org/shop.git")
    costs.run("register by URL", "register", "m1", "--bump", "minor", *where)
    costs.run("assign by URL", "assign", "m1#prod", "--override", "first", *where)
    costs.run("assign by URL, again", "assign", "m1#prod", "--override", "first", *where)
    costs.check()


def test_requests__of_a_deployment_that_reports__are_few(make_world: Callable[..., World], platform: Platform) -> None:
    policy = "stages:\n  prod: {deliver: {on_failure: rollback-change}}\n"
    world = _world(make_world, platform, NAMES, policy=policy)
    for number in range(2):
        change = world.open(f"c{number}", {"models/m0.txt": f"{number}\n"}, labels=("version:minor", "stage:prod"))
        world.merge(change)
        assert world.promote(change).code == 0
    costs = Costs(world)
    tag = "m0#prod#2"
    job = (
        {"GITHUB_REF": f"refs/tags/{tag}", "GITHUB_SHA": world.tags()[tag].target}
        if platform == "github"
        else {"CI_COMMIT_TAG": tag, "CI_COMMIT_SHA": world.tags()[tag].target, "CI_JOB_ID": "77"}
    )
    costs.run("deployed in_progress", "deployed", "--state", "in_progress", **job)
    costs.run("deployed success", "deployed", "--state", "success", **job)
    costs.run("deployed success, again", "deployed", "--state", "success", **job)
    costs.run("show --deployed", "show", "--deployed", "--repo", "org/shop")
    costs.run("deployed failure that rolls back", "deployed", "--state", "failure", **job)
    costs.check()
