"""How changes landed: what the forge tells of it, and what Git shows where it tells nothing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from tagline.domain.changes.changes import Change, Merges
from tagline.domain.changes.landing import Commit, forwarded_after, landed_after, push_of
from tagline.domain.changes.pushes import Push
from tagline.errors import Conflict, NotFound, PlatformRefused, Refused, TaglineError
from tagline.ports.clock import Clock
from tagline.ports.forge import CannotRead, Forge
from tagline.ports.job import Job
from tagline.ports.repository import History, Landing

#: Seconds: changes that landed longer ago are not looked for; naming one by its number still works.
RECENT = 7 * 86_400
#: A change has no more commits than this, where nobody says how many: GitHub rebases at most 100.
MOST_COMMITS = 101
#: Commits that are brought at once.
_MOST_BROUGHT = 200
#: Seconds between looks at what the forge does not tell yet: a minute in all.
PAUSES = (2.0, 4.0, 8.0, 16.0, 30.0)
#: Seconds after a merge in which the forge may not know all of it.
_PATIENCE = 3_600
_NO_COMMIT = "no-merge-commit"
#: What such a change ends with.
UNTOLD = (_NO_COMMIT, "no-merge-time")
_COMMIT_RE = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class _Missing(NamedTuple):
    """What the forge does not tell yet."""

    code: str
    message: str


def _is_unplaced(change: Change) -> bool:
    return change.merge_commit is None


class Landings:
    """How changes landed, as far as a run has found out: it is kept for all its changes."""

    def __init__(self, forge: Forge, history: History, job: Job, clock: Clock) -> None:
        self._forge = forge
        self._history = history
        self._job = job
        self._clock = clock
        self._recent: dict[str, Merges] = {}
        self._found: dict[tuple[int, str], Landing] = {}

    @property
    def since(self) -> float:
        """The beginning of the last days."""
        return self._clock.now() - RECENT

    def bring(self, changes: Iterable[Change]) -> None:
        """Bring by one fetch what merged changes are judged by: files where they landed, before it and at their heads.

        ``changes`` are in the order in which they are judged; of very many the first. What has no label most often
        asks for nothing.
        """
        pairs = ((change.merge_commit, change.head) for change in changes if change.labels)
        commits = [commit for pair in pairs for commit in pair if commit is not None]
        if commits:
            with contextlib.suppress(TaglineError):  # whoever reads it says so, where people look
                self._history.prepare(list(dict.fromkeys([self._history.tip(), *commits[:_MOST_BROUGHT]])), 2)

    def recent(self, branch: str) -> Merges:
        """What was merged into a branch in the last days, with fields that a list tells."""
        if branch not in self._recent:
            listed = self._forge.merged_since(branch, self.since)
            if any(map(_is_unplaced, listed.changes)):
                listed = listed._replace(changes=self._placed(branch, listed.changes))
            self._recent[branch] = listed
        return self._recent[branch]

    def forget(self, branch: str) -> None:
        """Ask anew what was merged into a branch: the list may have been late."""
        self._recent.pop(branch, None)

    def goes_to(self, change: Change, branch: str) -> bool:
        """Whether a change goes into a branch, by its name now or, of the default one, by a name that is gone."""
        is_gone = change.base not in self._history.branches()
        return change.base == branch or (is_gone and branch == self._history.default_branch)

    def _placed(self, branch: str, listed: Sequence[Change]) -> list[Change]:
        """Changes of a list, those with a guess for which the forge names no commit: good enough to put them in order.

        A fast-forward is where its head is, one that was rebased first where its head's words are.
        """
        line = self._history.line(branch, self.since)
        on_line = set(line)
        placed = [replace(c, merge_commit=c.head) if _is_unplaced(c) and c.head in on_line else c for c in listed]
        heads = [change.head for change in placed if _is_unplaced(change)]
        if not heads:
            return placed
        there = {one.words: one.id for one in self._history.words(line)}
        found = {one.id: there.get(one.words) for one in self._history.words(heads)}
        return [replace(c, merge_commit=found[c.head], is_guess=True) if _is_unplaced(c) else c for c in placed]

    def settled(self, change: Change) -> Change:
        """A change with all that tells how it landed, if it did; what the forge does not tell yet is waited for.

        Raises Conflict where that takes longer: nothing is decided by what will pass.
        """
        found = self._settled(change)
        for seconds in (0.0, *PAUSES) if self.may_be_late(change) else (0.0,):
            if isinstance(found, Change):
                return found
            self._clock.pause(seconds)
            found = self._settled(self._forge.change(change.number))
        if isinstance(found, Change):
            return found
        if found.code == _NO_COMMIT and any(push.after == change.head for push in self._pushes(change)):
            return replace(change, merge_commit=change.head)  # it was there, and the branch was rewritten since
        hint = "Run the same command again in a few minutes. Nothing was decided."
        raise Conflict(found.message, hint, code=found.code)

    def may_be_late(self, change: Change) -> bool:
        """Whether what the forge does not tell of a change may still come, and is waited for."""
        return change.merged_at is None or change.merged_at > self._clock.now() - _PATIENCE

    def _settled(self, change: Change) -> Change | _Missing:
        if change.state == "merging":
            return _Missing("being-merged", f"Change {change.number} is being merged at this moment.")
        if not change.merged:
            return change
        if change.merged_at is None and self._forge.attests_labels:
            message = f"The forge does not tell yet when change {change.number} was merged."
            return _Missing("no-merge-time", message)
        change = self._on_its_branch(change)
        if change.merge_commit is not None and not change.is_guess:
            return change
        commit = self._located(change)
        if commit is None:
            message = f"The forge does not tell yet which commit change {change.number} landed as."
            return _Missing(_NO_COMMIT, message)
        return replace(change, merge_commit=commit, is_guess=False)

    def _on_its_branch(self, change: Change) -> Change:
        """The same on the default branch, where that had another name when the change was merged into it."""
        default, branches = self._history.default_branch, self._history.branches()
        commit = change.merge_commit or change.head
        if change.base in branches or default not in branches or commit not in self._line(default, change):
            return change
        return replace(change, base=default)

    def _line(self, branch: str, change: Change) -> list[str]:
        """The first parents of a branch's tip since some days before a change was merged, newest first."""
        return self._history.line(branch, self._since(change))

    def _since(self, change: Change) -> float:
        return (change.merged_at - RECENT) if change.merged_at is not None else self.since

    def _located(self, change: Change) -> str | None:
        """The commit that a change landed as whose forge names none: GitLab's fast-forwards, rebased first or not.

        A rebase leaves copies of the change's commits, as anybody may with a cherry-pick: the forge says which it is.
        """
        if change.base not in self._history.branches():
            return change.head
        line = self._line(change.base, change)
        if change.head in line:
            return change.head
        words = self._history.words(line)
        for own in (self._history.words([change.head]), self.own_commits(change, line[0])):
            copied = {one.words for one in own if len(one.parents) < 2}
            originals = {one.id for one in own}
            places = [place for place, one in enumerate(words) if one.words in copied and one.id not in originals]
            for place in places:
                # The last of a rebase has no other of it above.
                if place - 1 not in places and self._brought(change, line[place]):
                    return line[place]
        return None

    def _brought(self, change: Change, commit: str) -> bool:
        return any(found.number == change.number for found in self._forge.changes_with(commit))

    def own_commits(self, change: Change, landed: str) -> list[Commit]:
        """A change's own commits, oldest first; from Git where this token may not read which they are."""
        try:
            return self._history.words(self._forge.commit_ids(change), change.head)
        except CannotRead:
            return self._history.words(self._history.own_commits(change.head, landed))

    def of(self, change: Change) -> Landing:
        """How a merged change landed.

        Raises Conflict where the forge does not tell it yet, Refused when its commit is not on the branch, or where
        nobody can tell what came before it.
        """
        change = self.settled(change)
        commit = change.merge_commit
        if commit is None or not _COMMIT_RE.fullmatch(commit):
            raise PlatformRefused(
                f"The forge names no commit that change {change.number} landed as, but {commit!r}.",
                "Tag by hand: tagline register NAME --rev COMMIT",
                code="forge-failed",
            )
        key = (change.number, commit)
        if key not in self._found:
            self._require_on_branch(change, commit)
            before = self._before(change, commit)
            if before is None:
                raise Refused(
                    f"Nobody can tell what was on {change.base} before change {change.number} landed as {commit[:7]}.",
                    "Ask again in a new change, with a request file that names the version.",
                    code="landing-unclear",
                )
            self._found[key] = Landing(before, commit)
        return self._found[key]

    def _require_on_branch(self, change: Change, commit: str) -> None:
        try:
            there = self._history.is_on(change.base, commit, self._since(change))
        except NotFound as error:
            message = f"{change.base}, which change {change.number} was merged into, is gone."
            raise Refused(message, "Merge it into a branch that is promoted.", code="branch-gone") from error
        if not there:
            raise Refused(
                f"{commit[:7]}, which change {change.number} landed as, is not on {change.base}.",
                "Its history was rewritten since; promote again by a new change.",
                code="not-on-branch",
            )

    def _before(self, change: Change, commit: str) -> str | None:
        """The tip of the branch before a change landed on it as a commit; None where nobody can tell."""
        if commit == change.head:
            return self._before_forward(change, commit)
        parents = self._words(commit).parents
        first = next(iter(parents), commit)
        if len(parents) > 1 or change.squashed or change.commits == 1:
            return first
        push = self._push_of(change, commit)
        start = push.before if push is not None else None
        if start == first or (push is not None and push.kind == "merge" and push.after == commit):
            return start  # nothing else came with it
        own = self.own_commits(change, commit)
        return landed_after(commit, own, self._words, self._is_another(change), start)

    def _before_forward(self, change: Change, commit: str) -> str | None:
        """The same where nothing was made anew. GitLab tells where the change left its base, GitHub does not."""
        start = change.base_commit or self._forge.change(change.number).base_commit  # lists leave it out
        own: list[Commit] | None = None
        if start is None:
            push, own = self._push_of(change, commit), self.own_commits(change, commit)
            start = push.before if push is not None else None
            if start is None and any(len(one.parents) > 1 for one in own):
                return None  # it merged its base, and nobody knows how much of that was there
        behind = self._history.behind(commit, max(len(own or ()), change.commits or 0, MOST_COMMITS))
        ids = {one.id for one in own} if own is not None else None
        return forwarded_after(behind, start, ids, self._is_another(change), self._history.lies_behind)

    def _push_of(self, change: Change, commit: str) -> Push | None:
        """The push that brought a commit: the one that started this job, else as the forge noted it.

        None where it did not, and where this token may not read it.
        """
        line = self._line(change.base, change)
        event = self._job.event
        if event.name == "push" and event.before and event.commit:
            found = push_of(commit, line, [Push(None, event.before, event.commit, 0.0)])
            if found is not None:
                return found
        return push_of(commit, line, self._pushes(change))

    def _pushes(self, change: Change) -> Iterator[Push]:
        """As the forge noted them; none where this token may not read them."""
        with contextlib.suppress(CannotRead):
            yield from self._forge.pushes_to(change.base, change.merged_at)

    def _is_another(self, change: Change) -> Callable[[str], bool]:
        """Whether another merged change landed as a commit: by the list, if that is as new as the change itself.

        Else each commit is asked for, one by one.
        """
        is_recent = (change.merged_at or 0.0) >= self._clock.now() - RECENT
        listed = self.recent(change.base).changes if is_recent else []
        others = {other.merge_commit for other in listed if other.number != change.number}
        is_fresh = any(other.number == change.number for other in listed)

        def is_another(commit: str) -> bool:
            if commit in others or is_fresh:
                return commit in others
            found = self._forge.changes_with(commit)
            return any(one.number != change.number and self._is_landing(one, commit) for one in found)

        return is_another

    def _is_landing(self, change: Change, commit: str) -> bool:
        """Whether a merged change landed as a commit: as the forge names it, else as Git shows a fast-forward."""
        if change.merge_commit is not None:
            return change.merge_commit == commit
        if not change.merged:
            return False
        landed, head = self._history.words([commit, change.head])
        return landed.id == head.id or landed.is_copy_of(head)

    def _words(self, commit: str) -> Commit:
        return self._history.words([commit])[0]
