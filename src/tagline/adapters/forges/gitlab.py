"""The port Forge over GitLab's REST API, by python-gitlab. GitLab.com and self-managed, by its URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges import gitlab_activity
from tagline.adapters.forges.gitlab_client import PER_PAGE, client
from tagline.adapters.forges.json_answers import OddAnswer
from tagline.adapters.forges.pages import GitLabPages, host_of
from tagline.adapters.forges.refusals import (
    GARBLED,
    ElsewhereError,
    Refusal,
    elsewhere,
    explain,
    misshapen,
    not_there,
    unreachable,
)
from tagline.adapters.http import retries as http_retries
from tagline.domain.changes.changes import (
    Change,
    Comment,
    Label,
    LabelEvent,
    Named,
    Review,
    Reviews,
    Status,
    Unknown,
    standing_labels,
)
from tagline.domain.changes.codeowners import Flavour
from tagline.domain.changes.pushes import Push
from tagline.domain.changes.runs import nobody_knows
from tagline.domain.ledger.records import ChangeKey
from tagline.errors import NotFound, PlatformRefused
from tagline.ports.forge import CannotComment, CannotRead
from tagline.settings import Secret

#: From Developer on, members may push.
_MAY_WRITE = 30
_STATES = {"success": "success", "pending": "pending", "failure": "failed", "error": "failed"}
_PROJECT_TOKEN = "a project token (TAGLINE_TOKEN, scope api): a job token cannot read it."  # noqa: S105 - no token
_PAGES_OF_RECENT = 5
_STATUS_LENGTH = 140


class GitLab(GitLabPages):
    """One project on GitLab.

    ``job_token`` says that the token is a job's own, which reads less and writes nothing.
    """

    flavour: Flavour = "gitlab"

    def __init__(
        self,
        server_url: str,
        project: str,
        web_url: str,
        token: Secret | None,
        *,
        job_token: bool = False,
    ) -> None:
        super().__init__(web_url.rstrip("/"))
        self._has_job_token = job_token
        self._has_token = token is not None
        self.attests_labels = not job_token
        self._api = client(server_url, token, job_token=job_token)
        self._project = self._api.projects.get(project, lazy=True)
        self._user_ids: dict[str, int] = {}
        self._found: dict[int, Any] = {}

    # -- changes ----------------------------------------------------------------

    def change(self, number: int) -> Change:
        """One merge request: a request."""
        with self._reading(f"merge request {number}"):
            return self._change(self._project.mergerequests.get(number))

    def landed_as(self, commit: str) -> list[Change]:
        """By the commit's own list, and only those that landed as this commit."""
        with self._reading("merge requests"):
            listed = self._project.commits.get(commit, lazy=True).merge_requests(get_all=True, per_page=PER_PAGE)
            numbers = [
                found["iid"]
                for found in listed
                if found["state"] == "merged"
                and commit in (found.get("merge_commit_sha"), found.get("squash_commit_sha"), found.get("sha"))
            ]
        return [self.change(number) for number in numbers]

    def merged_since(self, branch: str, since: float) -> list[Change]:
        """From the list of merged requests, by their last update."""
        after = datetime.fromtimestamp(since).astimezone().isoformat()
        with self._reading("merge requests"):
            listed = self._project.mergerequests.list(
                state="merged", target_branch=branch, updated_after=after, order_by="updated_at", sort="desc",
                iterator=True,
            )  # fmt: skip
            found = [self._change(request) for request in islice(listed, _PAGES_OF_RECENT * PER_PAGE)]
        return [change for change in found if (change.merged_at or 0) >= since]

    def open_changes(self) -> list[Change]:
        """From the list of open requests."""
        with self._reading("merge requests"):
            return [self._change(found) for found in self._project.mergerequests.list(state="opened", iterator=True)]

    def _change(self, request: Any) -> Change:
        self._found[request.iid] = request
        merged = request.state == "merged"
        references = getattr(request, "diff_refs", None) or {}
        author = request.author or {}
        if "id" in author:
            self._user_ids[author["username"].casefold()] = author["id"]
        return Change(
            number=request.iid,
            url=request.web_url,
            title=request.title or "",
            author=author.get("username", "ghost"),
            base=request.target_branch,
            head=request.sha or "",
            merged_at=_seconds(request.merged_at) if merged else None,
            # A fast-forward makes no commit of its own: the branch's head is what landed.
            merge_commit=(request.merge_commit_sha or request.squash_commit_sha or request.sha) if merged else None,
            open=request.state == "opened",
            draft=bool(getattr(request, "draft", False)),
            from_fork=request.source_project_id != request.target_project_id,
            labels=tuple(request.labels),
            base_commit=references.get("base_sha"),
            comments=getattr(request, "user_notes_count", None),
            opened_at=_seconds(request.created_at),
            key=ChangeKey(host_of(self._web), str(request.target_project_id), request.iid),
        )

    def _request(self, change: Change) -> Any:
        return self._project.mergerequests.get(change.number, lazy=True)

    def labels(self, change: Change) -> tuple[Label, ...]:
        """From the request's label events. A job token may not read them: to it labels stand as they stand now."""
        if not change.labels and change.open:
            return ()
        if self._has_job_token:
            return tuple(Label(name, None, None) for name in change.labels)
        with self._reading("who applied a label, and when"):
            events = [
                LabelEvent(
                    event.label["name"], _username(event.user), _seconds(event.created_at) or 0.0, event.action == "add"
                )
                for event in self._request(change).resourcelabelevents.list(iterator=True)
                if event.label is not None  # a label that was deleted since
            ]
        return standing_labels(change.labels, events, change.merged_at)

    def reviews(self, change: Change) -> Reviews:
        """Approvals, whose time newer servers tell, and the times of the last push and the last change of the base.

        By the request's versions: GitLab makes one at each of both, and one of the same head is no push.
        """
        with self._reading("approvals"):
            approvals = self._request(change).approvals.get()
            versions = list(self._request(change).diffs.list(iterator=True))[::-1]
            pushed: list[float] = []
            retargeted: list[float] = []
            for before, version in zip([None, *versions], versions, strict=False):
                same = before is not None and before.head_commit_sha == version.head_commit_sha
                (retargeted if same else pushed).append(_seconds(version.created_at) or 0.0)
            found = []
            for row in approvals.approved_by:
                login = row["user"]["username"]
                self._user_ids[login.casefold()] = row["user"]["id"]
                at = _seconds(row.get("approved_at"))
                if not (change.merged and at is not None and at > (change.merged_at or 0)):
                    heads = [v.head_commit_sha for v in versions if (_seconds(v.created_at) or 0.0) < (at or 0.0)]
                    found.append(Review(login, "approved", None, at, heads[-1] if heads else None))
        return Reviews(tuple(found), max(pushed, default=None), max(retargeted, default=None))

    def merge_base(self, change: Change) -> str:
        """As the request tells it."""
        if change.base_commit is None:
            change = self.change(change.number)
        if change.base_commit is None:
            raise NotFound(
                f"GitLab has not yet compared merge request {change.number} with its target.",
                "Run again in a moment.",
                code="not-compared",
            )
        return change.base_commit

    def commit_ids(self, change: Change) -> list[str]:
        """From the merge request's own list."""
        with self._reading("the commits of a merge request"):
            return [commit.id for commit in self._request(change).commits(per_page=PER_PAGE)][::-1]

    def pushes(self, change: Change) -> Iterator[Push]:
        """From the push events of the project that the branch lies in, which is the fork's where it lies in one."""
        what = "who pushed to its branch"
        try:
            with self._reading(what):
                request = self._found.get(change.number) or self._project.mergerequests.get(change.number)
                yield from gitlab_activity.pushes(self._api, request, change.merged_at)
        except NotFound:
            raise CannotRead(Unknown(what, "The token's user must be a member of the branch's project.")) from None

    def starters(self, change: Change) -> Named:
        """By the jobs that went on then."""
        if change.opened_at is None:
            return Named(unread=nobody_knows())
        with self._reading("who started the pipeline that opened the change"):
            return gitlab_activity.started(self._project, change.opened_at)

    # -- people -----------------------------------------------------------------

    def may_write(self, login: str) -> bool:
        """By membership, inherited ones included."""
        user = self._user_ids.get(login.casefold())
        try:
            with self._reading(f"the permission of {login}"):
                if user is None:
                    found = self._api.users.list(username=login, get_all=True)
                    if not found:
                        return False
                    user = found[0].id
                level: int = self._project.members_all.get(user).access_level
                return level >= _MAY_WRITE
        except NotFound:
            return False

    def members(self, team: str) -> frozenset[str]:
        """All members of a group, inherited ones included; nobody for the name of a person."""
        name = team.removeprefix("@")
        what = f"the members of {team}"
        try:
            with self._reading(what):
                listed = self._api.groups.get(name, lazy=True).members_all.list(iterator=True)
                return frozenset(member.username.casefold() for member in listed)
        except NotFound:
            # A group that this token may not see looks like none; a person is no group for certain.
            with self._reading(what):
                if "/" not in name and self._api.users.list(username=name, get_all=True):
                    return frozenset()
            needs = "Make the token's bot a member of the group, or correct its name."
            raise CannotRead(Unknown(what, needs)) from None

    @cached_property
    def _own_login(self) -> str | None:
        if self._has_job_token:
            return None
        try:
            with self._reading("its own name"):
                self._api.auth()
                return self._api.user.username if self._api.user is not None else None
        except (CannotRead, NotFound):
            return None

    def me(self) -> str | None:
        """By the token's own word."""
        return self._own_login

    # -- comments and statuses ----------------------------------------------------

    def comments(self, change: Change) -> list[Comment]:
        """All pages, oldest first; GitLab's own notes about the request left out."""
        with self._reading("comments"):
            notes = self._request(change).notes.list(order_by="created_at", sort="asc", iterator=True)
            return [self._comment(change, note) for note in notes if not note.system]

    def _comment(self, change: Change, note: Any) -> Comment:
        return Comment(note.id, _username(note.author) or "ghost", note.body or "", f"{change.url}#note_{note.id}")

    def comment(self, change: Change, body: str) -> Comment:
        """Post once: after a failure the notes are read before it is tried again."""
        notes = self._request(change).notes

        def there() -> Comment | None:
            found = (self._comment(change, note) for note in notes.list(iterator=True) if note.body == body)
            return next(found, None)

        with self._commenting():
            return http_retries.post_once(
                lambda: self._comment(change, notes.create({"body": body})), there, _is_passing
            )

    def edit_comment(self, change: Change, comment: Comment, body: str) -> Comment:
        """Replace the text; the same twice is the same."""
        with self._commenting():
            self._request(change).notes.update(comment.key, {"body": body})
            return comment._replace(body=body)

    def delete_comment(self, change: Change, comment: Comment) -> None:
        """Take it away."""
        with self._commenting():
            self._request(change).notes.delete(comment.key)

    def set_status(self, change: Change, commit: str, status: Status) -> None:
        """Of the name ``tagline``. GitLab answers 400 where the status stands already."""
        data = {"state": _STATES[status.state], "name": "tagline", "description": status.text[:_STATUS_LENGTH]}
        if status.url:
            data["target_url"] = status.url

        def post() -> None:
            try:
                self._project.commits.get(commit, lazy=True).statuses.create(data)
            except GitlabError as error:
                if not (error.response_code == 400 and "transition" in str(error.error_message)):
                    raise

        with self._commenting():
            http_retries.again(post, _is_passing)

    # -- failures -----------------------------------------------------------------

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Turn the library's failures into ours. To a job token GitLab answers 404 for what it may not see."""
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            status = error.response_code if isinstance(error, GitlabError) else None
            denied = status == 403 or (status in (401, 404) and self._has_job_token)
            if denied:
                raise CannotRead(Unknown(what, f"It needs {_PROJECT_TOKEN}")) from error
            if status == 404:
                raise not_there(self._web, what, "the scope api", has_token=self._has_token) from error
            raise self._explained(error) from error

    @contextmanager
    def _commenting(self) -> Iterator[None]:
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            status = error.response_code if isinstance(error, GitlabError) else None
            if status in (401, 403, 404):
                raise CannotComment("this needs a project token (TAGLINE_TOKEN, scope api)") from error
            raise CannotComment(str(error)[:300], passes=status is None or status == 429 or status >= 500) from error

    def _explained(self, error: Exception) -> PlatformRefused:
        if isinstance(error, ElsewhereError):
            return elsewhere(error, "CI_API_V4_URL (external_url of GitLab)")
        if isinstance(error, GitlabError) and error.response_code:
            status = error.response_code
            words: object = error.error_message
            said = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
            return explain("GitLab", Refusal(status, said, None, rate_limited=status == 429))
        if isinstance(error, requests.RequestException):
            return unreachable(self._web, error)
        return misshapen(self._web, error)


def _is_passing(error: Exception) -> float | None:
    if isinstance(error, (ElsewhereError, OddAnswer)):
        return None
    if isinstance(error, requests.RequestException):
        return 0.0
    if isinstance(error, GitlabError) and (error.response_code in http_retries.STATUSES or error.response_code == 409):
        return 1.0 if error.response_code == 429 else 0.0
    return None


def _seconds(text: str | None) -> float | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None


def _username(user: dict[str, Any] | None) -> str | None:
    return user["username"] if user else None
