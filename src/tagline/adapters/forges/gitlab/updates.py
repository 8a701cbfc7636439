"""The port UpdateForge over GitLab's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import client, explained, is_passing
from tagline.adapters.forges.refusals import GARBLED, NO_TOKEN
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.events import ChangeLink
from tagline.domain.delivery.proposals import Proposed
from tagline.errors import PlatformRefused
from tagline.ports.updates import There
from tagline.settings import Secret

#: GitLab lists forks' merge requests of the same branch too: room for many of them.
_PAGE = 100


class GitLabUpdates:
    """Merge requests of one project. ``api`` and ``url`` are the project's own.

    ``no_token`` says why none is sent, where none is; ``refusal`` is the code of the error where the token may not.
    """

    def __init__(
        self,
        server: str,
        project: str,
        web_url: str,
        token: Secret | None,
        no_token: str = NO_TOKEN,
        *,
        job_token: bool,
        refusal: str = "change-not-opened",
    ) -> None:
        self._web, self._name, self._refusal = web_url, project, refusal
        self.api: Any = client(server, token, job_token=job_token)
        self.url = f"/projects/{quote(project, safe='')}"
        self._no_token = None if token else no_token

    def newest(self, branch: str) -> There | None:
        """The open one, else the newest. One from a fork is somebody else's."""
        with self.explaining():
            return http_retries.again(lambda: self._newest(branch), is_passing)

    def _newest(self, branch: str) -> There | None:
        asked = {"source_branch": branch, "state": "all", "per_page": _PAGE}
        rows = self.api.http_get(f"{self.url}/merge_requests", query_data=asked)
        own = [
            row
            for row in rows
            if row["source_branch"] == branch and row["source_project_id"] == row["target_project_id"]
        ]
        found = next((row for row in own if _state(row) == "open"), own[0] if own else None)
        return None if found is None else There(_link(found), _state(found), found.get("description") or "")

    def open(self, branch: str, base: str, title: str, body: str) -> Proposed:
        """One request; what it made is looked for where nobody heard the answer."""
        sent = {
            "source_branch": branch,
            "target_branch": base,
            "title": title,
            "description": body,
            "remove_source_branch": True,
        }

        def post() -> Proposed:
            try:
                row = self.api.http_post(f"{self.url}/merge_requests", post_data=sent)
            except GitlabError as error:
                there = self._open(branch) if error.response_code == 409 else None  # another run was faster
                if there is None:
                    raise
                return there
            return Proposed(_link(row), news=True)

        with self.explaining():
            return http_retries.post_once(post, lambda: self._open(branch), is_passing)

    def _open(self, branch: str) -> Proposed | None:
        there = self._newest(branch)
        return Proposed(there.change, news=False) if there is not None and there.state == "open" else None

    def edit(self, number: int, title: str, body: str) -> None:
        """One request; the same again changes nothing."""
        self._put(number, {"title": title, "description": body})

    def close(self, number: int, body: str) -> None:
        """Likewise."""
        self._put(number, {"state_event": "close", "description": body})

    def _put(self, number: int, sent: dict[str, str]) -> None:
        with self.explaining():
            http_retries.again(
                lambda: self.api.http_put(f"{self.url}/merge_requests/{number}", post_data=sent), is_passing
            )

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """What the forge refuses, and why it may have."""
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if getattr(error, "response_code", None) in (401, 403, 404):
                raise PlatformRefused(
                    f"The change could not be opened in {self._name} with this token.",
                    self._no_token
                    or "It needs a project's token with the role Developer and the scope api, for an update of pins "
                    "write_repository too (TAGLINE_TOKEN; in another project's job TAGLINE_REPO_TOKEN): the job token "
                    "may not.",
                    code=self._refusal,
                ) from error
            raise explained(self._web, error) from error


def _link(row: Any) -> ChangeLink:
    return ChangeLink(int(row["iid"]), str(row["web_url"]))


def _state(row: Any) -> Any:
    return {"merged": "merged", "closed": "closed"}.get(str(row["state"]), "open")
