"""What starts a workflow of GitHub, by the rules that GitHub publishes. act looks at the event's name alone.

Sources: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet and
https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Without ``types``.
_TYPES = {"pull_request": ("opened", "synchronize", "reopened")}
_TYPES["pull_request_target"] = _TYPES["pull_request"]
#: What a job's own token may start all the same.
_BY_A_JOB = ("workflow_dispatch", "repository_dispatch")
#: More tags in one push make no event at all.
_MOST_TAGS = 3
_SKIPPED_RE = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]")
_PIECE_RE = re.compile(r"\*\*/|\*\*|\*|\[[^]]+\]|[?+]|\\.|.", re.DOTALL)


@dataclass(frozen=True)
class Happening:
    """What happens in a repository. ``ref`` is the full name of what was pushed, or a pull request's base."""

    name: str
    ref: str = ""
    type: str = ""
    paths: Sequence[str] = ()
    #: By ``github.token``, not by a person or an App.
    by_a_job: bool = False
    #: Tags of the same push.
    tags: int = 1
    #: The message of the commit that was pushed or is asked for.
    message: str = ""
    #: Where the workflow's file is read.
    on_default_branch: bool = True


def matches(pattern: str, name: str) -> bool:
    """Whether one pattern, without its leading ``!``, is of a name."""
    return _compiled(pattern).fullmatch(name) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_expression(pattern)), re.DOTALL)


def _expression(pattern: str) -> Iterable[str]:
    for match in _PIECE_RE.finditer(pattern):
        piece = match[0]
        begins_a_folder = match.start() == 0 or pattern[match.start() - 1] == "/"
        if piece == "**/":
            yield "(?:.*/)?" if begins_a_folder else ".*/"
        elif piece in ("*", "**"):
            yield "[^/]*" if piece == "*" else ".*"
        elif piece in ("?", "+") or (piece[0] == "[" and piece != "["):
            yield piece  # as in regular expressions
        else:
            yield re.escape(piece.removeprefix("\\") or piece)


def let_through(patterns: Sequence[str], name: str) -> bool:
    """Whether a list of patterns is of a name: the last one that matches decides, a leading ``!`` says no."""
    said = False
    for pattern in patterns:
        if matches(pattern.removeprefix("!"), name):
            said = not pattern.startswith("!")
    return said


def starts(workflow: Mapping[Any, Any], what: Happening) -> bool:
    """Whether a workflow, as YAML 1.1 reads it (``on`` is true), runs because of what happens."""
    on = workflow[True]
    events = {on: None} if isinstance(on, str) else dict.fromkeys(on) if isinstance(on, list) else on
    if what.name not in events or (what.by_a_job and what.name not in _BY_A_JOB):
        return False
    asked = events[what.name] or {}
    if what.name == "schedule":
        return what.on_default_branch
    if what.name not in ("push", "pull_request", "pull_request_target"):
        return not what.type or what.type in asked.get("types", [what.type])
    if what.name != "pull_request_target" and _SKIPPED_RE.search(what.message):
        return False
    if what.name == "push":
        return _pushed(asked, what)
    types = asked.get("types", _TYPES[what.name])
    base = what.ref.removeprefix("refs/heads/")
    return what.type in types and _passes(asked, "branches", base) and _touched(asked, what.paths)


def _pushed(asked: Mapping[str, Any], what: Happening) -> bool:
    if what.ref.startswith("refs/tags/"):
        # Filters of paths are not looked at for tags; one of branches alone leaves every tag out.
        named = what.ref.removeprefix("refs/tags/")
        return what.tags <= _MOST_TAGS and not _only(asked, "branches", "tags") and _passes(asked, "tags", named)
    named = what.ref.removeprefix("refs/heads/")
    return not _only(asked, "tags", "branches") and _passes(asked, "branches", named) and _touched(asked, what.paths)


def _only(asked: Mapping[str, Any], kind: str, other: str) -> bool:
    """Whether there are filters of one kind of refs and none of the other."""

    def has(of: str) -> bool:
        return of in asked or f"{of}-ignore" in asked

    return has(kind) and not has(other)


def _passes(asked: Mapping[str, Any], kind: str, name: str) -> bool:
    if kind in asked:
        return let_through(asked[kind], name)
    return not let_through(asked.get(f"{kind}-ignore", ()), name)


def _touched(asked: Mapping[str, Any], paths: Sequence[str]) -> bool:
    if "paths" in asked:
        return any(let_through(asked["paths"], path) for path in paths)
    ignored = asked.get("paths-ignore")
    return ignored is None or not paths or not all(let_through(ignored, path) for path in paths)
