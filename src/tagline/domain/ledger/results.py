"""What the commands about the ledger answer: data for the renderers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # show loads none of what other commands are about
    from tagline.domain.ledger.answers import Answer
    from tagline.domain.ledger.events import Event, Warn
    from tagline.domain.ledger.holds import StagePast, Tally
    from tagline.domain.ledger.messages import Trailers
    from tagline.domain.ledger.planning import Row
    from tagline.domain.ledger.registry import ArtifactState, Hold


class Shown(NamedTuple):
    """``show`` of a version or a stage."""

    answer: Answer
    state: ArtifactState
    warnings: list[Warn]


class PastEvent(NamedTuple):
    """One event with its version (of its commit, for a stage), its tagger and its trailers."""

    event: Event
    version: str | None
    actor_name: str
    actor_email: str
    trailers: Trailers


class History(NamedTuple):
    """``history``: events, newest first."""

    events: list[PastEvent]
    warnings: list[Warn]


class StageHistory(NamedTuple):
    """``history --at``: who held one stage, artifact by artifact, and all of it counted together."""

    stage: str
    artifacts: list[StagePast]
    overall: Tally
    warnings: list[Warn]


class Written(NamedTuple):
    """A writing command's outcome: the rows of the answer, the state before and after it."""

    rows: list[Row]
    pushed: bool
    dry_run: bool
    note: str
    before: ArtifactState
    state: ArtifactState
    warnings: list[Warn]
    #: Where it could have been pushed to and was not.
    stayed_from: str | None = None

    def holder(self, stage: str) -> Hold | None:
        """Who holds a stage after it."""
        return self.state.stages.get(stage)

    def moved(self) -> dict[str, tuple[Hold | None, Hold | None]]:
        """The stages whose holder changed: before and after."""
        names = sorted({*self.before.stages, *self.state.stages})
        pairs = {name: (self.before.stages.get(name), self.state.stages.get(name)) for name in names}
        return {name: (old, new) for name, (old, new) in pairs.items() if _who(old) != _who(new)}


def _who(hold: Hold | None) -> tuple[str | None, str] | None:
    return None if hold is None else (hold.version, hold.commit)
