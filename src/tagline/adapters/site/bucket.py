"""A site in a bucket: what changed is uploaded, the pages that lead to the rest last.

One run at a time: the site's state says since when a run uploads, and each writes it only where it is still as that run
last saw it. Another run is refused as long as that is younger than half an hour; the one that uploads says it anew in
the meantime, and stops where somebody took over. A run that is killed leaves whole pages, old and new, and the run
that takes over knows of all of them. One that fails says so, and nobody waits for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import mimetypes
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tagline.adapters.scratch import temporary
from tagline.adapters.site.state import STATE, Begun, decode, decode_begun, encode, require_free
from tagline.adapters.stores.s3 import STREAMS
from tagline.adapters.stores.s3_prefix import S3Prefix
from tagline.errors import Conflict
from tagline.ports.site import Made, Written

#: Bytes of a state that is believed: some hundred a file.
_MOST_STATE = 1 << 30
#: Seconds after which a run that says nothing is taken for dead, and how often it says that it lives.
_DEAD, _BEAT = 30 * 60, 60


class _Object(NamedTuple):
    size: int
    etag: str


class BucketFolder(S3Prefix):
    """The port SiteFolder over a prefix of a bucket."""

    def __init__(self, address: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(address, "site")
        self._clock = clock
        self._run = secrets.token_hex(8)
        self._said = 0.0
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
        """What the site there was made from.

        Raises WrongUsage for a prefix with somebody else's pages, Conflict while another run uploads.
        """
        if self._made is None:
            found = self.read_file(STATE, _MOST_STATE)
            if found is None:
                roots = {file.partition("/")[0] for file in self._there}
                require_free(self.name, roots.__contains__)
                self._made = Made()
            else:
                self._require_idle(decode_begun(found[0]))
                self._made, self._mark = decode(found[0]), found[1]
        return self._made

    def _require_idle(self, begun: Begun | None) -> None:
        left = _DEAD - abs(self._clock() - begun.at) if begun else 0  # a clock that is fast is no reason to wait long
        if left > 0:
            raise _conflict(self.name, f"Wait for it. If it was killed, run again in {math.ceil(left / 60)} minutes.")

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
        mixed = Made("", {}, {**before.files, **now})
        self._live(mixed)
        try:
            self._upload_all([file for file in last if file in self._put], mixed)
            self.delete([file for file in gone if file in self._there])
            self._remember(encode(made))
        except Conflict:
            raise
        except BaseException:
            with contextlib.suppress(Exception):
                self._remember(encode(mixed))
            raise
        return Written(len(self._put), len(gone))

    def _upload_all(self, last: Sequence[str], mixed: Made) -> None:
        pool = ThreadPoolExecutor(STREAMS)
        try:
            for _ in pool.map(self._upload, sorted(set(self._put) - set(last))):
                self._live(mixed)
            for file in last:
                self._upload(file)
                self._live(mixed)
        finally:
            pool.shutdown(cancel_futures=True)

    def _live(self, mixed: Made) -> None:
        """Say that this run uploads, unless that was said just now. Raises Conflict where another one took over."""
        now = self._clock()
        if now - self._said >= _BEAT:
            self._remember(encode(mixed, Begun(self._run, now)))
            self._said = now

    def _remember(self, state: bytes) -> None:
        mark = self.replace_file(STATE, state, self._mark)
        if mark is None:
            raise _conflict(self.name, "Run again when it is done.")
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


def _conflict(name: str, fix: str) -> Conflict:
    return Conflict(f"Another run makes the site in {name}.", fix)
