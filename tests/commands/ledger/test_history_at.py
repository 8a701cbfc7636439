"""``history --at`` and windows of ``history``, on real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tagline.domain.text.times import format_time
from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, environment

DAY = 86_400
HEAD = "0123456789abcdef0123456789abcdef01234567"


def at(days: float) -> str:
    """An instant so many days after the first."""
    return format_time(EPOCH + int(days * DAY))


def tag(name: str, commit: str, days: float, *trailers: str) -> Tag:
    message = "\n".join(["As GTO says", *(["", *trailers] if trailers else []), ""])
    return Tag(name, commit, time=EPOCH + int(days * DAY), message=message)


COMMITS = (Commit("c0"), Commit("c1", ("c0",)), Commit("c2", ("c1",)))
TAGS = (
    tag("churn@v1.0.0", "c0", 0),
    tag(
        "churn#prod#1", "c0", 1, "Change: https://x/1", "Requested-By: alice", f"Approved-By: bob {HEAD} {at(0)}",
        "Approved-By: carol", "Policy: sha256:aa", "Reason: first",
    ),
    tag("churn@v1.1.0", "c1", 2),
    tag("churn#prod#2", "c1", 11, "Previous: v1.0.0", "Change: https://x/2", "Requested-By: bob"),
    tag("churn#prod#3", "c0", 13, "Rollback-From: v1.1.0", "Override: it lost money"),
    tag("churn#prod!#4", "c0", 17, "Change: https://x/3"),
    tag("churn#staging#5", "c1", 18),
    tag("old@v0.1.0", "c2", 3),
    tag("old#prod#1", "c2", 4),
    tag("old@deprecated", "c2", 20),
    tag("new@v0.1.0", "c2", 5),
)  # fmt: skip


@pytest.fixture
def registry(here: Path) -> dict[str, str]:
    """A registry in the folder one stands in; commit names to ids."""
    return build(here, History(COMMITS, TAGS, {"main": "c2"}), checkout=True)


def versions(document: Any) -> list[tuple[str, bool]]:
    return [(hold["version"], hold["current"]) for hold in document["holds"]]


def test_history_at__one_artifact__the_document(registry: dict[str, str], tagline: CommandLine) -> None:
    document = tagline.json("history", "churn", "--at", "prod", "--to", at(21))
    assert versions(document) == [("v1.1.0", True), ("v1.0.0", False), ("v1.1.0", False), ("v1.0.0", False)]
    assert document["holds"][-1] == {
        "artifact": "churn",
        "stage": "prod",
        "version": "v1.0.0",
        "commit": registry["c0"],
        "tag": "churn#prod#1",
        "since": at(1),
        "until": at(11),
        "seconds": 10 * DAY,
        "current": False,
        "opened_by": "churn#prod#1",
        "ended_by": "churn#prod#2",
        "actor": {"name": "Ada", "email": "ada@example.com"},
        "change": "https://x/1",
        "requested_by": ["alice"],
        "approved_by": [
            {"login": "bob", "commit": HEAD, "at": at(0)},
            {"login": "carol", "commit": None, "at": None},
        ],
        "policy": "sha256:aa",
        "reasons": ["first"],
        "tickets": [],
        "override": None,
        "rollback_from": None,
        "held": None,
        "lifted": None,
    }
    back, rolled = document["holds"][:2]
    assert (rolled["rollback_from"], rolled["override"], rolled["change"]) == ("v1.1.0", "it lost money", None)
    # Taking v1.0.0 away gave the stage back to v1.1.0: for that, the change of the unassignment answers.
    assert (back["tag"], back["opened_by"], back["change"]) == ("churn#prod#2", "churn#prod!#4", "https://x/3")
    assert (back["until"], back["ended_by"], back["seconds"]) == (None, None, 4 * DAY)
    assert document["summary"] == {
        "churn": {
            "holds": 4, "ended": 3, "rollbacks": 1,
            "mean_seconds": 16 * DAY // 3, "median_seconds": 4 * DAY, "longest_seconds": 10 * DAY,
            "held_seconds": 20 * DAY, "window_seconds": 20 * DAY, "share": 1.0, "deprecated": False,
        }
    }  # fmt: skip
    assert document["warnings"] == []


def test_history_at__all_artifacts__those_that_had_the_stage_deprecated_ones_too(
    registry: dict[str, str], tagline: CommandLine
) -> None:
    document = tagline.json("history", "--at", "prod", "--to", at(21))
    since = [hold["since"] for hold in document["holds"]]
    assert since == sorted(since, reverse=True)
    assert {name: row["deprecated"] for name, row in document["summary"].items()} == {"churn": False, "old": True}
    assert (document["overall"]["holds"], document["overall"]["window_seconds"]) == (5, 37 * DAY)


def test_history_at__window__the_holds_that_reach_into_it(registry: dict[str, str], tagline: CommandLine) -> None:
    document = tagline.json("history", "churn", "--at", "prod", "--from", at(11), "--to", at(14))
    assert versions(document) == [("v1.0.0", True), ("v1.1.0", False)], "what held it at the end is current"
    summary = document["summary"]["churn"]
    assert (summary["held_seconds"], summary["window_seconds"], summary["mean_seconds"]) == (3 * DAY, 3 * DAY, 2 * DAY)
    before = tagline.json("history", "churn", "--at", "prod", "--from", at(0), "--to", at(5))
    assert versions(before) == [("v1.0.0", True)]
    assert before["summary"]["churn"]["share"] == 0.8


@pytest.mark.parametrize("days", [0.5, 1, 5, 11, 12.9, 13, 17, 30])
def test_history_at__to_an_instant__its_current_hold_is_what_show_as_of_answers(
    registry: dict[str, str], tagline: CommandLine, days: float
) -> None:
    document = tagline.json("history", "churn", "--at", "prod", "--from", at(days), "--to", at(days))
    shown = tagline.json("show", "churn", "--as-of", at(days))["artifacts"]["churn"]["stages"].get("prod")
    current = [{key: hold[key] for key in ("version", "commit", "tag", "since", "held")} for hold in document["holds"]]
    assert current == ([shown] if shown else [])


def test_history_at__before_anything_happened__no_hold_and_no_error(
    registry: dict[str, str], tagline: CommandLine
) -> None:
    document = tagline.json("history", "churn", "--at", "prod", "--to", at(-1))
    assert document["holds"] == []
    assert document["summary"]["churn"]["holds"] == 0
    said = tagline("history", "churn", "--at", "prod", "--to", at(-1))
    assert (said.code, said.out.strip()) == (0, "prod of churn: nobody held it in that time")
    assert tagline.json("history", "--at", "prod", "--to", at(-1))["summary"] == {}


def test_history_at__text__a_line_a_hold_and_a_summary(registry: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("history", "churn", "--at", "prod", "--to", at(21.5))
    assert (said.code, said.err) == (0, "")
    head, *rows, blank, summary = said.out.splitlines()
    assert head.split("  ")[0] == "SINCE"
    assert [row.split() for row in rows] == [
        [at(17), "still", "4d", "12h", "v1.1.0", "Ada", "-", "https://x/3;", "by", "churn#prod!#4"],
        [at(13), at(17), "4d", "v1.0.0", "Ada", "-", "rollback", "from", "v1.1.0;", "override:", "it", "lost", "money"],
        [at(11), at(13), "2d", "v1.1.0", "bob", "-", "https://x/2"],
        [at(1), at(11), "10d", "v1.0.0", "alice", "bob,", "carol", "https://x/1"],
    ]
    assert blank == ""
    assert summary == ("prod of churn: 4 holds, mean 5d 8h, median 4d, longest 10d, 1 rollback; held 100% of the time")


def test_history_at__text_of_all__a_summary_each_and_one_of_all(registry: dict[str, str], tagline: CommandLine) -> None:
    lines = tagline("history", "--at", "prod", "--from", at(0), "--to", at(24)).out.splitlines()
    assert lines[0].startswith("ARTIFACT")
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["churn", at(17)], ["churn", at(13)], ["churn", at(11)], ["old", at(4)], ["churn", at(1)],
    ]  # fmt: skip
    assert lines[-3:] == [
        "prod of churn: 4 holds, mean 5d 8h, median 4d, longest 10d, 1 rollback; held 95% of the time",
        "prod of old (deprecated): 1 hold, none has ended; held 83% of the time",
        "prod of 2 artifacts: 5 holds, mean 5d 8h, median 4d, longest 10d, 1 rollback; held 89% of the time",
    ]


def test_history_at__held_for_a_little_of_the_window__not_told_as_nothing(
    registry: dict[str, str], tagline: CommandLine
) -> None:
    said = tagline("history", "churn", "--at", "prod", "--from", "2000-01-01T00:00:00Z", "--to", at(1.5))
    assert said.out.splitlines()[-1] == "prod of churn: 1 hold, none has ended; held under 1% of the time"


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (("churn", "--at", "prd"), "unknown-stage", "never assigned a stage 'prd'", "Did you mean prod?"),
        (("new", "--at", "prod"), "unknown-stage", "never assigned", "tagline assign new#prod"),
        (("--at", "prd"), "unknown-stage", "No artifact was ever", "were: prod, staging. Did you mean prod?"),
        (("chrun", "--at", "prod"), "unknown-artifact", "names an artifact", "Did you mean churn?"),
    ],
)  # fmt: skip
def test_history_at__never_had_it__not_found_with_the_nearest(
    registry: dict[str, str], tagline: CommandLine, arguments: tuple[str, ...], code: str, message: str, hint: str
) -> None:
    said = tagline("history", *arguments, "--json")
    error = said.json["error"]
    assert (said.code, error["code"]) == (6, code)
    assert message in error["message"]
    assert hint in error["hint"]


@pytest.mark.parametrize("asked", [("churn", "--at", "prod"), ("churn", "--at", "prd"), ("--at", "prod")])
def test_history_at__clone_without_tags__refused_not_answered(
    registry: dict[str, str], here: Path, tagline: CommandLine, asked: tuple[str, ...]
) -> None:
    source = here.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth=1", "--no-tags", source, "clone"], check=True, env=environment())
    said = tagline("history", *asked, cwd=here / "clone")
    assert said.code == 4
    assert "lacks" in said.err
    assert "git fetch --tags" in said.err
    there = tagline.json("history", "churn", "--at", "prod", "--repo", source, cwd=here)
    assert len(there["holds"]) == 4


def test_history_at__odd_ledger__its_warnings_are_told(here: Path, tagline: CommandLine) -> None:
    far = 4_000_000_000
    tags = (Tag("rf#prod#1", "c0"), Tag("rf@v1.0.0", "c1", time=far), Tag("rf#prod#2", "c1", time=far + 1))
    build(here, History(COMMITS, tags))
    document = tagline.json("history", "rf", "--at", "prod")
    assert {warning["code"] for warning in document["warnings"]} == {"future-dated"}
    assert [(hold["version"], hold["seconds"] > 0) for hold in document["holds"]] == [("v1.0.0", False), (None, True)]
    whole = tagline.json("history", "rf", "--at", "prod", "--to", format_time(far + 10))
    assert (whole["warnings"], whole["holds"][0]["seconds"]) == ([], 9), "asked about then, nothing is ahead"
    then = tagline.json("history", "rf", "--at", "prod", "--to", at(1))
    assert {warning["code"] for warning in then["warnings"]} == {"unregistered-commit"}
    assert f"commit {document['holds'][1]['commit'][:7]}" in tagline("history", "rf", "--at", "prod").out


def test_history_at__hostile_trailers__are_text(here: Path, tagline: CommandLine) -> None:
    hostile = ("Approved-By: \x1b[31mroot", "Requested-By: ##[group]x", "Override: \u202egnp.exe")
    build(here, History(COMMITS, (tag("rf@v1.0.0", "c0", 0), tag("rf#prod#1", "c0", 1, *hostile))))
    said = tagline("history", "rf", "--at", "prod")
    assert said.code == 0
    assert not any(bad in said.out for bad in ("\x1b", "##[", "\u202e"))
    assert "\\x1b[31mroot" in said.out
    said = tagline("history", "rf", "--at", "prod", "--json")
    assert "##[" not in said.out
    assert said.json["holds"][0]["requested_by"] == ["##[group]x"]


# history without --at


def test_history__window__events_from_and_to_both_included(registry: dict[str, str], tagline: CommandLine) -> None:
    events = tagline.json("history", "churn", "--from", at(2), "--to", at(13))["events"]
    assert [event["tag"] for event in events] == ["churn#prod#3", "churn#prod#2", "churn@v1.1.0"]
    assert tagline.json("history", "--from", at(18.5))["events"][-1]["tag"] == "old@deprecated"
    assert tagline.json("history", "--to", at(-1))["events"] == []


def test_history__text__says_who_approved(registry: dict[str, str], tagline: CommandLine) -> None:
    line = next(line for line in tagline("history", "churn").out.splitlines() if "churn#prod#1" in line)
    assert line.endswith("https://x/1; approved by bob, carol")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--from", at(2), "--to", at(1)), "Exchange them."),
        (("--at", "prod", "--from", "yesterday"), "RFC 3339"),
        (("churn#prod",), "tagline history churn --at prod"),
    ],
)
def test_history__usage__mistakes_say_what_to_write(
    registry: dict[str, str], tagline: CommandLine, arguments: tuple[str, ...], hint: str
) -> None:
    said = tagline("history", *arguments)
    assert said.code == 2
    assert hint in said.err
