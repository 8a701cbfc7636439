"""The rules of a stage that need nobody: after, soak, freeze and the gates of metrics."""

from __future__ import annotations

import math
import operator

from tagline.domain.changes.policy import Gate, StageRules
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.manifest.metrics import Metrics, number
from tagline.domain.text.durations import format_duration
from tagline.domain.text.times import format_time

_BETTER = "Improve the metric in a new version, or have the gate changed in .tagline.yaml."


def judge_after(
    rules: StageRules, state: ArtifactState, version: str | None, now: int, prefix: str = "", *, is_new: bool = False
) -> list[Verdict]:
    """Whether a version holds, or has held, each stage before this one, and for long enough.

    ``prefix`` is that of labels. ``is_new``: the very change makes the version, so that no waiting
    before its merge lets it soak.
    """
    verdicts = [_after(stage, rules.soak, state, version, now, prefix) for stage in rules.after]
    fix = f"Merge this without the stage, and ask for it by a later change ({prefix}stage:NAME@VERSION#STAGE)."
    return [v._replace(state="refused", fix=fix) if is_new and v.state == "waiting" else v for v in verdicts]


def _after(stage: str, soak: int, state: ArtifactState, version: str | None, now: int, prefix: str) -> Verdict:
    rule = "soak" if soak else "after"
    who = f"{state.name} {version}"
    holds = [hold for hold in state.holds.get(stage, ()) if version is not None and hold.version == version]
    if not holds:
        label = f"{prefix}stage:{state.name}@{version or 'VERSION'}#{stage}"
        fix = f"Promote it to {stage} first ({label}), then ask again."
        return Verdict("after", "refused", f"{who} never held {stage}.", fix)
    # A hold that this very change begins starts a moment from now.
    longest = max(0, *((now if hold.until is None else hold.until) - hold.since for hold in holds))
    if longest >= soak:
        held = f"{who} {'holds' if holds[-1].until is None else 'held'} {stage}"
        return Verdict(rule, "ok", f"{held} for {format_duration(longest)}." if soak else f"{held}.")
    message = f"{who} has held {stage} for {format_duration(longest)}; {format_duration(soak)} are needed."
    if holds[-1].until is None:
        return Verdict(rule, "waiting", message, f"Merge from {format_time(holds[-1].since + soak)} on.")
    return Verdict(
        rule, "refused", message, f"Promote it to {stage} again and leave it there for {format_duration(soak)}."
    )


def judge_freeze(rules: StageRules, since: int, now: int) -> list[Verdict]:
    """Whether the stage is frozen, or was at any time since the change was merged (``since``).

    So that what a freeze has refused does not pass once it is over.
    """
    if not rules.freeze:
        return []
    frozen = [window for window in rules.freeze if window.start <= now and since < window.end]
    if not frozen:
        return [Verdict("freeze", "ok", "No freeze now.")]
    end = format_time(max(window.end for window in frozen))
    return [Verdict("freeze", "waiting", f"The stage is frozen until {end}.", f"Merge after {end}.")]


def judge_gate(gate: Gate, proposed: Metrics, held: Metrics | None, holder: str | None) -> Verdict:
    """Whether a metric passes. ``held`` are those of ``holder``, the version in the gate's stage; None for nobody."""
    rule = f"gate:{gate.metric}"
    value = number(proposed, gate.metric)
    if isinstance(value, str):
        return Verdict(rule, "refused", f"{gate.metric}: {value}", "Commit the metrics with the version.")
    said: list[str] = []
    for bound, passes, word in ((gate.min, operator.ge, "at least"), (gate.max, operator.le, "at most")):
        if bound is None:
            continue
        if not passes(value, bound):
            message = f"{gate.metric} is {shown(value)}, {word} {shown(bound)} is needed."
            return Verdict(
                rule,
                "refused",
                message,
                _BETTER,
            )
        said.append(f"{word} {shown(bound)}")
    if gate.not_worse_than is None:
        return Verdict(rule, "ok", f"{gate.metric} is {shown(value)} ({', '.join(said)}).")
    return _not_worse(gate, rule, value, held, holder, said)


def _not_worse(
    gate: Gate, rule: str, value: float, held: Metrics | None, holder: str | None, said: list[str]
) -> Verdict:
    stage = gate.not_worse_than
    if held is None:
        return Verdict(rule, "ok", f"{gate.metric} is {shown(value)}; nobody holds {stage}.")
    before = number(held, gate.metric)
    if isinstance(before, str):
        fix = f"Compare with a fixed bound (min, max) until {stage} holds a version with this metric."
        return Verdict(rule, "refused", f"{gate.metric} of {holder} in {stage}: {before}", fix)
    loss = before - value if gate.higher_is_better else value - before
    compared = f"{gate.metric} is {shown(value)}, {holder} in {stage} has {shown(before)}"
    # Tolerances are written in decimals: 0.91 - 0.90 must not be more than 0.01.
    if loss > gate.tolerance and not math.isclose(loss, gate.tolerance, rel_tol=1e-9, abs_tol=1e-12):
        allowed = f" (tolerance {shown(gate.tolerance)})" if gate.tolerance else ""
        return Verdict(
            rule,
            "refused",
            f"{compared}: worse{allowed}.",
            _BETTER,
        )
    return Verdict(rule, "ok", f"{compared}{''.join(f', {word}' for word in said)}.")


def shown(value: float) -> str:
    """A number as people write it, with enough digits to tell it from its bound."""
    return f"{value:.12g}"
