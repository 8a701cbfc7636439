"""``pin``, ``outdated`` and ``fetch --locked`` as a consumer's repository runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tagline as package
from tagline import Conflict, TaglineError, WrongBytes, WrongUsage
from tests.commands.storage.test_fetch import FILES, MODEL, OLD, Registry, key, md5, registry, tree
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


def test_fetch_locked__of_other_bytes__refuses_and_writes_nothing(
    tagline: CommandLine, registry: Registry, url: str, here: Path
) -> None:
    tagline("pin", "model#prod", "--repo", url)
    tagline("pin", "data@v1.0.0", "--repo", url)
    for data, name, put, code in (
        (MODEL, "model", MODEL[:-1] + b"!", "wrong-bytes"),
        (MODEL, "model", MODEL + b"!", "wrong-size"),
        (FILES["a.txt"], "data", b"eve", "wrong-bytes"),
    ):
        registry.s3.put(registry.bucket, key(md5(data)), put)
        said = tagline("fetch", "--locked", name, "-o", "out/m", "--json")
        assert (said.code, said.json["error"]["code"]) == (1, code), said.err
        with pytest.raises(WrongBytes):
            package.fetch(name, "out/m", lock="tagline.lock")
        assert not (here / "out" / "m").exists()
        assert put not in tree(here).values()


def test_fetch_locked__of_a_version_that_was_withdrawn_or_a_tag_that_moved__as_documented(
    tagline: CommandLine, registry: Registry, url: str, here: Path
) -> None:
    for target, name in (("model@v1.0.0", "by-version"), ("model#prod", "by-stage")):
        tagline("pin", target, "--repo", url, "--as", name)
    # Withdrawn: the pin names it still, with a warning; its target is gone.
    commit = run_git(registry.path, "rev-parse", "model@v1.0.0^{commit}").strip()
    run_git(registry.path, "tag", "-a", "-m", "withdrawn", "model@v1.0.0!", commit)
    said = tagline("fetch", "--locked", "by-version", "-o", "old", "--json")
    assert (said.code, [one["code"] for one in said.json["warnings"]]) == (0, ["deregistered"]), said.out
    assert (here / "old").read_bytes() == OLD
    said = tagline("outdated", "--json")
    assert (said.code, [one["code"] for one in said.json["warnings"]]) == (0, ["deregistered"]), said.out
    assert "withdrawn" in tagline("outdated").err
    # Moved to another commit, by force.
    run_git(registry.path, "tag", "-f", "-a", "-m", "moved", "model#prod#2", commit)
    said = tagline("fetch", "--locked", "by-stage", "-o", "new", "--json")
    assert (said.code, said.json["error"]["code"]) == (5, "pin-differs")
    with pytest.raises(Conflict):
        package.fetch("by-stage", "new", lock="tagline.lock")
    assert not (here / "new").exists()
    run_git(registry.path, "tag", "-d", "model#prod#2")
    said = tagline("fetch", "--locked", "by-stage", "-o", "new", "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "unknown-tag")


def test_lock__that_is_none__is_refused_by_command_and_function(tagline: CommandLine, url: str, here: Path) -> None:
    tagline("pin", "model#prod", "--repo", url)
    good = (here / "tagline.lock").read_text()
    for text, name, code in (
        ("{", "model", "bad-lock"),
        ('{"version": 2, "pins": {}}', "model", "bad-lock"),
        (good.replace('"md5:', '"../'), "model", "bad-lock"),
        (good.replace('"commit": "', '"commit": "--upload-pack='), "model", "bad-lock"),
        (good, "modle", "not-pinned"),
    ):
        (here / "tagline.lock").write_text(text)
        said = tagline("fetch", "--locked", name, "-o", "m", "--json")
        with pytest.raises(TaglineError) as caught:
            package.fetch(name, "m", lock=here / "tagline.lock")
        assert said.json["error"]["code"] == caught.value.code == code
        assert said.code == caught.value.exit_code
    assert caught.value.hint == "Did you mean model? Pin it: tagline pin modle#STAGE --repo URL"
    assert not (here / "m").exists()


def test_lock__that_names_another_host__sends_it_no_token(
    tagline: CommandLine, registry: Registry, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(registry.path.parent, password="s3cret") as good, serve(registry.path.parent) as other:
        monkeypatch.setenv("TAGLINE_REPO_TOKEN", "s3cret")
        assert tagline("pin", "model#prod", "--repo", f"{good.url}/shop.git").code == 0
        lock = (here / "tagline.lock").read_text()
        (here / "tagline.lock").write_text(lock.replace(good.url, other.url))
        good.headers.clear()
        for host in ("", good.url):  # named by nobody, and named as another
            monkeypatch.setenv("TAGLINE_REPO_HOST", host) if host else None
            assert tagline("fetch", "--locked", "model", "-o", "m").code == 0, "it asks for none"
            assert tagline("outdated", "--markdown").code == 0
            assert tagline("pin", "--update").code == 0
            assert package.fetch("model", lock="tagline.lock").read_bytes() == MODEL
        # Named as another repository than the lock's: nothing is asked of either.
        seen = len(other.headers)
        said = tagline("fetch", "--locked", "model", "-o", "n", "--repo", f"{good.url}/shop.git", "--json")
        assert (said.code, said.json["error"]["code"]) == (2, "other-repository")
        with pytest.raises(WrongUsage, match="names"):
            package.fetch("model", "n", f"{good.url}/shop.git", lock="tagline.lock", token="s3cret")
        with pytest.raises(WrongUsage, match="URL"):
            package.fetch("model", "n", lock="tagline.lock", token="s3cret")
        assert (good.headers, len(other.headers)) == ([], seen)
        assert seen > 0
        assert not [one for one in other.headers if "authorization" in one.lower()]
        # To the host that the lock names by the caller's word it goes.
        (here / "tagline.lock").write_text(lock)
        monkeypatch.delenv("TAGLINE_REPO_HOST")
        monkeypatch.delenv("TAGLINE_REPO_TOKEN")
        path = package.fetch("model", here / "n", f"{good.url}/shop", lock="tagline.lock", token=lambda: "s3cret")
        assert path.read_bytes() == MODEL


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
