"""What all parts of the forge GitHub share: one repository behind a token, and failures in our words.

The libraries' objects are lazy here: an object that only carries a URL costs no request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, refusal_of
from tagline.adapters.forges.pages import GitHubPages
from tagline.adapters.forges.refusals import FULL, LOCKED, NO_TOKEN, not_there
from tagline.domain.changes.changes import Change, Unknown
from tagline.ports.forge import CannotComment, CannotRead, CommentGone
from tagline.settings import Secret

#: Who a workflow's own token is.
ACTIONS_BOT = "github-actions[bot]"


class Access(GitHubPages):
    """One repository on GitHub, and its pages."""

    def __init__(
        self, api_url: str, repository: str, web_url: str, token: Secret | None, no_token: str = NO_TOKEN
    ) -> None:
        self._name = repository
        super().__init__(f"{web_url.rstrip('/')}/{repository}")
        self._token, self._no_token = token, None if token else no_token
        self._api = client(api_url, token)
        self._repo = self._api.get_repo(repository)
        #: What was read already, by the number of the change.
        self._pulls: dict[int, Any] = {}
        self._events_of: dict[int, list[Any]] = {}

    def _pull(self, change: Change) -> Any:
        return self._pulls.get(change.number) or self._repo.get_pull(change.number)

    @contextmanager
    def _reading(self, what: str, needs: str) -> Iterator[None]:
        """Turn the library's failures into ours: a denial is unknown, an absence is not found."""
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            if refusal.status == 404:
                raise not_there(self._name, what, needs, no_token=self._no_token) from error
            if refusal.status == 403 and not refusal.rate_limited:
                raise CannotRead(Unknown(what, f"The token needs {needs}")) from error
            raise explained(self._web, error) from error

    @contextmanager
    def _commenting(self, needs: str = "pull-requests: write", *, edits: bool = False) -> Iterator[None]:
        """Turn the library's failures into ours. ``edits``: something that was there a moment ago."""
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            if refusal.status in (404, 410) and edits:
                raise CommentGone("it is not there any more") from error
            if refusal.status == 403 and "is locked" in refusal.words:
                raise CannotComment(LOCKED) from error
            if refusal.status == 422 and "maximum number of statuses" in refusal.words:
                raise CannotComment(FULL) from error
            if refusal.status in (401, 403, 404) and not refusal.rate_limited:
                why = f"the token needs {needs} (a run for a fork's pull request never has it)"
                raise CannotComment(why) from error
            passes = refusal.rate_limited or refusal.status == 0 or refusal.status >= 500
            raise CannotComment(explained(self._web, error).message.removesuffix("."), passes=passes) from error
