"""A repository on the forge: what is there, and what Git says about it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tagline_localforge.accounts import Accounts
from tagline_localforge.git import BareRepository, Commit, FileChange, MergeConflict, Signature
from tagline_localforge.merging import Landing, land
from tagline_localforge.records import Change, Comment, Push, Role, Run, Status, Version, Workflow

_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S", bound="RepositoryState")

_REFUSING_HOOK = '#!/bin/sh\ncat "$(dirname "$0")/refusal" >&2\nexit 1\n'


class Refused(Exception):
    """The forge does not do that; the message says why."""


class NotThere(Refused):
    """No such change, comment, review or commit."""


def atomic(
    method: Callable[Concatenate[_S, _P], _R],
) -> Callable[Concatenate[_S, _P], _R]:
    """Nobody else sees or touches the forge while ``method`` runs."""

    @functools.wraps(method)
    def alone(self: _S, /, *arguments: _P.args, **named: _P.kwargs) -> _R:
        with self.forge.lock:
            return method(self, *arguments, **named)

    return alone


class RepositoryState:
    """A repository's roles, changes and commits."""

    def __init__(self, forge: Accounts, full_name: str, default_branch: str) -> None:
        self.forge = forge
        self.full_name = full_name
        self.default_branch = default_branch
        self.id = forge.next_id()
        self.fork_id = forge.next_id()
        self.created = forge.clock()
        self.path: Path = forge.folder / f"{full_name}.git"
        self.git = BareRepository(self.path)
        self.git.create(default_branch)
        self.public = False
        self.job_token_push = False
        self.roles: dict[str, Role] = {}
        self.statuses: list[Status] = []
        #: By their files; and their runs, the oldest first.
        self.workflows: dict[str, Workflow] = {}
        self.runs: list[Run] = []
        #: What came to branches and by whom, the oldest first.
        self.pushes: list[Push] = []
        self._by_number: dict[int, Change] = {}
        self._labels: dict[str, int] = {}
        self._refusal: str | None = None
        self._trials: dict[tuple[str, str], str | None] = {}

    @atomic
    def grant(self, login: str, role: Role) -> None:
        """Give a person a role here; ``none`` takes it away."""
        self.roles[self.forge.person(login).login] = role

    def role_of(self, login: str) -> Role:
        """A person's role here."""
        role = self.roles.get(login, "none")
        return "read" if role == "none" and self.public else role

    @property
    def refuse_pushes(self) -> str | None:
        """What pushes are refused with, by git and by HTTP alike."""
        return self._refusal

    @refuse_pushes.setter
    def refuse_pushes(self, text: str | None) -> None:
        self._refusal = text
        hook = self.path / "hooks" / "pre-receive"
        hook.unlink(missing_ok=True)
        if text is not None:
            hook.parent.mkdir(exist_ok=True)
            # Git itself writes "remote: " before each line.
            lines = [line.removeprefix("remote: ") for line in text.splitlines()]
            hook.with_name("refusal").write_text("\n".join([*lines, ""]))
            hook.write_text(_REFUSING_HOOK)
            hook.chmod(0o755)

    @atomic
    def refresh(self) -> None:
        """Let the heads of open changes follow what was pushed meanwhile."""
        branches = self.git.branches() if self._by_number else {}
        for change in self._by_number.values():
            head = branches.get(change.source, change.head)
            if change.state == "open" and head != change.head:
                self.record_version(change, head, branches[change.target], self.forge.clock())

    def record_version(self, change: Change, head: str, start: str, at: float) -> None:
        """Note a push: the change's head is now ``head``."""
        base = self.git.merge_base(start, head) or start
        change.versions.append(Version(self.forge.next_id(), head, base, start, at))
        change.updated = at
        for ref in (f"refs/pull/{change.number}/head", f"refs/merge-requests/{change.number}/head"):
            self.git.set_ref(ref, head)

    @atomic
    def change(self, number: int) -> Change:
        """A change, its head as of now."""
        self.refresh()
        if number not in self._by_number:
            raise NotThere(f"no change {number}")
        return self._by_number[number]

    @atomic
    def changes(self) -> list[Change]:
        """All changes, the oldest first."""
        self.refresh()
        return list(self._by_number.values())

    def label_id(self, name: str) -> int:
        """A label's id in this repository."""
        return self._labels.setdefault(name, self.forge.next_id())

    @atomic
    def find_comment(self, comment_id: int) -> tuple[Change, Comment]:
        """A comment and the change it is on."""
        for change in self._by_number.values():
            for comment in change.comments:
                if comment.id == comment_id:
                    return change, comment
        raise NotThere(f"no comment {comment_id}")

    # What Git says

    def commit_named(self, name: str) -> Commit:
        """The commit that a branch, tag or id names."""
        sha = self.git.revision(name)
        if sha is None:
            raise NotThere(f"no commit {name!r}")
        return self.git.commit(sha)

    def commits_of(self, change: Change) -> list[Commit]:
        """A change's commits, the oldest first."""
        return self.git.commits("--reverse", f"{change.latest.base}..{change.head}")

    def files_of(self, change: Change) -> list[FileChange]:
        """What a change changes: from where it left its target."""
        return self.git.files(change.latest.base, change.head)

    @atomic
    def changes_with(self, sha: str) -> list[Change]:
        """The changes that brought a commit, or propose it."""
        return [change for change in self.changes() if sha in self._shas_of(change)]

    def _shas_of(self, change: Change) -> set[str]:
        shas = set(self.git.listed(f"{change.latest.base}..{change.head}"))
        if change.merged is not None:
            made = {change.merged.tip, change.merged.merge_commit, change.merged.squash_commit}
            shas |= change.merged.landed | {sha for sha in made if sha}
        return shas

    @atomic
    def trial_merge(self, change: Change) -> str | None:
        """The commit by which GitHub tries an open change out; None if it conflicts."""
        target = self.git.branches().get(change.target)
        if target is None:
            return None
        if (change.head, target) not in self._trials:
            try:
                landing = self.landing(change, target, change.author, change.updated)
                self._trials[change.head, target] = trial = land("merge", landing).tip
                self.git.set_ref(f"refs/pull/{change.number}/merge", trial)
            except MergeConflict:
                self._trials[change.head, target] = None
        return self._trials[change.head, target]

    def landing(self, change: Change, target: str, by: str, now: float) -> Landing:
        """What merging ``change`` into the commit ``target`` is to make."""
        source = f"Merge #{change.number} from {change.source!r} into {change.target!r}"
        return Landing(
            git=self.git,
            target=target,
            head=change.head,
            title=f"{change.title} (#{change.number})\n\n{change.body}".strip() + "\n",
            merge_message=f"{source}\n\n{change.title}\n",
            author=self._signature(change.author, now),
            committer=self._signature(by, now),
        )

    def _signature(self, login: str, now: float) -> Signature:
        person = self.forge.person(login)
        return Signature(person.login, person.email, f"{int(now)} +0000")
