"""Tag messages: GTO's first line, then trailers that say why and for whom.

GTO and DVC never read messages, so trailers are ours alone. They follow Git's convention: the
last paragraph, one ``Key: value`` a line.
Source: https://git-scm.com/docs/git-interpret-trailers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tagline.domain.ledger.tags import EventKind
from tagline.domain.text.public import public, public_uri

Trailers = dict[str, list[str]]

#: Trailers of the ledger. ``Change`` is a page, which a new name of its repository makes another one; ``Change-Key``
#: stays. ``Rollback-From`` marks an assignment that took a stage back.
CHANGE = "Change"
CHANGE_KEY = "Change-Key"
MERGE_COMMIT = "Merge-Commit"
REQUESTED_BY = "Requested-By"
APPROVED_BY = "Approved-By"
ROLES_READ_AT = "Roles-Read-At"
POLICY = "Policy"
REASON = "Reason"
TICKET = "Ticket"
DIGEST = "Artifact-Digest"
SHA256 = "Artifact-Sha256"
URI = "Artifact-Uri"
VERSION_ID = "Artifact-Version-Id"
PREVIOUS = "Previous"
OVERRIDE = "Override"
ROLLBACK_FROM = "Rollback-From"
#: A stop: why nothing goes past the stage's holder, why something may again, and which stop an override went past.
HOLD = "Hold"
HOLD_LIFTED = "Hold-Lifted"
HOLD_PASSED = "Hold-Passed"
RUN = "Run"
IMPORTED_FROM = "Imported-From"

_TRAILER_RE = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*):[ \t]*(.*)")
_SIGNATURE_RE = re.compile(r"^-----BEGIN [A-Z ]+-----$", re.MULTILINE)
# Control characters, and the line breaks of Unicode that some readers honour.
_UNPRINTABLE_RE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def subject(kind: EventKind, artifact: str, version: str | None, stage: str | None) -> str:
    """GTO's wording of one event."""
    match kind:
        case EventKind.REGISTRATION:
            return f"Registering artifact {artifact} version {version}"
        case EventKind.DEREGISTRATION:
            return f"Deregistering artifact {artifact} version {version}"
        case EventKind.ASSIGNMENT:
            return f"Assigning stage {stage} to artifact {artifact} version {version}"
        case EventKind.UNASSIGNMENT:
            return f"Unassigning stage '{stage}' to artifact '{artifact}' version '{version}'"
        case EventKind.DEPRECATION:
            return f"Deprecating artifact '{artifact}'"


def compose(first_line: str, trailers: Iterable[tuple[str, str]]) -> str:
    """A whole message. A trailer's value becomes one printable line, whatever it was."""
    lines = [f"{key}: {_shown(key, value)}" for key, value in trailers if value]
    return "\n".join([first_line, *(["", *lines] if lines else []), ""])


def shown(value: str) -> str:
    """A trailer's value as it is written, for ever and for everybody."""
    return one_line(public(value))


def shown_trailers(trailers: Trailers) -> Trailers:
    """Trailers that somebody wrote, as they may be shown."""
    return {key: [_shown(key, value) for value in values] for key, values in trailers.items()}


def _shown(key: str, value: str) -> str:
    return one_line(public_uri(value)) if key == URI else shown(value)


def one_line(text: str) -> str:
    """``text`` with every run of control characters and line breaks made one space."""
    # An argument that is no valid Unicode reaches Python with lone surrogates, which no tag can hold.
    return _UNPRINTABLE_RE.sub(" ", text.encode(errors="replace").decode()).strip()


def parse_trailers(message: str) -> Trailers:
    """The trailers of a tag message, in order of appearance; none if its end is plain prose."""
    signature = _SIGNATURE_RE.search(message)
    text = message[: signature.start()] if signature else message
    paragraphs = re.split(r"\n[ \t]*\n", text.strip("\n"))
    if len(paragraphs) < 2:
        return {}
    trailers: Trailers = {}
    for line in paragraphs[-1].split("\n"):
        match = _TRAILER_RE.fullmatch(line)
        if match is None:
            return {}
        trailers.setdefault(match[1], []).append(match[2].strip())
    return trailers
