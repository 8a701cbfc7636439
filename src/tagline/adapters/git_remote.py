"""A remote registry, read without a clone: one artifact's tags by ref globs, into a small cache.

Each pair of URL and artifact has a bare repository of its own in the cache folder, filled by
depth-1 fetches without trees; files are fetched by Git when they are read. A lock file keeps
concurrent runs apart. Tokens travel as configuration in the environment of the child.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from tagline.adapters.git import Git, Place, Result
from tagline.adapters.git_refusals import unreachable
from tagline.adapters.git_repository import GitRepository
from tagline.adapters.git_urls import RemoteUrl, TokenFor, upstream_of
from tagline.domain.events import RawTag
from tagline.domain.tags import artifact_in_tag, why_git_refuses
from tagline.errors import NotFound, PlatformRefused, WrongUsage

_NO_REVISION_RE = re.compile(r"couldn't find remote ref|not our ref|invalid refspec|unadvertised object", re.I)
# A run was killed while it held one of git's own locks.
_STALE_LOCK_RE = re.compile(r"\.lock': File exists")
# Our own cached repository is broken, not the remote.
_DAMAGED_RE = re.compile(
    r"not a git repository|index file|corrupt|bad object|loose object|packfile|invalid sha1|did not send all|"
    r"unable to read|shallow file has changed|bad config",
    re.I,
)
_COMPLAINT_RE = re.compile(r"^(fatal|error): *\S", re.M)
#: What may name a revision of a remote: no option, no refspec.
_REVISION_RE = re.compile(r"[^-+^:*\s\x00-\x1f][^:*\s\x00-\x1f]*")

#: The usual filter: commits and tags alone, files when they are read.
_WITHOUT = "tree:0"
_CACHE_CONFIG = """\
[core]
\trepositoryFormatVersion = 1
\tbare = true
\tlogAllRefUpdates = false
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = %s
\tpromisor = true
\tpartialCloneFilter = %s
"""


def _quoted(value: str) -> str:
    """A value as Git's configuration files quote it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def guard_ref(artifact: str) -> str:
    """The ref that every push of an artifact's tags moves, so that two runs cannot both succeed."""
    return f"refs/tagline/{artifact_in_tag(artifact)}@guard"


def _refspecs(artifact: str | None) -> list[str]:
    if artifact is None:
        return ["+refs/tags/*:refs/tags/*"]
    base = artifact_in_tag(artifact)
    globs = (f"refs/tags/{base}@*", f"refs/tags/{base}#*", f"refs/tagline/{base}@*")
    return [f"+{glob}:{glob}" for glob in globs]


def _unlocking(path: Path, run: Callable[[], Result]) -> Result:
    """Run git in the cache at ``path``; once more when a killed run has left one of git's locks there."""
    result = run()
    if result.status != 0 and _STALE_LOCK_RE.search(result.stderr):
        for stale in path.rglob("*.lock"):  # we hold our own lock: nobody else writes here now
            stale.unlink()
        return run()
    return result


class RemoteCache:
    """The folder of cached remotes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, remote: RemoteUrl, artifact: str | None) -> GitRepository:
        """A repository with exactly the remote's tags of ``artifact`` (None: all its tags).

        Raises PlatformRefused when the remote cannot be reached, NotFound for a name that no tag
        can carry.
        """
        if artifact is not None and (why := why_git_refuses(f"{artifact_in_tag(artifact)}@v0")):
            raise NotFound(
                f"No tag can name an artifact {artifact!r}: {why}.", "Check its spelling.", code="unknown-artifact"
            )
        path = self._path(remote, "" if artifact is None else artifact)
        with self._locked(path):
            git = self._open(path, remote)
            result = _unlocking(path, lambda: self._fetch(git, artifact))
            if result.status != 0 and _DAMAGED_RE.search(result.stderr):
                shutil.rmtree(path, ignore_errors=True)
                git = self._open(path, remote)
                result = self._fetch(git, artifact)
        if result.status != 0:
            raise unreachable(remote.url, result.stderr)
        return self._repository(path, git, remote)

    def files(self, remote: RemoteUrl) -> GitRepository:
        """A repository without any tags, to read the remote's files from."""
        return self.store(remote, "@files")

    def store(self, remote: RemoteUrl, what: str, without: str = _WITHOUT) -> GitRepository:
        """A repository without any tags; ``without`` is what its fetches leave out (a filter of Git's).

        ``what`` begins with ``@``, as no artifact's name does.
        """
        path = self._path(remote, what)
        with self._locked(path):
            return self._repository(path, self._open(path, remote, without), remote)

    def bring(self, repository: GitRepository, options: Sequence[str], revisions: Sequence[str]) -> Result:
        """Fetch revisions of the remote into a stored repository; git's own result.

        With ``--stdin`` among the options any number of objects, whatever is here already.
        """
        command = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--refmap="]
        stdin = None
        if "--stdin" in options:
            command = ["-c", "fetch.negotiationAlgorithm=noop", *command, *options, "origin"]
            stdin = "".join(f"{revision}\n" for revision in revisions).encode()
        else:
            command += [*options, "--end-of-options", "origin", *revisions]
        path = repository.place.root
        with self._locked(path):
            return _unlocking(path, lambda: repository.git.run(*command, stdin=stdin, check=False))

    def fetch_revision(self, repository: GitRepository, revision: str) -> str:
        """Bring one commit of the remote into a cached repository; its id.

        Raises NotFound when the remote has no such revision, WrongUsage for what cannot be one,
        PlatformRefused when it does not answer.
        """
        if not _REVISION_RE.fullmatch(revision):
            raise WrongUsage(f"{revision!r} is no revision.", "Name a branch, a tag or a commit.", code="bad-revision")
        with self._locked(repository.place.root):
            command = (
                "fetch", "--quiet", "--no-tags", "--depth=1", "--filter=tree:0", "--recurse-submodules=no",
                "--refmap=", "--end-of-options", "origin", revision,
            )  # fmt: skip
            result = _unlocking(repository.place.root, lambda: repository.git.run(*command, check=False))
            if result.status == 0:
                return repository.commit("FETCH_HEAD")
        if not _NO_REVISION_RE.search(result.stderr):
            raise unreachable(repository.url, result.stderr)
        hint = "Name a branch, a tag or a full commit id of the remote with --rev."
        if revision == "HEAD":
            hint = "Its default branch has no commit, or does not exist: push one, or choose another in its settings."
        raise NotFound(f"{repository.url} has no revision {revision!r}.", hint, code="unknown-revision")

    def _path(self, remote: RemoteUrl, what: str) -> Path:
        key = hashlib.sha256(f"{remote.url}\n{what}".encode(errors="surrogateescape")).hexdigest()[:32]
        return self._folder / f"{key}.git"

    @staticmethod
    def _repository(path: Path, git: Git, remote: RemoteUrl) -> GitRepository:
        return GitRepository(Place(path, path, path, bare=True), git, url=remote.url, remote="origin")

    @contextlib.contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Keep every other run from writing to the cached repository at ``path``. Reading needs no lock."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder.stat().st_uid != os.geteuid():
                raise PermissionError(0, "it belongs to another user")
            lock = path.with_suffix(".lock").open("w")
        except OSError as error:
            raise PlatformRefused(
                f"The cache folder {self._folder} cannot be written: {error.strerror}.",
                "Name another: TAGLINE_CACHE=/path",
                code="cache",
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open(self, path: Path, remote: RemoteUrl, without: str = _WITHOUT) -> Git:
        if not (path / "config").exists():
            shutil.rmtree(path, ignore_errors=True)
            fresh = Path(tempfile.mkdtemp(dir=self._folder, prefix="new-"))
            git = Git(fresh, [("init.templateDir", "")])
            git.run("init", "--bare", "--quiet", ".")
            (fresh / "config").write_text(_CACHE_CONFIG % (_quoted(remote.url), without))
            fresh.rename(path)
        return Git(path, [("safe.directory", str(path)), *remote.everything])

    def _fetch(self, git: Git, artifact: str | None) -> Result:
        options = ("--quiet", "--prune", "--atomic", "--no-tags", "--no-write-fetch-head", "--filter=tree:0")
        command = ("fetch", *options, "--recurse-submodules=no")
        result = git.run(*command, "--depth=1", "origin", *_refspecs(artifact), check=False)
        if result.status == 1 and not _COMPLAINT_RE.search(result.stderr):
            # With --depth, git fails without giving a reason when no ref matches. Without it, it
            # succeeds, and drops the tags that are gone.
            result = git.run(*command, "origin", *_refspecs(artifact), check=False)
        return result


class GitUpstream:
    """The remote of a clone, to compare the clone's tags with."""

    def __init__(self, repository: GitRepository, name: str, cache: RemoteCache, token_for: TokenFor) -> None:
        self.name = name
        self._repository = repository
        self._cache = cache
        self._token_for = token_for

    def tags(self, artifact: str) -> list[RawTag]:
        """The remote's own tags of one artifact."""
        return list(self._cache.fetch(self._remote(), artifact).tags([artifact], details=True))

    def tag_objects(self, artifacts: Collection[str] | None) -> dict[str, str]:
        """Tag name to object id, of some artifacts or of all."""
        try:
            remote = self._remote()
            if artifacts is None:
                return self._list(remote)
            cached = ((artifact, self._cache.fetch(remote, artifact)) for artifact in artifacts)
            return {tag.name: tag.object_id for artifact, found in cached for tag in found.tags([artifact])}
        except PlatformRefused as error:
            hint = f"{error.hint}\nOr answer from the tags that are here: --offline"
            raise PlatformRefused(error.message, hint, code=error.code) from error

    def _remote(self) -> RemoteUrl:
        return upstream_of(self._repository, self.name, token_for=self._token_for)

    @staticmethod
    def _list(remote: RemoteUrl) -> dict[str, str]:
        git = Git(Path(os.sep), remote.everything)
        result = git.run("ls-remote", "--tags", "--refs", "--end-of-options", remote.url, check=False)
        if result.status != 0:
            raise unreachable(remote.url, result.stderr)
        lines = (line.split("\t", 1) for line in result.stdout.decode(errors="surrogateescape").splitlines())
        return {ref.removeprefix("refs/tags/"): object_id for object_id, ref in lines}
