"""Which engine answers questions about the index."""

from __future__ import annotations

from pathlib import Path

from tagline.adapters.index.engine import DataSetEngine
from tagline.adapters.index.folder import FolderDataSet
from tagline.ports.engine import Engine
from tagline.settings import Settings


def engine_of(dest: str, settings: Settings) -> Engine:
    """The engine for the index at ``dest``, a folder."""
    return DataSetEngine(FolderDataSet(Path(dest)))
