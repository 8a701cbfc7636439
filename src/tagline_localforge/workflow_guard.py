"""GitHub's guard of workflows: who may not write them may bring no ref to a commit that has one which no branch has.

Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps (``workflow``), which says
so of OAuth Apps; the words are those that pushes by a GitHub App and by ``github.token`` are refused with.
"""

from __future__ import annotations

from tagline_localforge.git import BareRepository
from tagline_localforge.records import NO_COMMIT, Token
from tagline_localforge.repository import Repository
from tagline_localforge.web import Response

_FOLDER = ".github/workflows"


def refused_push(repository: Repository, token: Token | None, body: bytes, refs: dict[str, str]) -> Response | None:
    """The refusal of a push of ``refs``, each with its new object; None where nothing stands against it."""
    git = repository.git
    if token is None or token.workflows:
        return None
    refs = {ref: new for ref, new in refs.items() if new != NO_COMMIT}
    packed = body.find(b"PACK")
    if packed >= 0:
        # What no ref knows does no harm here, and the push brings it again where it is not refused.
        git("unpack-objects", "-q", stdin=body[packed:])
    known = {file for tip in git.branches().values() for file in _workflows(git, tip)}
    for new in refs.values():
        if unknown := sorted(set(_workflows(git, new)) - known):
            refusing = f"refusing to allow a GitHub App to create or update workflow `{unknown[0][0]}`"
            why = f"{refusing} without `workflows` permission"
            return _ruled(refs, why) if repository.switches.workflows_by_ruleset else _report(refs, why)
    return None


def _ruled(refs: dict[str, str], why: str) -> Response:
    """The same as a ruleset's refusal. Seen at https://github.com/dmf-mxl/mxl/pull/355."""
    said = f"error: GH013: Repository rule violations found for {next(iter(refs))}.\n\n- {why}\n\n"
    return _report(refs, "push declined due to repository rule violations", said)


def _workflows(git: BareRepository, revision: str) -> list[tuple[str, str]]:
    """Path and content of each workflow of a commit, or of the one that a tag names."""
    commit = git.revision(revision)
    rows = git.read("ls-tree", "-r", "-z", commit, "--", _FOLDER).split("\0") if commit else []
    return [(path, about.split()[2]) for about, _, path in (row.partition("\t") for row in rows if row)]


def _report(refs: dict[str, str], why: str, said: str = "") -> Response:
    """git's report of a push of which no ref was taken, as any client of today reads it; ``said`` to people.

    Source: https://git-scm.com/docs/gitprotocol-pack#_report_status
    """
    lines = ["unpack ok\n", *(f"ng {ref} {why}\n" for ref in refs)]
    report = b"".join(_line(line.encode()) for line in lines) + b"0000"
    aside = _line(b"\x02" + said.encode()) if said else b""
    body = aside + _line(b"\x01" + report) + b"0000"
    return Response(200, headers={"Content-Type": "application/x-git-receive-pack-result"}, body=body)


def _line(data: bytes) -> bytes:
    return b"%04x%s" % (len(data) + 4, data)
