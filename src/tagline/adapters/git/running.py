"""How every other Git adapter runs git: through GitPython, with an environment of our own.

Nothing of the user's is executed or changed: hooks and fsmonitor are off, prompts are off,
only well-known transports are allowed, and a checkout that belongs to somebody else is read
by naming it (and only it) as safe in the environment of the child.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

from tagline.adapters.git.gitpython import (
    GitCommandError,
    GitCommandNotFound,
    InvalidGitRepositoryError,
    NoSuchPathError,
    git,
)
from tagline.adapters.git.object_reader import ObjectReader, ObjectStream
from tagline.adapters.git.redirects import MOST_REDIRECTS, TELLING, moved_to, redirected
from tagline.domain.text.public import public
from tagline.errors import PlatformRefused, WrongUsage

_ALWAYS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
    ("advice.graftFileDeprecated", "false"),
    ("protocol.version", "2"),
    # git would take headers along, and so tokens, to wherever a server sends it.
    ("http.followRedirects", "false"),
)
#: What subprocess calls PIPE.
_PIPE = -1
_TRANSPORTS = "file:git:http:https:ssh"
#: Keeps git from fetching what a partial repository lacks, with all that lies behind it.
STAY = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}

# A hook or an alias of git's runs us with variables that point every git at its own repository;
# ours go by the folder they are started in. Source: git rev-parse --local-env-vars.
for _name in (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE", "GIT_CONFIG",
):  # fmt: skip
    os.environ.pop(_name, None)


class Result(NamedTuple):
    """What one git process said."""

    status: int
    stdout: bytes
    stderr: str


def config_environment(config: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Configuration for a child git by environment: nothing in argv, nothing on disk.

    Source: https://git-scm.com/docs/git-config, ``GIT_CONFIG_COUNT``.
    """
    pairs = list(config)
    environment = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def inherited_config(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """The configuration that our own environment already carries by ``GIT_CONFIG_COUNT``."""
    count = environment.get("GIT_CONFIG_COUNT", "0")
    numbers = range(int(count)) if count.isdigit() else range(0)
    return [
        (environment[f"GIT_CONFIG_KEY_{n}"], environment.get(f"GIT_CONFIG_VALUE_{n}", ""))
        for n in numbers
        if f"GIT_CONFIG_KEY_{n}" in environment
    ]


class Git:
    """git, run in one directory with our environment.

    ``moved`` leads from old addresses to new ones, of repositories that turned out to have moved. All that reaches the
    same remote in one run shares it: one look at each.
    """

    def __init__(
        self,
        directory: Path,
        config: Iterable[tuple[str, str]] = (),
        environment: Mapping[str, str] | None = None,
        moved: dict[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.moved = moved if moved is not None else {}
        self.config = (*_ALWAYS, *config)
        self._git = git.Git(str(directory))
        self._environment = dict(environment or {})
        self._configure()

    def _configure(self) -> None:
        """Set the environment of every git that is started from now on."""
        inherited = inherited_config(os.environ)
        moved = [(f"url.{new}.insteadOf", old) for old, new in self.moved.items()]
        self._git.update_environment(
            GIT_TERMINAL_PROMPT="0",
            GIT_OPTIONAL_LOCKS="0",
            GIT_ALLOW_PROTOCOL=_TRANSPORTS,
            GIT_LITERAL_PATHSPECS="1",  # a manifest's path is a path, not a pattern
            GIT_NO_REPLACE_OBJECTS="1",  # the ledger is what was pushed, not what refs/replace makes of it
            GIT_ADVICE="0",
            **config_environment([*inherited, *self.config, *moved]),
            **self._environment,
        )

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> Result:
        """Run ``git ARGUMENTS`` and wait for it.

        Raises :class:`PlatformRefused` on a non-zero exit when ``check``, when git is missing, and for a server that
        sends us on to another one.
        """
        result = self._run(arguments, stdin, environment)
        for _ in range(MOST_REDIRECTS):
            url = redirected(result.stderr) if result.status != 0 else None
            if url is None or not self._follow(url, arguments, stdin, environment):
                break
            result = self._run(arguments, stdin, environment)
        if check and result.status != 0:
            raise command_failed(arguments[0], result.stderr)
        return result

    def _run(self, arguments: Sequence[str], stdin: bytes | None, environment: Mapping[str, str] | None) -> Result:
        with _input(stdin) as istream:
            status, stdout, stderr = self._execute(
                list(arguments), istream=istream, env=dict(environment or {}) or None
            )
        return Result(status, stdout, stderr)

    def _follow(
        self, url: str, arguments: Sequence[str], stdin: bytes | None, environment: Mapping[str, str] | None
    ) -> bool:
        """Whether the repository at ``url`` has a new address, which is taken from now on.

        Raises PlatformRefused for one on another server.
        """
        if url not in self.moved:
            trace = self._run(arguments, stdin, {**(environment or {}), **TELLING}).stderr
            login = self._run(("config", "--get-urlmatch", "http.extraHeader", f"{url}/"), None, None)
            new = moved_to(url, trace, has_login=bool(login.stdout.strip()))
            if new is None or new == url:
                return False
            # What was known to lead to the old address leads to the new one: git itself looks only once.
            self.moved.update({known: new for known, last in self.moved.items() if last == url} | {url: new})
        self._configure()
        return True

    def _execute(self, arguments: list[str], **options: Any) -> tuple[int, bytes, str]:
        try:
            status, stdout, stderr = self._git.execute(
                ["git", *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                **options,
            )
        except GitCommandNotFound as error:
            raise git_missing() from error
        except GitCommandError as error:
            raise command_failed(arguments[0], str(error.stderr)) from error
        text = stderr.decode(errors="replace") if isinstance(stderr, bytes) else str(stderr)
        return int(status), bytes(stdout), text

    def start(self, *arguments: str, istream: Any = None) -> Any:
        """Start git and return GitPython's handle on the process (``.proc`` is a Popen)."""
        try:
            return self._git.execute(["git", *arguments], as_process=True, istream=istream)
        except GitCommandNotFound as error:
            raise git_missing() from error

    def objects(self) -> ObjectReader:
        """What reads objects of this repository, by a process of its own; to be opened by ``with``."""
        return ObjectReader(self.start_reader, lambda name: self.run("cat-file", "-e", name))

    def start_reader(self) -> Any:
        """Start the process that answers one question about objects after the other."""
        return self.start("cat-file", "--batch-command", istream=_PIPE)

    def stream(self) -> ObjectStream:
        """What reads objects of any size, by a process of its own; to be closed."""
        return ObjectStream(self.start_reader)

    def text(self, *arguments: str) -> str:
        """The output of a command that must succeed, without its last newline."""
        return self.run(*arguments).stdout.decode(errors="replace").rstrip("\n")

    def ask(self, *arguments: str) -> str | None:
        """The output of a command whose failure means no."""
        result = self.run(*arguments, check=False)
        return result.stdout.decode(errors="replace").rstrip("\n") if result.status == 0 else None


class _input:  # noqa: N801 - a context manager used as a function
    """Bytes as a file that a child process can read."""

    def __init__(self, data: bytes | None) -> None:
        self._data = data
        self._file: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes] | None:
        if self._data is None:
            return None
        import tempfile

        self._file = tempfile.TemporaryFile()
        self._file.write(self._data)
        self._file.seek(0)
        return self._file

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def git_missing() -> WrongUsage:
    """The error for a machine without git."""
    return WrongUsage("git is not installed, or not on PATH.", "Install git 2.38 or newer.", code="no-git")


def version() -> tuple[int, ...]:
    """Git's own version. Raises WrongUsage where there is none."""
    try:
        return tuple(git.Git().version_info)
    except GitCommandNotFound as error:
        raise git_missing() from error


def command_failed(command: str, stderr: str) -> PlatformRefused:
    """The error for a git command that failed for a reason nobody foresaw."""
    return PlatformRefused(f"git {command} failed: {plain_stderr(stderr)}", "Git's own words say why.")


def plain_stderr(stderr: str) -> str:
    """Git's complaint on one line, without the secrets that a URL may carry."""
    lines = [line.strip() for line in stderr.replace("\r", "\n").splitlines()]
    text = "; ".join(line for line in lines if line and not line.startswith("hint:"))
    return public(text)[:2000] or "no reason given"


_SCP_RE = re.compile(r"[^-/:][^/:]*:(?!//).*")


def is_url(text: str) -> bool:
    """Whether git takes ``text`` for a URL (``https://``, ``git@host:path``) and not for a path."""
    return "://" in text or _SCP_RE.fullmatch(text) is not None


class Place(NamedTuple):
    """Where a repository lies."""

    #: The work tree's root, or the repository itself when bare.
    root: Path
    #: This checkout's own git directory, and the one that holds objects and refs.
    git_dir: Path
    common_dir: Path
    bare: bool


def find_repository(path: Path) -> Place:
    """The repository that ``path`` stands in.

    Raises :class:`WrongUsage` when there is no such folder or it is in no repository.
    """
    try:
        repo = git.Repo(path, search_parent_directories=True)
    except NoSuchPathError as error:
        raise WrongUsage(f"There is no folder {path}.", "Check the path given to --repo.", code="no-folder") from error
    except (InvalidGitRepositoryError, ValueError) as error:
        raise WrongUsage(
            f"{path.absolute()} is not in a Git repository.",
            "Run tagline inside a clone, or name one: --repo PATH or --repo URL.",
            code="no-repository",
        ) from error
    with repo:
        # Where no configuration says bare, GitPython takes the folder above for the work tree; git finds none there.
        top = repo.working_tree_dir
        bare = top is None or not Path(top, ".git").exists()
        place = Place(Path(repo.git_dir if bare else str(top)), Path(repo.git_dir), Path(repo.common_dir), bare)
    _require_readable(place.git_dir, place.common_dir)
    return place


def require_readable_at(url: str) -> None:
    """Raises WrongUsage for a ``file://`` URL of a repository that git would take for an empty one."""
    if url.lower().startswith("file://"):
        path = Path(unquote(url[len("file://") :]))
        for folder in (path / ".git", path):
            if (folder / "HEAD").is_file():
                _require_readable(folder, folder)


_LONG_ID_RE = re.compile(rb"^[0-9a-f]{64}\b", re.M)


def _require_readable(git_dir: Path, common_dir: Path) -> None:
    """Raises WrongUsage for SHA-256 ids without a configuration that says so: git takes none of them for an id."""
    if (common_dir / "config").exists():
        return
    listed = (common_dir / "packed-refs", *common_dir.glob("refs/*/*"), git_dir / "HEAD")
    if any(_LONG_ID_RE.search(file.read_bytes()) for file in listed if file.is_file()):
        raise WrongUsage(
            f"{common_dir} has SHA-256 object ids and no file 'config' that says so; git cannot read it.",
            f"Write it: git config --file '{common_dir}/config' core.repositoryFormatVersion 1 && "
            f"git config --file '{common_dir}/config' extensions.objectFormat sha256",
            code="no-config",
        )


def open_git(place: Place, extra: Sequence[tuple[str, str]] = (), moved: dict[str, str] | None = None) -> Git:
    """git in the repository at ``place``, whoever owns it."""
    # Git compares the work tree's root, or the git directory of a bare repository; both are
    # named as they are and with links resolved.
    safe = {str(place.root), str(place.root.resolve()), str(place.git_dir), str(place.git_dir.resolve())}
    return Git(place.root, [*(("safe.directory", path) for path in sorted(safe)), *extra], moved=moved)
