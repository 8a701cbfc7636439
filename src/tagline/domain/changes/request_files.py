"""What a change asks for by the files that it adds under ``promotions/STAGE/``; docs/labels.md shows them to people.

``schemas/request.schema.json`` says the same to editors.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from tagline.domain.changes.asks import LATEST, REQUESTS, THIS, Action, Ask, Mistake
from tagline.domain.changes.tickets import read_tickets
from tagline.domain.ledger.tags import is_artifact, is_name
from tagline.domain.ledger.versions import is_version
from tagline.domain.manifest.document import Document, Node, Position
from tagline.domain.manifest.findings import Finding
from tagline.domain.text.similar import did_you_mean

MAX_REQUESTS = 1000
#: A finding repeats no more than this of a key.
_LONGEST = 300


def request_stage(path: str) -> str | None:
    """The stage that a request file asks for, by its folder; empty without one, None for any other file."""
    if not path.startswith(REQUESTS) or not path.endswith((".yaml", ".yml")):
        return None
    return posixpath.dirname(path)[len(REQUESTS) :]


def read_requests(path: str, document: Document, by: str | None) -> tuple[list[Ask], list[Mistake]]:
    """The requests of one file that a change adds; ``by`` is the change's author."""
    asks, findings = judge_requests(path, document, by)
    if any(finding.rule != _RULE for finding in findings):
        findings = findings[:1]  # a file that is no YAML is one mistake
    return asks, [Mistake(f"{path}:{found.line}", found.message, found.hint) for found in findings]


_RULE = "request"
_EXAMPLE = "Write '- {artifact: NAME, version: v1.2.3}', one a line."


def judge_requests(path: str, document: Document, by: str | None = None) -> tuple[list[Ask], list[Finding]]:
    """The requests of one file, and what is wrong in it. Of a file that is no YAML there are no requests."""
    problems = [problem for problem in document.problems if problem.severity == "error"]
    if problems:
        found = [problem.finding(path) for problem in problems]
        return [], [f._replace(hint=_EXAMPLE) if f.rule == "file-empty" else f for f in found]
    root, stage = document.root or Node(None, 1, 1), request_stage(path) or ""
    if not is_name(stage):
        fix = f"Put the file under {REQUESTS}STAGE/."
        return [], [_wrong(path, Position(1, 1), f"{stage!r} cannot name a stage.", fix)]
    if not root.items or len(root.items) > MAX_REQUESTS:
        return [], [_wrong(path, root, f"A request file is a list of 1 to {MAX_REQUESTS} requests.", _EXAMPLE)]
    read = [_read_request(path, item, stage, by) for item in root.items]
    return [one for one in read if isinstance(one, Ask)], [one for one in read if isinstance(one, Finding)]


def _wrong(path: str, place: Node | Position, message: str, fix: str) -> Finding:
    return Finding(path, place.line, place.column, None, _RULE, "error", message, fix)


def _misread(said: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """A key of a request whose value is none of its kind: the key, what is wrong, and what to write."""
    for key in ("rollback", "lift"):
        if not isinstance(said.get(key), bool | None):
            return key, f"'{key}' is true or false.", f"Write '{key}: true', or remove it."
    if said.get("rollback") and said.get("lift"):
        return "lift", "A rollback holds the stage, and 'lift' lifts that.", "Drop one of them."
    if not isinstance(said.get("reason"), str | None):
        return "reason", "'reason' is text.", "Put it in quotes."
    if "ticket" in said and read_tickets(said["ticket"]) is None:
        # "ticket: #12" says nothing: in YAML a comment begins there.
        return "ticket", "'ticket' is text without blanks, or a list of such.", "Put it in quotes: ticket: 'RISK-12'"
    left = said.get("from")
    if left is not None and not (said.get("rollback") and isinstance(left, str) and is_version(left)):
        return "from", "'from' is the version that a rollback is from.", "Write 'rollback: true, from: v1.2.3'."
    override = said.get("override")
    if override is not None and not (isinstance(override, str) and override.strip()):
        return "override", "'override' is a reason.", "Write why the rules are passed over, in quotes."
    return None


_REQUEST_KEYS = ("artifact", "version", "rollback", "reason", "ticket", "lift", "override", "from")


def _read_request(path: str, item: Node, stage: str, by: str | None) -> Ask | Finding:
    if not isinstance(item.value, Mapping):
        return _wrong(path, item, "A request is a mapping.", "Write '- {artifact: NAME, version: v1.2.3}'.")
    for key, place in item.keys.items():
        if key not in _REQUEST_KEYS:
            near = did_you_mean(key[:_LONGEST], _REQUEST_KEYS)
            meant = f"Did you mean '{near}'?" if near else f"Known keys are {', '.join(_REQUEST_KEYS)}."
            return _wrong(path, place, f"A request has no key {key[:_LONGEST]!r}.", meant)
    artifact, version, rollback, reason, ticket, lift, why, left = (item.value.get(key) for key in _REQUEST_KEYS)

    def wrong(key: str, message: str, fix: str) -> Finding:
        return _wrong(path, item.fields.get(key, item), message, fix)

    if not isinstance(artifact, str) or not is_artifact(artifact):
        fix = "Add 'artifact: NAME' (in a directory: dir/sub:NAME)."
        return wrong("artifact", "The request names no artifact.", fix)
    misread = _misread(item.value)
    if misread is not None:
        return wrong(*misread)
    if rollback and version is not None:
        fix = "Drop 'version' or 'rollback'."
        return wrong("version", "A rollback goes to the version before and names none.", fix)
    known = isinstance(version, str) and (version in (THIS, LATEST) or is_version(version))
    if version is not None and not known:
        text = str(version)[:50]
        near = f"v{text}" if is_version(f"v{text}") else did_you_mean(text, (THIS, LATEST))
        meant = f"Did you mean '{near}'?" if near else "Write v1.2.3, this or latest."
        return wrong("version", f"{text!r} is no version.", meant)
    action = Action.ROLLBACK if rollback else Action.LIFT if lift and version is None else Action.ASSIGN
    # A request is part of what was pushed: it is covered by whoever reviewed the last push.
    tickets = read_tickets(ticket) or ()
    source = f"{path}:{item.line}"
    return Ask(action, source, artifact, stage, version, by, 0.0, path, reason, bool(lift), why, left, tickets)
