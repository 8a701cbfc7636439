"""An index at S3, or at what speaks its language: one prefix of a bucket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tagline.adapters.scratch import clear, scratch, scratch_file
from tagline.adapters.stores.s3_prefix import S3Prefix
from tagline.domain.index.listing import INDEX, MAX_INDEX, Part, is_part
from tagline.domain.index.tables import TABLES
from tagline.errors import PlatformRefused

_PIECE = 1 << 20
_NEW = ".tagline-new-"
#: Seconds that a copy stays which nobody asks for.
_MONTH = 30 * 86_400


class Bucket(S3Prefix):
    """The port Place over S3. Parts are named by their content, so copies in ``cache`` stay good.

    Two writers are told apart by conditions on ``index.json``: only who read its newest state replaces it.
    """

    def __init__(self, address: str, cache: Path) -> None:
        super().__init__(address, "index")
        self._cache = cache
        self._cleared = False

    def read(self) -> tuple[bytes, str] | None:
        """The mark is its ETag."""
        return self.read_file(INDEX, MAX_INDEX)

    def replace(self, data: bytes, mark: str | None) -> bool:
        """By a conditional PUT."""
        return self.replace_file(INDEX, data, mark) is not None

    def local(self, part: Part) -> Path:
        """A copy, brought once and compared with the name."""
        path = self._copy(part.file)
        if path.is_file() and path.stat().st_size == part.bytes:
            with contextlib.suppress(OSError):  # somebody else's copy, which this user may only read
                os.utime(path)
            return path
        digest = hashlib.sha256()
        with scratch_file(self._copies(), _NEW) as new:

            def ask(client: Any) -> None:
                body = client.get_object(Bucket=self.bucket, Key=self.key(part.file))["Body"]
                with new.open("wb") as file:
                    while piece := body.read(_PIECE):
                        file.write(piece)
                        digest.update(piece)

            self.ask(part.file, "s3:GetObject", ask)
            if digest.hexdigest()[:32] != Path(part.file).stem:
                raise PlatformRefused(
                    f"{self.uri(part.file)} is not what its name says.",
                    "Somebody replaced it: make the index anew at an empty place.",
                    code="index-broken",
                )
            new.replace(path)
        return path

    def put(self, file: str, path: Path) -> None:
        """By one PUT; a copy stays here."""
        with path.open("rb") as body:
            self.ask(
                file,
                "s3:PutObject",
                lambda client: client.put_object(Bucket=self.bucket, Key=self.key(file), Body=body),
            )
        with scratch_file(self._copies(), _NEW) as new:
            shutil.copyfile(path, new)
            new.replace(self._copy(file))

    def _copy(self, file: str) -> Path:
        return self._cache / file.replace("/", "-")

    def _copies(self) -> Path:
        """The folder of copies, without those that nobody has asked for in a month."""
        if not self._cleared:
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            clear(self._cache, _NEW)
            for path in self._cache.glob("*.parquet"):
                with contextlib.suppress(OSError):  # another run was faster, or it is somebody else's
                    if path.stat().st_mtime < time.time() - _MONTH:
                        path.unlink()
            self._cleared = True
        return self._cache

    def write(self, file: str, text: str) -> None:
        """By one PUT."""
        self.ask(
            file,
            "s3:PutObject",
            lambda client: client.put_object(Bucket=self.bucket, Key=self.key(file), Body=text.encode()),
        )

    def strays(self, known: Collection[str], older: float) -> Collection[str]:
        """By a list of the whole prefix."""

        def ask(client: Any) -> set[str]:
            found = set()
            for table in TABLES:
                pages = client.get_paginator("list_objects_v2").paginate(
                    Bucket=self.bucket, Prefix=self.key(f"{table}/")
                )
                for page in pages:
                    for row in page.get("Contents", ()):
                        file = f"{table}/{row['Key'].rpartition('/')[2]}"
                        ours = is_part(file) and row["Key"] == self.key(file)
                        if ours and file not in known and row["LastModified"].timestamp() <= older:
                            found.add(file)
            return found

        return self.ask("", "s3:ListBucket", ask)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """Nobody is kept out; the last step has a condition."""
        with scratch(self._copies(), _NEW) as folder:
            yield folder
