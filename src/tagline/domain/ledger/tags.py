"""The tag grammar: what a registry tag's name says. Byte for byte GTO's.

::

    tag      = artifact ( event ) [ "#" counter ]
    event    = "@v" semver [ "!" ] | "#" stage [ "!" ] | "@deprecated"
    artifact = [ dirname "=" ] name          written "dirname:name" everywhere else

Source: https://mlem.ai/doc/gto (GTO 1.10.1, ``gto/constants.py``), observed by running it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from tagline.domain.ledger.versions import SEMVER

# A loose ref is a file and its lock appends ".lock"; file names end at 255 bytes.
_MAX_COMPONENT = 250


class EventKind(StrEnum):
    """What a tag did, in GTO's words."""

    REGISTRATION = "registration"
    DEREGISTRATION = "deregistration"
    ASSIGNMENT = "assignment"
    UNASSIGNMENT = "unassignment"
    DEPRECATION = "deprecation"


# Looking them up in the class takes as long as half a match, for each of many tags.
_REGISTRATION, _DEREGISTRATION = EventKind.REGISTRATION, EventKind.DEREGISTRATION
_ASSIGNMENT, _UNASSIGNMENT = EventKind.ASSIGNMENT, EventKind.UNASSIGNMENT


class TagName(NamedTuple):
    """A parsed registry tag. ``artifact`` is written with ``:``; ``version`` keeps its ``v``."""

    artifact: str
    kind: EventKind
    version: str | None = None
    stage: str | None = None
    counter: int | None = None


# Possessive: what follows is never a character of theirs, so that giving one back helps nobody.
_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_/-]*+(?<=[a-zA-Z0-9])"
_DIRNAME = r"[a-zA-Z0-9_./-]++"
_ARTIFACT_IN_TAG = rf"(?:{_DIRNAME}=)?{_NAME}"

_NAME_RE = re.compile(_NAME)
_ARTIFACT_RE = re.compile(rf"(?:{_DIRNAME}:)?{_NAME}")
# A counter of more than 1,000 digits is nobody's counter; the bound keeps int() safe.
_TAG_RE = re.compile(
    rf"({_ARTIFACT_IN_TAG})"
    rf"(?:#({_NAME})(!?)|@(v{SEMVER})(!?)|@(deprecated))"
    r"(?:#([0-9]{1,1000}))?"
)
_EVENT_RE = re.compile("[@#]")
_CREATED_RE = re.compile(rf"{_ARTIFACT_IN_TAG}@created(?:#[0-9]+)?")


def is_name(text: str) -> bool:
    """Whether ``text`` can name a stage, or an artifact without its directory."""
    return _NAME_RE.fullmatch(text) is not None


def is_artifact(text: str) -> bool:
    """Whether ``text`` is a full artifact name: ``NAME`` or ``dir/sub:NAME``."""
    return _ARTIFACT_RE.fullmatch(text) is not None


def parse_tag(name: str) -> TagName | None:
    """What the tag ``name`` (without ``refs/tags/``) says; None if it is no registry tag."""
    match = _TAG_RE.fullmatch(name)
    if match is None:
        return None
    artifact, stage, unassign, version, deregister, _, counter = match.groups()
    if "=" in artifact:
        artifact = artifact.replace("=", ":")
    number = int(counter) if counter else None
    if stage is not None:
        return TagName(artifact, _UNASSIGNMENT if unassign else _ASSIGNMENT, None, stage, number)
    if version is not None:
        return TagName(artifact, _DEREGISTRATION if deregister else _REGISTRATION, version, None, number)
    return TagName(artifact, EventKind.DEPRECATION, None, None, number)


def is_created_tag(name: str) -> bool:
    """Whether this is GTO's ``NAME@created``, which GTO parses and then crashes on."""
    return _CREATED_RE.fullmatch(name) is not None


def format_tag(tag: TagName) -> str:
    """The tag's name; :func:`parse_tag` gives ``tag`` back."""
    counter = "" if tag.counter is None else f"#{tag.counter}"
    return f"{artifact_in_tag(tag.artifact)}{_event_in_tag(tag)}{counter}"


def _event_in_tag(tag: TagName) -> str:
    match tag.kind:
        case EventKind.REGISTRATION:
            return f"@{tag.version}"
        case EventKind.DEREGISTRATION:
            return f"@{tag.version}!"
        case EventKind.ASSIGNMENT:
            return f"#{tag.stage}"
        case EventKind.UNASSIGNMENT:
            return f"#{tag.stage}!"
        case EventKind.DEPRECATION:
            return "@deprecated"


def artifact_in_tag(artifact: str) -> str:
    """``dir:NAME`` as ref names can carry it: ``dir=NAME``."""
    return artifact.replace(":", "=")


def before_event(name: str) -> str:
    """What names the artifact in a tag, in the form of tags: all before the first ``@`` or ``#``, whatever follows."""
    return _EVENT_RE.split(name, maxsplit=1)[0]


def why_no_tag_names(artifact: str) -> str | None:
    """What keeps every tag from naming an artifact: the grammar, or a rule of Git's; None where nothing does."""
    if not is_artifact(artifact):
        return "a name has letters, digits, - and _, with / between them, and one : after a folder"
    return why_git_refuses(f"{artifact_in_tag(artifact)}@v0")


def why_git_refuses(ref: str) -> str | None:
    """The rule of ``git check-ref-format`` that ``refs/tags/<ref>`` breaks, or None.

    Only the rules that a name of this grammar can break; Git itself has the last word.
    """
    parts = ref.split("/")
    if any(part == "" for part in parts):
        return "it has an empty path component (//, or a slash at an end)"
    if any(part.startswith(".") for part in parts):
        return "a path component begins with a dot"
    if any(part.endswith(".lock") for part in parts):
        return "a path component ends in .lock"
    if ".." in ref:
        return "it contains two dots in a row"
    if ref.endswith("."):
        return "it ends in a dot"
    if "@{" in ref:
        return "it contains @{"
    if any(len(part) > _MAX_COMPONENT for part in parts):
        return f"a path component is longer than {_MAX_COMPONENT} characters"
    return None
