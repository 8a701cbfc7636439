"""The port of the index: a data set of many registries, as rows of the tables of ``domain.index.tables``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol


class Part(NamedTuple):
    """A Parquet file of a table: its path from the data set's root, rows, bytes, and which buckets it has rows of."""

    file: str
    rows: int
    bytes: int
    buckets: tuple[int, ...]


class Listing(NamedTuple):
    """``index.json``: one state of all tables. ``generated_at`` is RFC 3339."""

    format: int
    generated_at: str
    tables: Mapping[str, Sequence[Part]]


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
