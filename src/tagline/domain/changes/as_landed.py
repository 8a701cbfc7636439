"""An artifact as it was when a change landed: what a merged change is judged by, however late and however often."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tagline.domain.changes.changes import Change
from tagline.domain.changes.written import is_named_by
from tagline.domain.ledger import messages
from tagline.domain.ledger.events import Event, RawTag
from tagline.domain.ledger.registry import ArtifactState, Hold, VersionState, fold

#: Seconds that a tagger's clock may be ahead of the forge's: what was written just before a merge counts for it.
CLOCKS = 120


def as_landed(
    state: ArtifactState, raw: Mapping[str, RawTag], change: Change, is_behind: Callable[[str], bool]
) -> ArtifactState:
    """The state without the events that came after a change's merge; the same object where there are none.

    What the change itself wrote counts, and so does what changes wrote that landed before it: their jobs may be as
    late as its own. ``is_behind`` tells whether a commit is the change's own landing or one before it.
    """
    if change.merged_at is None:
        return state
    until = change.merged_at + CLOCKS
    after = {event.tag for event in state.events if event.time > until and not _earlier(event, raw, change, is_behind)}
    if not after:
        return state
    return fold(state.name, (event for event in state.events if event.tag not in after), ignored=state.ignored)


def _earlier(event: Event, raw: Mapping[str, RawTag], change: Change, is_behind: Callable[[str], bool]) -> bool:
    trailers = messages.parse_trailers(raw[event.tag].message) if event.tag in raw else {}
    if is_named_by(trailers, change):
        return True
    return any(map(is_behind, trailers.get(messages.MERGE_COMMIT, ())))


def holds_since(state: ArtifactState, then: ArtifactState, stage: str) -> list[Hold]:
    """The hold of a stage that lasts, and those that began after the instant of ``then``; the newest first."""
    known = {hold.opened_by for hold in then.holds.get(stage, ())}
    holds = reversed(state.holds.get(stage, ()))
    return [hold for hold in holds if hold.until is None or hold.opened_by not in known]


def versions_since(state: ArtifactState, then: ArtifactState) -> list[VersionState]:
    """The latest version, and those that were registered after the instant of ``then``, withdrawn or not."""
    known = {row.tag for row in then.versions}
    return [row for row in state.versions if row is state.latest or row.tag not in known]
