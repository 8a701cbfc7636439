"""A hand-written S3 for what no real one does on demand: it answers what a test says, and records what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Asked(NamedTuple):
    """A request: the key without the bucket, the query, the headers in lower case."""

    method: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]


class Reply(NamedTuple):
    """An answer. ``length`` is what Content-Length claims; ``drop`` closes the connection without any answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    length: int | None = None
    drop: bool = False


def refusal(status: int, code: str, message: str = "no", headers: Mapping[str, str] | None = None) -> Reply:
    """S3's own form of an error."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Reply(status, body.encode(), {"Content-Type": "application/xml", **(headers or {})})


@dataclass
class AnsweringS3:
    """``answer`` may be replaced at any time."""

    url: str = ""
    answer: Callable[[Asked], Reply] = lambda _: Reply(body=b"hello", headers={"ETag": '"e1"'})
    asked: list[Asked] = field(default_factory=list)

    def count(self, method: str | None = None, **query: str) -> int:
        """How many requests of a kind came."""
        return sum(
            1
            for asked in self.asked
            if method in (None, asked.method) and all(asked.query.get(name) == text for name, text in query.items())
        )


@contextmanager
def answering() -> Iterator[AnsweringS3]:
    """Run the server."""
    s3 = AnsweringS3()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body go out in one packet; otherwise the kernel waits for more.
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.rfile.read(int(headers.get("content-length", 0)))
            key = unquote(parts.path).lstrip("/").partition("/")[2]
            asked = Asked(self.command, key, query, headers)
            with lock:
                s3.asked.append(asked)
            reply = s3.answer(asked)
            if reply.drop:
                self.close_connection = True
                return
            self.send_response(reply.status)
            length = len(reply.body) if reply.length is None else reply.length
            for name, value in {"Content-Length": str(length), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)
                self.close_connection = self.close_connection or length != len(reply.body)

        do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """Who closes early is no failure of the server."""

    with Server(("127.0.0.1", 0), Handler) as server:
        s3.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield s3
        finally:
            server.shutdown()


def list_page(names: list[str], token: str | None) -> Reply:
    """One page of ListObjectsV2."""
    entries = "".join(
        f"<Contents><Key>{escape(name)}</Key><Size>{len(name)}</Size><ETag>&quot;{'0' * 32}&quot;</ETag></Contents>"
        for name in names
    )
    more = f"<NextContinuationToken>{escape(token)}</NextContinuationToken>" if token else ""
    body = (
        "<?xml version='1.0'?><ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
        f"<IsTruncated>{str(token is not None).lower()}</IsTruncated>{more}{entries}</ListBucketResult>"
    )
    return Reply(body=body.encode())
