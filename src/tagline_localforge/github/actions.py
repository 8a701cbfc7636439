"""GitHub's routes to workflows and their runs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tagline_localforge.github.call import REPOSITORY, Call, Handler
from tagline_localforge.github.shapes import Json, node_id, time
from tagline_localforge.records import Attempt, Run, Workflow
from tagline_localforge.repository import Repository
from tagline_localforge.web import ApiError, Response, Routes

routes: Routes[Handler] = Routes()
_MOST_FOUND = 1000


@routes("GET", REPOSITORY + "/actions/runs")
def _runs(call: Call) -> Response:
    query = call.request.query
    wanted = {name: query[name] for name in ("branch", "event", "head_sha", "actor") if name in query}
    found = [
        run
        for run in reversed(call.repository.runs)
        if wanted.items() <= _searched(run).items() and _is_in(run.at, query.get("created"))
    ]
    # GitHub counts and lists no more than so many of a search.
    return call.paged(found[:_MOST_FOUND], lambda run: _run(call, run), member="workflow_runs")


def _is_in(at: float, created: str | None) -> bool:
    """Whether a time is in a range as GitHub's searches write it: ``FROM..TO``, ends included."""
    if created is None:
        return True
    start, dots, end = created.partition("..")
    if not dots:
        raise ApiError(422, f"created: no range: {created}")
    return datetime.fromisoformat(start).timestamp() <= int(at) <= datetime.fromisoformat(end).timestamp()


@routes("GET", REPOSITORY + "/actions/runs/{run:int}")
def _one_run(call: Call) -> Response:
    return Response(json=_run(call, _found(call)))


@routes("GET", REPOSITORY + "/actions/runs/{run:int}/attempts/{attempt:int}")
def _attempt(call: Call) -> Response:
    run, number = _found(call), int(call.parameters["attempt"])
    if not 1 <= number <= len(run.attempts):
        raise ApiError(404, "Not Found")
    return Response(json=_run(call, run, number))


@routes("GET", REPOSITORY + "/actions/runs/{run:int}/attempts/{attempt:int}/jobs")
def _jobs(call: Call) -> Response:
    """The one job of a run here; it has its own page."""
    run, number = _found(call), int(call.parameters["attempt"])
    if not 1 <= number <= len(run.attempts):
        raise ApiError(404, "Not Found")
    return call.paged([run.attempts[number - 1]], lambda one: _job(call, run, one), member="jobs")


def _job(call: Call, run: Run, attempt: Attempt) -> Json:
    """``job``."""
    shapes, repository, number = call.shapes, call.repository, run.id + 5000
    page = f"{shapes.site}/{repository.full_name}/actions/runs/{run.id}"
    address = f"{shapes.address(repository)}/actions"
    return {
        "id": number,
        "run_id": run.id,
        "run_url": f"{address}/runs/{run.id}",
        "node_id": node_id("CheckRun", number),
        "head_sha": run.sha,
        "url": f"{address}/jobs/{number}",
        "html_url": f"{page}/job/{number}",
        "status": "in_progress" if attempt.ended is None else "completed",
        "conclusion": None if attempt.ended is None else "success" if run.succeeded else "failure",
        "created_at": time(attempt.started),
        "started_at": time(attempt.started),
        "completed_at": None if attempt.ended is None else time(attempt.ended),
        "name": run.workflow.file,
        "check_run_url": f"{shapes.address(repository)}/check-runs/{number}",
        "labels": [],
        "runner_id": 1,
        "runner_name": "runner-1",
        "runner_group_id": 1,
        "runner_group_name": "Default",
        "workflow_name": run.workflow.file,
        "head_branch": run.name,
    }


def _found(call: Call) -> Run:
    found = next((run for run in call.repository.runs if run.id == int(call.parameters["run"])), None)
    if found is None:
        raise ApiError(404, "Not Found")
    return found


def _searched(run: Run) -> dict[str, str]:
    return {"branch": run.name, "event": run.event, "head_sha": run.sha, "actor": run.login}


@routes("POST", REPOSITORY + "/actions/workflows/{workflow}/dispatches")
def _dispatch(call: Call) -> Response:
    repository, sent = call.writable(), call.body()
    # Enterprise Server up to 3.19 does not tell which run it started, and refuses to be asked.
    for key in sent:
        if call.forge.ghes and key not in ("ref", "inputs"):
            raise ApiError(422, f'Invalid request.\n\n"{key}" is not a permitted key.')
    workflow = _workflow(repository, call.parameters["workflow"])
    ref = _full_name(repository, str(sent.get("ref", "")))
    if not workflow.dispatch:
        raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
    given = sent.get("inputs") or {}
    if unknown := [name for name in given if name not in workflow.inputs]:
        raise ApiError(422, f"Unexpected inputs provided: {json.dumps(unknown)}")
    run = repository.start_run(workflow.file, ref, by=call.login)
    run.variables.update(given)
    if not sent.get("return_run_details"):
        return Response(204)
    shape = _run(call, run)
    return Response(json={"workflow_run_id": run.id, "run_url": shape["url"], "html_url": shape["html_url"]})


@routes("POST", REPOSITORY + "/dispatches")
def _repository_dispatch(call: Call) -> Response:
    """Every workflow that listens runs on the default branch; GitHub tells nothing of the runs."""
    repository, sent = call.writable(), call.body()
    if not isinstance(sent.get("event_type"), str) or len(sent.get("client_payload") or {}) > 10:
        raise ApiError(422, "Invalid request.")
    for workflow in repository.workflows.values():
        if sent["event_type"] in workflow.types:
            run = repository.start_run(
                workflow.file, f"refs/heads/{repository.default_branch}", by=call.login, event="repository_dispatch"
            )
            run.title = workflow.title(sent["event_type"], sent.get("client_payload") or {})
            run.variables.update({key: json.dumps(value) for key, value in (sent.get("client_payload") or {}).items()})
    return Response(204)


def _workflow(repository: Repository, name: str) -> Workflow:
    """By its file or its number."""
    found = next((each for each in repository.workflows.values() if name in (each.file, str(each.id))), None)
    if found is None:
        raise ApiError(404, "Not Found")
    return found


def _full_name(repository: Repository, name: str) -> str:
    """The branch or tag of that name; where both are, the branch."""
    for ref in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
        if ref.startswith(("refs/heads/", "refs/tags/")) and repository.git.object_of(ref):
            return ref
    raise ApiError(422, f"No ref found for: {name}")


def _run(call: Call, run: Run, number: int = 0) -> Json:
    """``workflow-run``, as of its latest attempt or of one by number."""
    shapes, repository = call.shapes, call.repository
    number = number or len(run.attempts)
    attempt = run.attempts[number - 1]
    page = f"{shapes.site}/{repository.full_name}/actions/runs/{run.id}"
    address = f"{shapes.address(repository)}/actions"
    url = f"{address}/runs/{run.id}"
    commit = shapes.git_commit(repository, repository.git.commit(run.sha))
    suite = run.id + 1
    return {
        "id": run.id,
        "node_id": node_id("WorkflowRun", run.id),
        "name": run.workflow.file,
        "display_title": run.title or run.workflow.file,
        "path": run.workflow.path,
        "workflow_id": run.workflow.id,
        "workflow_url": f"{address}/workflows/{run.workflow.id}",
        "event": run.event,
        "status": "queued" if attempt.ended is None else "completed",
        "conclusion": None if attempt.ended is None else "success" if run.succeeded else "failure",
        "run_number": run.number,
        "run_attempt": number,
        "previous_attempt_url": f"{url}/attempts/{number - 1}" if number > 1 else None,
        "head_branch": run.name,
        "head_sha": run.sha,
        "head_commit": _head_commit(commit),
        "head_repository": shapes.repository(repository),
        "repository": shapes.repository(repository),
        "actor": shapes.user(run.login),
        "triggering_actor": shapes.user(attempt.login),
        "pull_requests": [],
        "check_suite_id": suite,
        "check_suite_node_id": node_id("CheckSuite", suite),
        "check_suite_url": f"{shapes.address(repository)}/check-suites/{suite}",
        "url": url,
        "html_url": page,
        **{f"{name}_url": f"{url}/{name}" for name in ("jobs", "logs", "cancel", "rerun", "artifacts")},
        "created_at": time(run.at),
        "updated_at": time(attempt.ended or attempt.started),
        "run_started_at": time(attempt.started),
    }


def _head_commit(commit: Json) -> dict[str, Any]:
    """``simple-commit``."""
    people = {role: {name: commit[role][name] for name in ("name", "email")} for role in ("author", "committer")}
    return {
        "id": commit["sha"],
        "tree_id": commit["tree"]["sha"],
        "message": commit["message"],
        "timestamp": commit["committer"]["date"],
        **people,
    }
