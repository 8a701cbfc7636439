"""``rollback --hold`` and ``assign --lift`` on a clone, and what reads of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, build, environment, run_git


@pytest.fixture
def clone(here: Path, monkeypatch: pytest.MonkeyPatch, tagline: CommandLine) -> Path:
    """A clone with three versions of rf, all of which held prod in turn, and the last of which was bad."""
    commits = tuple(Commit(f"c{n}", (f"c{n - 1}",) if n else (), {"f": str(n)}, EPOCH + n) for n in range(3))
    build(here / "origin", History(commits, branches={"main": "c2"}), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    monkeypatch.chdir(here / "clone")
    for number in range(3):
        tagline.json("register", "rf", "--version", f"v{number + 1}.0.0", "--rev", f"HEAD~{2 - number}")
        tagline.json("assign", "rf#prod", "--version", f"v{number + 1}.0.0")
    return here / "clone"


def test_rollback_hold__nothing_goes_past_it_until_a_lift(clone: Path, tagline: CommandLine) -> None:
    made = tagline.json("rollback", "rf#prod", "--hold", "it lost\nmoney")
    held = made["holder"]["held"]
    assert (made["holder"]["version"], held["version"], held["reason"]) == ("v2.0.0", "v2.0.0", "it lost money")
    for refused in (
        ("assign", "rf#prod", "--version", "v3.0.0"),
        ("rollback", "rf#prod", "--to", "v3.0.0"),
        ("unassign", "rf#prod"),
        ("deregister", "rf@v2.0.0"),
    ):
        said = tagline(*refused, "--override", "in a hurry", "--json")
        assert (said.code, said.json["error"]["code"]) == (1, "held"), refused
        assert "it lost money (rf#prod#4)" in said.json["error"]["message"]
        assert "--lift" in said.json["error"]["hint"]
    assert tagline.json("assign", "rf#dev", "--version", "v3.0.0")["tags"][0]["created"] is True
    further = tagline.json("rollback", "rf#prod")["holder"]
    assert (further["version"], further["held"]["reason"], further["held"]["tag"]) == (
        "v1.0.0", "it lost money", "rf#prod#6",
    )  # fmt: skip
    lifted = tagline.json("assign", "rf#prod", "--version", "v3.0.0", "--lift", "fixed")["holder"]
    assert (lifted["version"], lifted["held"]) == ("v3.0.0", None)


def test_lift__alone__moves_nothing_and_is_idempotent(clone: Path, tagline: CommandLine) -> None:
    tagline.json("rollback", "rf#prod", "--hold", "bad")
    for created in ([True], [False]):
        made = tagline.json("assign", "rf#prod", "--lift")
        assert [row["created"] for row in made["tags"]] == created
        assert (made["moved"], made["holder"]["version"], made["holder"]["held"]) == ({}, "v2.0.0", None)


def test_held_stage__in_show_and_history__says_who_when_why(clone: Path, tagline: CommandLine) -> None:
    tagline.json("rollback", "rf#prod", "--hold", "bad, see \x1b[2Jpage")
    whole = tagline.json("show", "rf")["artifacts"]["rf"]["stages"]["prod"]["held"]
    assert whole == tagline.json("show", "rf#prod")["held"]
    assert (whole["reason"], whole["tag"], whole["by"]) == ("bad, see  [2Jpage", "rf#prod#4", "Ada")
    assert tagline.json("show", "rf@v2.0.0")["held"] is None
    assert "v2.0.0 (held)" in tagline("show").out
    for text in (tagline("show", "rf").out, tagline("show", "rf#prod").out):
        assert "by Ada: bad, see  [2Jpage (rf#prod#4)" in text
    assert "held: bad" in tagline("history", "rf").out
    assert tagline.json("history", "rf", "--at", "prod")["holds"][0]["held"] == "bad, see  [2Jpage"


def test_gto_assign__past_a_hold__is_warned_of(clone: Path, tagline: CommandLine) -> None:
    tagline.json("rollback", "rf#prod", "--hold", "bad")
    later = environment(GIT_COMMITTER_DATE="2090-01-01T00:00:00Z")
    subprocess.run(["git", "tag", "-a", "-m", "Assigning", "rf#prod#9", "HEAD"], cwd=clone, env=later, check=True)
    shown = tagline.json("show", "rf")
    prod = shown["artifacts"]["rf"]["stages"]["prod"]
    assert (prod["version"], prod["held"]["version"]) == ("v3.0.0", "v2.0.0")
    assert "held-passed" in [warning["code"] for warning in shown["warnings"]]


@pytest.mark.parametrize("arguments", [("rollback", "rf#prod", "--hold", " "), ("assign", "rf#prod", "--lift", "")])
def test_reason__blank__is_wrong_usage(clone: Path, tagline: CommandLine, arguments: tuple[str, ...]) -> None:
    assert tagline(*arguments).code == 2


def test_history_overrides__only_what_passed_over_rules(clone: Path, tagline: CommandLine) -> None:
    tagline.json("assign", "rf#dev", "--version", "v1.0.0", "--override", "in a hurry")
    found = tagline.json("history", "--overrides")["events"]
    assert [(event["tag"], event["trailers"]["Override"]) for event in found] == [("rf#dev#4", ["in a hurry"])]
    assert tagline("history", "--overrides", "--at", "prod").code == 2
