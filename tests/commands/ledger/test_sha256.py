"""Repositories whose object ids are SHA-256: read, fetched and written everywhere, and what is cached of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import run_git
from tests.support.githttp import GitServer, serve

MODEL = "one\n"


@pytest.fixture
def server(here: Path) -> Iterator[GitServer]:
    with serve(here / "served") as running:
        yield running


def make(path: Path, object_format: str = "sha256", versions: int = 1) -> Path:
    """A registry with ``churn`` in prod, its work tree checked out."""
    path.mkdir(parents=True)
    run_git(path, "init", "--quiet", "--initial-branch=main", f"--object-format={object_format}")
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant", "http.receivepack"):
        run_git(path, "config", name, "true")
    (path / "models").mkdir()
    (path / "artifacts.yaml").write_text("churn: {type: model, path: models/churn.pkl}\n")
    for number in range(versions):
        (path / "models" / "churn.pkl").write_text(MODEL * (number + 1))
        run_git(path, "add", "-A")
        run_git(path, "commit", "--quiet", "-m", str(number))
        run_git(path, "tag", "-a", "-m", "m", f"churn@v1.{number}.0")
        run_git(path, "tag", "-a", "-m", "m", f"churn#prod#{number + 1}")
    return path


def address(path: Path, server: GitServer, how: str) -> str:
    """The repository by its path, by ``file://``, or by HTTP."""
    by_http = f"{server.url}/{path.name}/.git"
    return {"path": str(path), "file": path.as_uri(), "http": by_http}[how]


HOW = pytest.mark.parametrize("how", ["path", "file", "http"])


@HOW
def test_reading__sha256__each_command_answers_and_answers_again(
    here: Path, server: GitServer, tagline: CommandLine, how: str
) -> None:
    path = make(here / "served" / "r")
    repo = address(path, server, how)
    head = run_git(path, "rev-parse", "HEAD").strip()
    blob = run_git(path, "rev-parse", "HEAD:models/churn.pkl").strip()
    for round_ in range(2):
        assert tagline.json("show", "churn#prod", "--repo", repo)["commit"] == head
        assert tagline.json("show", "--repo", repo)["artifacts"]["churn"]["latest"] == "v1.0.0"
        resolved = tagline.json("resolve", "churn#prod", "--repo", repo)
        assert (resolved["commit"], resolved["digest"], resolved["size"]) == (head, f"gitblob:{blob}", len(MODEL))
        target = here / f"out{round_}"
        tagline.json("fetch", "churn#prod", "--repo", repo, "-o", str(target))
        assert target.read_text() == MODEL
        assert len(tagline.json("history", "--repo", repo)["events"]) == 2
        assert tagline("validate", "--repo", repo).code == 0
        assert tagline.json("lineage", "churn", "--repo", repo)
    run_git(path, "commit", "--quiet", "--allow-empty", "-m", "next")
    run_git(path, "tag", "-a", "-m", "m", "churn@v1.1.0")
    assert tagline.json("show", "churn@latest", "--repo", repo)["version"] == "v1.1.0"


@HOW
def test_writing__sha256__tags_and_chain_are_as_with_sha1(
    here: Path, server: GitServer, tagline: CommandLine, how: str
) -> None:
    path = make(here / "served" / "r")
    run_git(path, "commit", "--quiet", "--allow-empty", "-m", "next")
    repo = address(path, server, how)
    head = run_git(path, "rev-parse", "HEAD").strip()
    made = tagline.json("register", "churn", "--repo", repo, "--bump", "minor")
    assert [(tag["tag"], tag["commit"]) for tag in made["tags"]] == [("churn@v1.1.0", head)]
    tagline.json("assign", "churn#prod", "--version", "v1.1.0", "--repo", repo)
    tagline.json("rollback", "churn#prod", "--repo", repo)
    assert tagline.json("show", "churn#prod", "--repo", repo)["version"] == "v1.0.0"
    run_git(path, "fsck", "--strict", "--no-dangling")
    if how != "path":
        assert run_git(path, "rev-list", "--count", "refs/tagline/churn@guard").strip() == "3"


def test_clones__sha256__full_shallow_and_partial_write_through_to_the_remote(
    here: Path, server: GitServer, tagline: CommandLine
) -> None:
    path = make(here / "served" / "r", versions=3)
    run_git(path, "commit", "--quiet", "--allow-empty", "-m", "next")
    url = address(path, server, "http")
    for number, kind in enumerate(("--quiet", "--depth=1", "--filter=blob:none")):
        clone = here / f"clone{number}"
        run_git(here, "clone", "--quiet", kind, url, str(clone))
        made = tagline("assign", "churn#prod", "--version", f"v1.{number}.0", "--push", cwd=clone)
        assert made.code == 0, made.err
        assert tagline.json("show", "churn#prod", "--repo", url)["version"] == f"v1.{number}.0"
        run_git(clone, "fetch", "--quiet", "--tags", "--force", "origin")
        tagline.json("fetch", "churn#prod", "-o", str(here / f"bytes{number}"), cwd=clone)
        assert (here / f"bytes{number}").read_text() == MODEL * (number + 1)


@pytest.mark.parametrize(("first", "then"), [("sha1", "sha256"), ("sha256", "sha1")])
@pytest.mark.parametrize("how", ["file", "http"])
def test_caches__the_remote_was_made_anew_with_other_ids__answer_what_is_there_now(
    here: Path, server: GitServer, tagline: CommandLine, how: str, first: str, then: str
) -> None:
    path = make(here / "served" / "r", first)
    repo = address(path, server, how)
    tagline.json("fetch", "churn#prod", "--repo", repo, "-o", "old")
    tagline.json("register", "churn", "--version", "v1.0.0", "--repo", repo)
    assert tagline("validate", "--repo", repo).code == 0
    shutil.rmtree(path)
    make(path, then, versions=2)
    assert tagline("validate", "--repo", repo).code == 0
    assert tagline.json("fetch", "churn#prod", "--repo", repo, "-o", "new")["version"] == "v1.1.0"
    assert Path("new").read_text() == MODEL * 2
    assert tagline.json("register", "churn", "--version", "v1.1.0", "--repo", repo)["tags"][0]["created"] is False


def test_cache__of_a_release_that_forgot_the_algorithm__is_made_anew(
    here: Path, server: GitServer, tagline: CommandLine
) -> None:
    path = make(here / "served" / "r")
    repo = path.as_uri()
    cache = here / "cache"
    tagline.json("fetch", "churn#prod", "--repo", repo, "-o", "old", TAGLINE_CACHE=str(cache))
    configs = list(cache.glob("*.git/config"))
    assert configs
    for config in configs:
        config.write_text(config.read_text().replace("\tobjectFormat = sha256\n", ""))
    assert tagline.json("show", "--repo", repo, TAGLINE_CACHE=str(cache))["artifacts"]["churn"]["latest"] == "v1.0.0"
    assert tagline.json("resolve", "churn#prod", "--repo", repo, TAGLINE_CACHE=str(cache))["version"] == "v1.0.0"
