"""GET and HEAD of S3 with a third of botocore's work: its signer and its connections, without its machinery.

botocore spends one to two milliseconds of processor time on a request, which is what bounds the download of
a folder of small files. Where an object lies and for which region it is signed is learned from a request of
the client itself that worked. Only success is believed: whatever else comes, or
comes not, makes the caller ask again through the client, which retries, follows regions and names errors.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from tagline.adapters.stores.s3_client import Connection

_SCOPE_RE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([a-z0-9-]+)/s3/aws4_request,")
#: Answers that say that what was learned does not fit here; later requests go through the client at once.
_UNFIT = (301, 302, 307, 308, 400, 401, 403)


class _Place(NamedTuple):
    """Where a bucket's objects lie, and the region to sign for (None: nothing is signed)."""

    base: str
    region: str | None


class QuickRequests:
    """Requests to the one bucket of a client. Answers are None until :meth:`learn` found out where it lies."""

    def __init__(self, connection: Connection, *, anonymous: bool) -> None:
        self._session = connection.session
        self._anonymous = anonymous
        # The client's own pool carries its proxies, certificates and timeouts. It has no public name; without
        # it everything still works, at the client's own pace.
        self._http = getattr(getattr(connection.client, "_endpoint", None), "http_session", None)
        self._place: _Place | None = None
        self._tried = False
        self._sent = threading.local()
        #: The region that requests are signed for, which is the bucket's; None until it is known.
        self.region: str | None = None
        connection.client.meta.events.register("before-send.s3", self._note)

    def learn(self, key: str) -> None:
        """Find out where objects lie. To be called after this thread's request of the client for a key worked."""
        if self._tried:
            return
        self._tried = True
        url, authorization = getattr(self._sent, "last", ("", ""))
        found = _place(url, authorization, key, self._anonymous)
        if found is not None:
            self.region = found.region
            self._place = found if self._http is not None else None

    def _note(self, request: Any, **_: Any) -> None:
        self._sent.last = (request.url, _text(request.headers.get("Authorization")))

    def send(self, method: str, key: str, version_id: str | None, headers: Mapping[str, str]) -> Any:
        """An answer (``status_code``, ``headers``, ``raw``) with a 2xx status, 404 or 412; None for anything else."""
        place = self._place
        if place is None:
            return None
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        url = place.base + quote(key, safe="/~")
        if version_id is not None:
            url += "?versionId=" + quote(version_id, safe="")
        request = AWSRequest(method, url, headers=dict(headers), stream_output=True)
        try:
            self._sign(request, place.region)
            response = self._http.send(request.prepare())  # type: ignore[union-attr]
        except (BotoCoreError, ClientError, HTTPClientError):
            return None
        if response.status_code in (200, 206, 404, 412):
            return response
        if response.status_code in _UNFIT:
            self._place = None
        discard(response)
        return None

    def _sign(self, request: Any, region: str | None) -> None:
        if region is None:
            return
        from botocore.auth import S3SigV4Auth

        credentials = self._session.get_credentials()
        S3SigV4Auth(credentials.get_frozen_credentials(), "s3", region).add_auth(request)


def discard(response: Any) -> None:
    """End an answer whose body nobody wants; a short one is read, so that the connection serves on."""
    length = response.headers.get("content-length", "")
    try:
        if length.isdigit() and int(length) < 65536:
            response.raw.read()
        response.raw.close()
    except Exception:
        # It was unwanted anyway, and the next request says what is wrong with the connection.
        return


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")


def _place(url: str, authorization: str, key: str, anonymous: bool) -> _Place | None:
    """What a request tells that worked; None for ways of signing that this file does not know."""
    base = url.partition("?")[0]
    quoted = quote(key, safe="/~")
    if not base.endswith(f"/{quoted}"):
        return None
    base = base.removesuffix(quoted)
    if anonymous:
        return None if authorization else _Place(base, None)
    # Buckets of S3 Express have another service's name there, those of several regions another algorithm.
    scope = _SCOPE_RE.match(authorization)
    return _Place(base, scope[1]) if scope and "--x-s3" not in urlsplit(base).netloc else None
