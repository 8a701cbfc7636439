"""A prefix of a bucket as a folder of files: requests with our errors."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, TypeVar

from tagline.adapters.stores.s3 import STREAMS
from tagline.adapters.stores.s3_client import connect
from tagline.adapters.stores.s3_errors import Request, explain, status_of
from tagline.domain.storage.objects import Remote
from tagline.errors import NotFound, WrongUsage

_A = TypeVar("_A")
#: Keys that one request deletes.
_MOST_DELETED = 1000


class S3Prefix:
    """``s3://BUCKET/PREFIX``; ``what`` lies there is a word for errors."""

    def __init__(self, address: str, what: str) -> None:
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        if not bucket:
            raise WrongUsage(f"{address} names no bucket.", "Write s3://BUCKET/PREFIX.", code="bad-destination")
        self.bucket, self.prefix = bucket, prefix.strip("/")
        self._remote = Remote(what, address)

    @property
    def name(self) -> str:
        """``s3://BUCKET/PREFIX``."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @cached_property
    def _connection(self) -> Any:
        return connect(self._remote, self.bucket, STREAMS)

    def key(self, file: str) -> str:
        """A file's key."""
        return f"{self.prefix}/{file}" if self.prefix else file

    def uri(self, file: str) -> str:
        """``s3://BUCKET/KEY``."""
        return f"s3://{self.bucket}/{self.key(file)}"

    def ask(self, file: str, right: str, ask: Callable[[Any], _A]) -> _A:
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
                error, Request(self._remote, self.bucket, self.uri(file), endpoint, secrets, right)
            ) from error

    def read_file(self, file: str, most: int) -> tuple[bytes, str] | None:
        """A file's bytes, at most so many and one, and its ETag; None where it is not there but its bucket is."""

        def ask(client: Any) -> tuple[bytes, str]:
            answer = client.get_object(Bucket=self.bucket, Key=self.key(file))
            return answer["Body"].read(most + 1), answer["ETag"]

        try:
            return self.ask(file, "s3:GetObject", ask)
        except NotFound as error:
            if error.code != "no-object":
                raise
            self.ask("", "s3:ListBucket", lambda client: client.head_bucket(Bucket=self.bucket))
            return None

    def replace_file(self, file: str, data: bytes, mark: str | None) -> str | None:
        """Put a file where its ETag is still ``mark`` (None: where there is none). The new ETag, or None: it is not.

        A request that was repeated because its answer was lost finds its own bytes there, which is success.
        """
        from botocore.exceptions import ClientError

        condition = {"IfNoneMatch": "*"} if mark is None else {"IfMatch": mark}

        def ask(client: Any) -> str | None:
            try:
                answer = client.put_object(
                    Bucket=self.bucket, Key=self.key(file), Body=data, ContentType="application/json", **condition
                )
            except ClientError as error:
                # 409: another conditional write is under way; 412: it was there first. 404: what had the ETag is gone.
                if status_of(error) in ((409, 412) if mark is None else (404, 409, 412)):
                    return None
                raise
            return str(answer["ETag"])

        new = self.ask(file, "s3:PutObject", ask)
        if new is None and (found := self.read_file(file, len(data))) is not None and found[0] == data:
            return found[1]
        return new

    def delete(self, files: Collection[str]) -> None:
        """By one request a thousand."""
        names = sorted(files)
        for start in range(0, len(names), _MOST_DELETED):
            objects = [{"Key": self.key(name)} for name in names[start : start + _MOST_DELETED]]
            self.ask(
                "",
                "s3:DeleteObject",
                lambda client, some=objects: client.delete_objects(  # type: ignore[misc]
                    Bucket=self.bucket, Delete={"Objects": some, "Quiet": True}
                ),
            )
