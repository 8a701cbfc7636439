"""Git over real HTTP: git's own http-backend behind Python's server, with or without a password."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

from tests.support.gitbuild import environment


@dataclass
class GitServer:
    """A running server. ``requests`` are (method, path, Authorization header) as they came.

    ``sent`` counts the bytes of all answers, without their headers.
    """

    url: str
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    sent: int = 0
    #: The answer to a path (with its query) is a redirect to another address; None for git's own answer.
    redirect: Callable[[str], str | None] = lambda _path: None
    status: int = 302
    #: All that came, as text: nothing in it may be a token that is another server's.
    headers: list[str] = field(default_factory=list)
    #: A word of the protocol that git is to take for an unknown one, as an older git would; None for no word.
    unknown: bytes | None = None
    #: It speaks no protocol but the first.
    old_protocol: bool = False


class _Handler(BaseHTTPRequestHandler):
    """One request, handed to git."""

    root: Path
    password: str | None
    git_server: GitServer

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        sent = self.headers.get_all("Authorization") or []
        self.git_server.requests.append((self.command, self.path, sent[0] if sent else None))
        self.git_server.headers.append(f"{self.command} {self.path}\n{self.headers}")
        body = self._body()
        if (target := self.git_server.redirect(self.path)) is not None:
            self._send(self.git_server.status, {"Location": target}, b"")
        elif len(sent) > 1:
            self._send(400, {}, b"two Authorization headers")
        elif self.password is not None and not any(self.password in _decoded(header) for header in sent):
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        else:
            # Of the same length, because each line of the protocol says how long it is.
            unknown = self.git_server.unknown
            self._backend(body.replace(unknown, b"?" * len(unknown)) if unknown else body)

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
            GIT_PROJECT_ROOT=str(self.root), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
            REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
            CONTENT_LENGTH=str(len(body)), REMOTE_USER="somebody", REMOTE_ADDR="127.0.0.1",
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
            GIT_PROTOCOL="" if self.git_server.old_protocol else self.headers.get("Git-Protocol", ""),
        )  # fmt: skip
        # As it comes: the client unpacks while git still packs, as behind any real server.
        with subprocess.Popen(
            ["git", "http-backend"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
        ) as git:
            assert git.stdin is not None
            assert git.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                git.stdin.write(body)
                git.stdin.close()
            lines = iter(lambda: git.stdout.readline().decode().strip(), "")  # type: ignore[union-attr]
            headers = dict(line.split(": ", 1) for line in lines)
            status = int(headers.pop("Status", "200").split()[0])
            self._stream(status, headers, git.stdout)

    def _stream(self, status: int, headers: dict[str, str], answer: IO[bytes]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        while content := answer.read1(1 << 16):  # type: ignore[attr-defined]
            self.git_server.sent += len(content)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.git_server.sent += len(content)
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815


@contextlib.contextmanager
def serve(root: Path, *, password: str | None = None) -> Iterator[GitServer]:
    """Serve the bare repositories below ``root``; with ``password``, only to those who send it."""

    handler = type("Handler", (_Handler,), {"root": root, "password": password})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server = handler.git_server = GitServer(f"http://127.0.0.1:{http.server_address[1]}")  # type: ignore[attr-defined]
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
