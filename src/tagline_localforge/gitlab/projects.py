"""GitLab's routes to people, groups, projects and commits."""

from __future__ import annotations

from datetime import UTC, datetime

from tagline_localforge.gitlab.call import PROJECT, Call, route
from tagline_localforge.gitlab.shapes import ACCESS
from tagline_localforge.records import Push, Team
from tagline_localforge.repository import Repository
from tagline_localforge.web import ApiError, Response

_COMMIT = PROJECT + "/repository/commits/{sha}"
#: A member of a group has a level; which one is nobody's question here.
_GROUP_LEVEL = 30


# People


@route("GET", "/user", job=401)
def _user(call: Call) -> Response:
    login = call.login
    return Response(json={**call.shapes.user(login), "email": call.forge.person(login).email})


@route("GET", "/users", job=401)
def _users(call: Call) -> Response:
    wanted = call.request.query.get("username")
    logins = [person.login for person in call.forge.people.values() if person.kind != "Organization"]
    return call.paged([login for login in logins if wanted in (None, login)], call.shapes.user)


@route("GET", "/groups/{group}", job=404)
def _group(call: Call) -> Response:
    return Response(json=call.shapes.group(_team(call)))


@route("GET", "/groups/{group}/members/all", job=404)
def _group_members(call: Call) -> Response:
    path = _team(call).path
    # Whoever is in a group above is in this one too.
    above = [team for team in call.forge.teams.values() if f"{path}/".startswith(f"{team.path}/")]
    logins = dict.fromkeys(login for team in above for login in team.members)
    return call.paged(list(logins), lambda login: call.shapes.member(login, _GROUP_LEVEL))


def _team(call: Call) -> Team:
    name = call.parameters["group"]
    for team in call.forge.teams.values():
        if name in (str(team.id), team.path) and call.token is not None:
            return team
    raise ApiError(404, "404 Group Not Found")


@route("GET", "/groups/{group}/projects", job=404)
def _group_projects(call: Call) -> Response:
    """Those of the groups below it too, as far as the caller may see them."""
    group = call.parameters["group"]
    if not any(name.startswith(f"{group}/") for name in call.forge.people | call.forge.repositories):
        raise ApiError(404, "404 Group Not Found")
    every = [each for name, each in sorted(call.forge.repositories.items()) if name.startswith(f"{group}/")]
    seen = [each for each in every if call.role(each) != "none"]
    return call.paged(seen, lambda each: call.shapes.project(each, ACCESS[call.role(each)]))


# Projects


@route("GET", PROJECT)
def _project(call: Call) -> Response:
    repository = call.repository
    return Response(json=call.shapes.project(repository, ACCESS[call.role(repository)]))


@route("GET", PROJECT + "/members/all", job=404)
def _members(call: Call) -> Response:
    roles = call.repository.roles
    members = [login for login, role in roles.items() if role != "none"]
    return call.paged(members, lambda login: call.shapes.member(login, ACCESS[roles[login]]))


@route("GET", PROJECT + "/members/all/{user:int}", job=404)
def _member(call: Call) -> Response:
    for login, role in call.repository.roles.items():
        if role != "none" and call.forge.person(login).id == int(call.parameters["user"]):
            return Response(json=call.shapes.member(login, ACCESS[role]))
    raise ApiError(404, "404 Not found")


@route("GET", _COMMIT)
def _commit(call: Call) -> Response:
    repository = call.repository
    return Response(json=call.shapes.commit(repository, repository.commit_named(call.parameters["sha"])))


@route("GET", _COMMIT + "/merge_requests")
def _changes_of_commit(call: Call) -> Response:
    repository = call.repository
    found = repository.changes_with(repository.commit_named(call.parameters["sha"]).sha)
    return call.paged(repository.without_late(found, repository.switches.late_commit_list), call.changes.listed)


@route("GET", PROJECT + "/repository/compare", job=404)
def _compare(call: Call) -> Response:
    """From where two branches left each other to the second."""
    repository, git, query = call.repository, call.repository.git, call.request.query
    ends = [git.revision(query.get(name, "")) for name in ("from", "to")]
    base, head = ends
    common = git.merge_base(base, head) if base and head else None
    if base is None or head is None or common is None:
        raise ApiError(404, "404 Ref Not Found")
    commits = git.commits("--reverse", f"{base}..{head}")
    shape = {
        "commit": call.shapes.commit(repository, git.commit(head)) if commits else None,
        "commits": [call.shapes.commit(repository, commit) for commit in commits],
        "diffs": [call.shapes.file(file) for file in git.files(common, head)],
        "compare_timeout": False,
        "compare_same_ref": base == head,
        "web_url": f"{call.shapes.site}/{repository.full_name}/-/compare/{base}...{head}",
    }
    return Response(json=shape)


# What happened there


@route("GET", PROJECT + "/events", job=404)
def _events(call: Call) -> Response:
    """Of the events the pushes: of others nobody asks here."""
    if call.request.query.get("action") != "pushed":
        raise ApiError(400, "action: only pushed is known here")
    repository = _pushed_to(call)
    told: dict[tuple[float, int], Push] = {}
    for push in reversed(repository.pushes):
        # Many branches of one push are one event.
        told.setdefault((push.at, 0) if push.branches > 1 else (push.at, push.id), push)
    found = [push for push in told.values() if _is_between(push.at, call.request.query)]
    if call.request.query.get("sort") == "asc":
        found.reverse()
    return call.paged(found, lambda push: call.shapes.push_event(repository, push))


def _pushed_to(call: Call) -> Repository:
    """The project; for a fork's number the one where its branches lie, if everybody may see it."""
    for repository in call.forge.repositories.values():
        if repository.public and call.parameters["project"] == str(repository.fork_id):
            return repository
    return call.repository


def _is_between(at: float, query: dict[str, str]) -> bool:
    """GitLab's ``after`` and ``before`` are days, and neither is among what is found."""
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    return query.get("after", "") < day < query.get("before", "9999")


@route("GET", PROJECT + "/pipelines", job=404)
def _pipelines(call: Call) -> Response:
    query, repository = call.request.query, call.repository
    after, before, created = (
        _instant(query.get(name)) for name in ("updated_after", "created_before", "created_after")
    )
    found = [
        run
        for run in reversed(repository.runs)
        if _is_from(call.shapes.pipeline(repository, run)["source"], query.get("source"))
        and (after is None or run.updated > after)
        and (before is None or run.at < before)
        and (created is None or run.at > created)
        and query.get("ref") in (None, run.name)
        and query.get("sha") in (None, run.sha)
        and (query.get("scope") != "tags" or run.ref.startswith("refs/tags/"))
    ]
    if query.get("sort") == "asc":
        found.reverse()
    return call.paged(found, lambda run: call.shapes.pipeline(repository, run))


def _is_from(source: str, wanted: str | None) -> bool:
    """Pipelines below others are listed only where they are asked for."""
    return source != "parent_pipeline" if wanted is None else source == wanted


def _instant(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text is not None else None


@route("GET", PROJECT + "/pipelines/{pipeline:int}/jobs")
def _jobs(call: Call) -> Response:
    repository, number = call.repository, int(call.parameters["pipeline"])
    run = next((run for run in repository.runs if run.id == number), None)
    if run is None:
        raise ApiError(404, "404 Not found")
    if run.event == "external":  # what is told of it from outside is no job
        return call.paged([], lambda none: none)
    attempts = run.attempts if call.request.query.get("include_retried") == "true" else run.attempts[-1:]
    return call.paged(attempts[::-1], lambda attempt: call.shapes.job(repository, run, attempt))
