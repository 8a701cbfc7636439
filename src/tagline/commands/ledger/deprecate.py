"""``tagline deprecate``: hide an artifact until something happens to it again."""

from __future__ import annotations

from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.domain.ledger.planning import Plan, check_names, plan_deprecate
from tagline.domain.ledger.results import Written


def deprecate(context: WriteContext, artifact: str) -> Written:
    """Deprecate an artifact. Raises NotFound when it is unknown, Refused when it holds a guarded stage."""
    check_names(artifact)

    def decide(ledger: Ledgered, now: int) -> Plan:
        return plan_deprecate(ledger.state, now, context.trailers())

    return write(context, artifact, decide, touches=lambda state: state.stages, leaving=True)
