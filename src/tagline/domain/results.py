"""What commands answer: data for the renderers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagline.domain.changes.policy import Policy
from tagline.domain.changes.promotion import Decided
from tagline.domain.ledger.answers import Answer
from tagline.domain.ledger.events import Event, Warn
from tagline.domain.ledger.holds import StagePast, Tally
from tagline.domain.ledger.messages import Trailers
from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.registry import ArtifactState, Hold
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.storage.objects import Location
from tagline.errors import TaglineError

if TYPE_CHECKING:
    # Not for the commands that answer from tags alone: they would pay for it at each start.
    from tagline.domain.lineage.comparison import Traced


@dataclass(frozen=True)
class Shown:
    """``show`` of a version or a stage."""

    answer: Answer
    state: ArtifactState
    warnings: list[Warn]


@dataclass(frozen=True)
class PastEvent:
    """One event with its version (of its commit, for a stage), its tagger and its trailers."""

    event: Event
    version: str | None
    actor_name: str
    actor_email: str
    trailers: Trailers


@dataclass(frozen=True)
class History:
    """``history``: events, newest first."""

    events: list[PastEvent]
    warnings: list[Warn]


@dataclass(frozen=True)
class StageHistory:
    """``history --at``: who held one stage, artifact by artifact, and all of it counted together."""

    stage: str
    artifacts: list[StagePast]
    overall: Tally
    warnings: list[Warn]


@dataclass(frozen=True)
class Checked:
    """``check-ref``. ``event`` is None for a ref that is no registry tag."""

    event: Event | None = None
    version: str | None = None
    entry: ManifestEntry | None = None
    current: bool = False
    warnings: list[Warn] = field(default_factory=list)


@dataclass(frozen=True)
class Presigned:
    """A URL that reads an object without credentials, until ``expires_at`` (unix seconds)."""

    url: str
    expires_at: int


@dataclass(frozen=True)
class Resolved:
    """``resolve``: a target's artifact at the commit that its tag names."""

    answer: Answer
    entry: ManifestEntry | None
    location: Location
    current: bool
    previous_version: str | None
    warnings: list[Warn]
    presigned: Presigned | None = None


@dataclass(frozen=True)
class Fetched:
    """``fetch``: what was resolved and where it is now. ``there``: it was there already, byte for byte."""

    resolved: Resolved
    destination: str
    there: bool


@dataclass(frozen=True)
class Written:
    """A writing command's outcome: the rows of the answer, the state before and after it."""

    rows: list[Row]
    pushed: bool
    dry_run: bool
    note: str
    before: ArtifactState
    state: ArtifactState
    warnings: list[Warn] = field(default_factory=list)

    def holder(self, stage: str) -> Hold | None:
        """Who holds a stage after it."""
        return self.state.stages.get(stage)

    def moved(self) -> dict[str, tuple[Hold | None, Hold | None]]:
        """The stages whose holder changed: before and after."""
        names = sorted({*self.before.stages, *self.state.stages})
        pairs = {name: (self.before.stages.get(name), self.state.stages.get(name)) for name in names}
        return {name: (old, new) for name, (old, new) in pairs.items() if _who(old) != _who(new)}


@dataclass(frozen=True)
class Planned:
    """A change and what came of it. ``comment_url`` is None where no comment is.

    ``error`` is why it could not be looked at, where others of the same run were, or why it is done in part only:
    ``decided`` has the tags that are there.
    """

    decided: Decided
    policy: Policy
    comment_url: str | None = None
    dry_run: bool = False
    warnings: list[Warn] = field(default_factory=list)
    #: What was done for earlier changes on the way.
    earlier: tuple[Planned, ...] = ()
    #: What is behind the artifacts that it touches or promotes.
    traced: tuple[Traced, ...] = ()
    #: Why there is nothing to do, where that may surprise.
    note: str = ""
    error: TaglineError | None = None
    #: What was decided is remembered, so that no later run looks at the change again.
    remembered: bool = False
    #: Another run's change: what is refused of it was told there, and turns this run not red.
    late: bool = False


def _who(hold: Hold | None) -> tuple[str | None, str] | None:
    return None if hold is None else (hold.version, hold.commit)
