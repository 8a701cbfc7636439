"""An HTTP server on a free port of this machine, which takes its connections down with it."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket


class Server(ThreadingHTTPServer):
    """Threads that are waited for, so that no connection outlives the server."""

    daemon_threads = False
    #: Of connections that wait to be taken: a client may open dozens at once.
    request_queue_size = 128

    def __init__(self, handler: type[Connection]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.open: set[socket] = set()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self._hang_up()
            self.server_close()

    def _hang_up(self) -> None:
        """End the connections that clients keep alive."""
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong; a client that went away did not."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.failed(request, client_address)

    def failed(self, request: object, client_address: object) -> None:
        """What is done with an error of ours; called while it is handled."""
        super().handle_error(request, client_address)  # type: ignore[arg-type]


class Connection(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Note the connection."""
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        """Forget it."""
        with contextlib.suppress(ConnectionError):
            super().finish()
        self.server.open.discard(self.connection)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
