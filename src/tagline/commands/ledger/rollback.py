"""``tagline rollback``: give a stage back to the version that held it before, and before that."""

from __future__ import annotations

from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.domain.ledger.planning import Plan, check_names, plan_rollback
from tagline.domain.ledger.results import Written
from tagline.domain.ledger.rollback import held_before, rollback_target, rollbacks_among
from tagline.domain.ledger.stops import refusal


def rollback(
    context: WriteContext,
    artifact: str,
    stage: str,
    *,
    from_version: str | None,
    to_version: str | None,
    stop: str | None = None,
) -> Written:
    """Re-assign ``to_version``, or the version that held ``stage`` before, in a new assignment.

    An assignment and not an unassignment, because DVC ignores the latter and would serve the old
    model. ``stop`` is why nothing goes past it from then on, until that is lifted. Raises NotFound when there is
    nothing to go back to, Refused for a guarded stage, and for a version that a held stage has not held before.
    """
    check_names(artifact, stage)

    def decide(ledger: Ledgered, now: int) -> Plan:
        held, rollbacks = ledger.state.stops.get(stage), rollbacks_among(ledger.raw)
        plan = plan_rollback(
            ledger.state,
            stage,
            now,
            target=rollback_target(ledger.state, stage, rollbacks),
            from_version=from_version,
            to_version=to_version,
            stop=stop,
            trailers=context.trailers(),
        )
        # A version that the stage has not come back from is one to promote.
        back = {None, *held_before(ledger.state, stage, rollbacks)}
        if plan.new and held is not None and to_version not in (held.version, *back):
            raise refusal(artifact, held)
        return plan

    return write(context, artifact, decide, touches=lambda _: [stage])
