"""GitLab's routes that start pipelines. Every pipeline is of the project's one file, ``.gitlab-ci.yml``.

Source: https://docs.gitlab.com/api/pipelines/ and https://docs.gitlab.com/api/pipeline_triggers/
"""

from __future__ import annotations

from tagline_localforge.gitlab.call import PROJECT, Call, route
from tagline_localforge.gitlab.shapes import Json
from tagline_localforge.records import Run
from tagline_localforge.repository import Repository
from tagline_localforge.web import ApiError, Response

FILE = ".gitlab-ci.yml"


@route("POST", PROJECT + "/pipeline", job=404)
def _create(call: Call) -> Response:
    sent = call.body()
    rows = sent.get("variables") or []
    return _started(call, call.writable(), sent, {row["key"]: row["value"] for row in rows}, "api", call.login)


@route("POST", PROJECT + "/trigger/pipeline")
def _trigger(call: Call) -> Response:
    """By a token of its own in the body, or by the token of a job."""
    sent = call.body()
    name, token = call.parameters["project"], str(sent.get("token", ""))
    repository = next((one for one in call.forge.repositories.values() if name in (str(one.id), one.full_name)), None)
    if repository is None:
        raise ApiError(404, "404 Project Not Found")
    if (login := repository.trigger_tokens.get(token)) is not None:
        return _started(call, repository, sent, sent.get("variables") or {}, "trigger", login)
    known = call.forge.bearer(token)
    if known is None or known.kind != "job":
        raise ApiError(404, "404 Not Found")
    return _started(call, repository, sent, sent.get("variables") or {}, "pipeline", known.login)


def _started(
    call: Call, repository: Repository, sent: Json, variables: dict[str, str], source: str, login: str
) -> Response:
    if FILE not in repository.workflows:
        return Response(400, {"message": {"base": ["Missing CI config file"]}})
    names = (f"refs/{kind}/{sent.get('ref')}" for kind in ("heads", "tags"))
    ref = next((name for name in names if repository.git.object_of(name)), None)
    if ref is None:
        return Response(400, {"message": {"base": ["Reference not found"]}})
    run = repository.start_run(FILE, ref, by=login, event=source)
    run.variables.update(variables)
    return Response(201, call.shapes.pipeline(repository, run))


@route("GET", PROJECT + "/pipelines/{pipeline:int}/variables", job=404)
def _variables(call: Call) -> Response:
    run = _found(call.writable(), int(call.parameters["pipeline"]))
    shape = {"variable_type": "env_var", "raw": False}
    return Response(json=[{**shape, "key": key, "value": value} for key, value in run.variables.items()])


def _found(repository: Repository, number: int) -> Run:
    run = next((run for run in repository.runs if run.id == number), None)
    if run is None:
        raise ApiError(404, "404 Not found")
    return run
