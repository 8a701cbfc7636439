"""A tag that names another object than before: said by every reader, and no answer for a CI job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

FILES = {"artifacts.yaml": "rf: {path: models/rf}\n", "models/rf": "one\n"}
COMMITS = (Commit("c0", files=FILES), Commit("c1", ("c0",), files={**FILES, "models/rf": "two\n"}))
CI = {"CI": "true", "GITHUB_ACTIONS": "true"}
QUESTIONS = [
    ("show",),
    ("show", "rf"),
    ("show", "rf#prod"),
    ("history",),
    ("history", "rf"),
    ("resolve", "rf#prod"),
    ("fetch", "rf#prod", "-o", "model"),
]
#: Those that fetch the chain as well.
OF_ONE = [question for question in QUESTIONS if len(question) > 1]


class Origin:
    """A remote registry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commits = build(path, History(COMMITS, (), {"main": "c1"}), bare=True)
        run_git(path, "config", "uploadpack.allowFilter", "true")

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def tag(self, name: str, commit: str, message: str = "by hand") -> None:
        """Make a tag, or move one that is there, as plain git does it."""
        run_git(self.path, "tag", "--annotate", "--force", "--message", message, name, self.commits[commit])


@pytest.fixture
def origin(here: Path) -> Origin:
    return Origin(here / "origin.git")


@pytest.fixture
def ask(origin: Origin, tagline: CommandLine) -> Any:
    """Asks the remote; every cache is another one unless it is named."""

    def run(*question: str, cache: str, **variables: str) -> Any:
        folder = origin.path.parent / cache
        return tagline(*question, "--json", "--repo", origin.url, TAGLINE_CACHE=str(folder), **variables)

    return run


def codes(said: Any) -> list[tuple[str, str]]:
    assert said.code == 0, said.err
    return [(row["code"], row["tag"]) for row in said.json["warnings"]]


def chain(origin: Origin, tagline: CommandLine) -> None:
    """Two tags with their records: the newest has the stage."""
    for words in (("register", "rf", "--version", "v1.0.0", "--rev", origin.commits["c0"]), ("assign", "rf#prod")):
        more = ("--version", "v1.0.0") if words[0] == "assign" else ()
        tagline.json(*words, *more, "--push", "--repo", origin.url, TAGLINE_CACHE=str(origin.path.parent / "writer"))


@pytest.mark.parametrize("question", OF_ONE, ids=" ".join)
def test_moved__against_the_chain__is_said_and_refused_in_ci(origin, tagline, ask, question):
    chain(origin, tagline)
    assert codes(ask(*question, cache="before")) == []
    origin.tag("rf#prod#1", "c1")
    if question[0] == "fetch":
        question = (*question, "--force")
    said = ask(*question, cache="cold")
    assert ("moved-tag", "rf#prod#1") in codes(said)
    assert "the chain has it as" in said.out
    refused = ask(*question, cache="another", **CI)
    assert (refused.code, refused.json["error"]["code"]) == (4, "moved-tag")


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_moved__against_a_warm_cache__is_said_by_this_run_and_later_ones(origin, ask, question):
    origin.tag("rf@v1.0.0", "c0")
    origin.tag("rf#prod#1", "c0")
    if question[0] == "fetch":
        question = (*question, "--force")
    assert codes(ask(*question, cache="warm")) == []
    origin.tag("rf#prod#1", "c1")
    for _ in range(2):
        said = ask(*question, cache="warm")
        assert ("moved-tag", "rf#prod#1") in codes(said)
    refused = ask(*question, cache="warm", **CI)
    assert (refused.code, refused.json["error"]["code"]) == (4, "moved-tag")
    # Nobody else knows of it, and what a cache held goes with it.
    assert "moved-tag" not in dict(codes(ask(*question, cache="cold")))


def test_moved__in_two_steps__is_moved_all_the_same(origin, ask):
    origin.tag("rf@v1.0.0", "c0")
    origin.tag("rf@v1.1.0", "c1")
    ask("show", "rf", cache="warm")
    run_git(origin.path, "tag", "--delete", "rf@v1.0.0")
    assert codes(ask("show", "rf", cache="warm")) == []
    origin.tag("rf@v1.0.0", "c1", "again")
    assert ("moved-tag", "rf@v1.0.0") in codes(ask("show", "rf", cache="warm"))


def test_moved__and_moved_back__is_as_it_was(origin, ask):
    origin.tag("rf@v1.0.0", "c0")
    before = run_git(origin.path, "rev-parse", "refs/tags/rf@v1.0.0").strip()
    ask("show", "rf", cache="warm")
    origin.tag("rf@v1.0.0", "c1")
    assert codes(ask("show", "rf", cache="warm")) == [("moved-tag", "rf@v1.0.0")]
    run_git(origin.path, "update-ref", "refs/tags/rf@v1.0.0", before)
    assert codes(ask("show", "rf", cache="warm", **CI)) == []


def test_moved__deleted_and_written_again_by_us__is_settled(origin, tagline, ask):
    chain(origin, tagline)
    ask("show", "rf", cache="warm")
    run_git(origin.path, "tag", "--delete", "rf#prod#1")
    ask("show", "rf", cache="warm")
    writer = {"TAGLINE_CACHE": str(origin.path.parent / "writer")}
    written = tagline.json("assign", "rf#prod", "--version", "v1.0.0", "--push", "--repo", origin.url, **writer)
    assert [row["tag"] for row in written["tags"]] == ["rf#prod#1"]
    assert codes(ask("show", "rf", cache="warm", **CI)) == []


def test_moved__other_tags_than_the_registrys__are_nobodys_business(origin, ask):
    origin.tag("rf@v1.0.0", "c0")
    origin.tag("nightly", "c0")
    ask("show", cache="warm")
    origin.tag("nightly", "c1")
    assert codes(ask("show", cache="warm", **CI)) == []


def test_moved__asked_from_a_clone_in_ci__is_refused(origin, tagline, here):
    chain(origin, tagline)
    origin.tag("rf#prod#1", "c1")
    run_git(here, "clone", "--quiet", origin.url, "clone")
    said = tagline("resolve", "rf#prod", "--json", cwd=here / "clone", **CI)
    assert (said.code, said.json["error"]["code"]) == (4, "moved-tag")


def test_moved__guard_of_the_old_form__knows_its_tag(origin, ask):
    origin.tag("rf@v1.0.0", "c0")
    run_git(origin.path, "update-ref", "refs/tagline/rf@guard", "refs/tags/rf@v1.0.0")
    assert codes(ask("show", "rf", cache="one")) == []
    origin.tag("rf@v1.0.0", "c1")
    assert codes(ask("show", "rf", cache="two")) == [("moved-tag", "rf@v1.0.0")]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_registration__of_another_commit_than_its_merge__is_said(here, tagline, question):
    message = "Registering artifact rf version v1.0.0\n\nChange: https://x/1\nMerge-Commit: {}\nPolicy: none\n"
    commits = build(here / "r", History(COMMITS, (), {"main": "c1"}))
    tags = (
        Tag("rf@v1.0.0", "c1", EPOCH, message.format(commits["c0"])),
        Tag("rf@v0.9.0", "c0", EPOCH, message.format(commits["c0"])),
        # A stage's tag is at its version's commit, wherever its change landed.
        Tag("rf#prod#1", "c1", EPOCH + 1, message.format(commits["c0"])),
    )
    build(here / "s", History(COMMITS, tags, {"main": "c1"}))
    said = tagline(*question, "--json", cwd=here / "s")
    assert codes(said) == [("other-merge-commit", "rf@v1.0.0")]


@pytest.mark.parametrize("question", [("resolve", "rf#prod"), ("fetch", "rf#prod", "-o", "model")], ids=" ".join)
def test_digest__other_than_the_tags_say__is_said(here, tagline, question):
    message = "words\n\nArtifact-Digest: {}\n"
    right = f"gitblob:{run_git(here, 'hash-object', '--stdin', stdin=b'two' + bytes([10])).strip()}"
    tags = (
        Tag("rf@v1.0.0", "c1", EPOCH, message.format(right)),
        Tag("rf#prod#1", "c1", EPOCH + 1, message.format("md5:" + "0" * 32)),
        Tag("rf#dev#1", "c1", EPOCH + 1, message.format(right)),
    )
    build(here / "r", History(COMMITS, tags, {"main": "c1"}))
    assert codes(tagline(*question, "--json", cwd=here / "r")) == [("other-digest", "rf#prod#1")]
    dev = [word.replace("prod", "dev") for word in question]
    assert codes(tagline(*dev, "--json", cwd=here / "r")) == []
