"""The same questions to GTO, to DVC and to us, with answers in one shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gto.api
from gto.base import BaseRegistryState
from gto.registry import GitRegistry

from tagline.adapters.git.running import find_repository, open_git
from tagline.adapters.git.tags import read_tags
from tagline.domain.ledger.answers import find, versions_by_commit
from tagline.domain.ledger.events import RawTag, Reading, read_events
from tagline.domain.ledger.registry import ArtifactState, fold
from tagline.domain.ledger.targets import parse_target
from tagline.errors import NotFound

#: (artifact, field, key) to answer.
Answers = dict[tuple[str, str, str], Any]


class OnceRead(GitRegistry):
    """GTO's registry, which computes its state once a repository instead of once a question."""

    def get_state(self, all_branches: bool = False, all_commits: bool = False) -> BaseRegistryState:
        key = str(self.scm.root_dir)
        if key not in _STATES:
            _STATES.clear()
            _STATES[key] = super().get_state(all_branches, all_commits)
        return _STATES[key]


_STATES: dict[str, BaseRegistryState] = {}


def read(path: Path, artifacts: list[str] | None = None) -> tuple[dict[str, ArtifactState], Reading, list[RawTag]]:
    """Our reading of a repository: real git, then the fold."""
    git = open_git(find_repository(path))
    tags = list(read_tags(git, artifacts, details=True))
    reading = read_events(tags)
    return {name: fold(name, events) for name, events in reading.events.items()}, reading, tags


def ours(path: Path) -> Answers:
    """What we answer to every question about every artifact, stage, version and tag."""
    states, _, tags = read(path)
    details = {tag.name: tag for tag in tags}
    answers: Answers = {}
    for name, state in states.items():
        latest = state.latest.version if state.latest else None
        answers[name, "deprecated", ""] = state.deprecated
        answers[name, "latest", ""] = latest
        if not state.deprecated:
            answers[name, "at-latest", ""] = _ask(state, "latest")
        for stage, hold in state.stages.items():
            answers[name, "stages", stage] = hold.version or hold.commit
            answer = find(state, parse_target(f"{name}#{stage}"))
            answers[name, "at-stage", stage] = (answer.version, answer.commit, answer.tag)
        for row in state.versions:
            answers[name, "versions", row.version] = (row.commit, row.tag, row.registered_at, row.active)
            answers[name, "at-version", row.version] = _ask(state, row.version)
        there = versions_by_commit(state)
        for event in state.events:
            tag = details[event.tag]
            version = there.get(event.commit) if event.stage else event.version
            answers[name, "history", event.tag] = (
                event.time, str(event.kind), version, event.stage, event.commit,
                tag.actor_name, tag.actor_email, tag.message.strip(),
            )  # fmt: skip
        answers[name, "order", ""] = [event.tag for event in reversed(state.events)]
    return answers


def _ask(state: ArtifactState, version: str) -> tuple[str | None, str, str] | None:
    try:
        answer = find(state, parse_target(f"{state.name}@{version}"))
    except NotFound:
        return None
    return answer.version, answer.commit, answer.tag


def theirs(path: Path) -> Answers:
    """What ``gto show``, ``show NAME``, ``show NAME@..``, ``show NAME#..``, ``history`` and ``check-ref`` answer."""
    repo = str(path)
    answers: Answers = {}
    rows = gto.api.show(repo, deprecated=True)
    history = gto.api.history(repo)
    for name, row in rows.items():
        if not row["registered"]:
            continue  # only in HEAD's artifacts.yaml
        answers[name, "deprecated", ""] = not row["active"]
        latest = gto.api.find_latest_version(repo, name)
        assert (latest.version if latest else None) == row["version"]
        answers[name, "latest", ""] = row["version"]
        if row["active"]:
            answers[name, "at-latest", ""] = _only(gto.api.show(repo, f"{name}@latest"), _version_answer)
        for stage, holder in row["stage"].items():
            if holder is not None:
                answers[name, "stages", stage] = holder
                found = gto.api.show(repo, f"{name}#{stage}", deprecated=True)
                answers[name, "at-stage", stage] = _only(found, lambda v, s=stage: _stage_answer(v, s))
        for version in gto.api.show(repo, name, deprecated=True):
            if version["registrations"] or version["deregistrations"]:
                key = version["version"]
                answers[name, "versions", key] = (
                    version["commit_hexsha"], version["ref"], _seconds(version["created_at"]), version["is_active"],
                )  # fmt: skip
                found = gto.api.show(repo, f"{name}@{key}", deprecated=True)
                answers[name, "at-version", key] = _only(found, _version_answer)
        events = [event for event in history if event["artifact"] == name]
        for event in events:
            answers[name, "history", event["ref"]] = (
                _seconds(event["timestamp"]), event["event"], _no_commit(event["version"]), event["stage"],
                event["commit"], event["author"], event["author_email"], event["message"],
            )  # fmt: skip
            _check_ref(repo, event)
        answers[name, "order", ""] = [event["ref"] for event in events]
    return answers


def _check_ref(repo: str, event: dict[str, Any]) -> None:
    """GTO's check-ref says what its history says, so comparing history compares both."""
    (checked,) = gto.api.check_ref(repo, event["ref"])
    facts = (checked.event, checked.artifact, checked.commit_hexsha, getattr(checked, "stage", None))
    assert facts == (event["event"], event["artifact"], event["commit"], event["stage"])
    assert getattr(checked, "version", None) == event["version"]


def _only(rows: list[dict[str, Any]], answer: Callable[[dict[str, Any]], Any]) -> Any:
    return answer(rows[0]) if len(rows) == 1 else [answer(row) for row in rows] or None


def _version_answer(row: dict[str, Any]) -> tuple[str | None, str, str]:
    return _no_commit(row["version"]), row["commit_hexsha"], row["ref"]


def _stage_answer(row: dict[str, Any], stage: str) -> tuple[str | None, str, str]:
    (tag,) = [vstage["ref"] for vstage in row["stages"] if vstage["stage"] == stage]
    return _no_commit(row["version"]), row["commit_hexsha"], tag


def _no_commit(version: str | None) -> str | None:
    """GTO names an unregistered version by its commit's id."""
    return version if version is not None and version.startswith("v") else None


def _seconds(time: Any) -> int:
    return int(time.timestamp())
