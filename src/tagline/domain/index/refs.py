"""Which refs of a repository say what the index keeps, and the mark by which one that is unchanged is known.

These are the registry's tags, the tip of the default branch (its manifests and policy), and the lines of deliveries,
because deployments report there. What else Tagline remembers (chains, judged changes) changes no row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tagline.domain.ledger.tags import parse_tag

#: Grows where a release reads more from the same refs, so that everything is read once more.
_READER = 1
_TAGS = "refs/tags/"
_MEMORY, _DELIVERY = "refs/tagline/", "@delivery"


class Refs(NamedTuple):
    """What a repository's refs were at one instant: the default branch's tip, full name to object id; that branch."""

    head: str | None
    refs: Mapping[str, str]
    branch: str | None = None

    @property
    def tags(self) -> dict[str, str]:
        """The registry's tags, by their own names."""
        return {ref[len(_TAGS) :]: one for ref, one in self.refs.items() if ref.startswith(_TAGS)}

    @property
    def deliveries(self) -> dict[str, str]:
        """The lines of deliveries, by the artifact as tags write it."""
        inner = slice(len(_MEMORY), -len(_DELIVERY))
        return {ref[inner]: one for ref, one in self.refs.items() if ref.startswith(_MEMORY)}

    @property
    def empty(self) -> bool:
        """Whether there is no commit that anybody could read."""
        return self.head is None and not self.refs

    @property
    def fingerprint(self) -> str:
        """A mark of all of it: 32 hex digits."""
        lines = [f"{one} {ref}\n" for ref, one in sorted(self.refs.items())]
        text = "".join([f"{_READER} {self.head or ''} {self.branch or ''}\n", *lines])
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


def counting(head: str | None, refs: Iterable[tuple[str, str]]) -> Refs:
    """Of all refs of a repository, as (full name, object id), those that count."""
    return Refs(head, {ref: one for ref, one in refs if _counts(ref)})


def _counts(ref: str) -> bool:
    if ref.startswith(_TAGS):
        # A look for the two signs first: most repositories have many tags that are none of a registry.
        name = ref[len(_TAGS) :]
        return ("@" in name or "#" in name) and parse_tag(name) is not None
    return ref.startswith(_MEMORY) and ref.endswith(_DELIVERY)
