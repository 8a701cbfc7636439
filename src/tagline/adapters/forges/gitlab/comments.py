"""Notes and commit statuses, by GitLab's REST API."""

from __future__ import annotations

from functools import partial
from typing import Any

from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import is_passing, username
from tagline.adapters.forges.gitlab.people import People
from tagline.adapters.forges.refusals import NO_PIPELINE
from tagline.adapters.http import retries as http_retries
from tagline.domain.changes.changes import Change, Comment, Status
from tagline.ports.forge import CannotComment

_STATES = {"success": "success", "pending": "pending", "failure": "failed", "error": "failed"}
_STATUS_LENGTH = 140
_NAME = "tagline"


class Comments(People):
    """What is written on the merge requests of one project."""

    def comments(self, change: Change) -> list[Comment]:
        """All pages, oldest first; GitLab's own notes about the request left out."""
        with self._reading("comments"):
            notes = self._request(change).notes.list(order_by="created_at", sort="asc", iterator=True)
            return [self._comment(change, note) for note in notes if not note.system]

    def _comment(self, change: Change, note: Any) -> Comment:
        return Comment(note.id, username(note.author) or "ghost", note.body or "", f"{change.url}#note_{note.id}")

    def comment(self, change: Change, body: str) -> Comment:
        """Post once: after a failure the notes are read before it is tried again."""
        notes = self._request(change).notes

        def there() -> Comment | None:
            found = (self._comment(change, note) for note in notes.list(iterator=True) if note.body == body)
            return next(found, None)

        with self._commenting(change):
            return http_retries.post_once(
                lambda: self._comment(change, notes.create({"body": body})), there, is_passing
            )

    def edit_comment(self, change: Change, comment: Comment, body: str) -> Comment:
        """Replace the text; the same twice is the same."""
        with self._commenting(change, edits=True):
            self._request(change).notes.update(comment.key, {"body": body})
            return comment._replace(body=body)

    def delete_comment(self, change: Change, comment: Comment) -> None:
        """Take it away."""
        with self._commenting(change):
            self._request(change).notes.delete(comment.key)

    def set_status(self, change: Change, commit: str, status: Status, *, asked: bool = True) -> None:
        """Of the name ``tagline``, in the pipeline that the merge request waits for.

        Nothing waits for a status that nobody set, and posting one starts a pipeline where there is none.
        """
        if not asked and not change.comments:
            return  # no plan was ever told here
        with self._commenting():
            commit, pipeline = self._waited_for(change, commit)
            post = partial(self._post_status, change, commit, pipeline, status, asked=asked)
            http_retries.again(post, is_passing)

    def _waited_for(self, change: Change, commit: str) -> tuple[str, int | None]:
        """The commit and the pipeline that a merge request shows: of the head, or of what a merge would make of it."""
        found = self._found.get(change.number)
        if found is None or not hasattr(found, "head_pipeline"):  # a list leaves it out
            found = self._found[change.number] = self._project.mergerequests.get(change.number)
        shown = found.head_pipeline
        if commit != change.head or not shown or str(shown.get("project_id")) != str(found.target_project_id):
            return commit, None
        return shown["sha"], shown["id"]

    def _post_status(self, change: Change, commit: str, pipeline: int | None, status: Status, *, asked: bool) -> None:
        statuses = self._project.commits.get(commit, lazy=True).statuses
        data: dict[str, Any] = {"state": _STATES[status.state], "description": status.text[:_STATUS_LENGTH]}
        listed = statuses.list(name=_NAME, get_all=False)
        ours = [row for row in listed if row.name == _NAME and pipeline in (None, getattr(row, "pipeline_id", None))]
        newest = max(ours, key=lambda row: row.id, default=None)
        settled = self._says(newest, {**data, "target_url": status.url}) if newest is not None else not asked
        if settled:
            return
        optional = {"target_url": status.url, "pipeline_id": pipeline}
        try:
            statuses.create({**data, "name": _NAME, **{name: value for name, value in optional.items() if value}})
        except GitlabError as error:
            if error.response_code == 404 and change.from_fork and "References" in str(error.error_message):
                raise CannotComment(NO_PIPELINE) from error
            # Another run was faster.
            if not (error.response_code == 400 and "transition" in str(error.error_message)):
                raise

    def _says(self, there: Any, wanted: dict[str, Any]) -> bool:
        """Whether a status says this; what is pending GitLab moves on, but does not let say more.

        That of another user, whose token this was before, is another status to GitLab.
        """
        if username(there.author) != self.me():
            return False
        pending = there.status == wanted["state"] == "pending"
        said = {"state": there.status, "description": there.description or "", "target_url": there.target_url}
        return pending or said == wanted
