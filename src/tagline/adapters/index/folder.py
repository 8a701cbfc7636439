"""An index in a folder of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tagline.adapters.scratch import clear
from tagline.domain.index.listing import INDEX, MAX_INDEX, Listing, Part, decode, is_part
from tagline.domain.index.tables import TABLES
from tagline.errors import Conflict, PlatformRefused

if TYPE_CHECKING:
    from tagline.adapters.index.dataset import Place

#: Seconds that a second writer waits, and between two looks.
WAIT, _PAUSE = 60.0, 0.1
_LOCK = ".tagline-index.lock"
_NEW = ".tagline-new-"


class Folder:
    """The port Place over a folder, which need not be there yet. ``wait`` is in seconds."""

    def __init__(self, root: Path, wait: float = WAIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._wait = wait
        self._clock = clock

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._root)

    def read(self) -> tuple[bytes, str] | None:
        """The mark is not needed: writers are kept apart by a lock."""
        try:
            with (self._root / INDEX).open("rb") as file:
                return file.read(MAX_INDEX + 1), ""
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _refused(self._root / INDEX, "read", error) from error

    def replace(self, data: bytes, mark: str | None) -> bool:
        """By a rename, once the bytes are on the disk."""
        self._replace(self._root / INDEX, data)
        return True

    def _replace(self, path: Path, data: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._root, prefix=_NEW)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), 0o644)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError as error:
            raise _refused(path, "written", error) from error

    def local(self, part: Part) -> Path:
        """Where it is. Raises PlatformRefused for one that is gone."""
        path = self._root / part.file
        if not path.is_file():
            raise PlatformRefused(
                f"{path} is listed in {INDEX} and not there.",
                "Restore it, or make the index anew in an empty folder.",
                code="index-broken",
            )
        return path

    def put(self, file: str, path: Path) -> None:
        """By a rename."""
        target = self._root / file
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(0o644)
            path.replace(target)
        except OSError as error:
            raise _refused(target, "written", error) from error

    def write(self, file: str, text: str) -> None:
        """By a rename, where it differs."""
        path, data = self._root / file, text.encode()
        if not path.is_file() or path.read_bytes() != data:
            self._replace(path, data)

    def uri(self, file: str) -> str:
        """``file://``."""
        return (self._root.resolve() / file).as_uri()

    def delete(self, files: Collection[str]) -> None:
        """Delete parts."""
        for file in files:
            (self._root / file).unlink(missing_ok=True)

    def strays(self, known: Collection[str], older: float) -> Collection[str]:
        """By the folders of tables."""
        found = set()
        for table in TABLES:
            for path in (self._root / table).glob("*.parquet"):
                file = f"{table}/{path.name}"
                with contextlib.suppress(FileNotFoundError):
                    if is_part(file) and file not in known and path.stat().st_mtime <= older:
                        found.add(file)
        return found

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """Alone: a lock that ends with the process. Raises Conflict after the wait."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = (self._root / _LOCK).open("a")
        except OSError as error:
            raise _refused(self._root, "written", error) from error
        with lock:
            self._take(lock.fileno())
            clear(self._root, _NEW)  # of runs that were killed: nobody else writes now
            scratch = Path(tempfile.mkdtemp(dir=self._root, prefix=_NEW))
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

    def _take(self, lock: int) -> None:
        until = self._clock() + self._wait
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if self._clock() >= until:
                    raise Conflict(
                        f"Another run has been writing to {self._root} for {self._wait:.0f} seconds.",
                        "Wait until it is done and run the same again. The lock ends with its process.",
                        code="index-locked",
                    ) from None
                time.sleep(_PAUSE)


class ReadDataSet:
    """The port DataSet over a place that is only read."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def name(self) -> str:
        """The place's."""
        return self._place.name

    def read(self) -> Listing | None:
        """What is listed now."""
        found = self._place.read()
        return None if found is None else decode(found[0], self.name)

    def local(self, parts: Sequence[Part]) -> Sequence[Path]:
        """Where these parts are on this machine."""
        return [self._place.local(part) for part in parts]


def _refused(path: Path, what: str, error: OSError) -> PlatformRefused:
    return PlatformRefused(
        f"{path} cannot be {what}: {error.strerror or error}.",
        "Check the folder and its permissions.",
        code="index-disk",
    )
