"""The examples of pins in real runners: one change updates the lock, and what the lock names is deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tagline_localforge import Repository
from tests.commands.changes.conftest import make_world
from tests.commands.changes.world import BETTER, START, World
from tests.e2e.github_runner import ACTIONS_TOKEN, READER_TOKEN, Ran, Runner, make_release
from tests.e2e.github_runner import EXAMPLES as GITHUB_EXAMPLES
from tests.e2e.gitlab_runner import EXAMPLES as GITLAB_EXAMPLES
from tests.e2e.gitlab_runner import IMAGE, GitLab, gitlab_ci_local
from tests.e2e.machine import docker, image
from tests.support.gitbuild import run_git

__all__ = ["image", "make_world"]

pytestmark = pytest.mark.e2e

BRANCH = "tagline/update-models"
OLD, NEW = START["models/churn.txt"], BETTER["models/churn.txt"]


@dataclass
class Shop:
    """org/shop, whose prod of churn is v0.1.0, and org/app, which has it pinned."""

    world: World
    app: Repository

    def promote_better(self) -> int:
        """A merged change puts a better churn into prod, as carol approved."""
        number = self.world.open("better", BETTER, labels=("version:minor", "stage:prod"))
        self.world.approve(number, "carol")
        self.world.merge(number)
        assert self.world.promote(number).verdict == "ok"
        return number

    def proposed(self) -> Any:
        """The one open change."""
        (found,) = (change for change in self.app.changes() if change.state == "open")
        return found


def make_shop(make_world: Callable[..., World], platform: str, pipeline: dict[str, str]) -> Shop:
    world = make_world(platform, "stages: {prod: {approvals: {count: 1}}}\n")
    world.admin("register", "churn", "--version", "v0.1.0", "--rev", "main")
    world.admin("assign", "churn#prod", "--version", "v0.1.0", "--override", "the first")
    app = world.forge.repository("org/app")
    folder = world.folder / "app"
    for name, text in pipeline.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    world.forge.token("pins", login="alice")
    said = world.run_cli(
        "pin", "churn#prod", "--repo", f"{world.server.url}/org/shop", cwd=folder, TAGLINE_REPO_TOKEN="pins"
    )
    assert said.code == 0, said.err
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", "All")
    run_git(folder, "push", "--quiet", str(app.path), "HEAD:refs/heads/main")
    app.grant("alice", "admin")
    return Shop(world, app)


def play(shop: Shop, update: Callable[[], Any], deployed: Callable[[], str]) -> None:
    """The story, on either forge: ``deployed`` gives the bytes that a deployment job got."""
    number = shop.promote_better()
    assert deployed() == OLD, "prod moved, and the lock did not"
    update()
    change = shop.proposed()
    assert (change.source, change.title) == (BRANCH, "Update churn from v0.1.0 to v0.2.0")
    for words in ("accuracy", "0.92", "`carol`", f"/{number})", "compare"):
        assert words in change.body, change.body
    shop.app.merge(change.number, by="alice", method="merge")
    assert json.loads(run_git(shop.app.path, "show", "main:tagline.lock"))["pins"]["churn"]["version"] == "v0.2.0"
    assert deployed() == NEW


def test_github__stage_moved__one_pull_request_and_then_the_new_bytes(
    image: str, make_world: Callable[..., World], tmp_path: Path
) -> None:
    workflow = (GITHUB_EXAMPLES / "update-models.yml").read_text()
    shop = make_shop(make_world, "github", {".github/workflows/models.yml": workflow})
    forge, url = shop.world.forge, shop.world.server.url
    forge.token(ACTIONS_TOKEN, kind="actions")
    forge.token(READER_TOKEN, login="mallory")
    runner = Runner(tmp_path / "runner", make_release(tmp_path / "release", image), url)

    def run(event: str, job: str) -> Ran:
        clone = tmp_path / f"clone-{len(list(tmp_path.glob('clone-*')))}"
        run_git(tmp_path, "clone", "--quiet", str(shop.app.path), str(clone))
        # As actions/checkout leaves it, which act does not run.
        run_git(clone, "remote", "set-url", "origin", f"{url}/org/app.git")
        payload = {"repository": {"full_name": "org/app", "default_branch": "main"}, "ref": "refs/heads/main"}
        ran = runner.run(event, payload, clone, "models.yml", token=ACTIONS_TOKEN, secrets={"SHOP_TOKEN": READER_TOKEN})
        assert ran.jobs()[job] == "success", ran.said(job)
        return ran

    def deployed() -> str:
        ran = run("push", "deploy")
        blob = ran.outputs("deploy")["digest"].removeprefix("gitblob:")
        return run_git(shop.world.repo.path, "cat-file", "blob", blob)

    play(shop, lambda: run("schedule", "update"), deployed)
    assert runner.leaks == []


def test_gitlab__stage_moved__one_merge_request_and_then_the_new_bytes(
    image: str, make_world: Callable[..., World], tmp_path: Path
) -> None:
    program = gitlab_ci_local()
    docker("tag", image, IMAGE)
    shop = make_shop(make_world, "gitlab", {".gitlab-ci.yml": (GITLAB_EXAMPLES / "update-models.yml").read_text()})
    shop.app.grant("tagline-bot", "write")
    gitlab = GitLab(shop.world.server, tmp_path / "gitlab", program)
    gitlab.publish_components()
    gitlab.protected = {"TAGLINE_TOKEN": "bot"}

    def update() -> None:
        pipeline = gitlab.schedule(shop.app)
        assert pipeline.codes == {"tagline-pin": 0}, pipeline.log

    def deployed() -> str:
        pipeline = gitlab.push(shop.app)
        assert pipeline.codes == {"tagline-fetch": 0, "deploy": 0}, pipeline.log
        return pipeline.text("tagline-fetch", "models/churn.pkl")

    play(shop, update, deployed)
