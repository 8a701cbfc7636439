"""Which adapters make a site: the index's place, and the folder that is written to."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tagline.adapters.index.choice import data_set
from tagline.adapters.site.folder import DiskFolder
from tagline.adapters.site.rows import ParquetRows
from tagline.domain.text.public import lowered_scheme
from tagline.errors import WrongUsage
from tagline.ports.site import IndexRows, SiteFolder
from tagline.settings import Settings


def index_rows(index: str, settings: Settings) -> IndexRows:
    """The rows of an index: a folder, or ``s3://BUCKET/PREFIX``. Raises WrongUsage where there is none."""
    return ParquetRows(data_set(index, settings.cache))


def site_folder(place: str) -> AbstractContextManager[SiteFolder]:
    """Where the site goes, for one run: a folder, or ``s3://BUCKET/PREFIX``. Raises WrongUsage, Conflict."""
    address = lowered_scheme(place)
    if address.startswith("s3://"):
        from tagline.adapters.site.bucket import BucketFolder

        return BucketFolder(address).locked()
    if "://" in address:
        raise WrongUsage(
            f"{place} is neither a folder nor an address of S3.",
            "Name a folder, or s3://BUCKET/PREFIX.",
            code="bad-destination",
        )
    return DiskFolder(Path(place)).locked()
