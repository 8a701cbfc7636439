"""The repositories of an organization on GitHub, for the index: who may see each, and which have nothing to read.

By GraphQL where that is there: it also tells the tip of the default branch and whether there are tags at all, so that
most repositories of an organization, which have none, need no request of their own. Else by the REST API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.api import GARBLED, client, explained, refusal_of, text
from tagline.adapters.forges.pages import next_page
from tagline.adapters.forges.refusals import NO_TOKEN, not_there
from tagline.domain.index.refs import Refs
from tagline.domain.index.sources import Wanted, repository_name
from tagline.settings import Secret

_FIELDS = """\
nameWithOwner visibility isDisabled
        defaultBranchRef { name target { oid } }
        tags: refs(refPrefix: "refs/tags/", first: 1) { totalCount }
        memory: refs(refPrefix: "refs/tagline/", first: 1) { totalCount }
"""
_QUERY = f"""\
query($owner: String!, $after: String) {{
  organization(login: $owner) {{
    repositories(first: 100, after: $after, orderBy: {{field: NAME, direction: ASC}}) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{
        {_FIELDS}
      }}
    }}
  }}
}}
"""
#: Repositories that one request asks for by name.
_NAMED = 100
#: A page of an organization without end, or of a server that always says that there is one more.
_MOST_PAGES = 2000


class Organizations:
    """The port Organization over GitHub. ``no_token`` says why none is sent, where none is."""

    def __init__(self, api_url: str, web_url: str, token: Secret | None, no_token: str = NO_TOKEN) -> None:
        self._api = client(api_url, token)
        self._web, self._no_token = web_url, None if token else no_token
        self._has_token = token is not None

    def repositories(self, owner: str) -> Iterator[Wanted]:
        """Page by page, archived ones too: what is in their registries may still be in use."""
        # GraphQL answers nobody without a token.
        found = self._by_graphql(owner) if self._has_token else None
        yield from found if found is not None else self._by_rest(owner)

    def named(self, names: Sequence[str]) -> Mapping[str, Wanted]:
        """By GraphQL, a hundred in one request; nothing without a token, whom it does not answer."""
        found: dict[str, Wanted] = {}
        for start in range(0, len(names) if self._has_token else 0, _NAMED):
            some = names[start : start + _NAMED]
            try:
                data = self._asked(some)
                rows = ((name, data[f"r{number}"]) for number, name in enumerate(some))
                found |= {name: self._told(row) for name, row in rows if row is not None}
            except (GithubException, requests.RequestException, *GARBLED) as error:
                raise explained(self._web, error) from error
        return found

    def _asked(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The answer's data; of what is not there or not to be seen it has null, and an error beside it."""
        variables: dict[str, str] = {}
        for number, name in enumerate(names):
            variables[f"o{number}"], _, variables[f"n{number}"] = name.partition("/")
        head = ", ".join(f"${variable}: String!" for variable in variables)
        parts = [
            f"r{number}: repository(owner: $o{number}, name: $n{number}) {{ {_FIELDS} }}"
            for number in range(len(names))
        ]
        query = "\n".join([f"query({head}) {{", *parts, "}"])
        try:
            _, answer = self._api.requester.graphql_query(query, variables)
        except GithubException as error:
            told = error.data.get("data") if isinstance(error.data, Mapping) else None
            if not isinstance(told, Mapping):
                raise
            return told
        data: Mapping[str, Any] = answer["data"]
        return data

    def _by_graphql(self, owner: str) -> list[Wanted] | None:
        """None where GraphQL is not to be had, or knows no such organization: then the REST API says what is wrong."""
        found: list[Wanted] = []
        after: str | None = None
        try:
            for _ in range(_MOST_PAGES):
                _, answer = self._api.requester.graphql_query(_QUERY, {"owner": owner, "after": after})
                page = answer["data"]["organization"]["repositories"]
                found += [self._told(row) for row in page["nodes"] if row is not None]
                if not page["pageInfo"]["hasNextPage"]:
                    return found
                after = text(page["pageInfo"]["endCursor"])
        except (GithubException, requests.RequestException, TypeError, *GARBLED):
            return None
        return None

    def _told(self, row: Mapping[str, Any]) -> Wanted:
        branch = row["defaultBranchRef"]
        refs = None
        if row["tags"] and row["memory"] and not row["tags"]["totalCount"] and not row["memory"]["totalCount"]:
            refs = Refs(None, {}) if branch is None else Refs(text(branch["target"]["oid"]), {}, text(branch["name"]))
        return self._wanted(text(row["nameWithOwner"]), row["visibility"], disabled=row["isDisabled"], refs=refs)

    def _by_rest(self, owner: str) -> Iterator[Wanted]:
        url, asked = f"/orgs/{quote(owner, safe='')}/repos", {"per_page": "100", "type": "all"}
        try:
            while url:
                headers, rows = self._api.requester.requestJsonAndCheck("GET", url, asked)
                for row in rows:
                    visible = row.get("visibility") or ("private" if row["private"] else "public")
                    yield self._wanted(text(row["full_name"]), visible, disabled=row.get("disabled"), refs=None)
                url, asked = next_page(headers.get("link", "")) or "", {}
        except (GithubException, requests.RequestException, *GARBLED) as error:
            if refusal_of(error).status == 404:
                raise not_there(self._web, f"organization {owner}", "access to it", no_token=self._no_token) from error
            raise explained(self._web, error) from error

    def _wanted(self, name: str, visibility: Any, *, disabled: Any, refs: Refs | None) -> Wanted:
        page = f"{self._web.rstrip('/')}/{quote(name)}"
        known = str(visibility).lower()
        visibility = known if known in ("public", "internal", "private") else "unknown"
        problem = ("forbidden", "GitHub has disabled this repository.") if disabled else None
        return Wanted(repository_name(page), page, f"{page}.git", "github", visibility, refs, problem)
