"""Refs as a server lists them that lags behind its own pushes: a replica, or one that writes a push ref by ref."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline_localforge.records import NO_COMMIT
from tagline_localforge.web import Request, Response


class _Push(NamedTuple):
    #: Full name, and the object before the push.
    refs: Mapping[str, str]
    last_listing: int


@dataclass
class LateRefs:
    """What a push made of refs ``below`` is not shown by the ``listings`` that follow it.

    With ``every`` two only every second listing is late, as where one of two replicas lags: what was shown goes again.
    """

    listings: int = 0
    below: str = "refs/"
    every: int = 1
    _pushes: list[_Push] = field(default_factory=list)
    _listing: int = 0

    def pushed(self, commands: Mapping[str, tuple[str, str]]) -> None:
        """Note a push: full names, each with its object before and after."""
        before = {ref: old for ref, (old, _) in commands.items() if ref.startswith(self.below)}
        self._pushes.append(_Push(before, self._listing + self.listings))

    def listed(self, response: Response) -> Response:
        """The answer to a listing, without what is late."""
        self._listing += 1
        self._pushes = [push for push in self._pushes if push.last_listing >= self._listing]
        if self._listing % self.every:
            return response
        hidden: dict[str, str] = {}
        for push in self._pushes:
            hidden = {**push.refs, **hidden}
        return Response(response.status, headers=response.headers, body=_with(response.body, hidden))


def is_listing(request: Request) -> bool:
    """Whether a client asks for refs, which protocol 2 has a command for.

    Source: https://git-scm.com/docs/protocol-v2#_ls_refs
    """
    packed = request.headers.get("content-encoding") == "gzip"
    return (gzip.decompress(request.body) if packed else request.body)[4:].startswith(b"command=ls-refs")


def _with(listing: bytes, hidden: Mapping[str, str]) -> bytes:
    """Lines ``OBJECT REF ATTRIBUTES``, each after its length, to a flush; those of hidden refs as they were."""
    shown = []
    while (size := int(listing[:4] or b"0", 16)) > 0:
        ref = listing[4:size].decode(errors="surrogateescape").split()[1]
        old = hidden.get(ref)
        if old is None:
            shown.append(listing[:size])
        elif old != NO_COMMIT:
            line = f"{old} {ref}\n".encode(errors="surrogateescape")
            shown.append(b"%04x%s" % (len(line) + 4, line))
        listing = listing[size:]
    return b"".join([*shown, listing])
