"""What the versions that a change is about consist of, and whether the stores have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tagline.commands.changes.request import ChangeRequest
from tagline.commands.manifest.describe import describe
from tagline.commands.manifest.snapshots import snapshot
from tagline.commands.storage.asking import location_of, look_at_all
from tagline.commands.storage.locating import Place, Surroundings, digest_of, locate
from tagline.domain.changes.steps import Content as Described
from tagline.domain.changes.verdicts import State, Verdict
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.storage.lfs import MAX_POINTER, parse_pointer
from tagline.domain.storage.objects import Location
from tagline.errors import ManifestUnreadable, PlatformRefused, TaglineError, WrongUsage
from tagline.ports.history import History
from tagline.ports.repository import Content, Tree

RULE = "storage"
#: What this machine lacks; the bytes may be there all the same.
_NOT_HERE = frozenset(("needs-extra", "untrusted-option", "relative-remote", "unsupported-remote"))

#: An artifact and a commit.
Version = tuple[str, str]


class Stored(NamedTuple):
    """What was read: contents for trailers, and of those that were to be looked at whether they are there."""

    contents: Mapping[Version, Described]
    verdicts: Mapping[Version, Verdict]


def read_stored(request: ChangeRequest, describe_only: Iterable[Version], look_at: Iterable[Version]) -> Stored:
    """Read where versions' bytes are; of those to look at, ask the stores about every object."""
    looked = {version: _looked(request, version) for version in look_at}
    contents = {version: described for version, (described, _) in looked.items() if described is not None}
    for version in describe_only:
        if version not in contents and (described := _described(request, version)) is not None:
            contents[version] = described
    return Stored(contents, {version: verdict for version, (_, verdict) in looked.items() if verdict is not None})


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
    return None if place is None else _trailers(location_of(place[0], look=False))


def digest_at(request: ChangeRequest, version: Version) -> str | None:
    """The digest of a version's bytes by the word of its commit; None where it does not tell."""
    described = _described(request, version)
    return described.digest if described is not None else None


def _looked(request: ChangeRequest, version: Version) -> tuple[Described | None, Verdict | None]:
    """The same after a look at every object, once a run."""
    name, commit = version
    key = (RULE, f"{name} {commit}")
    if key not in request.answers:
        request.answers[key] = _look(request, version)
    found: tuple[Described | None, Verdict | None] = request.answers[key]
    return found


def _look(request: ChangeRequest, version: Version) -> tuple[Described | None, Verdict | None]:
    try:
        place = _place(request, version)
        if place is None:
            return None, None
        location = look_at_all(*place)
    except TaglineError as error:
        return _described(request, version), _refusal(error, required=request.policy.storage_required)
    in_git = (location.digest or "git").startswith("git")
    verdict = None if in_git else Verdict(RULE, "ok", f"{_amount(location)} at {location.uri}")
    return _trailers(location), verdict


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


def _trailers(location: Location) -> Described:
    return Described(location.digest, location.uri, location.version_id)


def entry_at(request: ChangeRequest, version: Version) -> tuple[ManifestEntry | None, Tree]:
    """How a version's own commit describes its artifact, read once a run. Raises ManifestUnreadable."""
    name, commit = version
    tree = request.context.history.files(commit)
    key = ("entry", f"{name} {commit}")
    if key not in request.answers:
        request.answers[key] = request.entries.get(name) if commit == request.commit else describe(name, tree)
    entry: ManifestEntry | None = request.answers[key]
    return entry, tree


def _place(request: ChangeRequest, version: Version) -> tuple[Place, Tree] | None:
    """Where a version's bytes are; None for an artifact that its commit does not describe, or gives no path."""
    history, commit = request.context.history, version[1]
    entry, tree = entry_at(request, version)
    if entry is None or entry.path is None:
        return None

    def content(path: str) -> Content | None:
        return content_at(history, commit, tree, path)

    return locate(tree, entry, Surroundings(request.context.storage, history.url, commit, content)), tree


def content_at(history: History, commit: str, tree: Tree, path: str) -> Content | None:
    """What a commit of the history has at a path, without its size: that would mean downloading it."""
    found = history.object_id(commit, path)
    if found is None:
        return None
    kind, object_id = found
    # Without LFS nobody need download a file to learn that it is no pointer.
    data = tree.read(path, MAX_POINTER) if kind == "blob" and snapshot(tree).uses_lfs else None
    return Content(kind, object_id, None, 1, data is not None and parse_pointer(data) is not None)
