"""What the doctor looks at: a check's name, its state, its cause and its fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

State = Literal["ok", "warn", "fail", "unknown"]

#: Every check and what it looks at, in the order of the report: what hurts a new team most comes first.
TITLES: Mapping[str, str] = {
    "token": "the token, and what it may do",
    "labels": "labels",
    "statuses": "statuses of commits",
    "label-events": "who put a label there",
    "approvals": "approvals",
    "pushers": "who pushed",
    "teams": "members of teams",
    "tag-guard": "who may write the tags of a stage",
    "direct-push": "pushes past reviews",
    "owners": "owners of what decides",
    "files": "policy, .gto, manifests, requests",
    "clone": "the clone's depth, tags and filters",
    "tags": "registry tags",
    "versions": "versions of git, runner, checkout",
    "storage": "where bytes are",
    "aws": "AWS keys",
    "oidc": "who the job is to AWS",
    "workflows": "pipelines, and those of older versions",
    "schedules": "schedules",
    "mlflow": "MLflow",
}
_PAGE = "https://github.com/tagline-dev/tagline/blob/main/docs/doctor.md"
_SHOWN = 3


class Check(NamedTuple):
    """One line of the report. ``repository`` is named where several are looked at."""

    id: str
    state: State
    message: str
    hint: str = ""
    repository: str | None = None

    @property
    def url(self) -> str:
        """Its section of the documentation."""
        return f"{_PAGE}#{self.id}"


def some(names: Iterable[str]) -> str:
    """A few of many names."""
    every = list(names)
    more = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
