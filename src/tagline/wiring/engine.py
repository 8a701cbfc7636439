"""Which engine answers questions about the index."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

# What reads repositories is imported where one is read: an index is asked without any of it.
if TYPE_CHECKING:
    from tagline.ports.engine import Engine
    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring


@contextlib.contextmanager
def engine_of(dest: str, settings: Settings) -> Iterator[Engine]:
    """The engine for the index at ``dest``: a folder, or ``s3://BUCKET/PREFIX``."""
    from tagline.adapters.index.engine import DataSetEngine

    if "://" not in dest:
        from pathlib import Path

        from tagline.adapters.index.folder import Folder, ReadDataSet

        yield DataSetEngine(ReadDataSet(Folder(Path(dest).expanduser().absolute())))
        return
    from tagline.adapters.index.choice import data_set

    with data_set(dest, settings.cache) as data:
        yield DataSetEngine(data)


def engine_here(wiring: Wiring) -> tuple[Engine, list[str]]:
    """The engine for one repository, read into memory; and what of it could not be read, in sentences."""
    from tagline.adapters.index.engine import RowsEngine
    from tagline.commands.index.here import read_here
    from tagline.wiring.index import JOBS, IndexWiring
    from tagline.wiring.registry import now

    index = IndexWiring(wiring.settings, wiring.forge, wiring.api_url)
    wanted = index.wanted([wiring.address or str(wiring.repository.place.root)], [], [], [])[0]
    here = read_here(index.registries(JOBS), wanted, index.storage, now())
    return RowsEngine(here.rows), here.gaps
