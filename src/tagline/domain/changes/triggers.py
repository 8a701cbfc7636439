"""From what started a job to what there is to do. The forge is asked for the truth afterwards.

Sources: GitHub, "Events that trigger workflows"; GitLab, "Predefined CI/CD variables".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Where there was no branch before; as long as the repository's ids are.
_NO_COMMITS = ("0" * 40, "0" * 64)


@dataclass(frozen=True)
class Event:
    """What started the job, in its platform's own words.

    ``name`` is GitHub's event or GitLab's pipeline source. ``before`` and ``commit`` bound what a
    push brought; ``group_head`` is the commit that a merge queue wants judged. ``merged``: the change that it is about
    was merged before.
    """

    platform: Literal["github", "gitlab"] | None = None
    name: str = ""
    action: str = ""
    number: int | None = None
    commit: str | None = None
    before: str | None = None
    branch: str | None = None
    group_head: str | None = None
    merged: bool = False


@dataclass(frozen=True)
class Task:
    """What to look at.

    ``change``: one change, by ``number`` or by the ``commit`` that it landed as. ``landed``: the changes
    that landed on ``branch`` (None: the default one) after ``before``, and unfinished ones. ``open``:
    every open change. ``nothing``: the event is none of ours; ``why`` says so.
    """

    kind: Literal["change", "landed", "open", "nothing"]
    number: int | None = None
    commit: str | None = None
    before: str | None = None
    branch: str | None = None
    status_on: str | None = None
    why: str = ""


#: Of GitHub's pull_request events, those after which the plan may be another.
_PLANNED = frozenset(
    ("opened", "reopened", "edited", "synchronize", "ready_for_review", "converted_to_draft", "labeled", "unlabeled")
)
_PULL_REQUEST = ("pull_request", "pull_request_target")
_BY_HAND = ("schedule", "workflow_dispatch", "repository_dispatch", "web", "api", "trigger", "pipeline", "chat")


def plan_task(event: Event) -> Task:
    """What ``tagline plan`` looks at after an event."""
    match event.name:
        case "pull_request" | "pull_request_target" if event.action in _PLANNED:
            return _one(event)
        case "pull_request_review":
            return _one(event)
        case "merge_request_event" | "merge_group":
            return _one(event, status_on=event.group_head)
        case name if name in _BY_HAND:
            return Task("open")
    return _nothing(event, "plan")


def promote_task(event: Event) -> Task:
    """What ``tagline promote`` looks at after an event."""
    # A label that comes after the merge counts for nothing, and is answered.
    late = event.action == "labeled" and event.merged
    if event.name in _PULL_REQUEST and (event.action == "closed" or late):
        return _one(event)
    if event.name == "push" and event.branch:
        before = None if event.before in _NO_COMMITS else event.before
        return Task("landed", commit=event.commit, before=before, branch=event.branch)
    if event.name in _BY_HAND:
        return Task("landed")
    return _nothing(event, "promote")


def _one(event: Event, status_on: str | None = None) -> Task:
    if event.number is None and event.commit is None:
        return Task("nothing", why=f"The {event.name} event names no change.")
    return Task("change", number=event.number, commit=event.commit, status_on=status_on)


def _nothing(event: Event, command: str) -> Task:
    what = f"{event.name} ({event.action})" if event.action else event.name or "an event without a name"
    return Task("nothing", why=f"There is nothing to {command} after {what}.")
