"""The examples of the index and the page in real runners: read once, made once, published; then only what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.index_world import template
from tagline_localforge import ForgeServer, LocalForge, Repository, serve
from tests.e2e import github_runner, gitlab_runner
from tests.e2e.github_runner import ACTIONS_TOKEN, APP_KEY, APP_TOKEN, Ran, Runner, make_release
from tests.e2e.gitlab_runner import GitLab, Pipeline, gitlab_ci_local
from tests.e2e.machine import docker, image, site_image
from tests.support.gitbuild import run_git

__all__ = ["image", "site_image"]

pytestmark = pytest.mark.e2e

#: A job that starts containers runs in it: .ci/runners.
RUNNER = "tagline-e2e-runner"
BOT_TOKEN = "glpat-bot0123456789abcdef"


@dataclass
class Organization:
    """org on a forge: two registries, and org/models, which is to have the page. All are public."""

    server: ForgeServer
    folder: Path

    def __post_init__(self) -> None:
        self.server.forge.token(BOT_TOKEN, login="tagline-bot")
        for name in ("risk", "vision"):
            self.publish(name, versions=2)
        self.models.public = True

    def repository(self, name: str) -> Repository:
        found = self.server.forge.repository(f"org/{name}")
        found.grant("tagline-bot", "read")
        return found

    @property
    def models(self) -> Repository:
        return self.repository("models")

    def publish(self, name: str, versions: int) -> None:
        """A repository with so many versions of churn, or with more than before."""
        repository, folder = self.repository(name), self.folder / f"{name}-{versions}"
        folder.mkdir()
        repository.public = True
        run_git(template(folder, versions), "push", "--quiet", "--mirror", str(repository.path))

    def page_of(self, name: str) -> str:
        """An artifact's page, by its repository."""
        host = self.server.url.removeprefix("http://").replace(":", "%3A")
        return f"artifacts/{host}%2Forg%2F{name}/churn/index.html"


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Organization]:
    with serve(LocalForge(tmp_path / "forge")) as server:
        yield Organization(server, tmp_path)
        assert server.failures == []


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class Models:
    """org/models on GitHub, with both examples."""

    def __init__(self, org: Organization, release: Path) -> None:
        org.server.forge.token(ACTIONS_TOKEN, kind="actions")
        org.server.forge.token(APP_TOKEN, kind="app")
        self.runner = Runner(org.folder / "runner", release, org.server.url, RUNNER, docker=True)
        self._clone = org.folder / "models"
        workflows = self._clone / ".github" / "workflows"
        workflows.mkdir(parents=True)
        for name in ("index.yml", "page.yml"):
            (workflows / name).write_text((github_runner.EXAMPLES / name).read_text())
        for command in ("init --quiet --initial-branch=main", "add --all", "commit --quiet --message Page"):
            run_git(self._clone, *command.split())
        run_git(self._clone, "push", "--quiet", str(org.models.path), "main")

    def nightly(self, workflow: str) -> Ran:
        payload = {"schedule": "17 3 * * *", "repository": {"full_name": "org/models", "default_branch": "main"}}
        app = {"secrets": {"TAGLINE_APP_KEY": APP_KEY}, "variables": {"TAGLINE_APP": "Iv23liTestTestTestTest"}}
        return self.runner.run("schedule", payload, self._clone, workflow, token=ACTIONS_TOKEN, **app)

    @property
    def pages(self) -> Path:
        """What is published."""
        return self.runner.folder / "shared" / "pages"


def test_github__index_then_page__nothing_is_read_again_and_what_did_not_change_keeps_its_bytes(
    org: Organization, site_image: str, image: str, tmp_path: Path
) -> None:
    if docker("image", "inspect", RUNNER, check=False).returncode:
        pytest.skip(f"needs {RUNNER}: .ci/runners")
    models = Models(org, make_release(tmp_path / "release", image))

    first = models.nightly("index.yml")
    assert first.jobs() == {"index": "success"}
    assert counts(first.outputs("index")) == (3, 0)
    assert (models.runner.artifacts / "models-index/index.json").exists()

    second = models.nightly("page.yml")
    assert second.jobs() == {"index": "success", "build": "success", "publish": "success"}
    assert counts(second.outputs("index")) == (0, 3)
    built = json.loads(second.outputs("build")["json"])
    assert (built["artifacts"], built["kept"], built["written"]) == (2, 0, built["files"])
    assert second.outputs("publish")["page_url"] == "https://org.github.io/models/"
    published = bytes_of(models.pages)
    assert len(published) == built["files"], "and not what the page remembers of itself"
    assert b"v1.1.0" in published[org.page_of("risk")]

    org.publish("risk", versions=3)
    third = models.nightly("page.yml")
    assert counts(third.outputs("index")) == (1, 2)
    built = json.loads(third.outputs("build")["json"])
    assert (built["artifacts"], built["kept"]) == (2, 1)
    assert built["written"] < built["files"] * 2 / 3
    now = bytes_of(models.pages)
    assert b"v1.2.0" in now[org.page_of("risk")]
    assert now[org.page_of("vision")] == published[org.page_of("vision")]
    assert models.runner.leaks == []


def counts(outputs: dict[str, str]) -> tuple[int, int]:
    """How many repositories the index read, and how many it did not read again."""
    said = json.loads(outputs["json"])
    return said["read"], said["unchanged"]


def test_gitlab__index_then_page__nothing_is_read_again_and_a_private_project_keeps_it_from_being_published(
    org: Organization, site_image: str, tmp_path: Path
) -> None:
    gitlab = GitLab(org.server, tmp_path / "gitlab", gitlab_ci_local())
    gitlab.publish_components()
    gitlab.protected = {"TAGLINE_TOKEN": BOT_TOKEN}
    gitlab.commit(org.models, {".gitlab-ci.yml": (gitlab_runner.EXAMPLES / "index.yml").read_text()})
    first = gitlab.schedule(org.models)
    assert first.codes == {"tagline-index": 0}
    assert read_by(first) == (3, 0)

    folder = tmp_path / "gitlab" / "org" / "models"
    (folder / ".gitlab-ci.yml").write_text((gitlab_runner.EXAMPLES / "page.yml").read_text())
    gitlab.git(folder, "commit", "--quiet", "--all", "--message", "Page")
    gitlab.git(folder, "push", "--quiet", str(org.models.path), "HEAD:refs/heads/main")
    org.repository("vision").public = False
    refused = gitlab.schedule(org.models)
    assert refused.codes == {"tagline-index": 0, "tagline-page": 2}
    assert read_by(refused) == (2, 1), "org/models has a new commit, org/vision another visibility"
    assert "org/vision is private" in refused.log
    assert not refused.file("tagline-page", "public/index.html").exists()

    org.repository("vision").public = True
    second = gitlab.schedule(org.models)
    assert second.codes == {"tagline-index": 0, "tagline-page": 0}
    assert read_by(second) == (1, 2)
    assert second.configuration["tagline-page"]["pages"] is True
    public = second.file("tagline-page", "public")
    assert b"v1.1.0" in (public / org.page_of("risk")).read_bytes()

    third = gitlab.schedule(org.models)
    assert read_by(third) == (0, 3)
    built: Any = third.json("tagline-page")
    assert (built["artifacts"], built["kept"]) == (2, 2)
    assert built["written"] <= 2, "the time of the index"
    assert bytes_of(third.file("tagline-page", "public/artifacts")) == bytes_of(public / "artifacts")


def read_by(pipeline: Pipeline) -> tuple[int, int]:
    """As :func:`counts`."""
    return counts({"json": pipeline.text("tagline-index", "tagline.json")})
