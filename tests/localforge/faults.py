"""Makes a forge's server fail as real ones do: errors, rate limits, connections that break."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tagline_localforge import Drop, ForgeServer, Request, Response

#: ``drop`` breaks the connection before anything happens, ``drop-after`` when all has happened.
Way = int | Literal["drop", "drop-after"]

_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_PRIMARY = "API rate limit exceeded for installation ID 1."


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
    server: ForgeServer, method: str, path: str, *, secondary: bool = True, retry_after: int = 0, times: int = 1
) -> Fault:
    """GitHub's 403 of a rate limit: the secondary one says when to come again, the primary when it is reset."""
    message = _SECONDARY if secondary else _PRIMARY
    headers = {"Retry-After": str(retry_after)} if secondary else {"X-RateLimit-Remaining": "0"}
    return fail_once(server, method, path, 403, headers=headers, answer=_error(403, message), times=times)


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
    fault = Fault(method, path, way, headers or {}, said, times, server)
    server.before.append(fault)
    return fault


def _error(status: int, message: str) -> dict[str, str]:
    return {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
