"""What promotes remember of changes: a line of records for each, ``refs/tagline/@changes/N``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tagline.adapters.git.ledger import push, quarantine
from tagline.adapters.git.records import Tip, actor_of, read_tip, write_record
from tagline.adapters.git.refusals import refused_push, unreachable
from tagline.adapters.git.remote import RemoteCache
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git
from tagline.adapters.git.tag_fetch import WITHOUT
from tagline.adapters.git.tag_objects import Tagger
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.ledger.records import MAX_RECORD, Actor, Record, encode, same_word
from tagline.errors import PlatformRefused
from tagline.ports.ledger import Raced

_TAGS = "refs/tags/"


def memory_ref(number: int) -> str:
    """The ref of a change's line."""
    return f"refs/tagline/@changes/{number}"


class GitMemory:
    """The port Memory over a remote. ``fallback`` is who writes where Git knows nobody."""

    def __init__(self, cache: RemoteCache, remote: RemoteUrl, fallback: tuple[str, str] | None) -> None:
        self._cache = cache
        self._remote = remote
        self._fallback = fallback

    def recall(self, numbers: Collection[int]) -> Mapping[int, Record]:
        """By one listing, and one fetch of what is not here."""
        refs = {memory_ref(number): number for number in numbers}
        tips = self._tips(self._list(list(refs)))
        return {refs[ref]: tip.record for ref, tip in tips.items() if tip.record is not None}

    def tags(self, names: Collection[str]) -> Mapping[str, str]:
        """By one listing."""
        return _tags(self._list([f"{_TAGS}{name}" for name in names]))

    def remember(
        self,
        number: int,
        compose: Callable[[Mapping[str, str], Actor], Record],
        tags: Collection[str],
        like: str,
    ) -> None:
        """By one listing and one push."""
        ref = memory_ref(number)
        listed = self._list([ref, *(f"{_TAGS}{name}" for name in tags)])
        above = self._tips({ref: listed[ref]}).get(ref) if ref in listed else None
        git = self._repository.git
        record = compose(_tags(listed), actor_of(Tagger(git, self._fallback).identity()))
        if above is not None and same_word(above.record, record):
            return
        if len(encode(record)) > MAX_RECORD:
            raise PlatformRefused("There is more to remember than a record may hold.", "", code="record-too-long")
        with tempfile.TemporaryDirectory(prefix="tagline-") as folder:
            commit = write_record(Path(folder), record, above, like)
            pusher = Git(git.directory, git.config, quarantine([self._repository], Path(folder)))
            before = above.object_id if above is not None else ""
            result = push(pusher, self._remote.url, {}, {ref: (before, commit)})
        if result.status != 0:
            said = f"{result.stdout.decode(errors='replace')}\n{result.stderr}"
            if "stale info" in said:
                raise Raced
            raise refused_push(self._remote.url, said, f"what is remembered of change {number}")

    @cached_property
    def _repository(self) -> GitRepository:
        return self._cache.store(self._remote, "@changes")

    def _list(self, refs: Sequence[str]) -> dict[str, str]:
        """Of some refs those that the remote has, with their objects."""
        if not refs:
            return {}
        git = Git(Path(os.sep), self._remote.everything)
        result = git.run("ls-remote", "--refs", "--end-of-options", self._remote.url, *refs, check=False)
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)
        lines = (line.split("\t", 1) for line in result.stdout.decode(errors="surrogateescape").splitlines())
        return {ref: object_id for object_id, ref in lines if ref in refs}

    def _tips(self, listed: Mapping[str, str]) -> dict[str, Tip]:
        """What lines stand at. One that is gone since it was listed is left out."""
        tips = self._read(listed)
        missing = [ref for ref in listed if ref not in tips]
        if missing:
            result = self._cache.bring(self._repository, ["--depth=1", f"--filter={WITHOUT}"], missing)
            if result.status != 0:
                raise unreachable(self._remote.url, result.stderr)
            tips = self._read(listed)
        return tips

    def _read(self, listed: Mapping[str, str]) -> dict[str, Tip]:
        found = {ref: read_tip(self._repository.git, object_id) for ref, object_id in listed.items()}
        return {ref: tip for ref, tip in found.items() if tip.kind != "missing"}


def _tags(listed: Mapping[str, str]) -> dict[str, str]:
    return {ref.removeprefix(_TAGS): object_id for ref, object_id in listed.items() if ref.startswith(_TAGS)}
