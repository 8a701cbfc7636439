"""A remote registry, read without a clone: one artifact's tags by ref globs, into a small cache.

Each pair of URL and artifact has a bare repository of its own in the cache folder, filled by
depth-1 fetches without trees; files are fetched by Git when they are read. A lock file keeps
concurrent runs apart. Tokens travel as configuration in the environment of the child.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from tagline.adapters.git import Git, Place, Result, plain_stderr, without_credentials
from tagline.adapters.git_repository import GitRepository
from tagline.domain.events import RawTag
from tagline.domain.tags import artifact_in_tag
from tagline.errors import NotFound, PlatformRefused

Config = Sequence[tuple[str, str]]

_HTTP = ("http", "https")
_SCP_RE = re.compile(r"[^/:]+:(?!//).*")
#: Local configuration of a clone that reaching its remote may need.
_REACHING_RE = r"^(http|https|credential|url|ssh|core\.sshcommand|core\.gitproxy)\b"
_MISSING_RE = re.compile(
    r"does not exist|not found|does not appear to be a git repository|repository '[^']*' not found", re.I
)
_NO_REVISION_RE = re.compile(r"couldn't find remote ref|not our ref|invalid refspec|unadvertised object", re.I)
_DENIED_RE = re.compile(
    r"authentication failed|could not read username|permission denied|access denied|invalid username|"
    r"terminal prompts disabled|returned error: 40[13]|http basic",
    re.I,
)
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
\tpartialCloneFilter = tree:0
"""


def _quoted(value: str) -> str:
    """A value as Git's configuration files quote it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@dataclass(frozen=True)
class RemoteUrl:
    """Where a remote is and what reaching it takes.

    ``config`` carries credentials of ours. ``borrowed`` is the clone's own configuration, which
    git needs only where it does not run inside that clone.
    """

    url: str
    config: tuple[tuple[str, str], ...] = ()
    borrowed: tuple[tuple[str, str], ...] = ()


def authorization(url: str, user: str, token: str) -> tuple[tuple[str, str], ...]:
    """Configuration that sends a token to the host of ``url`` and to no other."""
    parts = urlsplit(url)
    host = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "/", "", ""))
    secret = base64.b64encode(f"{user}:{token}".encode()).decode()
    key = f"http.{host}.extraHeader"
    # The empty value drops headers configured before: two Authorization headers are an error.
    return ((key, ""), (key, f"Authorization: Basic {secret}"))


def remote_url(text: str, *, base: Path | None = None, token: str | None = None) -> RemoteUrl:
    """A URL as given by a person or a clone's configuration, its credentials moved out of it.

    ``base`` is what a relative path is relative to; ``token`` wins over credentials in the URL.
    """
    parts = urlsplit(text)
    if parts.scheme in _HTTP:
        clean = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        if token:
            return RemoteUrl(clean, authorization(clean, "x-access-token", token))
        if parts.password:
            user, password = unquote(parts.username or ""), unquote(parts.password)
            return RemoteUrl(clean, authorization(clean, user, password))
        return RemoteUrl(clean)
    if parts.scheme or _SCP_RE.fullmatch(text):
        return RemoteUrl(text)
    path = Path(text) if base is None else base / text
    # A plain path would make git ignore --depth and --filter.
    return RemoteUrl(path.absolute().as_uri().replace("%23", "#"))


def reaching_config(git: Git) -> list[tuple[str, str]]:
    """What a clone's own configuration says about reaching its remote: headers, helpers, rewrites."""
    result = git.run("config", "--includes", "--show-scope", "-z", "--get-regexp", _REACHING_RE, check=False)
    fields = result.stdout.decode(errors="surrogateescape").split("\0")
    pairs = []
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        if scope in ("local", "worktree"):  # the rest reaches every git by itself
            key, _, value = entry.partition("\n")
            pairs.append((key, value))
    return pairs


def upstream_of(repository: GitRepository, name: str) -> RemoteUrl:
    """The remote ``name`` of a clone, ready to be reached from elsewhere."""
    found = repository.git.ask("remote", "get-url", name)
    if found is None:
        raise NotFound(f"There is no remote {name!r} here.", "See the remotes with: git remote -v", code="no-remote")
    place = repository.place
    remote = remote_url(found, base=place.root)
    return RemoteUrl(remote.url, remote.config, tuple(reaching_config(repository.git)))


def guard_ref(artifact: str) -> str:
    """The ref that every push of an artifact's tags moves, so that two runs cannot both succeed."""
    return f"refs/tagline/{artifact_in_tag(artifact)}@guard"


def _refspecs(artifact: str | None) -> list[str]:
    if artifact is None:
        return ["+refs/tags/*:refs/tags/*"]
    base = artifact_in_tag(artifact)
    globs = (f"refs/tags/{base}@*", f"refs/tags/{base}#*", f"refs/tagline/{base}@*")
    return [f"+{glob}:{glob}" for glob in globs]


class RemoteCache:
    """The folder of cached remotes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, remote: RemoteUrl, artifact: str | None) -> GitRepository:
        """A repository with exactly the remote's tags of ``artifact`` (None: all its tags).

        Raises PlatformRefused when the remote cannot be reached, NotFound when it is not there.
        """
        path = self._folder / f"{_key(remote.url, artifact)}.git"
        with self._locked(path):
            git = self._open(path, remote)
            result = self._fetch(git, artifact)
            if result.status != 0 and ".lock'" in result.stderr:
                # A run was killed while it held one of git's own locks; nobody else writes here now.
                for stale in path.rglob("*.lock"):
                    stale.unlink()
                result = self._fetch(git, artifact)
        if result.status != 0:
            raise unreachable(remote.url, result.stderr)
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

    def _open(self, path: Path, remote: RemoteUrl) -> Git:
        if not path.exists():
            fresh = Path(tempfile.mkdtemp(dir=self._folder, prefix="new-"))
            git = Git(fresh, [("init.templateDir", "")])
            git.run("init", "--bare", "--quiet", ".")
            (fresh / "config").write_text(_CACHE_CONFIG % _quoted(remote.url))
            fresh.rename(path)
        return Git(path, [("safe.directory", str(path)), *remote.borrowed, *remote.config])

    def _fetch(self, git: Git, artifact: str | None) -> Result:
        options = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--filter=tree:0")
        command = ("fetch", *options, "--recurse-submodules=no")
        result = git.run(*command, "--depth=1", "origin", *_refspecs(artifact), check=False)
        if result.status == 1 and not result.stderr.strip():
            # With --depth, git fails without a word when no ref matches. Without it, it succeeds,
            # and drops the tags that are gone.
            result = git.run(*command, "origin", *_refspecs(artifact), check=False)
        return result

    def fetch_revision(self, repository: GitRepository, revision: str) -> str:
        """Bring one commit of the remote into a cached repository; its id.

        Raises NotFound when the remote has no such revision, PlatformRefused when it does not answer.
        """
        with self._locked(repository.place.root):
            result = repository.git.run(
                "fetch", "--quiet", "--no-tags", "--depth=1", "--filter=tree:0", "--recurse-submodules=no",
                "--refmap=", "origin", revision,
                check=False,
            )  # fmt: skip
            if result.status == 0:
                return repository.commit("FETCH_HEAD")
        if not _NO_REVISION_RE.search(result.stderr):
            raise unreachable(repository.url, result.stderr)
        raise NotFound(
            f"{repository.url} has no revision {revision!r}.",
            "Name a branch, a tag or a full commit id of the remote with --rev.",
            code="unknown-revision",
        )


def _key(url: str, artifact: str | None) -> str:
    return hashlib.sha256(f"{url}\0{artifact or ''}".encode()).hexdigest()[:32]


def unreachable(url: str, stderr: str) -> PlatformRefused:
    """The error for a remote that did not answer, by what git said of it."""
    shown, said = without_credentials(url), plain_stderr(stderr)
    if _DENIED_RE.search(said):
        return PlatformRefused(
            f"{shown} does not let us in: {said}",
            "Give a token that may read it: TAGLINE_REPO_TOKEN for --repo, TAGLINE_TOKEN for this job's own "
            "repository. GitHub: permission contents: read. GitLab: scope read_repository.",
            code="access-denied",
        )
    if _MISSING_RE.search(said):
        return PlatformRefused(
            f"There is no repository at {shown}: {said}",
            "Check the URL. A private repository without a token looks the same: set TAGLINE_REPO_TOKEN. "
            "In a clone, --offline answers from the local tags alone.",
            code="no-remote-repository",
        )
    return PlatformRefused(
        f"{shown} cannot be reached: {said}",
        "Try again, check the network, or answer from the local tags alone with --offline.",
        code="unreachable",
    )


class GitUpstream:
    """The remote of a clone, to compare the clone's tags with."""

    def __init__(self, repository: GitRepository, name: str, cache: RemoteCache) -> None:
        self.name = name
        self._repository = repository
        self._cache = cache

    def tags(self, artifact: str) -> list[RawTag]:
        """The remote's tags of one artifact."""
        remote = upstream_of(self._repository, self.name)
        return list(self._cache.fetch(remote, artifact).tags([artifact], details=True))

    def tag_objects(self, artifacts: Collection[str] | None) -> dict[str, str]:
        """Tag name to object id, of some artifacts or of all."""
        remote = upstream_of(self._repository, self.name)
        if artifacts is None:
            return self._list(remote)
        found: dict[str, str] = {}
        for artifact in artifacts:
            cached = self._cache.fetch(remote, artifact)
            found |= {tag.name: tag.object_id for tag in cached.tags([artifact])}
        return found

    def _list(self, remote: RemoteUrl) -> dict[str, str]:
        git = Git(Path(os.sep), [*remote.borrowed, *remote.config])
        result = git.run("ls-remote", "--tags", "--refs", remote.url, check=False)
        if result.status != 0:
            raise unreachable(remote.url, result.stderr)
        lines = (line.split("\t", 1) for line in result.stdout.decode(errors="surrogateescape").splitlines())
        return {ref.removeprefix("refs/tags/"): object_id for object_id, ref in lines}
