"""A remote registry, read without a clone: one artifact's tags by ref globs, into a small cache.

Each pair of URL and artifact has a bare repository of its own in the cache folder, filled as
git_tag_fetch says; files are in repositories of their own. A lock file keeps concurrent runs
apart. Tokens travel as configuration in the environment of the child.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from tagline.adapters.git import seen as git_seen
from tagline.adapters.git import tag_fetch as git_tag_fetch
from tagline.adapters.git.refusals import unreachable
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, Place, Result
from tagline.adapters.git.urls import LoginFor, RemoteUrl, upstream_of
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.moved import Moved
from tagline.domain.ledger.tags import artifact_in_tag, why_git_refuses
from tagline.errors import NotFound, PlatformRefused, WrongUsage

_NO_REVISION_RE = re.compile(r"couldn't find remote ref|not our ref|invalid refspec|unadvertised object", re.I)
# Our own cached repository is broken, not the remote.
_DAMAGED_RE = re.compile(
    r"not a git repository|index file|corrupt|bad object|loose object|packfile|invalid sha1|did not send all|"
    r"unable to read|shallow file has changed|bad config",
    re.I,
)
_DAY = 86_400
#: What may name a revision of a remote: no option, no refspec.
_REVISION_RE = re.compile(r"[^-+^:*\s\x00-\x1f][^:*\s\x00-\x1f]*")

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


def is_damage(result: Result) -> bool:
    """Whether git failed because our own cached repository is broken."""
    return result.status != 0 and _DAMAGED_RE.search(result.stderr) is not None


def is_missing(result: Result) -> bool:
    """Whether git failed because the remote has nothing of that name."""
    return result.status != 0 and _NO_REVISION_RE.search(result.stderr) is not None


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
        git = self._git(path, remote)
        with self._locked(path):
            before = git_seen.objects(git) if (path / "config").exists() else {}
            result = self._refresh(path, remote, artifact)
            if is_damage(result):
                shutil.rmtree(path, ignore_errors=True)
                result = self._refresh(path, remote, artifact)
            if result.status != 0:
                raise unreachable(remote.url, result.stderr)
            moved = git_seen.look(git, path, before, guard_ref(artifact) if artifact is not None else None)
        found = self._repository(path, git, remote)
        found.moved = moved
        return found

    def _refresh(self, path: Path, remote: RemoteUrl, artifact: str | None) -> Result:
        if not (path / "config").exists():
            return self._clone(path, remote, _refspecs(artifact))
        git = self._git(path, remote)
        result = git_tag_fetch.unlocking(path, lambda: git_tag_fetch.update(git, path, _refspecs(artifact)))
        if result.status == 0:
            git_tag_fetch.tidy(git, path)
        return result

    def _clone(self, path: Path, remote: RemoteUrl, refspecs: Sequence[str]) -> Result:
        """Make the repository beside its place, so that a run that is killed leaves none that is half done."""
        with self._fresh(path) as fresh:
            git = Git(self._folder, [*git_tag_fetch.CHEAP, *remote.everything])
            result = git_tag_fetch.clone(git, fresh, remote.url, refspecs)
            if result.status == 0:
                self._configure(fresh, remote, git_tag_fetch.WITHOUT)
                fresh.rename(path)
        return result

    def files(self, remote: RemoteUrl) -> GitRepository:
        """A repository without any tags, to read the remote's files from."""
        return self.store(remote, "@files")

    def store(self, remote: RemoteUrl, what: str, without: str = git_tag_fetch.WITHOUT) -> GitRepository:
        """A repository without any tags; ``without`` is what its fetches leave out (a filter of Git's).

        ``what`` begins with ``@``, as no artifact's name does.
        """
        path = self._path(remote, what)
        with self._locked(path):
            return self._repository(path, self._open(path, remote, without), remote)

    def drop(self, repository: GitRepository) -> None:
        """Forget a stored repository that is broken."""
        path = repository.place.root
        with self._locked(path):
            shutil.rmtree(path, ignore_errors=True)

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
            return git_tag_fetch.unlocking(path, lambda: repository.git.run(*command, stdin=stdin, check=False))

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
            result = git_tag_fetch.unlocking(repository.place.root, lambda: repository.git.run(*command, check=False))
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

    def _open(self, path: Path, remote: RemoteUrl, without: str = git_tag_fetch.WITHOUT) -> Git:
        if not (path / "config").exists():
            with self._fresh(path) as fresh:
                Git(fresh, [("init.templateDir", "")]).run("init", "--bare", "--quiet", ".")
                self._configure(fresh, remote, without)
                fresh.rename(path)
        return self._git(path, remote)

    @staticmethod
    def _git(path: Path, remote: RemoteUrl) -> Git:
        return Git(path, [("safe.directory", str(path)), *git_tag_fetch.CHEAP, *remote.everything])

    @contextlib.contextmanager
    def _fresh(self, path: Path) -> Iterator[Path]:
        """An empty folder to become the repository at ``path``; what is there is broken, and goes."""
        shutil.rmtree(path, ignore_errors=True)
        for left in self._folder.glob("new-*"):  # by a run that was killed
            with contextlib.suppress(OSError):
                if left.stat().st_mtime < time.time() - _DAY:
                    shutil.rmtree(left, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(dir=self._folder, prefix="new-"))
        try:
            yield fresh
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    @staticmethod
    def _configure(fresh: Path, remote: RemoteUrl, without: str) -> None:
        (fresh / "config").write_text(_CACHE_CONFIG % (_quoted(remote.url), without))


class GitUpstream:
    """The remote of a clone, to compare the clone's tags with."""

    def __init__(self, repository: GitRepository, name: str, cache: RemoteCache, login_for: LoginFor) -> None:
        self.name = name
        self._repository = repository
        self._cache = cache
        self._login_for = login_for
        self.moved: list[Moved] = []

    def tags(self, artifact: str) -> list[RawTag]:
        """The remote's own tags of one artifact."""
        return list(self._cache.fetch(self._remote(), artifact).tags([artifact], details=True))

    def tag_objects(self, artifacts: Collection[str] | None) -> dict[str, str]:
        """Tag name to object id, of some artifacts or of all."""
        try:
            remote = self._remote()
            if artifacts is None:
                return self._list(remote)
            cached = {artifact: self._cache.fetch(remote, artifact) for artifact in artifacts}
            self.moved = [one for found in cached.values() for one in found.moved]
            return {tag.name: tag.object_id for artifact, found in cached.items() for tag in found.tags([artifact])}
        except PlatformRefused as error:
            hint = f"{error.hint}\nOr answer from the tags that are here: --offline"
            raise PlatformRefused(error.message, hint, code=error.code) from error

    def _remote(self) -> RemoteUrl:
        return upstream_of(self._repository, self.name, login_for=self._login_for)

    @staticmethod
    def _list(remote: RemoteUrl) -> dict[str, str]:
        git = Git(Path(os.sep), remote.everything)
        result = git.run("ls-remote", "--tags", "--refs", "--end-of-options", remote.url, check=False)
        if result.status != 0:
            raise unreachable(remote.url, result.stderr)
        lines = (line.split("\t", 1) for line in result.stdout.decode(errors="surrogateescape").splitlines())
        return {ref.removeprefix("refs/tags/"): object_id for object_id, ref in lines}
