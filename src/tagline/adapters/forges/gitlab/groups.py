"""The projects of a group on GitLab, those of the groups below it included, for the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.api import PER_PAGE, client, explained
from tagline.adapters.forges.refusals import GARBLED, NO_TOKEN, not_there
from tagline.domain.index.refs import Refs
from tagline.domain.index.sources import Wanted, repository_name
from tagline.settings import Secret

#: Projects that one request asks for by name: GitLab bounds how complex a query is (250).
#: Source: https://docs.gitlab.com/api/graphql/#max-query-complexity
_NAMED = 50


class Groups:
    """The port Organization over GitLab, by its REST API. ``no_token`` says why none is sent, where none is."""

    def __init__(
        self, server_url: str, token: Secret | None, *, job_token: bool = False, no_token: str = NO_TOKEN
    ) -> None:
        self._api = client(server_url, token, job_token=job_token)
        self._web, self._no_token = server_url.rstrip("/"), None if token else no_token
        self._speaks_graphql = not job_token

    def named(self, names: Sequence[str]) -> Mapping[str, Wanted]:
        """By GraphQL, fifty in one request; nothing with a job's own token, whom it does not answer."""
        found: dict[str, Wanted] = {}
        for start in range(0, len(names) if self._speaks_graphql else 0, _NAMED):
            some = names[start : start + _NAMED]
            variables = {f"p{number}": name for number, name in enumerate(some)}
            head = ", ".join(f"${variable}: ID!" for variable in variables)
            parts = "\n".join(f"{one}: project(fullPath: ${one}) {{ visibility }}" for one in variables)
            body = {"query": f"query({head}) {{\n{parts}\n}}", "variables": variables}
            try:
                answer = self._api.http_post(f"{self._web}/api/graphql", post_data=body)
                rows = ((name, answer["data"][one]) for one, name in variables.items())  # type: ignore[index]
                found |= {name: self._wanted(name, row["visibility"]) for name, row in rows if row is not None}
            except (GitlabError, requests.RequestException, *GARBLED) as error:
                raise explained(self._web, error) from error
        return found

    def repositories(self, owner: str) -> Iterator[Wanted]:
        """Page by page, archived ones too. Projects shared into a group from elsewhere are another group's."""
        query = {"include_subgroups": "true", "with_shared": "false", "per_page": PER_PAGE}
        try:
            rows = self._api.http_list(f"/groups/{quote(owner, safe='')}/projects", query_data=query, iterator=True)
            for row in rows:
                problem = None
                if row.get("repository_access_level") == "disabled":
                    problem = ("forbidden", "This project's repository is switched off.")
                refs = Refs(None, {}) if row.get("empty_repo") is True else None
                yield replace(
                    self._wanted(str(row["path_with_namespace"]), row.get("visibility")), refs=refs, problem=problem
                )
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            if isinstance(error, GitlabError) and error.response_code == 404:
                raise not_there(self._web, f"group {owner}", "the scope read_api", no_token=self._no_token) from error
            raise explained(self._web, error) from error

    def _wanted(self, name: str, visibility: Any) -> Wanted:
        page, told = f"{self._web}/{quote(name)}", str(visibility).lower()
        known = told if told in ("public", "internal", "private") else "unknown"
        return Wanted(repository_name(page), page, f"{page}.git", "gitlab", known)
