"""What all parts of the forge GitLab share: one project behind a token, and failures in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import client, explained
from tagline.adapters.forges.pages import GitLabPages
from tagline.adapters.forges.refusals import GARBLED, LOCKED, NO_TOKEN, not_there
from tagline.domain.changes.changes import Change, Unknown
from tagline.ports.forge import CannotComment, CannotRead, CommentGone
from tagline.settings import Secret

_PROJECT_TOKEN = "a project token (TAGLINE_TOKEN, scope api): a job token cannot read it."  # noqa: S105 - no token


class Access(GitLabPages):
    """One project on GitLab, and its pages.

    ``job_token`` says that the token is a job's own, which reads less and writes nothing.
    """

    def __init__(
        self,
        server_url: str,
        project: str,
        web_url: str,
        token: Secret | None,
        *,
        job_token: bool = False,
        no_token: str = NO_TOKEN,
    ) -> None:
        super().__init__(web_url.rstrip("/"))
        self._has_job_token = job_token
        self._no_token = None if token else no_token
        self._api = client(server_url, token, job_token=job_token)
        self._project = self._api.projects.get(project, lazy=True)
        #: Those of authors and reviewers, by folded logins: whoever is known already is not looked up.
        self._user_ids: dict[str, int] = {}
        #: What was read already, by the number of the change.
        self._found: dict[int, Any] = {}

    def _request(self, change: Change) -> Any:
        return self._project.mergerequests.get(change.number, lazy=True)

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
                raise not_there(self._web, what, "the scope api", no_token=self._no_token) from error
            raise explained(self._web, error) from error

    @contextmanager
    def _commenting(self, change: Change | None = None, *, edits: bool = False) -> Iterator[None]:
        """Turn the library's failures into ours. ``edits``: something of the ``change`` that was there a moment ago."""
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            status = error.response_code if isinstance(error, GitlabError) else None
            if status == 404 and edits and not self._has_job_token:
                raise CommentGone("it is not there any more") from error
            if status in (401, 403, 404):
                # GitLab says no more than that it is forbidden.
                locked = change is not None and getattr(self._found.get(change.number), "discussion_locked", None)
                why = LOCKED if locked else "this needs a project token (TAGLINE_TOKEN, scope api)"
                raise CannotComment(why) from error
            passes = status is None or status >= 500
            raise CannotComment(explained(self._web, error).message.removesuffix("."), passes=passes) from error
