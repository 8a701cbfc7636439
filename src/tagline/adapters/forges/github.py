"""The port Forge over GitHub's REST API, by PyGithub. Also GitHub Enterprise, by its URL.

The libraries' objects are lazy here: an object that only carries a URL costs no request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

import github
import requests
from github.GithubException import GithubException

from tagline.adapters.forges import github_activity
from tagline.adapters.forges.github_api import GARBLED, client, explained, is_passing, refusal_of, text
from tagline.adapters.forges.pages import GitHubPages, host_of
from tagline.adapters.forges.refusals import not_there
from tagline.adapters.http import retries as http_retries
from tagline.domain.changes.changes import (
    Change,
    Comment,
    Label,
    LabelEvent,
    Named,
    Review,
    Reviews,
    ReviewVerdict,
    Status,
    Unknown,
    standing_labels,
)
from tagline.domain.changes.codeowners import Flavour
from tagline.domain.changes.pushes import Push
from tagline.domain.changes.runs import nobody_knows
from tagline.domain.ledger.records import ChangeKey
from tagline.errors import NotFound
from tagline.ports.forge import CannotComment, CannotRead
from tagline.settings import Secret

#: GitHub's own words on the right side of a plan's states.
_STATUS_LENGTH = 140
_VERDICTS: Mapping[str, ReviewVerdict] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "rejected",
    "DISMISSED": "withdrawn",
}
#: Tokens that installations get; GET /user is not for them.
#: What changes the base of a pull request: a person, GitHub where the old base was merged and deleted, a forced push.
_BASE_CHANGES = ("base_ref_changed", "automatic_base_change_succeeded", "base_ref_force_pushed")
_INSTALLATION = re.compile(r"ghs_|v1\.")
_ACTIONS_BOT = "github-actions[bot]"
_PAGES_OF_RECENT = 5


class GitHub(GitHubPages):
    """One repository on GitHub."""

    flavour: Flavour = "github"
    attests_labels = True

    def __init__(self, api_url: str, repository: str, web_url: str, token: Secret | None) -> None:
        self._name = repository
        super().__init__(f"{web_url.rstrip('/')}/{repository}")
        self._token = token
        self._api = client(api_url, token)
        self._repo = self._api.get_repo(repository)
        self._pulls: dict[int, Any] = {}
        self._events_of: dict[int, list[Any]] = {}

    # -- changes ----------------------------------------------------------------

    def change(self, number: int) -> Change:
        """One pull request: a request."""
        with self._reading(f"pull request {number}", "pull-requests: read"):
            return self._change(self._repo.get_pull(number))

    def landed_as(self, commit: str) -> list[Change]:
        """By the commit's own list of pull requests."""
        with self._reading("pull requests", "pull-requests: read"):
            pulls = self._repo.get_commit(commit).get_pulls()
            return [self._change(pull) for pull in pulls if pull.merged_at is not None]

    def merged_since(self, branch: str, since: float) -> list[Change]:
        """From the list of closed pull requests, by their last update, as far back as ``since``."""
        found = []
        with self._reading("pull requests", "pull-requests: read"):
            listed: Any = self._repo.get_pulls(state="closed", sort="updated", direction="desc", base=branch)
            for place, pull in enumerate(listed):
                if pull.updated_at.timestamp() < since or place >= _PAGES_OF_RECENT * 100:
                    break
                if pull.merged_at is not None and pull.merged_at.timestamp() >= since:
                    found.append(self._change(pull, listed=True))
        return found

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
            merged_at=merged_at,
            merge_commit=pull.merge_commit_sha if merged_at is not None else None,
            open=text(pull.state) == "open",
            draft=bool(pull.draft),
            from_fork=head_repository is None or head_repository.full_name.casefold() != self._name.casefold(),
            labels=tuple(label.name for label in pull.labels),
            commits=None if listed else pull.commits,
            comments=None if listed else pull.comments,
            opened_at=_seconds(pull.created_at),
            key=ChangeKey(host_of(self._web), str(pull.base.repo.id), pull.number),
        )

    def _pull(self, change: Change) -> Any:
        return self._pulls.get(change.number) or self._repo.get_pull(change.number)

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
                LabelEvent(event.label.name, _login(event.actor), _after(event, place, merge), event.event == "labeled")
                for place, event in enumerate(events)
                if event.event in ("labeled", "unlabeled")
            ]
        return standing_labels(change.labels, found, change.merged_at if change.merged else None)

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
                yield from github_activity.pushes(self._repo.requester, self._pull(change).head)
        except NotFound:
            raise CannotRead(Unknown(what, f"The token needs {needs}.")) from None

    def starters(self, change: Change) -> Named:
        """By the runs that went on then. What a workflow's own token opens, a run of this repository opened."""
        found = Named(unread=nobody_knows())
        if change.opened_at is not None:
            with self._reading("who started the run that opened the change", "actions: read"):
                found = github_activity.started(self._repo.requester, self._name, change.opened_at)
        people = any(not login.endswith("[bot]") for login in found.logins)
        return found if people or change.author != _ACTIONS_BOT else Named(found.logins, nobody_knows())

    # -- people -----------------------------------------------------------------

    def may_write(self, login: str) -> bool:
        """By the collaborator's permission, which knows of teams and organizations."""
        try:
            with self._reading(f"the permission of {login}", "metadata: read"):
                return text(self._repo.get_collaborator_permission(login)) in ("admin", "write")
        except NotFound:
            return False

    def members(self, team: str) -> frozenset[str]:
        """All members of ``@org/team``, those of its child teams included."""
        org, _, slug = team.removeprefix("@").partition("/")
        needs = "a GitHub App token with the permission Members: read (GITHUB_TOKEN cannot read teams)."
        try:
            with self._reading(f"the members of {team}", needs):
                # Not get_organization(): the team's own page costs a request more.
                url = f"/orgs/{quote(org)}/teams/{quote(slug)}"
                listed = github.Team.Team(self._repo.requester, {}, {"url": url}, completed=True).get_members()
                return frozenset(member.login.casefold() for member in listed)
        except NotFound:
            # A team that does not exist looks like one that this token may not see.
            raise CannotRead(Unknown(f"the members of {team}", f"It needs {needs}")) from None

    def me(self) -> str | None:
        """By the token's own word; the workflow's bot where it has none."""
        return self._own_login

    @cached_property
    def _own_login(self) -> str | None:
        if self._token is None:
            return None
        if _INSTALLATION.match(self._token.reveal()):
            return _ACTIONS_BOT
        try:
            with self._reading("its own name", "a user"):
                return text(self._api.get_user().login)
        except (CannotRead, NotFound):
            return _ACTIONS_BOT  # tokens of installations have no user

    # -- comments and statuses ----------------------------------------------------

    def comments(self, change: Change) -> list[Comment]:
        """All pages."""
        with self._reading("comments", "pull-requests: read"):
            return [_comment(comment) for comment in self._pull(change).get_issue_comments()]

    def comment(self, change: Change, body: str) -> Comment:
        """Post once: after a failure the comments are read before it is tried again."""
        pull = self._pull(change)

        def there() -> Comment | None:
            return next((_comment(found) for found in pull.get_issue_comments() if found.body == body), None)

        with self._commenting():
            return http_retries.post_once(lambda: _comment(pull.create_issue_comment(body)), there, is_passing)

    def edit_comment(self, change: Change, comment: Comment, body: str) -> Comment:
        """Replace the text; the same twice is the same."""
        with self._commenting():
            there = self._stub(comment)
            there.edit(body)
            return comment._replace(body=body)

    def delete_comment(self, change: Change, comment: Comment) -> None:
        """Take it away."""
        with self._commenting():
            self._stub(comment).delete()

    def _stub(self, comment: Comment) -> Any:
        url = f"/repos/{self._name}/issues/comments/{comment.key}"
        data = {"url": url, "id": comment.key}
        return github.IssueComment.IssueComment(self._repo.requester, {}, data, completed=True)

    def set_status(self, change: Change, commit: str, status: Status) -> None:
        """Of the context ``tagline``; setting it twice is harmless."""
        optional = {"target_url": status.url} if status.url else {}

        def post() -> None:
            self._repo.get_commit(commit).create_status(
                status.state, description=status.text[:_STATUS_LENGTH], context="tagline", **optional
            )

        with self._commenting("statuses: write"):
            http_retries.again(post, is_passing)

    # -- failures -----------------------------------------------------------------

    @contextmanager
    def _reading(self, what: str, needs: str) -> Iterator[None]:
        """Turn the library's failures into ours: a denial is unknown, an absence is not found."""
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            if refusal.status == 404:
                raise not_there(self._name, what, needs, has_token=self._token is not None) from error
            if refusal.status == 403 and not refusal.rate_limited:
                raise CannotRead(Unknown(what, f"The token needs {needs}")) from error
            raise explained(self._web, error) from error

    @contextmanager
    def _commenting(self, needs: str = "pull-requests: write") -> Iterator[None]:
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            denied = refusal.status in (401, 403, 404) and not refusal.rate_limited
            why = f"the token needs {needs} (a run for a fork's pull request never has it)" if denied else refusal.words
            passes = refusal.rate_limited or refusal.status == 0 or refusal.status >= 500
            raise CannotComment(why, passes=passes) from error


def _after(event: Any, place: int, merge: int | None) -> float:
    """An event's time; one that is listed after the merge came after it, whatever the second says."""
    at = float(event.created_at.timestamp())
    return at + 0.5 if merge is not None and place > merge else at


def _seconds(when: datetime | None) -> float | None:
    return when.timestamp() if when is not None else None


def _login(user: Any) -> str | None:
    return user.login if user is not None else None


def _comment(comment: Any) -> Comment:
    return Comment(comment.id, _login(comment.user) or "ghost", comment.body or "", text(comment.html_url))
