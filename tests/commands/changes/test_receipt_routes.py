"""Every way in which a tag starts something, with a run that comes at once, late, never, twice, or fails, and with
a token that may not: what the receipt says, and that nothing is started twice whatever is run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tagline.commands.delivery import starting
from tagline_localforge import Request, Response
from tests.commands.changes.starts import HERE, LABELS, ON_TAGS, OWN, SECRET, THERE, add_app, add_pipelines, hide_runs
from tests.commands.changes.world import Platform, Ran, World
from tests.localforge.faults import Fault, fail_always

BEGIN = r"/dispatches$|/pipeline$"
LISTS = r"/actions/runs$|/pipelines$"


class Route(NamedTuple):
    """How promote starts something: with which token, where, and by what."""

    platform: Platform
    how: str
    token: str | None = None
    by_push: bool = False
    elsewhere: str = ""
    #: Whether the token may look for runs.
    looks: bool = True


ROUTES = {
    "github event": Route("github", "event", by_push=True),
    "github workflow_dispatch": Route("github", "dispatch", OWN["github"]),
    "github repository_dispatch": Route("github", "trigger", elsewhere=SECRET),
    "gitlab event": Route("gitlab", "event", by_push=True),
    "gitlab pipeline by API": Route("gitlab", "dispatch"),
    "gitlab job token": Route("gitlab", "dispatch", OWN["gitlab"], looks=False),
    "gitlab project by API": Route("gitlab", "trigger", elsewhere=SECRET),
    "gitlab project by trigger token": Route("gitlab", "trigger", elsewhere="glptt-1", looks=False),
    "gitlab project by job token": Route("gitlab", "trigger", OWN["gitlab"], elsewhere="job", looks=False),
}


class Case:
    """One shop, whose changes are promoted one after the other by one route."""

    def __init__(self, world: World, route: Route) -> None:
        self.world, self.route = world, route
        self.app = add_app(world) if route.elsewhere else None
        if self.app is not None:
            self.app.trigger_tokens["glptt-1"] = "deployer"
        else:
            add_pipelines(world.repo, route.platform, by_push=route.by_push)
        self.number, self.stage = 0, 0

    @property
    def tag(self) -> str:
        return f"churn#prod#{self.stage}"

    def merge(self) -> None:
        self.stage += 1
        files = {"models/churn.txt": f"trees: {100 + self.stage}\n"}
        self.number = self.world.open(f"topic{self.stage}", files, labels=LABELS)
        self.world.merge(self.number)

    def promote(self) -> Ran:
        more = {"TAGLINE_DELIVER_TOKEN": self.route.elsewhere} if self.route.elsewhere not in ("", "job") else {}
        if self.route.token == OWN["github"]:
            more["TAGLINE_JOB_TOKEN"] = self.route.token  # whose pushes are known to start nothing
        return self.world.promote(self.number, token=self.route.token, **more)

    @property
    def runs(self) -> list[Any]:
        """What runs for the newest tag."""
        if self.app is None:
            return [run for run in self.world.repo.runs if run.name == self.tag]
        return [
            run
            for run in self.app.runs
            if self.tag in run.title.split() or run.variables.get("TAGLINE_TAG") == self.tag
        ]

    def check(self, state: str, *, code: int = 0, runs: int = 1, how: str | None = None) -> None:
        """Promote, and look at the receipt and at what runs."""
        ran = self.promote()
        assert ran.code in (0, 4), ran.out + ran.err
        (one,) = ran.json["delivery"]
        assert (one["state"], ran.code, len(self.runs)) == (state, code, runs), ran.out + ran.err
        assert (one["tag"], one["how"]) == (self.tag, how or self.route.how)
        assert (one["error"] is not None) == (state in ("none", "unknown"))
        if one["error"] is not None:
            assert one["error"]["hint"]
        if one["run_url"] is not None:
            assert one["run_url"].endswith(f"/{self.runs[0].id}")
        else:
            assert state in ("none", "unknown")

    def fails(self, path: str, way: Any, method: str = "POST") -> Fault:
        answer = {"message": "403 Forbidden"}
        return fail_always(self.world.server, method, path, way, answer=answer if way == 403 else None)


def at_once(case: Case) -> None:
    case.check("started")


def late(case: Case) -> None:
    hidden = hide_runs(case.world, 3)
    case.check("started")
    case.world.server.before.remove(hidden)
    case.check("started")


def never(case: Case) -> None:
    """Of a push: it is started then. Of asking for it: the forge took that, and nothing is ever seen of it."""
    if case.route.by_push:
        case.world.repo.workflows.clear()
        add_pipelines(case.world.repo, case.route.platform, by_push=False)
        case.check("started", how="dispatch")
        add_pipelines(case.world.repo, case.route.platform)
        return
    hidden, lost = hide_runs(case.world), case.fails(BEGIN, "drop-after")
    case.check("unknown", code=4)
    case.world.server.before.remove(hidden)
    # Whoever looks later finds it; a token that may not look never knows.
    case.check("started" if case.route.looks else "unknown", code=0 if case.route.looks else 4)
    assert lost.fired == 1
    lost.remove()


def twice(case: Case) -> None:
    """Somebody, or the forge, made another run of it beside ours."""

    def doubled(request: Request) -> None:
        for run in case.runs[:1] if len(case.runs) == 1 else ():
            repo = case.app or case.world.repo
            again = repo.start_run(run.workflow.file, run.ref, by=run.login, event=run.event)
            again.title, again.variables = run.title, dict(run.variables)

    case.world.server.before.append(doubled)
    hidden = hide_runs(case.world, 1)
    case.check("started", runs=2)
    case.world.server.before.remove(hidden)
    case.check("started", runs=2)
    case.world.server.before.remove(doubled)


def failing(case: Case) -> None:
    """It has failed by the time that somebody looks; who is told of it as it begins, is told that."""

    def ends(request: Request) -> Response | None:
        for run in case.runs:
            (case.app or case.world.repo).end_run(run, succeeded=False)
        return None

    case.world.server.before.append(ends)
    lost = case.fails(BEGIN, "drop-after") if case.route.looks else None
    case.check("failed" if case.route.looks else "started")
    if lost is not None:
        lost.remove()
    case.world.server.before.remove(ends)


def unable(case: Case) -> None:
    path, method, runs = (LISTS, "GET", 1) if case.route.by_push else (BEGIN, "POST", 0)
    fault = case.fails(path, 403, method)
    case.check("none", code=4, runs=runs, how="dispatch" if case.route.by_push else None)
    fault.remove()
    case.check("started")


#: What is never known makes the next promote red: it is the last.
CASES = (at_once, late, twice, failing, unable, never)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks, without the waiting between them."""
    monkeypatch.setattr(starting, "PAUSES", (0.01,))


@pytest.mark.parametrize("name", ROUTES)
def test_route__in_every_case__is_told_as_it_is_and_starts_once(make_world: Callable[..., World], name: str) -> None:
    route = ROUTES[name]
    target = THERE[route.platform] if route.elsewhere else HERE[route.platform]
    world = make_world(route.platform, f"stages:\n  prod:\n    deliver: {{{target}, wait: 1s, required: true}}\n")
    if route.platform == "github":
        world.push("main", ON_TAGS)
    world.repo.job_token_push = True
    case = Case(world, route)
    for act in CASES:
        case.merge()
        before = list(world.server.before)
        try:
            act(case)
        except AssertionError as error:
            error.add_note(f"{name}, {act.__name__}")
            raise
        assert world.server.before == before
