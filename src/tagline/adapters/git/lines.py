"""Lines of records on a remote: a ref each, its commits written one above the other by compare-and-swap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NamedTuple

from tagline.adapters.git.ledger import RACE_RE
from tagline.adapters.git.pushing import outbox, push_out
from tagline.adapters.git.records import Tip, actor_of, read_tips, write_record
from tagline.adapters.git.refusals import refused_push, unreachable
from tagline.adapters.git.remote import RemoteCache, is_missing
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.tag_fetch import WITHOUT
from tagline.adapters.git.tag_objects import Tagger
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.ledger.records import MAX_RECORD, Actor, Record, encode
from tagline.errors import PlatformRefused
from tagline.ports.ledger import Raced

#: So many commits are named on a command's line at most.
_MANY = 500


class Above(NamedTuple):
    """A record to be written, and what it goes on from; None for the first of its line."""

    record: Record
    tip: Tip | None


class Lines:
    """The lines of one kind. ``store`` is their place in the cache, ``fallback`` who writes where Git knows nobody."""

    def __init__(self, cache: RemoteCache, remote: RemoteUrl, store: str, fallback: tuple[str, str] | None) -> None:
        self._cache = cache
        self._remote = remote
        self._store = store
        self._fallback = fallback

    @cached_property
    def _repository(self) -> GitRepository:
        return self._cache.store(self._remote, self._store)

    def tips(self, listed: Mapping[str, str]) -> dict[str, Tip]:
        """What lines stand at, by one fetch of what is not here. One that is gone since it was listed is left out.

        Raises PlatformRefused.
        """
        tips = self._read(listed)
        missing = [ref for ref in listed if ref not in tips]
        if missing:
            wanted = sorted({listed[ref] for ref in missing})
            many = ["--stdin"] if len(wanted) > _MANY else []
            result = self._cache.bring(self._repository, ["--depth=1", f"--filter={WITHOUT}", *many], wanted)
            if result.status != 0 and not is_missing(result):
                raise unreachable(self._remote.url, result.stderr)
            tips = self._read(listed)
        return tips

    def _read(self, listed: Mapping[str, str]) -> dict[str, Tip]:
        tips = read_tips(self._repository.git, listed.values())
        return {ref: tips[object_id] for ref, object_id in listed.items() if tips[object_id].kind != "missing"}

    def actor(self, like: str) -> Actor:
        """Who writes. ``like`` is the id of any object of the repository. Raises WrongUsage where nobody knows."""
        self._cache.suit(self._repository, like)
        return actor_of(Tagger(self._repository.git, self._fallback).identity())

    def push(self, wanted: Mapping[str, Above], like: str, what: Callable[[], str]) -> dict[str, Tip]:
        """Write records by one push, all or none; what their lines stand at now.

        ``what`` says what is written, for a refusal. Raises Raced and PlatformRefused.
        """
        if any(len(encode(one.record)) > MAX_RECORD for one in wanted.values()):
            raise PlatformRefused("There is more to remember than a record may hold.", "", code="record-too-long")
        with outbox([self._repository], like, self._remote) as box:
            folder = box.directory / "objects"
            written = {ref: write_record(folder, one.record, one.tip, like) for ref, one in wanted.items()}
            moved = {ref: (one.tip.object_id if one.tip else "", written[ref].object_id) for ref, one in wanted.items()}
            result = push_out(box, self._repository.git, self._remote.url, {}, moved)
        if result.status != 0:
            said = f"{result.stdout.decode(errors='replace')}\n{result.stderr}"
            if RACE_RE.search(said) and "hook declined" not in said:
                raise Raced
            raise refused_push(self._remote.url, said, what())
        return written
