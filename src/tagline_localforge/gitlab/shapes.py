"""GitLab's JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tagline_localforge.git import Commit, FileChange
from tagline_localforge.model import LocalForge
from tagline_localforge.records import (
    NO_COMMIT,
    Attempt,
    Change,
    Comment,
    Event,
    Person,
    Push,
    Review,
    Role,
    Run,
    Status,
    Team,
    Version,
)
from tagline_localforge.repository import Repository

Json = dict[str, Any]

ACCESS: dict[Role, int] = {"none": 0, "read": 20, "triage": 20, "write": 30, "maintain": 40, "admin": 50}
#: What starts a pipeline, by GitHub's word for it.
_SOURCES = {"workflow_dispatch": "web"}
#: Events that GitLab tells as notes of its own.
_SYSTEM_NOTES = {
    "reviewed": "approved this merge request",
    "unapproved": "unapproved this merge request",
    "base_ref_changed": "changed target branch from `{}` to `{}`",
}


def time(seconds: float) -> str:
    """A time as GitLab writes it: milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else time(seconds)


class Shapes:
    """JSON with addresses below ``site``."""

    def __init__(self, forge: LocalForge, site: str) -> None:
        self.forge = forge
        self.site = site

    def user(self, login: str) -> Json:
        """A user as others mention them."""
        return self._account(self.forge.person(login))

    def _account(self, person: Person) -> Json:
        return {
            "id": person.id,
            "username": person.login,
            "name": person.login,
            "state": "active",
            "locked": False,
            "avatar_url": None,
            "web_url": f"{self.site}/{person.login}",
        }

    def member(self, login: str, level: int) -> Json:
        """A member of a project or group."""
        return {**self.user(login), "access_level": level, "expires_at": None, "membership_state": "active"}

    def group(self, team: Team) -> Json:
        """A group."""
        name = team.path.rpartition("/")[2]
        return {
            "id": team.id,
            "name": name,
            "path": name,
            "full_name": team.path.replace("/", " / "),
            "full_path": team.path,
            "visibility": "private",
            "parent_id": None,
            "web_url": f"{self.site}/groups/{team.path}",
        }

    def project(self, repository: Repository, level: int) -> Json:
        """A project."""
        namespace, _, name = repository.full_name.rpartition("/")
        page = f"{self.site}/{repository.full_name}"
        return {
            "id": repository.id,
            "name": name,
            "path": name,
            "name_with_namespace": repository.full_name.replace("/", " / "),
            "path_with_namespace": repository.full_name,
            "namespace": {"full_path": namespace, "kind": "group"},
            "default_branch": repository.default_branch,
            "visibility": "public" if repository.public else "private",
            "web_url": page,
            "http_url_to_repo": f"{page}.git",
            "created_at": time(repository.created),
            "archived": False,
            "merge_method": "merge",
            "squash_option": "default_off",
            "ci_push_repository_for_job_token_allowed": repository.job_token_push,
            "permissions": {"project_access": {"access_level": level} if level else None, "group_access": None},
        }

    def listed_merge_request(self, repository: Repository, change: Change) -> Json:
        """A change as GitLab's lists tell it: without what takes a look into the repository."""
        found = self.merge_request(repository, change)
        del found["diff_refs"]
        return found

    def merge_request(self, repository: Repository, change: Change) -> Json:
        """A merge request."""
        merged, version = change.merged, change.latest
        page = f"{self.site}/{repository.full_name}/-/merge_requests/{change.number}"
        conflicts = change.state == "open" and repository.trial_merge(change) is None
        return {
            "id": change.id,
            "iid": change.number,
            "project_id": repository.id,
            "source_project_id": repository.fork_id if change.fork else repository.id,
            "target_project_id": repository.id,
            "source_branch": change.source,
            "target_branch": change.target,
            "title": change.title,
            "description": change.body,
            "state": "opened" if change.state == "open" else change.state,
            "draft": change.draft,
            "labels": sorted(change.labels),
            "author": self.user(change.author),
            "assignees": [],
            "reviewers": [],
            "user_notes_count": len(change.comments),
            "created_at": time(change.created),
            "updated_at": time(change.updated),
            "merged_at": _time(change.merged_at),
            "merge_user": self.user(change.merged_by) if change.merged_by else None,
            "merged_by": self.user(change.merged_by) if change.merged_by else None,
            # A merged one is not called closed.
            "closed_at": _time(change.closed) if change.state == "closed" else None,
            "sha": change.head,
            "merge_commit_sha": merged.merge_commit if merged else None,
            "squash_commit_sha": merged.squash_commit if merged else None,
            "squash": merged is not None and merged.squash_commit is not None,
            "diff_refs": {"base_sha": version.base, "head_sha": version.head, "start_sha": version.start},
            "has_conflicts": conflicts,
            "merge_status": "cannot_be_merged" if conflicts else "can_be_merged",
            "detailed_merge_status": _merge_status(change, conflicts=conflicts),
            "web_url": page,
            "references": {"full": f"{repository.full_name}!{change.number}", "short": f"!{change.number}"},
        }

    def notes(self, change: Change) -> list[Json]:
        """A change's notes, among them GitLab's own."""
        notes = [self.note(change, comment) for comment in change.comments]
        for event in change.events:
            text = _SYSTEM_NOTES.get(event.kind, "").format(*event.renamed)
            if text and (event.review is None or event.review.given == "approved"):
                said = Comment(event.id, event.login, text, event.at, event.at)
                notes.append({**self.note(change, said), "system": True})
        return notes

    def note(self, change: Change, comment: Comment) -> Json:
        """A note."""
        return {
            "id": comment.id,
            "type": None,
            "body": comment.body,
            "author": self.user(comment.login),
            "created_at": time(comment.created),
            "updated_at": time(comment.updated),
            "system": False,
            "noteable_id": change.id,
            "noteable_iid": change.number,
            "noteable_type": "MergeRequest",
            "resolvable": False,
            "confidential": False,
            "internal": False,
        }

    def label_event(self, repository: Repository, change: Change, event: Event) -> Json:
        """A resource label event."""
        return {
            "id": event.id,
            "user": self.user(event.login),
            "created_at": time(event.at),
            "resource_type": "MergeRequest",
            "resource_id": change.id,
            "label": {"id": repository.label_id(event.label), "name": event.label, "color": "#ededed"},
            "action": "add" if event.kind == "labeled" else "remove",
        }

    def approvals(self, repository: Repository, change: Change) -> Json:
        """The approvals of a change."""
        standing = change.approvals()
        return {
            "id": change.id,
            "iid": change.number,
            "project_id": repository.id,
            "title": change.title,
            "state": "opened" if change.state == "open" else change.state,
            "approved": bool(standing),
            "approvals_required": 0,
            "approvals_left": 0,
            "approved_by": [self._approval(review) for review in standing],
        }

    def _approval(self, review: Review) -> Json:
        return {"user": self.user(review.login), "approved_at": time(review.at)}

    def version(self, change: Change, version: Version) -> Json:
        """A merge request diff version."""
        return {
            "id": version.id,
            "merge_request_id": change.id,
            "state": "collected",
            "created_at": time(version.at),
            "head_commit_sha": version.head,
            "base_commit_sha": version.base,
            "start_commit_sha": version.start,
            "real_size": "1",
        }

    def push_event(self, repository: Repository, push: Push) -> Json:
        """An event of the kind ``pushed``; of many branches in one push it says how many, and not which."""
        many = push.branches > 1
        made, gone = push.before == NO_COMMIT, push.after == NO_COMMIT
        action = "created" if made else "removed" if gone else "pushed"
        author = self.user(push.login) if push.login else None
        return {
            "id": push.id,
            "project_id": repository.id,
            "action_name": {"created": "pushed new", "removed": "deleted", "pushed": "pushed to"}[action],
            "target_id": None,
            "target_iid": None,
            "target_type": None,
            "target_title": None,
            "author_id": author["id"] if author else None,
            "created_at": time(push.at),
            **({"author": author} if author else {}),
            "author_username": push.login,
            "push_data": {
                "commit_count": 0 if many else 1,
                "action": action,
                "ref_type": "branch",
                "commit_from": None if many or made else push.before,
                "commit_to": None if many or gone else push.after,
                "ref": None if many else push.branch,
                "commit_title": None,
                "ref_count": push.branches if many else None,
            },
        }

    def pipeline(self, repository: Repository, run: Run) -> Json:
        """A pipeline as a list tells it."""
        return {
            "id": run.id,
            "iid": run.number,
            "project_id": repository.id,
            "sha": run.sha,
            "ref": run.name,
            "status": "running" if run.attempts[-1].ended is None else "success",
            "source": _SOURCES.get(run.event, run.event),
            "created_at": time(run.at),
            "updated_at": time(run.updated),
            "web_url": f"{self.site}/{repository.full_name}/-/pipelines/{run.id}",
            "name": None,
        }

    def job(self, repository: Repository, run: Run, attempt: Attempt) -> Json:
        """The one job of a pipeline, as it was run once."""
        number = run.id * 1000 + run.attempts.index(attempt)
        return {
            "id": number,
            "name": run.workflow.file,
            "stage": "test",
            "status": "running" if attempt.ended is None else "success",
            "ref": run.name,
            "tag": run.ref.startswith("refs/tags/"),
            "allow_failure": False,
            "created_at": time(attempt.started),
            "started_at": time(attempt.started),
            "finished_at": _time(attempt.ended),
            "user": self.user(attempt.login),
            "pipeline": {name: value for name, value in self.pipeline(repository, run).items() if name != "name"},
            "web_url": f"{self.site}/{repository.full_name}/-/jobs/{number}",
        }

    def commit(self, repository: Repository, commit: Commit) -> Json:
        """A commit."""
        title = commit.message.partition("\n")[0]
        return {
            "id": commit.sha,
            "short_id": commit.sha[:8],
            "title": title,
            "message": commit.message,
            "parent_ids": list(commit.parents),
            "author_name": commit.author.name,
            "author_email": commit.author.email,
            "authored_date": time(commit.author.time),
            "committer_name": commit.committer.name,
            "committer_email": commit.committer.email,
            "committed_date": time(commit.committer.time),
            "created_at": time(commit.committer.time),
            "project_id": repository.id,
            "web_url": f"{self.site}/{repository.full_name}/-/commit/{commit.sha}",
        }

    def file(self, file: FileChange) -> Json:
        """A file of a diff."""
        return {
            "old_path": file.old_path,
            "new_path": file.path,
            "a_mode": file.old_mode,
            "b_mode": file.mode,
            "diff": file.patch,
            "new_file": file.status == "added",
            "renamed_file": file.status == "renamed",
            "deleted_file": file.status == "removed",
            "collapsed": False,
            "too_large": False,
        }

    def status(self, status: Status, ref: str | None) -> Json:
        """A commit status."""
        return {
            "id": status.id,
            "sha": status.sha,
            "ref": ref,
            "status": status.state,
            "name": status.context,
            "description": status.description,
            "target_url": status.target_url,
            "created_at": time(status.at),
            "author": self.user(status.login),
        }


def _merge_status(change: Change, *, conflicts: bool) -> str:
    if change.state != "open":
        return "not_open"
    return "conflict" if conflicts else "draft_status" if change.draft else "mergeable"
