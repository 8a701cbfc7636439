"""One suite for the port Job, run on its three adapters."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from tagline.adapters.runners.github import GitHubJob
from tagline.adapters.runners.gitlab import GitLabJob
from tagline.adapters.runners.terminal import TerminalJob
from tagline.domain.changes.triggers import Event
from tagline.errors import PlatformRefused, WrongUsage
from tagline.ports.job import Job, Piece
from tagline.settings import Settings

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "c" * 40}
GITLAB = {"GITLAB_CI": "true", "CI_COMMIT_SHA": "c" * 40}


def _github(here: Path, payload: Any, **more: str) -> Job:
    (here / "event.json").write_text(json.dumps(payload))
    more.setdefault("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    return GitHubJob(Settings.from_environ({**GITHUB, "GITHUB_EVENT_PATH": str(here / "event.json"), **more}))


def _jobs(here: Path) -> dict[str, Job]:
    return {
        "github": _github(here, {}),
        "gitlab": GitLabJob(Settings.from_environ(GITLAB)),
        "terminal": TerminalJob(),
    }


@pytest.mark.parametrize("name", ["github", "gitlab", "terminal"])
def test_report__shows_the_text_or_says_that_there_is_no_place(here: Path, name: str) -> None:
    job = _jobs(here)[name]
    place = job.report("first **text**")
    assert job.report("second") == place
    texts = [file.read_text() for file in here.glob("*.md")]
    assert texts == (["first **text**\nsecond\n"] if place else [])
    assert (place is None) == (name == "terminal")


@pytest.mark.parametrize("name", ["github", "gitlab", "terminal"])
def test_report__posted__is_kept_by_a_step_where_the_job_keeps_files(here: Path, name: str) -> None:
    _jobs(here)[name].report("text", posted=True)
    assert not list(here.glob("*.md"))
    step = dataclasses.replace(Settings.from_environ(GITLAB), step=True)
    job = GitLabJob(step) if name == "gitlab" else _jobs(here)[name]
    job.report("text", posted=True)
    assert [file.read_text() for file in here.glob("*.md")] == (["text\n"] if name == "gitlab" else [])


def test_begin__takes_away_what_an_earlier_job_left(here: Path) -> None:
    job = GitLabJob(Settings.from_environ(GITLAB))
    job.report("stale")
    job.keep("junit", "stale")
    (here / "tagline.env").mkdir()
    (here / "tagline.env" / "x").touch()
    (here / "mine").mkdir()
    (here / "tagline.json").symlink_to(here / "mine")
    job.begin()
    assert [file.name for file in here.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["github", "gitlab", "terminal"])
def test_event__of_a_job_that_says_little__is_read_without_failing(here: Path, name: str) -> None:
    event = _jobs(here)[name].event
    assert event.platform == (None if name == "terminal" else name)
    assert event.number is None


def test_event__of_a_pull_request__has_its_number_and_action(here: Path) -> None:
    payload = {"action": "labeled", "number": 7, "pull_request": {"number": 7}}
    event = _github(here, payload, GITHUB_EVENT_NAME="pull_request").event
    assert event == Event("github", "pull_request", "labeled", 7)


def test_event__closed_and_empty__falls_back_on_the_commit(here: Path) -> None:
    event = _github(here, {"action": "closed"}, GITHUB_EVENT_NAME="pull_request").event
    assert (event.number, event.commit) == (None, "c" * 40)


def test_event__push__has_both_ends_and_the_branch(here: Path) -> None:
    event = _github(here, {"before": "b" * 40}, GITHUB_EVENT_NAME="push", GITHUB_REF="refs/heads/release/1").event
    assert (event.before, event.commit, event.branch) == ("b" * 40, "c" * 40, "release/1")


def test_event__merge_group__names_the_change_and_the_queues_commit(here: Path) -> None:
    group = {"head_sha": "d" * 40, "head_ref": f"refs/heads/gh-readonly-queue/release/1/pr-12-{'b' * 40}"}
    event = _github(here, {"merge_group": group}, GITHUB_EVENT_NAME="merge_group").event
    assert (event.number, event.group_head) == (12, "d" * 40)


def test_event__gitlab__merge_request_and_push(here: Path) -> None:
    request = {**GITLAB, "CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": "9"}
    event = GitLabJob(Settings.from_environ(request)).event
    assert (event.name, event.number, event.commit) == ("merge_request_event", 9, None)
    push = {**GITLAB, "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "b" * 40}
    event = GitLabJob(Settings.from_environ(push)).event
    assert (event.before, event.commit, event.branch, event.number) == ("b" * 40, "c" * 40, "main", None)


@pytest.mark.parametrize("text", ["{", "\x00", ""])
def test_event__file_that_is_no_json__wrong_usage(here: Path, text: str) -> None:
    job = _github(here, {}, GITHUB_EVENT_NAME="pull_request")
    (here / "event.json").write_text(text)
    with pytest.raises(WrongUsage, match="cannot be read"):
        _ = job.event


def test_report__summary_is_nearly_full__is_cut_and_not_lost(here: Path) -> None:
    job = _github(here, {})
    (here / "summary.md").write_text("x" * (1024 * 1024 - 1030))
    assert job.report("y" * 5000)
    assert (here / "summary.md").stat().st_size <= 1024 * 1024


def test_report__a_link_lies_in_its_place__nothing_is_written_through_it(here: Path) -> None:
    (here / "tagline-report.md").symlink_to(here / "target")
    assert GitLabJob(Settings.from_environ(GITLAB)).report("x") is None
    assert not (here / "target").exists()


PIECES: tuple[Piece, ...] = get_args(Piece)


@pytest.mark.parametrize("name", ["github", "gitlab", "terminal"])
@pytest.mark.parametrize("piece", PIECES)
def test_keep__is_left_where_the_runner_takes_it_up_and_nowhere_else(here: Path, name: str, piece: Piece) -> None:
    (here / "output").write_text("before=1\n")
    job = {**_jobs(here), "github": _github(here, {}, GITHUB_OUTPUT=str(here / "output"))}[name]
    before = {file.name: file.read_text() for file in here.iterdir()}
    job.keep(piece, "a=1\n")
    after = {file.name: file.read_text() for file in here.iterdir()}
    left = {name: text for name, text in after.items() if before.get(name) != text}
    expected = {
        ("github", "outputs"): {"output": "before=1\na=1\n"},  # other tools of the step write there too
        ("github", "summary"): {"summary.md": "a=1\n\n"},
        ("gitlab", "dotenv"): {"tagline.env": "a=1\n"},
        ("gitlab", "document"): {"tagline.json": "a=1\n"},
        ("gitlab", "annotations"): {"tagline-annotations.json": "a=1\n"},
        ("gitlab", "code-quality"): {"tagline-codequality.json": "a=1\n"},
        ("gitlab", "junit"): {"tagline-junit.xml": "a=1\n"},
    }
    assert left == expected.get((name, piece), {})
    assert bool(left) == (piece in job.takes)


@pytest.mark.parametrize("name", ["github", "gitlab", "terminal"])
def test_commands__of_the_log__are_githubs(here: Path, name: str) -> None:
    assert _jobs(here)[name].reads_commands is (name == "github")


def test_keep__twice__the_last_counts_and_everybody_may_read_it(here: Path) -> None:
    job = GitLabJob(Settings.from_environ(GITLAB))
    job.keep("document", "one\r\n")
    job.keep("document", "two\r\n")
    assert (here / "tagline.json").read_bytes() == b"two\r\n"
    assert (here / "tagline.json").stat().st_mode & 0o777 == 0o644
    assert [file.name for file in here.iterdir()] == ["tagline.json"]


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_keep__no_place__refused(here: Path, name: str) -> None:
    (here / "tagline.env").mkdir()
    job = {**_jobs(here), "github": _github(here, {}, GITHUB_OUTPUT=str(here))}[name]
    with pytest.raises(PlatformRefused, match="cannot be written"):
        job.keep("outputs" if name == "github" else "dotenv", "a=1\n")
