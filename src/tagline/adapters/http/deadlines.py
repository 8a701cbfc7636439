"""HTTP answers that end in time: requests' own timeout begins anew with every byte, this one does not."""

from __future__ import annotations

import io
import socket
import threading
import time
from http.client import HTTPResponse
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError

from tagline.adapters.http.retries import PatientRetry


class Deadline(threading.local):
    """When the answers that this thread waits for must be whole, headers included, in time.monotonic()'s seconds."""

    end = float("inf")

    def begin(self, seconds: float) -> None:
        """From now on so many seconds are left."""
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """How many seconds are left; none or fewer: it is over."""
        return self.end - time.monotonic()


class _Timely(io.RawIOBase):
    """A socket's bytes. Each wait for some is cut at the deadline; after it there are none."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline
        self._patience = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.left
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        if left != float("inf"):
            self._sock.settimeout(left if self._patience is None else min(left, self._patience))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class DeadlineAdapter(HTTPAdapter):
    """requests' adapter, whose answers raise TimeoutError inside (a RequestException outside) at the deadline."""

    def __init__(self, deadline: Deadline, **options: Any) -> None:
        self._pools = _pools(deadline)
        super().__init__(**options)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As requests does, with our connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """The same by way of a proxy."""
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def retry_until(deadline: Deadline) -> type[PatientRetry]:
    """Retries that end with the deadline: a server cannot ask for more patience than is left."""

    class Retry(PatientRetry):
        def increment(self, *arguments: Any, **options: Any) -> Self:
            response = options.get("response")
            wait = self.get_retry_after(response) if response is not None else None
            if (wait or 0) >= deadline.left:
                raise MaxRetryError(options.get("_pool"), "")  # type: ignore[arg-type]  # nobody reads it
            return super().increment(*arguments, **options)

    return Retry


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    class Answer(HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
            super().__init__(sock, *arguments, **options)
            raw: Any = self.fp.detach()  # of the buffer that it came with
            self.fp = io.BufferedReader(_Timely(raw, sock, deadline))

    class Plain(HTTPConnection):
        response_class = Answer

    class Encrypted(HTTPSConnection):
        response_class = Answer

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
