"""The repositories of an organization or user on GitHub, by its REST API."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, refusal_of, text
from tagline.adapters.forges.pages import next_page
from tagline.adapters.forges.refusals import NO_TOKEN, not_there
from tagline.settings import Secret


class Repositories:
    """What one token sees on GitHub."""

    def __init__(self, api_url: str, web_url: str, token: Secret | None, no_token: str = NO_TOKEN) -> None:
        self._api = client(api_url, token)
        self._web, self._no_token = web_url, None if token else no_token

    def of_owner(self, owner: str) -> Iterator[str]:
        """Page by page, without those that are archived."""
        url, asked = f"/orgs/{quote(owner, safe='')}/repos", {"per_page": "100"}
        try:
            while url:
                headers, rows = self._api.requester.requestJsonAndCheck("GET", url, asked)
                yield from (text(row["full_name"]) for row in rows if not row.get("archived"))
                url, asked = next_page(headers.get("link", "")) or "", {}
        except (GithubException, requests.RequestException, *GARBLED) as error:
            if refusal_of(error).status == 404:
                raise not_there(self._web, f"organization {owner}", "access to it", no_token=self._no_token) from error
            raise explained(self._web, error) from error
