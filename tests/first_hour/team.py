"""What the team does in its first hour, in its order: the page's sections, the forge's pages, and what CI does."""

from __future__ import annotations

import subprocess
from typing import Any, Protocol

from tagline_localforge import guards
from tests.first_hour.on_github import Run
from tests.first_hour.on_gitlab import Pipeline
from tests.first_hour.story import BOT, READER, Hour
from tests.support.workflow_files import load

LABELS = ("version:minor", "stage:staging", "stage:prod")
TRAINED = "trees: 50\n"


def play(hour: Hour) -> None:
    """The whole hour."""
    ci: _CI = _OnGitHub(hour) if hour.platform == "github" else _OnGitLab(hour)
    forge = "GitHub" if hour.platform == "github" else "GitLab"
    for title in ("Two models in S3", "Set it up", f"On {forge}"):
        hour.section(title)
    hour.section("What is missing", {"tagline doctor": 1})
    number = _opened(hour, "set-up")
    ci.settings()
    _merged(hour, ci, number)
    hour.section("What is left")
    hour.section("The first promotion")
    number = _opened(hour, "more-trees")
    for label in LABELS:
        hour.page(f"label {label}", lambda label=label: hour.shop.label(number, label, by="bob"))
    hour.job("review", lambda: ci.review(number))
    assert "v0.1.0" in hour.shop.change(number).comments[-1].body
    _merged(hour, ci, number)
    hour.job("deploy", lambda: ci.deploy())
    hour.section("After the merge")
    assert "prod v0.1.0" in hour.out("tagline show")
    hour.section("Another repository")
    hour.section(f"Its pipeline on {forge}")
    hour.job("the other repository's pipeline", lambda: ci.reuse())
    hour.section("At a terminal")


def tags(hour: Hour) -> set[str]:
    """The tags of the shop."""
    return set(_git(hour, "tag").split())


def _opened(hour: Hour, branch: str) -> int:
    made = hour.page(
        f"open a change from {branch}",
        lambda: hour.shop.open_change(author="alice", source=branch, target="main", title=branch),
    )
    return int(made.number)


def _merged(hour: Hour, ci: _CI, number: int) -> None:
    before = _tip(hour)
    hour.page("merge it", lambda: hour.shop.merge(number, by="alice", method="merge"))
    changed = tuple(_git(hour, "diff", "--name-only", before, _tip(hour)).split())
    hour.job("what a push to main starts", lambda: ci.pushed(before, changed))


def _git(hour: Hour, *arguments: str) -> str:
    command = ["git", "-C", str(hour.shop.path), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=hour.plain()).stdout


def _tip(hour: Hour) -> str:
    return _git(hour, "rev-parse", "main").strip()


class _CI(Protocol):
    """What a forge does by itself, and what people set there."""

    def settings(self) -> None:
        """What init's list leaves to a page."""

    def review(self, number: int) -> None:
        """What runs on a labelled change."""

    def pushed(self, before: str, changed: tuple[str, ...]) -> None:
        """What runs after a merge."""

    def deploy(self) -> None:
        """What the tag of prod starts."""

    def reuse(self) -> None:
        """The pipeline of another repository."""


class _OnGitHub:
    """Workflows of the shop's files, by what starts them."""

    def __init__(self, hour: Hour) -> None:
        self._hour = hour
        hour.shop.add_workflow("deploy.yml")

    def _workflow(self, name: str) -> dict[Any, Any]:
        return load(self._hour.folder / "shop" / ".github/workflows" / name)

    def settings(self) -> None:
        guard = guards.BranchGuard("main")
        self._hour.page("a ruleset: changes of main by pull requests, with tagline and review / validate",
                        lambda: self._hour.shop.guards.branches.append(guard))  # fmt: skip

    def review(self, number: int) -> None:
        change = self._hour.shop.change(number)
        pull = {"number": number, "user": {"login": change.author},
                "head": {"sha": change.latest.head, "repo": {"full_name": "org/shop"}}}  # fmt: skip
        payload = {"action": "labeled", "number": number, "pull_request": pull}
        run = Run(self._hour, "org/shop", "pull_request", f"refs/pull/{number}/merge", change.latest.head, payload)
        done = run.workflow(self._workflow("tagline-review.yml"))
        assert done == {"review/validate": "success", "review/plan": "success"}

    def pushed(self, before: str, changed: tuple[str, ...]) -> None:
        after = _tip(self._hour)
        payload = {"before": before, "after": after, "ref": "refs/heads/main"}
        for name in ("tagline-promote.yml", "tagline-labels.yml"):
            workflow = self._workflow(name)
            paths = workflow[True]["push"].get("paths")
            if paths is None or set(paths) & set(changed):
                done = Run(self._hour, "org/shop", "push", "refs/heads/main", after, payload).workflow(workflow)
                assert set(done.values()) == {"success"}

    def deploy(self) -> None:
        (started,) = self._hour.shop.runs
        run = Run(self._hour, "org/shop", "workflow_dispatch", started.ref, started.sha)
        jobs = ("model/deploy", "ship", "report")
        assert run.workflow(self._workflow("deploy.yml")) == dict.fromkeys(jobs, "success")
        assert run.artifacts["model"].read_text() == TRAINED

    def reuse(self) -> None:
        self._hour.page("a token that reads org/shop, as the secret SHOP_TOKEN", lambda: None)
        run = Run(self._hour, "org/scoring", "workflow_dispatch", "refs/heads/main", "0" * 40,
                  secrets={"SHOP_TOKEN": READER})  # fmt: skip
        assert run.workflow(load(self._hour.cwd / ".github/workflows/score.yml")) == {"score": "success"}


class _OnGitLab:
    """Pipelines of the shop's files, by what starts them."""

    def __init__(self, hour: Hour) -> None:
        self._hour = hour
        self._settings: dict[str, str] = {}

    def _pipeline(self, event: dict[str, str], changed: tuple[str, ...] = ()) -> tuple[Pipeline, list[str]]:
        files = self._hour.folder / "shop"
        event = {"CI_COMMIT_SHA": _tip(self._hour), **event}
        made = Pipeline(self._hour, "org/shop", files, event, self._settings, changed)
        return made, made.run(files / ".gitlab-ci.yml")

    def settings(self) -> None:
        hour = self._hour
        hour.page("a project token, as the variable TAGLINE_TOKEN", lambda: self._settings.update(TAGLINE_TOKEN=BOT))
        guard = guards.BranchGuard("main")
        hour.page("protect main", lambda: hour.shop.guards.branches.append(guard))
        hour.page("a pipeline schedule, every hour", lambda: hour.shop.guards.schedules.update(hourly=True))

    def review(self, number: int) -> None:
        """Labels start no job there: the schedule does."""
        head = self._hour.shop.change(number).latest.head
        event = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": str(number),
            "CI_COMMIT_SHA": head,
        }
        assert self._pipeline(event)[1] == ["tagline-validate", "tagline-plan"]
        event = {"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"}
        assert self._pipeline(event)[1] == ["tagline-plan", "tagline-promote"]

    def pushed(self, before: str, changed: tuple[str, ...]) -> None:
        event = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": before}
        _, ran = self._pipeline(event, changed)
        assert ran[:2] == ["tagline-validate", "tagline-promote"]
        assert ("tagline-labels-sync" in ran) is (".tagline.yaml" in changed)

    def deploy(self) -> None:
        event = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "churn#prod#1"}
        event["CI_COMMIT_SHA"] = _git(self._hour, "rev-parse", "churn#prod#1^{commit}").strip()
        made, ran = self._pipeline(event)
        assert ran == ["deploy", "tagline-fetch", "tagline-deployed"]
        assert (made.folders["deploy"] / "model").read_text() == TRAINED

    def reuse(self) -> None:
        self._hour.page("the other project on the job token's list", lambda: None)
        event = {"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": "0" * 40}
        made = Pipeline(self._hour, "org/scoring", self._hour.cwd, event)
        assert sorted(made.run(self._hour.cwd / ".gitlab-ci.yml")) == [
            "score",
            "tagline-fetch",
            "tagline-resolve",
            "tagline-resolve-staging",
        ]
