"""The hidden folder beside a destination where its files gather until they are complete.

It lies on the destination's own filesystem, so that the last step is a rename. It is ours alone (mode
0700, which also tells it from a folder that a checkout made, whose ``old`` would be anybody's) and holds::

    lock      held by the fetch that works here
    new       what the destination will be: a file or a folder
    resume/   for each large file on its way, what its beginning belongs to
    old       what lay at the destination, for the instant of the exchange
"""

# ruff: noqa: PTH102, PTH104, PTH106, PTH112, PTH113, PTH114, PTH118, PTH123, PTH202, PTH208
# Plain strings and descriptors: a Path for each of many files would cost more than the file.

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tagline.adapters.transfer.relpaths import folders_of, is_one_file
from tagline.adapters.transfer.trees import remove
from tagline.domain.storage.objects import Item
from tagline.errors import Conflict, PlatformRefused, WrongUsage

_OURS = frozenset(("lock", "new", "resume", "old"))
_LONGEST_NAME = 255
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_STATE_LIMIT = 1 << 16


class Staging:
    """The folder beside one destination, locked while the context lasts.

    At the end it is removed, unless a failure left something that the next fetch can go on with.
    """

    def __init__(self, destination: Path, items: Sequence[Item]) -> None:
        self._destination = str(destination)
        self._items = items
        self.folder = _beside(destination)
        self._new = f"{self.folder}/new"
        self._old = f"{self.folder}/old"
        self._made: list[str] = []
        self._lock = -1
        self._placed = False
        self._discarded = False
        #: Whether another fetch worked here when we came.
        self.waited = False
        #: The files that an earlier run left and that may fit, with their sizes.
        self.kept: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._make_parents()
        while not self._take():
            pass
        try:
            self._recover()
        except BaseException:
            self._release()
            raise
        return self

    def tidy(self) -> None:
        """Delete what a killed run left, where its files are at the destination by now. Another run's is left to it."""
        try:
            if not os.path.lexists(self.folder) or not self._is_ours():
                return
            lock = self._open_lock()
        except FileNotFoundError:
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(f"{self.folder}/lock", lock):
                self.discard()
        except BlockingIOError:
            pass
        finally:
            os.close(lock)

    def put_back(self) -> None:
        """Undo what a run that was killed between the two renames left: the old content was never away."""
        try:
            if os.path.lexists(self._destination) or not os.path.lexists(self._old) or not self._is_ours():
                return
        except FileNotFoundError:
            # Its owner was not killed, and has just removed it.
            return
        while not self._take():
            pass
        try:
            self._restore()
            if not self._is_worth_keeping():
                self.discard()
        finally:
            self._release()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if self._placed or not self._is_worth_keeping():
                self.discard()
        finally:
            self._release()

    def _make_parents(self) -> None:
        missing = []
        parent = Path(self.folder).parent
        while not parent.exists():
            missing.append(str(parent))
            parent = parent.parent
        for folder in reversed(missing):
            Path(folder).mkdir(exist_ok=True)
            self._made.append(folder)

    def _take(self) -> bool:
        """Make the folder and lock it. False when its owner removed it meanwhile."""
        try:
            os.mkdir(self.folder, 0o700)
        except FileExistsError:
            self._check_ours()
        try:
            lock = self._open_lock()
        except FileNotFoundError:
            return False
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.waited = True
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_still(f"{self.folder}/lock", lock):
                os.close(lock)
                return False
        except BaseException:
            os.close(lock)
            raise
        self._lock = lock
        return True

    def _open_lock(self) -> int:
        return os.open(f"{self.folder}/lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def _check_ours(self) -> None:
        """Whatever has this name but is not ours is neither used nor deleted."""
        try:
            if self._is_ours():
                return
        except FileNotFoundError:
            return
        raise PlatformRefused(
            f"{self.folder!r} is in the way: it is where a fetch gathers its files, and is not of our making.",
            "Delete it or move it away, or fetch to another place.",
            code="staging-taken",
        )

    def _is_ours(self) -> bool:
        facts = os.lstat(self.folder)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
            return False
        return set(os.listdir(self.folder)) <= _OURS

    def _restore(self) -> None:
        if os.path.lexists(self._old):
            if os.path.lexists(self._destination):
                remove(self._old)
            else:
                os.rename(self._old, self._destination)

    def _recover(self) -> None:
        """Put back what a killed run had moved aside, and keep of its files what may fit."""
        self._restore()
        if is_one_file(self._items):
            self._keep_file(self._new, self._items[0])
            return
        if not os.path.lexists(self._new) or os.path.islink(self._new) or not os.path.isdir(self._new):
            remove(self._new)
            os.mkdir(self._new, 0o755)
        wanted = {item.relpath: item for item in self._items}
        folders = folders_of(wanted)
        self._sweep("", wanted, frozenset(folders))
        for folder in folders:
            path = f"{self._new}/{folder}"
            if not os.path.isdir(path):
                os.mkdir(path, 0o755)

    def _sweep(self, folder: str, wanted: Mapping[str, Item], folders: frozenset[str]) -> None:
        with os.scandir(f"{self._new}/{folder}") as found:
            entries = list(found)
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False) and name in folders:
                self._sweep(name, wanted, folders)
            elif name in wanted:
                self._keep_file(entry.path, wanted[name])
            else:
                remove(entry.path)

    def _keep_file(self, path: str, item: Item) -> None:
        try:
            facts = os.lstat(path)
        except FileNotFoundError:
            return
        fits = item.size is None or facts.st_size == item.size or self.recall(item.relpath) is not None
        if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1 and fits:
            self.kept[item.relpath] = facts.st_size
        else:
            remove(path)

    def path(self, relpath: str) -> str:
        """Where a file gathers. Everything above it is a folder of ours."""
        return f"{self._new}/{relpath}" if relpath else self._new

    def create(self, relpath: str) -> int:
        """A new empty file, open for writing; its mode is what the umask leaves of 0644."""
        return os.open(self.path(relpath), _NEW_FILE, 0o644)

    def reopen(self, relpath: str) -> int:
        """A kept file, open to be read and continued."""
        return os.open(self.path(relpath), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)

    def drop(self, relpath: str) -> None:
        """Delete a file, and what was remembered of it."""
        remove(self.path(relpath))
        self.forget(relpath)

    def remember(self, relpath: str, state: Mapping[str, Any]) -> None:
        """Note what the beginning of a file belongs to, before its first byte is written."""
        path = Path(self._state(relpath))
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(json.dumps(state))

    def recall(self, relpath: str) -> Mapping[str, Any] | None:
        """What was noted of a file; None where nothing readable was."""
        try:
            with open(self._state(relpath), "rb") as file:
                state = json.loads(file.read(_STATE_LIMIT))
        except (FileNotFoundError, ValueError):
            return None
        return state if isinstance(state, dict) else None

    def forget(self, relpath: str) -> None:
        """The file is complete, or gone."""
        remove(self._state(relpath))

    def _state(self, relpath: str) -> str:
        return f"{self.folder}/resume/{hashlib.sha256(os.fsencode(relpath)).hexdigest()[:32]}"

    def place(self, *, replace: bool, check: Callable[[str], None]) -> None:
        """Make what gathered here the destination, in one step where nothing lies there or it is a file.

        ``check`` looks at a folder once more, when it was moved aside and nobody comes by any more, and may raise.
        """
        there = _mode(self._destination)
        refuse_special(self._destination)
        if there is not None and not replace:
            raise appeared(self._destination)
        try:
            if there is not None and os.path.isdir(self._new):
                self._exchange(check)
            else:
                os.rename(self._new, self._destination)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EXDEV):
                raise
            raise PlatformRefused(
                f"{self._destination!r} cannot be replaced as a whole: something is mounted there.",
                "Fetch to a name inside of it.",
                code="destination-busy",
            ) from error
        self._placed = True

    def _exchange(self, check: Callable[[str], None]) -> None:
        os.rename(self._destination, self._old)
        try:
            check(self._old)
            os.rename(self._new, self._destination)
        except BaseException:
            os.rename(self._old, self._destination)
            raise

    def discard(self) -> None:
        """Delete everything here. Whoever waits for the lock starts over.

        Once only: the lock goes with the rest, and what comes to lie here then is another run's.
        """
        if self._discarded:
            return
        self._discarded = True
        for name in ("new", "old", "resume", "lock"):
            remove(f"{self.folder}/{name}")
        try:
            os.rmdir(self.folder)
            if not self._placed:
                for folder in reversed(self._made):
                    os.rmdir(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise

    def _is_worth_keeping(self) -> bool:
        """Whether anything lies here that a next run would not have to fetch."""
        if os.path.isfile(self._new):
            return os.path.getsize(self._new) > 0
        return any(
            os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(self._new) for name in names
        )

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def appeared(path: str) -> Conflict:
    """Somebody else was faster, and nobody said that this may be replaced."""
    return Conflict(
        f"Something was put at {path!r} while the fetch ran.",
        "Fetch again to compare with it.",
        code="destination-changed",
    )


def refuse_special(path: str) -> None:
    """Nobody means to replace a device, and root could: ``-o /dev/full`` would break the machine."""
    mode = _mode(path)
    if mode is None or stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
        return
    raise WrongUsage(
        f"{path!r} is a device, a pipe or a socket, which is never replaced.",
        "The destination is the file or folder itself: name another path, such as ./model.",
    )


def _beside(destination: Path) -> str:
    name = f".{destination.name}.tagline"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(destination.name)).hexdigest()[:32]}.tagline"
    return str(destination.parent / name)


def _mode(path: str) -> int | None:
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_still(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
