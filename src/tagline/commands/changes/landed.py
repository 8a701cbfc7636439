"""Which merged changes a run of ``tagline promote`` looks at, in which order, and what it leaves out.

In the order in which they landed, so that versions are numbered as the changes were merged whatever
their jobs do: a change whose job is late is completed by the next one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.landing import RECENT
from tagline.commands.changes.memory import finished
from tagline.commands.changes.pushed import NOTHING, Brought, brought_by
from tagline.commands.changes.request import may_have_requested, requests_at
from tagline.domain.changes.asks import concerns_us
from tagline.domain.changes.changes import Change, Merges
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.triggers import Task
from tagline.domain.ledger.events import Warn
from tagline.errors import TooManyPaths

#: Every run completes what landed before it, so behind so many finished changes nothing is unfinished.
_FINISHED_ENOUGH = 2
#: So many are looked up at once: most often the first few are enough.
_AT_FIRST, _MORE = 4, 50
#: Commits without a change in which request files are looked for.
_MOST_ALONE = 20


def unfinished_before(context: ChangeContext, change: Change, policy: Policy) -> list[Change]:
    """What landed before a change on its branch and was never judged, oldest first."""
    recent = [other for other in context.landings.recent(change.base).changes if other.number != change.number]
    if not recent:
        return []
    order = _Order(context.history.line(change.base, context.landings.since))
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


class Landed(NamedTuple):
    """Changes in the order in which they landed; ``late`` are those that some other job should have promoted."""

    changes: list[Change]
    late: list[Change]
    warnings: list[Warn]


def landed(context: ChangeContext, task: Task, branch: str, policy: Policy) -> Landed:
    """The changes that a push brought, or none, and unfinished ones.

    Raises Conflict where the forge does not tell yet what the push brought.
    """
    line = context.history.line(branch, context.landings.since)
    pushed = _pushed(line, task)
    found = brought_by(context, branch, pushed) if pushed else NOTHING
    recent = context.landings.recent(branch)
    warnings = [*_left_out(branch, recent, found), *_asked_alone(context, branch, found, pushed)]
    order = _Order(line)
    numbers = {change.number for change in found.changes}
    others = [change for change in recent.changes if change.number not in numbers]
    if task.commit is not None and not any(_may_ask(context, change, policy) for change in found.changes):
        # Most pushes ask for nothing and are to cost nothing: the next one that does completes the others.
        return Landed(sorted(found.changes, key=order), [], warnings)
    enough = len(others) + 1 if task.commit is None else _FINISHED_ENOUGH
    late = _unfinished(context, others, policy, order, enough)
    return Landed(sorted([*late, *found.changes], key=order), late, warnings)


def _left_out(branch: str, recent: Merges, found: Brought) -> Iterator[Warn]:
    """What was not looked at because there is too much of it."""
    if not recent.whole:
        message = (
            f"So many changes were closed on {branch} in the last {RECENT // 86_400} days that the oldest of them were "
            "not looked at. Name one by its number: tagline promote --change N."
        )
        yield Warn("changes-left-out", None, message)
    if found.unasked:
        message = (
            f"{len(found.unasked)} commits of this push were not looked up one by one, up to {found.unasked[0][:7]}. A "
            "scheduled promote completes the changes that landed as one of them."
        )
        yield Warn("commits-left-out", None, message)


def _asked_alone(context: ChangeContext, branch: str, found: Brought, pushed: Sequence[str]) -> Iterator[Warn]:
    """Request files that came to a branch without a change: they ask for nothing, and nobody would know."""
    history = context.history
    with contextlib.suppress(TooManyPaths):
        if not found.others or not requests_at(history, pushed[0]):
            return
        for commit in found.others[:_MOST_ALONE]:
            before = history.behind(commit, 1)
            added = requests_at(history, commit) - (requests_at(history, before[0]) if before else set())
            for path in sorted(added):
                message = (
                    f"{path} came to {branch} by a push ({commit[:7]}) and asks for nothing: only a change asks. Open "
                    "one that adds the request under a new name."
                )
                yield Warn("request-without-change", None, message)


def _asking(context: ChangeContext, changes: Sequence[Change], policy: Policy) -> Iterator[Change]:
    """Of merged changes those that may ask for something; their files are brought many at a time."""
    for some in _batches(changes):
        silent = [change for change in some if not _is_labelled(change, policy)]
        context.history.prepare([change.merge_commit for change in silent if change.merge_commit])
        yield from (change for change in some if _may_ask(context, change, policy))


def _batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """A few, then many at a time: most often the first few are enough."""
    left, size = iter(changes), _AT_FIRST
    while some := list(islice(left, size)):
        yield some
        size = _MORE


def _is_labelled(change: Change, policy: Policy) -> bool:
    """Whether a label asks for something, which needs no look at files."""
    return any(concerns_us(name, policy.label_prefix) for name in change.labels)


def _may_ask(context: ChangeContext, change: Change, policy: Policy) -> bool:
    """Whether a merged change asks for something, as far as a list and the files tell; no API request."""
    try:
        return _is_labelled(change, policy) or may_have_requested(context.history, change)
    except TooManyPaths:
        return True  # which it is refused for when it is judged; here it would stop the others


def _pushed(line: Sequence[str], task: Task) -> list[str]:
    """The commits of the branch that a push brought, newest first."""
    if task.commit is None or task.commit not in line:
        return [task.commit] if task.commit else []
    start = line.index(task.commit)
    end = line.index(task.before) if task.before in line else start + 1
    return list(line[start : max(end, start + 1)])


def _unfinished(
    context: ChangeContext, changes: Iterable[Change], policy: Policy, order: _Order, enough: int
) -> list[Change]:
    """Of merged changes those that ask for something and that nobody wrote down as finished, oldest first.

    Behind ``enough`` finished ones no more are looked for.
    """
    found: list[Change] = []
    spared = 0
    for some in _batches(_asking(context, sorted(changes, key=order, reverse=True), policy)):
        done = finished(context, some, policy.label_prefix)
        for change in some:
            if change.number not in done:
                found.append(change)
                spared = 0
                continue
            spared += 1
            if spared >= enough:
                return found[::-1]
    return found[::-1]
