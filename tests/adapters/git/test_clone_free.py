"""A remote registry without a clone: few requests whatever its size, and the answers of a full clone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git
from tests.support.githttp import GitServer, serve

MANIFEST = "rf: {type: model, path: models/rf}\n"
MODEL = b"weights"
MD5 = hashlib.md5(MODEL).hexdigest()
POINTER = f"outs:\n- md5: {MD5}\n  size: {len(MODEL)}\n  hash: md5\n  path: big\n"


@pytest.fixture
def server(here: Path) -> Iterator[GitServer]:
    with serve(here / "served") as running:
        yield running


def publish(here: Path, history: History, *, filters: bool = True, name: str = "r") -> Path:
    """Make a repository that is served; the folder of it."""
    path = here / "served" / f"{name}.git"
    build(path, history, bare=True)
    if filters:
        run_git(path, "config", "uploadpack.allowFilter", "true")
    return path


def sized(tags: int = 2, commits: int = 1, artifacts: int = 1, files: dict[str, str] | None = None) -> History:
    """A registry of so many tags of ``rf``, commits, and artifacts."""
    others = "".join(f"other-{n}: {{type: model, path: models/rf}}\n" for n in range(1, artifacts))
    content = {"artifacts.yaml": MANIFEST + others, "models/rf": "one\n", **(files or {})}
    line = [Commit("c0", files=content)]
    line += [Commit(f"c{n}", (f"c{n - 1}",), {**content, "n": str(n)}, EPOCH + n) for n in range(1, commits)]
    versions = [Tag(f"rf@v0.0.{n}", f"c{n % commits}", EPOCH + n) for n in range(tags - 1)]
    last = f"c{(tags - 2) % commits}"
    more = [Tag(f"other-{n}@v0.0.1", "c0", EPOCH + 1) for n in range(1, artifacts)]
    tagged = (*versions, Tag("rf#prod#1", last, EPOCH + tags), *more)
    return History(tuple(line), tagged, {"main": line[-1].name})


def asked(server: GitServer, tagline: CommandLine, target: str = "rf#prod", **variables: str) -> tuple[int, Any]:
    """How many requests a resolve takes, and its document."""
    before = len(server.requests)
    document = tagline.json("resolve", target, "--repo", f"{server.url}/r.git", **variables)
    return len(server.requests) - before, document


SIZES = [{"tags": 2}, {"tags": 2_000}, {"tags": 400, "commits": 300}, {"tags": 2, "commits": 300}]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_resolve__any_size__the_same_few_requests(
    here: Path, server: GitServer, tagline: CommandLine, size: dict[str, int]
) -> None:
    publish(here, sized(**size))
    assert asked(server, tagline)[0] == 5
    assert asked(server, tagline)[0] == 2


@pytest.mark.parametrize("artifacts", [1, 500])
@pytest.mark.parametrize("content", ["one\n", "big\n" * 5_000])
def test_resolve__any_manifest_and_file__at_most_eight_requests(
    here: Path, server: GitServer, tagline: CommandLine, artifacts: int, content: str
) -> None:
    publish(here, sized(artifacts=artifacts, files={"models/rf": content, "data/large.bin": "x" * 100_000}))
    requests, document = asked(server, tagline)
    assert requests <= 8
    assert document["size"] == len(content)
    assert asked(server, tagline)[0] == 2


def test_resolve__pointer_of_dvc_and_large_manifest__comes_with_it(
    here: Path, server: GitServer, tagline: CommandLine
) -> None:
    stored = here / "store" / "files" / "md5" / MD5[:2] / MD5[2:]
    stored.parent.mkdir(parents=True)
    stored.write_bytes(MODEL)
    config = f"[core]\n    remote = here\n['remote \"here\"']\n    url = {here}/store\n"
    files = {
        "dir/artifacts.yaml": "big: {type: model, path: big}\n" + "# long\n" * 300,
        "dir/big.dvc": POINTER + "# long\n" * 300,
        ".dvc/config": config + "# long\n" * 300,
        **{f"data/{n}.dvc": POINTER for n in range(600)},
    }
    publish(here, History((Commit("c0", files=files),), (Tag("dir=big@v1.0.0", "c0"),)))
    requests, document = asked(server, tagline, "dir:big@latest")
    # Three are for the policy of the default branch, which says whether the store has moved.
    assert requests == 10
    assert document["version"] == "v1.0.0"


def test_tags__many__in_packed_refs_alone(here: Path, server: GitServer, tagline: CommandLine) -> None:
    publish(here, sized(tags=2_000))
    asked(server, tagline)
    cache = Path(os.environ["TAGLINE_CACHE"])
    assert [file for folder in cache.glob("*.git/refs") for file in folder.rglob("*") if file.is_file()] == []
    assert max(len(file.read_text().splitlines()) for file in cache.glob("*.git/packed-refs")) > 2_000


def test_tags__new_moved_and_gone__seen_with_three_requests(
    here: Path, server: GitServer, tagline: CommandLine
) -> None:
    origin = publish(here, sized(tags=100, commits=50))
    assert asked(server, tagline, "rf@latest")[1]["version"] == "v0.0.98"
    run_git(here, "clone", "--quiet", str(origin), "work")
    run_git(here / "work", "commit", "--quiet", "--allow-empty", "-m", "between")
    run_git(here / "work", "commit", "--quiet", "--allow-empty", "-m", "new")
    new = run_git(here / "work", "rev-parse", "HEAD").strip()
    run_git(here / "work", "tag", "-a", "-m", "new", "rf@v1.0.0")
    run_git(here / "work", "push", "--quiet", "origin", "HEAD", "rf@v1.0.0", ":refs/tags/rf@v0.0.98")
    requests, document = asked(server, tagline, "rf@greatest")
    assert (requests, document["commit"]) == (5, new)  # three for tags, two for the files of a new commit
    assert tagline("resolve", "rf@v0.0.98", "--repo", f"{server.url}/r.git").code == 6
    run_git(here / "work", "tag", "-f", "-a", "-m", "moved", "rf@v1.0.0", "HEAD~1")
    run_git(here / "work", "push", "--quiet", "--force", "origin", "rf@v1.0.0")
    moved = run_git(here / "work", "rev-parse", "HEAD~1").strip()
    assert asked(server, tagline, "rf@greatest")[1]["commit"] == moved


def test_writer__pushes_from_what_is_cached__and_git_brings_no_history_for_it(
    here: Path, server: GitServer, tagline: CommandLine
) -> None:
    origin = publish(here, sized(tags=20, commits=10))
    run_git(origin, "config", "http.receivepack", "true")
    asked(server, tagline)
    run_git(here, "clone", "--quiet", str(origin), "work")
    for number in range(5):
        run_git(here / "work", "commit", "--quiet", "--allow-empty", "-m", str(number))
    run_git(here / "work", "tag", "-a", "-m", "new", "rf@v1.0.0")
    run_git(here / "work", "push", "--quiet", "origin", "HEAD", "rf@v1.0.0")
    for stage in ("dev", "test"):
        tagline.json("assign", f"rf#{stage}", "--version", "v1.0.0", "--repo", f"{server.url}/r.git")
    asked(server, tagline)
    tagged = set(run_git(origin, "for-each-ref", "--format=%(*objectname)", "refs/tags").split())
    # And the record of each write, as it was fetched after it.
    assert kept(Path(os.environ["TAGLINE_CACHE"])) == {"commit": len(tagged) + 2, "tag": 23}


def kept(cache: Path) -> dict[str, int]:
    """How many objects of each type the cached repository of tags has."""
    (tags,) = [path for path in cache.glob("*.git") if run_git(path, "for-each-ref", "refs/tags")]
    types = run_git(tags, "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects").split()
    return {kind: types.count(kind) for kind in set(types)}


def test_cache__killed_in_the_middle_of_the_first_fetch__nothing_looks_finished(
    here: Path, server: GitServer, tagline: CommandLine
) -> None:
    publish(here, sized())
    cache = Path(os.environ["TAGLINE_CACHE"])
    for name in ("new-young", "new-old"):  # what such a run leaves
        build(cache / name, History(), bare=True)
    os.utime(cache / "new-old", (EPOCH, EPOCH))
    assert asked(server, tagline)[1]["version"] == "v0.0.0"
    assert (cache / "new-young").exists()
    assert not (cache / "new-old").exists()


def test_cache__every_object_damaged__heals(here: Path, server: GitServer, tagline: CommandLine) -> None:
    publish(here, sized(files={"models/rf": "large\n" * 500}))
    first = asked(server, tagline)[1]
    for path in Path(os.environ["TAGLINE_CACHE"]).glob("*.git/objects/**/*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"")
    assert asked(server, tagline)[1] == first


def test_tags__all_gone_and_back__as_the_remote_has_them(here: Path, server: GitServer, tagline: CommandLine) -> None:
    origin = publish(here, sized(tags=3))
    asked(server, tagline)
    (origin / "refs").rename(origin / "away")
    (origin / "refs" / "heads").mkdir(parents=True)
    assert tagline("resolve", "rf#prod", "--repo", f"{server.url}/r.git").code == 6
    (origin / "refs" / "heads").rmdir()
    (origin / "refs").rmdir()
    (origin / "away").rename(origin / "refs")
    assert asked(server, tagline)[1]["version"] == "v0.0.1"


@pytest.mark.parametrize("setting", ["allow", "object:type.allow"])
def test_server__without_a_filter_that_we_use__the_same_answers(
    here: Path, server: GitServer, tagline: CommandLine, setting: str
) -> None:
    """As servers do that allow only the filters which are cheap to them."""
    origin = publish(here, sized(tags=60, commits=50))
    run_git(origin, "config", f"uploadpackfilter.{setting}", "false")
    for kind in ("tree", "blob:none"):
        run_git(origin, "config", f"uploadpackfilter.{kind}.allow", "true")
    first = asked(server, tagline)[1]
    run_git(origin, "tag", "-d", "rf@v0.0.3")
    run_git(origin, "tag", "-a", "-m", "new", "rf#dev#2", "rf#prod#1^{}")
    for _ in range(2):
        requests, document = asked(server, tagline)
        assert {**document, "warnings": []} == {**first, "warnings": []}
    assert requests == 3


def test_branches_of_the_remote__are_not_kept(here: Path, server: GitServer, tagline: CommandLine) -> None:
    publish(here, sized())
    asked(server, tagline)
    for cached in Path(os.environ["TAGLINE_CACHE"]).glob("*.git"):
        assert run_git(cached, "for-each-ref", "refs/heads") == ""


# -- the same cases both ways ------------------------------------------------------------------

FILES = {
    "artifacts.yaml": MANIFEST + "folder: {type: data, path: data}\nvirtual: {type: model, path: 's3://b/k'}\n",
    "models/rf": "one\n",
    "data/a": "1",
    "data/b/c": "22",
    "team/x/artifacts.yaml": "nested: {type: model, path: m}\nlarge: {type: model, path: l}\n" + "# \n" * 900,
    "team/x/m": "m",
    "team/x/l": "l" * 9_000,
}
COMMITS = (
    Commit("c0", files=FILES),
    Commit("c1", ("c0",), {**FILES, "models/rf": "two\n"}, EPOCH + 10),
    Commit("bare", ("c1",), {"readme": "no manifest"}, EPOCH + 20),
    Commit("broken", ("bare",), {**FILES, "artifacts.yaml": "rf: {type: model\n - }"}, EPOCH + 30),
    Commit("aside", ("c0",), {**FILES, "models/rf": "aside\n"}, EPOCH + 40),
)
TAGS = (
    Tag("rf@v1.0.0", "c0", EPOCH + 50),
    Tag("rf@v2.0.0", "c1", EPOCH + 51),
    Tag("rf#prod#1", "c0", EPOCH + 52),
    Tag("rf#prod#2", "c1", EPOCH + 53),
    Tag("rf#prod#3", "c0", EPOCH + 54, message="Rolling back\n\nChange: https://x/1\n"),
    Tag("rf@v3.0.0", "aside", EPOCH + 55),
    Tag("rf#test#4", "aside", EPOCH + 55),
    Tag("rf@v2.0.0!", "c1", EPOCH + 56),
    Tag("rf@v4.0.0", "bare", EPOCH + 57),
    Tag("rf@v5.0.0", "broken", EPOCH + 58),
    Tag("rf#dev#5", "c0", EPOCH + 59),
    Tag("rf#dev#6", "c1", EPOCH + 59),
    Tag("folder@v1.0.0", "c0", EPOCH + 60),
    Tag("virtual@v1.0.0", "c0", EPOCH + 60),
    Tag("team/x=nested@v1.0.0", "c0", EPOCH + 61),
    Tag("team/x=large@v1.0.0", "c0", EPOCH + 61),
    Tag("rf@v6.0.0", "tag:rf@v1.0.0", EPOCH + 62),
    Tag("rf@v7.0.0", "tree:c0", EPOCH + 63),
    Tag("gone@v1.0.0", "c0", EPOCH + 64),
    Tag("gone@deprecated", "c0", EPOCH + 65),
)
QUESTIONS = [
    "rf", "rf#prod", "rf#test", "rf#dev", "rf@v1.0.0", "rf@v2.0.0", "rf@v3.0.0", "rf@v4.0.0", "rf@v5.0.0", "rf@v6.0.0",
    "rf@v7.0.0", "rf@latest", "rf@greatest", "folder@latest", "virtual@latest", "team/x:nested@latest",
    "team/x:large@latest", "gone@latest", "nobody@latest", "rf#nowhere",
]  # fmt: skip


@pytest.mark.parametrize("filters", [True, False], ids=["filtering", "plain"])
def test_resolve__every_case__as_in_a_full_clone(
    here: Path, server: GitServer, tagline: CommandLine, filters: bool
) -> None:
    publish(here, History(COMMITS, TAGS, {"main": "broken"}), filters=filters)
    url = f"{server.url}/r.git"
    run_git(here, "clone", "--quiet", url, "clone")
    for target in QUESTIONS:
        local = tagline("resolve", target, "--json", "--repo", f"{here}/clone")
        for _ in range(2):  # cold and from the cache
            before = len(server.requests)
            remote = tagline("resolve", target, "--json", "--repo", url)
            assert len(server.requests) - before <= 8
            assert (remote.code, same(remote.json)) == (local.code, same(local.json)), target


def same(document: dict[str, Any]) -> dict[str, Any]:
    """A document without the size of folders, for which all files would have to be fetched."""
    return document | {"size": None} if str(document.get("digest", "")).startswith("gittree:") else document
