"""An index in a folder, read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tagline.domain.index.tables import FORMAT, TABLES
from tagline.errors import PlatformRefused, WrongUsage
from tagline.ports.index import Listing, Part

_PART = re.compile(rf"({'|'.join(TABLES)})/[0-9a-f]{{32}}\.parquet")


class FolderDataSet:
    """The port DataSet for a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._folder)

    def read(self) -> Listing | None:
        """What ``index.json`` says; None without one."""
        try:
            document = json.loads((self._folder / "index.json").read_bytes())
            listing = Listing(
                document["format"], document["generated_at"],
                {table: [_part(part) for part in parts] for table, parts in document["tables"].items()},
            )  # fmt: skip
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PlatformRefused(f"{self.name} cannot be read: {error.strerror}.", "See what is there.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WrongUsage(f"{self.name}/index.json is none of an index.", "Name the folder of an index.") from error
        if listing.format != FORMAT:
            raise WrongUsage(
                f"{self.name} has format {listing.format}, and this version of Tagline reads {FORMAT}.",
                "Use the version of Tagline that made it, or make it anew.",
            )
        return listing

    def local(self, parts: Sequence[Part]) -> Sequence[Path]:
        """The files themselves."""
        return [self._folder / part.file for part in parts]


def _part(part: Any) -> Part:
    if not _PART.fullmatch(part["file"]):
        raise ValueError(part["file"])
    return Part(part["file"], int(part["rows"]), int(part["bytes"]), tuple(part["buckets"]))
