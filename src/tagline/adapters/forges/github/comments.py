"""Comments and commit statuses, by GitHub's REST API."""

from __future__ import annotations

from typing import Any

import github

from tagline.adapters.forges.github.access import ACTIONS_BOT
from tagline.adapters.forges.github.api import is_passing, login, text
from tagline.adapters.forges.github.people import People
from tagline.adapters.http import retries as http_retries
from tagline.domain.changes.changes import Change, Comment, Status

#: GitHub's own words on the right side of a plan's states.
_STATUS_LENGTH = 140
_CONTEXT = "tagline"


class Comments(People):
    """What is written on the pull requests of one repository."""

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
        with self._commenting(edits=True):
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

    def set_status(self, change: Change, commit: str, status: Status, *, asked: bool = True) -> None:
        """Of the context ``tagline``: GitHub takes a thousand of a commit and context, and no more."""
        wanted = status._replace(text=status.text[:_STATUS_LENGTH])

        def post() -> None:
            if not self._stands(commit, wanted):
                optional = {"target_url": wanted.url} if wanted.url else {}
                self._repo.get_commit(commit).create_status(
                    wanted.state, description=wanted.text, context=_CONTEXT, **optional
                )

        with self._commenting("statuses: write"):
            http_retries.again(post, is_passing)

    def _stands(self, commit: str, wanted: Status) -> bool:
        """Whether the newest status says so already, and is by us: a rule may want it of one app alone.

        By hand: PyGithub asks at an older address, which GitHub no longer describes.
        """
        url = f"{self._repo.url}/commits/{commit}/statuses"
        _, rows = self._repo.requester.requestJsonAndCheck("GET", url, parameters={"per_page": 100})
        newest = next((row for row in rows if row["context"] == _CONTEXT), None)
        if newest is None:
            return False
        there = Status(newest["state"], newest["description"] or "", newest["target_url"])
        return there == wanted and self._is_ours((newest.get("creator") or {}).get("login", ""))

    def _is_ours(self, login: str) -> bool:
        """Whether a status is by this token. An app's token is not told its own name."""
        me = self.me()
        return login.endswith("[bot]") if me == ACTIONS_BOT else login == me


def _comment(comment: Any) -> Comment:
    return Comment(comment.id, login(comment.user) or "ghost", comment.body or "", text(comment.html_url))
