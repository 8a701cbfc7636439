"""New files of a work tree: whole or not there at all, never over another, never through a link."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from tagline.adapters.git.repository import GitRepository
from tagline.errors import PlatformRefused, WrongUsage

_HEAD_RE = re.compile(r"^ref: refs/heads/(\S+)\tHEAD$", re.M)
#: Bytes of a file that is only looked at.
_MAX_READ = 1024 * 1024
#: What some file systems answer to a link, or between two of them.
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EACCES, errno.EMLINK)


class WorkTreeFiles:
    """The port NewFiles, over a folder."""

    def __init__(self, repository: GitRepository) -> None:
        self._repository = repository
        self._root = repository.place.root

    @cached_property
    def default_branch(self) -> str:
        """The remote's, as cloned or as it says; else main or master where there is one, or what is checked out."""
        git, remote = self._repository.git, self._repository.remote
        if remote:
            head = git.ask("symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD")
            if head:
                return head.strip().removeprefix(f"{remote}/")
            # A repository that was made here and pushed has no note of it.
            told = _HEAD_RE.search(git.ask("ls-remote", "--symref", remote, "HEAD") or "")
            if told:
                return told[1]
        here = (git.ask("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads") or "").split()
        usual = next((name for name in here if name in ("main", "master")), None)
        return usual or (git.ask("symbolic-ref", "--quiet", "--short", "HEAD") or "main").strip()

    def there(self, path: str) -> bool:
        """By its name alone."""
        *folders, name = path.split("/")
        place = self._root
        for part in (*folders, name):
            place = place / part
            try:
                mode = place.lstat().st_mode
            except FileNotFoundError:
                return False
            at = place.relative_to(self._root).as_posix()
            if stat.S_ISLNK(mode):
                raise _link(at)
            if at != path and not stat.S_ISDIR(mode):
                raise _in_the_way(at, "a file", "a folder")
            if at == path and not stat.S_ISREG(mode):
                raise _in_the_way(at, "no file", "a file")
        return True

    def read(self, path: str) -> str | None:
        """At most a mebibyte of it."""
        try:
            with (self._root / path).open("rb") as stream:
                return stream.read(_MAX_READ).decode(errors="replace")
        except OSError:
            return None

    def names(self, folder: str) -> list[str]:
        """By name."""
        try:
            return sorted(path.name for path in (self._root / folder).iterdir())
        except OSError:
            return []

    def ignored(self, paths: Sequence[str]) -> list[str]:
        """As git add sees it."""
        # It is the one command that refuses the variable by which all others take paths as they are written.
        own = {"GIT_LITERAL_PATHSPECS": "0"}
        names = b"".join(f"{path}\0".encode() for path in paths)
        said = self._repository.git.run("check-ignore", "-z", "--stdin", stdin=names, environment=own, check=False)
        return [path for path in said.stdout.decode(errors="replace").split("\0") if path]

    def make(self, path: str, text: str) -> bool:
        """Write beside, then link: a link is made at once, and never over anything."""
        *folders, name = path.split("/")
        try:
            with _opened(self._root, folders) as folder:
                return self._put(folder, name, text.encode())
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise _link(path) from error
            raise PlatformRefused(
                f"{path} cannot be written: {error.strerror}.",
                "Make the folder writable, and run the same command again: what is there is not written again.",
                code="cannot-write",
            ) from error

    def _put(self, folder: int, name: str, data: bytes) -> bool:
        try:
            # In Git's own folder, where what a killed run leaves is nobody's file.
            return _linked(self._repository.place.git_dir, folder, name, data)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        # Where there are no hard links: still never over anything, but a kill may leave a part.
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=folder)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        return True


def _linked(aside: Path, folder: int, name: str, data: bytes) -> bool:
    temporary = aside / f"tagline-init-{secrets.token_hex(8)}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary, name, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def _opened(root: Path, folders: list[str]) -> Iterator[int]:
    """A folder below ``root``, made where it is not there, by a way without links."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=descriptor)
            inner = os.open(part, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _in_the_way(path: str, there: str, needed: str) -> WrongUsage:
    return WrongUsage(
        f"{path} is {there}, and {needed} is needed there.",
        "Move it out of the way, then run the same command again. Nothing was written.",
        code="in-the-way",
    )


def _link(path: str) -> WrongUsage:
    return WrongUsage(
        f"{path} is a symbolic link, or a folder of it is: what is written there would land elsewhere.",
        "Replace it by a plain file or folder, then run the same command again.",
        code="link-in-the-way",
    )
