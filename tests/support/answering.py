"""A server on real HTTP that answers what a test says, and keeps what it heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: From the path of a request to the status, the headers and the body of its answer.
Answer = Callable[[str], tuple[int, Mapping[str, str], object]]


@dataclass
class Server:
    """A server, and the headers of the requests that it got."""

    port: int
    answer: Answer
    heard: list[Mapping[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def _say(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.heard.append(dict(self.headers))
            found.asked.append(f"{self.command} {self.path}")
            status, headers, body = found.answer(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _say  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Server(server.server_port, lambda _: (404, {}, {}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
