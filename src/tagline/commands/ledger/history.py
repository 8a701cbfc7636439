"""``tagline history``: every event, newest first, with who did it and why."""

from __future__ import annotations

from tagline.commands.ledger.reading import Source, read
from tagline.domain.ledger.answers import unknown_artifact, versions_by_commit
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.messages import OVERRIDE, parse_trailers
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.results import History, PastEvent


def history(
    source: Source,
    name: str | None,
    now: int,
    *,
    start: int | None = None,
    end: int | None = None,
    overrides: bool = False,
) -> History:
    """The events of one artifact or of all, from ``start`` to ``end`` (unix seconds, both included; None: no limit).

    ``overrides``: only those that passed over a policy's rules, by hand or by a change. Raises NotFound for an unknown
    artifact.
    """
    view = read(source, None if name is None else [name], details=True)
    if name is not None:
        with view.or_incomplete():
            if view.state(name) is None:
                raise unknown_artifact(name)
    found: list[PastEvent] = []
    warnings = view.warnings(None, now)
    for state in view.states():
        found += _of(state, view.raw, start, end)
        warnings += view.warnings_of(state, now)
    if overrides:
        found = [past for past in found if OVERRIDE in past.trailers]
    found.sort(key=lambda past: past.event, reverse=True)
    return History(found, warnings)


def _of(state: ArtifactState, raw: dict[str, RawTag], start: int | None, end: int | None) -> list[PastEvent]:
    versions = versions_by_commit(state)
    past = []
    for event in state.events:
        if (start is not None and event.time < start) or (end is not None and event.time > end):
            continue
        version = versions.get(event.commit) if event.stage is not None else event.version
        tag = raw[event.tag]
        past.append(PastEvent(event, version, tag.actor_name, tag.actor_email, parse_trailers(tag.message)))
    return past
