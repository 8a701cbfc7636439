"""GitLab's REST API."""

from __future__ import annotations

# Importing these registers their routes.
from tagline_localforge.gitlab import deployments, labels, merge_requests, pipelines, projects, settings, statuses  # noqa: F401
from tagline_localforge.gitlab.call import Call, routes
from tagline_localforge.gitlab.shapes import Shapes
from tagline_localforge.model import LocalForge
from tagline_localforge.records import Token
from tagline_localforge.state import NotThere, Refused
from tagline_localforge.web import ApiError, Request, Response

PREFIX = "/api/v4"


def answer(forge: LocalForge, request: Request) -> Response:
    """Answer a request to this API."""
    try:
        return _dispatch(forge, request)
    except ApiError as error:
        if error.status == 301:
            return Response(301, headers=error.headers, body=error.message.encode())
        return Response(error.status, {"message": error.message})
    except NotThere:
        return Response(404, {"message": "404 Not found"})
    except Refused as refused:
        return Response(409, {"message": [str(refused)]})


def _dispatch(forge: LocalForge, request: Request) -> Response:
    token = _bearer(forge, request)
    found = routes.find(request.method, request.path.removeprefix(PREFIX))
    if found is None:
        raise ApiError(404, "404 Not Found")
    (handler, job), parameters = found
    if token is not None and token.kind == "job" and job != 200:
        reasons = {401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Not Found"}
        raise ApiError(job, reasons[job])
    return handler(Call(forge, request, token, Shapes(forge, request.url), parameters))


def _bearer(forge: LocalForge, request: Request) -> Token | None:
    """Who calls. A job's token has a header of its own, and no other token may come by it."""
    job_secret = request.headers.get("job-token")
    secret = job_secret or request.headers.get("private-token") or request.password
    if secret is None:
        return None
    token = forge.bearer(secret)
    if token is None or (token.kind == "job") != (job_secret is not None):
        raise ApiError(401, "401 Unauthorized")
    return token
