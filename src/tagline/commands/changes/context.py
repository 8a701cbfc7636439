"""What the commands about changes are given of the world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tagline.commands.changes.landing import Landings
from tagline.commands.changes.policies import Policies
from tagline.commands.delivery.notebook import Notebook
from tagline.commands.delivery.starting import Delivering
from tagline.commands.lineage.reading import LineageSource
from tagline.commands.storage.locating import StorageContext
from tagline.domain.delivery.targets import Rule
from tagline.formats.yaml.reading import MAX_BYTES
from tagline.ports.clock import Clock
from tagline.ports.delivery import DeliveryMemory, Receiver, Starter
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


class Deliveries(NamedTuple):
    """What starts runs, what is remembered of them, and who is told."""

    starter: Starter
    memory: DeliveryMemory
    receivers: tuple[Receiver, ...] = ()


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
    deliveries: Deliveries

    @cached_property
    def policies(self) -> Policies:
        """The policies of the history's commits."""
        return Policies(self.history)

    @cached_property
    def delivering(self) -> Delivering:
        """What starts runs on tags, and remembers them."""
        starter, memory, receivers = self.deliveries
        return Delivering(
            starter=starter,
            notebook=Notebook(memory, self.clock),
            clock=self.clock,
            run_url=self.options.run_url,
            read=lambda commit, path: self.history.tree(commit).read(path, MAX_BYTES),
            receivers=receivers,
        )

    @cached_property
    def landings(self) -> Landings:
        """How changes landed."""
        return Landings(self.forge, self.history, self.job, self.clock)

    @cached_property
    def lineage_source(self) -> LineageSource:
        """Where lineages are read from."""
        return LineageSource(self.history, self.storage, self.tracking)
