"""``deliver`` of a stage's policy, on both forges: what its tag starts, by whom, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tagline.commands.delivery import starting
from tests.commands.changes.starts import (
    HERE,
    LABELS,
    ON_DISPATCH,
    ON_TAGS,
    OWN,
    PROD,
    SECRET,
    TAKES_LIST,
    THERE,
    add_app,
    add_pipelines,
    hide_runs,
)
from tests.commands.changes.world import BETTER, Platform, Ran, World
from tests.localforge.faults import fail_always, fail_once


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks, without the waiting between them."""
    monkeypatch.setattr(starting, "PAUSES", (0.01,))


Shop = Callable[..., World]


@pytest.fixture
def shop(make_world: Callable[..., World], platform: Platform) -> Shop:
    """Makes a shop whose prod starts something, and the workflow or pipeline that it starts."""

    def make(target: str | None = None, files: dict[str, str] = ON_TAGS, *, runs: bool = True) -> World:
        policy = f"stages:\n  prod:\n    deliver: {{{target or HERE[platform]}, wait: 1s, required: true}}\n"
        world = make_world(platform, policy)
        if platform == "github":
            world.push("main", files)
        world.repo.job_token_push = True
        if runs:
            add_pipelines(world.repo, platform)
        return world

    return make


def promoted(world: World, **more: str) -> Ran:
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    return world.promote(number, **more)


def receipt(ran: Ran) -> Any:
    (one,) = ran.json["delivery"]
    return one


def on_tags(world: World) -> list[tuple[str, str]]:
    """The runs on stage tags. On GitLab the version's tag has a pipeline too."""
    return [(run.name, run.event) for run in world.repo.runs if run.name == PROD]


@pytest.mark.parametrize("looks", [0, 3], ids=["at-once", "late"])
def test_event__of_a_push_by_a_bot__its_run_is_told_and_none_is_started(shop: Shop, looks: int) -> None:
    world = shop()
    hide_runs(world, looks)
    ran = promoted(world)
    one = receipt(ran)
    assert (ran.code, one["how"], one["state"], one["started"]) == (0, "event", "started", False), ran.out + ran.err
    assert one["run_url"].rpartition("/")[2] == str(next(run.id for run in world.repo.runs if run.name == PROD))
    assert on_tags(world) == [(PROD, "push")]
    assert one["run_url"] in world.comments(1)[0]
    assert one["environment"] == "churn/prod"


def test_token_whose_pushes_start_nothing__it_is_started_once(shop: Shop, platform: Platform) -> None:
    world = shop()
    ran = promoted(world, token=OWN[platform])
    assert ran.code == 0, ran.out + ran.err
    assert (receipt(ran)["how"], receipt(ran)["state"], receipt(ran)["started"]) == ("dispatch", "started", True)
    assert len(on_tags(world)) == 1
    again = world.promote(1, token=OWN[platform])
    assert (again.code, receipt(again)["state"], receipt(again)["started"]) == (0, "started", False)
    assert len(on_tags(world)) == 1
    assert not [one for one in again.requests if one.method == "POST" and not one.path.endswith("/notes")]


def test_workflow_that_no_push_starts__is_started_without_waiting(make_world: Callable[..., World]) -> None:
    world = make_world("github", "stages:\n  prod:\n    deliver: {workflow: deploy.yml, wait: 1h, required: true}\n")
    world.push("main", ON_DISPATCH)
    world.repo.add_workflow("deploy.yml")
    ran = promoted(world)
    assert (ran.code, receipt(ran)["how"], receipt(ran)["started"]) == (0, "dispatch", True), ran.out + ran.err


@pytest.mark.parametrize("required", [True, False])
def test_nothing_to_start__is_red_where_it_is_required(
    make_world: Callable[..., World], platform: Platform, required: bool
) -> None:
    word = str(required).lower()
    policy = f"stages:\n  prod:\n    deliver: {{{HERE[platform]}, wait: 1s, required: {word}}}\n"
    world = make_world(platform, policy)
    world.repo.job_token_push = True
    ran = promoted(world, token=OWN[platform])
    one = receipt(ran)
    assert (ran.code, ran.verdict, one["state"]) == (4 if required else 0, "ok", "none"), ran.out + ran.err
    assert one["error"]["hint"]
    if platform == "github":  # on GitLab a job's own token may write no comment
        assert "❌ not started" in world.comments(1)[0]
    assert (
        [w["code"] for w in ran.json["warnings"] if w["code"] == "not-delivered"] == []
        if required
        else ["not-delivered"]
    )
    add_pipelines(world.repo, platform)
    again = world.promote(1, token=OWN[platform])
    assert (again.code, receipt(again)["state"]) == (0, "started")


# -- in another repository ----------------------------------------------------------------


@pytest.fixture
def app(shop: Shop, platform: Platform) -> tuple[World, Any]:
    """A shop whose prod starts something in ``org/app``."""
    world = shop(THERE[platform], runs=False)
    return world, add_app(world)


def test_elsewhere__by_the_token_for_it__once_and_its_run_is_found(app: tuple[World, Any]) -> None:
    world, other = app
    ran = promoted(world, TAGLINE_DELIVER_TOKEN=SECRET)
    one = receipt(ran)
    assert (ran.code, one["how"], one["state"], one["started"]) == (0, "trigger", "started", True), ran.out + ran.err
    (run,) = other.runs
    assert (one["run_url"].rpartition("/")[2], run.name) == (str(run.id), "main")
    again = world.promote(1, TAGLINE_DELIVER_TOKEN=SECRET)
    assert (again.code, receipt(again)["run_url"], len(other.runs)) == (0, one["run_url"], 1)


def test_elsewhere__without_the_token__is_none_and_says_which(app: tuple[World, Any]) -> None:
    world, other = app
    ran = promoted(world)
    assert (ran.code, receipt(ran)["state"], other.runs) == (4, "none", [])
    assert "TAGLINE_DELIVER_TOKEN" in receipt(ran)["error"]["hint"]


def test_elsewhere__the_token_goes_nowhere_else(app: tuple[World, Any]) -> None:
    world, _ = app
    world.server.exchanges.clear()
    ran = promoted(world, TAGLINE_DELIVER_TOKEN=SECRET)
    with_it = [one.path for one in [*ran.requests, *ran.by_git] if SECRET in f"{one.headers} {one.json} {one.query}"]
    assert with_it
    assert all("org/app" in path.replace("%2F", "/") for path in with_it)
    assert not any(SECRET in path for path in with_it)
    assert SECRET not in ran.out + ran.err


def test_elsewhere__a_token_that_only_triggers__starts_on_the_policys_branch(
    app: tuple[World, Any], platform: Platform
) -> None:
    if platform == "github":
        return
    world, other = app
    other.trigger_tokens["glptt-1"] = "deployer"
    ran = promoted(world, TAGLINE_DELIVER_TOKEN="glptt-1")
    assert (ran.code, receipt(ran)["state"]) == (0, "started"), ran.out + ran.err
    (run,) = other.runs
    assert (run.event, run.variables["TAGLINE_TAG"]) == ("trigger", PROD)


def test_elsewhere__where_nobody_tells_the_branch__nothing_was_asked_for_and_the_next_run_starts_it(
    make_world: Callable[..., World],
) -> None:
    world = make_world("gitlab", "stages:\n  prod:\n    deliver: {project: org/app, wait: 1s, required: true}\n")
    other = add_app(world)
    fault = fail_always(world.server, "GET", r"/projects/org%2Fapp$|/projects/org/app$", 502)
    ran = promoted(world, TAGLINE_DELIVER_TOKEN=SECRET)
    assert (ran.code, receipt(ran)["state"], other.runs) == (4, "none", []), ran.out + ran.err
    fault.remove()
    again = world.promote(1, TAGLINE_DELIVER_TOKEN=SECRET)
    assert (again.code, receipt(again)["state"], len(other.runs)) == (0, "started", 1), again.out + again.err


def test_elsewhere__a_run_without_a_name__may_be_another_tags_and_is_not_taken_for_ours(
    app: tuple[World, Any], platform: Platform
) -> None:
    if platform == "gitlab":
        return  # there each run tells what it was given
    world, other = app
    other.add_workflow("deploy.yml", types=["tagline"])
    ran = promoted(world, TAGLINE_DELIVER_TOKEN=SECRET)
    one = receipt(ran)
    assert (ran.code, one["state"], one["run_url"], len(other.runs)) == (4, "unknown", None, 1), ran.out + ran.err
    assert "run-name" in one["error"]["hint"]
    assert (world.promote(1, TAGLINE_DELIVER_TOKEN=SECRET).code, len(other.runs)) == (4, 1)


# -- a list of tags is one start --------------------------------------------------------------

TOGETHER = {
    "github here": "workflow: deploy.yml",
    "github there": "workflow: deploy.yml, repo: org/app, together: true",
    "gitlab here": "pipeline: true, together: true",
    "gitlab there": "project: org/app, ref: main, together: true",
}


@pytest.mark.parametrize("name", TOGETHER)
def test_list__of_what_a_change_brings_to_a_stage__is_one_start_with_a_receipt_for_each(
    make_world: Callable[..., World], name: str
) -> None:
    platform: Platform = "github" if name.startswith("github") else "gitlab"
    world = make_world(platform, f"stages:\n  prod:\n    deliver: {{{TOGETHER[name]}, wait: 1s, required: true}}\n")
    world.repo.job_token_push = True
    runs = world.repo.runs
    if "there" in name:
        runs = add_app(world).runs
    elif platform == "github":
        world.push("main", TAKES_LIST)
        world.repo.add_workflow("deploy.yml", inputs=["tags"])
    else:
        add_pipelines(world.repo, platform)
    own = {"token": OWN[platform], "TAGLINE_JOB_TOKEN": OWN["github"], "TAGLINE_DELIVER_TOKEN": SECRET}
    number = world.open("topic", {**BETTER, "models/fraud.txt": "rules: 4\n"}, labels=LABELS)
    world.merge(number)
    lost = fail_once(world.server, "POST", r"/dispatches$|/pipeline$", "drop-after")
    ran = world.promote(number, **own)
    if name == "gitlab here":  # a job's token can look for no pipeline: what has no answer is not known, and not again
        assert (ran.code, {one["state"] for one in ran.json["delivery"]}) == (4, {"unknown"})
    else:
        assert ran.code == 0, ran.out + ran.err
        first, second = ran.json["delivery"]
        assert (first["tag"], second["tag"], first["state"]) == (PROD, "fraud#prod#1", "started")
        assert first["run_url"] == second["run_url"]
        assert first["run_url"].endswith(f"/{runs[0].id}")
    (run,) = runs
    given = run.variables.get("TAGLINE_TAGS") or run.variables["tags"]
    assert json.loads(given) == [PROD, "fraud#prod#1"]
    again = world.promote(number, **own)
    assert (again.code, len(runs), lost.fired) == (ran.code, 1, 1)


# -- by then another tag decides ------------------------------------------------------------


def test_superseded__what_was_refused_before_a_newer_tag_came__is_not_started_after_it(
    shop: Shop, platform: Platform
) -> None:
    world, own = shop(), {"token": OWN[platform], "TAGLINE_JOB_TOKEN": OWN["github"]}
    fault = fail_always(world.server, "POST", r"/dispatches$|/pipeline$", 403, answer={"message": "403 Forbidden"})
    assert (ran := promoted(world, **own)).code == 4, ran.out + ran.err
    later = world.open("later", {"models/churn.txt": "trees: 60\n"}, labels=LABELS)
    world.merge(later)
    assert world.promote(later, **own).code == 4
    fault.remove()
    ran = world.promote(later, **own)
    assert (ran.code, receipt(ran)["tag"], receipt(ran)["state"]) == (0, "churn#prod#2", "started"), ran.out + ran.err
    assert [run.name for run in world.repo.runs if "#prod#" in run.name] == ["churn#prod#2"]
    again = world.promote(1, **own)
    one = receipt(again)
    assert (again.code, one["state"], one["error"]["code"]) == (0, "none", "start-superseded"), again.out + again.err
    assert [run.name for run in world.repo.runs if "#prod#" in run.name] == ["churn#prod#2"]
