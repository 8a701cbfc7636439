"""Where a rollback goes: back along the holders of a stage, further each time.

The holders form a stack. An assignment pushes its version; a rollback, or the loss of the
holder by unassigning or deregistering, pops down to the version that holds then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.messages import ROLLBACK_FROM, parse_trailers
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.tags import EventKind
from tagline.errors import Refused


def rollbacks_among(raw: Mapping[str, RawTag]) -> set[str]:
    """The tags that took a stage back: their messages say so."""
    return {name for name, tag in raw.items() if ROLLBACK_FROM in parse_trailers(tag.message)}


def rollback_target(state: ArtifactState, stage: str, rollbacks: Collection[str]) -> str | None:
    """The version to go back to, or None when the walk is at its end.

    ``rollbacks`` are the tags that were themselves rollbacks (their messages say so).
    """
    stack = _holders(state, stage, rollbacks)
    active = {row.version for row in state.versions if row.active}
    current = state.stages[stage].version if stage in state.stages else None
    return next((v for v in reversed(stack[:-1]) if v in active and v != current), None)


def require_held(state: ArtifactState, stage: str, versions: Collection[str]) -> None:
    """Raises Refused where another version holds a stage than the one that a rollback is to be from."""
    hold = state.stages.get(stage)
    other = next((version for version in versions if hold is None or hold.version != version), None)
    if other is not None:
        now = f"{hold.version or hold.commit[:7]} ({hold.tag})" if hold is not None else "nobody"
        raise Refused(
            f"{state.name}#{stage} is held by {now}, and the rollback is from {other}: it would undo something else.",
            "Close the change. To take back what holds the stage now, ask for that in a new one.",
            code="superseded",
        )


def held_before(state: ArtifactState, stage: str, rollbacks: Collection[str]) -> set[str]:
    """The versions that a rollback leads to, now or by going further back."""
    return {version for version in _holders(state, stage, rollbacks)[:-1] if version is not None}


def _holders(state: ArtifactState, stage: str, rollbacks: Collection[str]) -> list[str | None]:
    assignments = {e.tag for e in state.events if e.kind is EventKind.ASSIGNMENT and e.stage == stage}
    stack: list[str | None] = []
    for hold in state.holds.get(stage, ()):
        goes_back = hold.opened_by in rollbacks or hold.opened_by not in assignments
        if goes_back and hold.version in stack:
            while stack[-1] != hold.version:
                stack.pop()
        else:
            stack.append(hold.version)
    return stack
