"""Whether an answer still is the answer: what another event has made of the tag that decided it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tagline.domain.ledger.answers import Answer, decides, find
from tagline.domain.ledger.events import Event
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.tags import EventKind
from tagline.domain.ledger.targets import Target
from tagline.domain.text.times import format_time
from tagline.errors import NotFound, Refused

#: What a job does with an answer that was overtaken.
IfSuperseded = Literal["fail", "skip", "run"]


class Overtaken(NamedTuple):
    """A tag that decides no more. ``by`` is the tag that did that, where there is one; ``message`` is for people."""

    tag: str
    by: str | None
    message: str


def overtaken(state: ArtifactState | None, target: Target | str, answer: Answer) -> Overtaken | None:
    """What overtook an answer by the ledger as it is now; None where it stands.

    ``target`` is what was asked: of a tag (a text) whether it still decides, of a target whether it still names it.
    """
    event = next((e for e in state.events if e.tag == answer.tag), None) if state is not None else None
    if state is None or event is None:
        return Overtaken(answer.tag, None, f"{answer.tag} is gone from the registry.")
    if state.deprecated:
        last = state.events[-1]
        return _by(answer, last, f"{last.tag} deprecated {state.name}")
    if not decides(state, event):
        return _no_more(state, event, answer)
    if isinstance(target, Target):
        try:
            now = find(state, target)
        except NotFound:
            return Overtaken(answer.tag, None, f"{answer.tag} no longer is what {target} names.")
        if now.tag != answer.tag:
            cause = next(e for e in state.events if e.tag == now.tag)
            return _by(answer, cause, f"{target} names {now.version or now.commit[:7]} by {now.tag}")
    return None


def _no_more(state: ArtifactState, event: Event, answer: Answer) -> Overtaken:
    if event.kind is EventKind.REGISTRATION:
        ours = [e for e in state.events if e.version == event.version and e.stage is None]
        return _by(answer, ours[-1], f"{ours[-1].tag} is the last word on {state.name} {event.version}")
    stage = event.stage or ""
    hold = state.stages.get(stage)
    if hold is None:
        last = state.holds[stage][-1].ended_by if state.holds.get(stage) else None
        cause = next((e for e in state.events if e.tag == last), state.events[-1])
        return _by(answer, cause, f"{cause.tag} left {state.name}#{stage} to nobody")
    opened, decides_now = (next(e for e in state.events if e.tag == tag) for tag in (hold.opened_by, hold.tag))
    # The latter where the same version was assigned again.
    cause = opened if opened > event else decides_now
    holder = hold.version or hold.commit[:7]
    return _by(answer, cause, f"{cause.tag} gave {state.name}#{stage} to {holder}")


def _by(answer: Answer, cause: Event, what: str) -> Overtaken:
    return Overtaken(answer.tag, cause.tag, f"{answer.tag} was overtaken: {what} at {format_time(cause.time)}.")


def refusal(found: Overtaken) -> Refused:
    """The error of a job that is not to hand over what was overtaken."""
    return Refused(
        f"{found.message} Nothing was handed over.",
        "There is nothing to do here: what decides now has a run of its own. To have this version again, promote it "
        "or roll back. To hand it over all the same: --if-superseded run",
        code="superseded",
    )
