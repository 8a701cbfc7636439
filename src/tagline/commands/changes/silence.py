"""What would be silent: a change that touches an artifact and asks for nothing, and labels that nobody hears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tagline.commands.changes.comments import Compose, Found, find_comment, post
from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.request import ChangeRequest, promotes
from tagline.domain.changes import unheard
from tagline.domain.changes.approvals import is_robot
from tagline.domain.changes.asks import concerns_us
from tagline.domain.changes.changes import Change
from tagline.domain.changes.labels import Lesson, lessons
from tagline.domain.changes.policy import POLICY_FILE, Policy
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.record import Record, answered, visible
from tagline.domain.changes.touches import Touches
from tagline.domain.changes.triggers import Task
from tagline.domain.changes.unheard import Unheard
from tagline.domain.lineage.planned import Planned
from tagline.domain.text.similar import listed
from tagline.errors import TaglineError

_ASKS_NOTHING = "Neither a label nor a request file asks for anything."
_LATER = "The next run with a token that may comment will post it."


@dataclass(frozen=True)
class Silence:
    """What an open change that asks for nothing is all the same, and why nothing follows.

    ``lesson`` is what a comment would teach; empty where none is due.
    """

    why: str
    touches: Touches = field(default_factory=lambda: Touches({}))
    similar: tuple[Unheard, ...] = ()
    lesson: tuple[Lesson, ...] = ()


def look(context: ChangeContext, change: Change, policy: Policy, request: ChangeRequest | None) -> Silence:
    """Look at an open change that asks for nothing. Where it touches no artifact, that costs no request of the API."""
    if request is None and not promotes(context.history, policy, change.base):
        return Silence(_not_promoted(change))
    try:
        between = request or _between(context, change, policy)
        touches = between.touches if between is not None else Touches({})
        if between is None or not touches.touched:
            return Silence(f"{_ASKS_NOTHING} It touches no artifact.", touches)
        similar, allowed = between.unheard, between.stages
    except TaglineError as error:  # of what asks for nothing, nothing is refused
        return Silence(f"{_ASKS_NOTHING} Which artifacts it touches is not known: {error.message}")
    names = list(touches.touched)
    what = f"{_ASKS_NOTHING} It touches {listed(names)}."
    against = _against(change, policy)
    if against:
        return Silence(f"{what} No comment says how to ask: {against}.", touches, similar)
    taught = lessons(policy, names, allowed, context.forge.longest_label)
    return Silence(what, touches, similar, taught)


def why_none(task: Task, branches: Sequence[str] = ()) -> str:
    """Why a run that looked for changes found none. ``branches`` are those that it looked at."""
    if task.why or task.number is not None:
        return task.why
    commit = (task.commit or "")[:7]
    if task.kind == "open":
        return "No change is open."
    if task.kind == "change":
        return f"The forge counts no merged change to {commit}."
    if not branches:
        return f"What is merged into {task.branch} is not promoted: {POLICY_FILE} does not list it."
    where = ", ".join(branches)
    if task.commit is not None:
        return f"No change came to {where} with {commit}."
    return f"No change that was merged into {where} in the last days is unfinished."


def why_nothing(context: ChangeContext, change: Change, policy: Policy) -> str:
    """Why a promote does nothing with a change that is not merged, or that asked for nothing."""
    if not change.merged:
        return "It is not merged: tagline plan says what its merge will do."
    if not promotes(context.history, policy, change.base):
        return _not_promoted(change)
    return "No label that asks for anything stood on it at the merge, and it brought no request file."


def _not_promoted(change: Change) -> str:
    """Why nothing comes of a change into some other branch."""
    return f"What is merged into {change.base} is not promoted: {POLICY_FILE} does not list it."


def _between(context: ChangeContext, change: Change, policy: Policy) -> ChangeRequest | None:
    """The change, looked at; None where it differs from its base branch in no artifact.

    What it brought is only asked for where something differs.
    """
    tip, base = context.history.tip(), context.history.tip(change.base)
    from_tip = ChangeRequest(context, change, policy, base, change.head, tip)
    if not from_tip.touches.touched:
        return None
    before = context.forge.merge_base(change)
    return from_tip if before == base else ChangeRequest(context, change, policy, before, change.head, tip)


def _against(change: Change, policy: Policy) -> str:
    """Why nobody is told how to ask, as far as it can be said without a request; empty: somebody is."""
    if policy.findings:
        return f"{POLICY_FILE} cannot be understood"
    if not policy.teach:
        return f"{POLICY_FILE} says teach: false"
    if change.from_fork:
        return "it comes from a fork"
    if change.by_bot or is_robot(change.author):
        return f"its author, {change.author}, is a robot"
    return ""


def teach(context: ChangeContext, planned: Planned, silence: Silence, found: Found, compose: Compose) -> Planned:
    """Say once how to ask, or that a label is only like one that asks; what stands is written anew only for the latter.

    Nobody is told who has asked by a label before, but for a label that is like one.
    """
    answers = answered([one.label for one in silence.similar])
    there = found.comment
    if there is not None and (not answers or (found.record is not None and found.record.answers == answers)):
        return replace(planned, comment_url=there.url, note=f"{planned.note} The comment says how to ask.")
    if there is None and not answers:
        why = _knows(context, planned)
        if why:
            return replace(planned, note=f"{planned.note} No comment says how to ask: {why}.")
    planned = replace(planned, lesson=silence.lesson)
    body = compose(planned, Record(teaches=True, answers=answers), context.forge, int(context.clock.now()))
    planned = post(context, planned, found, body, _LATER)
    return replace(planned, note=f"{planned.note} The comment says how to ask.") if planned.comment_url else planned


def _knows(context: ChangeContext, planned: Planned) -> str:
    """Why the author need not be told; empty: they have asked by no label yet."""
    change, prefix = planned.decided.change, planned.policy.label_prefix
    try:
        if any(concerns_us(name, prefix) for name in context.forge.labels_of_author(change)):
            return f"{change.author} has asked by a label before"
    except TaglineError as error:
        return f"whether {change.author} has asked before is not known ({error.message.rstrip('.')})"
    return ""


# -- labels that came after the merge -----------------------------------------------


def late_labels(context: ChangeContext, change: Change, policy: Policy) -> tuple[Unheard, ...]:
    """The requests that were put on a merged change after its merge. Most often there are none, which costs nothing."""
    asking = any(concerns_us(name, policy.label_prefix) for name in change.labels)
    if not asking or not change.merged or not promotes(context.history, policy, change.base):
        return ()
    return tuple(unheard.added_late(change, context.forge.labels(change), policy.label_prefix))


def answer_late(context: ChangeContext, planned: Planned, compose: Compose, *, promoting: bool) -> Planned:
    """Say on a merged change, once, that labels came too late.

    What a promote said stays and is added to. What a plan said is replaced by a promote alone (``promoting``).
    """
    change = planned.decided.change
    if planned.dry_run:
        return planned
    found = find_comment(context, change, planned.policy)
    there = found.record or Record()
    record = Record(there.says, answers=late_word(planned.decided))
    is_plan = found.comment is not None and there == Record()
    if found.comment is not None and (there == record or (is_plan and not promoting)):
        return replace(planned, comment_url=found.comment.url)
    stands = visible(found.comment.body) if found.comment is not None and there.says else ""
    planned = replace(planned, stands=stands)
    body = compose(planned, record, context.forge, int(context.clock.now()))
    return post(context, planned, found, body, _LATER)


def late_word(decided: Decided) -> str:
    """One word for the labels that came too late; empty for none."""
    return answered([one.label for one in decided.unheard if one.meant is None])
