"""Which adapters serve ``propose``: the ledger that is asked about, its forge, and the job that asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tagline.commands.changes.proposing import Compose, Proposing
from tagline.ports.clock import Clock
from tagline.settings import Settings
from tagline.wiring.changes import ChangeWiring
from tagline.wiring.delivery import deployments_of, proposer_of
from tagline.wiring.policies import policy_now
from tagline.wiring.registry import Wiring


@dataclass(frozen=True)
class ProposingWiring:
    """``wiring`` is of the ledger, ``registry`` of its forge."""

    settings: Settings
    wiring: Wiring
    registry: ChangeWiring

    def context(self, write: Compose) -> Proposing:
        """What ``propose`` works with. Raises WrongUsage where nothing says on which forge the repository is."""
        _ = self.registry.flavour, self.registry.page
        return Proposing(
            source=self.wiring.source,
            clock=Clock(time.time, time.sleep),
            policy=lambda: policy_now(self.settings, self.wiring),
            stages=self.wiring.allowed_stages,
            proposer=lambda: proposer_of(self.registry, "change-not-opened"),
            starter=self._starter(),
            run_url=self.settings.attempt_url,
            write=write,
        )

    def _starter(self) -> Callable[[], str | None] | None:
        """Who started this run, as its forge says; None where no run executes us."""
        found = deployments_of(self.settings, None)
        return found.starter if found is not None else None
