"""What GitHub would let ``github.token`` do in each job of a workflow. act grants everything.

Sources: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#permissions and
https://docs.github.com/actions/reference/workflows-and-actions/reusing-workflow-configurations
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.workflow_files import filled, load

ROOT = Path(__file__).parents[2]
#: Scope to ``read`` or ``write``; one that is not there is none.
Permissions = dict[str, str]
_LEVELS = ("none", "read", "write")
_SCOPES = (
    "actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions", "id-token",
    "issues", "models", "packages", "pages", "pull-requests", "security-events", "statuses",
)  # fmt: skip
#: Where nothing is said, and the repository's settings are as GitHub makes them.
_RESTRICTED = {"contents": "read", "packages": "read"}
_OURS = "tagline-dev/tagline/.github/workflows/"
_HERE = "$/.github/workflows/"


class StartupFailure(Exception):
    """GitHub starts no job of the run, and says so on the run's page alone."""


class Granted(NamedTuple):
    """A job that runs steps, with what its token may do and what its expressions see."""

    name: str
    permissions: Permissions
    steps: list[dict[str, Any]]
    said: dict[str, Any]


def jobs(workflow: Mapping[Any, Any], said: Mapping[str, Any] | None = None) -> Iterator[Granted]:
    """All jobs of a workflow that an event starts, those of the workflows that it calls among them."""
    yield from _jobs(workflow, None, "", dict(said or {}))


def _jobs(workflow: Mapping[Any, Any], most: Permissions | None, above: str, said: dict[str, Any]) -> Iterator[Granted]:
    """``most`` is what the calling job may do: a called workflow gets that or less, and fails if it asks for more."""
    whole = _asked(workflow.get("permissions"), _RESTRICTED if most is None else most)
    for name, body in workflow["jobs"].items():
        permissions = _asked(body.get("permissions"), whole)
        if most is not None:
            _require_within(name, permissions, most)
        if "uses" not in body:
            yield Granted(f"{above}{name}", permissions, list(body.get("steps", ())), said)
            continue
        called = load(called_file(body["uses"]))
        declared = (called[True]["workflow_call"] or {}).get("inputs", {})
        inputs = {key: each.get("default", "") for key, each in declared.items()}
        inputs |= {key: filled(str(value), said) for key, value in body.get("with", {}).items()}
        inner = {**said, **{f"inputs.{key}": value for key, value in inputs.items()}}
        yield from _jobs(called, permissions, f"{above}{name}/", inner)


def called_file(uses: str) -> Path:
    """The file of a reusable workflow of this repository, in whatever way it is named."""
    name = uses.partition("@")[0]
    assert name.startswith((_OURS, _HERE)), uses
    return ROOT / ".github" / "workflows" / name.rpartition("/")[2]


def _asked(permissions: Any, otherwise: Permissions) -> Permissions:
    if permissions is None:
        return dict(otherwise)
    if permissions in ("read-all", "write-all"):
        return dict.fromkeys(_SCOPES, permissions.removesuffix("-all"))
    assert set(permissions) <= set(_SCOPES), permissions
    return {scope: level for scope, level in permissions.items() if level != "none"}


def _require_within(job: str, permissions: Permissions, most: Permissions) -> None:
    more = {scope: level for scope, level in permissions.items() if not covers(most, {scope: level})}
    if more:
        asked = ", ".join(f"{scope}: {level}" for scope, level in more.items())
        allowed = ", ".join(f"{scope}: {most.get(scope, 'none')}" for scope in more)
        raise StartupFailure(f"The nested job '{job}' is requesting '{asked}', but is only allowed '{allowed}'.")


def covers(granted: Permissions, needed: Permissions) -> bool:
    """Whether whoever is granted the one may do the other; to write is to read."""
    return all(_LEVELS.index(granted.get(scope, "none")) >= _LEVELS.index(level) for scope, level in needed.items())


def of_a_fork(permissions: Permissions) -> Permissions:
    """What is left in a run of ``pull_request`` for another repository's branch, or for Dependabot: reading alone."""
    return {scope: "read" for scope in permissions if scope != "id-token"}
