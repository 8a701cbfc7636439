"""What a change does to the registry: its intents under the policy, one artifact at a time.

A pure function of the ledger, the change, the policy and the clock. Steps build on each other: a
stage can be assigned to the version that the step before registers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, assert_never

from tagline.domain.changes.asks import Action, Mistake
from tagline.domain.changes.changes import Change
from tagline.domain.changes.decision import Decision, held_before
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.origins import with_origin
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.steps import Facts, Step
from tagline.domain.changes.touches import Touches
from tagline.domain.changes.unheard import Unheard
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.changes.written import is_written_by
from tagline.domain.ledger import messages
from tagline.domain.ledger.events import Event, RawTag, Warn
from tagline.domain.ledger.planning import Row, projected
from tagline.domain.ledger.registry import ArtifactState, fold
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
    done = _done(state, raw, facts.change)
    for intent in _in_order(intents, policy):
        step = _done_step(intent, done, state, raw)
        step = step or Decision(state, then, raw, intent, intents, facts, policy).step()
        if _stands_on(step, steps, facts.change):
            # That the version is not there is no second fault.
            step = replace(step, verdicts=steps[0].verdicts)
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


def _kind(action: Action) -> EventKind:
    """What kind of tag carries an action out."""
    match action:
        case Action.REGISTER:
            return EventKind.REGISTRATION
        case Action.ASSIGN | Action.ROLLBACK | Action.LIFT:
            return EventKind.ASSIGNMENT
        case Action.UNASSIGN:
            return EventKind.UNASSIGNMENT
        case Action.DEPRECATE:
            return EventKind.DEPRECATION
        case _:
            assert_never(action)


def not_done(
    intents: Sequence[Intent], state: ArtifactState, raw: Mapping[str, RawTag], change: Change
) -> list[Intent]:
    """Of an artifact's intents those that a change has not carried out: the ledger says so."""
    done = _done(state, raw, change)
    return [intent for intent in intents if (_kind(intent.action), intent.stage) not in done]


def _done(state: ArtifactState, raw: Mapping[str, RawTag], change: Change) -> dict[tuple[EventKind, str | None], Event]:
    """What a change has written already, by kind and stage: its tags say so."""
    return {
        (event.kind, event.stage): event
        for event in state.events
        if event.tag in raw and is_written_by(raw[event.tag].message, change)
    }


def _done_step(
    intent: Intent, done: Mapping[tuple[EventKind, str | None], Event], state: ArtifactState, raw: Mapping[str, RawTag]
) -> Step | None:
    event = done.get((_kind(intent.action), intent.stage))
    if event is None:
        return None
    # Of several versions on one commit the highest active one is meant, as everywhere.
    there = sorted((row for row in state.versions if row.commit == event.commit), key=lambda row: not row.active)
    version = event.version or (there[0].version if there and event.stage else None)
    row = Row(event.tag, event.commit, intent.artifact, event.kind, version, intent.stage, created=False)
    trailers = messages.parse_trailers(raw[event.tag].message)
    approved = tuple(trailers.get(messages.APPROVED_BY, []))
    return Step(intent, version, _before(event, state), (row,), approved_by=approved, done=True)


def _before(event: Event, state: ArtifactState) -> str | None:
    """What was there before an event, as the run that wrote it told people."""
    earlier = fold(state.name, [other for other in state.events if other < event])
    return held_before(earlier, event.stage)


def _stands_on(step: Step, earlier: Sequence[Step], change: Change) -> bool:
    """Whether a stage has no version to go to because a rule stands against the one that the change would register."""
    first = earlier[0] if earlier else None
    if first is None or first.intent.action is not Action.REGISTER or first.version is None or _goes_on(first, change):
        return False
    return any(verdict.rule == _WITHOUT_VERSION for verdict in step.verdicts)


#: The rule of a stage without a version to go to.
_WITHOUT_VERSION = "stage-without-version"


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
    cannot be told, or a policy cannot be understood. ``unheard`` are labels that ask for nothing.
    ``rules_at`` is the commit whose policy judges; None where nothing was judged.
    """

    change: Change
    steps: tuple[Step, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    touches: Touches = field(default_factory=lambda: Touches({}))
    warnings: tuple[Warn, ...] = ()
    drift: tuple[str, ...] = ()
    final: tuple[Refusal, ...] = ()
    rules_at: str | None = None
    unheard: tuple[Unheard, ...] = ()

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
        found = [
            Refusal(step.intent.artifact, step.intent.stage, verdict.rule, verdict.message, verdict.fix)
            for step in self.steps
            if not step.done
            for verdict in step.verdicts
            if verdict.state in states
        ]
        # What stands against a version stands against its stages: that is one fault, told once.
        of_versions = {refusal._replace(stage=None) for refusal in found if refusal.stage is None}
        return [one for one in found if one.stage is None or one._replace(stage=None) not in of_versions]

    @property
    def verdict(self) -> Outcome:
        """The outcome."""
        if self.refused:
            return "refused"
        if self.waiting:
            return "waiting"
        return "ok" if self.steps else "nothing"


def settle(decided: Decided, policy: Policy) -> Decided:
    """Leave out the tags that a merge does not make: of what is refused, which after the merge is all that is not ok.

    With ``atomic: change`` there are none where anything is refused.
    """
    left_out = ("refused",) if decided.change.open else ("refused", "waiting", "unknown")
    steps = tuple(
        replace(step, rows=(), new=()) if step.state in left_out and not step.done else step for step in decided.steps
    )
    settled = replace(decided, steps=steps)
    if not (policy.atomic_change and settled.refused):
        return settled
    why = Verdict("atomic", "refused", "Something else of this change is refused, and the policy wants all or nothing.")
    why = with_origin(why, policy, "", "")
    undone = (replace(s, rows=(), new=(), verdicts=(*s.verdicts, why)) if s.new else s for s in steps)
    return replace(settled, steps=tuple(undone))
