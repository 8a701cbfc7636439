"""What is deployed, of many artifacts: one look at what is remembered of them."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.domain.delivery.drift import Deployed, deployed
from tagline.domain.ledger.registry import ArtifactState
from tagline.ports.delivery import DeliveryMemory


def deployed_of(
    memory: DeliveryMemory, states: Sequence[ArtifactState], now: float
) -> dict[str, dict[str, Deployed | None]]:
    """By artifact and held stage, None where nothing was ever reported. Raises PlatformRefused."""
    pages = memory.read([state.name for state in states if state.stages])
    return {
        state.name: {stage: deployed(hold, pages[state.name].book, now) for stage, hold in state.stages.items()}
        for state in states
    }
