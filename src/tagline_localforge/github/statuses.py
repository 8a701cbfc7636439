"""GitHub's routes to the statuses of commits."""

from __future__ import annotations

from tagline_localforge.github.call import REPOSITORY, Call, Handler, commit_id, invalid
from tagline_localforge.records import Status
from tagline_localforge.web import ApiError, Response, Routes, page

_LONGEST_DESCRIPTION = 140
_STATES = ("error", "failure", "pending", "success")
routes: Routes[Handler] = Routes()


@routes("GET", REPOSITORY + "/commits/{ref}/statuses")
def _statuses(call: Call) -> Response:
    """All of them, the newest first."""
    return call.paged(_of_commit(call), call.changes.status)


@routes("GET", REPOSITORY + "/commits/{ref}/status")
def _combined(call: Call) -> Response:
    """The newest of each context, and what they come to."""
    repository, found = call.repository, _of_commit(call)
    newest = list({status.context: status for status in reversed(found)}.values())
    sha = commit_id(repository, call.parameters["ref"])
    url = f"{call.shapes.address(repository)}/commits/{sha}"
    shown = page(newest, call.request.query, default=30)
    shape = {
        "state": _come_to({status.state for status in newest}),
        "statuses": [call.changes.simple_status(status) for status in shown.items],
        "sha": sha,
        "total_count": len(newest),
        "repository": call.shapes.repository(repository),
        "commit_url": url,
        "url": f"{url}/status",
    }
    return Response(json=shape)


def _of_commit(call: Call) -> list[Status]:
    repository = call.repository
    sha = commit_id(repository, call.parameters["ref"])
    return [status for status in reversed(repository.statuses) if status.sha == sha]


def _come_to(states: set[str]) -> str:
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


@routes("POST", REPOSITORY + "/statuses/{sha}")
def _set_status(call: Call) -> Response:
    repository, sent = call.writable(), call.body()
    if sent.get("state") not in _STATES:
        raise invalid("state is not included in the list", field="state", resource="Status")
    if len(sent.get("description") or "") > _LONGEST_DESCRIPTION:
        raise invalid("description is too long (maximum is 140 characters)", field="description", resource="Status")
    sha, context = commit_id(repository, call.parameters["sha"]), sent.get("context") or "default"
    if sum((status.sha, status.context) == (sha, context) for status in repository.statuses) >= (
        repository.switches.most_statuses
    ):
        said = "This SHA and context has reached the maximum number of statuses."
        errors = [{"resource": "Status", "code": "custom", "message": said}]
        raise ApiError(422, "Validation Failed", errors=errors)
    status = repository.set_status(
        sha,
        sent["state"],
        by=call.login,
        context=context,
        description=sent.get("description"),
        target_url=sent.get("target_url"),
    )
    return Response(201, call.changes.status(status))
