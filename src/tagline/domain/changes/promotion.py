"""What a change does to the registry: its intents under the policy, one artifact at a time.

A pure function of the ledger, the change, the policy and the clock. Steps build on each other: a
stage can be assigned to the version that the step before registers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from tagline.domain.changes.asks import Action, Mistake
from tagline.domain.changes.changes import Change
from tagline.domain.changes.decision import Decision
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.steps import Facts, Step
from tagline.domain.changes.touches import Touches
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger import messages
from tagline.domain.ledger.events import Event, RawTag, Warn
from tagline.domain.ledger.planning import Row, projected
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.tags import EventKind


def plan_artifact(
    state: ArtifactState,
    raw: Mapping[str, RawTag],
    intents: Sequence[Intent],
    facts: Facts,
    policy: Policy,
    then: ArtifactState | None = None,
) -> list[Step]:
    """Decide an artifact's intents in an order in which they can build on each other.

    ``then`` is what the artifact was when the change landed; None: what it is.
    """
    steps: list[Step] = []
    then = state if then is None else then
    done = _done(state, raw, facts.change.url)
    for intent in _in_order(intents, policy):
        step = _done_step(intent, done, state, raw)
        step = step or Decision(state, then, raw, intent, intents, facts, policy).step()
        if step.new and _goes_on(step, facts.change):
            same = then is state
            state = projected(state, step.new)
            then = state if same else projected(then, step.new)
        steps.append(step)
    return steps


def _in_order(intents: Sequence[Intent], policy: Policy) -> list[Intent]:
    """Registrations first; a stage after those that its policy wants before it; then the rest as they stand."""
    ordered: list[Intent] = []
    left = sorted(intents, key=lambda i: (i.action is not Action.REGISTER, i.action is Action.DEPRECATE))
    while left:
        waiting_for = {intent.stage for intent in left if intent.action is Action.ASSIGN}
        ready = next((i for i in left if not _after(i, policy) & (waiting_for - {i.stage})), left[0])
        ordered.append(ready)
        left.remove(ready)
    return ordered


def _after(intent: Intent, policy: Policy) -> set[str | None]:
    rules = policy.rules(intent.artifact, intent.stage) if intent.stage and intent.action is Action.ASSIGN else None
    return set(rules.after) if rules else set()


_KINDS = {
    Action.REGISTER: EventKind.REGISTRATION,
    Action.ASSIGN: EventKind.ASSIGNMENT,
    Action.ROLLBACK: EventKind.ASSIGNMENT,
    Action.UNASSIGN: EventKind.UNASSIGNMENT,
    Action.DEPRECATE: EventKind.DEPRECATION,
}


def not_done(intents: Sequence[Intent], state: ArtifactState, raw: Mapping[str, RawTag], url: str) -> list[Intent]:
    """Of an artifact's intents those that the change at ``url`` has not carried out: the ledger says so."""
    done = _done(state, raw, url)
    return [intent for intent in intents if (_KINDS[intent.action], intent.stage) not in done]


def _done(state: ArtifactState, raw: Mapping[str, RawTag], url: str) -> dict[tuple[EventKind, str | None], Event]:
    """What a change has written already, by kind and stage: its tags say so."""
    return {
        (event.kind, event.stage): event
        for event in state.events
        if event.tag in raw and messages.is_by_change(raw[event.tag].message, url)
    }


def _done_step(
    intent: Intent, done: Mapping[tuple[EventKind, str | None], Event], state: ArtifactState, raw: Mapping[str, RawTag]
) -> Step | None:
    event = done.get((_KINDS[intent.action], intent.stage))
    if event is None:
        return None
    # Of several versions on one commit the highest active one is meant, as everywhere.
    there = sorted((row for row in state.versions if row.commit == event.commit), key=lambda row: not row.active)
    version = event.version or (there[0].version if there and event.stage else None)
    row = Row(event.tag, event.commit, intent.artifact, event.kind, version, intent.stage, created=False)
    trailers = messages.parse_trailers(raw[event.tag].message)
    before = next(iter(trailers.get(messages.PREVIOUS, [])), None)
    approved = tuple(trailers.get(messages.APPROVED_BY, []))
    return Step(intent, version, before, (row,), approved_by=approved, done=True)


def _goes_on(step: Step, change: Change) -> bool:
    """Whether later steps may build on this one: before the merge also on what still waits."""
    return step.state == "ok" or (change.open and step.state != "refused")


class Refusal(NamedTuple):
    """Something that is not done, or not yet: which rule stands against it and what would satisfy it."""

    artifact: str | None
    stage: str | None
    rule: str
    message: str
    fix: str


#: What came of a change as a whole.
Outcome = Literal["ok", "waiting", "refused", "nothing"]


@dataclass(frozen=True)
class Decided:
    """A change, decided.

    ``mistakes`` refuse it as a whole; then there are no ``steps``. ``drift`` says what is another than
    people approved, and done all the same. ``final`` refuses it before anything of it was looked at: how it landed
    cannot be told, or a policy cannot be understood.
    """

    change: Change
    steps: tuple[Step, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    touches: Touches = field(default_factory=lambda: Touches({}))
    warnings: tuple[Warn, ...] = ()
    drift: tuple[str, ...] = ()
    final: tuple[Refusal, ...] = ()

    @property
    def intents(self) -> list[Intent]:
        """What was asked for, in order."""
        return [step.intent for step in self.steps]

    @property
    def rows(self) -> list[Row]:
        """The tags of the answer, made or found or to be made."""
        return [row for step in self.steps for row in step.rows]

    @property
    def refused(self) -> list[Refusal]:
        """What is refused; after the merge also what was still waiting then."""
        found = [Refusal(None, None, "request", f"{m.source}: {m.message}", m.fix) for m in self.mistakes]
        found += self.final
        open_states = ("refused",) if self.change.open else ("refused", "waiting", "unknown")
        return found + self._standing(open_states)

    @property
    def waiting(self) -> list[Refusal]:
        """What waits for people, for time, or for a token that can read more; only before the merge."""
        return self._standing(("waiting", "unknown")) if self.change.open else []

    @property
    def unreadable(self) -> bool:
        """Whether something is refused only because this token could not read what decides it."""
        verdicts = (verdict for step in self.steps if not step.done for verdict in step.verdicts)
        return not self.change.open and any(verdict.state == "unknown" for verdict in verdicts)

    def _standing(self, states: Sequence[str]) -> list[Refusal]:
        return [
            Refusal(step.intent.artifact, step.intent.stage, verdict.rule, verdict.message, verdict.fix)
            for step in self.steps
            if not step.done
            for verdict in step.verdicts
            if verdict.state in states
        ]

    @property
    def verdict(self) -> Outcome:
        """The outcome."""
        if self.refused:
            return "refused"
        if self.waiting:
            return "waiting"
        return "ok" if self.steps else "nothing"


def settle(decided: Decided, policy: Policy) -> Decided:
    """After the merge: what is not ok is refused and makes no tags; with ``atomic: change`` nothing does then."""
    steps = tuple(step if step.done or step.state == "ok" else replace(step, rows=(), new=()) for step in decided.steps)
    settled = replace(decided, steps=steps)
    if not (policy.atomic_change and settled.refused):
        return settled
    why = Verdict("atomic", "refused", "Something else of this change is refused, and the policy wants all or nothing.")
    return replace(settled, steps=tuple(_without(step, why) if step.new else step for step in steps))


def _without(step: Step, verdict: Verdict) -> Step:
    """The step with one more verdict and without its tags."""
    return replace(step, rows=(), new=(), verdicts=(*step.verdicts, verdict))
