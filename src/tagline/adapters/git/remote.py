"""A remote registry, read without a clone: some artifacts' tags by ref globs, into a small cache.

Each pair of a URL and artifacts that are read together has a bare repository of its own in the cache folder, filled as
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
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from tagline.adapters.git import filters
from tagline.adapters.git import seen as git_seen
from tagline.adapters.git import tag_fetch as git_tag_fetch
from tagline.adapters.git.refusals import cache_unwritable, unreachable
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, Place, Result, require_readable_at
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.ledger.tags import artifact_in_tag, why_no_tag_names
from tagline.errors import NotFound, PlatformRefused, WrongUsage

_NO_REVISION_RE = re.compile(r"couldn't find remote ref|not our ref|invalid refspec|unadvertised object", re.I)
# Our own cached repository is broken, not the remote.
_DAMAGED_RE = re.compile(
    r"not a git repository|index file|corrupt|bad object|loose object|packfile|invalid sha1|did not send all|"
    r"unable to read|shallow file has changed|bad config",
    re.I,
)
# The remote names objects by another algorithm than our cached repository does.
_OTHER_IDS_RE = re.compile(r"mismatched algorithms|support this repository's (?:object format|hash algorithm)", re.I)
_ID_RE = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: By the length of an id.
_FORMATS = {40: "sha1", 64: "sha256"}
_FORMAT_RE = re.compile(r"^\tobjectFormat = (\w+)\n", re.M | re.I)
_DAY = 86_400
_MONTH = 30 * _DAY
#: The names of cached repositories, without what they end in.
_KEY_RE = re.compile(r"[0-9a-f]{32}")
#: What may name a revision of a remote: no option, no refspec.
_REVISION_RE = re.compile(r"[^-+^:*\s\x00-\x1f][^:*\s\x00-\x1f]*")

_CACHE_CONFIG = """\
[core]
\trepositoryFormatVersion = 1
\tbare = true
\tlogAllRefUpdates = false
[extensions]
\tpartialClone = origin
\tobjectFormat = %s
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


def _refspecs(artifacts: Collection[str] | None) -> list[str]:
    if artifacts is None:
        return ["+refs/tags/*:refs/tags/*"]
    bases = map(artifact_in_tag, artifacts)
    globs = (
        glob for base in bases for glob in (f"refs/tags/{base}@*", f"refs/tags/{base}#*", f"refs/tagline/{base}@*")
    )
    return [f"+{glob}:{glob}" for glob in globs]


def list_refs(remote: RemoteUrl, refs: Collection[str] | None = None, pattern: str | None = None) -> dict[str, str]:
    """What a remote has of some refs, or all its tags: full name to object id, by one listing.

    ``pattern`` is what the remote is asked for in the place of many names.

    Raises PlatformRefused when the remote cannot be reached.
    """
    if refs is not None and not refs:
        return {}
    named = [pattern] if pattern is not None else refs or ()
    wanted = ["--tags", "--end-of-options", remote.url] if refs is None else ["--end-of-options", remote.url, *named]
    known = set(refs or ())
    result = Git(Path(os.sep), remote.everything, moved=remote.moved).run("ls-remote", "--refs", *wanted, check=False)
    if result.status != 0:
        raise unreachable(remote.url, result.stderr)
    lines = (line.split("\t", 1) for line in result.stdout.decode(errors="surrogateescape").splitlines())
    # A name that is asked for matches the end of any ref.
    return {ref: object_id for object_id, ref in lines if refs is None or ref in known}


def is_damage(result: Result) -> bool:
    """Whether git failed because our own cached repository is broken."""
    return result.status != 0 and _DAMAGED_RE.search(result.stderr) is not None


def is_missing(result: Result) -> bool:
    """Whether git failed because the remote has nothing of that name."""
    return result.status != 0 and _NO_REVISION_RE.search(result.stderr) is not None


def _other_ids(result: Result) -> bool:
    """Whether git failed because the remote's ids are made by another algorithm than our cached repository's."""
    return result.status != 0 and _OTHER_IDS_RE.search(result.stderr) is not None


def _format_of(path: Path) -> str:
    """The algorithm of a cached repository's ids; git's default where an earlier release of ours made it."""
    found = _FORMAT_RE.search((path / "config").read_text())
    return found[1] if found else "sha1"


def _init(folder: Path, object_format: str) -> None:
    """An empty repository."""
    command = ("init", "--bare", "--quiet", f"--object-format={object_format}", ".")
    Git(folder, [("init.templateDir", "")]).run(*command)


class RemoteCache:
    """The folder of cached remotes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, remote: RemoteUrl, artifacts: Collection[str] | None) -> GitRepository:
        """A repository with exactly the remote's tags of some artifacts (None: all its tags), by one negotiation.

        Raises PlatformRefused when the remote cannot be reached, NotFound for a name that no tag
        can carry.
        """
        for artifact in artifacts or ():
            if why := why_no_tag_names(artifact):
                raise NotFound(
                    f"No tag can name an artifact {artifact!r}: {why}.", "Check its spelling.", code="unknown-artifact"
                )
        require_readable_at(remote.url)
        path = self._path(remote, "" if artifacts is None else "\n".join(sorted(artifacts)))
        git = self._git(path, remote)
        with self._locked(path):
            before = self._known(path, git)
            result = self._refresh(path, remote, artifacts)
            if is_damage(result) or _other_ids(result):
                shutil.rmtree(path, ignore_errors=True)
                result = self._refresh(path, remote, artifacts)
            if result.status != 0:
                raise unreachable(remote.url, result.stderr)
            names = artifacts or ()
            alone = [self._path(remote, name) for name in names] if len(names) > 1 else []
            moved = git_seen.look(git, path, before, list(map(guard_ref, names)), alone)
        found = self._repository(path, git, remote)
        found.moved = moved
        return found

    @staticmethod
    def _known(path: Path, git: Git) -> dict[str, str]:
        """The refs that were here before; none where the repository is broken, which goes."""
        try:
            return git_seen.objects(git) if (path / "config").exists() else {}
        except PlatformRefused:
            shutil.rmtree(path, ignore_errors=True)
            return {}

    def _refresh(self, path: Path, remote: RemoteUrl, artifacts: Collection[str] | None) -> Result:
        refspecs = _refspecs(artifacts)
        if not (path / "config").exists():
            return self._clone(path, remote, refspecs)
        git = self._git(path, remote)
        result = git_tag_fetch.unlocking(path, lambda: git_tag_fetch.update(git, path, refspecs))
        if filters.is_refused(result):
            # The remote knew this filter once: what is here has gaps that nothing would fill now.
            return self._clone(path, remote, refspecs)
        if result.status == 0:
            git_tag_fetch.tidy(git, path)
        return result

    def _clone(self, path: Path, remote: RemoteUrl, refspecs: Sequence[str]) -> Result:
        """Make the repository beside its place, so that a run that is killed leaves none that is half done."""
        with self._fresh(path) as fresh:
            git = Git(self._folder, [*git_tag_fetch.CHEAP, *remote.everything], moved=remote.moved)
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

        The filter among the options counts as far as the remote knows it. With ``--stdin`` among them any number of
        objects, whatever is here already.
        """
        command = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--refmap="]
        named, stdin = ["--end-of-options", "origin", *revisions], None
        if "--stdin" in options:
            command = ["-c", "fetch.negotiationAlgorithm=noop", *command]
            named, stdin = ["origin"], "".join(f"{revision}\n" for revision in revisions).encode()
        path, git = repository.place.root, repository.git

        def run(chosen: list[str]) -> Result:
            return git_tag_fetch.unlocking(path, lambda: git.run(*command, *chosen, *named, stdin=stdin, check=False))

        with self._locked(path):
            self._suit(path, revisions)
            return self._matching(path, lambda: filters.fetch(path, options, run))

    def suit(self, repository: GitRepository, object_id: str) -> None:
        """Have a stored repository name objects as the remote does, of which one id is known."""
        with self._locked(repository.place.root):
            self._suit(repository.place.root, [object_id])

    def _suit(self, path: Path, revisions: Sequence[str]) -> None:
        """Git looks for an id of the other length among the names of refs, so its length has to be right before."""
        lengths = {len(revision) for revision in revisions if _ID_RE.fullmatch(revision)}
        if lengths and _FORMATS[max(lengths)] != _format_of(path):
            self._start_over(path, _FORMATS[max(lengths)])

    def _matching(self, path: Path, fetch: Callable[[], Result]) -> Result:
        """Run a fetch; once more in an empty repository where the remote names objects by another algorithm."""
        result = fetch()
        if _other_ids(result):
            self._start_over(path, "sha1" if _format_of(path) == "sha256" else "sha256")
            return fetch()
        return result

    def _start_over(self, path: Path, object_format: str) -> None:
        config = (path / "config").read_text()
        with self._fresh(path) as fresh:
            _init(fresh, object_format)
            said = f"[extensions]\n\tobjectFormat = {object_format}\n"
            (fresh / "config").write_text(_FORMAT_RE.sub("", config).replace("[extensions]\n", said))
            fresh.rename(path)

    def fetch_revision(self, repository: GitRepository, revision: str) -> str:
        """Bring one commit of the remote into a cached repository; its id.

        Raises NotFound when the remote has no such revision, WrongUsage for what cannot be one,
        PlatformRefused when it does not answer.
        """
        if not _REVISION_RE.fullmatch(revision):
            raise WrongUsage(f"{revision!r} is no revision.", "Name a branch, a tag or a commit.", code="bad-revision")
        path = repository.place.root

        def run(options: list[str]) -> Result:
            command = ("fetch", "--quiet", "--no-tags", *options, "--recurse-submodules=no", "--refmap=")
            named = ("--end-of-options", "origin", revision)
            return git_tag_fetch.unlocking(path, lambda: repository.git.run(*command, *named, check=False))

        # With its folders: who looks at a file needs them, and git itself before it pushes a tag of the commit.
        options = ["--depth=1", f"--filter={filters.FILES}"]
        with self._locked(path):
            self._suit(path, [revision])
            result = self._matching(path, lambda: filters.fetch(path, options, run))
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
            raise cache_unwritable(self._folder, error) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.utime(lock.fileno())  # when it was used last
            yield

    def _open(self, path: Path, remote: RemoteUrl, without: str = git_tag_fetch.WITHOUT) -> Git:
        if not (path / "config").exists():
            with self._fresh(path) as fresh:
                _init(fresh, "sha1")
                self._configure(fresh, remote, without)
                fresh.rename(path)
        return self._git(path, remote)

    @staticmethod
    def _git(path: Path, remote: RemoteUrl) -> Git:
        config = [("safe.directory", str(path)), *git_tag_fetch.CHEAP, *remote.everything]
        return Git(path, config, moved=remote.moved)

    @contextlib.contextmanager
    def _fresh(self, path: Path) -> Iterator[Path]:
        """An empty folder to become the repository at ``path``; what is there is broken, and goes."""
        shutil.rmtree(path, ignore_errors=True)
        self._forget_unused()
        for left in self._folder.glob("new-*"):  # by a run that was killed
            with contextlib.suppress(OSError):
                if left.stat().st_mtime < time.time() - _DAY:
                    shutil.rmtree(left, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(dir=self._folder, prefix="new-"))
        try:
            yield fresh
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _forget_unused(self) -> None:
        """Delete the repositories that no run has opened for a month: nobody may ask of the same artifacts again."""
        for path in self._folder.glob("*.lock"):
            with contextlib.suppress(OSError):
                if not _KEY_RE.fullmatch(path.stem) or path.stat().st_mtime >= time.time() - _MONTH:
                    continue
                with path.open() as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # Somebody may have opened it since we looked.
                    if os.fstat(lock.fileno()).st_mtime < time.time() - _MONTH:
                        shutil.rmtree(path.with_suffix(".git"), ignore_errors=True)

    @staticmethod
    def _configure(fresh: Path, remote: RemoteUrl, without: str) -> None:
        (fresh / "config").write_text(_CACHE_CONFIG % (_format_of(fresh), _quoted(remote.url), without))
