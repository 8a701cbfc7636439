"""Which engine answers questions about the index."""

from __future__ import annotations

from tagline.adapters.index.choice import data_set
from tagline.adapters.index.engine import DataSetEngine
from tagline.ports.engine import Engine
from tagline.settings import Settings


def engine_of(dest: str, settings: Settings) -> Engine:
    """The engine for the index at ``dest``: a folder, or ``s3://BUCKET/PREFIX``."""
    return DataSetEngine(data_set(dest, settings.cache))
