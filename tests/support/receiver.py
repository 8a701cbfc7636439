"""A receiver of webhooks on a free port: what it got, and what it answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Inbox:
    """``got`` are headers (names in lower case) and bodies; ``answers`` the statuses of the next requests, then 204.

    ``before`` is called with each request before it counts; False keeps it from counting and from an answer.
    """

    url: str
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    location: str = ""
    before: Callable[[], bool] = lambda: True


@contextmanager
def receiving() -> Iterator[Inbox]:
    """A receiver until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not inbox.before():
                self.close_connection = True
                return
            inbox.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(inbox.answers.pop(0) if inbox.answers else 204)
            if inbox.location:
                self.send_header("Location", inbox.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox = Inbox(f"http://127.0.0.1:{server.server_port}/hook?key=s3cr3t-key")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
