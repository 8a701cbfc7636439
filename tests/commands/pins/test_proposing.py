"""``pin --propose`` on both forges: one change that brings what moved, with what is behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tagline_localforge import Repository
from tests.commands.changes.conftest import make_world, platform
from tests.commands.changes.world import BETTER, Platform, Ran, World
from tests.localforge.faults import fail_always, fail_once
from tests.support.gitbuild import run_git

__all__ = ["make_world", "platform"]

BRANCH = "tagline/update-models"
POLICY = "stages: {prod: {approvals: {count: 1}}}\n"


@dataclass
class App:
    """org/app, which pins churn of org/shop, and its job on a schedule."""

    world: World
    repo: Repository
    folder: Path

    @property
    def url(self) -> str:
        return f"{self.world.server.url}/org/shop.git"

    def job(self, *arguments: str, **more: str) -> Ran:
        """A job of org/app on a fresh clone of its default branch, shallow as the runner's may be."""
        clone = self.folder / f"clone-{len(list(self.folder.glob('clone-*')))}"
        run_git(self.folder, "clone", "--quiet", "--depth", "1", self.repo.path.as_uri(), str(clone))
        run_git(clone, "remote", "set-url", "origin", f"{self.world.server.url}/org/app.git")
        url = self.world.server.url
        own = {
            "GITHUB_REPOSITORY": "org/app", "CI_PROJECT_PATH": "org/app", "CI_PROJECT_URL": f"{url}/org/app",
        }  # fmt: skip
        return self.world.run(*arguments, cwd=clone, **{**own, **more})

    def propose(self, *more: str) -> Ran:
        return self.job("pin", "--propose", *more)

    def change(self) -> Any:
        """The one open change."""
        (found,) = (one for one in self.repo.changes() if one.state == "open")
        return found

    def lock(self, ref: str = "main") -> Any:
        return json.loads(run_git(self.repo.path, "show", f"{ref}:tagline.lock"))["pins"]["churn"]

    def push(self, branch: str, files: dict[str, str]) -> None:
        clone = self.folder / "people"
        if not clone.exists():
            run_git(self.folder, "clone", "--quiet", str(self.repo.path), str(clone))
        run_git(clone, "fetch", "--quiet", "origin")
        run_git(clone, "checkout", "--quiet", "--detach", f"origin/{branch}")
        for name, text in files.items():
            (clone / name).write_text(text)
        run_git(clone, "add", "--all")
        run_git(clone, "commit", "--quiet", "--message", "By people")
        run_git(clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")


@pytest.fixture
def app(make_world: Callable[..., World], platform: Platform) -> App:
    """prod of churn is v0.1.0 and pinned."""
    world = make_world(platform, POLICY)
    world.repo.public = True
    move(world, "v0.1.0")
    repo = world.forge.repository("org/app")
    for login in ("alice", "tagline-bot"):
        repo.grant(login, "admin")
    folder = world.folder / "app"
    folder.mkdir()
    start = folder / "start"
    start.mkdir()
    run_git(start, "init", "--quiet", "--initial-branch=main")
    said = world.run_cli("pin", "churn#prod", "--repo", f"{world.server.url}/org/shop.git", cwd=start)
    assert said.code == 0, said.err
    run_git(start, "add", "--all")
    run_git(start, "commit", "--quiet", "--message", "All")
    run_git(start, "push", "--quiet", str(repo.path), "HEAD:refs/heads/main")
    return App(world, repo, folder)


def move(world: World, version: str, files: dict[str, str] | None = None) -> None:
    """An administrator gives prod to a version, a new one where there are ``files``."""
    if files is not None:
        world.push("main", files)
    if files is not None or version == "v0.1.0":
        world.admin("register", "churn", "--version", version, "--rev", "main")
    world.admin("assign", "churn#prod", "--version", version, "--override", "it was not broken")


def promote(world: World, branch: str, files: dict[str, str]) -> int:
    """A merged change that puts a new version into prod, which carol approved."""
    number = world.open(branch, files, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    world.merge(number)
    ran = world.promote(number)
    assert ran.verdict == "ok", ran.out + ran.err
    return number


def test_propose__stage_moved__one_change_that_is_kept_up_to_date(app: App) -> None:
    nothing = app.propose()
    assert (nothing.code, nothing.json["proposed"]["state"], app.repo.changes()) == (0, "nothing", [])

    number = promote(app.world, "better", BETTER)
    dry = app.propose("--dry-run")
    assert (dry.json["proposed"]["state"], app.repo.changes(), app.repo.git.branches().keys()) == (
        "opened",
        [],
        {"main"},
    )
    said = app.world.run_cli("outdated", "--markdown", cwd=app.folder / "start")
    assert (said.code, "accuracy" in said.out, "`carol`" in said.out) == (1, True, True), said.out + said.err
    ran = app.propose()
    assert (ran.code, ran.json["proposed"]["state"]) == (0, "opened"), ran.out + ran.err
    change = app.change()
    assert ran.json["proposed"]["change"]["number"] == change.number
    assert (change.title, change.source, change.target) == ("Update churn from v0.1.0 to v0.2.0", BRANCH, "main")
    page = app.world.repo.change(number)
    for words in ("accuracy", "0.92", "0.9", "`carol`", f"/{page.number})", "compare", "other bytes", "`churn#prod#2`"):
        assert words in change.body, change.body
    assert [file.path for file in app.repo.files_of(change)] == ["tagline.lock"]
    assert (app.lock(BRANCH)["version"], app.lock()["version"]) == ("v0.2.0", "v0.1.0")

    # The same again changes nothing; a person's own text stays.
    app.repo.edit(change.number, by="alice", body=f"Looked at.\n{change.body}")
    again = app.propose()
    assert (again.json["proposed"]["state"], app.change().head) == ("unchanged", change.head)
    assert app.change().body.startswith("Looked at.")

    move(app.world, "v0.3.0", {"models/churn.txt": "trees: 90\n", "metrics/churn.json": '{"accuracy": 0.95}\n'})
    ran = app.propose()
    assert (ran.json["proposed"]["state"], ran.json["proposed"]["change"]["number"]) == ("updated", change.number)
    assert (app.change().title, app.lock(BRANCH)["version"]) == ("Update churn from v0.1.0 to v0.3.0", "v0.3.0")
    assert "0.95" in app.change().body
    assert run_git(app.repo.path, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"

    app.repo.merge(change.number, by="alice", method="squash")
    assert app.propose().json["proposed"]["state"] == "nothing"
    assert (app.lock()["version"], len(app.repo.changes())) == ("v0.3.0", 1)


def test_propose__what_people_did__is_theirs(app: App) -> None:
    move(app.world, "v0.2.0", BETTER)
    app.propose()
    change = app.change()
    app.repo.close(change.number, by="alice")
    ran = app.propose()
    assert (ran.code, ran.json["proposed"]["state"]) == (0, "declined")
    assert [one.state for one in app.repo.changes()] == ["closed"]

    # Another version is another question. What people pushed beside it is not overwritten.
    move(app.world, "v0.3.0", {"models/churn.txt": "trees: 90\n"})
    assert app.propose().json["proposed"]["state"] == "opened"
    second = app.change()
    app.push(BRANCH, {"serve.py": "print('new')\n"})
    head = app.change().head
    move(app.world, "v0.4.0", {"models/churn.txt": "trees: 91\n"})
    ran = app.propose()
    assert (ran.json["proposed"]["state"], ran.json["proposed"]["change"]["number"]) == ("left-alone", second.number)
    assert (app.change().head, app.lock(BRANCH)["version"]) == (head, "v0.3.0")


def test_propose__moved_back__is_withdrawn_and_a_gone_pin_exits_6(app: App) -> None:
    move(app.world, "v0.2.0", BETTER)
    app.propose()
    number = app.change().number
    app.world.admin("rollback", "churn#prod", "--override", "broken")
    ran = app.propose()
    assert (ran.code, ran.json["proposed"]["state"]) == (0, "withdrawn"), ran.out + ran.err
    assert BRANCH not in app.repo.git.branches()
    assert app.repo.change(number).state == "closed"
    assert "Withdrawn" in app.repo.change(number).body

    move(app.world, "v0.2.0")
    ran = app.propose()
    assert (ran.json["proposed"]["state"], app.change().number != number) == ("opened", True)
    assert "it was not broken" in app.change().body
    app.repo.close(app.change().number, by="alice")

    for tag in run_git(app.world.repo.path, "tag", "--list", "churn#prod#*").split():
        run_git(app.world.repo.path, "tag", "--delete", tag)
    ran = app.propose()
    assert (ran.code, ran.json["proposed"]["state"]) == (6, "nothing"), ran.out + ran.err
    assert [one["code"] for one in ran.json["warnings"]] == ["pin-gone"]


def test_propose__of_one_pin__or_where_one_is_gone__takes_no_update_of_others_back(app: App) -> None:
    pins = json.loads(run_git(app.repo.path, "show", "main:tagline.lock"))
    pins["pins"]["fixed"] = {**pins["pins"]["churn"], "target": "churn@v0.1.0"}
    app.push("main", {"tagline.lock": json.dumps(pins)})
    move(app.world, "v0.2.0", BETTER)
    app.propose()
    first = app.change()

    # A dry run says what the real one does, and of which change: here the text lost what marks it.
    app.repo.edit(first.number, by="alice", body="Mine.")
    dry, ran = app.propose("--dry-run").json["proposed"], app.propose().json["proposed"]
    assert (dry, ran["state"], ran["change"]["number"]) == (ran, "updated", first.number)

    fixed = app.propose("fixed")
    assert (fixed.code, fixed.json["proposed"]["state"], app.change().number) == (0, "nothing", first.number)
    alone = app.propose("churn").json["proposed"]
    assert (alone["state"], re.fullmatch(f"{BRANCH}-churn-[0-9a-f]{{8}}", alone["branch"]) is not None) == (
        "opened",
        True,
    )
    assert (app.repo.change(first.number).state, app.repo.change(first.number).head) == ("open", first.head)
    app.repo.close(alone["change"]["number"], by="alice")

    for tag in run_git(app.world.repo.path, "tag", "--list", "churn#prod#*").split():
        run_git(app.world.repo.path, "tag", "--delete", tag)
    ran = app.propose()
    assert (ran.code, ran.json["proposed"]["state"]) == (6, "left-alone"), ran.out + ran.err
    assert app.change().number == first.number


def test_propose__by_a_token_that_may_not__exits_4_with_the_fix(app: App) -> None:
    move(app.world, "v0.2.0", BETTER)
    app.world.forge.token("reads", login="mallory")
    app.repo.grant("mallory", "read")
    ran = app.job("pin", "--propose", TAGLINE_TOKEN="reads")
    assert ran.code == 4, ran.out
    assert ran.json["error"]["hint"]
    assert app.repo.changes() == []

    # Refused when the branch is there already: the next run opens what this one could not.
    path = "/pulls$" if app.world.platform == "github" else "/merge_requests$"
    fault = fail_always(app.world.server, "POST", path, 403)
    ran = app.propose()
    assert (ran.code, ran.json["error"]["code"]) == (4, "change-not-opened"), ran.out
    assert BRANCH in app.repo.git.branches()
    fault.remove()
    # An answer that nobody heard opens no second one.
    lost = fail_once(app.world.server, "POST", path, "drop-after")
    ran = app.propose()
    assert (ran.code, ran.json["proposed"]["state"], lost.fired) == (0, "opened", 1), ran.out
    assert app.change().number == ran.json["proposed"]["change"]["number"]

    outside = app.world.run_cli("pin", "--propose", "--json", cwd=app.folder / "start")
    assert (outside.code, outside.json["error"]["code"]) == (2, "no-job")
