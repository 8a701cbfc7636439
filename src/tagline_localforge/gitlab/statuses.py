"""GitLab's routes to the statuses of commits. Each is in a pipeline, and what is under way is moved, not added.

Source: app/services/ci/create_commit_status_service.rb of gitlab-org/gitlab.
"""

from __future__ import annotations

from tagline_localforge.gitlab.call import PROJECT, Call, route
from tagline_localforge.records import Run, Status
from tagline_localforge.repository import Repository
from tagline_localforge.state import NotThere
from tagline_localforge.web import ApiError, Response

#: What each state is reached by, and from which states that is not possible.
_EVENTS = {
    "pending": ("enqueue", ("pending", "running")),
    "running": ("run", ("running",)),
    "success": ("success", ()),
    "failed": ("drop", ()),
    "canceled": ("cancel", ()),
    "skipped": ("skip", ("running",)),
}
_UNDER_WAY = ("pending", "running")


@route("GET", PROJECT + "/repository/commits/{sha}/statuses", job=401)
def _statuses(call: Call) -> Response:
    """The newest of each name, or with ``all`` every one; the oldest first."""
    repository, query = call.repository, call.request.query
    sha = _commit(repository, call.parameters["sha"])
    found = [status for status in repository.statuses if status.sha == sha]
    if query.get("all") not in ("true", "1"):
        found = list({(status.context, status.ref): status for status in found}.values())
    wanted = {name: query[name] for name in ("ref", "name") if name in query}
    shown = [status for status in found if wanted.items() <= {"ref": status.ref, "name": status.context}.items()]
    if query.get("sort") == "desc":
        shown.reverse()
    return call.paged(shown, call.changes.status)


@route("POST", PROJECT + "/statuses/{sha}", job=401)
def _set_status(call: Call) -> Response:
    repository, sent = call.writable(), call.body()
    sha = _commit(repository, call.parameters["sha"])
    state, context = sent.get("state"), sent.get("name") or sent.get("context") or "default"
    if state not in _EVENTS:
        raise ApiError(400, "state does not have a valid value")
    pipelines = [run for run in repository.runs if run.sha == sha and sent.get("ref") in (None, run.name)]
    if "pipeline_id" in sent:
        pipelines = [run for run in pipelines if run.id == sent["pipeline_id"]]
        if not pipelines:
            raise ApiError(404, "404 Pipeline for pipeline_id, sha and ref Not Found")
    ref = sent.get("ref") or _ref(repository, sha, pipelines)
    pipeline = pipelines[-1] if pipelines else repository.start_external(sha, ref, by=call.login)
    text = {"description": sent.get("description"), "target_url": sent.get("target_url")}
    there = _under_way(repository, pipeline, (ref, context, call.login))
    if there is not None:
        event, impossible = _EVENTS[state]
        if there.state in impossible:
            said = f"Cannot transition status via :{event} from :{there.state}"
            raise ApiError(400, f'{said} (Reason(s): Status cannot transition via "{event}")')
        status = repository.move_status(there, state, **text)
    else:
        status = repository.set_status(
            sha, state, by=call.login, context=context, ref=ref, pipeline=pipeline.id, **text
        )  # fmt: skip
    return Response(201, call.changes.status(status))


def _commit(repository: Repository, name: str) -> str:
    try:
        return repository.commit_named(name).sha
    except NotThere:
        raise ApiError(404, "404 Commit Not Found") from None


def _ref(repository: Repository, sha: str, pipelines: list[Run]) -> str:
    """Whose status it is: the newest pipeline's, or a branch's of this project; a fork's head has neither."""
    names = [pipelines[-1].name] if pipelines else repository.branches_with(sha)
    if not names:
        raise ApiError(404, "404 References for commit Not Found")
    return names[0]


def _under_way(repository: Repository, pipeline: Run, whose: tuple[str, str, str]) -> Status | None:
    """Of the same pipeline, branch, name and user."""
    found = [
        status
        for status in repository.statuses
        if status.pipeline == pipeline.id
        and (status.ref, status.context, status.login) == whose
        and status.state in _UNDER_WAY
    ]
    return found[-1] if found else None
