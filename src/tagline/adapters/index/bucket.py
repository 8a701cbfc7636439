"""An index at S3, or at what speaks its language: one prefix of a bucket."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tagline.adapters.stores.s3 import STREAMS
from tagline.adapters.stores.s3_client import connect
from tagline.adapters.stores.s3_errors import Request, explain, status_of
from tagline.domain.index.listing import INDEX, MAX_INDEX, Part
from tagline.domain.index.tables import TABLES
from tagline.domain.storage.objects import Remote
from tagline.errors import NotFound, PlatformRefused, WrongUsage

_A = TypeVar("_A")
_PIECE = 1 << 20
#: Keys that one request deletes.
_MOST_DELETED = 1000


class Bucket:
    """The port Place over S3. Parts are named by their content, so copies in ``cache`` stay good.

    Two writers are told apart by conditions on ``index.json``: only who read its newest state replaces it.
    """

    def __init__(self, address: str, cache: Path) -> None:
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        if not bucket:
            raise WrongUsage(f"{address} names no bucket.", "Write s3://BUCKET/PREFIX.", code="bad-destination")
        self._bucket, self._prefix = bucket, prefix.strip("/")
        self._cache = cache
        self._remote = Remote("index", address)

    @property
    def name(self) -> str:
        """``s3://BUCKET/PREFIX``."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @cached_property
    def _connection(self) -> Any:
        return connect(self._remote, self._bucket, STREAMS)

    def _key(self, file: str) -> str:
        return f"{self._prefix}/{file}" if self._prefix else file

    def _ask(self, file: str, right: str, ask: Callable[[Any], _A]) -> _A:
        """A request; its failures as our errors. Raises NotFound for what is not there."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return ask(self._connection.client)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and status_of(error) in (404,):
                raise NotFound(f"There is no {self.uri(file)}.", "Check the address.", code="no-object") from error
            connection = vars(self).get("_connection")
            secrets = connection.secrets() if connection else ()
            endpoint = connection.client.meta.endpoint_url if connection else None
            raise explain(
                error, Request(self._remote, self._bucket, self.uri(file), endpoint, secrets, right)
            ) from error

    def read(self) -> tuple[bytes, str] | None:
        """The mark is its ETag."""

        def ask(client: Any) -> tuple[bytes, str]:
            answer = client.get_object(Bucket=self._bucket, Key=self._key(INDEX))
            return answer["Body"].read(MAX_INDEX + 1), answer["ETag"]

        try:
            return self._ask(INDEX, "s3:GetObject", ask)
        except NotFound as error:
            if error.code != "no-object":
                raise
            self._ask("", "s3:ListBucket", lambda client: client.head_bucket(Bucket=self._bucket))
            return None

    def replace(self, data: bytes, mark: str | None) -> bool:
        """By a conditional PUT."""
        from botocore.exceptions import ClientError

        condition = {"IfNoneMatch": "*"} if mark is None else {"IfMatch": mark}

        def ask(client: Any) -> bool:
            try:
                client.put_object(
                    Bucket=self._bucket, Key=self._key(INDEX), Body=data, ContentType="application/json", **condition
                )
            except ClientError as error:
                # 409: another conditional write is under way; 412: it was there first.
                if status_of(error) in (409, 412):
                    return False
                raise
            return True

        return self._ask(INDEX, "s3:PutObject", ask)

    def local(self, part: Part) -> Path:
        """A copy, brought once and compared with the name."""
        path = self._cache / part.file.replace("/", "-")
        if path.is_file() and path.stat().st_size == part.bytes:
            return path
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=self._cache, prefix="new-")
        digest, size = hashlib.sha256(), 0

        def ask(client: Any) -> None:
            nonlocal size
            body = client.get_object(Bucket=self._bucket, Key=self._key(part.file))["Body"]
            with open(handle, "wb") as file:  # noqa: PTH123 - an open descriptor
                while piece := body.read(_PIECE):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)

        try:
            self._ask(part.file, "s3:GetObject", ask)
            if digest.hexdigest()[:32] != Path(part.file).stem:
                raise PlatformRefused(
                    f"{self.uri(part.file)} is not what its name says.",
                    "Somebody replaced it: make the index anew at an empty place.",
                    code="index-broken",
                )
            Path(new).replace(path)
        finally:
            Path(new).unlink(missing_ok=True)
        return path

    def put(self, file: str, path: Path) -> None:
        """By one PUT; a copy stays here."""
        with path.open("rb") as body:
            self._ask(
                file,
                "s3:PutObject",
                lambda client: client.put_object(Bucket=self._bucket, Key=self._key(file), Body=body),
            )
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=self._cache, prefix="new-")
        with open(handle, "wb") as copy:  # noqa: PTH123
            copy.write(path.read_bytes())
        Path(new).replace(self._cache / file.replace("/", "-"))

    def write(self, file: str, text: str) -> None:
        """By one PUT."""
        self._ask(
            file,
            "s3:PutObject",
            lambda client: client.put_object(Bucket=self._bucket, Key=self._key(file), Body=text.encode()),
        )

    def uri(self, file: str) -> str:
        """``s3://BUCKET/KEY``."""
        return f"s3://{self._bucket}/{self._key(file)}"

    def delete(self, files: Collection[str]) -> None:
        """By one request a thousand."""
        names = sorted(files)
        for start in range(0, len(names), _MOST_DELETED):
            objects = [{"Key": self._key(name)} for name in names[start : start + _MOST_DELETED]]
            self._ask(
                "",
                "s3:DeleteObject",
                lambda client, some=objects: client.delete_objects(  # type: ignore[misc]
                    Bucket=self._bucket, Delete={"Objects": some, "Quiet": True}
                ),
            )

    def strays(self, known: Collection[str], older: float) -> Collection[str]:
        """By a list of the whole prefix."""

        def ask(client: Any) -> set[str]:
            found = set()
            for table in TABLES:
                pages = client.get_paginator("list_objects_v2").paginate(
                    Bucket=self._bucket, Prefix=self._key(f"{table}/")
                )
                for page in pages:
                    for row in page.get("Contents", ()):
                        file = f"{table}/{row['Key'].rpartition('/')[2]}"
                        is_part = file.endswith(".parquet") and row["Key"] == self._key(file)
                        if is_part and file not in known and row["LastModified"].timestamp() <= older:
                            found.add(file)
            return found

        return self._ask("", "s3:ListBucket", ask)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """Nobody is kept out; the last step has a condition."""
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="new-") as scratch:
            yield Path(scratch)
