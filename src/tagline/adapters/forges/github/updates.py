"""The port UpdateForge over GitHub's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, is_passing, refusal_of, text
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.events import ChangeLink
from tagline.errors import PlatformRefused
from tagline.ports.updates import There
from tagline.settings import Secret


class GitHubUpdates:
    """Pull requests of one repository."""

    def __init__(self, api_url: str, repository: str, web_url: str, token: Secret | None) -> None:
        self._name, self._web = repository, f"{web_url.rstrip('/')}/{repository}"
        api = client(api_url, token)
        self._api, self._url = api.requester, api.get_repo(repository).url

    def newest(self, branch: str) -> There | None:
        """The open one, else the newest. One from a fork of the same owner is another's."""
        with self._explaining():
            return http_retries.again(lambda: self._newest(branch), is_passing)

    def _newest(self, branch: str) -> There | None:
        owner = self._name.partition("/")[0]
        asked = {"head": f"{owner}:{branch}", "state": "all", "per_page": 30}
        _, rows = self._api.requestJsonAndCheck("GET", f"{self._url}/pulls", asked)
        own = [
            row
            for row in rows
            if row["head"]["ref"] == branch and (row["head"]["repo"] or {}).get("id") == row["base"]["repo"]["id"]
        ]
        found = next((row for row in own if row["state"] == "open"), own[0] if own else None)
        return None if found is None else _there(found)

    def open(self, branch: str, base: str, title: str, body: str) -> ChangeLink:
        """One request; what it made is looked for where nobody heard the answer."""

        def post() -> ChangeLink:
            sent = {"title": title, "head": branch, "base": base, "body": body}
            try:
                _, row = self._api.requestJsonAndCheck("POST", f"{self._url}/pulls", input=sent)
            except GithubException as error:
                there = self._open(branch) if error.status == 422 else None
                if there is None:
                    raise
                return there
            return ChangeLink(int(row["number"]), text(row["html_url"]))

        with self._explaining():
            return http_retries.post_once(post, lambda: self._open(branch), is_passing)

    def _open(self, branch: str) -> ChangeLink | None:
        there = self._newest(branch)
        return there.change if there is not None and there.state == "open" else None

    def edit(self, number: int, title: str, body: str) -> None:
        """One request; the same again changes nothing."""
        self._patch(number, {"title": title, "body": body})

    def close(self, number: int, body: str) -> None:
        """Likewise."""
        self._patch(number, {"state": "closed", "body": body})

    def _patch(self, number: int, sent: dict[str, str]) -> None:
        with self._explaining():
            http_retries.again(
                lambda: self._api.requestJsonAndCheck("PATCH", f"{self._url}/pulls/{number}", input=sent), is_passing
            )

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            if refusal.status in (403, 404) and not refusal.rate_limited:
                raise PlatformRefused(
                    f"The pull request that updates the lock could not be opened in {self._name}: "
                    f"{' '.join(refusal.words.split())[:300]}",
                    "The token needs contents: write and pull-requests: write; for github.token allow GitHub Actions "
                    "to create pull requests under Settings > Actions > General.",
                    code="cannot-propose",
                ) from error
            raise explained(self._web, error) from error


def _there(row: Any) -> There:
    closed: Literal["closed", "merged"] = "merged" if row.get("merged_at") else "closed"
    state: Literal["open", "closed", "merged"] = "open" if row["state"] == "open" else closed
    return There(ChangeLink(int(row["number"]), text(row["html_url"])), state, row.get("body") or "")
