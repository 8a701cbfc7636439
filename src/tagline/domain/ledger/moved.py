"""Tags that name another object than they did: by the chain's newest record, or by what a cache held.

A registry's tags are never rewritten. Where one was, answers differ from those that were given before it, and
nobody's promotion says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.tags import parse_tag
from tagline.errors import PlatformRefused

if TYPE_CHECKING:  # a clone that is read has no records
    from tagline.domain.ledger.records import RecordedTag

#: So many objects of tags that are gone or moved are remembered.
_MOST = 10_000


class Moved(NamedTuple):
    """A tag, the object that it named before, the one that it names now, and who knows of the first."""

    tag: str
    before: str
    now: str
    witness: str


def find_moved(
    now: Mapping[str, str], seen: Mapping[str, str], recorded: Iterable[RecordedTag], cache: str
) -> list[Moved]:
    """Tags that were moved. ``now`` and ``seen`` are tag name to object id; ``cache`` is where those were seen.

    A tag that the newest record has as it is now was written again since: what a cache held before is past.
    """
    told = {row.tag: Moved(row.tag, row.tag_object, now[row.tag], "the chain") for row in recorded if row.tag in now}
    held = {
        tag: Moved(tag, before, now[tag], f"the cache {cache}")
        for tag, before in seen.items()
        if tag in now and tag not in told
    }
    return [moved for moved in (*told.values(), *held.values()) if moved.before != moved.now]


def to_remember(
    before: Mapping[str, str], now: Mapping[str, str], seen: Mapping[str, str], recorded: Iterable[RecordedTag]
) -> dict[str, str]:
    """What a cache keeps of tags that it held and that are gone or others ``now``: the first object of each."""
    settled = {row.tag for row in recorded if now.get(row.tag) == row.tag_object}
    first = {**before, **seen}
    kept = (
        (tag, object_id)
        for tag, object_id in first.items()
        if now.get(tag) != object_id and tag not in settled and parse_tag(tag) is not None
    )
    return dict(islice(kept, _MOST))


def moved_warnings(moved: Iterable[Moved]) -> list[Warn]:
    """A warning for each."""
    return [Warn("moved-tag", one.tag, _message(one)) for one in moved]


def refusal(moved: Sequence[Moved]) -> PlatformRefused:
    """Why a CI job gets no answer. There is at least one."""
    more = f" So were {len(moved) - 1} others." if len(moved) > 1 else ""
    return PlatformRefused(
        _message(moved[0]) + more,
        "Ask who moved it, and protect the registry's tags (docs/security.md). If it is right, write the event again "
        "with tagline; what a cache held before goes with the cache's folder (TAGLINE_CACHE).",
        code="moved-tag",
    )


def _message(moved: Moved) -> str:
    return (
        f"{moved.tag} was moved: {moved.witness} has it as {moved.before[:12]}, and now it is {moved.now[:12]}. "
        "Tags of a registry are never rewritten."
    )
