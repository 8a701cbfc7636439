"""An index where it is kept, in a folder or at S3: read as one state, and replaced as one.

Parts are files named by their content, so what is there is never written over. ``index.json`` is replaced last: a run
that is killed leaves the state before, and files that later runs clear away.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from tagline.adapters.index.duck import connect, in_seconds, require
from tagline.adapters.index.folder import ReadDataSet
from tagline.adapters.index.merging import Merge, Merged
from tagline.adapters.index.spool import FileSpool
from tagline.adapters.scratch import clear, scratch
from tagline.domain.index.buckets import bucket_of
from tagline.domain.index.listing import MANIFEST, Listing, Part, decode, encode
from tagline.domain.index.tables import FORMAT, TABLES
from tagline.domain.text.times import format_time, parse_time
from tagline.errors import Conflict, WrongUsage
from tagline.ports.index import Known, Update

#: Seconds that files stay which are listed no more: readers may be at them.
RETIRED_FOR = 86_400
_PREFIX = ".tagline-rows-"
#: Attempts to be the one that replaces the index.
_ATTEMPTS = 20


class Place(Protocol):
    """Where files of an index are kept."""

    @property
    def name(self) -> str:
        """What people call it."""

    def read(self) -> tuple[bytes, str] | None:
        """``index.json`` and a mark of this state; None where there is none."""

    def replace(self, data: bytes, mark: str | None) -> bool:
        """Write ``index.json``; False where its state is not that of the mark any more (None: there is none)."""

    def local(self, part: Part) -> Path:
        """Where a part is on this machine."""

    def put(self, file: str, path: Path) -> None:
        """Keep a new part, which is moved or copied."""

    def write(self, file: str, text: str) -> None:
        """Write a small file, if it says something else."""

    def uri(self, file: str) -> str:
        """Where other programs find a file."""

    def delete(self, files: Collection[str]) -> None:
        """Delete parts; what is gone already is passed over."""

    def strays(self, known: Collection[str], older: float) -> Collection[str]:
        """Parts that are not known and older than an instant (unix seconds): of runs that were killed."""

    def writing(self) -> contextlib.AbstractContextManager[Path]:
        """An empty folder for a run that replaces the state, alone where the place knows locks. Raises Conflict."""


class PlacedDataSet(ReadDataSet):
    """The port Kept over a place. ``scratch`` is where this run's own files go."""

    def __init__(self, place: Place, scratch: Path) -> None:
        require()
        super().__init__(place)
        self._scratch = scratch
        self._spool: FileSpool | None = None
        self._folder: Path | None = None
        self._stack = contextlib.ExitStack()

    def before(self) -> OldState:
        """What is there now."""
        found = self._place.read()
        listing = decode(found[0], self.name, outdated=True) if found is not None else None
        return OldState(self, listing, self._own())

    def spool(self) -> FileSpool:
        """In a folder that goes with the run."""
        if self._spool is None:
            self._spool = FileSpool(self._own() / "spool")
        return self._spool

    def _own(self) -> Path:
        if self._folder is None:
            self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            clear(self._scratch, _PREFIX)
            self._folder = self._stack.enter_context(scratch(self._scratch, _PREFIX))
        return self._folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Clear what this run left on this machine."""
        self._stack.close()

    def update(self, update: Update) -> Listing:
        """Merge with what is there by then; again where somebody was faster."""
        spool = self.spool().files()
        for _ in range(_ATTEMPTS):
            with self._place.writing() as scratch:
                found = self._place.read()
                listing = decode(found[0], self.name, outdated=True) if found is not None else Listing("", {})
                merged = self._merge(listing, update, spool, scratch)
                new = _next(listing, merged, update.now)
                for file, path in merged.fresh.items():
                    self._place.put(file, path)
                if self._place.replace(encode(new), found[1] if found is not None else None):
                    self._tidy(listing, new, update.now)
                    return new
        raise Conflict(
            f"Other runs wrote to {self.name} all the time.",
            "Run the same again when they are done.",
            code="index-busy",
        )

    def _merge(self, listing: Listing, update: Update, spool: Mapping[str, Path], scratch: Path) -> Merged:
        with Merge(scratch, self.local) as merge:
            there = merge.repositories(listing.tables.get("repositories", ()))
            lost = [one for one, mark in update.kept.items() if one not in there or there[one] != mark]
            if lost:
                raise Conflict(
                    f"Another run wrote to {self.name} meanwhile, and {lost[0]} is not there as it was read.",
                    "Run the same again.",
                    code="index-changed",
                )
            stays = {*update.kept, *update.replaced}
            leaving = [one for one in there if one not in stays and update.owned(bucket_of(one))]
            if not leaving and not update.replaced and all(map(listing.is_whole, TABLES)):
                return Merged({table: list(some) for table, some in listing.tables.items()}, {})
            return merge.run(listing, spool, leaving, update.replaced, {*there, *update.replaced})

    def _tidy(self, before: Listing, after: Listing, now: int) -> None:
        """What follows a new state: the lists that other engines read, and files that nobody reads any more."""
        for table, parts in after.tables.items():
            files = "".join(f"{self._place.uri(part.file)}\n" for part in parts)
            self._place.write(f"{table}/{MANIFEST}", files)
        old = {file for file, since in before.retired.items() if file not in after.retired and file not in after.files}
        old |= set(self._place.strays({*after.files, *after.retired}, now - RETIRED_FOR))
        self._place.delete(old)


def _next(before: Listing, merged: Merged, now: int) -> Listing:
    """The listing of the next state. What was deleted is forgotten one state later."""
    told = format_time(now)
    files = {part.file for some in merged.tables.values() for part in some}
    since = dict.fromkeys(before.files, told) | {file: when or told for file, when in before.retired.items()}
    kept = {file: when for file, when in since.items() if file not in files and not _is_over(when, now)}
    return Listing(told, merged.tables, kept, columns={name: len(table.columns) for name, table in TABLES.items()})


def _is_over(since: str, now: int) -> bool:
    try:
        return parse_time(since) <= now - RETIRED_FOR
    except WrongUsage:
        return True


class OldState:
    """The port Before: a state's rows, by a connection of its own for each thread."""

    def __init__(self, data: PlacedDataSet, listing: Listing | None, scratch: Path) -> None:
        self._data = data
        self._tables = listing.tables if listing is not None else {}
        self.outdated = listing.format if listing is not None and listing.format != FORMAT else None
        self._duck = connect(scratch)
        self._threads = threading.local()
        self._selects: dict[tuple[str, tuple[Path, ...]], str] = {}

    def repositories(self) -> Mapping[str, tuple[Any, ...]]:
        """By name."""
        files = self._data.local(self._tables.get("repositories", ()))
        if not files:
            return {}
        rows = self._cursor().execute(self._select("repositories", files)).fetchall()
        return {row[0]: row for row in rows}

    def versions(self, repository: str) -> Mapping[tuple[str, str], Known]:
        """By artifact and version."""
        rows = {table: self._rows(table, repository) for table in ("versions", "metrics", "params", "inputs")}
        found = {
            (row[2], row[3]): Known(row[4], row[8], row[9], row[10], row[11], [], [], []) for row in rows["versions"]
        }
        for table in ("metrics", "params", "inputs"):
            for row in rows[table]:
                if (row[2], row[3]) in found:
                    getattr(found[row[2], row[3]], table).append(row[4:])
        return found

    def rows(self, repository: str) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        """All but its own."""
        return {table: self._rows(table, repository) for table in TABLES if table != "repositories"}

    def _rows(self, table: str, repository: str) -> list[tuple[Any, ...]]:
        bucket = bucket_of(repository)
        files = self._data.local([part for part in self._tables.get(table, ()) if bucket in part.buckets])
        if not files:
            return []
        query = f"FROM ({self._select(table, files)}) WHERE repository = ?"
        found: list[tuple[Any, ...]] = self._cursor().execute(query, [repository]).fetchall()
        return found

    def _select(self, table: str, files: Sequence[Path]) -> str:
        key = (table, tuple(files))
        if key not in self._selects:
            self._selects[key] = in_seconds(self._cursor(), table, files)
        return self._selects[key]

    def _cursor(self) -> Any:
        if not hasattr(self._threads, "duck"):
            self._threads.duck = self._duck.cursor()
        return self._threads.duck
