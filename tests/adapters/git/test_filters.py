"""Remotes that lack a filter which we use: more comes than is needed, and no run ends of it.

What git says there was tried with git itself. A server without filters gets a warning from the client, one that refuses
a filter names it, one whose git is older than the filter calls it invalid, which over HTTP nobody sees: it hangs up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tagline.adapters.git import filters
from tagline.adapters.git.history import GitHistory
from tagline.adapters.git.listing import Listing
from tagline.adapters.git.memory import GitMemory
from tagline.adapters.git.remote import RemoteCache
from tagline.adapters.git.running import Result
from tagline.adapters.git.urls import remote_url
from tagline.domain.changes.touches import Among, FileChange
from tagline.domain.ledger.records import WRITE, Record, RecordedTag
from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git
from tests.support.githttp import serve


class Lack(NamedTuple):
    """What a server lacks: its configuration, and what an older git takes for an unknown word."""

    config: dict[str, str]
    unknown: bytes | None = None
    old_protocol: bool = False


ALLOW = {"uploadpack.allowFilter": "true"}
NO_OTHER = {**ALLOW, "uploadpackfilter.allow": "false"}
LACKS = {
    "none at all": Lack({"uploadpack.allowFilter": "false"}),
    "refused, every one": Lack(NO_OTHER),
    "refused, all but blob:none": Lack({**NO_OTHER, "uploadpackfilter.blob:none.allow": "true"}),
    "refused, all but tree": Lack({**NO_OTHER, "uploadpackfilter.tree.allow": "true"}),
    "refused, tree": Lack({**ALLOW, "uploadpackfilter.tree.allow": "false"}),
    "refused, blob:none": Lack({**ALLOW, "uploadpackfilter.blob:none.allow": "false"}),
    "unknown, tree:0": Lack(ALLOW, b"tree:0"),
    "unknown, tree:0 in the old protocol": Lack(ALLOW, b"tree:0", old_protocol=True),
    "unknown, object:type": Lack(ALLOW, b"object:type"),
}
CASES = [("http", name) for name in LACKS]
CASES += [("file", name) for name in ("none at all", "refused, every one", "refused, tree")]

LARGE = "x" * 5_000
FILES = {"artifacts.yaml": "rf: {type: model, path: models/rf}\n", "models/rf": LARGE, "other/large": LARGE + "y"}
COMMITS = (
    Commit("c0", files=FILES),
    Commit("c1", ("c0",), {**FILES, "models/rf": LARGE + "1"}, EPOCH + 1),
    Commit("c2", ("c1",), {**FILES, "models/rf": LARGE + "2", "docs/new": LARGE + "z"}, EPOCH + 2),
)
TAGS = (Tag("rf@v1.0.0", "c0", EPOCH + 50), Tag("rf@v1.1.0", "c1", EPOCH + 51), Tag("rf#prod#1", "c0", EPOCH + 52))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}: {case[1]}")
def remote(here: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str, dict[str, str]]]:
    """A repository on such a server, the address that it is read from, and the ids of its commits."""
    way, name = request.param
    lack = LACKS[name]
    path = here / "served" / "r.git"
    ids = build(path, History(COMMITS, TAGS, {"main": "c2"}), bare=True)
    config = {**lack.config, "http.receivepack": "true", "uploadpack.allowAnySHA1InWant": "true"}
    for key, value in config.items():
        run_git(path, "config", key, value)
    if way == "file":
        yield path, path.as_uri(), ids
        return
    with serve(here / "served") as server:
        server.unknown, server.old_protocol = lack.unknown, lack.old_protocol
        yield path, f"{server.url}/r.git", ids


def test_answers__cold_warm_and_after_new_tags__are_those_of_a_full_clone(
    here: Path, remote: tuple[Path, str, dict[str, str]], tagline: CommandLine
) -> None:
    origin, url, _ = remote
    for number in (2, 3):
        run_git(here, "clone", "--quiet", url, f"clone{number}")
        for target in ("rf#prod", "rf@latest"):
            expected = tagline.json("resolve", target, "--repo", f"{here}/clone{number}")
            for _ in range(2):
                assert tagline.json("resolve", target, "--repo", url) == expected, (number, target)
        tagline.json("fetch", "rf@latest", "--repo", url, "-o", f"model{number}")
        assert (here / f"model{number}").read_text() == LARGE + ("1" if number == 2 else "2")
        run_git(origin, "tag", "-a", "-m", "new", f"rf@v{number}.0.0", "main")
        run_git(origin, "tag", "-a", "-m", "new", f"rf#prod#{number}", "main")


def test_writing__by_address__makes_its_tags(remote: tuple[Path, str, dict[str, str]], tagline: CommandLine) -> None:
    origin, url, ids = remote
    for _ in range(2):
        tagline.json("register", "rf", "--version", "v2.0.0", "--rev", "main", "--push", "--repo", url)
        tagline.json("assign", "rf#prod", "--version", "v2.0.0", "--push", "--repo", url)
        tagline.json("rollback", "rf#prod", "--from", "v2.0.0", "--push", "--repo", url)
    assert run_git(origin, "rev-parse", "rf@v2.0.0^{commit}").strip() == ids["c2"]
    assert tagline.json("show", "rf#prod", "--repo", url)["version"] == "v1.0.0"


def test_history__of_a_change__is_read(here: Path, remote: tuple[Path, str, dict[str, str]]) -> None:
    _, url, ids = remote
    for _ in range(2):  # with an empty cache, and with what the first has left
        history = GitHistory(RemoteCache(here / "cache"), remote_url(url), Listing(remote_url(url)))
        assert history.line("main", EPOCH + 1)[:2] == [ids["c2"], ids["c1"]]
        assert history.behind(ids["c2"], 2) == [ids["c1"], ids["c0"]]
        assert history.differing(ids["c1"], ids["c2"], Among(paths=("models/rf",))) == [FileChange("models/rf", "M")]
        assert history.tree(ids["c2"]).read("models/rf", 10_000) == (LARGE + "2").encode()
        assert history.tree(ids["c2"]).read("docs/new", 10_000) == (LARGE + "z").encode()
        assert history.brings_nothing(None, ids["c1"], ids["c2"])


def test_memory__of_a_change__is_written_and_read(here: Path, remote: tuple[Path, str, dict[str, str]]) -> None:
    _, url, ids = remote
    for cache, name in (("a", "rf@v1.0.0"), ("b", "rf@v1.1.0")):
        memory = GitMemory(
            RemoteCache(here / cache), remote_url(url), ("Bot", "bot@example.org"), Listing(remote_url(url))
        )
        tag = RecordedTag(name, ids[f"tag:{name}"], ids["c0"])
        memory.remember(7, lambda actor, tag=tag: Record(WRITE, (tag,), None, actor, 1), ids["c0"])
        assert memory.recall([7])[7].tags == (tag,)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("fatal: remote error: filter 'tree' not supported\n", True),
        ("fatal: remote error: tree filter allows max depth 0, but got 1\n", True),
        ("fatal: invalid filter-spec 'tree:0'\nfatal: the remote end hung up unexpectedly\n", True),  # over SSH
        ("fatal: expected 'packfile'\n", True),
        ("fatal: the remote end hung up unexpectedly\n", True),
        ("fatal: early EOF\nfatal: the remote end hung up unexpectedly\n", False),
        ("error: RPC failed; curl 56 GnuTLS recv error\nfatal: expected 'packfile'\n", False),
        ("fatal: unable to access 'https://h/filter.git/': Could not resolve host: h\n", False),
        ("fatal: couldn't find remote ref filter\n", False),
    ],
)
def test_refused__by_what_git_said(said: str, refused: bool) -> None:
    assert filters.is_refused(Result(128, b"", said)) is refused
