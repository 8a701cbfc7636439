"""The ledger on a remote: tags are pushed there first, with the record of their writing, and made here after it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tagline.adapters.git.ledger import RACE_RE, blockers, by_artifact, collision, create_refs, policy_of
from tagline.adapters.git.pushing import held, outbox, push, push_out, within
from tagline.adapters.git.records import MOST_RECORDS, Tip, actor_of, read_tips, write_record, written_at
from tagline.adapters.git.refusals import refused_push, unreachable
from tagline.adapters.git.remote import RemoteCache, guard_ref, is_missing, list_refs
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, Result
from tagline.adapters.git.tag_objects import Tagger, copy_tag, put_objects, write_objects
from tagline.adapters.git.tags import TAGS, tags_among
from tagline.adapters.git.trees import CommitTree
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.planning import NewTag
from tagline.domain.ledger.records import WRITE, Record, RecordedTag
from tagline.domain.ledger.tags import parse_tag
from tagline.errors import Conflict, NotFound, PlatformRefused
from tagline.ports.ledger import Batch, Raced, Snapshot

#: By so much may another machine's clock be ahead of ours.
_CLOCKS = 120
#: Seconds between looks at a remote whose guard and tags do not fit yet.
_SETTLING = (0.05, 0.2, 0.5)
#: The same where it has tags that its lists do not show.
LATE = (1.0, 2.0, 4.0, 8.0)


class _Found(NamedTuple):
    """What a remote shows of an artifact: where its guard stands, its tags, and their objects by name."""

    guard: Tip | None
    tags: list[RawTag]
    objects: Mapping[str, str]

    @property
    def unshown(self) -> set[str]:
        """Of the tags of the write that the guard is on those that are not shown as it wrote them."""
        guard = self.guard
        if guard is None or guard.object_id in self.objects.values():  # the latter: a guard of the old form
            return set()
        record = guard.record
        return {tag.tag for tag in record.tags if self.objects.get(tag.tag) != tag.tag_object} if record else set()


def _snapshot(found: _Found, mine: Iterable[RawTag]) -> Snapshot:
    unpublished = tuple(tag for tag in mine if found.objects.get(tag.name) != tag.object_id)
    return Snapshot(found.tags, found.guard.object_id if found.guard is not None else "", unpublished)


class RemoteLedger:
    """Writes tags to a remote first (``--push``) and, when that is done, here.

    ``repository`` is the clone that pushes; for a remote named by URL it is None and the cached
    repository pushes. ``commits`` opens the repositories that hold the commits to be tagged where
    neither of them does.
    """

    def __init__(
        self,
        cache: RemoteCache,
        remote: RemoteUrl,
        repository: GitRepository | None,
        fallback: tuple[str, str] | None,
        commits: Callable[[], Sequence[GitRepository]] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._cache = cache
        self._remote = remote
        self._repository = repository
        self._fallback = fallback
        self._commits = commits or (lambda: [cache.files(remote)])
        self._now = now
        self._snapshots: dict[str, GitRepository] = {}
        #: What the guards of the snapshots stood at, by artifact.
        self._tips: dict[str, Tip] = {}

    @property
    def cached(self) -> GitRepository:
        """The cached repository of the last snapshot, or one without tags before the first."""
        return next(reversed(self._snapshots.values()), None) or self._cache.files(self._remote)

    def snapshots(self, artifacts: Collection[str]) -> dict[str, Snapshot]:
        """The artifacts' tags on the remote, and where their guards stand, by one negotiation."""
        # The clone's own tags first: what another run pushes is made here only after it is there, so
        # this order never takes it for unpublished.
        mine = self._own_events(artifacts)
        found = self._read(artifacts)
        for pause in _SETTLING:
            # A server that writes an atomic push ref by ref shows the guard before the tags that it is on.
            if not any(one.unshown for one in found.values()):
                break
            time.sleep(pause)
            found = self._read(artifacts)
        known = {name: {tag.name for tag in mine[name]} | one.unshown for name, one in found.items()}
        if any(not known[name] <= one.objects.keys() for name, one in found.items()):
            found = self._wait_for(known, found)
        return {name: _snapshot(one, mine[name]) for name, one in found.items()}

    def _own_events(self, artifacts: Collection[str]) -> dict[str, list[RawTag]]:
        """The clone's tags, by artifact.

        Lightweight ones are a checkout's doing, and names outside the grammar are somebody else's tags.
        """
        if self._repository is None or not artifacts:
            return {name: [] for name in artifacts}
        events = (tag for tag in self._repository.tags(artifacts) if tag.object_type == "tag" and parse_tag(tag.name))
        return by_artifact(artifacts, events)

    def _wait_for(self, known: Mapping[str, set[str]], found: dict[str, _Found]) -> dict[str, _Found]:
        """Look again until the lists show those of the tags ``known`` which the remote has.

        A replica may lag behind. What the remote has not was deleted there, or never published. Raises Conflict.
        """

        def missing() -> set[str]:
            return {tag for name, one in found.items() for tag in known[name] - one.objects.keys()}

        late = set(held(self.cached.git, self._remote, sorted(missing())))
        hidden = late
        for pause in LATE:
            if not hidden:
                break
            time.sleep(pause)
            found = self._read(found.keys())
            hidden = late & missing()
        if not hidden:
            return found
        raise Conflict(
            f"{self._remote.url} has {', '.join(sorted(hidden))}, and its lists do not show it yet.",
            "Run the same command again in a minute. Nothing was written.",
            code="late-list",
        )

    def _read(self, artifacts: Collection[str]) -> dict[str, _Found]:
        if not artifacts:
            return {}
        for artifact in artifacts:
            self._snapshots.pop(artifact, None)
            self._tips.pop(artifact, None)
        cached = self._cache.fetch(self._remote, artifacts)
        self._snapshots.update(dict.fromkeys(artifacts, cached))
        # The guards before the tags: should another run refresh the cache in between, a mark is
        # too old and the push is refused; the other way round it could be too new.
        guards = self._guards(cached.git, artifacts)
        self._tips.update(guards)
        tags = by_artifact(artifacts, cached.tags(None, details=True))
        return {
            name: _Found(guards.get(name), tags[name], {tag.name: tag.object_id for tag in tags[name]})
            for name in artifacts
        }

    @staticmethod
    def _guards(git: Git, artifacts: Collection[str]) -> dict[str, Tip]:
        """What the guards of artifacts stand at, by artifact; three processes for all."""
        names = {guard_ref(name): name for name in artifacts}
        output = git.run("for-each-ref", "--format=%(objectname) %(refname)", "refs/tagline").stdout
        refs = (line.partition(" ") for line in output.decode(errors="surrogateescape").splitlines())
        at = {names[ref]: object_id for object_id, _, ref in refs if ref in names}
        tips = read_tips(git, at.values())
        return {name: tips[object_id] for name, object_id in at.items()}

    def tag_names(self) -> Collection[str]:
        """Of the remote's tags, by one listing."""
        return tags_among(list_refs(self._remote)).keys()

    def written_at(self, artifacts: Collection[str]) -> dict[str, dict[str, int]]:
        """By the chains of the last snapshots' artifacts, by one fetch; the snapshots have the newest records alone."""
        tips = {name: tip.object_id for name in artifacts if (tip := self._tips.get(name)) and tip.kind == "commit"}
        if not tips:
            return {name: {} for name in artifacts}
        chains = self._cache.store(self._remote, "@chains")
        options = [f"--depth={MOST_RECORDS}", "--filter=tree:0"]
        result = self._cache.bring(chains, options, sorted(set(tips.values())))
        if is_missing(result):  # somebody has written a line anew: what can be told of it is that it is new
            result = self._cache.bring(chains, options, sorted(map(guard_ref, tips)))
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)
        latest = self._now() + _CLOCKS
        return {name: written_at(chains.git, tips[name], latest) if name in tips else {} for name in artifacts}

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
        return policy_of(self.default_branch_tree)

    def bring_home(self, artifact: str, tags: Mapping[str, str]) -> None:
        """Into the clone, the objects of the remote, where the commit is here to carry them."""
        clone = self._repository
        if clone is not None:
            source = self._snapshots[artifact].git
            _keep(clone, tags, lambda name: copy_tag(source, clone.git, name))

    def publish(self, batches: Sequence[Batch]) -> dict[str, str]:
        """Push all the tags and move the artifacts' guards, in one atomic push; then make them here."""
        cached = [self._snapshots.get(batch.artifact) or self.cached for batch in batches]
        pusher = self._repository or cached[0]
        tags = [tag for batch in batches for tag in batch.tags]
        tagger = Tagger(pusher.git, self._fallback).identity()
        # In a shallow clone an older version's commit is in the cache only; a revision that was
        # named for a remote without a clone is in another repository.
        sources = [pusher, *cached] if self._repository is not None else [*cached, *self._commits()]
        with outbox(sources, tags[0].commit, self._remote) as box:
            folder = box.directory / "objects"
            objects = put_objects(folder, tags, tagger)
            above = read_tips(box, [batch.mark for batch in batches if batch.mark])
            moved = {}
            for batch in batches:
                record = self._record(batch, objects, tagger)
                written = write_record(folder, record, above.get(batch.mark), batch.tags[0].commit)
                moved[guard_ref(batch.artifact)] = (batch.mark, written.object_id)
            if self._repository is not None:
                # From the clone: what Git's configuration says of just this place counts for its pushes.
                result = push(within(pusher.git, box, self._remote.config), self._remote.url, objects, moved)
            else:
                result = push_out(box, pusher.git, self._remote.url, objects, moved)
        if result.status != 0:
            self._explain(result, tags)
        if any(line.startswith(b"=") for line in result.stdout.splitlines()):
            # Another run made the very same tag in the same second; it made it, not we.
            raise Raced
        if self._repository is not None:
            git, by_name = self._repository.git, {tag.name: tag for tag in tags}
            commits = {tag.name: tag.commit for tag in tags}
            _keep(self._repository, commits, lambda name: write_objects(git, [by_name[name]], tagger)[name])
        return objects

    def _record(self, batch: Batch, objects: Mapping[str, str], tagger: str) -> Record:
        tags = tuple(RecordedTag(tag.name, objects[tag.name], tag.commit) for tag in batch.tags)
        return Record(WRITE, tags, batch.change, actor_of(tagger), int(self._now()))

    def _explain(self, result: Result, tags: Sequence[NewTag]) -> None:
        """Turn a failed push into Raced or into an error that contains the fix."""
        said = f"{result.stdout.decode(errors='replace')}\n{result.stderr}"
        if "stale info" in said:  # the guard has moved: no need to look further
            raise Raced
        for name, blocker in self._blocking([tag.name for tag in tags]):
            raise collision(name, blocker)
        if RACE_RE.search(said) and "pre-receive hook declined" not in said:
            raise Raced
        raise refused_push(self._remote.url, said)

    def _blocking(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Names, and the tags on the remote that stand in their way; asked only after a failure."""
        above = {name: blockers(name) for name in names}
        patterns = {f"{TAGS}{ref}" for name in names for ref in (f"{name}/*", *above[name])}
        git = Git(Path(os.sep), self._remote.everything, moved=self._remote.moved)
        found = git.ask("ls-remote", "--refs", "--end-of-options", self._remote.url, *sorted(patterns)) or ""
        refs = [line.partition("\t")[2].removeprefix(TAGS) for line in found.splitlines()]
        return [(name, ref) for name in names for ref in refs if ref in above[name] or ref.startswith(f"{name}/")]


def _keep(clone: GitRepository, tags: Mapping[str, str], store: Callable[[str], str]) -> None:
    """Make tags of the remote in the clone as well, where their commits are here to carry them.

    ``store`` puts a tag's object into the clone, and gives its id.
    """
    for name, commit in tags.items():
        present = clone.git.ask("rev-parse", "--verify", "--quiet", f"refs/tags/{name}")
        if present is None and clone.has(commit):
            # What is on the remote is written; that this clone cannot take it is no failure.
            with contextlib.suppress(Raced, PlatformRefused):
                create_refs(clone.git, {name: store(name)})
