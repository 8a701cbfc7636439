"""A repository on the forge: what people do there, and the rules by which changes move."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tagline_localforge.merging import Merged, Method, land
from tagline_localforge.records import (
    NO_COMMIT,
    Attempt,
    Change,
    Comment,
    Event,
    Push,
    PushKind,
    Review,
    ReviewState,
    Run,
    Status,
    Workflow,
)
from tagline_localforge.state import NotThere, Refused, RepositoryState, atomic

#: More tags than this in one push start nothing.
_MOST_TAGS = 3
#: Of more branches than this in one push GitLab says how many they were, and not which.
_MOST_BRANCHES = 3


class Repository(RepositoryState):
    """A repository. Actions take the login of who acts; whether they may is asked at the API, not here."""

    @atomic
    def open_change(
        self,
        *,
        author: str,
        source: str,
        target: str | None = None,
        title: str = "",
        body: str = "",
        fork: bool = False,
        draft: bool = False,
    ) -> Change:
        """Propose the branch ``source``. With ``fork`` it is said to lie in the author's fork, yet lies here."""
        self.refresh()
        goal, now = target or self.default_branch, self.forge.clock()
        branches = self.git.branches()
        for branch in (source, goal):
            if branch not in branches:
                raise Refused(f"no branch {branch!r}")
        number = len(self._by_number) + 1
        name = self.full_name.rpartition("/")[2]
        change = Change(
            id=self.forge.next_id(),
            number=number,
            author=self.forge.person(author).login,
            source=source,
            target=goal,
            title=title or source,
            body=body,
            draft=draft,
            fork=f"{author}/{name}" if fork else None,
            created=now,
            updated=now,
        )
        self._by_number[number] = change
        self.record_version(change, branches[source], branches[goal], now)
        return change

    @atomic
    def edit(
        self, number: int, *, by: str, title: str | None = None, body: str | None = None, target: str | None = None
    ) -> Change:
        """Change what is said about a change, or where it is to land."""
        change = self.change(number)
        change.updated = self.forge.clock()
        if title is not None and title != change.title:
            self._event(change, "renamed", by, renamed=(change.title, title))
            change.title = title
        change.body = change.body if body is None else body
        if target is not None and target != change.target:
            self._retarget(change, target, by)
        return change

    def _retarget(self, change: Change, target: str, by: str) -> None:
        self._must_be(change, "open")
        start = self.git.branches().get(target)
        if start is None or target == change.source:
            raise Refused(f"no branch {target!r} that {change.source!r} could go into")
        event = self._event(change, "base_ref_changed", by, renamed=(change.target, target))
        change.target = target
        self.record_version(change, change.head, start, event.at)

    @atomic
    def close(self, number: int, *, by: str | None = None) -> None:
        """Close without merging."""
        change = self.change(number)
        self._must_be(change, "open")
        change.state = "closed"
        change.closed = self._event(change, "closed", by or change.author).at

    @atomic
    def reopen(self, number: int, *, by: str | None = None) -> None:
        """Take back a closing."""
        change = self.change(number)
        self._must_be(change, "closed")
        change.state, change.closed = "open", None
        self._event(change, "reopened", by or change.author)

    @atomic
    def merge(self, number: int, *, by: str, method: Method = "merge") -> str:
        """Land a change with real commits; the target's new tip."""
        change = self.change(number)
        self._must_be(change, "open")
        now = self.forge.clock()
        before = self.git.branches()[change.target]
        merged = land(method, self.landing(change, before, by, now))
        landed = frozenset(self.git.listed(f"{before}..{merged.tip}"))
        self.git.set_ref(f"refs/heads/{change.target}", merged.tip, old=before)
        self._note_push(change.target, before, merged.tip, by, now, kind="pr_merge")
        change.merged = Merged(merged.tip, merged.merge_commit, merged.squash_commit, landed)
        change.state, change.merged_by = "merged", self.forge.person(by).login
        change.merged_at = change.closed = now
        self._event(change, "merged", by, at=now, commit=merged.tip)
        self._event(change, "closed", by, at=now)
        return merged.tip

    @staticmethod
    def _must_be(change: Change, state: str) -> None:
        if change.state != state:
            raise Refused(f"change {change.number} is {change.state}, not {state}")

    def _event(
        self,
        change: Change,
        kind: str,
        by: str,
        *,
        at: float | None = None,
        label: str = "",
        commit: str | None = None,
        review: Review | None = None,
        comment: Comment | None = None,
        message: str = "",
        renamed: tuple[str, str] = ("", ""),
    ) -> Event:
        now = self.forge.clock() if at is None else at
        login = self.forge.person(by).login
        event = Event(self.forge.next_id(), kind, login, now, label, commit, review, comment, message, renamed)
        change.events.append(event)
        change.updated = now
        return event

    @atomic
    def label(self, number: int, name: str, *, by: str) -> None:
        """Put a label on; a second time changes nothing."""
        change = self.change(number)
        if name not in change.labels:
            self._event(change, "labeled", by, label=name)
            change.labels.append(name)

    @atomic
    def unlabel(self, number: int, name: str, *, by: str) -> None:
        """Take a label off."""
        change = self.change(number)
        if name not in change.labels:
            raise NotThere(f"no label {name!r}")
        self._event(change, "unlabeled", by, label=name)
        change.labels.remove(name)

    @atomic
    def review(self, number: int, *, by: str, state: ReviewState = "approved", body: str = "") -> Review:
        """Review the current head."""
        change = self.change(number)
        now, login = self.forge.clock(), self.forge.person(by).login
        review = Review(self.forge.next_id(), login, state, state, body, change.head, now)
        change.reviews.append(review)
        self._event(change, "reviewed", by, at=now, review=review)
        return review

    @atomic
    def dismiss(self, number: int, review_id: int, *, by: str, message: str = "") -> None:
        """Dismiss somebody's review."""
        change = self.change(number)
        review = next((each for each in change.reviews if each.id == review_id), None)
        if review is None:
            raise NotThere(f"no review {review_id}")
        review.state = "dismissed"
        self._event(change, "review_dismissed", by, review=review, message=message)

    def approve(self, number: int, *, by: str) -> Review:
        """GitLab's approval: an approving review."""
        return self.review(number, by=by, state="approved")

    @atomic
    def unapprove(self, number: int, *, by: str) -> None:
        """Take one's approval back."""
        change = self.change(number)
        standing = [review for review in change.approvals() if review.login == by]
        if not standing:
            raise NotThere(f"{by} has not approved")
        for review in change.reviews:
            review.withdrawn = review.withdrawn or (review.login == by and review.given == "approved")
        self._event(change, "unapproved", by)

    @atomic
    def comment(self, number: int, *, by: str, body: str) -> Comment:
        """Say something."""
        change = self.change(number)
        now = self.forge.clock()
        comment = Comment(self.forge.next_id(), self.forge.person(by).login, body, now, now)
        change.comments.append(comment)
        self._event(change, "commented", by, at=now, comment=comment)
        return comment

    @atomic
    def edit_comment(self, comment_id: int, body: str) -> Comment:
        """Say it otherwise."""
        change, comment = self.find_comment(comment_id)
        comment.body = body
        comment.updated = change.updated = self.forge.clock()
        return comment

    @atomic
    def delete_comment(self, comment_id: int) -> None:
        """Unsay it; it leaves the timeline too."""
        change, comment = self.find_comment(comment_id)
        change.comments.remove(comment)
        change.events = [event for event in change.events if event.comment is not comment]
        change.updated = self.forge.clock()

    @atomic
    def set_status(
        self,
        name: str,
        state: str,
        *,
        by: str,
        context: str = "default",
        description: str | None = None,
        target_url: str | None = None,
    ) -> Status:
        """Set a commit's status."""
        sha, now = self.commit_named(name).sha, self.forge.clock()
        login = self.forge.person(by).login
        status = Status(self.forge.next_id(), sha, state, context, description, target_url, login, now)
        self.statuses.append(status)
        return status

    # Workflows, as GitHub has them

    @atomic
    def add_workflow(self, file: str, *, dispatch: bool = True, tags: Sequence[str] = ()) -> Workflow:
        """A workflow of every branch and tag, which a push of tags that match ``tags`` starts."""
        workflow = Workflow(self.forge.next_id(), file, dispatch, tuple(tags), self.forge.clock())
        self.workflows[file] = workflow
        return workflow

    @atomic
    def start_run(self, file: str, ref: str, *, by: str, event: str = "workflow_dispatch") -> Run:
        """Run a workflow on a branch or tag, given by its full name."""
        number = 1 + sum(run.workflow.file == file for run in self.runs)
        sha, login, now = self.commit_named(ref).sha, self.forge.person(by).login, self.forge.clock()
        first = [Attempt(login, now)]
        run = Run(self.forge.next_id(), number, self.workflows[file], event, ref, sha, login, now, first)
        self.runs.append(run)
        return run

    @atomic
    def end_run(self, run: Run) -> None:
        """It is done."""
        run.attempts[-1].ended = self.forge.clock()

    @atomic
    def run_again(self, run: Run, *, by: str) -> None:
        """Start a run once more that is done."""
        run.attempts.append(Attempt(self.forge.person(by).login, self.forge.clock()))

    # Pushes

    @atomic
    def pushed_branches(self, commands: Mapping[str, tuple[str, str]], *, by: str | None) -> None:
        """Note what a push made of branches: full names, each with the commit before and after."""
        branches = {ref.removeprefix("refs/heads/"): ends for ref, ends in commands.items() if _is_branch(ref)}
        now = self.forge.clock()
        for name, (before, after) in branches.items():
            self._note_push(name, before, after, by, now, branches=len(branches))

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

    @atomic
    def accepted(self, commands: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        """Of the commands of a push those that were carried out: full names, each with what it was and is."""
        return {ref: ends for ref, ends in commands.items() if self._is_at(ref, ends[1])}

    @atomic
    def start_on_tags(self, commands: Mapping[str, tuple[str, str]], *, by: str) -> None:
        """Start what a push of tags starts."""
        tags = [ref for ref, (_, after) in commands.items() if ref.startswith("refs/tags/") and after != NO_COMMIT]
        if len(tags) > _MOST_TAGS:
            return
        for ref in tags:
            for file, workflow in self.workflows.items():
                if any(_matches(pattern, ref.removeprefix("refs/tags/")) for pattern in workflow.tags):
                    self.start_run(file, ref, by=by, event="push")

    def _is_at(self, ref: str, object_id: str) -> bool:
        found = self.git.object_of(ref)
        return object_id == (found[1] if found is not None else NO_COMMIT)


def _is_branch(ref: str) -> bool:
    return ref.startswith("refs/heads/")


def _matches(pattern: str, name: str) -> bool:
    """``*`` is any text without a slash, ``**`` any text."""
    text = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.fullmatch(text, name) is not None
