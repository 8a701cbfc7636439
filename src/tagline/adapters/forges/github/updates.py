"""The port UpdateForge over GitHub's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, is_passing, refusal_of, text
from tagline.adapters.forges.refusals import NO_TOKEN
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.events import ChangeLink
from tagline.domain.delivery.proposals import Proposed
from tagline.errors import PlatformRefused
from tagline.ports.updates import There
from tagline.settings import Secret


class GitHubUpdates:
    """Pull requests of one repository. ``api`` and ``url`` are the repository's own.

    ``no_token`` says why none is sent, where none is; ``refusal`` is the code of the error where the token may not.
    """

    def __init__(
        self,
        api_url: str,
        repository: str,
        web_url: str,
        token: Secret | None,
        no_token: str = NO_TOKEN,
        *,
        refusal: str = "change-not-opened",
    ) -> None:
        self._name, self._web = repository, f"{web_url.rstrip('/')}/{repository}"
        api = client(api_url, token)
        self.api, self.url = api.requester, api.get_repo(repository).url
        self._no_token, self._refusal = None if token else no_token, refusal

    def newest(self, branch: str) -> There | None:
        """The open one, else the newest. One from a fork of the same owner is another's."""
        with self.explaining():
            return http_retries.again(lambda: self._newest(branch), is_passing)

    def _newest(self, branch: str) -> There | None:
        owner = self._name.partition("/")[0]
        asked = {"head": f"{owner}:{branch}", "state": "all", "per_page": 30}
        _, rows = self.api.requestJsonAndCheck("GET", f"{self.url}/pulls", asked)
        own = [
            row
            for row in rows
            if row["head"]["ref"] == branch and (row["head"]["repo"] or {}).get("id") == row["base"]["repo"]["id"]
        ]
        found = next((row for row in own if row["state"] == "open"), own[0] if own else None)
        return None if found is None else _there(found)

    def open(self, branch: str, base: str, title: str, body: str) -> Proposed:
        """One request; what it made is looked for where nobody heard the answer."""
        sent = {"title": title, "head": branch, "base": base, "body": body}

        def post() -> Proposed:
            try:
                _, row = self.api.requestJsonAndCheck("POST", f"{self.url}/pulls", input=sent)
            except GithubException as error:
                there = self._open(branch) if error.status == 422 else None  # another run was faster
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
        self._patch(number, {"title": title, "body": body})

    def close(self, number: int, body: str) -> None:
        """Likewise."""
        self._patch(number, {"state": "closed", "body": body})

    def _patch(self, number: int, sent: dict[str, str]) -> None:
        with self.explaining():
            http_retries.again(
                lambda: self.api.requestJsonAndCheck("PATCH", f"{self.url}/pulls/{number}", input=sent), is_passing
            )

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """What the forge refuses, and why it may have."""
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            denied = (403, 404) if self._no_token is None else (401, 403, 404)
            if refusal.status in denied and not refusal.rate_limited:
                raise PlatformRefused(
                    f"The change could not be opened in {self._name}: {' '.join(refusal.words.split())[:300]}",
                    self._no_token
                    or "The token needs contents: write and pull-requests: write there; for github.token allow GitHub "
                    "Actions to create pull requests under Settings > Actions > General.",
                    code=self._refusal,
                ) from error
            raise explained(self._web, error) from error


def _link(row: Any) -> ChangeLink:
    return ChangeLink(int(row["number"]), text(row["html_url"]))


def _there(row: Any) -> There:
    closed: Literal["closed", "merged"] = "merged" if row.get("merged_at") else "closed"
    state: Literal["open", "closed", "merged"] = "open" if row["state"] == "open" else closed
    return There(_link(row), state, row.get("body") or "")
