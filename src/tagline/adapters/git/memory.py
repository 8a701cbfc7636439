"""What promotes remember of changes: a line of records for each, ``refs/tagline/@changes/N``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property

from tagline.adapters.git.listing import Listing
from tagline.adapters.git.pushing import outbox, push_out
from tagline.adapters.git.records import Tip, actor_of, read_tips, write_record
from tagline.adapters.git.refusals import refused_push, unreachable
from tagline.adapters.git.remote import RemoteCache, is_missing, list_refs
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.tag_fetch import WITHOUT
from tagline.adapters.git.tag_objects import Tagger
from tagline.adapters.git.tags import TAGS, tags_among
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.ledger.records import MAX_RECORD, Actor, Record, encode, same_word
from tagline.errors import PlatformRefused
from tagline.ports.ledger import Raced


def memory_ref(number: int) -> str:
    """The ref of a change's line."""
    return f"refs/tagline/@changes/{number}"


class GitMemory:
    """The port Memory over a remote. ``fallback`` is who writes where Git knows nobody."""

    def __init__(
        self, cache: RemoteCache, remote: RemoteUrl, fallback: tuple[str, str] | None, listing: Listing
    ) -> None:
        self._cache = cache
        self._remote = remote
        self._fallback = fallback
        self._listing = listing
        #: Lines that a push of ours has moved, or somebody else's before it.
        self._moved: set[str] = set()

    def expect(self, number: int) -> None:
        """By the run's first listing."""
        self._listing.want([memory_ref(number)])

    def recall(self, numbers: Collection[int]) -> Mapping[int, Record]:
        """By one listing, and one fetch of what is not here."""
        refs = {memory_ref(number): number for number in numbers}
        tips = self._tips(list_refs(self._remote, list(refs)))
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
        above = self._tips({ref: at}).get(ref) if at is not None else None
        self._cache.suit(self._repository, like)
        git = self._repository.git
        record = compose(actor_of(Tagger(git, self._fallback).identity()))
        if above is not None and same_word(above.record, record):
            return
        if len(encode(record)) > MAX_RECORD:
            raise PlatformRefused("There is more to remember than a record may hold.", "", code="record-too-long")
        with outbox([self._repository], like, self._remote.everything) as box:
            commit = write_record(box.directory / "objects", record, above, like)
            before = above.object_id if above is not None else ""
            result = push_out(box, git, self._remote.url, {}, {ref: (before, commit)})
        self._moved.add(ref)
        if result.status != 0:
            said = f"{result.stdout.decode(errors='replace')}\n{result.stderr}"
            if "stale info" in said:
                raise Raced
            raise refused_push(self._remote.url, said, f"what is remembered of change {number}")

    def _at(self, ref: str) -> str | None:
        """Where a line stands, or stood when the run first looked; None where there is none."""
        if self._is_told(ref):
            return self._listing.listed.others.get(ref)
        return list_refs(self._remote, [ref]).get(ref)

    def _is_told(self, ref: str) -> bool:
        """Whether the run's first listing tells where a line stands."""
        return ref not in self._moved and self._listing.want([ref])

    @cached_property
    def _repository(self) -> GitRepository:
        return self._cache.store(self._remote, "@changes")

    def _tips(self, listed: Mapping[str, str]) -> dict[str, Tip]:
        """What lines stand at. One that is gone since it was listed is left out."""
        tips = self._read(listed)
        missing = [ref for ref in listed if ref not in tips]
        if missing:
            wanted = sorted({listed[ref] for ref in missing})
            result = self._cache.bring(self._repository, ["--depth=1", f"--filter={WITHOUT}"], wanted)
            if result.status != 0 and not is_missing(result):
                raise unreachable(self._remote.url, result.stderr)
            tips = self._read(listed)
        return tips

    def _read(self, listed: Mapping[str, str]) -> dict[str, Tip]:
        tips = read_tips(self._repository.git, listed.values())
        return {ref: tips[object_id] for ref, object_id in listed.items() if tips[object_id].kind != "missing"}
