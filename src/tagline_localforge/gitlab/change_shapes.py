"""GitLab's JSON for a merge request and all that is said about it."""

from __future__ import annotations

from functools import cached_property

from tagline_localforge.gitlab.shapes import Json, Shapes, optional_time, time
from tagline_localforge.records import Change, Comment, Event, Review, Status, Version
from tagline_localforge.repository import Repository

#: Events that GitLab tells as notes of its own.
_SYSTEM_NOTES = {
    "reviewed": "approved this merge request",
    "unapproved": "unapproved this merge request",
    "base_ref_changed": "changed target branch from `{}` to `{}`",
}
#: What stays as it is on a forge without milestones, votes, tasks and builds.
_NOTHING = (
    "assignee", "milestone", "should_remove_source_branch", "force_remove_source_branch", "merge_after",
)  # fmt: skip
#: The states of a status that still goes on.
_UNDER_WAY = ("pending", "running")


class ChangeShapes:
    """The shapes of one repository's merge requests, for one request: what is late in it is late all through."""

    def __init__(self, shapes: Shapes, repository: Repository) -> None:
        self._shapes = shapes
        self._repository = repository

    @cached_property
    def _locked(self) -> frozenset[int]:
        return self._repository.newest_merges(self._repository.switches.late_merged_state)

    @cached_property
    def _without_merge_commit(self) -> frozenset[int]:
        return self._repository.newest_merges(self._repository.switches.late_merge_commit)

    def state(self, change: Change) -> str:
        """GitLab's word for it."""
        if change.state == "open":
            return "opened"
        return "locked" if change.state == "merged" and change.number in self._locked else change.state

    def merge_request(self, change: Change, *, may_merge: bool) -> Json:
        """``MergeRequest``."""
        version = change.latest
        return {
            **self.listed(change),
            "diff_refs": {"base_sha": version.base, "head_sha": version.head, "start_sha": version.start},
            "subscribed": False,
            # GitLab counts after a while; until then it says null.
            "changes_count": None,
            "head_pipeline": self._head_pipeline(change),
            "merge_error": None,
            "user": {"can_merge": may_merge and change.state == "open"},
        }

    def _head_pipeline(self, change: Change) -> Json | None:
        """The newest one of the head, or of what it would be merged into the target."""
        repository, ref = self._repository, f"refs/merge-requests/{change.number}/merge"
        trial = repository.trial_merge(change) if change.state == "open" else None
        run = next((run for run in reversed(repository.runs) if run.sha == change.head or
                    (run.ref, run.sha) == (ref, trial)), None)  # fmt: skip
        return self._shapes.pipeline(repository, run) if run else None

    def listed(self, change: Change) -> Json:
        """``MergeRequestBasic``: what lists tell."""
        repository, state = self._repository, self.state(change)
        conflicts = change.state == "open" and repository.trial_merge(change) is None
        reference = f"!{change.number}"
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
            "state": state,
            "draft": change.draft,
            "work_in_progress": change.draft,
            "labels": sorted(change.labels),
            "author": self._shapes.user(change.author),
            "assignees": [],
            "reviewers": [],
            "user_notes_count": len(change.comments),
            "upvotes": 0,
            "downvotes": 0,
            "created_at": time(change.created),
            "updated_at": time(change.updated),
            "prepared_at": time(change.created),
            # A merged one is not called closed.
            "closed_at": optional_time(change.closed) if state == "closed" else None,
            "closed_by": self._shapes.user(change.author) if state == "closed" else None,
            **self._merge(change, state),
            "sha": change.head,
            "has_conflicts": conflicts,
            "merge_status": "cannot_be_merged" if conflicts else "can_be_merged",
            "detailed_merge_status": _merge_status(change, conflicts=conflicts),
            "merge_when_pipeline_succeeds": False,
            "blocking_discussions_resolved": True,
            "discussion_locked": change.locked or None,
            "web_url": f"{self._shapes.site}/{repository.full_name}/-/merge_requests/{change.number}",
            "reference": reference,
            "references": {"full": f"{repository.full_name}{reference}", "short": reference, "relative": reference},
            "imported": False,
            "imported_from": "none",
            **dict.fromkeys(_NOTHING),
        }

    def _merge(self, change: Change, state: str) -> Json:
        """Who merged it, when, and which commits GitLab says that made: of fast-forwards it says none."""
        merged = change.merged if state == "merged" else None
        by = self._shapes.user(change.merged_by) if merged and change.merged_by else None
        told = merged if change.number not in self._without_merge_commit else None
        timeless = self._repository.switches.no_merged_at
        return {
            "merged_at": optional_time(change.merged_at) if merged and not timeless else None,
            "merge_user": by,
            "merged_by": by,
            "merge_commit_sha": told.merge_commit if told else None,
            "squash_commit_sha": told.squash_commit if told else None,
            "squash": merged is not None and merged.squash_commit is not None,
            "squash_on_merge": merged is not None and merged.squash_commit is not None,
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
        """``Note``."""
        return {
            "id": comment.id,
            "type": None,
            "body": comment.body,
            "attachment": None,
            "author": self._shapes.user(comment.login),
            "created_at": time(comment.created),
            "updated_at": time(comment.updated),
            "system": False,
            "noteable_id": change.id,
            "noteable_iid": change.number,
            "noteable_type": "MergeRequest",
            "project_id": self._repository.id,
            "resolvable": False,
            "confidential": False,
            "internal": False,
            "imported": False,
            "imported_from": "none",
            "commands_changes": {},
        }

    def label_event(self, change: Change, event: Event) -> Json:
        """``ResourceLabelEvent``."""
        name = self._repository.label_name(event.label_id)
        label = {"id": event.label_id, "name": name, "color": "#ededed", "description": None}
        return {
            "id": event.id,
            "user": self._shapes.user(event.login),
            "created_at": time(event.at),
            "resource_type": "MergeRequest",
            "resource_id": change.id,
            "label": label if name is not None else None,
            "action": "add" if event.kind == "labeled" else "remove",
        }

    def state_event(self, change: Change, event: Event) -> Json:
        """``ResourceStateEvent``."""
        return {
            "id": event.id,
            "user": self._shapes.user(event.login),
            "created_at": time(event.at),
            "resource_type": "MergeRequest",
            "resource_id": change.id,
            "state": event.kind,
        }

    def approvals(self, change: Change, *, by: str | None, may_approve: bool) -> Json:
        """``MergeRequestApprovals``, of which Free has these four and no more."""
        standing = change.approvals()
        mine = any(review.login == by for review in standing)
        return {
            "user_has_approved": mine,
            "user_can_approve": may_approve and not mine,
            "approved": bool(standing),
            "approved_by": [self._approval(review) for review in standing],
        }

    def _approval(self, review: Review) -> Json:
        switches = self._repository.switches
        user = None if switches.no_approvers else self._shapes.user(review.login)
        return {"user": user} if switches.no_approved_at else {"user": user, "approved_at": time(review.at)}

    def version(self, change: Change, version: Version) -> Json:
        """``MergeRequestDiff``."""
        return {
            "id": version.id,
            "merge_request_id": change.id,
            "state": "collected",
            "created_at": time(version.at),
            "head_commit_sha": version.head,
            "base_commit_sha": version.base,
            "start_commit_sha": version.start,
            "real_size": "1",
            "patch_id_sha": None,
        }

    def status(self, status: Status) -> Json:
        """``CommitStatus``."""
        return {
            "id": status.id,
            "sha": status.sha,
            "ref": status.ref,
            "status": status.state,
            "name": status.context,
            "description": status.description,
            "target_url": status.target_url,
            "created_at": time(status.at),
            "started_at": None,
            "finished_at": None if status.state in _UNDER_WAY else time(status.at),
            "allow_failure": False,
            "coverage": None,
            "pipeline_id": status.pipeline,
            "author": self._shapes.user(status.login),
        }


def _merge_status(change: Change, *, conflicts: bool) -> str:
    if change.state != "open":
        return "not_open"
    return "conflict" if conflicts else "draft_status" if change.draft else "mergeable"
