"""Which server an address is on: scheme, host and port. What goes to one server must not go to another."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
#: What one library drops, another takes for the end of a host, and a third for a part of it.
_DOUBTFUL_RE = re.compile(r"[\x00-\x20\x7f\\]")


class Origin(NamedTuple):
    """A server. Hosts are compared as they are written, but for case: two spellings of one host are two hosts."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def origin_of(url: str) -> Origin | None:
    """The server of an http(s) address; None for what is no such address, or may be read in two ways."""
    if _DOUBTFUL_RE.search(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in _PORTS:
        return None
    return Origin(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)


def same_origin(one: str, other: str) -> bool:
    """Whether both addresses are on one server."""
    first = origin_of(one)
    return first is not None and first == origin_of(other)
