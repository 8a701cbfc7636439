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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tagline.adapters.git import Git, Result, plain_stderr
from tagline.adapters.git_refusals import refused_push
from tagline.adapters.git_remote import RemoteCache, RemoteUrl, guard_ref
from tagline.adapters.git_repository import GitRepository
from tagline.domain.events import RawTag
from tagline.domain.planning import NewTag
from tagline.errors import Conflict, NotFound, PlatformRefused, Refused, WrongUsage
from tagline.ports import Raced, Snapshot, Tree

_LOCK_SECONDS = 30
_RACE_RE = re.compile(
    r"stale info|already exists|cannot lock ref|failed to update ref|incorrect old value|reference already|"
    r"fetch first|unable to create '[^']*\.lock'|is at [0-9a-f]+ but expected|failed to lock",
    re.I,
)


class Tagger:
    """Who the tags are by, as Git knows it."""

    def __init__(self, git: Git, fallback: tuple[str, str] | None) -> None:
        self._git = git
        self._fallback = fallback

    def identity(self) -> str:
        """``Name <email>``. Raises WrongUsage when Git knows nobody and there is no fallback."""
        known = self._git.ask("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        if known:
            return known.rpartition("> ")[0] + ">"
        if self._fallback:
            name, email = self._fallback
            return f"{name} <{email}>"
        raise WrongUsage(
            "Git does not know who you are, and a tag needs a tagger.",
            "Say so: git config user.name 'Your Name' and git config user.email you@example.org",
            code="no-identity",
        )


def _tag_object(tag: NewTag, tagger: str) -> bytes:
    return (
        f"object {tag.commit}\ntype commit\ntag {tag.name}\ntagger {tagger} {tag.time} +0000\n\n{tag.message}"
    ).encode()


def _write_objects(git: Git, tags: Sequence[NewTag], tagger: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Store the tag objects; name to object id.

    ``hash-object`` and not ``mktag``: in a shallow clone the commit may be on the remote only.
    """
    objects = {}
    for tag in tags:
        result = git.run(
            "hash-object",
            "-t",
            "tag",
            "-w",
            "--stdin",
            stdin=_tag_object(tag, tagger),
            environment=environment,
        )
        objects[tag.name] = result.stdout.decode().strip()
    return objects


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
        f"The tag {name} exists {where} already ({object_id[:7]}) and is not the tag that was planned.",
        f"Look at it: git show {name}. If it is a leftover, delete it: git tag -d '{name}'",
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


class LocalLedger:
    """Writes tags into this repository only (``--no-push``)."""

    def __init__(self, repository: GitRepository, tagger: Tagger) -> None:
        self._repository = repository
        self._tagger = tagger

    def snapshot(self, artifact: str) -> Snapshot:
        """The artifact's tags here."""
        tags = list(self._repository.tags([artifact], details=True))
        return Snapshot(tags, _mark(tags))

    def policy_tree(self) -> Tree | None:
        """The default branch as this clone knows it."""
        return self._repository.default_branch_tree()

    def publish(self, artifact: str, tags: Sequence[NewTag], mark: str) -> None:
        """Make the tags in one transaction, under a lock that leaves no file behind."""
        git = self._repository.git
        with _locked(self._repository.place.common_dir):
            if self.snapshot(artifact).mark != mark:
                raise Raced
            _require_free(git, [tag.name for tag in tags])
            objects = _write_objects(git, tags, self._tagger.identity(), {})
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


class RemoteLedger:
    """Writes tags to a remote first (``--push``) and, when that is done, here.

    ``repository`` is the clone that pushes; for a remote named by URL it is None and the cached
    repository pushes.
    """

    def __init__(
        self,
        cache: RemoteCache,
        remote: RemoteUrl,
        repository: GitRepository | None,
        fallback: tuple[str, str] | None,
    ) -> None:
        self._cache = cache
        self._remote = remote
        self._repository = repository
        self._fallback = fallback
        self._cached: GitRepository | None = None

    def snapshot(self, artifact: str) -> Snapshot:
        """The artifact's tags on the remote, and where its guard stands."""
        self._cached = cached = self._cache.fetch(self._remote, artifact)
        # The guard first: should another run refresh the cache in between, the mark is too old and
        # the push is refused; the other way round it could be too new.
        guard = cached.git.ask("rev-parse", "--verify", "--quiet", guard_ref(artifact))
        tags = list(cached.tags([artifact], details=True))
        return Snapshot(tags, guard or "")

    def policy_tree(self) -> Tree | None:
        """The remote's default branch as it is now."""
        cached = self._cached or self._cache.fetch(self._remote, None)
        try:
            return cached.tree(self._cache.fetch_revision(cached, "HEAD"))
        except NotFound:
            return None

    def publish(self, artifact: str, tags: Sequence[NewTag], mark: str) -> None:
        """Push all the tags and move the artifact's guard, in one atomic push; then make them here."""
        cached = self._cached or self._cache.fetch(self._remote, artifact)
        pusher = self._repository or cached
        tagger = Tagger(pusher.git, self._fallback).identity()
        with tempfile.TemporaryDirectory(prefix="tagline-") as folder:
            environment = _quarantine(pusher, cached, Path(folder))
            objects = _write_objects(pusher.git, tags, tagger, environment)
            objects |= self._local_twins(tags)
            git = Git(pusher.git.directory, [*pusher.git.config, *self._remote.config], environment)
            result = _push(git, self._remote.url, artifact, objects, mark)
        if result.status != 0:
            self._explain(result, tags)
        if any(line.startswith(b"=") for line in result.stdout.splitlines()):
            # Another run made the very same tag in the same second; it made it, not we.
            raise Raced
        if self._repository is not None:
            _keep(self._repository, tags, objects, tagger)

    def _local_twins(self, tags: Sequence[NewTag]) -> dict[str, str]:
        """Tags of these names that exist in the clone already, made without pushing: they go as they are.

        Raises Conflict when one points elsewhere.
        """
        if self._repository is None:
            return {}
        wanted = {tag.name: tag for tag in tags}
        twins = {}
        for name, tag in wanted.items():
            found = self._repository.git.ask("rev-parse", "--verify", "--quiet", f"refs/tags/{name}")
            if found is None:
                continue
            commit = self._repository.git.ask("rev-parse", "--verify", "--quiet", f"refs/tags/{name}^{{commit}}")
            kind = self._repository.git.ask("cat-file", "-t", found)
            if kind != "tag" or commit != tag.commit:
                raise _taken(name, found, "in this clone, not on the remote,")
            twins[name] = found
        return twins

    def _explain(self, result: Result, tags: Sequence[NewTag]) -> None:
        """Turn a failed push into Raced or into an error that contains the fix."""
        said = f"{result.stdout.decode(errors='replace')}\n{result.stderr}"
        for name in (tag.name for tag in tags):
            for blocker in self._blocking(name):
                raise _collision(name, blocker)
        if _RACE_RE.search(said) and "pre-receive hook declined" not in said:
            raise Raced
        raise refused_push(self._remote.url, said)

    def _blocking(self, name: str) -> list[str]:
        """Tags on the remote that stand in the way of ``name``; asked only after a failure."""
        git = Git(Path(os.sep), [*self._remote.borrowed, *self._remote.config])
        patterns = [f"refs/tags/{above}" for above in blockers(name)]
        found = git.ask("ls-remote", "--refs", self._remote.url, *patterns, f"refs/tags/{name}/*") or ""
        refs = (line.partition("\t")[2].removeprefix("refs/tags/") for line in found.splitlines())
        exact = set(blockers(name))
        return [ref for ref in refs if ref in exact or ref.startswith(f"{name}/")]


def _quarantine(pusher: GitRepository, cached: GitRepository, folder: Path) -> dict[str, str]:
    """An environment in which new objects land in ``folder``, away from every repository.

    The cache's objects are visible too: in a shallow clone an older version's commit is only there.
    """
    sources = [pusher.place.common_dir / "objects"]
    if cached.place.common_dir != pusher.place.common_dir:
        sources.append(cached.place.common_dir / "objects")
    quoted = (f'"{path.absolute()!s}"' for path in sources)
    return {"GIT_OBJECT_DIRECTORY": str(folder), "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(quoted)}


def _push(git: Git, url: str, artifact: str, objects: Mapping[str, str], guard: str) -> Result:
    refspecs = [f"{object_id}:refs/tags/{name}" for name, object_id in objects.items()]
    newest = list(objects.values())[-1]
    reference = guard_ref(artifact)
    return git.run(
        "push", "--atomic", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--no-thin",
        "--recurse-submodules=no", f"--force-with-lease={reference}:{guard}",
        url, *refspecs, f"{newest}:{reference}",
        check=False,
    )  # fmt: skip


def _keep(repository: GitRepository, tags: Sequence[NewTag], objects: Mapping[str, str], tagger: str) -> None:
    """Make the pushed tags in the clone as well, where the commit is here to carry them."""
    for tag in tags:
        present = repository.git.ask("rev-parse", "--verify", "--quiet", f"refs/tags/{tag.name}")
        if present is None and repository.has(tag.commit):
            _write_objects(repository.git, [tag], tagger, {})
            with contextlib.suppress(Raced):  # another run has just made it
                create_refs(repository.git, {tag.name: objects[tag.name]})
