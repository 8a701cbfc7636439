"""Which merged changes a run of ``tagline promote`` looks at, and in which order.

In the order in which they landed, so that versions are numbered as the changes were merged whatever
their jobs do: a change whose job is late is completed by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from tagline.commands.changes.memory import finished
from tagline.commands.changes.request import RECENT, ChangeContext, may_have_requested
from tagline.domain.changes.asks import concerns_us
from tagline.domain.changes.changes import Change
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.triggers import Task
from tagline.errors import TooManyPaths

#: Every run completes what landed before it, so behind so many finished changes nothing is unfinished.
_FINISHED_ENOUGH = 2
#: So many are looked up at once: most often the first few are enough.
_AT_FIRST, _MORE = 4, 50


def unfinished_before(context: ChangeContext, change: Change, policy: Policy) -> list[Change]:
    """What landed before a change on its branch and was never judged, oldest first."""
    recent = [other for other in _recent(context, change.base) if other.number != change.number]
    order = _Order(context.history.line(change.base, context.now() - RECENT))
    before = [other for other in recent if order(other) < order(change)]
    return _unfinished(context, before, policy, order, _FINISHED_ENOUGH)


class _Order:
    """Where on its branch a change landed: earlier ones sort first."""

    def __init__(self, line: Sequence[str]) -> None:
        self._places = {commit: -place for place, commit in enumerate(line)}
        self._oldest = -len(line)

    def __call__(self, change: Change) -> tuple[int, float]:
        """The place, and the time for what landed before the part of the line that is known."""
        return (self._places.get(change.merge_commit or "", self._oldest), change.merged_at or 0.0)


def _recent(context: ChangeContext, branch: str) -> list[Change]:
    return context.forge.merged_since(branch, context.now() - RECENT)


class Landed(NamedTuple):
    """Changes in the order in which they landed; ``late`` are those that some other job should have promoted."""

    changes: list[Change]
    late: list[Change]


def landed(context: ChangeContext, task: Task, branch: str, policy: Policy) -> Landed:
    """The changes that a push brought, or none, and unfinished ones."""
    recent = _recent(context, branch)
    line = context.history.line(branch, context.now() - RECENT)
    order = _Order(line)
    pushed = _pushed(line, task)
    brought = [change for change in recent if change.merge_commit in pushed]
    if task.commit is not None and not any(change.merge_commit == task.commit for change in brought):
        # Pushed long ago, or so lately that the list does not have it yet.
        known = {change.number for change in brought}
        more = context.forge.landed_as(task.commit)
        brought += [change for change in more if change.base == branch and change.number not in known]
    numbers = {change.number for change in brought}
    others = [change for change in recent if change.number not in numbers]
    if task.commit is not None and not any(_may_ask(context, change, policy) for change in brought):
        # Most pushes ask for nothing and are to cost nothing: the next one that does completes the others.
        return Landed(sorted(brought, key=order), [])
    enough = len(others) + 1 if task.commit is None else _FINISHED_ENOUGH
    late = _unfinished(context, others, policy, order, enough)
    return Landed(sorted([*late, *brought], key=order), late)


def _may_ask(context: ChangeContext, change: Change, policy: Policy) -> bool:
    """Whether a merged change asks for something, as far as a list and the files tell; no API request."""
    labelled = any(concerns_us(name, policy.label_prefix) for name in change.labels)
    try:
        return labelled or may_have_requested(context.history, change)
    except TooManyPaths:
        return True  # which it is refused for when it is judged; here it would stop the others


def _pushed(line: Sequence[str], task: Task) -> set[str]:
    """The commits of the branch that a push brought."""
    if task.commit is None or task.commit not in line:
        return {task.commit} if task.commit else set()
    start = line.index(task.commit)
    end = line.index(task.before) if task.before in line else start + 1
    return set(line[start : max(end, start + 1)])


def _unfinished(
    context: ChangeContext, changes: Iterable[Change], policy: Policy, order: _Order, enough: int
) -> list[Change]:
    """Of merged changes those that ask for something and that nobody wrote down as finished, oldest first.

    Behind ``enough`` finished ones no more are looked for.
    """
    asking = (change for change in sorted(changes, key=order, reverse=True) if _may_ask(context, change, policy))
    found: list[Change] = []
    spared = 0
    size = _AT_FIRST
    while some := list(islice(asking, size)):
        size = _MORE
        done = finished(context, some)
        for change in some:
            if change.number not in done:
                found.append(change)
                spared = 0
                continue
            spared += 1
            if spared >= enough:
                return found[::-1]
    return found[::-1]
