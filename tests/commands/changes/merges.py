"""What a merge may ask for, in every way of merging and by every trigger, and what is to come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import gto.api

from tagline.domain.ledger.events import RawTag
from tests.commands.changes.world import BETTER, World
from tests.support.gitbuild import run_git

METHODS = {"github": ("merge", "squash", "rebase"), "gitlab": ("merge", "squash", "ff", "squash-merge")}
TRIGGERS = {
    "github": ("closed", "push", "number", "schedule", "dispatch"),
    "gitlab": ("push", "number", "schedule"),
}

POLICY = """\
stages:
  staging: {}
  canary: {}
  next: {}
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
    #: Who asks: who put the labels on, or wrote the request file.
    by: str = "bob"
    #: Whether it brings a better churn.
    better: bool = True
    reason: str | None = None


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
        better=False,
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
        by="alice",
        better=False,
        reason="quarterly",
    ),
    "two artifacts": Asked(
        ("version:minor", "stage:staging"),
        {"churn@v1.1.0": "merge", "churn#staging#4": "merge", "fraud@v1.1.0": "merge", "fraud#staging#1": "merge"},
        {"models/fraud.txt": "rules: 4\n"},
        gto={("churn", "staging"): "v1.1.0", ("fraud", "staging"): "v1.1.0"},
    ),
    "nothing": Asked((), {}),
}


def register_all(world: World) -> None:
    """Two registered artifacts, days ago; churn went to staging and twice to prod."""
    for days, tags in ((9, ("churn@v0.9.0", "fraud@v1.0.0")), (8, ("churn#prod#2",))):
        with world.days_ago(days):
            world.tag(*tags)
    with world.days_ago(7):
        world.push("main", {"models/churn.txt": "trees: 20\n"})
    for days, tag in ((6, "churn@v1.0.0"), (5, "churn#staging#1"), (4, "churn#prod#3")):
        with world.days_ago(days):
            world.tag(tag)


def trigger_of(world: World, trigger: str, number: int, before: str, after: str) -> dict[str, str]:
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


def open_and_plan(world: World, asked: Asked) -> int:
    """A change that asks so, approved and planned; its number."""
    files = {**(BETTER if asked.better else {}), **asked.files, "n": "2\n"}
    number = world.open("topic", {"notes.txt": "1\n"}, files, labels=asked.labels)
    world.approve(number, "carol")
    planned = world.plan(number)
    assert planned.code == 0, planned.err
    assert [row["tag"] for row in planned.json["tags"]] == list(asked.tags)
    return number


def check_tags(world: World, old: dict[str, RawTag], wanted: Asked, number: int, merged: str) -> None:
    """Exactly what was asked for is there: names, targets, trailers."""
    tags = world.tags()
    assert set(tags) - set(old) == set(wanted.tags)
    for name, at in wanted.tags.items():
        assert tags[name].target == (merged if at == "merge" else tags[at].target), name
        _check_trailers(world, name, number, merged, wanted)


def _check_trailers(world: World, name: str, number: int, merged: str, wanted: Asked) -> None:
    trailers = world.trailers(name)
    assert trailers["Change"] == [f"{world.server.url}/org/shop/{_page(world)}/{number}"]
    assert trailers["Merge-Commit"] == [merged]
    assert trailers["Requested-By"] == [wanted.by]
    assert trailers["Policy"][0].startswith("sha256:")
    assert trailers["Run"]
    if "prod" in name:
        assert trailers["Approved-By"][0].startswith("carol ")
    if wanted.reason:
        assert trailers["Reason"] == [wanted.reason]
    if name.startswith("churn@v"):
        assert trailers["Artifact-Digest"][0].startswith("gitblob:")
        assert trailers["Artifact-Uri"][0].endswith(f"@{merged}#models/churn.txt")


def _page(world: World) -> str:
    return "pull" if world.platform == "github" else "-/merge_requests"


def check_gto(world: World, clone: Path, wanted: Asked) -> None:
    """GTO reads what we wrote as we meant it."""
    if not wanted.gto:
        return
    run_git(world.folder, "clone", "--quiet", str(world.repo.path), str(clone))
    shown = gto.api.show(str(clone))
    for (artifact, stage), version in wanted.gto.items():
        assert (shown[artifact]["version"] if stage is None else shown[artifact]["stage"][stage]) == version
