"""A repository on the forge: what is there, and what Git says about it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

from tagline_localforge.accounts import Accounts
from tagline_localforge.git import BareRepository, Commit, FileChange, MergeConflict, Signature
from tagline_localforge.guards import Guards
from tagline_localforge.merging import Landing, land
from tagline_localforge.records import Change, Comment, Deployment, Push, Role, Run, Status, Version, Workflow
from tagline_localforge.switches import Late, Switches
from tagline_localforge.web import Response

_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S", bound="RepositoryState")

#: All, none of trees, none at all with a refusal, none at all without a word.
Filters = Literal["all", "no-trees", "refused", "none"]

#: A push of several refs that asks to be all or nothing: so it is, the server does not know that, or says so and lies.
Atomic = Literal["kept", "not-offered", "ignored"]

_REF_HOOK = """#!/bin/sh
case "$1" in
%s) echo "Nobody may write $1 here." >&2; exit 1 ;;
esac
"""
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

    def __init__(self, forge: Accounts, full_name: str, default_branch: str, object_format: str) -> None:
        self.forge = forge
        self.full_name = full_name
        self.default_branch = default_branch
        self.id = forge.next_id()
        self.fork_id = forge.next_id()
        self.created = forge.clock()
        self.path: Path = forge.folder / f"{full_name}.git"
        self.git = BareRepository(self.path)
        self.git.create(default_branch, object_format)
        #: What git answers by protocol 2 to whoever begins to fetch, by its configuration.
        self.offers: dict[bytes, Response] = {}
        self.public = False
        self.job_token_push = False
        self.roles: dict[str, Role] = {}
        self.statuses: list[Status] = []
        #: By their files; and their runs, the oldest first.
        self.workflows: dict[str, Workflow] = {}
        #: GitLab's tokens that only trigger pipelines, and whose they are.
        self.trigger_tokens: dict[str, str] = {}
        self.runs: list[Run] = []
        #: The oldest first.
        self.deployments: list[Deployment] = []
        #: What came to branches and by whom, the oldest first.
        self.pushes: list[Push] = []
        self.switches = Switches()
        #: How it is set up.
        self.guards = Guards()
        #: Branches that were renamed, and what they are called now.
        self.renamed_branches: dict[str, str] = {}
        self._by_number: dict[int, Change] = {}
        #: What was merged, the oldest first.
        self._merges: list[Change] = []
        self._labels: dict[str, int] = {}
        #: Colour and description of those that somebody made by themselves, not by putting them on a change.
        self._looks: dict[str, tuple[str, str]] = {}
        self._refusal: str | None = None
        self._refused_refs: str | None = None
        self._filters: Filters = "all"
        self._atomic_pushes: Atomic = "kept"
        #: What lies between two commits, which never changes.
        self._between: dict[tuple[str, str], frozenset[str]] = {}
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

    @property
    def refused_refs(self) -> str | None:
        """A pattern of the shell's: the refs that are refused, one by one, of the pushes that bring others too."""
        return self._refused_refs

    @refused_refs.setter
    def refused_refs(self, pattern: str | None) -> None:
        self._refused_refs = pattern
        hook = self.path / "hooks" / "update"
        hook.unlink(missing_ok=True)
        if pattern is not None:
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(_REF_HOOK % pattern)
            hook.chmod(0o755)

    @property
    def atomic_pushes(self) -> Atomic:
        """Whether pushes that are to be all or nothing are so."""
        return self._atomic_pushes

    @atomic_pushes.setter
    def atomic_pushes(self, kept: Atomic) -> None:
        self._atomic_pushes = kept
        self.git("config", "receive.advertiseAtomic", str(kept != "not-offered").lower())

    @property
    def filters(self) -> Filters:
        """Which partial clones ``git upload-pack`` serves; of ``none`` it says nothing and sends everything."""
        return self._filters

    @filters.setter
    def filters(self, served: Filters) -> None:
        self._filters = served
        self.git("config", "uploadpack.allowFilter", str(served != "none").lower())
        self.git("config", "uploadpackfilter.allow", str(served != "refused").lower())
        self.git("config", "uploadpackfilter.tree.allow", str(served == "all").lower())

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

    def newest_merges(self, late: Late) -> frozenset[int]:
        """The numbers of the merges that are late in this request."""
        return frozenset(change.number for change in self._merges[max(0, len(self._merges) - late.take()) :])

    def without_late(self, found: list[Change], late: Late) -> list[Change]:
        """What a list tells of what was found. A request that finds no merge is none that anything is late in."""
        if all(change.merged is None for change in found):
            return found
        hidden = self.newest_merges(late)
        return [change for change in found if change.number not in hidden]

    def label_id(self, name: str) -> int:
        """A label's id in this repository."""
        return self._labels.setdefault(name, self.forge.next_id())

    def label_names(self) -> list[str]:
        """Every label of the repository, be it on a change or not."""
        return list(self._labels)

    def look_of(self, name: str) -> tuple[str, str] | None:
        """A label's colour, without ``#``, and its description; None for one that came with a change."""
        return self._looks.get(name)

    @atomic
    def make_label(self, name: str, color: str, description: str) -> None:
        """Make a label that is not there. Whether it is, each forge's API finds in its own way."""
        self.label_id(name)
        self._looks[name] = (color, description)

    def label_name(self, number: int) -> str | None:
        """What the label of that id is called now; None if it was deleted."""
        return next((name for name, known in self._labels.items() if known == number), None)

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

    def _shas_of(self, change: Change) -> frozenset[str]:
        ends = (change.latest.base, change.head)
        if ends not in self._between:
            self._between[ends] = frozenset(self.git.listed("..".join(ends)))
        shas = self._between[ends]
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
                for ref in (f"refs/pull/{change.number}/merge", f"refs/merge-requests/{change.number}/merge"):
                    self.git.set_ref(ref, trial)
            except MergeConflict:
                self._trials[change.head, target] = None
        return self._trials[change.head, target]

    def landing(self, change: Change, target: str, by: str, now: float) -> Landing:
        """What merging ``change`` into the commit ``target`` is to make."""
        # GitHub's own first line, and GitLab's own last one.
        owner, number = self.full_name.partition("/")[0], change.number
        message = f"Merge pull request #{number} from {owner}/{change.source}\n\n{change.title}\n"
        return Landing(
            git=self.git,
            target=target,
            head=change.head,
            title=f"{change.title} (#{change.number})\n\n{change.body}".strip() + "\n",
            merge_message=f"{message}\nSee merge request {self.full_name}!{number}\n",
            author=self.signature(change.author, now),
            committer=self.signature(by, now),
        )

    def signature(self, login: str, now: float) -> Signature:
        """What a commit says of who made it, and when."""
        person = self.forge.person(login)
        return Signature(person.login, person.email, f"{int(now)} +0000")
