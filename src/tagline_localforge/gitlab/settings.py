"""GitLab's routes to the token's own scopes, protected tags and branches, and schedules."""

from __future__ import annotations

from tagline_localforge.gitlab.call import PROJECT, Call, route
from tagline_localforge.gitlab.shapes import Json, time
from tagline_localforge.guards import BranchGuard, TagGuard
from tagline_localforge.records import Role, at_least
from tagline_localforge.web import ApiError, Response

#: When every token was made.
_MADE = 1_700_000_000.0
_LEVELS = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers"}


@route("GET", "/personal_access_tokens/self", job=401)
def _self(call: Call) -> Response:
    token = call.token
    if token is None:
        raise ApiError(401, "401 Unauthorized")
    shape = {
        "id": call.forge.person(token.login).id,
        "name": "tagline",
        "revoked": False,
        "created_at": time(_MADE),
        "description": None,
        "scopes": list(token.scopes or ("api", "write_repository")),
        "user_id": call.forge.person(token.login).id,
        "last_used_at": time(_MADE),
        "active": True,
        "expires_at": token.expires,
    }
    return Response(json=shape)


@route("GET", PROJECT + "/protected_tags", job=404)
def _protected_tags(call: Call) -> Response:
    _require(call, "maintain")
    return call.paged(call.repository.guards.tags, lambda guard: _tag(call, guard))


def _require(call: Call, role: Role) -> None:
    if not at_least(call.role(call.repository), role):
        raise ApiError(403, "403 Forbidden")


def _tag(call: Call, guard: TagGuard) -> Json:
    levels = [] if guard.passes and not guard.level else [_level(guard.level, guard.id)]
    for login in sorted(guard.passes):
        person = call.forge.person(login)
        levels.append({**_level(40, person.id), "access_level_description": login, "user_id": person.id})
    if guard.deploy_key is not None:
        key = {"access_level_description": "a key", "deploy_key_id": guard.deploy_key}
        levels.append({**_level(40, guard.deploy_key), **key})
    return {"name": guard.include[0], "create_access_levels": levels}


def _level(level: int, number: int) -> Json:
    return {
        "id": number,
        "access_level": level,
        "access_level_description": _LEVELS[level],
        "user_id": None,
        "group_id": None,
        "deploy_key_id": None,
    }


@route("GET", PROJECT + "/protected_branches", job=404)
def _protected_branches(call: Call) -> Response:
    _require(call, "write")
    return call.paged(call.repository.guards.branches, _branch)


def _branch(guard: BranchGuard) -> Json:
    return {
        "id": 1,
        "name": guard.branch,
        "push_access_levels": [_level(0 if guard.reviewed else 40, 1)],
        "merge_access_levels": [_level(40, 2)],
        "allow_force_push": False,
        "code_owner_approval_required": guard.owners,
    }


@route("GET", PROJECT + "/pipeline_schedules", job=404)
def _schedules(call: Call) -> Response:
    repository = call.repository

    def shape(name: str) -> Json:
        return {
            "id": 1 + list(repository.guards.schedules).index(name),
            "description": name,
            "ref": f"refs/heads/{repository.default_branch}",
            "cron": "17 * * * *",
            "cron_timezone": "UTC",
            "next_run_at": time(repository.created + 3600),
            "active": repository.guards.schedules[name],
            "created_at": time(repository.created),
            "updated_at": time(repository.created),
            "owner": call.shapes.user(call.forge.person("root").login),
        }

    return call.paged(list(repository.guards.schedules), shape)
