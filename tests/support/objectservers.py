"""Real servers of files for the rarer stores, each on a folder: HTTP, SFTP, WebDAV."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import asyncssh

USER, PASSWORD = "alice", "s3cret-word"


class PlainHandler(SimpleHTTPRequestHandler):
    """Python's own: no ranges, no ETag."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    def list_directory(self, path: object) -> None:  # type: ignore[override]
        self.send_error(404)


class RangeHandler(PlainHandler):
    """What web servers usually know as well: ETag, If-Match and one range."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        etag = f'"{path.stat().st_mtime_ns:x}-{len(data)}"'
        if self.headers.get("If-Match", etag) != etag:
            self.send_error(412)
            return
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end = (int(match[1]), int(match[2] or len(data) - 1)) if match else (0, len(data) - 1)
        if match and start >= len(data):
            self.send_error(416)
            return
        part = data[start : end + 1]
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(data)}")
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if body:
            self.wfile.write(part)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Who closes early is no failure of the server."""


@contextmanager
def serve_http(folder: Path, handler: type[SimpleHTTPRequestHandler]) -> Iterator[str]:
    """The folder at an http url."""
    with _Server(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class _Door(asyncssh.SSHServer):
    def __init__(self, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@contextmanager
def serve_sftp(folder: Path, known_hosts: Path) -> Iterator[str]:
    """The folder at an ssh url; its host key goes into ``known_hosts``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    key = asyncssh.generate_private_key("ssh-ed25519")
    connections: list[asyncssh.SSHServerConnection] = []

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Door(connections),
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder)),
        )

    async def close() -> None:
        acceptor.close()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()
        await acceptor.wait_closed()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    port = acceptor.get_port()
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    known_hosts.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    try:
        yield f"ssh://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


class _WsgiServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Who closes early is no failure of the server."""


class _WsgiHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@contextmanager
def serve_webdav(folder: Path) -> Iterator[str]:
    """The folder at a webdav url."""
    from wsgidav.wsgidav_app import WsgiDAVApp

    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": {"root": str(folder), "readonly": True}},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "verbose": 0,
            "logging": {"enable": False},
            "dir_browser": {"enable": False},
        }
    )
    with make_server("127.0.0.1", 0, app, _WsgiServer, _WsgiHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"webdav://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
