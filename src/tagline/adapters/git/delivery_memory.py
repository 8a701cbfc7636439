"""What is remembered of deliveries: a line of records for each artifact, ``refs/tagline/NAME@delivery``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tagline.adapters.git.lines import Above, Lines
from tagline.adapters.git.records import Tip
from tagline.adapters.git.remote import RemoteCache, list_refs
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.delivery.book import from_record, to_record
from tagline.domain.ledger.tags import artifact_in_tag
from tagline.ports.delivery import Page

#: Of more artifacts all lines are listed: a command's line has an end.
_MANY, _EVERY = 200, "refs/tagline/*@delivery"


def delivery_ref(artifact: str) -> str:
    """The ref of an artifact's line."""
    return f"refs/tagline/{artifact_in_tag(artifact)}@delivery"


class GitDeliveryMemory:
    """The port DeliveryMemory over a remote. ``fallback`` is who writes where Git knows nobody."""

    def __init__(self, cache: RemoteCache, remote: RemoteUrl, fallback: tuple[str, str] | None) -> None:
        self._remote = remote
        self._lines = Lines(cache, remote, "@delivery", fallback)
        self._seen: dict[str, Tip] = {}

    def read(self, artifacts: Collection[str]) -> Mapping[str, Page]:
        """By one listing, and one fetch of what is not here."""
        refs = {delivery_ref(artifact): artifact for artifact in artifacts}
        below = _EVERY if len(refs) > _MANY else None
        tips = self._lines.tips(list_refs(self._remote, list(refs), below))
        self._seen |= {tip.object_id: tip for tip in tips.values()}
        pages = {refs[ref]: Page(from_record(tip.record), tip.object_id) for ref, tip in tips.items()}
        return {artifact: pages.get(artifact, Page(from_record(None))) for artifact in artifacts}

    def write(self, pages: Mapping[str, Page], like: str, now: int) -> Mapping[str, str]:
        """By one push."""
        actor = self._lines.actor(like)
        refs = {delivery_ref(artifact): artifact for artifact in pages}
        wanted = {
            ref: Above(to_record(pages[artifact].book, actor, now), self._seen.get(pages[artifact].mark))
            for ref, artifact in refs.items()
        }
        written = self._lines.push(wanted, like, lambda: "what is remembered of deliveries")
        self._seen |= {tip.object_id: tip for tip in written.values()}
        return {refs[ref]: tip.object_id for ref, tip in written.items()}
