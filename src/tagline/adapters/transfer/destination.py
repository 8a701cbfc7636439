"""The port Destination on this machine's files: DEST is the file or the folder itself, replaced as a whole.

What is replaced is a file by a file, and a folder that an earlier fetch made; nothing that Git tracks.

Nothing here waits for the disk (fsync). That would guard against a machine that loses its power within
seconds after a fetch, and cost the time of the transfer once more on a slow disk. The promise is another:
whoever fetches again compares by digests, not by names.
"""

# ruff: noqa: PTH100, PTH114, PTH116, PTH118, PTH208
# Plain strings and descriptors: a Path for each of many files would cost more than the file.

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from tagline.adapters.git.tracked import tracked_at
from tagline.adapters.transfer import refusals
from tagline.adapters.transfer.cache import ObjectCache
from tagline.adapters.transfer.fetched_folders import FetchedFolders
from tagline.adapters.transfer.passing import feed
from tagline.adapters.transfer.relpaths import check_relpaths, folders_of, is_one_file
from tagline.adapters.transfer.staging import Staging, appeared, refuse_special
from tagline.adapters.transfer.transfer import Transfer
from tagline.adapters.transfer.trees import open_file, pieces_of
from tagline.adapters.transfer.workers import Workers
from tagline.domain.storage.objects import Item
from tagline.domain.storage.sha256 import UNCOUNTED, Sha256s
from tagline.errors import WrongUsage
from tagline.ports.storage import ObjectStore

_HASHERS = 4
#: How many files that are in the way are named.
_NAMED = 3


class _Different(Exception):
    """One file is not the expected one: the others need not be read."""


class Destination:
    """A path that is replaced as a whole. Its parents may be links, it and what is in it may not."""

    def __init__(
        self,
        path: Path | str,
        *,
        cache: ObjectCache | None = None,
        streams: int | None = None,
        made: FetchedFolders | None = None,
    ) -> None:
        """``made``: the folders that fetches have made; without it no folder is replaced but an empty one."""
        self._name = os.fspath(path)
        if not self._name:
            raise WrongUsage("The destination has no name.", "Name the file or folder: -o model.pkl")
        # Not resolved: a link at the destination is replaced itself.
        self._path = Path(os.path.abspath(path))
        self._cache = cache
        self._streams = streams
        self._made = made
        self._notes: list[str] = []

    def settle(self, items: Sequence[Item], name: str) -> str:
        """Into a folder under ``name``, where that is what the path means; gives what people call the place."""
        if self._name.endswith("/") or (is_one_file(items) and _is_folder(str(self._path))):
            self._name = os.path.join(self._name, name)
            self._path /= name
        return self._name

    def compare(self, items: Sequence[Item], sums: Sha256s = UNCOUNTED) -> bool | None:
        """Whether what lies there is exactly these files, by their digests; None for nothing there.

        Links, devices, more or fewer files and empty folders are differences; modes and times are not.
        An empty folder is nothing where a folder is to be. What a killed fetch had moved aside is put back first.
        """
        check_relpaths(items)
        try:
            refuse_special(str(self._path))
            staging = Staging(self._path, items)
            staging.put_back()
            equal = self._compare(items, sums)
            if equal:
                staging.tidy()
            return equal
        except OSError as error:
            raise refusals.cannot_write(str(self._path), error) from error

    def _compare(self, items: Sequence[Item], sums: Sha256s) -> bool | None:
        try:
            mode = os.lstat(self._path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if is_one_file(items):
            return stat.S_ISREG(mode) and _same(str(self._path), items, sums)
        if not stat.S_ISDIR(mode):
            return False
        wanted = {item.relpath: item for item in items}
        found = _files_of(str(self._path), wanted, frozenset(folders_of(wanted)))
        if found is None:
            return False
        if not found and wanted:
            # Nothing but the folders that are wanted anyway: only without any is it "nothing there".
            return False if os.listdir(self._path) else None
        return found == wanted.keys() and _same(str(self._path), items, sums)

    @property
    def notes(self) -> Sequence[str]:
        """Why something could not be kept."""
        return (*self._notes, *(self._cache.notes if self._cache is not None else ()))

    def keep(self, digest: str, data: bytes) -> None:
        """Put an object into the cache, where there is one."""
        if self._cache is not None:
            self._cache.put_bytes(digest, data)

    def recall(self, digest: str) -> bytes | None:
        """An object of the cache, verified; None where it is not there."""
        return None if self._cache is None else self._cache.get_bytes(digest)

    def refuse_kept(self, items: Sequence[Item]) -> None:
        """Raise Refused where something lies there that these files never replace; PlatformRefused where git fails."""
        try:
            self._refuse_kept(items)
        except OSError as error:
            raise refusals.cannot_write(str(self._path), error) from error

    def _refuse_kept(self, items: Sequence[Item]) -> None:
        if not os.path.lexists(self._path):
            return
        if is_one_file(items) and _is_folder(str(self._path)):
            raise refusals.kept(self._name, "is a folder, which no file replaces")
        if not is_one_file(items):
            self._refuse_folder(str(self._path))
        tracked = tracked_at(self._path)
        if tracked is not None:
            raise refusals.kept(self._name, f"is in Git, which tracks {tracked!r}")

    def _refuse_folder(self, there: str) -> None:
        """Raise Refused where more than a fetch put there is in what lies at the destination, or did a moment ago."""
        if not _is_folder(there):
            raise refusals.kept(self._name, "is no folder, and a folder replaces none but its like")
        if not os.listdir(there):
            return
        files = self._made.files_of(str(self._path), os.lstat(there).st_ino) if self._made is not None else None
        if files is None:
            raise refusals.kept(self._name, "is a folder that was made by no fetch that this user's cache knows of")
        others = list(islice(_others(there, files), _NAMED + 1))
        if others:
            named = ", ".join(map(repr, others[:_NAMED])) + (" and more" if len(others) > _NAMED else "")
            raise refusals.kept(self._name, f"has what no fetch put there: {named}")

    def receive(
        self,
        store: ObjectStore,
        items: Sequence[Item],
        report: Callable[[int, int], None],
        size: int | None = None,
        *,
        force: bool = False,
        sums: Sha256s = UNCOUNTED,
        still_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Bring the files, verify each digest, and only then put them there as a whole.

        Without ``force`` nothing is replaced but an empty folder; with it, nothing that ``refuse_kept`` refuses.
        Where ``still_wanted``, asked then, says no, nothing is put there, and what came goes.
        """
        check_relpaths(items)
        self._refuse_here()
        try:
            refuse_special(str(self._path))
            with Staging(self._path, items) as staging:
                # Others may have put something there since compare(), those that we waited for surely did.
                equal = self._compare(items, sums) if staging.waited or not force else None
                if equal is False and not force:
                    raise appeared(str(self._path))
                if equal:
                    if still_wanted():
                        report(sum(item.size or 0 for item in items), len(items))
                    staging.discard()
                    return
                transfer = Transfer(
                    store, staging, cache=self._cache, streams=self._streams, report=report, sums=sums, total=size
                )
                if force:
                    self._refuse_kept(items)
                self._fill(transfer, staging, items)
                sums.verify(items)
                if not still_wanted():
                    staging.discard()
                    return
                self._remember(staging, items)
                if force:  # a long time after it was looked at first
                    self._refuse_kept(items)
                empty = not is_one_file(items) and self._is_empty_folder()
                staging.place(replace=force or empty, check=self._refuse_folder)
        except OSError as error:
            raise refusals.cannot_write(str(self._path), error) from error

    def _fill(self, transfer: Transfer, staging: Staging, items: Sequence[Item]) -> None:
        sizes = transfer.sizes(items)
        needed = transfer.total if None in sizes and transfer.total is not None else _room(staging.folder, sizes)
        needed -= _room(staging.folder, list(staging.kept.values()))
        if needed > (free := _free(staging.folder)):
            raise refusals.disk_full(str(self._path), needed, free)
        try:
            transfer.bring(items)
        except OSError as error:
            if not refusals.is_full(error):
                raise
            # Others need the room more than we need what came.
            free = _free(staging.folder)
            staging.discard()
            raise refusals.disk_full(str(self._path), needed, free, error.strerror or "") from error

    def _remember(self, staging: Staging, items: Sequence[Item]) -> None:
        """Before it is there: a run that is killed leaves no folder of ours that nobody knows."""
        if self._made is None or is_one_file(items):
            return
        try:
            self._made.add(str(self._path), os.lstat(staging.path("")).st_ino, (item.relpath for item in items))
        except OSError as error:
            why = error.strerror or error
            self._notes.append(f"{self._name!r} could not be noted as fetched, so --force will not replace it: {why}.")

    def _is_empty_folder(self) -> bool:
        try:
            return not os.path.islink(self._path) and not os.listdir(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _refuse_here(self) -> None:
        """Nobody means to replace the folder that they work in, and all that is beside the artifact there."""
        try:
            there, here = os.lstat(self._path), Path.cwd()
            above = [os.stat(folder) for folder in (here, *here.parents)]
        except OSError:
            return
        if any(os.path.samestat(there, folder) for folder in above):
            raise WrongUsage(
                f"{str(self._path)!r} is the current folder or contains it, and would be replaced as a whole.",
                "The destination is the file or folder itself: name it, such as ./model.",
            )


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _others(root: str, files: frozenset[str]) -> Iterator[str]:
    """What lies below a folder beside ``files``; a folder by itself is nothing."""
    todo = [""]
    while todo:
        folder = todo.pop()
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    todo.append(name)
                elif name not in files:
                    yield name


def _files_of(root: str, wanted: Mapping[str, Item], folders: frozenset[str]) -> set[str] | None:
    """The files below a folder; None as soon as one thing is not as wanted."""
    found: set[str] = set()
    todo = [""]
    while todo:
        folder = todo.pop()
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False) and name in folders:
                    todo.append(name)
                    continue
                item = wanted.get(name)
                if item is None or not entry.is_file(follow_symlinks=False):
                    return None
                if item.size not in (None, entry.stat(follow_symlinks=False).st_size):
                    return None
                found.add(name)
    return found


def _same(root: str, items: Sequence[Item], sums: Sha256s) -> bool:
    """Whether every file has its digest, and all together what is expected; the first difference ends it."""
    try:
        workers = Workers()
        workers.run((partial(_check, root, item, workers, sums) for item in items), min(_HASHERS, len(items)))
    except _Different:
        return False
    return sums.agree(items)


def _check(root: str, item: Item, workers: Workers, sums: Sha256s) -> None:
    descriptor = open_file(f"{root}/{item.relpath}" if item.relpath else root)
    if descriptor is None:
        raise _Different
    try:
        size = os.fstat(descriptor).st_size
        if item.size not in (None, size):
            raise _Different
        hasher = sums.hasher(item, size)
        feed(pieces_of(descriptor), hasher, lambda _size: workers.check())
    finally:
        os.close(descriptor)
    if not hasher.matches():
        raise _Different
    sums.tell(item, hasher)


def _room(folder: str, sizes: Sequence[int | None]) -> int:
    """The bytes that files take on a disk, in whole blocks."""
    block = os.statvfs(folder).f_frsize or 1
    return sum(-(-(size or 0) // block) * block for size in sizes)


def _free(folder: str) -> int:
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize
