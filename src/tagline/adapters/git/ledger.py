"""Writing tags into this repository, and what that has in common with writing them to a remote (remote_ledger).

All of a plan is written, or nothing.

Tag objects are built by us, because ``git tag`` takes no tagger time without the environment,
runs signing programs and makes the ref at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from tagline.adapters.git.locking import locked
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, plain_stderr
from tagline.adapters.git.tag_objects import Tagger, write_objects
from tagline.adapters.git.trees import CommitTree
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.tags import artifact_in_tag, before_event
from tagline.errors import Conflict, PlatformRefused, Refused, WrongUsage
from tagline.ports.ledger import Batch, Raced, Snapshot

RACE_RE = re.compile(
    r"stale info|already exists|failed to update ref|incorrect old value|reference already|fetch first|"
    r"\.lock': File exists|is at [0-9a-f]+ but expected|failed to lock",
    re.I,
)


def blockers(name: str) -> list[str]:
    """Refs that cannot exist beside the tag ``name``: each folder of its path as a tag of its own."""
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def collision(name: str, blocker: str) -> Refused:
    """The error for two tags that Git cannot hold beside each other."""
    return Refused(
        f"Git cannot hold the tag {name} beside the tag {blocker}: one's name is a folder of the other's.",
        f"Choose another name, or delete the tag that blocks it: git push origin :refs/tags/{blocker}",
        code="ref-collision",
    )


def _taken(name: str, object_id: str, where: str) -> Conflict:
    return Conflict(
        f"The name {name} is taken {where}, by {object_id[:7]}, which is not the tag that was planned.",
        f"Look at it: git show '{name}'. If it is a leftover, delete it: git tag -d '{name}'",
        code="tag-taken",
    )


def _mark(tags: Sequence[RawTag]) -> str:
    return "\n".join(sorted(f"{tag.object_id} {tag.name}" for tag in tags))


def by_artifact(artifacts: Iterable[str], tags: Iterable[RawTag]) -> dict[str, list[RawTag]]:
    """Tags of some artifacts by artifact, whether or not what follows the name is an event."""
    found: dict[str, list[RawTag]] = {name: [] for name in artifacts}
    names = {artifact_in_tag(name): name for name in found}
    for tag in tags:
        if (name := names.get(before_event(tag.name))) is not None:
            found[name].append(tag)
    return found


def _require_free(git: Git, names: Sequence[str]) -> None:
    """Raise when one of the tags exists here, or a ref stands in its way."""
    for name in names:
        above = blockers(name)
        patterns = (f"refs/tags/{ref}" for ref in (name, *above))
        output = git.text("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", *patterns)
        for line in output.splitlines():
            object_id, _, found = line.partition(" ")
            if found == name:
                raise _taken(name, object_id, "here")
            if found in above or found.startswith(f"{name}/"):
                raise collision(name, found)


def policy_of(tree: CommitTree | None) -> bytes | None:
    """The policy file of a commit. A link or folder in its place is not the same as none."""
    if tree is None:
        return None
    data = tree.read(POLICY_FILE, MAX_POLICY)
    found = tree.content(POLICY_FILE) if data is None else None
    if found is not None:
        raise WrongUsage(
            f"{POLICY_FILE} of the default branch is a {found.kind}, not a file.",
            "Make it a plain file there; until then, --override REASON goes past it.",
            code="policy-unreadable",
        )
    return data


class LocalLedger:
    """Writes tags into this repository only (``--no-push``)."""

    def __init__(self, repository: GitRepository, tagger: Tagger) -> None:
        self._repository = repository
        self._tagger = tagger

    def snapshots(self, artifacts: Collection[str]) -> dict[str, Snapshot]:
        """The artifacts' tags here."""
        found = by_artifact(artifacts, self._repository.tags(artifacts, details=True))
        return {name: Snapshot(tags, _mark(tags)) for name, tags in found.items()}

    def tag_names(self) -> list[str]:
        """Of the tags here."""
        return self._repository.tag_names()

    def written_at(self, artifacts: Collection[str]) -> dict[str, dict[str, int]]:
        """Nothing: this clone keeps no chain."""
        return {name: {} for name in artifacts}

    def is_older(self, commit: str, other: str) -> bool | None:
        """By this clone's history."""
        return self._repository.is_older(commit, other)

    def policy(self) -> bytes | None:
        """Of the default branch as this clone knows it."""
        return policy_of(self._repository.default_branch_tree())

    def bring_home(self, artifact: str, tags: Mapping[str, str]) -> None:
        """Nothing: here they are written."""

    def publish(self, batches: Sequence[Batch]) -> dict[str, str]:
        """Make the tags in one transaction, under a lock that leaves no file behind."""
        git = self._repository.git
        tags = [tag for batch in batches for tag in batch.tags]
        with locked(self._repository.place.common_dir):
            now = self.snapshots([batch.artifact for batch in batches])
            if any(now[batch.artifact].mark != batch.mark for batch in batches):
                raise Raced
            _require_free(git, [tag.name for tag in tags])
            objects = write_objects(git, tags, self._tagger.identity())
            create_refs(git, objects)
        return objects


def create_refs(git: Git, objects: Mapping[str, str]) -> None:
    """Create tags that point at existing objects, in one transaction. Raises when one is taken."""
    commands = "".join(f"create refs/tags/{name}\0{object_id}\0" for name, object_id in objects.items())
    result = git.run("update-ref", "-z", "--stdin", stdin=commands.encode(errors="surrogateescape"), check=False)
    if result.status != 0:
        said = plain_stderr(result.stderr)
        if RACE_RE.search(said):
            raise Raced
        raise PlatformRefused(
            f"The tags cannot be written here: {said}",
            "Check the permissions of the .git folder.",
            code="cannot-write",
        )
