"""``tagline assign``: give a stage to a registered version."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tagline.commands.ledger.slips import refuse_stage_slip
from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.domain.ledger.answers import require_version
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import Plan, check_names, plan_assign, plan_lift, version_at
from tagline.domain.ledger.registry import ArtifactState, VersionState
from tagline.domain.ledger.results import Written
from tagline.domain.text.similar import suggestion
from tagline.errors import Refused


def assign(
    context: WriteContext,
    artifact: str,
    stage: str,
    *,
    version: str | None,
    head: Callable[[], str],
    stages: Sequence[str] | None,
    new: bool = False,
    lift: str | None = None,
) -> Written:
    """Assign ``stage`` to ``version``, or to the version registered at ``head()``.

    ``lift`` is why the stage need not be held any more; without ``version`` nothing else is done. ``stages`` are
    those that ``.gto`` allows, None for any. ``new``: a stage that is one slip away from another is meant. Raises
    NotFound for an unknown artifact, version or stage; Refused for a deregistered version, none at ``head()``, a
    commit that the stage has moved past, or a guarded or held stage.
    """
    check_names(artifact, stage, stages=stages)

    def decide(ledger: Ledgered, now: int) -> Plan:
        if stages is None and stage not in ledger.state.holds and not new:
            refuse_stage_slip(context, ledger.state, stage)
        if lift is not None and version is None:
            return plan_lift(ledger.state, stage, now, lift, context.trailers())
        row = _chosen(context, ledger.state, stage, version, head)
        return plan_assign(ledger.state, stage, row, now, context.trailers(), lift=lift)

    written = write(context, artifact, decide, touches=lambda _: [stage])
    known = sorted(set(written.before.holds) - {stage}) if written.rows else []
    if stage not in written.before.holds and known and stages is None:
        message = f"{stage} is a new stage of {artifact}; it had {', '.join(known)}.{suggestion(stage, known)}"
        written.warnings.append(Warn("new-stage", written.rows[0].tag, message))
    return written


def _chosen(
    context: WriteContext, state: ArtifactState, stage: str, version: str | None, head: Callable[[], str]
) -> VersionState:
    if version is not None:
        return require_version(state, version)
    row = version_at(state, head(), stage)
    hold = state.stages.get(stage)
    older = hold is not None and context.ledger.is_older(row.commit, hold.commit)
    if hold is not None and older is not False and row.version != hold.version:
        raise Refused(
            f"{state.name}#{stage} is at {hold.version or hold.commit[:7]}, whose commit {hold.commit[:7]} "
            f"{'comes' if older else 'may come'} after {row.version}'s ({row.commit[:7]}).",
            f"To go back, say so: tagline rollback {state.name}#{stage}, or "
            f"tagline assign {state.name}#{stage} --version {row.version}",
            code="superseded",
        )
    return row
