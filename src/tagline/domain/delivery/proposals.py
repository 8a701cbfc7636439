"""Changes that are opened for people: a request file on a branch of its own, and what tells one from another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tagline.domain.delivery.events import ChangeLink
from tagline.domain.ledger.events import Warn

Kind = Literal["promote", "rollback"]
KINDS: tuple[Kind, ...] = ("promote", "rollback")
#: What the branch of a change begins with that a run opened: whoever started the run asked, whoever its token is.
RUN_BRANCHES = ("tagline/run-", "tagline/rollback-")
_ASKED, _RUN = "tagline/ask-", RUN_BRANCHES[0]
_ASKED_BY = "# Asked for by "


class Proposal(NamedTuple):
    """A change to be opened: one file on a branch of its own."""

    branch: str
    path: str
    content: str
    title: str
    body: str


class Proposed(NamedTuple):
    """A change that was opened. ``news``: by this run. ``open``: it can still be merged."""

    change: ChangeLink
    news: bool
    open: bool = True


class Request(NamedTuple):
    """What somebody asks for: a stage for a version, or taken from one."""

    artifact: str
    version: str
    stage: str
    kind: Kind = "promote"
    reason: str | None = None
    ticket: str | None = None


@dataclass(frozen=True)
class Asked:
    """``propose``: what came of asking. ``request`` names the version that ``latest`` means now.

    ``change`` is None where nothing is to be asked, which ``why`` says, and in a dry run where none is open.
    """

    request: Request
    change: Proposed | None = None
    branch: str | None = None
    path: str | None = None
    content: str | None = None
    requester: str | None = None
    why: str | None = None
    dry_run: bool = False
    warnings: tuple[Warn, ...] = ()


def opened_by_run(branch: str) -> bool:
    """Whether a branch is one that a run makes. A person who calls theirs so is only held to more."""
    return branch.startswith(RUN_BRANCHES)


def place(request: Request, number: int, *, by_run: bool) -> tuple[str, str]:
    """Branch and file of the ``number``-th change (from 1) that asks for this: the same whenever it is asked.

    Names go into them by letters and digits only; what tells them apart is the digest. Reason and ticket do not.
    """
    said = (request.artifact, request.version, request.stage, request.kind)
    key = hashlib.sha256("\n".join(said).encode()).hexdigest()[:8]
    again = f"-{number}" if number > 1 else ""
    version = re.sub(r"[^A-Za-z0-9.]+", "-", request.version)[:60].rstrip("-.")
    branch = f"{request.kind}-{slug(f'{request.artifact}-{request.stage}')}-{version}-{key}{again}"
    file = f"{request.kind}-{slug(request.artifact)}-{version}-{key}{again}.yaml"
    return f"{_RUN if by_run else _ASKED}{branch}", f"promotions/{request.stage}/{file}"


def request_file(request: Request, asked_by: str | None = None) -> str:
    """The request file's text. ``asked_by`` is a login, said in a comment of the file: the change's own page proves it.

    A rollback takes the stage from its version and from no later one, however late it is merged.
    """
    note = f"{_ASKED_BY}{scalar(asked_by)}.\n" if asked_by else ""
    more = {"reason": request.reason, "ticket": request.ticket}
    if request.kind == "rollback":
        return note + _entry(request.artifact, {"rollback": "true", "from": scalar(request.version)}, more)
    return note + _entry(request.artifact, {"version": scalar(request.version)}, more)


def _entry(artifact: str, ask: Mapping[str, str], more: Mapping[str, str | None]) -> str:
    """One entry of a request file: what it asks (YAML already), and what it says beside that, a line each."""
    lines = [f"artifact: {scalar(artifact)}", *(f"{key}: {value}" for key, value in ask.items())]
    lines += [f"{key}: {scalar(text)}" for key, text in more.items() if text]
    return "".join(f"{'  ' if place else '- '}{line}\n" for place, line in enumerate(lines))


def asks_the_same(file: str, other: str) -> bool:
    """Whether two texts of one of these files differ in nothing but the comment that says who asked.

    YAML breaks lines at more marks than we do, so that none may be in them. Ours have none (:func:`scalar`).
    """
    texts = [text.split("\n") for text in (file, other)]
    asks = [[line for line in lines if not line.startswith(_ASKED_BY)] for lines in texts]
    return asks[0] == asks[1] and all(line.isprintable() for lines in texts for line in lines)


def rollback_place(artifact: str, stage: str, tag_object: str) -> tuple[str, str]:
    """Branch and request file of the change that takes a failed tag back: the same whenever it is asked.

    Names go into them by letters and digits only, and what tells them apart is the tag's id.
    """
    name = slug(f"{artifact}-{stage}")
    key = tag_object[:12]
    return f"{RUN_BRANCHES[1]}{name}-{key}", f"promotions/{stage}/rollback-{name}-{key}.yaml"


def rollback_request(artifact: str, version: str | None, reason: str) -> str:
    """The request file's text: it takes the stage from ``version`` and from no later one, however late it is merged."""
    ask = {"rollback": "true"} | ({"from": scalar(version)} if version is not None else {})
    note = "# Written by tagline deployed, after a deployment failed. Merging this rolls back.\n"
    return note + _entry(artifact, ask, {"reason": reason})


def slug(text: str) -> str:
    """A name's letters and digits, for the name of a branch or file. Two names may have the same."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:60]


_PLAIN_RE = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*(?::[A-Za-z0-9_/-]+)?")
_NUMBER_RE = re.compile(r"v\d+\.\d+\.\d+")


def scalar(text: str) -> str:
    """A text as YAML reads it back; the page's scripts write it so too."""
    plain = _PLAIN_RE.fullmatch(text) and text.lower() not in ("true", "false", "null")
    if plain or _NUMBER_RE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(mark if mark.isprintable() else f"\\U{ord(mark):08x}" for mark in escaped) + '"'
