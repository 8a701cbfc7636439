"""What promotes remember of changes: a line of records for each, ``refs/tagline/@changes/N``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from tagline.adapters.git.lines import Above, Lines
from tagline.adapters.git.listing import Listing
from tagline.adapters.git.remote import RemoteCache, list_refs
from tagline.adapters.git.tags import TAGS, tags_among
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.ledger.records import Actor, Record, same_word


def memory_ref(number: int) -> str:
    """The ref of a change's line."""
    return f"refs/tagline/@changes/{number}"


class GitMemory:
    """The port Memory over a remote. ``fallback`` is who writes where Git knows nobody."""

    def __init__(
        self, cache: RemoteCache, remote: RemoteUrl, fallback: tuple[str, str] | None, listing: Listing
    ) -> None:
        self._remote = remote
        self._listing = listing
        self._lines = Lines(cache, remote, "@changes", fallback)
        #: Lines that a push of ours has moved, or somebody else's before it.
        self._moved: set[str] = set()

    def expect(self, number: int) -> None:
        """By the run's first listing."""
        self._listing.want([memory_ref(number)])

    def recall(self, numbers: Collection[int]) -> Mapping[int, Record]:
        """By one listing, and one fetch of what is not here."""
        refs = {memory_ref(number): number for number in numbers}
        tips = self._lines.tips(list_refs(self._remote, list(refs)))
        return {refs[ref]: tip.record for ref, tip in tips.items() if tip.record is not None}

    def tags(self, names: Collection[str]) -> Mapping[str, str]:
        """By one listing."""
        return tags_among(list_refs(self._remote, [f"{TAGS}{name}" for name in names]))

    def remember(self, number: int, compose: Callable[[Actor], Record], like: str, *, unless_any: bool = False) -> None:
        """By one push; by one listing before it where the first did not tell, and one fetch of what is there."""
        ref = memory_ref(number)
        at = self._at(ref)
        if at is not None and unless_any and self._is_told(ref):
            return
        tip = self._lines.tips({ref: at}).get(ref) if at is not None else None
        record = compose(self._lines.actor(like))
        if tip is not None and same_word(tip.record, record):
            return
        self._moved.add(ref)
        self._lines.push({ref: Above(record, tip)}, like, lambda: f"what is remembered of change {number}")

    def _at(self, ref: str) -> str | None:
        """Where a line stands, or stood when the run first looked; None where there is none."""
        if self._is_told(ref):
            return self._listing.listed.others.get(ref)
        return list_refs(self._remote, [ref]).get(ref)

    def _is_told(self, ref: str) -> bool:
        """Whether the run's first listing tells where a line stands."""
        return ref not in self._moved and self._listing.want([ref])
