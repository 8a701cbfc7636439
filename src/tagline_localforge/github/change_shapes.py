"""GitHub's JSON for a pull request and all that is said about it."""

from __future__ import annotations

from functools import cached_property

from tagline_localforge.github.shapes import Json, Shapes, node_id, time
from tagline_localforge.records import Change, Comment, Event, Review, Status
from tagline_localforge.repository import Repository

_LINKS = {
    "self": "/pulls/{}",
    "html": None,
    "issue": "/issues/{}",
    "comments": "/issues/{}/comments",
    "review_comments": "/pulls/{}/comments",
    "review_comment": "/pulls/comments{{/number}}",
    "commits": "/pulls/{}/commits",
}
#: What ``issues/N/events`` lists; the rest is in the timeline alone.
_EVENTS = ("labeled", "unlabeled", "review_dismissed", "merged", "closed", "reopened", "renamed", "base_ref_changed")
#: What the timeline leaves out: GitLab's, and what only ``issues/N/events`` lists.
_NOT_IN_TIMELINE = ("unapproved", "base_ref_changed")


class ChangeShapes:
    """The shapes of one repository's pull requests, for one request: what is late in it is late all through."""

    def __init__(self, shapes: Shapes, repository: Repository) -> None:
        self._shapes = shapes
        self._repository = repository
        self._address = shapes.address(repository)
        self._page = f"{shapes.site}/{repository.full_name}/pull"

    @cached_property
    def _without_merge_commit(self) -> frozenset[int]:
        return self._repository.newest_merges(self._repository.switches.late_merge_commit)

    def pull(self, change: Change) -> Json:
        """``pull-request``."""
        files = self._repository.files_of(change)
        trial = change.state != "open" or self._repository.trial_merge(change) is not None
        return {
            **self.simple_pull(change),
            "additions": sum(file.additions for file in files),
            "deletions": sum(file.deletions for file in files),
            "changed_files": len(files),
            "commits": len(self._repository.commits_of(change)),
            "comments": len(change.comments),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "merged": change.merged is not None,
            "merged_by": self._shapes.user(change.merged_by) if change.merged_by else None,
            "mergeable": trial if change.state == "open" else None,
            "mergeable_state": ("clean" if trial else "dirty") if change.state == "open" else "unknown",
        }

    def simple_pull(self, change: Change) -> Json:
        """``pull-request-simple``."""
        number, page = change.number, f"{self._page}/{change.number}"
        links = self._links(change)
        return {
            "id": change.id,
            "node_id": node_id("PullRequest", change.id),
            "number": number,
            "url": links["self"],
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": links["issue"],
            "comments_url": links["comments"],
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "statuses_url": links["statuses"],
            "_links": {name: {"href": url} for name, url in links.items()},
            "head": self._side(change, change.source, change.head, change.fork),
            "base": self._side(change, change.target, change.latest.start, None),
            **self._common(change),
            "body": change.body or None,
            "draft": change.draft,
            "merged_at": time(change.merged_at) if change.merged_at else None,
            "merge_commit_sha": self._merge_commit(change),
            "auto_merge": None,
            "requested_reviewers": [],
            "requested_teams": [],
        }

    def _links(self, change: Change) -> dict[str, str]:
        links = {
            name: self._address + suffix.format(change.number) if suffix else f"{self._page}/{change.number}"
            for name, suffix in _LINKS.items()
        }
        return {**links, "statuses": f"{self._address}/statuses/{change.head}"}

    def _common(self, change: Change) -> Json:
        """What a pull request says as a pull and as an issue."""
        return {
            "state": "open" if change.state == "open" else "closed",
            "title": change.title,
            "user": self._shapes.user(change.author),
            "author_association": self._association(change.author),
            "labels": self.labels(change),
            "created_at": time(change.created),
            "updated_at": time(change.updated),
            "closed_at": time(change.closed) if change.closed else None,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "locked": change.locked,
            "active_lock_reason": None,
        }

    def _side(self, change: Change, branch: str, sha: str, fork: str | None) -> Json:
        owner = (fork or self._repository.full_name).rpartition("/")[0]
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self._shapes.user(owner),
            "repo": self._shapes.repository(self._repository, fork=fork),
        }

    def _merge_commit(self, change: Change) -> str | None:
        if change.merged is not None:
            return change.merged.tip if change.number not in self._without_merge_commit else None
        return self._repository.trial_merge(change) if change.state == "open" else None

    def _association(self, login: str) -> str:
        return "NONE" if self._repository.role_of(login) == "none" else "COLLABORATOR"

    def labels(self, change: Change) -> list[Json]:
        """The labels on a change."""
        return [self._shapes.label(self._repository, name) for name in change.labels]

    def issue(self, change: Change) -> Json:
        """``issue``: the pull request as GitHub's issues see it."""
        url = f"{self._address}/issues/{change.number}"
        page = f"{self._page}/{change.number}"
        return {
            **self._common(change),
            "id": change.id,
            "node_id": node_id("PullRequest", change.id),
            "number": change.number,
            "url": url,
            "html_url": page,
            "repository_url": self._address,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "comments": len(change.comments),
            "body": change.body or None,
            "pull_request": {
                "url": f"{self._address}/pulls/{change.number}",
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
                "merged_at": time(change.merged_at) if change.merged_at else None,
            },
        }

    def comment(self, change: Change, comment: Comment) -> Json:
        """``issue-comment``."""
        return {
            "id": comment.id,
            "node_id": node_id("IssueComment", comment.id),
            "url": f"{self._address}/issues/comments/{comment.id}",
            "html_url": f"{self._page}/{change.number}#issuecomment-{comment.id}",
            "issue_url": f"{self._address}/issues/{change.number}",
            "user": self._shapes.user(comment.login),
            "author_association": self._association(comment.login),
            "body": comment.body,
            "created_at": time(comment.created),
            "updated_at": time(comment.updated),
        }

    def review(self, change: Change, review: Review) -> Json:
        """``pull-request-review``."""
        page = f"{self._page}/{change.number}#pullrequestreview-{review.id}"
        pull = f"{self._address}/pulls/{change.number}"
        return {
            "id": review.id,
            "node_id": node_id("PullRequestReview", review.id),
            "user": self._shapes.user(review.login),
            "author_association": self._association(review.login),
            "body": review.body,
            "state": review.state.upper(),
            "commit_id": review.commit,
            "submitted_at": time(review.at),
            "html_url": page,
            "pull_request_url": pull,
            "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
        }

    def events(self, change: Change) -> list[Json]:
        """What ``issues/N/events`` lists."""
        return [self._event(event) for event in change.events if event.kind in _EVENTS]

    def timeline(self, change: Change) -> list[Json]:
        """What ``issues/N/timeline`` lists, by time; commits stand where they were pushed."""
        entries = [
            (event.at, self._entry(change, event)) for event in change.events if event.kind not in _NOT_IN_TIMELINE
        ]
        known: set[str] = set()
        for version in change.versions:
            commits = self._repository.git.commits("--reverse", f"{version.base}..{version.head}")
            for commit in commits:
                if commit.sha not in known:
                    shape = self._shapes.git_commit(self._repository, commit)
                    entries.append((version.at, {"event": "committed", **shape}))
            known |= {commit.sha for commit in commits}
        return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]

    def _entry(self, change: Change, event: Event) -> Json:
        if event.kind == "commented" and event.comment is not None:
            actor = self._shapes.user(event.login)
            return {"event": "commented", "actor": actor, **self.comment(change, event.comment)}
        if event.kind == "reviewed" and event.review is not None:
            return {"event": "reviewed", **self.review(change, event.review), "state": event.review.state}
        return self._event(event)

    def _event(self, event: Event) -> Json:
        commits = f"{self._address}/commits"
        shape: Json = {
            "id": event.id,
            "node_id": node_id("IssueEvent", event.id),
            "url": f"{self._address}/issues/events/{event.id}",
            "actor": self._shapes.user(event.login),
            "event": event.kind,
            "commit_id": event.commit,
            "commit_url": f"{commits}/{event.commit}" if event.commit else None,
            "created_at": time(event.at),
            "performed_via_github_app": None,
        }
        if event.label:
            shape["label"] = self._shapes.label_of_event(event.label)
        if event.kind == "renamed":
            shape["rename"] = dict(zip(("from", "to"), event.renamed, strict=True))
        if event.kind == "review_dismissed" and event.review is not None:
            shape["dismissed_review"] = {
                "state": event.review.given,
                "review_id": event.review.id,
                "dismissal_message": event.message or None,
            }
        return shape

    def status(self, status: Status) -> Json:
        """``status``."""
        return {**self.simple_status(status), "creator": self._shapes.user(status.login)}

    def simple_status(self, status: Status) -> Json:
        """``simple-commit-status``."""
        return {
            "id": status.id,
            "node_id": node_id("StatusContext", status.id),
            "url": f"{self._address}/statuses/{status.sha}",
            "avatar_url": self._shapes.user(status.login)["avatar_url"],
            "state": status.state,
            "context": status.context,
            "description": status.description,
            "target_url": status.target_url,
            "created_at": time(status.at),
            "updated_at": time(status.at),
        }
