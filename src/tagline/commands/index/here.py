"""One repository as rows in memory, for questions that name no index."""

from __future__ import annotations

from typing import NamedTuple

from tagline.commands.index.reading import StorageOf, read_registry
from tagline.domain.index.rows import About, Rows, repository_rows
from tagline.domain.index.sources import Wanted
from tagline.ports.index import Registries


class Here(NamedTuple):
    """Rows by table, and what could not be read, in sentences."""

    rows: Rows
    gaps: list[str]


def read_here(registries: Registries, wanted: Wanted, storage_of: StorageOf, now: int) -> Here:
    """The rows that an index would have of one repository. Raises PlatformRefused, WrongUsage."""
    refs = registries.look(wanted.address)
    about = About(wanted.repository, wanted.url, wanted.forge, wanted.visibility, refs.fingerprint, now)
    about = about._replace(branch=refs.branch)
    if refs.empty:
        return Here(repository_rows(about._replace(status="empty")), [])
    with registries.open(wanted.address, refs) as opened:
        read = read_registry(opened, {}, storage_of)
    return Here(repository_rows(about, read.registry), read.gaps)
