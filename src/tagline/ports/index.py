"""The port of the index: a data set of many registries, as rows of the tables of ``domain.index.tables``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tagline.domain.index.listing import Listing, Part

if TYPE_CHECKING:  # a port loads nothing more
    from tagline.domain.delivery.book import Report
    from tagline.domain.index.refs import Refs
    from tagline.domain.index.sources import Wanted
    from tagline.domain.ledger.events import RawTag
    from tagline.ports.repository import Repository


class DataSet(Protocol):
    """Where an index is kept: a folder, or a prefix of a bucket."""

    @property
    def name(self) -> str:
        """What people call it, without secrets."""

    def read(self) -> Listing | None:
        """What is listed now; None where there is no index yet.

        Raises WrongUsage for an index of another format, or something else, PlatformRefused where it cannot be read.
        """

    def local(self, parts: Sequence[Part]) -> Sequence[Path]:
        """Where these parts are on this machine, in the order asked for; brought and verified where they were not."""


class Update(NamedTuple):
    """What a run found, beside the rows in the spool.

    ``replaced`` are the repositories whose rows these are; of every other one in ``owned`` buckets that is not in
    ``kept`` the rows go. ``kept`` has repository to fingerprint: their rows stay as they are.
    """

    replaced: Collection[str]
    kept: Mapping[str, str | None]
    owned: Callable[[int], bool]
    now: int


class Known(NamedTuple):
    """What an index has of a version: its commit, and what ``Behind`` keeps, whose rows lack the version's own key."""

    commit: str
    digest: str | None
    sha256: str | None
    size: int | None
    uri: str | None
    metrics: Sequence[tuple[Any, ...]]
    params: Sequence[tuple[Any, ...]]
    inputs: Sequence[tuple[Any, ...]]


class Before(Protocol):
    """The state of an index that a run goes on from. Threads may ask at once."""

    @property
    def outdated(self) -> int | None:
        """The format of an older release that the index has, so that nothing is known; None for our own, or none."""

    def repositories(self) -> Mapping[str, tuple[Any, ...]]:
        """The rows of the table ``repositories``, by name."""

    def versions(self, repository: str) -> Mapping[tuple[str, str], Known]:
        """What is known of a repository's versions, by artifact and version."""

    def rows(self, repository: str) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        """All rows of a repository but its own, by table; times are whole seconds."""


class Spool(Protocol):
    """New rows, kept on disk until the update: many repositories have more than memory should hold."""

    def add(self, rows: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        """Add rows by table, times as whole unix seconds."""


class Kept(DataSet, Protocol):
    """A data set that is written."""

    def before(self) -> Before:
        """What is there now."""

    def spool(self) -> Spool:
        """Where new rows go; always the same."""

    def update(self, update: Update) -> Listing:
        """Bring the update in, all of it or nothing, whoever else writes meanwhile.

        Raises Conflict where another run does not let us in, or changed what this one keeps.
        """


class Registry(Protocol):
    """An open repository: what its refs were when it was listed, read by their object ids, whatever moves meanwhile."""

    @property
    def refs(self) -> Refs:
        """What is read."""

    def begin(self, *, files: bool) -> None:
        """Bring what is not here, before all else; ``files``: with the files of every tagged commit."""

    def tags(self) -> list[RawTag]:
        """The registry's tags, with tagger and message."""

    def repository(self) -> Repository:
        """Commits and their files. A file that is too large for what it should say counts as absent."""

    def reports(self) -> Mapping[str, Sequence[Report]]:
        """What deployments reported, by artifact as tags write it, oldest first."""


class Registries(Protocol):
    """Reads repositories without clones. Threads may ask at once."""

    def look(self, address: str) -> Refs:
        """What a repository's refs are, by one request. Raises PlatformRefused, WrongUsage."""

    def open(self, address: str, refs: Refs) -> contextlib.AbstractContextManager[Registry]:
        """Open it to be read as of these refs. Raises PlatformRefused, also where one of them is gone meanwhile."""


class Organization(Protocol):
    """The repositories of an organization or group, as far as a token sees them."""

    def repositories(self, owner: str) -> Iterator[Wanted]:
        """All of them, those of groups below included. Raises NotFound and PlatformRefused."""

    def named(self, names: Sequence[str]) -> Mapping[str, Wanted]:
        """Those of these full names that can be asked for, many by one request. Raises PlatformRefused."""
