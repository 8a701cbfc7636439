"""GitHub's routes to what guards tags and branches, and to workflows."""

from __future__ import annotations

from typing import Any

from tagline_localforge.github.call import REPOSITORY, Call, Handler
from tagline_localforge.github.shapes import Json, node_id, time
from tagline_localforge.guards import BranchGuard, TagGuard
from tagline_localforge.records import at_least
from tagline_localforge.web import ApiError, Response, Routes

routes: Routes[Handler] = Routes()


@routes("GET", REPOSITORY + "/rulesets")
def _rulesets(call: Call) -> Response:
    """A list of them leaves their rules out."""
    targets = call.request.query.get("targets", "tag").split(",")
    found = call.repository.guards.tags if "tag" in targets else []
    return call.paged(found, lambda guard: _listed(call, guard))


@routes("GET", REPOSITORY + "/rulesets/{ruleset:int}")
def _ruleset(call: Call) -> Response:
    number = int(call.parameters["ruleset"])
    guard = next((guard for guard in call.repository.guards.tags if guard.id == number), None)
    if guard is None:
        raise ApiError(404, "Not Found")
    login = call.token.login if call.token is not None else ""
    shape = {
        **_listed(call, guard),
        "conditions": {"ref_name": {"include": list(guard.include), "exclude": list(guard.exclude)}},
        "rules": [{"type": "creation"}, {"type": "update"}, {"type": "deletion"}],
        "current_user_can_bypass": "always" if login in guard.passes else "never",
    }
    if _is_admin(call):
        ids = (call.forge.person(name).id for name in sorted(guard.passes))
        shape["bypass_actors"] = [
            {"actor_id": number, "actor_type": "Integration", "bypass_mode": "always"} for number in ids
        ]
    return Response(json=shape)


def _is_admin(call: Call) -> bool:
    """Only those who may edit a ruleset are told who may pass it."""
    return at_least(call.forge.role(call.token, call.repository), "admin")


def _listed(call: Call, guard: TagGuard) -> Json:
    repository = call.repository
    return {
        "id": guard.id,
        "name": guard.name,
        "target": "tag",
        "source_type": "Repository",
        "source": repository.full_name,
        "enforcement": "active" if guard.active else "disabled",
        "node_id": node_id("RepositoryRuleset", guard.id),
        "_links": {"self": {"href": f"{call.shapes.address(repository)}/rulesets/{guard.id}"}},
        "created_at": time(repository.created),
        "updated_at": time(repository.created),
    }


@routes("GET", REPOSITORY + "/rules/branches/{branch:path}")
def _rules_of_branch(call: Call) -> Response:
    guard = branch_guard(call, call.parameters["branch"])
    rules: list[dict[str, Any]] = []
    if guard is not None and guard.by_ruleset and guard.reviewed:
        asked = {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": guard.owners,
            "require_last_push_approval": False,
            "required_approving_review_count": 1,
            "required_review_thread_resolution": False,
        }
        rules = [
            {
                "type": "pull_request", "parameters": asked, "ruleset_id": 1,
                "ruleset_source_type": "Repository", "ruleset_source": call.repository.full_name,
            }
        ]  # fmt: skip
    return call.paged(rules, lambda rule: rule)


def branch_guard(call: Call, branch: str) -> BranchGuard | None:
    """What guards a branch."""
    return next((guard for guard in call.repository.guards.branches if guard.branch == branch), None)


@routes("GET", REPOSITORY + "/branches/{branch}/protection")
def _protection(call: Call) -> Response:
    guard = branch_guard(call, call.parameters["branch"])
    if not _is_admin(call) or call.is_app:
        raise ApiError(403, "Resource not accessible by integration" if call.is_app else "Must have admin rights")
    if guard is None or guard.by_ruleset:
        raise ApiError(404, "Branch not protected")
    url = f"{call.shapes.address(call.repository)}/branches/{guard.branch}/protection"
    reviews = {
        "url": f"{url}/required_pull_request_reviews",
        "dismiss_stale_reviews": False,
        "require_code_owner_reviews": guard.owners,
        "required_approving_review_count": 1,
    }
    return Response(json={"url": url, **({"required_pull_request_reviews": reviews} if guard.reviewed else {})})


@routes("GET", REPOSITORY + "/actions/workflows")
def _workflows(call: Call) -> Response:
    repository = call.repository
    if call.token is not None and call.token.kind == "fork":
        raise ApiError(403, "Resource not accessible by integration")

    def shape(file: str) -> Json:
        workflow = repository.workflows[file]
        address = f"{call.shapes.address(repository)}/actions/workflows/{workflow.id}"
        page = f"{call.shapes.site}/{repository.full_name}"
        return {
            "id": workflow.id,
            "node_id": node_id("Workflow", workflow.id),
            "name": file,
            "path": workflow.path,
            "state": repository.guards.disabled.get(file, "active"),
            "created_at": time(workflow.created),
            "updated_at": time(workflow.created),
            "url": address,
            "html_url": f"{page}/blob/{repository.default_branch}/{workflow.path}",
            "badge_url": f"{page}/workflows/{file}/badge.svg",
        }

    return call.paged(sorted(repository.workflows), shape, member="workflows")
