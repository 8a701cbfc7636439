"""What is started on which tag: by the policy (``deliver`` of a stage), and by the rules of ``--deliver``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tagline.domain.ledger.tags import EventKind
from tagline.domain.text.durations import parse_duration
from tagline.errors import WrongUsage

if TYPE_CHECKING:  # a policy is read by commands that plan nothing
    from tagline.domain.ledger.planning import Row

#: Seconds in which a run must be there, unless the policy says otherwise.
WAIT = 120
#: A job of GitLab's has an hour unless its project says otherwise.
LONGEST_WAIT = 3600
#: The environment of a stage, unless the policy says otherwise.
ENVIRONMENT = "NAME/STAGE"

_HINT = "Write the workflow's file and, if you like, a pattern of tags after it: deploy.yml **#prod#*"
_SUFFIXES = (".yml", ".yaml")
#: The characters of registry tags, and the star. "!" stands for a taking away, and nothing begins with it.
_PATTERN_RE = re.compile(r"(?!!)[a-zA-Z0-9_./=#@!+*-]+")


class Target(NamedTuple):
    """What is started: a workflow's file on GitHub, a pipeline on GitLab (``workflow`` None).

    ``repository`` is another repository's full name, ``ref`` a branch there (None: its default one); None for the
    ledger's own, where it runs on the tag. ``wait``: seconds in which the run must be there. ``required``: a tag that
    starts nothing is a failure. ``together``: of several tags of a change all are one start, which gets their list.
    """

    workflow: str | None = None
    repository: str | None = None
    ref: str | None = None
    wait: int = WAIT
    required: bool = False
    together: bool = False

    @property
    def key(self) -> str:
        """What tells it from the other targets of a tag."""
        return " ".join(filter(None, (self.workflow or "pipeline", self.repository, self.ref)))

    @property
    def title(self) -> str:
        """As people read it."""
        what = self.workflow or "a pipeline"
        return f"{what} in {self.repository}" if self.repository else what


class Rule(NamedTuple):
    """A workflow's file, and the tags that it is started on: by a pattern, or for None each that assigns a stage."""

    workflow: str
    pattern: str | None = None


#: The keys of the policy that say what is started; one of them.
KINDS = ("workflow", "pipeline", "project")


def read_target(raw: Mapping[str, Any]) -> Target | None:
    """From the policy's ``deliver``, which has passed its checks; None where it starts nothing."""
    if not any(key in raw for key in KINDS):
        return None
    return Target(
        raw.get("workflow"),
        raw.get("repo") or raw.get("project"),
        raw.get("ref"),
        parse_wait(raw.get("wait", f"{WAIT}s")),
        raw.get("required", False),
        raw.get("together", False),
    )


def parse_wait(text: str) -> int:
    """Seconds of ``wait``. Raises WrongUsage for what is no duration, and for more than a job has time for."""
    found = parse_duration(text)
    if found > LONGEST_WAIT:
        raise WrongUsage(
            f"{text!r} is longer than promote can wait: its job would end before it told what it did.",
            "Write at most 1h. A run that comes later is found by the next promote.",
        )
    return found


def environment_of(pattern: str | None, artifact: str, stage: str) -> str:
    """The name of a stage's environment on the forge: NAME and STAGE in the pattern stand for these.

    A folder's colon becomes a slash: GitLab takes none.
    """
    names = {"NAME": artifact.replace(":", "/"), "STAGE": stage}
    return re.sub("NAME|STAGE", lambda match: names[match[0]], pattern or ENVIRONMENT)


def parse_rule(line: str) -> Rule:
    """Read ``WORKFLOW[ PATTERN]``. Raises WrongUsage for what no workflow, or no tag of the registry, can match."""
    workflow, *patterns = line.split() or [""]
    if not workflow:
        raise _wrong("--deliver names no workflow.")
    if (why := why_no_workflow(workflow)) is not None:
        raise _wrong(why)
    if not patterns:
        return Rule(workflow)
    if len(patterns) > 1:
        raise _wrong(f"{line.strip()!r} has more than a workflow and a pattern.")
    if not _PATTERN_RE.fullmatch(patterns[0]):
        raise _wrong(f"{patterns[0]!r} matches no tag: beside * and ** every character stands for itself.")
    return Rule(workflow, patterns[0])


def why_no_workflow(name: str) -> str | None:
    """Why a name is no workflow's file; None if it is one."""
    if "/" in name:
        return f"{name!r} is a path: workflows lie in .github/workflows, and only the file's name is given."
    if not name.endswith(_SUFFIXES) or name in _SUFFIXES:
        return f"{name!r} is no workflow's file: its name ends in .yml or .yaml."
    return None


def _wrong(message: str) -> WrongUsage:
    return WrongUsage(message, _HINT, code="bad-deliver")


def by_rules(rules: Iterable[Rule], row: Row) -> list[Target]:
    """What ``--deliver`` starts on a tag, each once."""
    workflows = dict.fromkeys(rule.workflow for rule in rules if _matches(rule, row))
    return [Target(workflow, wait=WAIT, required=True) for workflow in workflows]


def _matches(rule: Rule, row: Row) -> bool:
    if rule.pattern is None:
        return row.event is EventKind.ASSIGNMENT
    return matches(rule.pattern, row.tag)


def matches(pattern: str, tag: str) -> bool:
    """Whether a tag is meant: ``*`` stops at a slash and ``**`` does not, as in ``on: push: tags``.

    All ways at once, place by place: a regular expression would try them one by one, which takes hours for a few stars.
    """
    places = {0}
    for part in re.split(r"(\*+)", pattern):
        if part.startswith("**"):
            places = set(range(min(places, default=len(tag) + 1), len(tag) + 1))
        elif part.startswith("*"):
            places = {end for start in places for end in range(start, _up_to_slash(tag, start) + 1)}
        else:
            places = {start + len(part) for start in places if tag.startswith(part, start)}
    return len(tag) in places


def _up_to_slash(tag: str, start: int) -> int:
    end = tag.find("/", start)
    return len(tag) if end < 0 else end
