"""What a run waits for: its HTTP requests, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

#: In Git's words: ``info/refs`` opens a fetch or a push, the program's name goes on with it.
Kind = Literal["api", "fetch_opened", "fetch", "push_opened", "push", "objects"]

_API = ("/api/", "/repos/", "/repositories/", "/graphql")
_OPENED: dict[str, Kind] = {"git-upload-pack": "fetch_opened", "git-receive-pack": "push_opened"}


class RoundTrips(NamedTuple):
    """How many requests of each kind."""

    api: int = 0
    fetch_opened: int = 0
    fetch: int = 0
    push_opened: int = 0
    push: int = 0
    objects: int = 0

    @property
    def of_git(self) -> tuple[int, int, int, int]:
        """Those that git makes, for a fetch and for a push."""
        return self[1:5]


def kind_of(path: str, query: Mapping[str, str]) -> Kind:
    """The kind of a request to a forge or to an object store."""
    if path.endswith("/info/refs"):
        return _OPENED[query["service"]]
    if path.endswith("/git-upload-pack"):
        return "fetch"
    if path.endswith("/git-receive-pack"):
        return "push"
    return "api" if path.startswith(_API) else "objects"


def count(kinds: Iterable[Kind]) -> RoundTrips:
    """The requests of each kind among ``kinds``."""
    return RoundTrips(**Counter(kinds))
