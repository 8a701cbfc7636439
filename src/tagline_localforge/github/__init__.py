"""GitHub's REST API."""

from __future__ import annotations

from tagline_localforge.github import actions, pulls, repositories
from tagline_localforge.github.call import Call, invalid, rate
from tagline_localforge.github.shapes import Shapes
from tagline_localforge.model import LocalForge
from tagline_localforge.state import NotThere, Refused
from tagline_localforge.web import ApiError, Request, Response

#: The prefix of GitHub Enterprise Server; github.com has none.
PREFIX = "/api/v3"
_DOCUMENTATION = "https://docs.github.com/rest"


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
    response.headers.update(_rate_headers())
    return response


def _dispatch(forge: LocalForge, request: Request) -> Response:
    secret = request.password
    token = forge.bearer(secret) if secret else None
    # The job token is GitLab's, and not known here.
    if secret and (token is None or token.kind == "job"):
        raise ApiError(401, "Bad credentials")
    prefix = PREFIX if request.path.startswith(PREFIX + "/") else ""
    path = request.path.removeprefix(prefix)
    tables = (repositories.routes, pulls.routes, actions.routes)
    found = next((found for table in tables if (found := table.find(request.method, path))), None)
    if found is None:
        raise ApiError(404, "Not Found")
    handler, parameters = found
    shapes = Shapes(forge, request.url + prefix, request.url)
    return handler(Call(forge, request, token, shapes, parameters))


def _error(error: ApiError) -> Response:
    shape = {"message": error.message, "documentation_url": _DOCUMENTATION, "status": str(error.status), **error.more}
    return Response(error.status, shape)


def _rate_headers() -> dict[str, str]:
    counts = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in rate().items()}
    return {**counts, "X-RateLimit-Resource": "core"}
