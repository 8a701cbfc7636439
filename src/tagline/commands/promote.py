"""``tagline promote``: do what a merged change asked for, once, and write down what was done.

Labels and approvals count as they stood at the merge, the ledger as it stands now. Changes that landed
earlier and whose jobs are late come first, so that versions are numbered in the order of the merges.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tagline.commands.cases import Case, ChangeDesk, merged_case, policy_at, promotes
from tagline.commands.comments import find_comment, post, refuse_stranger
from tagline.commands.deciding import Entries, decide
from tagline.commands.plan import Compose
from tagline.domain.asks import concerns_us, request_stage
from tagline.domain.changes import Change
from tagline.domain.events import Warn
from tagline.domain.policy import Policy
from tagline.domain.promotion import Decided, compare_with_seen, settle
from tagline.domain.record import Record
from tagline.domain.results import Planned
from tagline.domain.steps import Step
from tagline.domain.triggers import Event, Task, promote_task
from tagline.errors import Conflict, PlatformRefused, Refused, WrongUsage
from tagline.ports import Batch, Raced

#: Seconds: changes that landed longer ago are not looked for; naming one by its number still works.
RECENT = 7 * 86_400
_ATTEMPTS = 25
_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
#: A push whose end nobody saw may have gone through: it is looked up and tried again so many times.
_BLIND_PUSHES = 3
_BLIND = ("push-failed", "unreachable")
#: Every run completes what landed before it, so behind so many finished changes nothing is unfinished.
_FINISHED_ENOUGH = 2

_LATER = "The next promote with a token that may comment completes it."


def task_of(event: Event, number: int | None) -> Task:
    """What to promote: what was asked for, else what the job's event says. Raises WrongUsage where neither does."""
    if number is not None:
        return Task("change", number=number)
    if event.platform is None:
        raise WrongUsage("No change was named.", "Name a merged one: --change N.", code="no-change")
    return promote_task(event)


def promote(desk: ChangeDesk, task: Task, compose: Compose) -> list[Planned]:
    """Promote what a task names, and first whatever landed before it and is unfinished."""
    if task.kind == "change":
        changes = _named(desk, task)
        return [_with_earlier(desk, change, compose) for change in changes]
    if task.kind != "landed":
        return []
    branch = task.branch or desk.history.default_branch
    if not promotes(desk.history, policy_at(desk.history, desk.history.tip()), branch):
        return []
    return [promote_change(desk, change, compose) for change in _landed(desk, task, branch)]


def _named(desk: ChangeDesk, task: Task) -> list[Change]:
    if task.number is not None:
        return [desk.forge.change(task.number)]
    return desk.forge.landed_as(task.commit or "")


def _with_earlier(desk: ChangeDesk, change: Change, compose: Compose) -> Planned:
    policy = policy_at(desk.history, desk.history.tip())
    if not change.merged or not promotes(desk.history, policy, change.base):
        return Planned(Decided(change), policy, dry_run=desk.dry_run)
    recent = [other for other in _recent(desk, change.base) if other.number != change.number]
    order = _Order(desk.history.line(change.base, desk.now() - RECENT))
    before = [other for other in recent if order(other) < order(change)]
    late = _unfinished(desk, before, policy, order, thorough=False)
    earlier = tuple(promote_change(desk, other, compose) for other in late)
    return replace(promote_change(desk, change, compose), earlier=earlier)


class _Order:
    """Where on its branch a change landed: earlier ones sort first."""

    def __init__(self, line: Sequence[str]) -> None:
        self._places = {commit: -place for place, commit in enumerate(line)}
        self._oldest = -len(line)

    def __call__(self, change: Change) -> tuple[int, float]:
        """The place, and the time for what landed before the part of the line that is known."""
        return (self._places.get(change.merge_commit or "", self._oldest), change.merged_at or 0.0)


def _recent(desk: ChangeDesk, branch: str) -> list[Change]:
    return desk.forge.merged_since(branch, desk.now() - RECENT)


def _landed(desk: ChangeDesk, task: Task, branch: str) -> list[Change]:
    """The changes that a push brought, and unfinished ones, in the order in which they landed."""
    policy = policy_at(desk.history, desk.history.tip())
    recent = _recent(desk, branch)
    line = desk.history.line(branch, desk.now() - RECENT)
    order = _Order(line)
    pushed = _pushed(line, task)
    brought = [change for change in recent if change.merge_commit in pushed]
    if task.commit is not None and not any(change.merge_commit == task.commit for change in brought):
        # Pushed long ago, or so lately that the list does not have it yet.
        known = {change.number for change in brought}
        more = desk.forge.landed_as(task.commit)
        brought += [change for change in more if change.base == branch and change.number not in known]
    numbers = {change.number for change in brought}
    others = [change for change in recent if change.number not in numbers]
    late = _unfinished(desk, others, policy, order, thorough=task.commit is None)
    return sorted([*late, *(desk.forge.change(change.number) for change in brought)], key=order)


def _pushed(line: Sequence[str], task: Task) -> set[str]:
    """The commits of the branch that a push brought."""
    if task.commit is None or task.commit not in line:
        return {task.commit} if task.commit else set()
    start = line.index(task.commit)
    end = line.index(task.before) if task.before in line else start + 1
    return set(line[start : max(end, start + 1)])


def _unfinished(
    desk: ChangeDesk, changes: Iterable[Change], policy: Policy, order: _Order, *, thorough: bool
) -> list[Change]:
    """Of merged changes those that ask for something and whose merge was never judged, oldest first."""
    newest_first = sorted(changes, key=order, reverse=True)
    found: list[Change] = []
    finished = 0
    requests = _new_requests(desk, newest_first)
    for change in newest_first:
        labelled = any(concerns_us(name, policy.label_prefix) for name in change.labels)
        if not labelled and not (requests and _adds_any(desk, change, requests)):
            continue
        record = find_comment(desk, change, policy).record
        if record is None or not record.final:
            found.append(desk.forge.change(change.number))
            finished = 0
            continue
        finished += 1
        if finished >= _FINISHED_ENOUGH and not thorough:
            break
    return found[::-1]


def _new_requests(desk: ChangeDesk, changes: Sequence[Change]) -> set[str]:
    """Request files that came in with any of the changes: two looks, whatever their number."""
    if not changes or not changes[0].base:
        return set()
    line = desk.history.line(changes[0].base, desk.now() - RECENT)
    newest, oldest = line[0], line[-1]
    if oldest == newest:
        return set()
    now, then = (set(desk.history.files(commit).paths()) for commit in (newest, oldest))
    return {path for path in now - then if request_stage(path) is not None}


def _adds_any(desk: ChangeDesk, change: Change, requests: set[str]) -> bool:
    try:
        landing = desk.history.landing(change)
    except Refused:
        return False
    return any(file.path in requests for file in desk.history.differing(landing.before, landing.commit))


# -- one change ---------------------------------------------------------------


def promote_change(desk: ChangeDesk, change: Change, compose: Compose) -> Planned:
    """Do what one merged change asked for, and turn its comment into the record of it."""
    case = merged_case(desk, change) if change.merged else None
    if case is None or not any(case.asks):
        policy = case.policy if case is not None else policy_at(desk.history, desk.history.tip())
        return Planned(Decided(change), policy, dry_run=desk.dry_run)
    found = find_comment(desk, change, case.policy)
    refuse_stranger(found)
    record = found.record or Record()
    decided = _carry_out(case, record, seen_any=found.record is not None)
    planned = Planned(decided, case.policy, dry_run=desk.dry_run, warnings=list(decided.warnings))
    if desk.dry_run:
        return planned
    if record.final and found.comment is not None:
        return replace(planned, comment_url=found.comment.url)
    made = tuple(dict.fromkeys([*record.made, *(row.tag for row in decided.rows)]))
    remembered = Record(record.seen, final=True, refused=tuple(decided.refused), made=made)
    now = int(desk.now())
    posted = post(desk, change, case.policy, found, lambda: compose(planned, remembered, desk.forge, now), _LATER)
    return replace(planned, comment_url=posted.url, warnings=[*planned.warnings, *posted.warnings])


def _carry_out(case: Case, record: Record, *, seen_any: bool) -> Decided:
    """Decide and write, and again when somebody else wrote meanwhile.

    Raises Conflict when others kept being faster, PlatformRefused when the remote says no.
    """
    desk = case.desk
    created: set[str] = set()
    blind = 0
    for attempt in range(_ATTEMPTS):
        decided, entries = _decide(case, record, seen_any=seen_any)
        if desk.dry_run:
            return _marked(decided, set())
        try:
            for batch in _batches(case, decided, entries):
                desk.ledger.publish(batch)
                created |= {tag.name for entry in batch for tag in entry.tags}
            return _marked(decided, created)
        except Raced:
            pass
        except PlatformRefused as error:
            blind += 1
            if error.code not in _BLIND or blind >= _BLIND_PUSHES:
                raise
        desk.pause(random.uniform(0.3, 1.0) * min(_PAUSE * 1.6**attempt, _LONGEST_PAUSE))  # noqa: S311
    raise Conflict(
        f"Other runs kept writing the same artifacts: change {case.change.number} is not done "
        f"after {_ATTEMPTS} attempts.",
        "Run the same command again: what is done already is not done twice.",
        code="raced",
    )


def _decide(case: Case, record: Record, *, seen_any: bool) -> tuple[Decided, Entries]:
    """What is still to be done, and what stands. What a run has judged before is not judged again."""
    decided, entries = decide(case, record.refused if record.final else ())
    if record.final:
        return _nothing_new(decided), entries
    seen = record.seen if seen_any else None
    drifted = compare_with_seen(decided, seen, refuse=case.policy.refuse_drift)
    return settle(drifted, case.policy), entries


def _nothing_new(decided: Decided) -> Decided:
    """After a judged merge no tag is made any more; one that is gone was taken away by somebody."""
    gone = [row.tag for step in decided.steps if not step.done for row in step.rows if row.created]
    steps = tuple(step if step.done else replace(step, rows=(), new=()) for step in decided.steps)
    warnings = decided.warnings
    if gone:
        names = ", ".join(gone)
        message = (
            f"This change was judged before, and its tags were taken away since: they are not made again ({names})."
        )
        warnings = (*warnings, Warn("tags-removed", None, message))
    return replace(decided, steps=steps, warnings=warnings)


def _batches(case: Case, decided: Decided, entries: Entries) -> list[list[Batch]]:
    """What goes into one push each: an artifact, or with ``atomic: change`` all of them."""
    new: dict[str, list[Step]] = {}
    for step in decided.steps:
        if step.new:
            new.setdefault(step.intent.artifact, []).append(step)
    batches = [
        Batch(name, [tag for step in steps for tag in step.new], entries[name].mark) for name, steps in new.items()
    ]
    return [batches] if case.policy.atomic_change and batches else [[batch] for batch in batches]


def _marked(decided: Decided, created: set[str]) -> Decided:
    """The rows say which tags this very run made."""
    steps = tuple(
        replace(step, rows=tuple(row._replace(created=row.tag in created) for row in step.rows))
        for step in decided.steps
    )
    return replace(decided, steps=steps)
