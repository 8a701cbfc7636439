"""A repository on each platform: what people do there, and the jobs that come of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tagline_localforge import LocalForge
from tagline_localforge.demo.plain import plain
from tagline_localforge.demo.stage import Stage
from tagline_localforge.merging import Method
from tagline_localforge.records import NO_COMMIT

#: Who the jobs are: a workflow's own token on GitHub, a project's bot on GitLab.
_ACTIONS_TOKEN, _BOT_TOKEN, _BOT = "workflow-token", "project-token", "tagline-bot"
_WRITERS = ("alice", "bob", "carol", _BOT)


def new_forge(folder: Path) -> LocalForge:
    """A forge that knows whose the jobs' tokens are."""
    forge = LocalForge(folder)
    forge.token(_ACTIONS_TOKEN, kind="actions")
    forge.token(_BOT_TOKEN, login=_BOT)
    return forge


class Shop:
    """A repository, and a clone of it in which alice works."""

    change_word = "pull request"
    platform = ""

    def __init__(self, stage: Stage, name: str, clone: str, files: Mapping[str, str]) -> None:
        self.stage = stage
        self.name = name
        self.clone = clone
        self.url = f"{stage.server.url}/{name}"
        self.repository = stage.server.forge.repository(name)
        self.repository.public = True
        for login in _WRITERS:
            self.repository.grant(login, "write")
        (stage.folder / clone).mkdir()
        self._git("init", "--quiet")
        self._git("remote", "add", "origin", str(self.repository.path))
        self._push("main", "The shop", files)

    def _git(self, *arguments: str) -> None:
        self.stage.git(self.clone, *arguments)

    def write(self, files: Mapping[str, str]) -> None:
        """Put files into the clone."""
        for name, content in files.items():
            path = self.stage.folder / self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def _push(self, branch: str, message: str, files: Mapping[str, str]) -> None:
        self.write(files)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        before = self.repository.git.branches().get(branch, NO_COMMIT)
        self._git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        after = self.repository.git.branches()[branch]
        self.repository.pushed_branches({f"refs/heads/{branch}": (before, after)}, by="alice")

    def update_clone(self) -> None:
        """Fetch what the merges and the jobs made."""
        self._git("fetch", "--quiet", "--tags", "origin")
        self._git("checkout", "--quiet", "--force", "-B", "main", "origin/main")

    def propose(self, branch: str, title: str, files: Mapping[str, str], *labels: str) -> int:
        """Alice opens a change and bob labels it; its number."""
        self.update_clone()
        self._git("checkout", "--quiet", "-b", branch)
        self._push(branch, title, files)
        number = self.repository.open_change(author="alice", source=branch, title=title).number
        for label in labels:
            self.repository.label(number, label, by="bob")
        what = f"{self.change_word} {number}, {title!r}"
        self.stage.act(f"alice opens {what}; bob labels it {', '.join(labels)}")
        return number

    def approve(self, number: int) -> None:
        """Carol says yes."""
        self.repository.approve(number, by="carol")
        self.stage.act(f"carol approves {self.change_word} {number}")

    def close(self, number: int) -> None:
        """Alice gives it up."""
        self.repository.close(number, by="alice")
        self.stage.act(f"alice closes {self.change_word} {number}")

    def merge(self, number: int, method: Method) -> None:
        """Alice merges, and the push to main starts the job that promotes."""
        before = self.repository.git.branches()["main"]
        after = self.repository.merge(number, by="alice", method=method)
        self.stage.act(f"alice merges {self.change_word} {number} ({method})")
        self._job("promote", job=self._pushed(before, after), started_by="a push to main", only="  made")

    def comment(self, number: int, lines: int = 20) -> None:
        """Show the comment on a change, or its first lines."""
        self.stage.show("\n".join(list(plain(self.repository.change(number).comments[-1].body))[:lines]))

    def status(self) -> None:
        """Show the status that the last job set."""
        status = self.repository.statuses[-1]
        self.stage.show(f"status {status.context!r} of {status.sha[:7]}: {status.state}")

    def _job(self, *arguments: str, job: Mapping[str, str], started_by: str, only: str = "", expect: int = 0) -> None:
        why = f"   ({self.platform} job, started by {started_by})"
        self.stage.tagline(*arguments, job={**self._variables(), **job}, why=why, only=only, expect=expect)

    def _variables(self) -> dict[str, str]:
        """What the platform tells every job."""
        raise NotImplementedError

    def _pushed(self, before: str, after: str) -> dict[str, str]:
        """What it tells after a push to main."""
        raise NotImplementedError


class GitHub(Shop):
    """GitHub's events are files."""

    platform = "GitHub"

    def plan(self, number: int, action: str, *, only: str = "", expect: int = 0) -> None:
        """The job after a label or a review."""
        event = "pull_request_review" if action == "submitted" else "pull_request"
        job = self._event(event, {"action": action, "pull_request": {"number": number}})
        self._job("plan", job=job, started_by=f"{event}: {action}", only=only, expect=expect)

    def _variables(self) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": self.stage.server.url,
            "GITHUB_API_URL": f"{self.stage.server.url}/api/v3",
            "GITHUB_REPOSITORY": self.name,
            "TAGLINE_TOKEN": _ACTIONS_TOKEN,
        }

    def _event(self, name: str, payload: Mapping[str, object]) -> dict[str, str]:
        file = self.stage.folder / "event.json"
        file.write_text(json.dumps(payload))
        return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)}

    def _pushed(self, before: str, after: str) -> dict[str, str]:
        event = self._event("push", {"before": before, "after": after, "ref": "refs/heads/main"})
        return {**event, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": after}


class GitLab(Shop):
    """GitLab's events are variables."""

    change_word = "merge request"
    platform = "GitLab"

    def plan(self, number: int) -> None:
        """The job of a merge request's pipeline."""
        job = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": str(number)}
        self._job("plan", job=job, started_by="merge_request_event", only="waiting")

    def plan_open(self) -> None:
        """The job of a schedule."""
        self._job("plan", "--open", job={"CI_PIPELINE_SOURCE": "schedule"}, started_by="a schedule", only="approvals")

    def _variables(self) -> dict[str, str]:
        return {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": self.stage.server.url,
            "CI_API_V4_URL": f"{self.stage.server.url}/api/v4",
            "CI_PROJECT_PATH": self.name,
            "CI_PROJECT_URL": self.url,
            "TAGLINE_TOKEN": _BOT_TOKEN,
        }

    def _pushed(self, before: str, after: str) -> dict[str, str]:
        branch = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
        return {**branch, "CI_COMMIT_SHA": after, "CI_COMMIT_BEFORE_SHA": before}
