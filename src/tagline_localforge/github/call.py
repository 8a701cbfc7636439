"""A call of GitHub's API: who calls, and what its path names."""

from __future__ import annotations

import base64
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode

from tagline_localforge.github.change_shapes import ChangeShapes
from tagline_localforge.github.shapes import Json, Shapes
from tagline_localforge.model import LocalForge
from tagline_localforge.records import Change, Role, Token, at_least
from tagline_localforge.repository import Repository
from tagline_localforge.web import ApiError, Request, Response, page

_T = TypeVar("_T")
REPOSITORY = "/repos/{owner}/{repo}"
_LIMIT = 5000


@dataclass
class Call:
    """One call: the request, who makes it, and what its path names."""

    forge: LocalForge
    request: Request
    token: Token | None
    shapes: Shapes
    parameters: dict[str, str]

    @property
    def login(self) -> str:
        """Who calls."""
        if self.token is None:
            raise ApiError(401, "Requires authentication")
        return self.token.login

    @property
    def is_app(self) -> bool:
        """Whether an installation calls, not a person."""
        return self.token is not None and self.token.kind != "user"

    @property
    def repository(self) -> Repository:
        """The repository, if the caller may see it."""
        name = f"{self.parameters['owner']}/{self.parameters['repo']}"
        found = self.forge.repositories.get(name) or self.forge.moved.get(name)
        if found is None or self.forge.role(self.token, found) == "none":
            raise ApiError(404, "Not Found")
        if name in self.forge.moved:
            raise moved(self._numbered(found), 301 if self.request.method == "GET" else 307)
        return found

    def _numbered(self, repository: Repository) -> str:
        """The address of this call with the repository's number in it, which no rename changes."""
        rest = self.request.path.partition(f"/{self.parameters['owner']}/{self.parameters['repo']}")[2]
        query = f"?{self.request.query_string}" if self.request.query_string else ""
        return f"{self.shapes.base}/repositories/{repository.id}{rest}{query}"

    def writable(self, needed: Role = "write", *, own: str | None = None) -> Repository:
        """The repository, if the caller has that role in it or is ``own``, whose thing it is."""
        found = self.repository
        if self.token is not None and self.token.kind == "fork":
            raise ApiError(403, "Resource not accessible by integration")
        if not at_least(self.forge.role(self.token, found), needed) and self.login != own:
            raise ApiError(403, "Must have push access to repository.")
        return found

    @property
    def change(self) -> Change:
        """The pull request, if there."""
        return self.repository.change(int(self.parameters["number"]))

    @cached_property
    def changes(self) -> ChangeShapes:
        """The shapes of this repository's pull requests."""
        return ChangeShapes(self.shapes, self.repository)

    def body(self) -> Json:
        """The JSON object that was sent."""
        sent = self.request.json
        if not isinstance(sent, dict):
            raise ApiError(400, "Problems parsing JSON")
        return sent

    def after_cursor(self, items: Sequence[_T], key: Callable[[_T], int], shape: Callable[[_T], Json]) -> Response:
        """The part of a list behind the query's cursor, with a link to what is behind that.

        Cursors are opaque to clients, and pages have no numbers.
        """
        query = self.request.query
        start = next((place + 1 for place, item in enumerate(items) if _cursor(key(item)) == query.get("after")), 0)
        size = min(max(int(query.get("per_page", "30")), 1), 100)
        shown = items[start : start + size]
        headers = {}
        if start + size < len(items):
            asked = urlencode({**query, "after": _cursor(key(shown[-1]))})
            headers["Link"] = f'<{self.request.url}{self.request.path}?{asked}>; rel="next"'
        return Response(json=[shape(item) for item in shown], headers=headers)

    def paged(self, items: Sequence[_T], shape: Callable[[_T], Json], *, member: str | None = None) -> Response:
        """One page of a list, with links to the others; as a ``member`` beside how many there are."""
        query = self.request.query
        shown = page(items, query, default=30)
        links = shown.links(self.request.url + self.request.path, query)
        listed = [shape(item) for item in shown.items]
        answer = listed if member is None else {"total_count": shown.total, member: listed}
        return Response(json=answer, headers={"Link": links} if links else {})


def _cursor(key: int) -> str:
    return base64.b64encode(f"cursor:{key}".encode()).decode()


Handler = Callable[[Call], Response]


def commit_id(repository: Repository, name: str) -> str:
    """The commit that a path names."""
    sha = repository.git.revision(name)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {name}")
    return sha


def invalid(message: str, *, field: str = "base", resource: str = "PullRequest") -> ApiError:
    """The answer to what is understood and not accepted."""
    return ApiError(
        422,
        "Validation Failed",
        errors=[{"resource": resource, "field": field, "code": "custom", "message": message}],
    )


def moved(address: str, status: int) -> ApiError:
    """The answer to what is elsewhere now: 301 to a reading request, 307 to another."""
    message = "Moved Permanently" if status == 301 else "Temporary Redirect"
    return ApiError(status, message, headers={"Location": address}, url=address)


def rate() -> dict[str, int]:
    """A rate limit that nobody reaches."""
    return {"limit": _LIMIT, "remaining": _LIMIT - 1, "reset": int(clock.time()) + 3600, "used": 1}
