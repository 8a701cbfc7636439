"""Where an index is kept, by what people call the place."""

from __future__ import annotations

from pathlib import Path

from tagline.adapters.index.dataset import PlacedDataSet
from tagline.adapters.index.folder import Folder
from tagline.domain.text.public import lowered_scheme
from tagline.errors import WrongUsage


def data_set(destination: str, cache: Path) -> PlacedDataSet:
    """The data set at a folder or at ``s3://BUCKET/PREFIX``; ``cache`` is for copies. Raises WrongUsage."""
    address = lowered_scheme(destination)
    if address.startswith("s3://"):
        from tagline.adapters.index.bucket import Bucket

        return PlacedDataSet(Bucket(address, cache / "index"), cache)
    if "://" in address:
        raise WrongUsage(
            f"{destination} is neither a folder nor an address of S3.",
            "Name a folder, or s3://BUCKET/PREFIX.",
            code="bad-destination",
        )
    return PlacedDataSet(Folder(Path(destination).expanduser().absolute()), cache)
