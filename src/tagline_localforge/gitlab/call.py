"""A call of GitLab's API: who calls, and what its path names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from tagline_localforge.gitlab.change_shapes import ChangeShapes
from tagline_localforge.gitlab.shapes import Json, Shapes
from tagline_localforge.model import LocalForge
from tagline_localforge.records import Change, Role, Token, at_least
from tagline_localforge.repository import Repository
from tagline_localforge.web import ApiError, Request, Response, Routes, page

_T = TypeVar("_T")
PROJECT = "/projects/{project}"


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
            raise ApiError(401, "401 Unauthorized")
        return self.token.login

    @property
    def repository(self) -> Repository:
        """The project, by number or path, if the caller may see it."""
        name = self.parameters["project"]
        for found in self.forge.repositories.values():
            old = self.forge.moved.get(name) is found
            if (old or name in (str(found.id), found.full_name)) and self.role(found) != "none":
                return self._sent_on(found) if old else found
        raise ApiError(404, "404 Project Not Found")

    def _sent_on(self, repository: Repository) -> Repository:
        """What GitLab says to a project's old path."""
        if self.request.method != "GET":
            raise ApiError(405, "Non GET methods are not allowed for moved projects")
        path = re.sub(r"/projects/[^/]+", f"/projects/{repository.id}", self.request.path, count=1)
        query = f"?{self.request.query_string}" if self.request.query_string else ""
        address = f"{self.request.url}{path}{query}"
        said = f"This resource has been moved permanently to {address}"
        raise ApiError(301, said, headers={"Location": address})

    def role(self, repository: Repository) -> Role:
        """The caller's role."""
        return self.forge.role(self.token, repository)

    def writable(self, needed: Role = "write", *, own: str | None = None) -> Repository:
        """The project, if the caller has that role in it or is ``own``, whose thing it is."""
        found = self.repository
        if not at_least(self.role(found), needed) and self.login != own:
            raise ApiError(403, "403 Forbidden")
        return found

    @property
    def change(self) -> Change:
        """The merge request, if there."""
        return self.repository.change(int(self.parameters["iid"]))

    @cached_property
    def changes(self) -> ChangeShapes:
        """The shapes of this project's merge requests."""
        return ChangeShapes(self.shapes, self.repository)

    def merge_request(self, change: Change) -> Json:
        """A merge request as the caller sees it."""
        may_merge = at_least(self.role(self.repository), "write")
        return self.changes.merge_request(change, may_merge=may_merge)

    def body(self) -> Json:
        """What was sent: JSON, a form, or (GitLab takes that too) in the query."""
        sent = self.request.json
        return {**self.request.query, **(sent if isinstance(sent, dict) else {})}

    def paged(self, items: Sequence[_T], shape: Callable[[_T], Json]) -> Response:
        """One page of a list, with GitLab's headers about the others."""
        query = self.request.query
        shown = page(items, query, default=20)
        headers = {
            "X-Page": str(shown.number),
            "X-Per-Page": str(shown.size),
            "X-Next-Page": str(shown.number + 1) if shown.number < shown.last else "",
            "X-Prev-Page": str(shown.number - 1) if shown.number > 1 else "",
            "X-Total": str(shown.total),
            "X-Total-Pages": str(shown.last),
            "Link": shown.links(self.request.url + self.request.path, {**query, "per_page": str(shown.size)}),
        }
        return Response(json=[shape(item) for item in shown.items], headers=headers)


Handler = Callable[[Call], Response]
routes: Routes[tuple[Handler, int]] = Routes()


def route(method: str, template: str, *, job: int = 200) -> Callable[[Handler], Handler]:
    """Register a handler; ``job`` is what a CI job's token gets, 200 being the answer itself."""

    def register(handler: Handler) -> Handler:
        routes(method, template)((handler, job))
        return handler

    return register
