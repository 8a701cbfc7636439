"""The examples of GitOps in real runners: what is deployed from gets one change with version and digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tagline_localforge import Repository
from tests.commands.changes.conftest import make_world
from tests.commands.changes.world import World
from tests.e2e.github_runner import ACTIONS_TOKEN, READER_TOKEN, Ran, Runner, make_release
from tests.e2e.github_runner import EXAMPLES as GITHUB_EXAMPLES
from tests.e2e.gitlab_runner import EXAMPLES as GITLAB_EXAMPLES
from tests.e2e.gitlab_runner import IMAGE, GitLab, gitlab_ci_local
from tests.e2e.machine import docker, image
from tests.support.gitbuild import run_git

__all__ = ["image", "make_world"]

pytestmark = pytest.mark.e2e

#: Debian with git and curl, under the name that the examples give it.
TOOLS = "buildpack-deps:trixie-scm"
BRANCH, MANIFEST = "tagline/churn-prod", "deploy/churn.yaml"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: churn
spec:
  template:
    metadata:
      annotations:
        churn/version: "none"
        churn/digest: "none"
    spec:
      containers: [{name: churn, image: registry.example.org/churn-server:7}]
"""


@pytest.fixture
def tools(image: str) -> str:
    """The image with git and curl, as .ci/runners makes it."""
    if docker("image", "inspect", TOOLS, check=False).returncode:
        pytest.skip(f"needs {TOOLS}: .ci/runners")
    return TOOLS


@dataclass
class Shop:
    """org/shop with three versions of churn, and org/app, which is deployed from a manifest."""

    world: World
    app: Repository

    def promote(self, version: str) -> None:
        self.world.admin("assign", "churn#prod", "--version", version)

    def annotations(self, ref: str = BRANCH) -> list[str]:
        """Version and digest in the manifest of a branch."""
        text = run_git(self.app.path, "show", f"{ref}:{MANIFEST}")
        assert text.replace("churn/version", "").count("\n") == DEPLOYMENT.count("\n")
        return [line.split(": ")[1].strip('"') for line in text.splitlines() if "churn/" in line]

    def proposed(self) -> list[tuple[str, str]]:
        """The open changes: their branch and its commit."""
        return [(change.source, change.head) for change in self.app.changes() if change.state == "open"]


def make_shop(make_world: Callable[..., World], platform: str, pipeline: dict[str, str]) -> Shop:
    world = make_world(platform)
    for number in (1, 2):
        world.push("main", {"models/churn.txt": f"trees: {number}\n"})
        world.admin("register", "churn", "--version", f"v{number}.0.0", "--rev", "main")
    app = world.forge.repository("org/app")
    folder = world.folder / "app"
    for name, text in {MANIFEST: DEPLOYMENT, **pipeline}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", "All")
    run_git(folder, "push", "--quiet", str(app.path), "HEAD:refs/heads/main")
    return Shop(world, app)


def digest_of(shop: Shop, version: str) -> str:
    blob = run_git(shop.world.repo.path, "rev-parse", f"churn@{version}:models/churn.txt").strip()
    return f"gitblob:{blob}"


def play(shop: Shop, run: Callable[[str], Any], *, merges: bool) -> None:
    """The story, on either forge; ``run`` is what a tag starts in org/app, and it must succeed."""
    shop.promote("v1.0.0")
    run("churn#prod#1")
    assert shop.annotations() == ["v1.0.0", digest_of(shop, "v1.0.0")]
    (first,) = shop.proposed()
    assert first[0] == BRANCH

    run("churn#prod#1")  # the same tag again: the same change, with the same commit
    assert shop.proposed() == [first]

    shop.promote("v2.0.0")
    run("churn#prod#2")
    ((_, second),) = shop.proposed()
    assert shop.annotations() == ["v2.0.0", digest_of(shop, "v2.0.0")]

    run("churn#prod#1")  # late: it proposes nothing older
    assert shop.proposed() == [(BRANCH, second)]

    if not merges:
        return
    (change,) = (one for one in shop.app.changes() if one.state == "open")
    shop.app.merge(change.number, by="alice", method="merge")
    run("churn#prod#2")
    assert shop.proposed() == []
    assert shop.annotations("main") == ["v2.0.0", digest_of(shop, "v2.0.0")]
    assert BRANCH not in shop.app.git.branches()
    assert len(shop.app.changes()) == 1


def test_github__tag_starts_it__one_pull_request_with_version_and_digest(
    tools: str, image: str, make_world: Callable[..., World], tmp_path: Path
) -> None:
    workflow = (GITHUB_EXAMPLES / "gitops.yml").read_text()
    shop = make_shop(make_world, "github", {".github/workflows/model.yml": workflow})
    forge, url = shop.world.forge, shop.world.server.url
    forge.token(ACTIONS_TOKEN, kind="actions")
    forge.token(READER_TOKEN, login="mallory")
    shop.app.grant("alice", "admin")
    runner = Runner(tmp_path / "runner", make_release(tmp_path / "release", image), url, image=tools)

    def run(tag: str) -> Ran:
        clone = tmp_path / f"clone-{len(list(tmp_path.glob('clone-*')))}"
        run_git(tmp_path, "clone", "--quiet", str(shop.app.path), str(clone))
        # As actions/checkout leaves it, which act does not run.
        run_git(clone, "remote", "set-url", "origin", f"{url}/org/app.git")
        payload = {
            "action": "tagline", "client_payload": {"tag": tag},
            "repository": {"full_name": "org/app", "default_branch": "main"},
        }  # fmt: skip
        ran = runner.run(
            "repository_dispatch",
            payload,
            clone,
            "model.yml",
            token=ACTIONS_TOKEN,
            secrets={"SHOP_TOKEN": READER_TOKEN},
        )
        assert ran.jobs() == {"propose": "success"}, ran.said("propose")
        return ran

    play(shop, run, merges=True)
    assert runner.leaks == []


def test_gitlab__tag_starts_it__one_merge_request_with_version_and_digest(
    tools: str, image: str, make_world: Callable[..., World], tmp_path: Path
) -> None:
    program = gitlab_ci_local()
    docker("tag", image, IMAGE)
    shop = make_shop(make_world, "gitlab", {".gitlab-ci.yml": (GITLAB_EXAMPLES / "gitops.yml").read_text()})
    shop.app.grant("tagline-bot", "write")
    shop.app.grant("alice", "admin")
    gitlab = GitLab(shop.world.server, tmp_path / "gitlab", program)
    gitlab.publish_components()
    gitlab.protected = {"GITOPS_TOKEN": "bot"}

    def run(_: str) -> None:
        pipeline = gitlab.push(shop.app, source="pipeline")
        assert pipeline.codes == {"tagline-resolve": 0, "propose": 0}, pipeline.log

    play(shop, run, merges=False)
