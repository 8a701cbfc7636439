"""How one project on GitLab is set up, by its REST API: nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tagline.adapters.forges.gitlab.access import Access
from tagline.domain.doctor.guards import BranchGuard, TagRule
from tagline.domain.doctor.tokens import Role, Token

_PAGE = 100
_ROLES: Mapping[int, Role] = {50: "admin", 40: "maintain", 30: "write", 20: "read", 10: "read"}


class Inspection(Access):
    """What the project's settings say."""

    def token(self) -> Token:
        """By its own word, and by what the project says of whoever is behind it."""
        if self._no_token is not None:
            return Token("none")
        with self._reading("the project"):
            project = self._asked("")
        public = project.get("visibility") == "public"
        if self._has_job_token:
            push = project.get("ci_push_repository_for_job_token_allowed")
            return Token("job", public=public, job_push=push)
        with self._reading("the token's own scopes"):
            own: Any = self._api.http_get("/personal_access_tokens/self")
        level = _level(project)
        role = _ROLES.get(level, "none") if level is not None else None
        return Token("access", frozenset(own["scopes"]), role, _midnight(own.get("expires_at")), public)

    def tag_rules(self) -> list[TagRule]:
        """By the protected tags."""
        with self._reading("the protected tags"):
            rows = list(self._listed("/protected_tags"))
            level = _level(self._asked(""))
        return [_rule(row, level) for row in rows]

    def branch_guard(self, branch: str) -> BranchGuard:
        """By the protected branches of that name, wildcards included: of several the weakest counts, as on GitLab."""
        with self._reading("the protected branches"):
            rows = [row for row in self._listed("/protected_branches") if _is_like(row["name"], branch)]
        pushers = [each for row in rows for each in row["push_access_levels"] if each["access_level"] != 0]
        owners = any(row.get("code_owner_approval_required") for row in rows)
        return BranchGuard(bool(rows) and not pushers, owners if rows else None)

    def schedules(self) -> dict[str, bool]:
        """The pipeline schedules; off are also those whose owner is gone."""
        with self._reading("the pipeline schedules"):
            found: dict[str, bool] = {}
            for row in self._listed("/pipeline_schedules"):
                # Two may have one description.
                name = str(row["description"])
                found[name] = found.get(name, True) and bool(row["active"])
            return found

    def _asked(self, path: str) -> Any:
        return self._api.http_get(f"/projects/{self._project.encoded_id}{path}")

    def _listed(self, path: str, **query: str) -> Iterable[Any]:
        return self._api.http_list(
            f"/projects/{self._project.encoded_id}{path}", query_data={**query, "per_page": _PAGE}, iterator=True
        )


def _level(project: Mapping[str, Any]) -> int | None:
    """The access level of whoever asks; None where GitLab does not tell it, as to administrators."""
    rights = project.get("permissions") or {}
    levels = [right["access_level"] for right in rights.values() if right]
    return max(levels) if levels else None


def _rule(row: Mapping[str, Any], level: int | None) -> TagRule:
    """A rule of a protected tag. Named people and groups are told by their numbers, and nobody says who we are."""
    allowed = row["create_access_levels"]
    others = ("user_id", "group_id", "deploy_key_id")
    by_role = [each["access_level"] for each in allowed if not any(each.get(other) for other in others)]
    by_name = len(by_role) < len(allowed)
    passes = level is not None and any(0 < needed <= level for needed in by_role)
    who = tuple(str(each["access_level_description"]) for each in allowed)
    return TagRule(
        row["name"], (row["name"],), passes=True if passes else None if by_name or level is None else False, who=who
    )


def _is_like(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _midnight(date: str | None) -> float | None:
    """When a token ends: at the beginning of the day that GitLab names."""
    return None if date is None else datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
