"""``tagline deregister``: withdraw a version."""

from __future__ import annotations

from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.domain.ledger.planning import Plan, check_names, plan_deregister
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.results import Written


def deregister(context: WriteContext, artifact: str, version: str) -> Written:
    """Withdraw ``version``; every stage that it holds falls back.

    Raises NotFound when it was never registered, Refused when it holds a guarded stage.
    """
    check_names(artifact)

    def decide(ledger: Ledgered, now: int) -> Plan:
        return plan_deregister(ledger.state, version, now, context.trailers())

    def touches(state: ArtifactState) -> list[str]:
        row = state.version(version)
        return row.stages if row else []

    return write(context, artifact, decide, touches=touches, leaving=True)
