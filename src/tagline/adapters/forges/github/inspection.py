"""How one repository on GitHub is set up, by its REST API: nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tagline.adapters.forges.github.access import Access
from tagline.adapters.forges.github.api import text
from tagline.adapters.forges.pages import next_page
from tagline.domain.doctor.guards import BranchGuard, TagRule
from tagline.domain.doctor.tokens import Kind, Role, Token
from tagline.errors import NotFound
from tagline.ports.forge import CannotRead

_PAGE = 100
#: By what a token begins with. Source: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
_KINDS: Mapping[str, Kind] = {
    "ghs_": "installation", "v1.": "installation", "github_pat_": "fine-grained", "ghp_": "classic", "gho_": "classic",
}  # fmt: skip
#: From the most to the least, as ``permissions`` of a repository's answer has them.
_ROLES: Mapping[str, Role] = {
    "admin": "admin",
    "maintain": "maintain",
    "push": "write",
    "triage": "triage",
    "pull": "read",
}
#: Who may pass a ruleset, in our words.
_ACTORS = {"Integration": "App", "OrganizationAdmin": "organization admins", "RepositoryRole": "role", "Team": "team"}


class Inspection(Access):
    """What the repository's settings say."""

    def token(self) -> Token:
        """By what it begins with, and by the headers and permissions of the repository's answer."""
        if self._token is None:
            return Token("none")
        with self._reading("the repository", "metadata: read"):
            headers, found = self._asked("")
        secret = self._token.reveal()
        kind = next((kind for start, kind in _KINDS.items() if secret.startswith(start)), None)
        said = headers.get("x-oauth-scopes")
        scopes = None if said is None else frozenset(filter(None, (scope.strip() for scope in said.split(","))))
        kind = kind or ("classic" if scopes is not None else "other")
        rights = found.get("permissions") or {}
        # Of an installation these are nobody's: only a person has a role.
        personal = kind in ("classic", "fine-grained")
        held: list[Role] = [role for name, role in _ROLES.items() if rights.get(name)]
        role = (held[0] if held else "none") if personal else None
        return Token(kind, scopes if kind == "classic" else None, role, public=not found.get("private", True))

    def tag_rules(self) -> list[TagRule]:
        """By the active rulesets of tags, the organization's included, that forbid creations."""
        with self._reading("the rulesets", "metadata: read"):
            listed = self._listed("/rulesets", targets="tag", includes_parents="true")
            active = [row["id"] for row in listed if row["enforcement"] == "active" and row["target"] == "tag"]
            found = [self._asked(f"/rulesets/{number}", includes_parents="true")[1] for number in active]
            return [_rule(each) for each in found if any(rule["type"] == "creation" for rule in each.get("rules", ()))]

    def branch_guard(self, branch: str) -> BranchGuard:
        """By the rules that apply to a branch; else by its protection, which only administrators see."""
        name = quote(branch, safe="")
        with self._reading(f"the rules of {branch}", "metadata: read"):
            for rule in self._listed(f"/rules/branches/{name}"):
                if rule["type"] == "pull_request":
                    return BranchGuard(True, rule.get("parameters", {}).get("require_code_owner_review"))
            if not self._asked(f"/branches/{name}")[1]["protected"]:
                return BranchGuard(False)
        try:
            with self._reading(f"the protection of {branch}", "administration: read"):
                reviews = self._asked(f"/branches/{name}/protection")[1].get("required_pull_request_reviews")
        except (CannotRead, NotFound):
            return BranchGuard(None)
        return BranchGuard(reviews is not None, (reviews or {}).get("require_code_owner_reviews"))

    def schedules(self) -> dict[str, bool]:
        """All workflows; off is what GitHub switched off after 60 days without activity, or somebody by hand."""
        with self._reading("the workflows", "actions: read"):
            rows = self._listed("/actions/workflows", member="workflows")
            return {text(row["path"]): row["state"] not in ("disabled_inactivity", "disabled_manually") for row in rows}

    def _asked(self, path: str, **query: str) -> tuple[Mapping[str, str], Any]:
        """One answer of the repository's, and its headers."""
        headers, found = self._repo.requester.requestJsonAndCheck("GET", f"/repos/{self._name}{path}", query)
        return headers, found

    def _listed(self, path: str, *, member: str | None = None, **query: str) -> list[Any]:
        """All rows of a list, which may be a member of an object."""
        url, asked, rows = f"/repos/{self._name}{path}", {**query, "per_page": str(_PAGE)}, []
        while True:
            headers, found = self._repo.requester.requestJsonAndCheck("GET", url, asked)
            rows += found if member is None else found[member]
            more = next_page(headers.get("link", ""))
            if more is None:
                return rows
            url, asked = more, {}


def _rule(ruleset: Any) -> TagRule:
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}
    actors = ruleset.get("bypass_actors")
    can = ruleset.get("current_user_can_bypass")
    who = None if actors is None else tuple(_actor(actor) for actor in actors)
    passes = None if can is None else can in ("always", "exempt")
    return TagRule(text(ruleset["name"]), tuple(names.get("include", ())), tuple(names.get("exclude", ())), passes, who)


def _actor(actor: Mapping[str, Any]) -> str:
    kind = str(actor["actor_type"])
    return f"{_ACTORS.get(kind, kind)} {actor['actor_id'] or ''}".strip()
