"""GitLab's routes to deployments, to the job that asks, and that commit files.

Source: https://docs.gitlab.com/api/deployments/, https://docs.gitlab.com/api/jobs/#get-job-tokens-job and
https://docs.gitlab.com/api/commits/
"""

from __future__ import annotations

from tagline_localforge.gitlab.call import PROJECT, Call, route
from tagline_localforge.gitlab.shapes import Json, time
from tagline_localforge.records import Deployment, at_least
from tagline_localforge.repository import Repository
from tagline_localforge.state import Refused
from tagline_localforge.web import ApiError, Response

_STATUSES = ("created", "running", "success", "failed", "canceled", "blocked")


@route("GET", PROJECT + "/deployments")
def _deployments(call: Call) -> Response:
    query = call.request.query
    found = [
        one
        for one in call.repository.deployments
        if query.get("environment") in (None, one.environment) and query.get("status") in (None, one.state)
    ]
    if query.get("sort", "asc") == "desc":
        found.reverse()
    return call.paged(found, lambda one: _shape(call, one))


@route("POST", PROJECT + "/deployments")
def _deploy(call: Call) -> Response:
    repository, sent = _deployable(call), call.body()
    missing = [key for key in ("environment", "sha", "ref", "tag", "status") if key not in sent]
    if missing or sent["status"] not in _STATUSES:
        raise ApiError(400, f"{', '.join(missing) or 'status'} is missing or invalid")
    made = repository.deploy(
        str(sent["environment"]), str(sent["ref"]), by=call.login, state=str(sent["status"]), tag=bool(sent["tag"]),
        sha=repository.commit_named(str(sent["sha"])).sha,
    )  # fmt: skip
    return Response(201, _shape(call, made))


@route("PUT", PROJECT + "/deployments/{deployment:int}")
def _move(call: Call) -> Response:
    repository, sent = _deployable(call), call.body()
    number = int(call.parameters["deployment"])
    found = next((one for one in repository.deployments if one.id == number), None)
    if found is None:
        raise ApiError(404, "404 Deployment Not Found")
    if sent.get("status") not in _STATUSES:
        raise ApiError(400, "status does not have a valid value")
    if found.state == sent["status"]:
        raise ApiError(400, "Status cannot transition")
    repository.move(found, sent["status"])
    return Response(json=_shape(call, found))


def _deployable(call: Call) -> Repository:
    """The project, for developers and for its jobs."""
    repository = call.repository
    job = call.token is not None and call.token.kind == "job"
    if not job and not at_least(call.role(repository), "write"):
        raise ApiError(403, "403 Forbidden")
    return repository


def _shape(call: Call, one: Deployment) -> Json:
    """``Deployment``, without its deployable, which those by API have not."""
    environments = list(dict.fromkeys(each.environment for each in call.repository.deployments))
    environment = {
        "id": 1 + environments.index(one.environment),
        "name": one.environment,
        "slug": one.environment.replace("/", "-"),
        "external_url": None,
    }
    return {
        "id": one.id,
        "iid": one.number,
        "ref": one.ref,
        "sha": one.sha,
        "created_at": time(one.at),
        "updated_at": time(one.updated),
        "status": one.state,
        "user": call.shapes.user(one.login),
        "environment": environment,
        "deployable": None,
    }


@route("GET", "/job")
def _own_job(call: Call) -> Response:
    """The job whose token it is: the newest of the newest pipeline here, in whichever project."""
    if call.token is None or call.token.kind != "job":
        raise ApiError(401, "401 Unauthorized")
    found = [(repository, run) for repository in call.forge.repositories.values() for run in repository.runs]
    if not found:
        raise ApiError(404, "404 Not Found")
    repository, run = max(found, key=lambda one: one[1].at)
    return Response(json=call.shapes.job(repository, run, run.attempts[-1]))


@route("GET", PROJECT + "/jobs/{job:int}", job=404)
def _job(call: Call) -> Response:
    repository, number = call.repository, int(call.parameters["job"])
    for run in repository.runs:
        for attempt in run.attempts:
            shape = call.shapes.job(repository, run, attempt)
            if shape["id"] == number:
                return Response(json=shape)
    raise ApiError(404, "404 Not found")


@route("POST", PROJECT + "/repository/commits", job=404)
def _commit(call: Call) -> Response:
    """Files upon a branch, which may be made for it. Of the actions only ``create`` is known here."""
    repository, sent = call.writable(), call.body()
    branch, start = str(sent.get("branch", "")), str(sent.get("start_branch", ""))
    if start and branch in repository.git.branches():
        raise ApiError(
            400, f"A branch called '{branch}' already exists. Switch to that branch in order to make changes"
        )
    tip = repository.git.branches().get(start or branch)
    if tip is None or not sent.get("actions"):
        raise ApiError(400, "You can only create or edit files when you are on a branch")
    for action in sent["actions"]:
        if action.get("action") != "create" or repository.file_at(tip, action["file_path"]) is not None:
            raise ApiError(400, "A file with this name already exists")
    if start:
        repository.make_branch(branch, tip, by=call.login)
    for action in sent["actions"]:
        tip = repository.write_file(
            branch, action["file_path"], str(action["content"]).encode(), str(sent["commit_message"]), by=call.login
        )
    return Response(201, call.shapes.commit(repository, repository.git.commit(tip)))


@route("POST", PROJECT + "/merge_requests", job=404)
def _open(call: Call) -> Response:
    repository, sent = call.writable(), call.body()
    source = str(sent.get("source_branch", ""))
    there = [one for one in repository.changes() if (one.source, one.state, one.fork) == (source, "open", None)]
    if there:
        said = f"Another open merge request already exists for this source branch: !{there[0].number}"
        return Response(409, {"message": [said]})
    try:
        change = repository.open_change(
            author=call.login, source=source, target=sent.get("target_branch"), title=str(sent.get("title", "")),
            body=str(sent.get("description") or ""),
        )  # fmt: skip
    except Refused as refused:
        raise ApiError(400, str(refused)) from None
    return Response(201, call.merge_request(change))
