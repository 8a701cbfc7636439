"""Merge requests by GitLab's REST API: themselves, their labels, approvals and commits, and who pushed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from types import SimpleNamespace
from typing import Any

from tagline.adapters.forges.gitlab import activity
from tagline.adapters.forges.gitlab.access import Access
from tagline.adapters.forges.gitlab.api import PER_PAGE, username
from tagline.adapters.forges.pages import host_of
from tagline.domain.changes.changes import (
    Change,
    Label,
    LabelEvent,
    Merges,
    Named,
    Review,
    Reviews,
    State,
    Unknown,
    standing_labels,
)
from tagline.domain.changes.pushes import Push
from tagline.domain.changes.runs import nobody_knows
from tagline.domain.ledger.records import ChangeKey
from tagline.errors import NotFound
from tagline.ports.forge import CannotRead

#: More are not read of a list of merges.
_MOST_RECENT = 5_000
_STATES: Mapping[str, State] = {"opened": "open", "locked": "merging", "merged": "merged"}


class Changes(Access):
    """The merge requests of one project."""

    @property
    def attests_labels(self) -> bool:
        """Whoever may read label events can; a job token may not."""
        return not self._has_job_token

    def change(self, number: int) -> Change:
        """One merge request: a request; one more where GitLab leaves out when it was merged."""
        with self._reading(f"merge request {number}"):
            change = self._change(self._project.mergerequests.get(number))
            if change.merged and change.merged_at is None and not self._has_job_token:
                events = self._request(change).resourcestateevents.list(iterator=True)
                times = [_seconds(event.created_at) for event in events if event.state == "merged"]
                change = replace(change, merged_at=times[-1] if times else None)
            return change

    def changes_with(self, commit: str) -> list[Change]:
        """By the commit's own list."""
        with self._reading("merge requests"):
            listed = self._project.commits.get(commit, lazy=True).merge_requests(get_all=True, per_page=PER_PAGE)
            return [self._change(SimpleNamespace(**request)) for request in listed]

    def merged_since(self, branch: str, since: float) -> Merges:
        """From the list of merged requests, by their last update."""
        after = datetime.fromtimestamp(since).astimezone().isoformat()
        with self._reading("merge requests"):
            listed = self._project.mergerequests.list(
                state="merged", target_branch=branch, updated_after=after, order_by="updated_at", sort="desc",
                iterator=True,
            )  # fmt: skip
            found = [self._change(request) for request in islice(listed, _MOST_RECENT + 1)]
        merged = [change for change in found[:_MOST_RECENT] if change.merged_at is None or change.merged_at >= since]
        return Merges(merged, whole=len(found) <= _MOST_RECENT)

    def open_changes(self) -> list[Change]:
        """From the list of open requests."""
        with self._reading("merge requests"):
            return [self._change(found) for found in self._project.mergerequests.list(state="opened", iterator=True)]

    def _change(self, request: Any) -> Change:
        self._found[request.iid] = request
        # A project that was moved answers by its old name, and takes nothing.
        self._project = self._api.projects.get(request.target_project_id, lazy=True)
        merged, squashed = request.state == "merged", request.merge_commit_sha is None and request.squash_commit_sha
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
            state=_STATES.get(request.state, "closed"),
            merged_at=_seconds(request.merged_at) if merged else None,
            # Of a fast-forward GitLab names no commit, also where it rebased first.
            merge_commit=request.merge_commit_sha or request.squash_commit_sha if merged else None,
            squashed=merged and bool(squashed),
            draft=bool(getattr(request, "draft", False)),
            from_fork=request.source_project_id != request.target_project_id,
            labels=tuple(request.labels),
            base_commit=references.get("base_sha"),
            comments=getattr(request, "user_notes_count", None),
            opened_at=_seconds(request.created_at),
            by_bot=bool(author.get("bot")),
            branch=str(request.source_branch),
            key=ChangeKey(host_of(self._web), str(request.target_project_id), request.iid),
        )

    def labels(self, change: Change) -> tuple[Label, ...]:
        """From the request's label events. A job token may not read them: to it labels stand as they stand now."""
        if not change.labels and change.open:
            return ()
        if self._has_job_token:
            return tuple(Label(name, None, None) for name in change.labels)
        with self._reading("who applied a label, and when"):
            events = [
                LabelEvent(
                    event.label["name"] if event.label is not None else None,  # of one that was deleted since
                    username(event.user),
                    _seconds(event.created_at) or 0.0,
                    event.action == "add",
                )
                for event in self._request(change).resourcelabelevents.list(iterator=True)
            ]
        return standing_labels(change.labels, events, change.merged_at)

    def labels_of_author(self, change: Change) -> frozenset[str]:
        """From the first page of the list of their requests."""
        with self._reading("merge requests"):
            listed = self._project.mergerequests.list(
                author_username=change.author, state="all", get_all=False, per_page=PER_PAGE
            )
            return frozenset(name for request in listed if request.iid != change.number for name in request.labels)

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
                if row["user"] is None:
                    continue  # of somebody who is gone: nobody's approval
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
                if request.source_project_id is None:
                    needs = "Its project is gone: push the commits to this one."
                    raise CannotRead(Unknown(what, needs))
                place = self._api.projects.get(request.source_project_id, lazy=True)
                yield from activity.pushes(place, request.source_branch, change.merged_at)
        except NotFound:
            raise CannotRead(Unknown(what, "The token's user must be a member of the branch's project.")) from None

    def pushes_to(self, branch: str, until: float | None = None) -> Iterator[Push]:
        """From this project's push events."""
        what = f"what was pushed to {branch}"
        try:
            with self._reading(what):
                yield from activity.pushes(self._project, branch, until)
        except NotFound:
            raise CannotRead(Unknown(what, "The token's user must be a member of the project.")) from None

    def starters(self, change: Change) -> Named:
        """By the jobs that went on then."""
        if change.opened_at is None:
            return Named(unread=nobody_knows())
        with self._reading("who started the pipeline that opened the change"):
            return activity.started(self._project, change.opened_at)


def _seconds(text: str | None) -> float | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None
