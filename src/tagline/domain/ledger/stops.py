"""Stops: while a stage is held, nothing goes past its holder until somebody lifts that.

The newest tag of the stage that speaks of it (``Hold:``, ``Hold-Lifted:``) decides. GTO and DVC read no messages, so to
them each such tag is an assignment like any other. How long a version holds a stage is another matter:
:mod:`tagline.domain.ledger.holds`.
"""

from __future__ import annotations

from tagline.domain.ledger.registry import ArtifactState, Stop
from tagline.domain.text.times import format_time
from tagline.errors import Refused

RULE = "held"


def gone_past(before: ArtifactState, after: ArtifactState) -> Stop | None:
    """The stop that stands before and after a write, and whose stage another version holds after it."""
    for stage, stop in before.stops.items():
        old, new = before.stages.get(stage), after.stages.get(stage)
        held = {stop.commit, old.commit if old is not None else stop.commit}
        if after.stops.get(stage) == stop and new is not None and new.commit not in held:
            return stop
    return None


def words(artifact: str, stop: Stop) -> str:
    """Who stopped what, when, why and by which tag."""
    by = f" by {stop.by}" if stop.by else ""
    at = stop.version or stop.commit[:7]
    return f"{artifact}#{stop.stage} is held at {at} since {format_time(stop.since)}{by}: {stop.reason} ({stop.tag})."


def refusal(artifact: str, stop: Stop) -> Refused:
    """Why a command by hand does not go past it."""
    target = f"{artifact}#{stop.stage}"
    return Refused(
        words(artifact, stop),
        f"Lift it by a change that asks lift:{target}; or here, as an administrator, with the version or without: "
        f"tagline assign '{target}' --version V --lift 'REASON'",
        code=RULE,
    )
