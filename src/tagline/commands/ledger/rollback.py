"""``tagline rollback``: give a stage back to the version that held it before, and before that."""

from __future__ import annotations

from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.domain.ledger.planning import Plan, check_names, plan_rollback
from tagline.domain.ledger.results import Written
from tagline.domain.ledger.rollback import rollback_target, rollbacks_among


def rollback(
    context: WriteContext, artifact: str, stage: str, *, from_version: str | None, to_version: str | None
) -> Written:
    """Re-assign ``to_version``, or the version that held ``stage`` before, in a new assignment.

    An assignment and not an unassignment, because DVC ignores the latter and would serve the old
    model. Raises NotFound when there is nothing to go back to, Refused for a guarded stage.
    """
    check_names(artifact, stage)

    def decide(ledger: Ledgered, now: int) -> Plan:
        return plan_rollback(
            ledger.state,
            stage,
            now,
            target=rollback_target(ledger.state, stage, rollbacks_among(ledger.raw)),
            from_version=from_version,
            to_version=to_version,
            trailers=context.trailers(),
        )

    return write(context, artifact, decide, touches=lambda _: [stage])
