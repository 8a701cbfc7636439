"""The bytes that approvals were given for, and those that land: by the words of the commits, never by a comment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tagline.commands.changes.request import ChangeRequest
from tagline.commands.changes.stored import Version, digest_at, entry_at
from tagline.commands.manifest.snapshots import snapshot
from tagline.domain.changes.approvals import People, approvers
from tagline.domain.changes.asks import THIS, Action
from tagline.domain.changes.changes import Unknown
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.policy import StageRules
from tagline.errors import ManifestUnreadable, PlatformRefused

Bytes = Mapping[Version, str | Unknown | None]


def read_approved(
    request: ChangeRequest, own: Collection[str], rules: Mapping[Intent, Sequence[StageRules]], people: People
) -> Bytes:
    """What names the bytes of the artifacts whose stages ask for approvals, where the version is the change's ``own``.

    At the commits that were approved by people who may write, and at the change's own end.
    """
    found: dict[Version, str | Unknown | None] = {}
    for intent, asked in rules.items():
        approvals = [r.approvals for r in asked if r.approvals is not None]
        if not approvals or intent.action is not Action.ASSIGN or intent.artifact not in own:
            continue
        fresh = all(rule.fresh for rule in approvals)
        commits = [request.commit, *_approved_commits(request, people, fresh=fresh)]
        found.update({(intent.artifact, commit): bytes_at(request, (intent.artifact, commit)) for commit in commits})
    return found


def read_written(
    request: ChangeRequest, rules: Mapping[Intent, Sequence[StageRules]], people: People
) -> Mapping[str, Mapping[str, int]]:
    """What the chains show of when tags were written: where approvals cover a stop, or a version of others."""
    covered = ((i, found) for i, found in rules.items() if i.which != THIS or i.lifts)
    asked = (intent for intent, found in covered if any(r.approvals is not None for r in found))
    names = {intent.artifact for intent in asked} if approvers(people.reviews) else set()
    return request.context.ledger.written_at(names)


def read_behind(request: ChangeRequest, own: Collection[str]) -> frozenset[str]:
    """The artifacts whose merge would bring other bytes than an open change's head has: its base branch has others.

    Of each the merge base, the head and the base branch's tip are compared, as a merge does it. What cannot be read is
    left to the merge, which compares anew.
    """
    tip = request.context.history.tip(request.change.base)
    if not request.change.open or tip == request.before:
        return frozenset()
    return frozenset(name for name in own if _moved(request, name, tip))


def _moved(request: ChangeRequest, name: str, tip: str) -> bool:
    """Whether a base branch's tip has other bytes of an artifact, or elsewhere, than both merge base and head."""
    versions = [(name, commit) for commit in (tip, request.before, request.commit)]
    found = [bytes_at(request, version) for version in versions]
    if any(isinstance(one, Unknown) for one in found):
        return False
    entries = [entry_at(request, version)[0] for version in versions]
    paths = [entry.path if entry is not None else None for entry in entries]
    theirs, *ours = zip(paths, found, strict=True)
    return theirs not in ours


def _approved_commits(request: ChangeRequest, people: People, *, fresh: bool) -> list[str]:
    """Where only approvals of the last commit count, no other is read: anybody can approve any number of them."""
    writers = (r for r in approvers(people.reviews) if people.writers.get(r.by.casefold()) is not False)
    seen = (review.commit or review.head for review in writers)
    return list(dict.fromkeys(commit for commit in seen if commit and (not fresh or commit == request.change.head)))


def bytes_at(request: ChangeRequest, version: Version) -> str | Unknown | None:
    """What names an artifact's bytes at a commit: a digest, or the file in Git that stands for them.

    None for one that the commit does not describe, or gives no path; Unknown where nobody can read it.
    """
    name, commit = version
    try:
        entry, tree = entry_at(request, version)
        if entry is None or entry.path is None:
            return None
        if entry.virtual:
            return entry.path
        found = digest_at(request, version)
        if found is None:
            file = snapshot(tree).stands_for(entry)
            found = ":".join(tree.objects([file]).get(file, ("nothing", "")))
        return found
    except (ManifestUnreadable, PlatformRefused) as error:
        return Unknown(f"the bytes of {name} at {commit[:7]} ({error.message})", error.hint)
