"""A site's folder: new files are laid aside, then each is renamed to its place, the pages that lead to them last.

A run that is killed while it makes pages changes nothing; one killed while it renames leaves whole pages, old and
new, and the next run knows of all of them. What it did not write itself it neither replaces nor deletes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tagline.adapters.site.state import STATE, decode, encode, require_free
from tagline.errors import Conflict, WrongUsage
from tagline.ports.site import Made, Written

_ASIDE = ".tagline-site-new"
#: Seconds to wait for another run.
_WAIT = 60.0


class DiskFolder:
    """The port SiteFolder over a folder of this machine, which is made. One run at a time: see :meth:`locked`."""

    def __init__(self, root: Path, wait: float = _WAIT) -> None:
        self._root = root
        self._wait = wait
        self._made: Made | None = None
        self._put: dict[str, Path] = {}
        #: Files laid aside, a second one of the same name included.
        self._count = 0

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._root)

    @contextlib.contextmanager
    def locked(self) -> Iterator[DiskFolder]:
        """The folder for this run alone. Raises Conflict, WrongUsage where it cannot be written to."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise WrongUsage(
                f"{self.name} cannot be made: {error.strerror}.", "Name another folder with -o."
            ) from error
        try:
            self._lock(handle)
            shutil.rmtree(self._root / _ASIDE, ignore_errors=True)
            yield self
        finally:
            shutil.rmtree(self._root / _ASIDE, ignore_errors=True)
            os.close(handle)

    def _lock(self, handle: int) -> None:
        until = time.monotonic() + self._wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as busy:
                if time.monotonic() >= until:
                    raise Conflict(
                        f"Another run makes the site in {self.name}.", "Run again when it is done."
                    ) from busy
                time.sleep(0.1)

    def before(self) -> Made:
        """What the site there was made from. Raises WrongUsage for a folder with somebody else's pages."""
        if self._made is None:
            self._made = self._read()
        return self._made

    def _read(self) -> Made:
        try:
            return decode((self._root / STATE).read_bytes())
        except FileNotFoundError:
            require_free(self.name, lambda one: (self._root / one).exists())
            return Made()
        except OSError:
            return Made()

    def there(self, files: Mapping[str, int]) -> bool:
        """Whether all these files are there, of these sizes."""
        try:
            return all(os.stat(f"{self._root}/{file}").st_size == size for file, size in files.items())  # noqa: PTH116
        except OSError:
            return False

    def put(self, file: str, data: bytes) -> None:
        """Lay a file aside, unless its place has the same bytes already."""
        place = self._root / file
        try:
            if place.stat().st_size == len(data) and place.read_bytes() == data:
                return
        except OSError:
            pass
        aside = self._root / _ASIDE / str(self._count)
        if not self._count:
            aside.parent.mkdir(exist_ok=True)
        self._count += 1
        aside.write_bytes(data)
        self._put[file] = aside

    def finish(self, made: Made, last: Sequence[str]) -> Written:
        """Rename, remember, take away."""
        before, now = self.before(), made.files
        # If this run is killed from here on, the next makes every page again, and knows whose files these are.
        self._write(Made("", {}, {**before.files, **now}))
        ends = {file: number for number, file in enumerate(last, 1)}
        folders: set[Path] = set()
        for file in sorted(self._put, key=lambda name: (ends.get(name, 0), name)):
            place = self._root / file
            if place.parent not in folders:
                place.parent.mkdir(parents=True, exist_ok=True)
                folders.add(place.parent)
            self._put[file].replace(place)
        gone = [file for file in before.files if file not in now]
        for file in gone:
            self._remove(file)
        self._write(made)
        return Written(len(self._put), len(gone))

    def _remove(self, file: str) -> None:
        place = self._root / file
        with contextlib.suppress(OSError):
            place.unlink()
        for folder in place.parents:
            if folder == self._root:
                return
            try:
                folder.rmdir()
            except OSError:
                return

    def _write(self, made: Made) -> None:
        self._root.joinpath(_ASIDE).mkdir(exist_ok=True)
        aside = self._root / _ASIDE / "state"
        aside.write_bytes(encode(made))
        aside.replace(self._root / STATE)
