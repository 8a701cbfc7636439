"""GitHub's routes to deployments, and to what an organization knows of what is deployed, by digest."""

from __future__ import annotations

import re

from tagline_localforge.github.call import REPOSITORY, Call, Handler, invalid
from tagline_localforge.github.shapes import Json, node_id, time
from tagline_localforge.records import Deployment, DeploymentStatus
from tagline_localforge.state import NotThere
from tagline_localforge.web import ApiError, Response, Routes

routes: Routes[Handler] = Routes()
_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


@routes("GET", REPOSITORY + "/deployments")
def _deployments(call: Call) -> Response:
    query = call.request.query
    wanted = {name: query[name] for name in ("sha", "ref", "environment", "task") if name in query}
    found = [one for one in reversed(call.repository.deployments) if wanted.items() <= vars(one).items()]
    return call.paged(found, lambda one: _shape(call, one))


@routes("POST", REPOSITORY + "/deployments")
def _deploy(call: Call) -> Response:
    repository, sent = call.writable(), call.body()
    ref = str(sent.get("ref", "")).removeprefix("refs/heads/").removeprefix("refs/tags/")
    if sent.get("auto_merge", True):
        return Response(202, {"message": f"Auto-merged {repository.default_branch} into {ref} on deployment."})
    if sent.get("required_contexts") != []:
        raise ApiError(409, "Conflict: Commit status checks failed for this ref.")
    try:
        made = repository.deploy(
            str(sent.get("environment") or "production"), ref, by=call.login, payload=sent.get("payload", ""),
            description=sent.get("description"),
        )  # fmt: skip
    except NotThere:
        raise invalid(f"No ref found for: {ref}", field="ref", resource="Deployment") from None
    return Response(201, _shape(call, made))


@routes("GET", REPOSITORY + "/deployments/{deployment:int}/statuses")
def _statuses(call: Call) -> Response:
    found = _found(call)
    return call.paged(found.statuses[::-1], lambda one: _status(call, found, one))


@routes("POST", REPOSITORY + "/deployments/{deployment:int}/statuses")
def _say(call: Call) -> Response:
    repository, sent, found = call.writable(), call.body(), _found(call)
    if sent.get("state") not in _STATES:
        raise invalid("state is not included in the list", field="state", resource="DeploymentStatus")
    said = repository.say(
        found, sent["state"], by=call.login, description=sent.get("description") or "",
        log_url=sent.get("log_url") or "", environment_url=sent.get("environment_url") or "",
        auto_inactive=sent.get("auto_inactive", True),
    )  # fmt: skip
    return Response(201, _status(call, found, said))


def _found(call: Call) -> Deployment:
    number = int(call.parameters["deployment"])
    found = next((one for one in call.repository.deployments if one.id == number), None)
    if found is None:
        raise ApiError(404, "Not Found")
    return found


def _shape(call: Call, one: Deployment) -> Json:
    """``deployment``."""
    address = call.shapes.address(call.repository)
    url = f"{address}/deployments/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("Deployment", one.id),
        "url": url,
        "sha": one.sha,
        "ref": one.ref,
        "task": one.task,
        "payload": one.payload,
        "original_environment": one.environment,
        "environment": one.environment,
        "description": one.description,
        "creator": call.shapes.user(one.login),
        "created_at": time(one.at),
        "updated_at": time(one.updated),
        "statuses_url": f"{url}/statuses",
        "repository_url": address,
        "transient_environment": False,
        "production_environment": one.environment == "production",
    }


def _status(call: Call, deployment: Deployment, one: DeploymentStatus) -> Json:
    """``deployment-status``."""
    address = call.shapes.address(call.repository)
    url = f"{address}/deployments/{deployment.id}"
    return {
        "id": one.id,
        "node_id": node_id("DeploymentStatus", one.id),
        "url": f"{url}/statuses/{one.id}",
        "state": one.state,
        "creator": call.shapes.user(one.login),
        "description": one.description,
        "environment": deployment.environment,
        "target_url": one.log_url or call.shapes.site,
        # GitHub's own description has no empty address.
        **({"log_url": one.log_url} if one.log_url else {}),
        **({"environment_url": one.environment_url} if one.environment_url else {}),
        "created_at": time(one.at),
        "updated_at": time(one.at),
        "deployment_url": url,
        "repository_url": address,
    }


@routes("POST", "/orgs/{org}/artifacts/metadata/deployment-record")
def _record(call: Call) -> Response:
    """One record a name and environment: the newest word counts."""
    org, sent = call.parameters["org"], call.body()
    if call.token is None or call.token.kind == "fork" or org not in call.forge.people:
        raise ApiError(404, "Not Found")
    needed = ("name", "digest", "status", "logical_environment", "deployment_name")
    missing = [key for key in needed if not sent.get(key)]
    if missing or not re.fullmatch("sha256:[0-9a-f]{64}", str(sent["digest"])):
        raise invalid(f"{', '.join(missing) or 'digest'} is invalid", resource="DeploymentRecord")
    key = (org, str(sent["deployment_name"]), str(sent["logical_environment"]))
    records = call.forge.deployment_records
    records[key] = {name: str(value) for name, value in sent.items()}
    now = time(call.forge.clock())
    shape = {
        "id": 1 + list(records).index(key),
        "digest": sent["digest"],
        "logical_environment": sent["logical_environment"],
        "physical_environment": None,
        "cluster": None,
        "deployment_name": sent["deployment_name"],
        "tags": {},
        "runtime_risks": [],
        "created_at": now,
        "updated_at": now,
        "attestation_id": None,
    }
    return Response(json={"total_count": 1, "deployment_records": [shape]})
