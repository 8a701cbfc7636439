"""A commit as people see it: who made it, when, and whether it is signed."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

#: ``none``: no signature. ``unverified``: there is one, and nobody here can check it. The rest are Git's own words.
SignatureStatus = Literal["none", "good", "bad", "expired", "revoked", "unverified"]

_PERSON_RE = re.compile(r"(.*?) ?<([^<>]*)> ([0-9]{1,18}) [+-][0-9]{4}")
#: What the signature begins with -> what kind of key made it.
_KINDS = {"-----BEGIN PGP": "openpgp", "-----BEGIN SSH": "ssh", "-----BEGIN SIGNED MESSAGE": "x509"}
#: Git's ``%G?``. U, a right signature by a key that nobody vouches for, is no more than unverified. Source: https://git-scm.com/docs/pretty-formats
_STATES: dict[str, SignatureStatus] = {
    "G": "good", "B": "bad", "X": "expired", "Y": "expired", "R": "revoked",
}  # fmt: skip


class Signature(NamedTuple):
    """A commit's signature: ``kind`` is ``openpgp``, ``ssh`` or ``x509``; ``signer`` and ``key`` where Git tells."""

    status: SignatureStatus = "none"
    kind: str | None = None
    signer: str | None = None
    key: str | None = None


class CommitFacts(NamedTuple):
    """A commit's own words. Times are unix seconds; ``subject`` is the first line of its message."""

    id: str
    author: str
    email: str
    authored_at: int
    committer: str
    committed_at: int
    subject: str
    signature: Signature = Signature()


def read_commit(commit: str, text: str) -> CommitFacts:
    """From the commit object's text; a header that is not as Git writes it counts as empty.

    A signature is ``unverified`` until :func:`verified` says more.
    """
    head, _, message = text.partition("\n\n")
    fields: dict[str, str] = {}
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        if key:  # a header that goes on begins with a blank
            fields.setdefault(key, value)
    author, email, authored_at = _person(fields.get("author", ""))
    committer, _, committed_at = _person(fields.get("committer", ""))
    signed = fields.get("gpgsig", fields.get("gpgsig-sha256"))
    signature = Signature()
    if signed is not None:
        kind = next((kind for begin, kind in _KINDS.items() if signed.startswith(begin)), None)
        signature = Signature("unverified", kind)
    subject = message.strip("\n").partition("\n")[0]
    return CommitFacts(commit, author, email, authored_at, committer, committed_at, subject, signature)


def verified(facts: CommitFacts, state: str, signer: str, key: str) -> CommitFacts:
    """The facts with Git's word on the signature: ``%G?``, ``%GS`` and ``%GF``."""
    status = _STATES.get(state, "unverified")
    signature = facts.signature._replace(status=status, signer=signer or None, key=key or None)
    return facts._replace(signature=signature)


def _person(text: str) -> tuple[str, str, int]:
    match = _PERSON_RE.fullmatch(text)
    return (match[1], match[2], int(match[3])) if match else ("", "", 0)
