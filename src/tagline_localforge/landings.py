"""How changes and pushes come onto branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tagline_localforge.discussion import Discussion
from tagline_localforge.merging import Merged, Method, land
from tagline_localforge.records import NO_COMMIT, Change, Push, PushKind, Version
from tagline_localforge.state import Refused, atomic

#: Of more branches than this in one push GitLab says how many they were, and not which.
_MOST_BRANCHES = 3


class Landings(Discussion):
    """A repository whose branches move."""

    @atomic
    def merge(self, number: int, *, by: str, method: Method = "merge") -> str:
        """Land a change with real commits; the target's new tip."""
        return self._land([number], by, method, "pr_merge")[0]

    @atomic
    def merge_together(self, numbers: Sequence[int], *, by: str, method: Method = "merge") -> list[str]:
        """Land changes by one push, each upon the one before, as queues and trains do; where each of them landed."""
        return self._land(numbers, by, method, "merge_queue_merge")

    def _land(self, numbers: Sequence[int], by: str, method: Method, kind: PushKind) -> list[str]:
        changes = [self.change(number) for number in numbers]
        for change in changes:
            self._must_be(change, "open")
        (target,) = {change.target for change in changes}
        now = self.forge.clock()
        tip = before = self.git.branches()[target]
        landed = []
        for change in changes:
            made = land(method, self.landing(change, tip, by, now))
            landed.append(replace(made, landed=frozenset(self.git.listed(f"{tip}..{made.tip}"))))
            tip = made.tip
        self.git.set_ref(f"refs/heads/{target}", tip, old=before)
        self._note_push(target, before, tip, by, now, kind=kind)
        for change, merged in zip(changes, landed, strict=True):
            self._note_merge(change, merged, by, now)
        self._merge_what_came_along(target, before, tip, by, now)
        return [merged.tip for merged in landed]

    def _note_merge(self, change: Change, merged: Merged, by: str, now: float) -> None:
        change.merged = merged
        change.state, change.merged_by = "merged", self.forge.person(by).login
        change.merged_at = change.closed = now
        self._merges.append(change)
        self._event(change, "merged", by, at=now, commit=merged.tip)
        self._event(change, "closed", by, at=now)

    def _merge_what_came_along(self, target: str, before: str, after: str, by: str, now: float) -> None:
        """Both forges call an open change merged whose head a push brought to its target, and by whoever pushed.

        The merge commit is the head itself where it lies on the target's own line, else what merged it into that.
        Source: lib/gitlab/branch_push_merge_commit_analyzer.rb of gitlab-org/gitlab. Unverified: that GitHub names
        the same commit.
        """
        waiting = [change for change in self.changes() if change.state == "open" and change.target == target]
        if not waiting:
            return
        came = set(self.git.listed(f"{before}..{after}"))
        line = self.git.listed("--first-parent", "--reverse", f"{before}..{after}")
        for change in waiting:
            head = change.head
            if head in came:
                carrier = next(commit for commit in line if self.git.merge_base(commit, head) == head)
                landed = frozenset(self.git.listed(f"{before}..{head}"))
                self._note_merge(change, Merged(carrier, merge_commit=carrier, landed=landed), by, now)

    @atomic
    def merge_many(self, count: int, *, by: str, files: str = "many/{}.txt") -> list[Change]:
        """Land so many changes of one file each on the default branch, as fast-forwards: a busy week, quickly made."""
        target = self.default_branch
        before, first = self.git.branches()[target], len(self._by_number) + 1
        numbers, login = range(first, first + count), self.forge.person(by).login
        times = [self.forge.clock() for _ in numbers]
        self.git.import_line(
            target,
            [(self.signature(login, at), files.format(n), f"{n}\n") for n, at in zip(numbers, times, strict=True)],
            refs=[[f"refs/pull/{n}/head", f"refs/merge-requests/{n}/head"] for n in numbers],
        )
        made = []
        for number, at, tip in zip(numbers, times, self.git.listed("--reverse", f"{before}..{target}"), strict=True):
            change = self._new_change(author=login, source=f"many-{number}", target=target, at=at)
            change.versions.append(Version(self.forge.next_id(), tip, before, before, at))
            self._between[before, tip] = frozenset((tip,))
            self._note_push(target, before, tip, by, at, kind="pr_merge")
            self._note_merge(change, Merged(tip, landed=frozenset((tip,))), by, at)
            made.append(change)
            before = tip
        return made

    def _new_change(
        self, *, author: str, source: str, target: str, at: float, title: str = "", body: str = "",
        draft: bool = False, fork: str | None = None,
    ) -> Change:  # fmt: skip
        number = len(self._by_number) + 1
        self._by_number[number] = change = Change(
            id=self.forge.next_id(),
            number=number,
            author=self.forge.person(author).login,
            source=source,
            target=target,
            title=title or source,
            body=body,
            draft=draft,
            fork=fork,
            created=at,
            updated=at,
        )
        return change

    @atomic
    def rename_branch(self, old: str, new: str) -> None:
        """Rename a branch as GitHub does: open changes go along, merged ones keep the name, the API sends on."""
        self.refresh()
        self.git.set_ref(f"refs/heads/{new}", self.git.branches()[old])
        self.git("update-ref", "-d", f"refs/heads/{old}")
        self.renamed_branches[old] = new
        if self.default_branch == old:
            self.default_branch = new
            self.git("symbolic-ref", "HEAD", f"refs/heads/{new}")
        for change in self._by_number.values():
            if change.state == "open":
                change.source = new if change.source == old else change.source
                change.target = new if change.target == old else change.target

    @staticmethod
    def _must_be(change: Change, state: str) -> None:
        if change.state != state:
            raise Refused(f"change {change.number} is {change.state}, not {state}")

    # Pushes

    @atomic
    def pushed_branches(self, commands: Mapping[str, tuple[str, str]], *, by: str | None) -> None:
        """Note what a push made of branches: full names, each with the commit before and after."""
        branches = {ref.removeprefix("refs/heads/"): ends for ref, ends in commands.items() if _is_branch(ref)}
        now = self.forge.clock()
        for name, (before, after) in branches.items():
            self._note_push(name, before, after, by, now, branches=len(branches))
            if NO_COMMIT not in (before, after):
                self._merge_what_came_along(name, before, after, by or "ghost", now)

    @atomic
    def accepted(self, commands: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        """Of the commands of a push those that were carried out: full names, each with what it was and is."""
        refs = self.git.refs("refs")
        return {ref: ends for ref, ends in commands.items() if refs.get(ref, NO_COMMIT) == ends[1]}

    def _note_push(
        self,
        branch: str,
        before: str,
        after: str,
        by: str | None,
        at: float,
        *,
        kind: PushKind | None = None,
        branches: int = 1,
    ) -> None:
        login = self.forge.person(by).login if by is not None else None
        what = kind or self._kind_of_push(before, after)
        together = branches if branches > _MOST_BRANCHES else 1
        self.pushes.append(Push(self.forge.next_id(), what, branch, before, after, login, at, together))

    def _kind_of_push(self, before: str, after: str) -> PushKind:
        if before == NO_COMMIT:
            return "branch_creation"
        if after == NO_COMMIT:
            return "branch_deletion"
        return "push" if self.git.merge_base(before, after) == before else "force_push"


def _is_branch(ref: str) -> bool:
    return ref.startswith("refs/heads/")
