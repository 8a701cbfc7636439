"""A project with pipelines that real DVC ran, on a local forge: four versions, each by a reviewed change."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from tagline.cli.main import main
from tagline_localforge import LocalForge, serve
from tests.commands.changes.world import World as Shop
from tests.commands.lineage.pipeline_files import FILES, OTHER_EVALUATE, OTHER_PARAMS, OTHER_TRAIN, POLICY, raw_rows
from tests.conftest import Said
from tests.oracle.dvc_world import in_dvc, surroundings, write
from tests.support.gitbuild import run_git

VERSIONS = ("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0")
#: What of the sub-folder is registered, and with which version of the model it was made.
SUB_VERSIONS = {"v1.0.0": "v1.0.0", "v2.0.0": "v1.2.0"}


@dataclass
class World:
    """The clone at ``root``, where DVC works; ``bare`` is the forge's repository, ``source`` one it imports from."""

    base: Path
    commits: dict[str, str] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.base / "shop/clone"

    @property
    def bare(self) -> Path:
        return self.base / "shop/forge/org/shop.git"

    @property
    def source(self) -> Path:
        return self.base / "source"

    @property
    def holidays(self) -> Path:
        return self.base / "elsewhere/holidays.csv"

    @property
    def home(self) -> Path:
        return self.base / "home"

    def git(self, *arguments: str) -> str:
        return run_git(self.root, *arguments).strip()

    def clone(self, folder: Path, at: str = "main") -> World:
        """A clone of its own, with DVC's files in place by the same cache: a test may write there."""
        own = World(folder, dict(self.commits), dict(self.changes))
        own.root.parent.mkdir(parents=True)
        run_git(folder, "clone", "--quiet", str(self.bare), str(own.root))
        own.git("checkout", "--quiet", at)
        write(own.root / ".dvc/config.local", f"[cache]\ndir = {self.root}/.dvc/cache\n")
        with surroundings(self.home):
            in_dvc(own.root, lambda repo: repo.checkout(force=True))
        return own


def run_cli(*arguments: str, cwd: Path, **variables: str) -> Said:
    """The command line in this process, where no test's fixtures are at hand yet."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments), {**os.environ, "TAGLINE_DEBUG": "1", **variables})
    return Said(int(code), out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _shop(world: World) -> Iterator[Shop]:
    folder = world.base / "shop"
    folder.mkdir()
    forge = LocalForge(folder / "forge")
    repo = forge.repository("org/shop")
    for login, role in {"alice": "admin", "bob": "write", "carol": "write"}.items():
        repo.grant(login, role)
        forge.token(f"{login}-token", login=login)
    forge.token("app", kind="app")
    with serve(forge) as server:
        yield Shop("github", forge, repo, server, folder, run_cli)
        assert server.failures == []


def build_pipeline_world(base: Path) -> World:
    """Everything, by real DVC and by changes on the forge."""
    world = World(base)
    with surroundings(world.home), _shop(world) as shop:
        os.environ["TAGLINE_CACHE"] = str(world.home / "cache")
        _elsewhere(world)
        shop.start({"README.md": "a shop\n"}, POLICY)
        _first(world)
        _version(world, shop, "v1.0.0", "stage:staging")
        _promote(world, shop, "v1.0.0")
        write(world.root / "params.yaml", OTHER_PARAMS)
        _version(world, shop, "v1.1.0", "stage:staging")
        _promote(world, shop, "v1.1.0")
        write(world.root / "data/raw.csv", raw_rows(200, 3))
        write(world.holidays, "1\n2\n3\n")
        in_dvc(world.root, lambda repo: (repo.add("data/raw.csv"), repo.update(["data/shops.csv.dvc"], rev="v2")))
        in_dvc(world.root, lambda repo: repo.update(["data/holidays.csv.dvc"]))
        _version(world, shop, "v1.2.0", "stage:staging")
        write(world.root / "src/train.py", OTHER_TRAIN)
        write(world.root / "src/evaluate.py", OTHER_EVALUATE)
        write(world.root / "src/common/more.py", "MORE = 1\n")
        _version(world, shop, "v1.3.0")
        world.git("fetch", "--quiet", "--tags", "origin")
        world.git("checkout", "--quiet", "main")
        world.git("reset", "--quiet", "--hard", "origin/main")
        del os.environ["TAGLINE_CACHE"]
    return world


def _elsewhere(world: World) -> None:
    """A second repository with two revisions, and a file that no repository has."""
    source = world.source
    source.mkdir()
    run_git(source, "init", "--quiet", "--initial-branch=main")
    Repo.init(str(source)).close()
    write(source / ".dvc/config", f"[core]\nremote = r\n['remote \"r\"']\nurl = {world.base}/source-store\n")
    for number, tag in enumerate(("v1", "v2")):
        write(source / "tables/shops.csv", raw_rows(20, 40 + number))
        in_dvc(source, lambda repo: (repo.add("tables/shops.csv"), repo.push()))
        run_git(source, "add", "--all")
        run_git(source, "commit", "--quiet", "--message", tag)
        run_git(source, "tag", tag)
    write(world.holidays, "1\n2\n")


def _first(world: World) -> None:
    root = world.root
    Repo.init(str(root)).close()
    write(
        root / ".dvc/config",
        f"[core]\nremote = store\nanalytics = false\n['remote \"store\"']\nurl = {world.base}/store\n",
    )
    for name, text in FILES.items():
        write(root / name, text)
    write(root / "data/raw.csv", raw_rows(120, 1))

    def act(repo: Any) -> None:
        repo.add("data/raw.csv")
        repo.imp(str(world.source), "tables/shops.csv", out="data/shops.csv", rev="v1")
        repo.imp_url(str(world.holidays), out="data/holidays.csv")

    in_dvc(root, act)


def _version(world: World, shop: Shop, version: str, *labels: str) -> None:
    """Run the pipelines, and merge what came of it as a change that asks for a version."""
    branch = f"make-{version}"
    world.git("checkout", "--quiet", "-b", branch)
    in_dvc(world.root, lambda repo: (repo.reproduce(all_pipelines=True, pull=False), repo.push()))
    world.git("add", "--all")
    world.git("commit", "--quiet", "--message", f"Make {version}")
    world.git("push", "--quiet", "origin", branch)
    asked = (f"version:churn@{version}", *(label.replace("stage:", "stage:churn#") for label in labels))
    number = _merge(shop, branch, *asked)
    world.changes[version] = number
    world.git("fetch", "--quiet", "--tags", "origin")
    world.git("checkout", "--quiet", "main")
    world.git("reset", "--quiet", "--hard", "origin/main")
    world.commits[version] = world.git("rev-parse", "HEAD")
    shop.admin("register", "customers", "--version", version, "--rev", world.commits[version])
    for own, made in SUB_VERSIONS.items():
        if made == version:
            shop.admin("register", "sub:report", "--version", own, "--rev", world.commits[version])


def _merge(shop: Shop, branch: str, *labels: str) -> int:
    number = int(shop.repo.open_change(author="alice", source=branch, target="main", title=branch).number)
    for label in labels:
        shop.repo.label(number, label, by="alice")
    # What is approved within two minutes of another tag counts for nothing.
    shop.repo.forge.pass_time(180)
    shop.approve(number, by="bob")
    shop.merge(number)
    done = shop.promote(number)
    assert done.code == 0, (done.out, done.err)
    return number


def _promote(world: World, shop: Shop, version: str) -> None:
    """A change of nothing, which moves a version on to production."""
    branch = f"promote-{version}"
    world.git("checkout", "--quiet", "-b", branch)
    world.git("commit", "--quiet", "--allow-empty", "--message", f"Promote {version}")
    world.git("push", "--quiet", "origin", branch)
    _merge(shop, branch, f"stage:churn@{version}#prod")
    world.git("checkout", "--quiet", "main")
    world.git("pull", "--quiet", "--ff-only", "origin", "main")
