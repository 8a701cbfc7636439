"""A proxy before a server, which delays each request and counts it by kind.

A delay stands for one trip to the server and back: so much a request waits before it is passed on. Opening a
connection costs nothing here.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import parse_qsl, urlsplit

from tagline_localforge.serving import Connection, Server
from tests.support.round_trips import Kind, kind_of

PIECE = 1 << 16
#: Of one connection, and so not passed on.
HOP = frozenset(("connection", "expect", "keep-alive", "proxy-connection", "transfer-encoding"))


class Proxy:
    """A proxy that runs. ``delay`` is in seconds; ``sent`` and ``received`` are bytes of bodies, as the client sees it.

    A server whose answers contain its own address must be told to write ``url`` there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.delay = 0.0
        self.kinds: list[Kind] = []
        self.sent = 0
        self.received = 0
        self._lock = threading.Lock()

    def add(self, kinds: Iterable[Kind] = (), sent: int = 0, received: int = 0) -> None:
        """Count; connections do so beside each other."""
        with self._lock:
            self.kinds += kinds
            self.sent += sent
            self.received += received


@contextlib.contextmanager
def proxy(server: str) -> Iterator[Proxy]:
    """A proxy before ``server``, an address of plain HTTP, until the end of the block."""
    http = _Http(urlsplit(server).netloc)
    with http.running():
        yield http.proxy


class _Http(Server):
    def __init__(self, target: str) -> None:
        super().__init__(_Handler)
        self.target = target
        self.proxy = Proxy(self.url)


class _Handler(Connection):
    """A client's connection, which has one of its own to the server."""

    server: _Http
    disable_nagle_algorithm = True
    wbufsize = PIECE

    def setup(self) -> None:
        super().setup()
        self._upstream = HTTPConnection(self.server.target)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def _pass_on(self) -> None:
        path, _, query = self.path.partition("?")
        self.server.proxy.add([kind_of(path, dict(parse_qsl(query)))])
        time.sleep(self.server.proxy.delay)
        try:
            self._ask()
            self._answer(self._upstream.getresponse())
        except (OSError, HTTPException):
            # Whichever of the two went away: the other hears it as a connection that ends.
            self.close_connection = True

    def _ask(self) -> None:
        chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP:
                self._upstream.putheader(name, value)
        if chunked:
            self._upstream.putheader("Transfer-Encoding", "chunked")
        self._upstream.endheaders()
        for piece in self._chunks() if chunked else self._pieces(int(self.headers.get("Content-Length", 0))):
            self.server.proxy.add(sent=len(piece))
            self._upstream.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self._upstream.send(b"0\r\n\r\n")

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = self.rfile.read1(min(size, PIECE))  # type: ignore[attr-defined]
            if not piece:
                raise ConnectionAbortedError
            size -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield from self._pieces(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, answer: HTTPResponse) -> None:
        has_body = self.command != "HEAD" and answer.status not in (204, 304)
        chunked = has_body and answer.headers.get("Content-Length") is None
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # As it comes: a client unpacks while the server still packs.
        while piece := answer.read1(PIECE):
            self.server.proxy.add(received=len(piece))
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        # Read to its end, it does not know that it is over, and the connection would take no further request.
        answer.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815
