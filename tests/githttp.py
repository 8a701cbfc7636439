"""Git over real HTTP: git's own http-backend behind Python's server, with or without a password."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.gitbuild import environment


@dataclass
class GitServer:
    """A running server. ``requests`` are (method, path, Authorization header) as they came."""

    url: str
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)


@contextlib.contextmanager
def serve(root: Path, *, password: str | None = None) -> Iterator[GitServer]:
    """Serve the bare repositories below ``root``; with ``password``, only to those who send it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            sent = self.headers.get_all("Authorization") or []
            server.requests.append((self.command, self.path, sent[0] if sent else None))
            body = self._body()
            if len(sent) > 1:
                self._send(400, {}, b"two Authorization headers")
            elif password is not None and not any(password in _decoded(header) for header in sent):
                self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            else:
                self._backend(body)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                chunks = []
                while size := int(self.rfile.readline().strip(), 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            variables = environment(
                GIT_PROJECT_ROOT=str(root), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
                CONTENT_LENGTH=str(len(body)), REMOTE_USER="somebody", REMOTE_ADDR="127.0.0.1",
                HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                GIT_PROTOCOL=self.headers.get("Git-Protocol", ""),
            )  # fmt: skip
            done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=variables, check=False)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
            self._send(int(headers.pop("Status", "200").split()[0]), headers, content)

        def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = GitServer(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _decoded(header: str) -> str:
    return base64.b64decode(header.partition(" ")[2]).decode()
