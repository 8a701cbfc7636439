"""GitHub's REST API."""

from __future__ import annotations

import re

from tagline_localforge.github import (
    actions,
    contents,
    deployments,
    labels,
    pulls,
    repositories,
    settings,
    statuses,
)
from tagline_localforge.github.call import Call, invalid, rate
from tagline_localforge.github.shapes import Shapes
from tagline_localforge.model import LocalForge
from tagline_localforge.state import NotThere, Refused
from tagline_localforge.web import ApiError, Request, Response

#: The prefix of GitHub Enterprise Server; github.com has none.
PREFIX = "/api/v3"
_DOCUMENTATION = "https://docs.github.com/rest"
#: What ``X-GitHub-Api-Version`` may ask for, the default first; Enterprise Server 3.17 knows the first alone.
#: A repository by its number, as redirects name it.
_NUMBERED = re.compile(r"/repositories/(?P<id>\d+)")
_VERSION = "x-github-api-version"
_VERSIONS = ("2022-11-28", "2026-03-10")


def answer(forge: LocalForge, request: Request) -> Response:
    """Answer a request to this API."""
    try:
        response = _dispatch(forge, request)
    except ApiError as error:
        response = _error(error)
    except NotThere:
        response = _error(ApiError(404, "Not Found"))
    except Refused as refused:
        response = _error(invalid(str(refused)))
    token = forge.bearer(request.password) if request.password else None
    if token is not None and token.scopes is not None:
        response.headers["X-OAuth-Scopes"] = ", ".join(token.scopes)
    response.headers["X-GitHub-Api-Version-Selected"] = request.headers.get(_VERSION, _VERSIONS[0])
    # Enterprise Server limits nothing unless its owner turns that on.
    response.headers.update({"X-GitHub-Enterprise-Version": "3.17.0"} if forge.ghes else _rate_headers())
    return response


def _dispatch(forge: LocalForge, request: Request) -> Response:
    if request.headers.get(_VERSION, _VERSIONS[0]) not in _VERSIONS[: 1 if forge.ghes else None]:
        raise ApiError(400, f"{request.headers[_VERSION]} is not a supported version of the API")
    secret = request.password
    token = forge.bearer(secret) if secret else None
    # The job token is GitLab's, and not known here.
    if secret and (token is None or token.kind == "job"):
        raise ApiError(401, "Bad credentials")
    prefix = PREFIX if request.path.startswith(PREFIX + "/") else ""
    path = request.path.removeprefix(prefix)
    if forge.ghes and not prefix:
        raise ApiError(404, "Not Found")
    if numbered := _NUMBERED.match(path):
        names = [each.full_name for each in forge.repositories.values() if str(each.id) == numbered["id"]]
        path = f"/repos/{names[0] if names else '-/-'}{path[numbered.end() :]}"
    tables = (
        settings.routes, statuses.routes, repositories.routes, labels.routes, pulls.routes, actions.routes,
        deployments.routes, contents.routes,
    )  # fmt: skip
    found = next((found for table in tables if (found := table.find(request.method, path))), None)
    if found is None:
        raise ApiError(404, "Not Found")
    handler, parameters = found
    shapes = Shapes(forge, request.url + prefix, request.url)
    return handler(Call(forge, request, token, shapes, parameters))


def _error(error: ApiError) -> Response:
    shape = {"message": error.message, "documentation_url": _DOCUMENTATION, "status": str(error.status), **error.more}
    return Response(error.status, shape, error.headers)


def _rate_headers() -> dict[str, str]:
    counts = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in rate().items()}
    return {**counts, "X-RateLimit-Resource": "core"}
