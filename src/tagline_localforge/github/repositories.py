"""GitHub's routes to people, repositories and commits."""

from __future__ import annotations

from tagline_localforge.github.call import REPOSITORY, Call, Handler, commit_id, moved, rate
from tagline_localforge.github.shapes import node_id
from tagline_localforge.records import Team
from tagline_localforge.repository import Repository
from tagline_localforge.web import ApiError, Response, Routes

routes: Routes[Handler] = Routes()


# The caller, and people


@routes("GET", "/user")
def _user(call: Call) -> Response:
    login = call.login
    if call.is_app:
        raise ApiError(403, "Resource not accessible by integration")
    return Response(json=call.shapes.private_user(login))


@routes("GET", "/rate_limit")
def _rate_limit(call: Call) -> Response:
    if call.forge.ghes:
        raise ApiError(404, "Rate limiting is not enabled.")
    return Response(json={"rate": rate(), "resources": {"core": rate(), "search": rate()}})


@routes("GET", "/orgs/{org}/teams/{slug}/members")
def _team_members(call: Call) -> Response:
    return call.paged(_team(call).members, call.shapes.user)


@routes("GET", "/orgs/{org}/teams/{slug}/memberships/{login}")
def _team_membership(call: Call) -> Response:
    team, login = _team(call), call.parameters["login"]
    if login not in team.members:
        raise ApiError(404, "Not Found")
    url = call.request.url + call.request.path
    return Response(json={"url": url, "role": "member", "state": "active"})


def _team(call: Call) -> Team:
    """The team; to the tokens of jobs there are none."""
    team = call.forge.teams.get(f"{call.parameters['org']}/{call.parameters['slug']}")
    if team is None or call.token is None or call.token.kind in ("actions", "fork"):
        raise ApiError(404, "Not Found")
    return team


@routes("GET", "/orgs/{org}/repos")
def _repositories(call: Call) -> Response:
    """Those that the caller may see."""
    org = call.parameters["org"]
    if org not in call.forge.people:
        raise ApiError(404, "Not Found")
    every = [each for name, each in sorted(call.forge.repositories.items()) if name.startswith(f"{org}/")]
    seen = [each for each in every if call.forge.role(call.token, each) != "none"]
    return call.paged(seen, call.shapes.repository)


# The repository


@routes("GET", REPOSITORY)
def _get_repository(call: Call) -> Response:
    repository = call.repository
    role = repository.role_of(call.login) if call.token is not None and not call.is_app else None
    return Response(json=call.shapes.full_repository(repository, role))


@routes("GET", REPOSITORY + "/activity")
def _activity(call: Call) -> Response:
    repository, query = _pushed_to(call), call.request.query
    branch = query.get("ref", "").removeprefix("refs/heads/")
    found = [
        push
        for push in reversed(repository.pushes)
        if branch in ("", push.branch)
        and query.get("actor", push.login) == push.login
        and query.get("activity_type", push.kind) == push.kind
    ]
    if query.get("direction") == "asc":
        found.reverse()
    return call.after_cursor(found, lambda push: push.id, call.shapes.activity)


def _pushed_to(call: Call) -> Repository:
    """The repository; for the name of a fork the one where its branches lie, if everybody may see it."""
    name = f"{call.parameters['owner']}/{call.parameters['repo']}"
    for repository in call.forge.repositories.values():
        if repository.public and any(change.fork == name for change in repository.changes()):
            return repository
    return call.repository


@routes("GET", REPOSITORY + "/collaborators/{login}/permission")
def _permission(call: Call) -> Response:
    login, repository = call.parameters["login"], call.repository
    person = call.forge.people.get(login)
    if person is None or person.kind != "User":
        raise ApiError(404, f"{login} is not a user")
    return Response(json=call.shapes.collaborator(login, repository.role_of(login)))


@routes("GET", REPOSITORY + "/branches/{branch:path}")
def _branch(call: Call) -> Response:
    repository, name = call.repository, call.parameters["branch"]
    tip = repository.git.branches().get(name)
    if tip is None and name in repository.renamed_branches:
        raise moved(f"{call.shapes.address(repository)}/branches/{repository.renamed_branches[name]}", 301)
    if tip is None:
        raise ApiError(404, "Branch not found")
    address = f"{call.shapes.address(repository)}/branches/{name}"
    shape = {
        "name": name,
        "commit": call.shapes.commit(repository, repository.git.commit(tip)),
        "_links": {"self": address, "html": f"{call.shapes.site}/{repository.full_name}/tree/{name}"},
        "protected": any(guard.branch == name for guard in repository.guards.branches),
        "protection": {"enabled": False},
        "protection_url": f"{address}/protection",
    }
    return Response(json=shape)


@routes("GET", REPOSITORY + "/git/ref/{ref:path}")
def _ref(call: Call) -> Response:
    repository, ref = call.repository, f"refs/{call.parameters['ref']}"
    found = repository.git.object_of(ref)
    if found is None:
        raise ApiError(404, "Not Found")
    kind, sha = found
    address = f"{call.shapes.address(repository)}/git"
    target = {"type": kind, "sha": sha, "url": f"{address}/{kind}s/{sha}"}
    return Response(json={"ref": ref, "node_id": node_id("Ref", ref), "url": f"{address}/{ref}", "object": target})


@routes("GET", REPOSITORY + "/commits/{sha}/pulls")
def _pulls_of_commit(call: Call) -> Response:
    repository = call.repository
    sha = commit_id(repository, call.parameters["sha"])
    found = repository.without_late(repository.changes_with(sha), repository.switches.late_commit_list)
    return call.paged(found, call.changes.simple_pull)


@routes("GET", REPOSITORY + "/commits/{ref:path}")
def _commit(call: Call) -> Response:
    repository = call.repository
    sha = commit_id(repository, call.parameters["ref"])
    return Response(json=call.shapes.full_commit(repository, repository.git.commit(sha)))


@routes("GET", REPOSITORY + "/compare/{basehead:path}")
def _compare(call: Call) -> Response:
    repository, git = call.repository, call.repository.git
    # A side may be OWNER:BRANCH.
    one, _, other = call.parameters["basehead"].partition("...")
    base, head = (git.revision(side.rpartition(":")[2]) for side in (one, other))
    common = git.merge_base(base, head) if base and head else None
    if base is None or head is None or common is None:
        raise ApiError(404, "Not Found")
    ahead, behind = git.commits("--reverse", f"{base}..{head}"), git.listed(f"{head}..{base}")
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    shapes, url = call.shapes, f"{call.shapes.site}/{repository.full_name}/compare/{base}...{head}"
    shape = {
        "url": call.request.url + call.request.path,
        "html_url": url,
        "permalink_url": url,
        "diff_url": f"{url}.diff",
        "patch_url": f"{url}.patch",
        "base_commit": shapes.commit(repository, git.commit(base)),
        "merge_base_commit": shapes.commit(repository, git.commit(common)),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [shapes.commit(repository, commit) for commit in ahead],
        "files": [shapes.file(repository, head, file) for file in git.files(common, head)],
    }
    return Response(json=shape)
