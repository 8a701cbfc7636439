"""(forge) x (merge method) x (trigger) x (what asks): the tags by name, target, trailers, and as GTO reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import gto.api
import pytest

from tests.changes.world import BETTER, Platform, World
from tests.gitbuild import run_git

METHODS = {"github": ("merge", "squash", "rebase"), "gitlab": ("merge", "squash", "ff", "squash-merge")}
TRIGGERS = {
    "github": ("closed", "push", "number", "schedule", "dispatch"),
    "gitlab": ("push", "number", "schedule"),
}

POLICY = """\
stages:
  staging: {}
  prod: {after: [staging], approvals: {count: 1, from: ["@org/ml-leads"]}}
"""
REQUEST = "- {artifact: fraud, version: v1.0.0, reason: quarterly}\n"


@dataclass(frozen=True)
class Asked:
    """What a change asks for and what is to come of it: tag to ``merge`` or the tag whose commit it shares."""

    labels: tuple[str, ...]
    tags: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    #: What GTO then shows: (artifact, stage or None for latest) to version.
    gto: dict[tuple[str, str | None], str] = field(default_factory=dict)


ASKED = {
    "version": Asked(("version:minor",), {"churn@v1.1.0": "merge"}, gto={("churn", None): "v1.1.0"}),
    "scoped": Asked(("version::major",), {"churn@v2.0.0": "merge"}, gto={("churn", None): "v2.0.0"}),
    "version and stages": Asked(
        ("version:patch", "stage:staging", "stage:prod"),
        {"churn@v1.0.1": "merge", "churn#staging#4": "merge", "churn#prod#5": "merge"},
        gto={("churn", "staging"): "v1.0.1", ("churn", "prod"): "v1.0.1"},
    ),
    "named": Asked(
        ("version:fraud@v3.0.0-rc.1", "stage:fraud#staging"),
        {"fraud@v3.0.0-rc.1": "merge", "fraud#staging#1": "merge"},
        gto={("fraud", "staging"): "v3.0.0-rc.1"},
    ),
    "older version": Asked(
        ("stage:churn@v1.0.0#canary",), {"churn#canary#4": "churn@v1.0.0"}, gto={("churn", "canary"): "v1.0.0"}
    ),
    "rollback": Asked(("rollback:churn#prod",), {"churn#prod#4": "churn@v0.9.0"}, gto={("churn", "prod"): "v0.9.0"}),
    "unstage and deprecate": Asked(
        ("unstage:churn#prod", "deprecate:fraud"),
        {"churn#prod!#4": "churn@v1.0.0", "fraud@deprecated": "fraud@v1.0.0"},
        gto={("churn", "prod"): "v0.9.0"},
    ),
    "request file": Asked(
        (),
        {"fraud#staging#1": "fraud@v1.0.0"},
        {"promotions/staging/q4.yaml": REQUEST},
        gto={("fraud", "staging"): "v1.0.0"},
    ),
    "nothing": Asked((), {}),
}

CASES = [
    pytest.param(platform, method, trigger, asked, id=f"{platform}-{method}-{trigger}-{asked}")
    for platform, methods in METHODS.items()
    for method in methods
    for trigger in TRIGGERS[platform]
    for asked in ASKED
    # Everything is asked in every way of merging and by every trigger; the two crossed for the richest.
    if method == methods[0] or trigger == "push" or asked == "version and stages"
]


def _world(make_world: Callable[..., World], platform: Platform) -> World:
    """Two registered artifacts; churn went to staging and twice to prod."""
    world = make_world(platform, POLICY)
    first = world.git("rev-parse", "HEAD")
    world.admin("register", "churn", "--version", "v0.9.0", "--rev", first)
    world.admin("register", "fraud", "--version", "v1.0.0", "--rev", first)
    second = world.push("main", {"models/churn.txt": "trees: 20\n"})
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", second)
    world.admin("assign", "churn#staging", "--version", "v1.0.0")
    for version in ("v0.9.0", "v1.0.0"):
        world.admin("assign", "churn#prod", "--version", version, "--override", "before Tagline")
    return world


def _trigger(world: World, trigger: str, number: int, before: str, after: str) -> dict[str, str]:
    """The environment of a job that the merge, or somebody later, starts."""
    if world.platform == "gitlab":
        push = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
        return {
            "push": {**push, "CI_COMMIT_SHA": after, "CI_COMMIT_BEFORE_SHA": before},
            "schedule": {**push, "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_SHA": after},
        }.get(trigger, {})
    branch = {"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": after}
    pull = {"number": number, "merged": True}
    return {
        "closed": {**world.event("pull_request", action="closed", number=number, pull_request=pull)},
        "push": {**world.event("push", before=before, after=after, ref="refs/heads/main"), **branch},
        "schedule": {**world.event("schedule"), **branch},
        "dispatch": {**world.event("workflow_dispatch", inputs={}), **branch},
    }.get(trigger, {})


@pytest.mark.oracle
@pytest.mark.parametrize(("platform", "method", "trigger", "asked"), CASES)
def test_merge__by_method_and_trigger__makes_the_tags_that_were_asked_for(
    make_world: Callable[..., World], platform: Platform, method: str, trigger: str, asked: str, tmp_path: Path
) -> None:
    wanted = ASKED[asked]
    world = _world(make_world, platform)
    old = world.tags()
    touching = {} if "named" in asked or wanted.files else BETTER
    number = world.open("topic", {"notes.txt": "1\n"}, {**touching, **wanted.files, "n": "2\n"}, labels=wanted.labels)
    world.approve(number, "carol")
    planned = world.plan(number)
    assert planned.code == 0, planned.err
    assert [row["tag"] for row in planned.json["tags"]] == list(wanted.tags)

    before = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    merged = world.merge(number, method)
    arguments = ["promote", *(["--change", str(number)] if trigger == "number" else [])]
    ran = world.run(*arguments, **_trigger(world, trigger, number, before, merged))
    assert ran.code == 0, ran.out + ran.err

    tags = world.tags()
    assert set(tags) - set(old) == set(wanted.tags)
    for name, at in wanted.tags.items():
        assert tags[name].target == (merged if at == "merge" else tags[at].target), name
        _check_trailers(world, name, number, merged, wanted)
    _check_gto(world, tmp_path / "read", wanted)
    again = world.run(*arguments, **_trigger(world, trigger, number, before, merged))
    assert again.code == 0
    assert world.tags() == tags, "a second run wrote"


def _check_trailers(world: World, name: str, number: int, merged: str, wanted: Asked) -> None:
    trailers = world.trailers(name)
    assert trailers["Change"] == [f"{world.server.url}/org/shop/{_page(world)}/{number}"]
    assert trailers["Merge-Commit"] == [merged]
    assert trailers["Requested-By"] == ["alice" if wanted.files else "bob"]
    assert trailers["Policy"][0].startswith("sha256:")
    assert trailers["Run"]
    if "prod" in name:
        assert trailers["Approved-By"][0].startswith("carol ")
    if wanted.files:
        assert trailers["Reason"] == ["quarterly"]
    if name.startswith("churn@v"):
        assert trailers["Artifact-Digest"][0].startswith("gitblob:")
        assert trailers["Artifact-Uri"][0].endswith(f"@{merged}#models/churn.txt")


def _page(world: World) -> str:
    return "pull" if world.platform == "github" else "-/merge_requests"


def _check_gto(world: World, clone: Path, wanted: Asked) -> None:
    """GTO reads what we wrote as we meant it."""
    if not wanted.gto:
        return
    run_git(world.folder, "clone", "--quiet", str(world.repo.path), str(clone))
    shown = gto.api.show(str(clone))
    for (artifact, stage), version in wanted.gto.items():
        assert (shown[artifact]["version"] if stage is None else shown[artifact]["stage"][stage]) == version
