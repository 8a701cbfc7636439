"""What came of starting something on a tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from tagline.domain.delivery.targets import Target
from tagline.errors import TaglineError

#: By the push of the tag itself; by our asking for a run on it; by our asking another repository for one.
How = Literal["event", "dispatch", "trigger"]
#: ``started``: the run is there, queued or running. ``none``: nothing was started. ``unknown``: nobody can tell.
State = Literal["started", "succeeded", "failed", "none", "unknown"]


class Start(NamedTuple):
    """A tag that a target is to be started on. ``environment`` is None for one that assigns no stage.

    ``superseded``: another tag decides its stage by now, or none does. ``made``: this very run made the tag.
    """

    artifact: str
    stage: str | None
    version: str | None
    tag: str
    tag_object: str
    commit: str
    target: Target
    environment: str | None
    superseded: bool = False
    made: bool = False


class Run(NamedTuple):
    """A run of a workflow, or a pipeline: its page (None where the forge does not tell), and how far it is."""

    url: str | None
    state: State = "started"


@dataclass(frozen=True)
class Receipt:
    """A start and what came of it. ``error`` is why there is no run.

    ``ours``: this very run started it. ``news``: no run knew it before.
    """

    start: Start
    how: How
    run: Run
    ours: bool = False
    news: bool = True
    error: TaglineError | None = None

    @property
    def fails(self) -> bool:
        """Whether a run of Tagline that has it fails. Of what is superseded nobody waits for anything."""
        return self.error is not None and self.start.target.required and not self.start.superseded
