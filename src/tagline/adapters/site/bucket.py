"""A site in a bucket: what changed is uploaded, the pages that lead to the rest last.

Two runs at once are told apart by conditions on the site's state: the later one changes nothing. A run that is killed
leaves whole pages, old and new, and the next run knows of all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tagline.adapters.scratch import temporary
from tagline.adapters.site.state import STATE, decode, encode, require_free
from tagline.adapters.stores.s3 import STREAMS
from tagline.adapters.stores.s3_prefix import S3Prefix
from tagline.errors import Conflict
from tagline.ports.site import Made, Written

#: Bytes of a state that is believed: some hundred a file.
_MOST_STATE = 1 << 30


class _Object(NamedTuple):
    size: int
    etag: str


class BucketFolder(S3Prefix):
    """The port SiteFolder over a prefix of a bucket."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "site")
        self._made: Made | None = None
        self._mark: str | None = None
        self._put: dict[str, Path] = {}
        self._aside = Path()

    @contextlib.contextmanager
    def locked(self) -> Iterator[BucketFolder]:
        """With room for new files. Nobody is kept out: see :meth:`finish`."""
        with temporary("tagline-upload-") as self._aside:
            yield self

    def before(self) -> Made:
        """What the site there was made from. Raises WrongUsage for a prefix with somebody else's pages."""
        if self._made is None:
            found = self.read_file(STATE, _MOST_STATE)
            if found is None:
                roots = {file.partition("/")[0] for file in self._there}
                require_free(self.name, roots.__contains__)
                self._made = Made()
            else:
                self._made, self._mark = decode(found[0]), found[1]
        return self._made

    @cached_property
    def _there(self) -> dict[str, _Object]:
        """All that lies there, by one list."""
        start = self.key("")

        def ask(client: Any) -> dict[str, _Object]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
            return {
                row["Key"].removeprefix(start): _Object(row["Size"], row["ETag"].strip('"'))
                for page in pages
                for row in page.get("Contents", ())
            }

        return self.ask("", "s3:ListBucket", ask)

    def there(self, files: Mapping[str, int]) -> bool:
        """Whether all these files are there, of these sizes."""
        return all(file in self._there and self._there[file].size == size for file, size in files.items())

    def put(self, file: str, data: bytes) -> None:
        """Lay a file aside, unless the object has the same bytes: of one PUT the ETag is their MD5, mostly."""
        found = self._there.get(file)
        same = found and found == (len(data), hashlib.md5(data, usedforsecurity=False).hexdigest())
        if not same:
            self._put[file] = self._aside / str(len(self._put))
            self._put[file].write_bytes(data)

    def finish(self, made: Made, last: Sequence[str]) -> Written:
        """Upload, remember, take away. Raises Conflict where another run has begun to."""
        before, now = self.before(), made.files
        gone = [file for file in before.files if file not in now]
        if not self._put and not gone and encode(made) == encode(before):
            return Written(0, 0)
        # If this run is killed from here on, the next makes every page again, and knows whose files these are.
        self._remember(Made("", {}, {**before.files, **now}))
        at_end = [file for file in last if file in self._put]
        with ThreadPoolExecutor(STREAMS) as pool:
            list(pool.map(self._upload, sorted(set(self._put) - set(at_end))))
        for file in at_end:
            self._upload(file)
        self.delete([file for file in gone if file in self._there])
        self._remember(made)
        return Written(len(self._put), len(gone))

    def _remember(self, made: Made) -> None:
        mark = self.replace_file(STATE, encode(made), self._mark)
        if mark is None:
            raise Conflict(f"Another run makes the site in {self.name}.", "Run again when it is done.")
        self._mark = mark

    def _upload(self, file: str) -> None:
        kind = mimetypes.guess_type(file, strict=False)[0] or "application/octet-stream"
        data = self._put[file].read_bytes()
        text = kind.startswith("text/") or kind.endswith(("/json", "/javascript", "+xml"))
        self.ask(
            file,
            "s3:PutObject",
            lambda client: client.put_object(
                Bucket=self.bucket, Key=self.key(file), Body=data,
                ContentType=f"{kind}; charset=utf-8" if text else kind,
            ),
        )  # fmt: skip
