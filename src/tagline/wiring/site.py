"""Which adapters make a site: the index's place, and the folder that is written to."""

from __future__ import annotations

from pathlib import Path

from tagline.adapters.index.choice import data_set
from tagline.adapters.site.folder import DiskFolder
from tagline.adapters.site.rows import ParquetRows
from tagline.ports.site import IndexRows
from tagline.settings import Settings


def index_rows(index: str, settings: Settings) -> IndexRows:
    """The rows of an index: a folder, or ``s3://BUCKET/PREFIX``. Raises WrongUsage where there is none."""
    return ParquetRows(data_set(index, settings.cache))


def site_folder(folder: str) -> DiskFolder:
    """Where the site goes."""
    return DiskFolder(Path(folder))
