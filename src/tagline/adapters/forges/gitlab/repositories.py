"""The projects of a group on GitLab, those of the groups below it included, by its REST API."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import PER_PAGE, client, explained
from tagline.adapters.forges.refusals import GARBLED, NO_TOKEN, not_there
from tagline.settings import Secret


class Repositories:
    """What one token sees on GitLab."""

    def __init__(
        self, server_url: str, token: Secret | None, *, job_token: bool = False, no_token: str = NO_TOKEN
    ) -> None:
        self._api = client(server_url, token, job_token=job_token)
        self._web, self._no_token = server_url, None if token else no_token

    def of_owner(self, owner: str) -> Iterator[str]:
        """Page by page, without those that are archived."""
        query = {"include_subgroups": "true", "archived": "false", "per_page": PER_PAGE}
        try:
            rows = self._api.http_list(f"/groups/{quote(owner, safe='')}/projects", query_data=query, iterator=True)
            for row in rows:
                yield str(row["path_with_namespace"])
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if isinstance(error, GitlabError) and error.response_code == 404:
                raise not_there(self._web, f"group {owner}", "the scope read_api", no_token=self._no_token) from error
            raise explained(self._web, error) from error
