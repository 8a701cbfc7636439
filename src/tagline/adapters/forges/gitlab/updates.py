"""The port UpdateForge over GitLab's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import client, explained, is_passing
from tagline.adapters.forges.refusals import GARBLED
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.events import ChangeLink
from tagline.errors import PlatformRefused
from tagline.ports.updates import There
from tagline.settings import Secret

#: GitLab lists forks' merge requests of the same branch too: room for many of them.
_PAGE = 100


class GitLabUpdates:
    """Merge requests of one project."""

    def __init__(self, server: str, project: str, web_url: str, token: Secret | None, *, job_token: bool) -> None:
        self._web, self._name = web_url, project
        self._api: Any = client(server, token, job_token=job_token)
        self._url = f"/projects/{quote(project, safe='')}/merge_requests"

    def newest(self, branch: str) -> There | None:
        """The open one, else the newest. One from a fork is somebody else's."""
        with self._explaining():
            return http_retries.again(lambda: self._newest(branch), is_passing)

    def _newest(self, branch: str) -> There | None:
        asked = {"source_branch": branch, "state": "all", "per_page": _PAGE}
        rows = self._api.http_get(self._url, query_data=asked)
        own = [
            row
            for row in rows
            if row["source_branch"] == branch and row["source_project_id"] == row["target_project_id"]
        ]
        found = next((row for row in own if _state(row) == "open"), own[0] if own else None)
        return None if found is None else There(_link(found), _state(found), found.get("description") or "")

    def open(self, branch: str, base: str, title: str, body: str) -> ChangeLink:
        """One request; what it made is looked for where nobody heard the answer."""

        def post() -> ChangeLink:
            sent = {
                "source_branch": branch,
                "target_branch": base,
                "title": title,
                "description": body,
                "remove_source_branch": True,
            }
            try:
                row = self._api.http_post(self._url, post_data=sent)
            except GitlabError as error:
                there = self._open(branch) if error.response_code == 409 else None
                if there is None:
                    raise
                return there
            return _link(row)

        with self._explaining():
            return http_retries.post_once(post, lambda: self._open(branch), is_passing)

    def _open(self, branch: str) -> ChangeLink | None:
        there = self._newest(branch)
        return there.change if there is not None and there.state == "open" else None

    def edit(self, number: int, title: str, body: str) -> None:
        """One request; the same again changes nothing."""
        self._put(number, {"title": title, "description": body})

    def close(self, number: int, body: str) -> None:
        """Likewise."""
        self._put(number, {"state_event": "close", "description": body})

    def _put(self, number: int, sent: dict[str, str]) -> None:
        with self._explaining():
            http_retries.again(lambda: self._api.http_put(f"{self._url}/{number}", post_data=sent), is_passing)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if getattr(error, "response_code", None) in (401, 403, 404):
                raise PlatformRefused(
                    f"The merge request that updates the lock could not be opened in {self._name} with this token.",
                    "It needs TAGLINE_TOKEN: a project's token with the scopes api and write_repository and the role "
                    "Developer. The job token may not.",
                    code="cannot-propose",
                ) from error
            raise explained(self._web, error) from error


def _link(row: Any) -> ChangeLink:
    return ChangeLink(int(row["iid"]), str(row["web_url"]))


def _state(row: Any) -> Any:
    return {"merged": "merged", "closed": "closed"}.get(str(row["state"]), "open")
