"""The chain of an artifact on its remote: a commit a write, whatever stood there before, and no request more for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tagline.domain.ledger.records import MAX_RECORD
from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, build, environment, run_git
from tests.support.githttp import serve

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "record.schema.json").read_text())
GUARD = "refs/tagline/rf@guard"


@pytest.fixture
def origin(here: Path) -> Path:
    """A remote without a tag, to write to."""
    path = here / "served" / "shop.git"
    build(
        path, History((Commit("c0"), Commit("c1", ("c0",)), Commit("c2", ("c1",))), branches={"main": "c2"}), bare=True
    )
    for key in ("uploadpack.allowFilter", "http.receivepack"):
        run_git(path, "config", key, "true")
    return path


@pytest.fixture
def write(origin: Path, here: Path, tagline: CommandLine) -> Callable[..., Any]:
    """Runs a writing command against the remote, each with a cache of its own unless it names one."""
    made = iter(range(1000))

    def run(*arguments: str, cache: str | None = None, repo: str | None = None) -> Any:
        variables = {"TAGLINE_CACHE": str(here / (cache or f"cache{next(made)}"))}
        return tagline.json(*arguments, "--push", "--repo", repo or origin.as_uri(), **variables)

    return run


def records(origin: Path, ref: str = GUARD) -> list[dict[str, Any]]:
    """The records of a chain, oldest first, each as its own file says."""
    commits = run_git(origin, "rev-list", "--reverse", ref).split()
    found = []
    for commit in commits:
        assert run_git(origin, "ls-tree", "-r", "--name-only", commit).split() == ["record.json"]
        found.append(json.loads(run_git(origin, "show", f"{commit}:record.json")))
        jsonschema.validate(found[-1], SCHEMA)
        assert json.loads(run_git(origin, "show", "-s", "--format=%b", commit)) == found[-1]
    return found


def tag_ids(origin: Path) -> dict[str, str]:
    lines = run_git(origin, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/tags").splitlines()
    return dict(line.split(" ") for line in lines)


def test_chain__of_three_writes__has_a_record_of_each_on_top_of_the_one_before(
    origin: Path, write: Callable[..., Any]
) -> None:
    commit = run_git(origin, "rev-parse", "main~1").strip()
    write("register", "rf", "--version", "v1.0.0", "--rev", commit)
    write("assign", "rf#prod", "--version", "v1.0.0")
    write("assign", "rf#dev", "--version", "v1.0.0")
    found = records(origin)
    names = [[tag["tag"] for tag in record["tags"]] for record in found]
    assert names == [["rf@v1.0.0"], ["rf#prod#1"], ["rf#dev#2"]]
    assert {tag["tag"]: tag["tag_object"] for record in found for tag in record["tags"]} == tag_ids(origin)
    assert {tag["commit"] for record in found for tag in record["tags"]} == {commit}
    assert [(record["kind"], record["change"], record["actor"]["name"]) for record in found] == [
        ("write", None, "Ada")
    ] * 3
    assert [len(run_git(origin, "show", "-s", "--format=%P", GUARD + "~" * n).split()) for n in range(3)] == [1, 1, 0]
    run_git(origin, "fsck", "--strict", "--no-dangling")


def test_guard__of_the_old_form__becomes_the_first_record(origin: Path, write: Callable[..., Any]) -> None:
    write("register", "rf", "--version", "v1.0.0")
    old = tag_ids(origin)["rf@v1.0.0"]
    run_git(origin, "update-ref", GUARD, old)
    write("assign", "rf#prod", "--version", "v1.0.0")
    first, second = records(origin)
    assert (first["kind"], second["kind"]) == ("adopted", "write")
    assert first["tags"] == [
        {"tag": "rf@v1.0.0", "tag_object": old, "commit": run_git(origin, "rev-parse", "main").strip()}
    ]
    tagged_at = run_git(
        origin, "for-each-ref", "--format=%(taggerdate:format:%Y-%m-%dT%H:%M:%SZ)", "refs/tags/rf@v1.0.0"
    )
    assert first["time"] == tagged_at.strip()
    assert first["actor"]["email"] == "ada@example.com"


def _blob(origin: Path) -> str:
    (origin / "blob").write_text("no record")
    return run_git(origin, "hash-object", "-w", str(origin / "blob")).strip()


def _commit(origin: Path, content: bytes, message: str = "x") -> str:
    (origin / "content").write_bytes(content)
    blob = run_git(origin, "hash-object", "-w", str(origin / "content")).strip()
    run_git(origin, "read-tree", "--empty")
    run_git(origin, "update-index", "--add", "--cacheinfo", f"100644,{blob},record.json")
    tree = run_git(origin, "write-tree").strip()
    (origin / "message").write_text(message)
    return run_git(origin, "commit-tree", "-F", str(origin / "message"), tree).strip()


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(_blob, id="a-blob"),
        pytest.param(lambda origin: run_git(origin, "rev-parse", "main").strip(), id="a-commit-of-the-code"),
        pytest.param(lambda origin: run_git(origin, "rev-parse", "main^{tree}").strip(), id="a-tree"),
        pytest.param(lambda origin: _commit(origin, b"{" * 10_000), id="what-is-no-record"),
        pytest.param(lambda origin: _commit(origin, b"{}", "x" * (2 * MAX_RECORD)), id="an-endless-message"),
    ],
)
def test_guard__that_somebody_moved_elsewhere__stops_nobody(
    origin: Path, write: Callable[..., Any], forge: Callable[[Path], str]
) -> None:
    write("register", "rf", "--version", "v1.0.0")
    run_git(origin, "update-ref", GUARD, forge(origin))
    document = write("assign", "rf#prod", "--version", "v1.0.0")
    assert document["pushed"]
    assert set(tag_ids(origin)) == {"rf@v1.0.0", "rf#prod#1"}
    last = json.loads(run_git(origin, "show", f"{GUARD}:record.json"))
    assert [tag["tag"] for tag in last["tags"]] == ["rf#prod#1"]
    write("assign", "rf#dev", "--version", "v1.0.0")
    run_git(origin, "fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("clone", ["none", "full", "--depth=1", "--filter=tree:0"])
def test_requests__of_a_write_on_a_chain_that_others_went_on_with__are_those_of_the_tags_alone(
    origin: Path, here: Path, write: Callable[..., Any], clone: str
) -> None:
    """Neither records nor what lies before them are fetched: not by a cache that is behind, nor by git's own push.

    Only a partial clone's git asks, in one fetch, for the one record before the newest.
    """
    write("register", "rf", "--version", "v1.0.0")
    with serve(origin.parent) as server:
        url = repo = f"{server.url}/shop.git"
        if clone != "none":
            options = [] if clone == "full" else [clone]
            run_git(here, "clone", "--quiet", "--no-checkout", *options, url, "clone")
            repo = str(here / "clone")
        counts = []
        for number in range(3):
            write("assign", f"rf#a{number}", "--version", "v1.0.0")
            write("assign", f"rf#b{number}", "--version", "v1.0.0")
            before = len(server.requests)
            write("assign", f"rf#c{number}", "--version", "v1.0.0", cache="kept", repo=repo)
            counts.append([path.rpartition("/")[2] for _, path, _ in server.requests[before:]])
    # The tags, the policy of the default branch, the names that a new stage might be a slip of, the push.
    tags = ["refs?service=git-upload-pack", "git-upload-pack", "git-upload-pack"]
    more = tags[:2] if "filter" in clone else []
    names = tags[:2]
    read = [*tags, *tags, *names] if clone == "none" else [*tags, *names, *tags]
    assert counts == [[*read, "refs?service=git-receive-pack", *more, "git-receive-pack"]] * 3
    assert len(records(origin)) == 10


def test_cache__after_many_writes__holds_no_record_but_the_newest_seen(
    origin: Path, here: Path, write: Callable[..., Any]
) -> None:
    write("register", "rf", "--version", "v1.0.0")
    for number in range(4):
        write("assign", f"rf#a{number}", "--version", "v1.0.0")
    write("assign", "rf#last", "--version", "v1.0.0", cache="kept")
    (tags,) = [p for p in (here / "kept").glob("*.git") if run_git(p, "for-each-ref", "refs/tagline")]
    types = run_git(tags, "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects").split()
    assert (types.count("commit"), types.count("tree"), types.count("blob")) == (2, 0, 0)
    assert os.environ["TAGLINE_CACHE"] != str(here / "kept")


def test_backup__as_documented__has_the_chains_and_a_plain_clone_has_not(
    origin: Path, here: Path, write: Callable[..., Any], tagline: CommandLine
) -> None:
    write("register", "rf", "--version", "v1.0.0", "--rev", "main")
    run_git(origin, "update-ref", "refs/pull/1/head", "main")
    text = (Path(__file__).parents[3] / "docs/writing.md").read_text()
    section = text.partition("### A backup, or a mirror\n")[2].partition("\n##")[0]
    backup, forge = here / "backup.git", here / "forge.git"
    for path in (backup, forge):
        run_git(here, "init", "--quiet", "--bare", str(path))
    run_git(forge, "config", "receive.hideRefs", "refs/pull")  # as forges do
    for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL):
        for name, path in (("forge", origin), ("backup", backup), ("other", forge)):
            block = block.replace(f"https://{name}.example.org/org/shop.git", str(path))
        subprocess.run(["bash", "-ec", block], cwd=here, env=environment(), check=True, capture_output=True)
    chain = run_git(origin, "rev-parse", GUARD)
    assert run_git(backup, "rev-parse", GUARD) == run_git(forge, "rev-parse", GUARD) == chain
    run_git(here, "clone", "--quiet", str(origin), "plain")
    assert run_git(here / "plain", "for-each-ref", "refs/tagline") == ""
    # Without it the next write begins a new one, and answers are the same.
    run_git(forge, "update-ref", "-d", GUARD)
    write("assign", "rf#prod", "--version", "v1.0.0", repo=forge.as_uri())
    assert len(records(forge)) == 1
    assert tagline.json("show", "rf#prod", "--repo", forge.as_uri())["version"] == "v1.0.0"
