"""Writing tags: into this repository, or straight to a remote. All of a plan or nothing.

Tag objects are built by us, because ``git tag`` takes no tagger time without the environment,
runs signing programs and makes the ref at once. Pushing goes by object id from a temporary
object folder, so that a refused push leaves no ref and no object here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tagline.adapters.git.records import MOST_RECORDS, actor_of, read_tip, write_record, written_at
from tagline.adapters.git.refusals import refused_push, unreachable
from tagline.adapters.git.remote import RemoteCache, guard_ref
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, Result, plain_stderr
from tagline.adapters.git.tag_objects import Tagger, write_objects
from tagline.adapters.git.trees import CommitTree
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.planning import NewTag
from tagline.domain.ledger.records import WRITE, Record, RecordedTag
from tagline.domain.ledger.tags import parse_tag
from tagline.errors import Conflict, NotFound, PlatformRefused, Refused, WrongUsage
from tagline.ports.ledger import Batch, Raced, Snapshot

_LOCK_SECONDS = 30


#: By so much may another machine's clock be ahead of ours.
_CLOCKS = 120


_RACE_RE = re.compile(
    r"stale info|already exists|failed to update ref|incorrect old value|reference already|fetch first|"
    r"\.lock': File exists|is at [0-9a-f]+ but expected|failed to lock",
    re.I,
)


def blockers(name: str) -> list[str]:
    """Refs that cannot exist beside the tag ``name``: each folder of its path as a tag of its own."""
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _collision(name: str, blocker: str) -> Refused:
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
                raise _collision(name, found)


def _policy(tree: CommitTree | None) -> bytes | None:
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

    def snapshot(self, artifact: str) -> Snapshot:
        """The artifact's tags here."""
        tags = list(self._repository.tags([artifact], details=True))
        return Snapshot(tags, _mark(tags))

    def written_at(self, artifact: str) -> dict[str, int]:
        """Nothing: this clone keeps no chain."""
        return {}

    def is_older(self, commit: str, other: str) -> bool | None:
        """By this clone's history."""
        return self._repository.is_older(commit, other)

    def policy(self) -> bytes | None:
        """Of the default branch as this clone knows it."""
        return _policy(self._repository.default_branch_tree())

    def publish(self, batches: Sequence[Batch]) -> None:
        """Make the tags in one transaction, under a lock that leaves no file behind."""
        git = self._repository.git
        tags = [tag for batch in batches for tag in batch.tags]
        with _locked(self._repository.place.common_dir):
            if any(self.snapshot(batch.artifact).mark != batch.mark for batch in batches):
                raise Raced
            _require_free(git, [tag.name for tag in tags])
            objects = write_objects(git, tags, self._tagger.identity(), {})
            create_refs(git, objects)


def create_refs(git: Git, objects: Mapping[str, str]) -> None:
    """Create tags that point at existing objects, in one transaction. Raises when one is taken."""
    commands = "".join(f"create refs/tags/{name}\0{object_id}\0" for name, object_id in objects.items())
    result = git.run("update-ref", "-z", "--stdin", stdin=commands.encode(errors="surrogateescape"), check=False)
    if result.status != 0:
        said = plain_stderr(result.stderr)
        if _RACE_RE.search(said):
            raise Raced
        raise PlatformRefused(
            f"The tags cannot be written here: {said}",
            "Check the permissions of the .git folder.",
            code="cannot-write",
        )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the repository's own folder against other runs of tagline on this machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Raced from None
                time.sleep(0.02)
            except OSError:  # a file system without locks: Git's own ref locks remain
                break
        yield
    finally:
        os.close(descriptor)


#: Seconds between looks at a remote whose guard and tags do not fit yet.
_SETTLING = (0.05, 0.2, 0.5)


class RemoteLedger:
    """Writes tags to a remote first (``--push``) and, when that is done, here.

    ``repository`` is the clone that pushes; for a remote named by URL it is None and the cached
    repository pushes. ``commits`` opens the repository that holds the commits to be tagged where
    neither of them does.
    """

    def __init__(
        self,
        cache: RemoteCache,
        remote: RemoteUrl,
        repository: GitRepository | None,
        fallback: tuple[str, str] | None,
        commits: Callable[[], GitRepository] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._cache = cache
        self._remote = remote
        self._repository = repository
        self._fallback = fallback
        self._commits = commits or (lambda: cache.files(remote))
        self._now = now
        self._snapshots: dict[str, GitRepository] = {}

    @property
    def cached(self) -> GitRepository:
        """The cached repository of the last snapshot, or one without tags before the first."""
        return next(reversed(self._snapshots.values()), None) or self._cache.files(self._remote)

    def snapshot(self, artifact: str) -> Snapshot:
        """The artifact's tags on the remote, and where its guard stands."""
        # The clone's own tags first: what another run pushes is made here only after it is there, so
        # this order never takes it for unpublished.
        mine = list(self._repository.tags([artifact])) if self._repository is not None else []
        guard, tags = self._read(artifact)
        theirs = {tag.name: tag.object_id for tag in tags}
        for pause in _SETTLING:
            # A server that writes an atomic push ref by ref shows the guard before the tag that it is on.
            # It is on none for good where somebody deleted that tag.
            if not guard or self._shows(artifact, guard, theirs):
                break
            time.sleep(pause)
            guard, tags = self._read(artifact)
            theirs = {tag.name: tag.object_id for tag in tags}
        # Lightweight ones are a checkout's doing, and names outside the grammar are somebody else's tags.
        events = [tag for tag in mine if tag.object_type == "tag" and parse_tag(tag.name)]
        unpublished = tuple(tag for tag in events if theirs.get(tag.name) != tag.object_id)
        return Snapshot(tags, guard or "", unpublished)

    def _read(self, artifact: str) -> tuple[str | None, list[RawTag]]:
        self._snapshots.pop(artifact, None)
        self._snapshots[artifact] = cached = self._cache.fetch(self._remote, artifact)
        # The guard before the tags: should another run refresh the cache in between, the mark is
        # too old and the push is refused; the other way round it could be too new.
        guard = cached.git.ask("rev-parse", "--verify", "--quiet", guard_ref(artifact))
        return guard, list(cached.tags([artifact], details=True))

    def written_at(self, artifact: str) -> dict[str, int]:
        """By the chain of the last snapshot's artifact; the snapshot itself has its newest record alone."""
        guard = self._snapshots[artifact].git.ask(
            "rev-parse", "--verify", "--quiet", f"{guard_ref(artifact)}^{{commit}}"
        )
        if guard is None:
            return {}
        chains = self._cache.store(self._remote, "@chains")
        options = [f"--depth={MOST_RECORDS}", "--filter=tree:0"]
        result = self._cache.bring(chains, options, [guard_ref(artifact)])
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)
        return written_at(chains.git, guard, self._now() + _CLOCKS)

    def _shows(self, artifact: str, guard: str, tags: Mapping[str, str]) -> bool:
        """Whether the tags of the write that a guard is on are among ``tags``."""
        if guard in tags.values():  # a guard of the old form
            return True
        record = read_tip(self._snapshots[artifact].git, guard).record
        return record is None or all(tags.get(tag.tag) == tag.tag_object for tag in record.tags)

    def is_older(self, commit: str, other: str) -> bool | None:
        """By the clone's history, else by the clocks of the commits that the remote's tags name."""
        told = self._repository.is_older(commit, other) if self._repository is not None else None
        if told is None and self._snapshots:
            return self.cached.is_older(commit, other)
        return told

    @cached_property
    def default_branch_tree(self) -> CommitTree | None:
        """The files of the remote's default branch as it is now; None before its first commit."""
        files = self._cache.files(self._remote)
        try:
            return files.tree(self._cache.fetch_revision(files, "HEAD"))
        except NotFound:
            return None

    def policy(self) -> bytes | None:
        """Of the remote's default branch, read once a run."""
        return _policy(self.default_branch_tree)

    def publish(self, batches: Sequence[Batch]) -> None:
        """Push all the tags and move the artifacts' guards, in one atomic push; then make them here."""
        cached = [self._snapshots.get(batch.artifact) or self.cached for batch in batches]
        pusher = self._repository or cached[0]
        tags = [tag for batch in batches for tag in batch.tags]
        tagger = Tagger(pusher.git, self._fallback).identity()
        with tempfile.TemporaryDirectory(prefix="tagline-") as folder:
            # In a shallow clone an older version's commit is in the cache only; a revision that was
            # named for a remote without a clone is in the cache of its files.
            sources = [pusher, *cached] if self._repository is not None else [*cached, self._commits()]
            environment = quarantine(sources, Path(folder))
            objects = write_objects(pusher.git, tags, tagger, environment)
            moved = {}
            for batch, source in zip(batches, cached, strict=True):
                above = read_tip(source.git, batch.mark) if batch.mark else None
                record = write_record(Path(folder), self._record(batch, objects, tagger), above, batch.tags[0].commit)
                moved[guard_ref(batch.artifact)] = (batch.mark, record)
            git = Git(pusher.git.directory, [*pusher.git.config, *self._remote.config], environment)
            result = push(git, self._remote.url, objects, moved)
        if result.status != 0:
            self._explain(result, tags)
        if any(line.startswith(b"=") for line in result.stdout.splitlines()):
            # Another run made the very same tag in the same second; it made it, not we.
            raise Raced
        if self._repository is not None:
            _keep(self._repository, tags, objects, tagger)

    def _record(self, batch: Batch, objects: Mapping[str, str], tagger: str) -> Record:
        tags = tuple(RecordedTag(tag.name, objects[tag.name], tag.commit) for tag in batch.tags)
        return Record(WRITE, tags, batch.change, actor_of(tagger), int(self._now()))

    def _explain(self, result: Result, tags: Sequence[NewTag]) -> None:
        """Turn a failed push into Raced or into an error that contains the fix."""
        said = f"{result.stdout.decode(errors='replace')}\n{result.stderr}"
        if "stale info" in said:  # the guard has moved: no need to look further
            raise Raced
        for name in (tag.name for tag in tags):
            for blocker in self._blocking(name):
                raise _collision(name, blocker)
        if _RACE_RE.search(said) and "pre-receive hook declined" not in said:
            raise Raced
        raise refused_push(self._remote.url, said)

    def _blocking(self, name: str) -> list[str]:
        """Tags on the remote that stand in the way of ``name``; asked only after a failure."""
        git = Git(Path(os.sep), self._remote.everything)
        patterns = [f"refs/tags/{above}" for above in blockers(name)]
        found = (
            git.ask("ls-remote", "--refs", "--end-of-options", self._remote.url, *patterns, f"refs/tags/{name}/*") or ""
        )
        refs = (line.partition("\t")[2].removeprefix("refs/tags/") for line in found.splitlines())
        exact = set(blockers(name))
        return [ref for ref in refs if ref in exact or ref.startswith(f"{name}/")]


def quarantine(sources: Sequence[GitRepository], folder: Path) -> dict[str, str]:
    """An environment in which new objects land in ``folder`` and those of ``sources`` are visible."""
    folders = dict.fromkeys(source.place.common_dir.absolute() / "objects" for source in sources)
    quoted = (f'"{path!s}"' for path in folders)
    return {"GIT_OBJECT_DIRECTORY": str(folder), "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(quoted)}


def push(git: Git, url: str, tags: Mapping[str, str], moved: Mapping[str, tuple[str, str]]) -> Result:
    """Push new tags, and refs that are ``moved`` from where they were seen to where they are to be."""
    refspecs = [f"{object_id}:refs/tags/{name}" for name, object_id in tags.items()]
    leases = [f"--force-with-lease={ref}:{before}" for ref, (before, _) in moved.items()]
    refspecs += [f"{after}:{ref}" for ref, (_, after) in moved.items()]
    return git.run(
        "push", "--atomic", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--no-thin",
        "--recurse-submodules=no", *leases, "--end-of-options", url, *refspecs,
        check=False,
    )  # fmt: skip


def _keep(repository: GitRepository, tags: Sequence[NewTag], objects: Mapping[str, str], tagger: str) -> None:
    """Make the pushed tags in the clone as well, where the commit is here to carry them."""
    for tag in tags:
        present = repository.git.ask("rev-parse", "--verify", "--quiet", f"refs/tags/{tag.name}")
        if present is None and repository.has(tag.commit):
            # What is on the remote is written; that this clone cannot take it is no failure.
            with contextlib.suppress(Raced, PlatformRefused):
                write_objects(repository.git, [tag], tagger, {})
                create_refs(repository.git, {tag.name: objects[tag.name]})
