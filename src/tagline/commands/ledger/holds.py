"""``tagline history --at``: who held a stage, since when, how long, and who approved it."""

from __future__ import annotations

from tagline.commands.ledger.reading import Source, View, read
from tagline.domain.ledger.answers import require_holder, unknown_artifact
from tagline.domain.ledger.holds import StagePast, overall, stage_past
from tagline.domain.ledger.registry import state_of
from tagline.domain.ledger.results import StageHistory
from tagline.domain.ledger.tags import EventKind
from tagline.domain.text.similar import suggestion
from tagline.errors import NotFound


def holds(
    source: Source, name: str | None, stage: str, now: int, *, start: int | None, end: int | None
) -> StageHistory:
    """The holds of a stage, of one artifact or of every one that had it by ``end`` (unix seconds; None: ``now``).

    Those that were over by ``start`` are left out. Deprecated artifacts count: it is history. Raises NotFound for an
    unknown artifact and for a stage that was never assigned.
    """
    view = read(source, None if name is None else [name], details=True)
    with view.or_incomplete():
        _require_stage(view, name, stage)
    # One artifact is told of even where nothing had happened to it by then.
    states = view.states(end) if name is None else [state_of(view.reading, name, end)]
    # As with --as-of, what is dated ahead is odd only where no instant was asked for.
    warned = now if end is None else None
    warnings = view.warnings(None, warned)
    pasts: list[StagePast] = []
    for state in states:
        if name is None and not state.holds.get(stage):
            continue
        pasts.append(stage_past(state, stage, view.raw, start, now if end is None else end))
        warnings += view.warnings_of(state, warned)
    return StageHistory(stage, pasts, overall(pasts), warnings)


def _require_stage(view: View, name: str | None, stage: str) -> None:
    """Raise NotFound where the stage was never assigned; later than asked for is no mistake, but no hold."""
    if name is not None:
        state = view.state(name)
        if state is None:
            raise unknown_artifact(name)
        if stage not in state.holds:
            require_holder(state, stage)
        return
    known = {
        event.stage
        for events in view.reading.events.values()
        for event in events
        if event.kind is EventKind.ASSIGNMENT and event.stage is not None
    }
    if stage not in known:
        listed = f"Stages that were: {', '.join(sorted(known))}." if known else "Assign one: tagline assign NAME#STAGE"
        raise NotFound(
            f"No artifact was ever assigned a stage {stage!r}.",
            f"{listed}{suggestion(stage, known)}",
            code="unknown-stage",
        )
