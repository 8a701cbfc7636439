"""The port ObjectStore on S3 and on what speaks its language: one bucket, below one prefix."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from shlex import quote
from typing import Any, NamedTuple

from tagline.adapters.stores import s3_errors
from tagline.adapters.stores.options import PIECE, below, cut, in_threads, missing, refuse_untrusted
from tagline.adapters.stores.s3_client import SSE_C, Connection, connect, extras, is_anonymous, is_directory_bucket
from tagline.adapters.stores.s3_listing import ListingRefused, Page, look_by_listing
from tagline.adapters.stores.s3_login import TERMINAL, Login
from tagline.adapters.stores.s3_quick import QuickRequests, discard
from tagline.domain.storage.objects import Facts, Key, Remote
from tagline.errors import ObjectMissing, StoreRefused, TaglineError, WrongUsage

#: Requests at once. More do not help: the work of one request is what a processor is busy with.
STREAMS = 16
#: From so many keys on it is tried whether a list tells of them in fewer requests.
_LISTING_FROM = 100
_LONGEST_URL = 7 * 24 * 3600
_URL_RE = re.compile(r"s3://(arn:[^/]+:accesspoint[:/][^/]+|[^/]+)/*(.*)", re.DOTALL)
_MD5_RE = re.compile(r"[0-9a-f]{32}")
_SSE = "x-amz-server-side-encryption"


class _Answer(NamedTuple):
    """An object that begins to come: its body, and how many bytes of it come before those asked for."""

    body: Any
    skip: int


class S3Store:
    """Objects of a bucket. Nothing is read or sent before the first question; threads may share it."""

    def __init__(self, remote: Remote, *, request_payer: bool, login: Login = TERMINAL) -> None:
        """``login``: what errors say to do. Raise WrongUsage for options that only this machine may set."""
        refuse_untrusted(remote, ["credentialpath"], "or use the variable AWS_SHARED_CREDENTIALS_FILE")
        refuse_untrusted(remote, ["configpath"], "or use the variable AWS_CONFIG_FILE")
        match = _URL_RE.fullmatch(remote.url)
        if match is None:
            raise WrongUsage(
                f"The url of the DVC remote {remote.name!r} names no bucket.",
                f"Set it right: dvc remote modify {quote(remote.name)} url s3://BUCKET/PATH",
                code="bad-remote",
            )
        self._remote, self._login = remote, login
        self._bucket, self._prefix = match[1], match[2].strip("/")
        self._anonymous = is_anonymous(remote)
        self._extras = extras(remote, request_payer=request_payer)
        self._payer = {"RequestPayer": "requester"} if request_payer else {}
        self._made: tuple[Connection, QuickRequests] | None = None
        self._making = threading.Lock()
        self._worked = False

    @property
    def streams(self) -> int:
        """How many requests at once are sent; the pool of connections has as many."""
        return STREAMS

    def uri(self, key: Key) -> str:
        """``s3://BUCKET/KEY``."""
        return f"s3://{self._bucket}/{self._prefix}{'/' if self._prefix else ''}{key.path}"

    def look(self, key: Key) -> Facts:
        """Size, ETag and version; the md5 where the ETag is one. One request, two where it does not work."""
        facts = self._head(key)
        if facts is None:
            raise self._reason(key)
        return facts

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        """Facts of those that are there, in at most as many requests as keys and a few.

        Those without a version are listed where that is less work; a list does not tell how an object is
        encrypted, so there is no md5 from it.
        """
        found: dict[Key, Facts] = {}
        single = list(dict.fromkeys(keys))
        plain = {self._name(key): key for key in single if key.version_id is None}
        if len(plain) > _LISTING_FROM and not is_directory_bucket(self._bucket):
            listed, undecided = look_by_listing(plain, self._page, self.streams)
            found = {plain[name]: facts for name, facts in listed.items()}
            single = [key for key in single if key.version_id is not None] + [plain[name] for name in undecided]
        for key, facts in zip(single, in_threads(self._head, single, self.streams), strict=True):
            if facts is not None:
                found[key] = facts
        if single and not found:
            # Nothing there at all: then the bucket may be what is missing, which a HEAD does not say.
            reason = self._reason(single[0])
            if not isinstance(reason, ObjectMissing):
                raise reason
        return found

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        """The bytes, in pieces of a MiB. Raises also ObjectChanged and, for a broken connection, StoreRefused."""
        if length == 0:
            return
        from botocore.exceptions import BotoCoreError, HTTPClientError
        from urllib3.exceptions import HTTPError

        answer = self._get(key, start, length, etag)
        with closing(answer.body):
            try:
                yield from cut(iter(partial(answer.body.read, PIECE), b""), answer.skip, length)
            except (BotoCoreError, HTTPClientError, HTTPError, OSError) as error:
                raise s3_errors.lost(error, self._request(key)) from None

    def presign(self, key: Key, seconds: int) -> str | None:
        """A URL that reads the object for so many seconds; None for an anonymous remote and for SSE-C.

        It ends earlier where the credentials that signed it do. Raises WrongUsage for more than seven days.
        """
        if not 1 <= seconds <= _LONGEST_URL:
            raise WrongUsage(
                f"A signed URL cannot be valid for {seconds} seconds.",
                f"S3 allows 1 to {_LONGEST_URL} seconds (seven days).",
                code="bad-expiry",
            )
        if self._anonymous or "SSECustomerKey" in self._extras.params:
            # Nobody reads an object of SSE-C by a URL alone: its key goes as a header.
            return None
        if not self._worked:
            # The region that a bucket lies in is learned from an answer, and a URL for another one is of no use.
            self.look(key)
        params = {"Bucket": self._bucket, "Key": self._name(key), **self._params(key)}
        try:
            signer = self._signer()
            return str(signer.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds))
        except Exception as error:
            raise s3_errors.explain(error, self._request(key)) from None

    def _signer(self) -> Any:
        """A client of the bucket's own region: botocore signs URLs for its client's, whatever it learned since."""
        connection, quick = self._connect()
        if quick.region is None or quick.region == connection.client.meta.region_name:
            return connection.client
        elsewhere = replace(self._remote, options={**self._remote.options, "region": quick.region})
        client = connect(elsewhere, self._bucket, 1).client
        client.meta.events.register("before-sign.s3.GetObject", self._let_reader_pay)
        return client

    def _name(self, key: Key) -> str:
        return below(self._prefix, key, self.uri(key))

    def _params(self, key: Key) -> dict[str, Any]:
        return self._extras.params if key.version_id is None else {**self._extras.params, "VersionId": key.version_id}

    def _request(self, key: Key | None = None) -> s3_errors.Request:
        made = self._made[0] if self._made else None
        uri = self.uri(key) if key else f"s3://{self._bucket}/{self._prefix}"
        secrets = (*(made.secrets() if made else ()), self._extras.headers.get(f"{SSE_C}-key", ""))
        endpoint = made.client.meta.endpoint_url if made else self._remote.options.get("endpointurl")
        hidden = [text for text in secrets if text]
        return s3_errors.Request(self._remote, self._bucket, uri, endpoint, hidden, login=self._login)

    def _connect(self) -> tuple[Connection, QuickRequests]:
        with self._making:
            if self._made is None:
                try:
                    connection = connect(self._remote, self._bucket, self.streams)
                except Exception as error:
                    raise s3_errors.explain(error, self._request()) from None
                connection.client.meta.events.register("before-sign.s3.GetObject", self._let_reader_pay)
                quick = QuickRequests(connection, anonymous=self._anonymous)
                self._made = (connection, quick)
        return self._made

    def _let_reader_pay(self, request: Any, signature_version: str, **_: Any) -> None:
        # Whoever reads by a signed URL sends no headers; in the query it is signed as well.
        if self._payer and str(signature_version).endswith("-query"):
            del request.headers["x-amz-request-payer"]
            request.url += f"{'&' if '?' in request.url else '?'}x-amz-request-payer=requester"

    def _call(self, key: Key | None, method: str, **params: Any) -> Any:
        """A method of the client. Raises our errors only."""
        client = self._connect()[0].client
        try:
            return getattr(client, method)(**params)
        except Exception as error:
            raise s3_errors.explain(error, self._request(key)) from None

    def _learn(self, name: str) -> None:
        if not self._worked:
            self._connect()[1].learn(name)
            self._worked = True

    def _head(self, key: Key) -> Facts | None:
        """The facts of one object; None where HEAD says 404, or that the version is a mark of deletion."""
        from botocore.exceptions import ClientError

        name = self._name(key)
        connection, quick = self._connect()
        response = quick.send("HEAD", name, key.version_id, self._extras.headers)
        if response is not None:
            discard(response)
            if response.status_code == 404:
                return None
            if response.status_code == 200:
                return self._facts(key, response.headers)
        try:
            answer = connection.client.head_object(Bucket=self._bucket, Key=name, **self._params(key))
        except ClientError as error:
            if s3_errors.status_of(error) in (404, 405):
                return None
            if error.operation_name == "HeadObject" and s3_errors.status_of(error) in (301, 400, 403):
                raise self._reason(key, error) from None
            raise s3_errors.explain(error, self._request(key)) from None
        except Exception as error:
            raise s3_errors.explain(error, self._request(key)) from None
        self._learn(name)
        return self._facts(key, answer["ResponseMetadata"]["HTTPHeaders"])

    def _facts(self, key: Key, headers: Mapping[str, str]) -> Facts:
        etag = headers.get("etag", "").strip('"') or None
        version = headers.get("x-amz-version-id")
        size = headers.get("content-length", "")
        self._same_version(key, version)
        if not size.isdigit():
            raise StoreRefused(
                f"The store does not say how long {self.uri(key)} is.",
                "Check that endpointurl is that of an S3 API.",
            )
        vouched = (
            etag is not None
            and _MD5_RE.fullmatch(etag)
            and not headers.get(_SSE, "").startswith("aws:")
            and f"{SSE_C}-algorithm" not in headers
            and not is_directory_bucket(self._bucket)
        )
        return Facts(int(size), etag, version, etag if vouched else None)

    def _same_version(self, key: Key, told: str | None) -> None:
        if key.version_id is not None and told is not None and told != key.version_id:
            raise missing(self.uri(key), f"The store has version {told[:80]} of it and not {key.version_id[:80]}.")

    def _reason(self, key: Key, error: Exception | None = None) -> TaglineError:
        """Why HEAD does not work, by a GET of one byte: only its answer has a body that says so."""
        from botocore.exceptions import ClientError

        client = self._connect()[0].client
        try:
            answer = client.get_object(Bucket=self._bucket, Key=self._name(key), Range="bytes=0-0", **self._params(key))
            answer["Body"].close()
        except ClientError as told:
            # An empty object has no first byte; it was not there a moment ago.
            if s3_errors.status_of(told) != 416:
                return s3_errors.explain(told, self._request(key))
        except Exception as told:
            return s3_errors.explain(told, self._request(key))
        if error is None:
            return missing(self.uri(key), "A moment ago it was not.")
        return s3_errors.explain(error, self._request(key))

    def _get(self, key: Key, start: int, length: int | None, etag: str | None) -> _Answer:
        """Ask for an object, and see that it is the right one before a byte of it is handed on."""
        headers: dict[str, str] = {}
        if start or length is not None:
            headers["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        told, body = self._ask(key, headers)
        try:
            self._same_version(key, told.get("x-amz-version-id"))
            if etag is not None and told.get("etag", "").strip('"') not in ("", etag):
                raise s3_errors.changed(self.uri(key))
            return _Answer(body, self._skip(key, start, told.get("content-range")))
        except TaglineError:
            body.close()
            raise

    def _ask(self, key: Key, headers: Mapping[str, str]) -> tuple[Mapping[str, str], Any]:
        from botocore.response import StreamingBody

        name = self._name(key)
        response = self._connect()[1].send("GET", name, key.version_id, {**self._extras.headers, **headers})
        if response is not None:
            if response.status_code in (200, 206):
                return response.headers, StreamingBody(response.raw, response.headers.get("content-length"))
            discard(response)
        params = {field: headers[header] for header, field in _FIELDS.items() if header in headers}
        answer = self._call(key, "get_object", Bucket=self._bucket, Key=name, **self._params(key), **params)
        self._learn(name)
        return answer["ResponseMetadata"]["HTTPHeaders"], answer["Body"]

    def _skip(self, key: Key, start: int, content_range: str | None) -> int:
        """How many bytes come before those asked for: all of them from a store that does not know ranges."""
        match = re.match(r"bytes (\d+)-", content_range or "")
        if match is None:
            return start
        if int(match[1]) != start:
            raise StoreRefused(
                f"The store sent another part of {self.uri(key)} than was asked for.",
                "Run the same command again, and check what lies between here and the store (a proxy).",
            )
        return 0

    def _page(self, prefix: str, token: str | None) -> Page:
        """One page of the bucket's keys with a prefix. Raises ListingRefused where listing is not allowed."""
        client = self._connect()[0].client
        more = {} if token is None else {"ContinuationToken": token}
        try:
            answer = client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=1000, **more, **self._payer)
        except Exception as error:
            reason = s3_errors.explain(error, self._request()._replace(right="s3:ListBucket"))
            if reason.code in ("access-denied", "store-refused", "object-missing"):
                raise ListingRefused from None
            raise reason from None
        entries = [
            (entry["Key"], Facts(entry["Size"], entry.get("ETag", "").strip('"') or None))
            for entry in answer.get("Contents", ())
        ]
        return Page(entries, answer.get("NextContinuationToken") if answer.get("IsTruncated") else None)


#: The headers of a GET and botocore's names of them.
_FIELDS = {"Range": "Range", "If-Match": "IfMatch"}
