"""Makes a forge's server fail as real ones do: errors, rate limits, connections that break."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tagline_localforge import Drop, ForgeServer, Request, Response

#: ``drop`` breaks the connection before anything happens, ``drop-after`` when all has happened.
Way = int | Literal["drop", "drop-after"]

_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_PRIMARY = "API rate limit exceeded for installation ID 1."
_WORD = {503: "code"}
_PAGE = b"""<!DOCTYPE html>
<html>
<head><title>GitLab is not responding (502)</title><style>body { color: #666; }</style></head>
<body><h1>502</h1><h3>Whoops, GitLab is taking too much time to respond.</h3></body>
</html>
"""


@dataclass
class Fault:
    """A fault that waits for its request. ``fired`` counts how often it came."""

    method: str
    path: str
    way: Way
    headers: Mapping[str, str]
    answer: Any
    times: int | None
    _server: ForgeServer = field(repr=False)
    fired: int = 0

    def __call__(self, request: Request) -> Response | None:
        """The server's hook."""
        if request.method != self.method or not re.search(self.path, request.path):
            return None
        if self.times is not None and self.fired >= self.times:
            return None
        self.fired += 1
        if self.way == "drop":
            raise Drop
        if self.way == "drop-after":
            request.drop_answer = True
            return None
        assert isinstance(self.way, int)
        if isinstance(self.answer, bytes):
            return Response(self.way, headers=dict(self.headers), body=self.answer)
        return Response(self.way, self.answer, dict(self.headers))

    def remove(self) -> None:
        """No more of it."""
        self._server.before.remove(self)


def fail_once(
    server: ForgeServer,
    method: str,
    path: str,
    way: Way,
    *,
    headers: Mapping[str, str] | None = None,
    answer: Any = None,
    times: int = 1,
) -> Fault:
    """Fail the first request (or the first ``times``) whose path has the expression ``path``."""
    return _install(server, method, path, way, headers, answer, times)


def fail_always(
    server: ForgeServer,
    method: str,
    path: str,
    way: Way,
    *,
    headers: Mapping[str, str] | None = None,
    answer: Any = None,
) -> Fault:
    """Fail every such request."""
    return _install(server, method, path, way, headers, answer, None)


def too_many_requests(server: ForgeServer, method: str, path: str, *, retry_after: int = 0, times: int = 1) -> Fault:
    """429 with ``Retry-After``, as GitLab and GitHub both answer."""
    headers = {"Retry-After": str(retry_after)}
    return fail_once(server, method, path, 429, headers=headers, times=times)


def rate_limited(
    server: ForgeServer, method: str, path: str, *, status: int = 403, retry_after: int | None = 0, times: int = 1
) -> Fault:
    """GitHub's secondary limit, by 403 or 429: it says when to come again, or (``retry_after`` None) does not.

    Source: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return fail_once(server, method, path, status, headers=headers, answer=_error(status, _SECONDARY), times=times)


def limit_reached(
    server: ForgeServer, method: str, path: str, *, status: int = 403, reset_in: float = 0, times: int = 1
) -> Fault:
    """GitHub's primary limit, by 403 or 429: nothing is left until ``X-RateLimit-Reset``."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time() + reset_in))}
    return fail_once(server, method, path, status, headers=headers, answer=_error(status, _PRIMARY), times=times)


def bad_gateway(server: ForgeServer, method: str, path: str, *, times: int = 1) -> Fault:
    """GitLab's 502: what stands before it answers, with a page for people."""
    headers = {"Content-Type": "text/html"}
    return fail_once(server, method, path, 502, headers=headers, answer=_PAGE, times=times)


def _install(
    server: ForgeServer,
    method: str,
    path: str,
    way: Way,
    headers: Mapping[str, str] | None,
    answer: Any,
    times: int | None,
) -> Fault:
    said = answer if answer is not None or not isinstance(way, int) else _error(way, "Injected")
    # Without a word how long, a client has to wait for a minute.
    told = headers if headers is not None else {"Retry-After": "0"} if way == 429 else {}
    fault = Fault(method, path, way, told, said, times, server)
    server.before.append(fault)
    return fault


def _error(status: int, message: str) -> dict[str, str]:
    """GitHub's form of an error; that of 503 has a code in place of the status."""
    return {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        _WORD.get(status, "status"): str(status),
    }
