"""The forge's HTTP server: GitHub's API, GitLab's API and git, on one port of this machine."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Callable, Iterator
from io import BufferedIOBase

from tagline_localforge import git_http, github, gitlab
from tagline_localforge.model import LocalForge
from tagline_localforge.serving import Connection, Server
from tagline_localforge.web import Drop, Exchange, Request, Response

_GIT = re.compile(r"/(?P<name>.+?)(?:\.git)?/(?P<service>info/refs|git-upload-pack|git-receive-pack|HEAD|objects/.+)")

Hook = Callable[[Request], Response | None]
Observer = Callable[[Exchange], None]


class ForgeServer:
    """A running server.

    A hook of ``before`` may answer in place of the forge, raise Drop, or set ``request.drop_answer``.
    ``exchanges`` is what was said so far, ``observers`` hear it at once, and ``failures`` are
    tracebacks of the forge's own defects (the client got a 500).
    """

    def __init__(self, forge: LocalForge, url: str) -> None:
        self.forge = forge
        self.url = url
        self.before: list[Hook] = []
        self.exchanges: list[Exchange] = []
        self.observers: list[Observer] = []
        self.failures: list[str] = []

    def answer(self, request: Request) -> Response | None:
        """Answer and record; None if the connection is to be closed instead."""
        is_git = (
            not request.path.startswith(("/api/", "/repos/", "/repositories/"))
            and _GIT.fullmatch(request.path) is not None
        )
        try:
            response = self._hooked(request) or self._route(request, is_git=is_git)
        except Drop:
            self._record(request, None, is_git=is_git)
            return None
        except Exception:
            self.failures.append(traceback.format_exc())
            response = Response(500, {"message": "Server Error"})
        sent = None if request.drop_answer else response
        self._record(request, sent, is_git=is_git)
        return sent

    def _hooked(self, request: Request) -> Response | None:
        for hook in list(self.before):
            if (response := hook(request)) is not None:
                return response
        return None

    def _route(self, request: Request, *, is_git: bool) -> Response:
        if is_git and (match := _GIT.fullmatch(request.path)):
            return git_http.answer(self.forge, request, match["name"], match["service"])
        with self.forge.lock:
            if request.path.startswith(gitlab.PREFIX):
                return gitlab.answer(self.forge, request)
            return github.answer(self.forge, request)

    def _record(self, request: Request, response: Response | None, *, is_git: bool) -> None:
        exchange = Exchange(
            request.method,
            request.path,
            request.query,
            request.headers,
            None if is_git else request.json,
            response.status if response else 0,
            response.json if response else None,
            response.headers if response else {},
            is_git,
        )
        self.exchanges.append(exchange)
        for observer in self.observers:
            observer(exchange)


@contextlib.contextmanager
def serve(forge: LocalForge) -> Iterator[ForgeServer]:
    """Serve ``forge`` on a free port of 127.0.0.1 until the end of the block."""
    http = _Http(forge)
    with http.running():
        yield http.forge_server


class _Http(Server):
    def __init__(self, forge: LocalForge) -> None:
        super().__init__(_Handler)
        self.forge_server = ForgeServer(forge, self.url)

    def failed(self, *_: object) -> None:
        """Keep what went wrong."""
        self.forge_server.failures.append(traceback.format_exc())


class _Handler(Connection):
    # Headers and body leave in one piece: two small ones would wait for the client's acknowledgement.
    wbufsize = -1
    server: _Http

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = _read_body(self.rfile, headers)
        server = self.server.forge_server
        response = server.answer(Request(self.command, path, query, headers, body, server.url))
        if response is None:
            self.close_connection = True
            return
        content = response.content()
        self.send_response(response.status)
        if response.json is not None:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815


def _read_body(stream: BufferedIOBase, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return _exactly(stream, int(headers.get("content-length", 0)))
    chunks = []
    # A client that goes away between two chunks leaves an empty line.
    while size := int(_exactly(stream, 1) + stream.readline().partition(b";")[0], 16):
        chunks.append(_exactly(stream, size))
        stream.readline()
    stream.readline()
    return b"".join(chunks)


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    """So many bytes; a request whose client went away half way is none."""
    content = stream.read(size)
    if len(content) < size:
        raise ConnectionAbortedError
    return content
