"""``pin``, ``outdated`` and ``fetch --locked`` as a consumer's repository runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.storage.test_fetch import FILES, MODEL, OLD, Registry, registry
from tests.conftest import CommandLine
from tests.support.gitbuild import run_git
from tests.support.githttp import GitServer, serve

__all__ = ["registry"]


@pytest.fixture
def url(registry: Registry, here: Path) -> str:
    """The registry by its URL; the test stands in the consumer's folder."""
    return f"file://{registry.path}"


def move_back(registry: Registry) -> None:
    """Prod goes back to the old version."""
    commit = run_git(registry.path, "rev-parse", "model@v1.0.0^{commit}").strip()
    run_git(registry.path, "tag", "-a", "-m", "back", "model#prod#3", commit)


def test_pin_and_fetch_locked__take_exactly_that__when_the_stage_moved(
    tagline: CommandLine, registry: Registry, url: str, here: Path
) -> None:
    document = tagline.json("pin", "model#prod", "--repo", url)
    lock = json.loads((here / "tagline.lock").read_text())
    assert lock == {"version": 1, "pins": document["pins"]}
    assert lock["pins"]["model"]["version"] == "v2.0.0"
    assert lock["pins"]["model"]["repository"] == url
    move_back(registry)
    assert tagline("fetch", "--locked", "model", "-o", "m").code == 0
    assert (here / "m").read_bytes() == MODEL
    said = tagline("outdated", "--json")
    assert said.code == 1
    (row,) = said.json["pins"]
    assert (row["state"], row["now"]["version"]) == ("moved", "v1.0.0")
    before = (here / "tagline.lock").read_bytes()
    assert tagline.json("pin", "--update", "--dry-run")["changed"][0]["name"] == "model"
    assert (here / "tagline.lock").read_bytes() == before
    assert "v2.0.0 -> v1.0.0" in tagline("pin", "--update").out
    assert tagline("outdated").code == 0
    assert tagline.json("pin", "--update", "model")["changed"] == []
    assert tagline("fetch", "--locked", "model", "-o", "m", "--force").code == 0
    assert (here / "m").read_bytes() == OLD


def test_pin__of_folders_and_files_in_git__is_fetched_and_kept_by_name(
    tagline: CommandLine, url: str, here: Path
) -> None:
    for name in ("data", "in-git", "part", "sub"):
        assert tagline("pin", f"{name}@v1.0.0", "--repo", url, "--as", f"my-{name}").code == 0
        assert tagline("fetch", "--locked", f"my-{name}", "-o", name).code == 0
    assert (here / "data" / "sub" / "b.txt").read_bytes() == FILES["sub/b.txt"]
    assert (here / "part").read_bytes() == FILES["sub/b.txt"]
    assert tagline("outdated").code == 0


def test_fetch_locked__where_the_tag_was_replaced__refuses_before_a_byte(
    tagline: CommandLine, registry: Registry, url: str, here: Path
) -> None:
    tagline("pin", "model#prod", "--repo", url)
    commit = run_git(registry.path, "rev-parse", "model#prod#2^{commit}").strip()
    run_git(registry.path, "tag", "-f", "-a", "-m", "other words", "model#prod#2", commit)
    said = tagline("fetch", "--locked", "model", "-o", "m", "--json")
    assert (said.code, said.json["error"]["code"]) == (5, "pin-differs")
    assert not (here / "m").exists()
    assert tagline("outdated").code == 1


@pytest.mark.parametrize("field", ["digest", "sha256", "commit"])
def test_fetch_locked__where_the_lock_says_otherwise__refuses(
    tagline: CommandLine, url: str, here: Path, field: str
) -> None:
    tagline("pin", "model#prod", "--repo", url)
    lock = json.loads((here / "tagline.lock").read_text())
    lock["pins"]["model"][field] = {"digest": f"md5:{'0' * 32}", "sha256": "0" * 64, "commit": "0" * 40}[field]
    (here / "tagline.lock").write_text(json.dumps(lock))
    said = tagline("fetch", "--locked", "model", "-o", "m", "--json")
    assert (said.code, said.json["error"]["code"]) == ((1, "wrong-sha256") if field == "sha256" else (5, "pin-differs"))
    assert not (here / "m").exists()


def test_outdated__of_a_pin_that_is_gone__exits_6(tagline: CommandLine, registry: Registry, url: str) -> None:
    tagline("pin", "model#prod", "--repo", url)
    for number in (1, 2):
        run_git(registry.path, "tag", "-d", f"model#prod#{number}")
    said = tagline("outdated", "--json")
    assert (said.code, said.json["pins"][0]["state"]) == (6, "gone")
    assert tagline("fetch", "--locked", "model", "-o", "m").code == 6
    assert tagline("pin", "--update").code == 6


def test_pin__without_a_repository_by_url__says_what_to_name(
    tagline: CommandLine, registry: Registry, url: str
) -> None:
    said = tagline("pin", "model#prod", "--repo", str(registry.path), "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "no-repository")
    assert tagline("pin").code == 2
    assert tagline("outdated").code == 6, "no lock"
    assert tagline("fetch", "--locked", "-o", "m").code == 2


@pytest.fixture
def private(registry: Registry, here: Path) -> Iterator[GitServer]:
    """The registry over HTTP, for those with a token."""
    with serve(registry.path.parent, password="s3cret") as running:
        yield running


def test_lock__that_names_another_host__gets_no_token(tagline: CommandLine, private: GitServer, here: Path) -> None:
    repo = f"{private.url}/shop.git"
    assert tagline("pin", "model#prod", "--repo", repo, TAGLINE_REPO_TOKEN="s3cret").code == 0
    for command in (["fetch", "--locked", "model", "-o", "m"], ["outdated"], ["pin", "--update"]):
        said = tagline(*command, TAGLINE_REPO_TOKEN="s3cret")
        assert said.code == 4, said
        assert "TAGLINE_REPO_HOST" in said.err
        assert "s3cret" not in said.out + said.err
        host = repo.split("/")[2]
        assert tagline(*command, TAGLINE_REPO_TOKEN="s3cret", TAGLINE_REPO_HOST=f"http://{host}").code == 0
    assert tagline("fetch", "--locked", "model", "-o", "n", "--repo", repo, TAGLINE_REPO_TOKEN="s3cret").code == 0
    said = tagline("fetch", "--locked", "model", "-o", "n", "--repo", f"{private.url}/other.git", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "other-repository")
