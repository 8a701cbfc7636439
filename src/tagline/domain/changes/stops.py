"""Stages that are held: what a change may do with them."""

from __future__ import annotations

from tagline.domain.changes.asks import Action
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger.planning import Plan, projected
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.stops import RULE, gone_past, words


def judge_stop(intent: Intent, state: ArtifactState, plan: Plan, prefix: str) -> list[Verdict]:
    """What a stop says of a plan on a state: refused where the plan goes past it, else what becomes of it.

    ``prefix`` is that of labels.
    """
    stage = intent.stage or ""
    after = projected(state, plan.new)
    stop, label = gone_past(state, after), f"{prefix}lift:{state.name}#{stage}"
    if stop is not None:
        fix = (
            f"Ask for {label} too, as a label or by 'lift: true' in a request file: it needs what {stage} needs. Or an "
            f"administrator lifts it: tagline assign '{state.name}#{stage}' --lift 'REASON'"
        )
        return [Verdict(RULE, "refused", words(state.name, stop), fix)]
    before, now = state.stops.get(stage), after.stops.get(stage)
    if before is not None and now is None:
        return [Verdict(RULE, "ok", f"Lifted: {words(state.name, before)}")]
    if now is not None and now != before:
        message = f"{state.name}#{stage} is held from then on ({now.reason}): nothing goes past it without {label}."
        return [Verdict(RULE, "ok", message)]
    return []


def judge_late_stop(intent: Intent, state: ArtifactState, then: ArtifactState) -> list[Verdict]:
    """Whether what holds the stage now held it when the change landed (``then``).

    Nobody asked to lift another, or to pass over it.
    """
    stage = intent.stage or ""
    now, asked = state.stops.get(stage), then.stops.get(stage)
    meant = intent.lifts or intent.override is not None
    if not meant or now is None or (asked is not None and asked.tag == now.tag):
        return []
    message = f"After this change was merged it was held anew: {words(state.name, now)}"
    return [Verdict(RULE, "refused", message, "Ask for it again, in a new change.")]


def why_held(intent: Intent, before: str | None) -> str:
    """Why a rollback of a change holds the stage: as its request says, else what was there (``before``)."""
    said = next((ask.reason for ask in intent.asks if ask.reason), None)
    return said or f"rollback from {before or 'nothing'}"


def why_lifted(intent: Intent, url: str) -> str:
    """Why a change lifts what holds the stage: as its request says, else the change's page."""
    asks = [ask for ask in intent.asks if ask.lifts or ask.action is Action.LIFT]
    return next((ask.reason for ask in asks if ask.reason), url)


def either(first: list[Verdict], second: list[Verdict]) -> list[Verdict]:
    """What was refused at the landing, else what is said now."""
    return first if any(verdict.state == "refused" for verdict in first) else second
