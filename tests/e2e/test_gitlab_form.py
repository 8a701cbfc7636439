"""The form of docs/examples/gitlab/propose.yml as a real pipeline: who fills it in asks, and somebody else approves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.commands.changes.conftest import make_world
from tests.commands.changes.world import World
from tests.e2e.gitlab_runner import EXAMPLES, GitLab
from tests.e2e.machine import image
from tests.e2e.test_gitlab_runner import program

__all__ = ["image", "make_world", "program"]

pytestmark = pytest.mark.e2e

POLICY = "drift: replan\nstages: {prod: {ticket: RISK-*, approvals: {count: 1}}}\n"
#: As the page links to the form.
FORM = {"ARTIFACT": "churn", "VERSION": "v0.0.1", "STAGE": "prod", "ACTION": "promote"}


def test_form__filled_in__opens_the_merge_request_of_whoever_started_the_pipeline(
    program: Path, make_world: Callable[..., World], tmp_path: Path
) -> None:
    # The runner knows no form: what people type are inputs there, and what a link fills in are variables.
    files = {
        ".gitlab-ci.yml": (EXAMPLES / "propose.yml").read_text(),
        "artifacts.yaml": "churn: {path: model.txt}\n",
        "model.txt": "trees: 10\n",
    }
    world = make_world("gitlab", policy=POLICY, files=files)
    world.admin("register", "churn")
    world.repo.add_workflow(".gitlab-ci.yml")
    run = world.repo.start_run(".gitlab-ci.yml", "refs/heads/main", by="carol")
    gitlab = GitLab(world.server, tmp_path / "gitlab", program)
    gitlab.publish_components()
    gitlab.protected = {"TAGLINE_TOKEN": "bot"}
    said = {f"TAGLINE_PROPOSE_{name}": value for name, value in FORM.items()}
    ran = gitlab.form(world.repo, {**said, "TAGLINE_PROPOSE_TICKET": "RISK-12", "GITLAB_USER_LOGIN": "bob"})
    assert ran.codes == {"tagline-propose": 0}, ran.log
    told = ran.json("tagline-propose")
    assert (told["requester"], told["change"]["opened"]) == ("carol", True)
    change = world.repo.change(told["change"]["number"])
    assert (change.state, change.author) == ("open", "tagline-bot")
    (asked,) = yaml.safe_load(world.repo.file_at(change.source, told["file"]) or b"")
    assert asked == {"artifact": "churn", "version": "v0.0.1", "ticket": "RISK-12"}
    assert ran.variables("tagline-propose")["TAGLINE_VERSION"] == "v0.0.1"
    again = gitlab.form(world.repo, {**said, "TAGLINE_PROPOSE_TICKET": "RISK-12"})
    assert again.json("tagline-propose")["change"] == {**told["change"], "opened": False}

    world.repo.end_run(run)
    world.approve(change.number, "carol")
    assert world.plan(change.number).verdict == "waiting"
    world.approve(change.number, "bob")
    assert world.plan(change.number).verdict == "ok"
