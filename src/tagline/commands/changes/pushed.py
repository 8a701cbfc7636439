"""Which changes a push brought: each commit of it is looked up, and what the forge does not tell yet is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from tagline.commands.changes import landing
from tagline.commands.changes.context import ChangeContext
from tagline.domain.changes.changes import Change
from tagline.domain.changes.landing import Commit, made_by_forge, push_of
from tagline.errors import Conflict, NotFound, Refused
from tagline.ports.forge import CannotRead

#: Commits of one push that the forge is asked about one by one.
_MOST_ASKED = 30


class Brought(NamedTuple):
    """What a push brought: changes; ``others`` came with none; the rest, ``unasked``, nobody looked up."""

    changes: list[Change]
    others: list[str]
    unasked: list[str]


#: What no push brought.
NOTHING = Brought([], [], [])


class _NotYet(Exception):
    """The forge does not tell yet which change a commit came with."""

    def __init__(self, commit: str) -> None:
        super().__init__(commit)
        self.commit = commit


def brought_by(context: ChangeContext, branch: str, commits: Sequence[str]) -> Brought:
    """What a push of some commits (newest first) brought to a branch.

    Raises Conflict where the forge does not tell it, and has been waited for.
    """
    for seconds in landing.PAUSES:
        try:
            return _look(context, branch, commits)
        except _NotYet:
            context.clock.pause(seconds)
            context.landings.forget(branch)
    try:
        return _look(context, branch, commits)
    except _NotYet as late:
        raise Conflict(
            f"{late.commit[:7]} came to {branch} by a merge, and the forge does not tell yet of which change.",
            "Run the same command again in a few minutes. Nothing was decided.",
            code="merge-not-listed",
        ) from None


def _look(context: ChangeContext, branch: str, commits: Sequence[str]) -> Brought:
    listed: dict[str, list[Change]] = {}
    for change in context.landings.recent(branch).changes:
        if change.merge_commit is not None and not change.is_guess:
            listed.setdefault(change.merge_commit, []).append(change)
    found = Brought([], [], [])
    asked, place = 0, 0
    while place < len(commits):
        commit = commits[place]
        if commit not in listed:
            if asked == _MOST_ASKED:
                return found._replace(unasked=list(commits[place:]))
            asked += 1
            listed[commit] = _asked(context, branch, commit)
        changes = listed[commit]
        found.changes.extend(changes)
        found.others.extend([] if changes else [commit])
        more = place + 1 < len(commits) and commits[place + 1] not in listed
        place += _covered(context, changes[0], commits[place:]) if changes and more else 1
    return found


def _covered(context: ChangeContext, change: Change, commits: Sequence[str]) -> int:
    """How many of some commits, newest first, a change brought that landed as the first of them."""
    try:
        before = context.landings.of(change).before
    except Refused:
        return 1
    return commits.index(before) if before in commits else len(commits)


def _asked(context: ChangeContext, branch: str, commit: str) -> list[Change]:
    """The changes that landed on a branch as a commit, as the forge tells it of this commit."""
    found = [change for change in context.forge.changes_with(commit) if context.landings.goes_to(change, branch)]
    landing = [change for change in found if change.state in ("merged", "merging")]
    here = [replace(change, merge_commit=commit) for change in landing if _landed(context, change, commit)]
    # What belongs to a change that landed as another commit is one of those that it brought.
    return here if landing else _made(context, branch, context.history.words([commit])[0])


def _landed(context: ChangeContext, change: Change, commit: str) -> bool:
    """Whether a change landed as a commit that belongs to it, above which there is none of it."""
    if change.merge_commit is not None:
        return change.merge_commit == commit
    if change.state == "merging":
        raise _NotYet(commit)
    # Of a fast-forward that was rebased first no field tells: it is a copy of the change's own, most often of the last.
    landed, head = context.history.words([commit, change.head])
    if landed == head or landed.is_copy_of(head):
        return True
    own = context.landings.own_commits(change, commit)
    if any(landed.is_copy_of(one) for one in own):
        return True
    if commit not in {one.id for one in own}:
        raise _NotYet(commit)
    return False


def _made(context: ChangeContext, branch: str, commit: Commit) -> list[Change]:
    """The change of a commit that the forge's lists do not know, and that looks as if the forge had made it."""
    made = made_by_forge(commit, context.forge.flavour)
    if made is not None and made.number is not None:
        return _numbered(context, branch, commit.id, made.number)
    if made is not None or commit.author != commit.committer:
        # A merge in words of its own, or what was written earlier than committed: a rebase, or somebody's amending.
        try:
            line = context.history.line(branch, context.landings.since)
            push = push_of(commit.id, line, context.forge.pushes_to(branch, None))
        except CannotRead:
            push = None
        if push is not None and push.kind != "push":
            raise _NotYet(commit.id)
    return []


def _numbered(context: ChangeContext, branch: str, commit: str, number: int) -> list[Change]:
    try:
        change = context.forge.change(number)
    except NotFound:
        return []
    if not context.landings.goes_to(change, branch) or change.state not in ("merged", "merging"):
        return []
    if change.merge_commit is None:
        raise _NotYet(commit)
    return [change] if change.merge_commit == commit else []
