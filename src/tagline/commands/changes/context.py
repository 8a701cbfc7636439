"""What the commands about changes are given of the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from tagline.commands.changes.landing import Landings
from tagline.commands.changes.policies import Policies
from tagline.commands.delivery.starting import Delivering
from tagline.commands.lineage.reading import LineageSource
from tagline.commands.storage.locating import StorageContext
from tagline.domain.delivery.targets import Rule
from tagline.formats.policy import Outside
from tagline.ports.clock import Clock
from tagline.ports.forge import Forge
from tagline.ports.job import Job
from tagline.ports.ledger import Ledger
from tagline.ports.memory import Memory
from tagline.ports.mlflow import MlflowAccess
from tagline.ports.repository import History


@dataclass(frozen=True)
class Options:
    """What people said to a run: on its command line, and in its environment."""

    dry_run: bool = False
    #: The login that our comments are by; None: as the forge tells it.
    identity: str | None = None
    #: The job's page.
    run_url: str | None = None
    #: So many tags go into one push at most, where the forge starts jobs on each; None where it starts none.
    tags_a_push: int | None = None
    #: What is started on new tags beside what the policy says.
    deliver: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class ChangeContext:
    """The ports, and the options. What a run has read (policies, landings, lineages) is kept for all its changes."""

    forge: Forge
    job: Job
    history: History
    ledger: Ledger
    memory: Memory
    storage: StorageContext
    tracking: MlflowAccess
    clock: Clock
    options: Options
    #: What policies are made of beside their own files.
    outside: Outside
    #: Only promote delivers: what it needs for that is made when it is asked for.
    begin_delivering: Callable[[], Delivering]

    @cached_property
    def policies(self) -> Policies:
        """The policies of the history's commits."""
        return Policies(self.history, self.outside)

    @cached_property
    def delivering(self) -> Delivering:
        """What starts runs on tags and tells receivers. Raises WrongUsage for a receiver that is none."""
        return self.begin_delivering()

    @cached_property
    def landings(self) -> Landings:
        """How changes landed."""
        return Landings(self.forge, self.history, self.job, self.clock)

    @cached_property
    def lineage_source(self) -> LineageSource:
        """Where lineages are read from."""
        return LineageSource(self.history, self.storage, self.tracking)
