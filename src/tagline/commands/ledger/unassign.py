"""``tagline unassign``: take a stage away; it falls back to the version assigned before."""

from __future__ import annotations

from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.domain.ledger.planning import Plan, check_names, plan_unassign
from tagline.domain.ledger.results import Written


def unassign(context: WriteContext, artifact: str, stage: str, *, version: str | None) -> Written:
    """Take ``stage`` from its holder, or from ``version``.

    Raises NotFound when nobody holds it, Refused for a guarded stage.
    """
    check_names(artifact, stage)

    def decide(ledger: Ledgered, now: int) -> Plan:
        return plan_unassign(ledger.state, stage, version, now, context.trailers())

    return write(context, artifact, decide, touches=lambda _: [stage], leaving=True)
