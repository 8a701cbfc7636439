"""Pull requests by GitHub's REST API: themselves, their labels, reviews and commits, and who pushed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tagline.adapters.forges.github import activity
from tagline.adapters.forges.github.access import ACTIONS_BOT, Access
from tagline.adapters.forges.github.api import login, text
from tagline.adapters.forges.pages import host_of
from tagline.domain.changes.changes import (
    Change,
    Label,
    LabelEvent,
    Merges,
    Named,
    Review,
    Reviews,
    ReviewVerdict,
    Unknown,
    standing_labels,
)
from tagline.domain.changes.pushes import Push
from tagline.domain.changes.runs import nobody_knows
from tagline.domain.ledger.records import ChangeKey
from tagline.errors import NotFound
from tagline.ports.forge import CannotRead

_VERDICTS: Mapping[str, ReviewVerdict] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "rejected",
    "DISMISSED": "withdrawn",
}
#: What changes the base of a pull request: a person, GitHub where the old base was merged and deleted, a forced push.
_BASE_CHANGES = ("base_ref_changed", "automatic_base_change_succeeded", "base_ref_force_pushed")
_PAGE = 100
#: More are not read of a list of merges.
_MOST_RECENT = 5_000


class Changes(Access):
    """The pull requests of one repository."""

    attests_labels = True

    def change(self, number: int) -> Change:
        """One pull request: a request."""
        with self._reading(f"pull request {number}", "pull-requests: read"):
            return self._change(self._repo.get_pull(number))

    def changes_with(self, commit: str) -> list[Change]:
        """By the commit's own list of pull requests."""
        with self._reading("pull requests", "pull-requests: read"):
            pulls = self._repo.get_commit(commit).get_pulls()
            return [self._change(pull, listed=True) for pull in pulls]

    def merged_since(self, branch: str, since: float) -> Merges:
        """From the list of closed pull requests, by their last update, as far back as ``since``."""
        found: list[Change] = []
        with self._reading("pull requests", "pull-requests: read"):
            listed: Any = self._repo.get_pulls(state="closed", sort="updated", direction="desc", base=branch)
            for place, pull in enumerate(listed):
                if pull.updated_at.timestamp() < since:
                    break
                if place == _MOST_RECENT:
                    return Merges(found, whole=False)
                if pull.merged_at is not None and pull.merged_at.timestamp() >= since:
                    found.append(self._change(pull, listed=True))
        return Merges(found)

    def open_changes(self) -> list[Change]:
        """From the list of open pull requests."""
        with self._reading("pull requests", "pull-requests: read"):
            return [self._change(pull, listed=True) for pull in self._repo.get_pulls(state="open")]

    def _change(self, pull: Any, *, listed: bool = False) -> Change:
        """``listed``: from a list, which leaves out how many commits and comments there are."""
        self._pulls[pull.number] = pull
        if not listed:  # a list is no new look at one of them
            self._events_of.pop(pull.number, None)
        merged_at = _seconds(pull.merged_at)
        head_repository = pull.head.repo
        return Change(
            number=pull.number,
            url=pull.html_url,
            title=pull.title or "",
            author=pull.user.login if pull.user else "ghost",
            base=text(pull.base.ref),
            head=text(pull.head.sha),
            state="merged" if merged_at is not None else "open" if text(pull.state) == "open" else "closed",
            merged_at=merged_at,
            merge_commit=pull.merge_commit_sha if merged_at is not None else None,
            draft=bool(pull.draft),
            from_fork=head_repository is None or head_repository.id != pull.base.repo.id,
            labels=tuple(label.name for label in pull.labels),
            commits=None if listed else pull.commits,
            comments=None if listed else pull.comments,
            opened_at=_seconds(pull.created_at),
            by_bot=pull.user is not None and pull.user.type == "Bot",
            branch=pull.head.ref,
            key=ChangeKey(host_of(self._web), str(pull.base.repo.id), pull.number),
        )

    def _events(self, change: Change) -> list[Any]:
        """The issue's events, read once for each look at it: of labels, dismissals and changes of the base."""
        if change.number not in self._events_of:
            with self._reading("the events of a pull request", "issues: read"):
                events = list(self._pull(change).get_issue_events())
                if not all(event.event for event in events):
                    raise ValueError("an event without a name")
                self._events_of[change.number] = events
        return self._events_of[change.number]

    def labels(self, change: Change) -> tuple[Label, ...]:
        """From the issue's events; GitHub's order tells what came after the merge within a second."""
        if not change.labels and change.open:
            return ()
        events = self._events(change)
        with self._reading("label events", "issues: read"):
            merge = next((place for place, event in enumerate(events) if event.event == "merged"), None)
            found = [
                LabelEvent(
                    event.label.name if event.label is not None else None,  # of one that was deleted, perhaps
                    login(event.actor),
                    _after(event, place, merge),
                    event.event == "labeled",
                )
                for place, event in enumerate(events)
                if event.event in ("labeled", "unlabeled")
            ]
        return standing_labels(change.labels, found, change.merged_at if change.merged else None)

    def labels_of_author(self, change: Change) -> frozenset[str]:
        """From the first page of what GitHub calls their issues, which can be asked for by who opened them.

        By hand: PyGithub would ask for each of them that is no pull request by itself.
        """
        asked = {"creator": change.author, "state": "all", "per_page": _PAGE}
        with self._reading("what else the author asked for", "issues: read"):
            _, rows = self._repo.requester.requestJsonAndCheck("GET", f"{self._repo.url}/issues", parameters=asked)
            others = [row for row in rows if row.get("pull_request") and row["number"] != change.number]
            return frozenset(label["name"] for row in others for label in row["labels"])

    def reviews(self, change: Change) -> Reviews:
        """Every review; one that was dismissed after the merge counts as it stood at the merge.

        When the base was last changed is asked only where somebody approved.
        """
        with self._reading("reviews", "pull-requests: read"):
            reviews = list(self._pull(change).get_reviews())
            dismissed_later: dict[int, str] = {}
            if change.merged and any(text(review.state) == "DISMISSED" for review in reviews):
                for event in self._events(change):
                    if event.event == "review_dismissed" and event.created_at.timestamp() > (change.merged_at or 0):
                        dismissed_later[event.dismissed_review["review_id"]] = event.dismissed_review["state"].upper()
            found = []
            for review in reviews:
                at = _seconds(review.submitted_at)
                verdict = _VERDICTS.get(dismissed_later.get(review.id, text(review.state)))
                late = change.merged and at is not None and at > (change.merged_at or 0)
                if verdict is not None and review.user is not None and not late:
                    found.append(Review(review.user.login, verdict, review.commit_id, at))
            if all(review.verdict != "approved" for review in found):
                return Reviews(tuple(found))
            changed = [event.created_at.timestamp() for event in self._events(change) if event.event in _BASE_CHANGES]
        until = change.merged_at if change.merged_at is not None else float("inf")
        return Reviews(tuple(found), retargeted_at=max((at for at in changed if at <= until), default=None))

    def merge_base(self, change: Change) -> str:
        """By comparing the branches."""
        with self._reading("the comparison with the base branch", "contents: read"):
            return text(self._repo.compare(change.base, change.head).merge_base_commit.sha)

    def commit_ids(self, change: Change) -> list[str]:
        """From the pull request's own list, which GitHub ends at 250."""
        with self._reading("the commits of a pull request", "pull-requests: read"):
            return [text(commit.sha) for commit in self._pull(change).get_commits()]

    def pushes(self, change: Change) -> Iterator[Push]:
        """By the activity of the repository that the branch lies in, which is the fork's where it lies in one."""
        what, needs = "who pushed to its branch", "contents: read of the repository that the branch lies in"
        try:
            with self._reading(what, needs):
                head = self._pull(change).head
                place = head.repo.full_name if head.repo is not None else None
                yield from activity.pushes(self._repo.requester, place, head.ref)
        except NotFound:
            raise CannotRead(Unknown(what, f"The token needs {needs}.")) from None

    def pushes_to(self, branch: str, until: float | None = None) -> Iterator[Push]:
        """By this repository's activity, which cannot be asked for an instant."""
        what, needs = f"what was pushed to {branch}", "contents: read"
        try:
            with self._reading(what, needs):
                yield from activity.pushes(self._repo.requester, self._name, branch)
        except NotFound:
            raise CannotRead(Unknown(what, f"The token needs {needs}.")) from None

    def starters(self, change: Change) -> Named:
        """By the runs that went on then. What a workflow's own token opens, a run of this repository opened."""
        found = Named(unread=nobody_knows())
        if change.opened_at is not None:
            with self._reading("who started the run that opened the change", "actions: read"):
                found = activity.started(self._repo.requester, self._name, change.opened_at)
        people = any(not login.endswith("[bot]") for login in found.logins)
        return found if people or change.author != ACTIONS_BOT else Named(found.logins, nobody_knows())


def _after(event: Any, place: int, merge: int | None) -> float:
    """An event's time; one that is listed after the merge came after it, whatever the second says."""
    at = float(event.created_at.timestamp())
    return at + 0.5 if merge is not None and place > merge else at


def _seconds(when: datetime | None) -> float | None:
    return when.timestamp() if when is not None else None
