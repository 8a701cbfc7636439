"""Which workflow is started on which tag: the rules of ``--deliver``, and what came of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.tags import EventKind
from tagline.errors import TaglineError, WrongUsage

_HINT = "Write the workflow's file and, if you like, a pattern of tags after it: deploy.yml **#prod#*"
_SUFFIXES = (".yml", ".yaml")
#: The characters of registry tags, and the star. "!" stands for a taking away, and nothing begins with it.
_PATTERN_RE = re.compile(r"(?!!)[a-zA-Z0-9_./=#@!+*-]+")
_STARS = {"*": "[^/]*", "**": ".*"}


class Rule(NamedTuple):
    """A workflow's file, and the tags that it is started on: by a pattern, or for None each that assigns a stage."""

    workflow: str
    pattern: str | None = None


class Delivered(NamedTuple):
    """A tag and the run of a workflow on it.

    ``started``: by us, now; else it was there. ``url`` is None where the forge does not tell it, and
    where there is none, because of ``error``.
    """

    tag: str
    workflow: str
    url: str | None
    started: bool
    error: TaglineError | None = None


def parse_rule(line: str) -> Rule:
    """Read ``WORKFLOW[ PATTERN]``. Raises WrongUsage for what no workflow, or no tag of the registry, can match."""
    workflow, *patterns = line.split() or [""]
    if not workflow:
        raise _wrong("--deliver names no workflow.")
    if "/" in workflow:
        raise _wrong(f"{workflow!r} is a path: workflows lie in .github/workflows, and only the file's name is given.")
    if not workflow.endswith(_SUFFIXES) or workflow in _SUFFIXES:
        raise _wrong(f"{workflow!r} is no workflow's file: its name ends in .yml or .yaml.")
    if not patterns:
        return Rule(workflow)
    if len(patterns) > 1:
        raise _wrong(f"{line.strip()!r} has more than a workflow and a pattern.")
    if not _PATTERN_RE.fullmatch(patterns[0]):
        raise _wrong(f"{patterns[0]!r} matches no tag: beside * and ** every character stands for itself.")
    return Rule(workflow, patterns[0])


def _wrong(message: str) -> WrongUsage:
    return WrongUsage(message, _HINT, code="bad-deliver")


def wanted(rules: Iterable[Rule], row: Row) -> list[str]:
    """The workflows that are to run on a tag, each once."""
    return list(dict.fromkeys(rule.workflow for rule in rules if _matches(rule, row)))


def _matches(rule: Rule, row: Row) -> bool:
    if rule.pattern is None:
        return row.event is EventKind.ASSIGNMENT
    return _expression(rule.pattern).fullmatch(row.tag) is not None


def _expression(pattern: str) -> re.Pattern[str]:
    """``*`` stops at a slash and ``**`` does not, as in ``on: push: tags``."""
    parts = re.split(r"(\*+)", pattern)
    return re.compile("".join(_STARS.get(part[:2]) or re.escape(part) for part in parts), re.DOTALL)
