"""What the versions that a change is about consist of, and whether the stores have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from tagline.commands.changes.request import ChangeRequest
from tagline.commands.manifest.describe import describe
from tagline.commands.storage.asking import location_of, look_at_all
from tagline.commands.storage.hashing import read_sha256
from tagline.commands.storage.locating import Place, Surroundings, digest_of, locate
from tagline.domain.changes.steps import Content as Described
from tagline.domain.changes.verdicts import State, Verdict
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.storage.objects import Location
from tagline.errors import ManifestUnreadable, PlatformRefused, TaglineError, WrongUsage
from tagline.ports.repository import Tree

RULE = "storage"
#: What this machine lacks; the bytes may be there all the same.
_NOT_HERE = frozenset(("needs-extra", "untrusted-option", "relative-remote", "unsupported-remote"))

#: The code of an error: no remote is configured for the bytes.
_NO_REMOTE = "no-storage"

#: An artifact and a commit.
Version = tuple[str, str]


class Stored(NamedTuple):
    """What was read: contents for trailers, and whether the bytes are there; of ``placeless`` nothing says where."""

    contents: Mapping[Version, Described]
    verdicts: Mapping[Version, Verdict]
    placeless: frozenset[Version]


class _Look(NamedTuple):
    """The same of one version."""

    described: Described | None = None
    verdict: Verdict | None = None
    placeless: bool = False


def read_stored(request: ChangeRequest, versions: Iterable[Version]) -> Stored:
    """Read where versions' bytes are, and ask the stores about every object."""
    looked = {version: _looked(request, version) for version in versions}
    contents = {version: look.described for version, look in looked.items() if look.described is not None}
    verdicts = {version: look.verdict for version, look in looked.items() if look.verdict is not None}
    return Stored(contents, verdicts, frozenset(version for version, look in looked.items() if look.placeless))


def _described(request: ChangeRequest, version: Version) -> Described | None:
    """By the word of the commit alone; None where it does not tell."""
    try:
        place = _place(request, version)
    except TaglineError:
        # Where the bytes are nobody knows; which bytes they are, a pointer may say all the same.
        try:
            entry, tree = entry_at(request, version)
        except ManifestUnreadable:
            return None
        digest = digest_of(tree, entry.path) if entry is not None and entry.path is not None else None
        return Described(digest) if digest is not None else None
    return None if place is None else _trailers(request, location_of(place[0], look=False))


def digest_at(request: ChangeRequest, version: Version) -> str | None:
    """The digest of a version's bytes by the word of its commit; None where it does not tell."""
    described = _described(request, version)
    return described.digest if described is not None else None


def _looked(request: ChangeRequest, version: Version) -> _Look:
    """The same after a look at every object, once a run."""
    name, commit = version
    key = (RULE, f"{name} {commit}")
    if key not in request.answers:
        request.answers[key] = _look(request, version)
    found: _Look = request.answers[key]
    return found


def _look(request: ChangeRequest, version: Version) -> _Look:
    try:
        place = _place(request, version)
        if place is None:
            return _Look()
        location = look_at_all(*place)
        if _reads_sha256(request, version) and location.sha256 is None:
            location = replace(location, sha256=read_sha256(*place))
    except TaglineError as error:
        refusal = _refusal(error, required=request.policy.storage_required)
        return _Look(_described(request, version), refusal, error.code == _NO_REMOTE)
    in_git = (location.digest or "git").startswith("git")
    verdict = None if in_git else Verdict(RULE, "ok", f"{_amount(location)} at {location.uri}")
    return _Look(_trailers(request, location), verdict)


def _refusal(error: TaglineError, *, required: bool) -> Verdict:
    """A store that cannot be asked is unknown; what it said, and what the commit says, is certain."""
    unknown = isinstance(error, PlatformRefused) or (isinstance(error, WrongUsage) and error.code in _NOT_HERE)
    if not unknown:
        return Verdict(RULE, "refused", error.message, error.hint)
    state: State = "unknown" if required else "ok"
    return Verdict(RULE, state, f"nobody could look at the bytes: {error.message}", error.hint)


def _amount(location: Location) -> str:
    files = f"{location.files} files, " if location.files is not None and location.files != 1 else ""
    return f"{files}{location.size:,} bytes" if location.size is not None else f"{files}bytes"


def _trailers(request: ChangeRequest, location: Location) -> Described:
    sha256 = location.sha256 if request.policy.sha256 != "off" else None
    return Described(location.digest, location.uri, location.version_id, sha256)


def _reads_sha256(request: ChangeRequest, version: Version) -> bool:
    """Whether the bytes of a version are to be read: once, where it is registered."""
    return request.policy.sha256 == "required" and not request.change.open and version[1] == request.commit


def entry_at(request: ChangeRequest, version: Version) -> tuple[ManifestEntry | None, Tree]:
    """How a version's own commit describes its artifact, read once a run. Raises ManifestUnreadable."""
    name, commit = version
    tree = request.context.history.tree(commit)
    key = ("entry", f"{name} {commit}")
    if key not in request.answers:
        request.answers[key] = request.entries.get(name) if commit == request.commit else describe(name, tree)
    entry: ManifestEntry | None = request.answers[key]
    return entry, tree


def _place(request: ChangeRequest, version: Version) -> tuple[Place, Tree] | None:
    """Where a version's bytes are; None for an artifact that its commit does not describe, or gives no path."""
    entry, tree = entry_at(request, version)
    if entry is None or entry.path is None:
        return None
    storage = replace(request.context.storage, moved=lambda: request.policy.storage_moved)
    return locate(tree, entry, Surroundings(storage, request.context.history.url, version[1])), tree
