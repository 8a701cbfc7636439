"""The projects of a group on GitLab, those of the groups below it included, for the index."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import PER_PAGE, client, explained
from tagline.adapters.forges.refusals import GARBLED, NO_TOKEN, not_there
from tagline.domain.index.refs import Refs
from tagline.domain.index.sources import Wanted, repository_name
from tagline.settings import Secret


class Groups:
    """The port Organization over GitLab, by its REST API. ``no_token`` says why none is sent, where none is."""

    def __init__(
        self, server_url: str, token: Secret | None, *, job_token: bool = False, no_token: str = NO_TOKEN
    ) -> None:
        self._api = client(server_url, token, job_token=job_token)
        self._web, self._no_token = server_url.rstrip("/"), None if token else no_token

    def repositories(self, owner: str) -> Iterator[Wanted]:
        """Page by page, archived ones too. Projects shared into a group from elsewhere are another group's."""
        query = {"include_subgroups": "true", "with_shared": "false", "per_page": PER_PAGE}
        try:
            rows = self._api.http_list(f"/groups/{quote(owner, safe='')}/projects", query_data=query, iterator=True)
            for row in rows:
                page = f"{self._web}/{quote(str(row['path_with_namespace']))}"
                told = str(row.get("visibility", "")).lower()
                visibility = told if told in ("public", "internal", "private") else "unknown"
                problem = None
                if row.get("repository_access_level") == "disabled":
                    problem = ("forbidden", "This project's repository is switched off.")
                refs = Refs(None, {}) if row.get("empty_repo") is True else None
                yield Wanted(repository_name(page), page, f"{page}.git", "gitlab", visibility, refs, problem)
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if isinstance(error, GitlabError) and error.response_code == 404:
                raise not_there(self._web, f"group {owner}", "the scope read_api", no_token=self._no_token) from error
            raise explained(self._web, error) from error
