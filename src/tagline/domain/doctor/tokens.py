"""What a token may do, as far as the forge says so without anything being written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tagline.domain.doctor.checks import Check
from tagline.domain.text.times import format_time

Kind = Literal["none", "installation", "workflow", "fine-grained", "classic", "access", "job", "other"]
Role = Literal["none", "read", "triage", "write", "maintain", "admin"]

_WRITE: tuple[Role, ...] = ("write", "maintain", "admin")
_DAY = 86_400
#: Seconds before its end from which on a token is worth a warning.
_SOON = 14 * _DAY
_WHAT = {
    "installation": "A token of a GitHub App's installation, github.token among them",
    "fine-grained": "A fine-grained personal token",
    "classic": "A classic personal token",
    "access": "A token of GitLab's (personal, project or group)",
    "job": "GitLab's own token of the job",
    "other": "A token of a kind that is not known here",
}
_APP = (
    "Whether it may push tags, comment and set statuses shows at the first merge: docs/permissions.md lists the rights."
)


@dataclass(frozen=True)
class Token:
    """What a forge says of a token.

    ``scopes`` None: it does not tell any. ``role`` is of the person or bot behind it in this repository, None where
    the forge does not say. ``expires`` is in unix seconds; ``job_push``: whether GitLab lets job tokens push.
    """

    kind: Kind
    scopes: frozenset[str] | None = None
    role: Role | None = None
    expires: float | None = None
    public: bool = False
    job_push: bool | None = None

    @property
    def writes_workflows(self) -> bool | None:
        """Whether it may write GitHub's workflows; None where nobody can tell."""
        if self.kind == "workflow":
            return False
        return None if self.scopes is None else "workflow" in self.scopes


def judge_token(token: Token, now: float, withheld: str | None = None) -> Iterator[Check]:
    """The token's line, and one more where it ends soon. ``withheld``: why one that is there was not sent."""
    if token.expires is not None and token.expires <= now + _SOON:
        over = token.expires <= now
        message = f"The token {'ended' if over else 'ends'} at {format_time(int(token.expires))}."
        fix = "Make a new one, and put it where this one was: TAGLINE_TOKEN in a job, TAGLINE_REPO_TOKEN on a machine."
        yield Check("token", "fail" if over else "warn", message, fix)
    if token.kind == "none" and withheld is not None:
        message, _, fix = withheld.partition(": ")
        yield Check("token", "fail", f"{message}.", f"{fix[:1].upper()}{fix[1:]}")
        return
    yield _judged(token)


def may_label(token: Token) -> bool | None:
    """Whether labels can be made with it, as far as the forge tells; None where the first one shows it."""
    if token.kind in ("none", "job"):
        return False
    if token.kind == "access":
        return None if "api" in (token.scopes or ()) and token.role != "none" else False
    if token.kind in ("classic", "fine-grained") and token.role in ("none", "read"):
        return False
    if token.kind == "classic" and not (token.scopes or frozenset()) & {"repo", "public_repo"}:
        return False
    return None


def judge_statuses(token: Token) -> Check:
    """Whether the status ``tagline`` can be set, as far as that is told: setting one is writing."""
    if token.kind in ("none", "job"):
        message = "This token sets no statuses: plan's word is in its job alone."
        return Check(
            "statuses", "warn", message, "Set TAGLINE_TOKEN to a token with the rights of docs/permissions.md."
        )
    if token.kind in ("classic", "access") and token.role is not None:
        scoped = token.kind == "access" or bool((token.scopes or frozenset()) & {"repo", "repo:status"})
        if scoped and token.role in _WRITE and (token.kind == "classic" or "api" in (token.scopes or ())):
            return Check("statuses", "ok", "This token may set statuses.")
        message = f"This token sets no statuses (scopes {', '.join(sorted(token.scopes or ()))}; role {token.role})."
        return Check("statuses", "fail", message, "It needs repo (GitLab: api) and a role that may push.")
    hint = "GitHub: statuses: write. The first plan on a pull request shows it; required checks wait for it."
    return Check("statuses", "unknown", "Whether this token may set statuses is not told.", hint)


def _judged(token: Token) -> Check:
    match token.kind:
        case "none":
            hint = (
                "In a job: TAGLINE_TOKEN. On a machine: TAGLINE_REPO_TOKEN and TAGLINE_REPO_HOST (docs/permissions.md)."
            )
            return Check("token", "warn", "No token was given: only what is public can be read, nothing written.", hint)
        case "job":
            return _job(token)
        case "workflow":
            message = (
                "github.token: what it pushes starts no workflow, it passes no ruleset, reads no team, and rolls back "
                "past no edit of a workflow. The forge does not say what else it may do."
            )
            fix = "Where any of these matters, give TAGLINE_TOKEN a GitHub App's token (docs/permissions.md)."
            return Check("token", "warn", message, fix)
        case "installation" | "other":
            return Check("token", "unknown", f"{_WHAT[token.kind]}; the forge does not say what it may do.", _APP)
        case "fine-grained":
            if token.role is not None and token.role not in _WRITE:
                return _role(token)
            return Check(
                "token", "unknown", f"{_WHAT[token.kind]}; GitHub does not say which permissions it has.", _APP
            )
        case "classic":
            return _scoped(token, frozenset({"repo"} | ({"public_repo"} if token.public else set())), "repo")
        case "access":
            return _scoped(token, frozenset({"api"}), "api")


def _job(token: Token) -> Check:
    what = f"{_WHAT['job']}: no notes, statuses, approvals; stages that ask for approvals are refused."
    if token.job_push is False:
        fix = "Set TAGLINE_TOKEN to a project token, or allow it: Settings > CI/CD > Job token permissions."
        return Check("token", "fail", f"{what} Nor may it push tags.", fix)
    fix = (
        "docs/permissions.md, 'With the job token alone', says what is left; else set TAGLINE_TOKEN to a project token."
    )
    push = "It may push tags." if token.job_push else "Whether it may push tags is not told."
    return Check("token", "warn" if token.job_push else "unknown", f"{what} {push}", fix)


def _scoped(token: Token, enough: frozenset[str], needed: str) -> Check:
    """By scopes and by the role of whoever is behind it."""
    scopes = token.scopes or frozenset()
    if not scopes & enough:
        said = ", ".join(sorted(scopes)) or "none"
        message = f"{_WHAT[token.kind]} without the scope {needed} (it has: {said}): it can read, and write nothing."
        return Check("token", "fail", message, f"Make one with the scope {needed}; docs/permissions.md has the steps.")
    if token.role is not None and token.role not in _WRITE:
        return _role(token)
    said = ", ".join(sorted(scopes))
    if token.kind == "access" and "write_repository" not in scopes:
        message = f"{_WHAT['access']} with {said}: it comments, and may not push tags."
        return Check("token", "warn", message, "promote needs write_repository too; for plan alone this is right.")
    role = f", {token.role} here" if token.role else ", whose role here the forge does not tell"
    state: Literal["ok", "unknown"] = "ok" if token.role else "unknown"
    return Check("token", state, f"{_WHAT[token.kind]} with {said}{role}.", "" if token.role else _APP)


def _role(token: Token) -> Check:
    message = f"{_WHAT[token.kind]} of somebody with the role {token.role} here, who may not push tags."
    return Check("token", "fail", message, "Give that person or bot write access (GitLab: Developer, or Maintainer).")
