"""``tagline promote``: do what a merged change asked for, once, and write down what was done.

Labels and approvals count as they stood at the merge, the ledger as it stands now. Changes that landed
earlier and whose jobs are late come first, so that versions are numbered in the order of the merges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from tagline.commands.changes.comments import Compose, Found, find_comment, post
from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.deciding import decide
from tagline.commands.changes.deliver import delivered
from tagline.commands.changes.failed import say_failed, say_where_promised
from tagline.commands.changes.landed import landed, unfinished_before
from tagline.commands.changes.landing import UNTOLD
from tagline.commands.changes.memory import remember
from tagline.commands.changes.mlflow_sync import NOT_TOLD, tell
from tagline.commands.changes.plan import named
from tagline.commands.changes.publishing import BLIND, publish
from tagline.commands.changes.request import ChangeRequest, merged_request, promotes
from tagline.commands.changes.silence import answer_late, late_labels, late_word, why_none, why_nothing
from tagline.commands.changes.traced import picture
from tagline.commands.changes.work import Work, in_part, marked
from tagline.commands.ledger.writing import ATTEMPTS, backoff
from tagline.domain.changes import unheard
from tagline.domain.changes.changes import Change
from tagline.domain.changes.policy import NO_POLICY, Policy
from tagline.domain.changes.promotion import Decided, Refusal
from tagline.domain.changes.record import Record, digest
from tagline.domain.changes.triggers import Event, Task, promote_task
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.comparison import Traced
from tagline.domain.lineage.planned import Planned
from tagline.errors import Conflict, Exit, PlatformRefused, Refused, TaglineError, WrongUsage
from tagline.ports.ledger import Raced

#: A push whose end nobody saw may have gone through: it is looked up and tried again so many times.
_BLIND_PUSHES = 3
#: After so many attempts that others were faster with each artifact is written by itself.
_TOGETHER = 5
#: Refusals of the platform that somebody must mend first, however often we run.
_FOR_GOOD = (
    "ruleset", "workflows", "protected-tag", "no-write-permission", "hook-declined", "guard-refused", "tag-taken",
)  # fmt: skip
#: What stops no later change: its numbers and stages are in the ledger.
_ALONE = (*_FOR_GOOD, NOT_TOLD)
_LATER = "The next promote with a token that may comment completes it."


def task_of(event: Event, number: int | None) -> Task:
    """What to promote: what was asked for, else what the job's event says. Raises WrongUsage where neither does."""
    if number is not None:
        return Task("change", number=number)
    if event.platform is None:
        raise WrongUsage("No change was named.", "Name a merged one: --change N.", code="no-change")
    return promote_task(event)


class Promoted(NamedTuple):
    """What came of each change, and what the run has to say beside: of no change, and ``why`` there is none."""

    planned: list[Planned]
    warnings: list[Warn]
    why: str = ""


def promote(context: ChangeContext, task: Task, compose: Compose) -> Promoted:
    """Promote what a task names, and first whatever landed before it and is unfinished."""
    context.delivering  # noqa: B018 - a receiver that is none is refused before anything is written
    if task.kind == "change":
        if task.number is not None:
            context.memory.expect(task.number)
        changes = [(one, _with_earlier) for one in named(context.forge, task)]
        return Promoted(_in_order(context, compose, changes), [], why_none(task))
    if task.kind != "landed":
        return Promoted([], [], task.why)
    # With what was there before it, which decides on the newest change.
    context.history.prepare([context.history.tip()], 2)
    policy = context.policies.now()
    branches = _branches(context, task, policy)
    found = [landed(context, task, branch, policy) for branch in branches]
    late = _late if task.commit is not None else _found_late
    changes = [(change, late if change in one.late else promote_change) for one in found for change in one.changes]
    warnings = [warning for one in found for warning in one.warnings]
    return Promoted(_in_order(context, compose, changes), warnings, why_none(task, branches))


def _branches(context: ChangeContext, task: Task, policy: Policy) -> list[str]:
    """The promoted branches that a task is about; the default one also by a name that it had when the job began."""
    history = context.history
    there = history.branches()
    wanted = there if task.branch is None else [task.branch] if task.branch in there else []
    if (
        task.branch is not None
        and not wanted
        and task.commit in history.line(history.default_branch, context.landings.since)
    ):
        wanted = [history.default_branch]
    return [branch for branch in wanted if promotes(history, policy, branch)]


_Promote = Callable[[ChangeContext, Change, Compose], Planned]


def _in_order(context: ChangeContext, compose: Compose, changes: Iterable[tuple[Change, _Promote]]) -> list[Planned]:
    """One after the other, until one fails that stops those behind it.

    Raises what it failed with only where nothing was made before: what was made is told, whatever comes after.
    """
    done: list[Planned] = []
    left = list(changes)
    context.landings.bring(change for change, _ in left)
    while left:
        change, act = left.pop(0)
        waiting = [other for other, _ in left]
        try:
            planned = act(context, change, compose)
        except TaglineError as error:
            say_where_promised(context, waiting, error, compose, first=change)
            if not any(map(_has_made, done)):
                raise
            return [*done, _failed(context, change, error)]
        done.append(planned)
        wrong = planned.error
        late = act in (_late, _found_late)
        if wrong is not None and wrong.code != NOT_TOLD and (not late or _may_pass(context, change, wrong)):
            say_where_promised(context, waiting, wrong, compose, first=change)
            break
    return done


def _has_made(planned: Planned) -> bool:
    return any(row.created for one in (*planned.earlier, planned) for row in one.decided.rows)


def _may_pass(context: ChangeContext, change: Change, error: TaglineError) -> bool:
    """Whether a later run may do what this one failed at, so that no later change is numbered before."""
    if error.code in UNTOLD and not context.landings.may_be_late(change):
        return False
    return error.exit_code in (Exit.PLATFORM, Exit.CONFLICT) and error.code not in _ALONE


def _failed(context: ChangeContext, change: Change, error: TaglineError, earlier: Iterable[Planned] = ()) -> Planned:
    """The answer for a change of which nothing was done."""
    return Planned(Decided(change), NO_POLICY, dry_run=context.options.dry_run, earlier=tuple(earlier), error=error)


def _with_earlier(context: ChangeContext, change: Change, compose: Compose) -> Planned:
    """One change by its number. One that asks for nothing completes no other."""
    request = _request(context, change, compose)
    if isinstance(request, Planned):
        return request
    earlier: list[Planned] = []
    try:
        late = unfinished_before(context, request.change, context.policies.now())
        context.landings.bring(late)
        for other in late:
            try:
                earlier.append(_late(context, other, compose))
            except TaglineError as error:
                say_where_promised(context, [change], error, compose, first=other)
                raise
            stopped = earlier[-1].error
            if stopped is not None and _may_pass(context, other, stopped):
                say_where_promised(context, [change], stopped, compose, first=other)
                return _failed(context, change, stopped, earlier)
        return replace(_carry_through(request, compose), earlier=tuple(earlier))
    except TaglineError as error:
        if not any(map(_has_made, earlier)):
            raise
        return _failed(context, change, error, earlier)


def _late(context: ChangeContext, change: Change, compose: Compose) -> Planned:
    """A change that somebody else's job should have promoted. What is wrong with it for good stops no other.

    Raises PlatformRefused and Conflict that may pass, or where a part was done, answers with it: a later change
    must not be numbered first.
    """
    try:
        return _as_another_runs(promote_change(context, change, compose))
    except TaglineError as error:
        if _may_pass(context, change, error):
            raise
        return _failed(context, change, error)


def _found_late(context: ChangeContext, change: Change, compose: Compose) -> Planned:
    """The same for a run that is about no change of its own: it is red for what no run has told before.

    Where nothing can be remembered nobody knows that, and it would be red for days.
    """
    planned = _late(context, change, compose)
    told = planned.remembered or planned.decided.unreadable or context.options.dry_run
    return replace(planned, late=planned.late and not told)


def _as_another_runs(planned: Planned) -> Planned:
    """The answer for an earlier change: what is refused of it is a warning to the run that completes it."""
    if not planned.decided.refused:
        return planned
    first, number = planned.decided.refused[0], planned.decided.change.number
    what = "#".join(part for part in (first.artifact, first.stage) if part)
    message = f"Change {number}, which landed earlier, is refused: {what}{': ' if what else ''}{first.message}"
    return replace(planned, late=True, warnings=[*planned.warnings, Warn("earlier-refused", None, message)])


# -- one change ---------------------------------------------------------------


def promote_change(context: ChangeContext, change: Change, compose: Compose) -> Planned:
    """Do what one merged change asked for, say on its comment what was done, and remember that it is."""
    request = _request(context, change, compose)
    return request if isinstance(request, Planned) else _carry_through(request, compose)


def _request(context: ChangeContext, change: Change, compose: Compose) -> ChangeRequest | Planned:
    """The request of a merged change; the answer itself where there is nothing to decide."""
    policy = context.policies.now()
    try:
        change = context.landings.settled(change)
        request = merged_request(context, change) if change.merged else None
    except Refused as error:
        # How it landed cannot be told and will not be: that is said where people look.
        found = find_comment(context, change, policy)
        refusal = Refusal(None, None, error.code, error.message, error.hint)
        return _judged(context, Decided(change, final=(refusal,)), policy, found, compose)
    except TaglineError as error:
        say_where_promised(context, [change], error, compose)
        raise
    if request is None or not any(request.asks):
        late = late_labels(context, change, policy) if change.merged else ()
        gone = request.gone_labels() if request is not None else []
        said = (*gone, *unheard.warnings(late, change))
        decided, note = Decided(change, warnings=said, unheard=late), why_nothing(context, change, policy)
        planned = Planned(decided, policy, dry_run=context.options.dry_run, warnings=list(said), note=note)
        if late:
            return answer_late(context, planned, compose, promoting=True)
        return _asked_once(context, planned, compose) if gone else planned
    return request


def _asked_once(context: ChangeContext, planned: Planned, compose: Compose) -> Planned:
    """The answer for a change whose labels were deleted: a plan's comment on it may promise what they asked for."""
    found = Found() if planned.dry_run else find_comment(context, planned.decided.change, planned.policy)
    if found.record is None or found.record.says:
        return planned
    return post(context, planned, found, compose(planned, Record(), context.forge, int(context.clock.now())), _LATER)


def _carry_through(request: ChangeRequest, compose: Compose) -> Planned:
    found = find_comment(request.context, request.change, request.policy)
    work = Work()
    try:
        decided = _carry_out(request, work)
    except TaglineError as error:
        failed = delivered(request.context, in_part(request, work, error), work)
        said = say_failed(request.context, failed, found, compose)
        if not work.created:
            raise
        return said
    if not request.context.options.dry_run:
        told = tell(request, decided)
        gone = tuple(Warn("mlflow-alias-removed", None, sentence) for sentence in told.taken)
        decided = replace(decided, warnings=(*decided.warnings, *gone))
        messages = [problem.message for problem in told.untold]
        if request.policy.mlflow_required and not all(problem.lasting for problem in told.untold):
            untold = delivered(request.context, _untold(request, decided, messages), work)
            return say_failed(request.context, untold, found, compose)
        beside = tuple(Warn("mlflow-not-told", None, message) for message in messages)
        decided = replace(decided, warnings=(*decided.warnings, *beside))
    return _judged(
        request.context,
        decided,
        request.policy,
        found,
        compose,
        lambda: picture(request, decided, work.entries, touched=False),
        work,
    )


def _untold(request: ChangeRequest, decided: Decided, problems: list[str]) -> Planned:
    """The answer where the policy wants MLflow told and it is not. Nothing is remembered: the next run completes it."""
    error = PlatformRefused(
        f"The tags of change {request.change.number} are in the ledger and stay. {' '.join(problems)}",
        "Run the same command again when MLflow can be told; or say mlflow: best-effort in .tagline.yaml.",
        code=NOT_TOLD,
    )
    return Planned(decided, request.policy, warnings=list(decided.warnings), error=error)


def _judged(
    context: ChangeContext,
    decided: Decided,
    policy: Policy,
    found: Found,
    compose: Compose,
    lineage: Callable[[], tuple[tuple[Traced, ...], list[Warn]]] = lambda: ((), []),
    work: Work | None = None,
) -> Planned:
    """The answer for a merge that is judged: written into its comment unless it stands there, and remembered."""
    planned = Planned(decided, policy, dry_run=context.options.dry_run, warnings=list(decided.warnings))
    if context.options.dry_run:
        return planned
    # What it starts elsewhere, it starts before anything says that nothing is left to do.
    work = work or Work()
    planned = delivered(context, planned, work)
    record = Record(digest(decided), answers=late_word(decided))
    stands = found.comment is not None and found.record == record and not any(one.news for one in planned.delivery)
    traced, gaps = ((), []) if stands else lineage()
    planned = replace(planned, traced=traced, warnings=[*planned.warnings, *gaps])
    body = compose(planned, record, context.forge, int(context.clock.now()))
    if stands and found.comment is not None:
        planned = replace(planned, comment_url=found.comment.url)
    else:
        planned = post(context, planned, found, body, _LATER)
    # What this token could not read another may: that is no word on the change, and not for good.
    # Nor is a change finished whose tags did not start what they must.
    if decided.unreadable or planned.unsaid or planned.undelivered:
        return planned
    objects = {name: tag.object_id for name, tag in work.written.items()}
    return remember(context, planned, objects, stands=stands and not record.answers)


def _carry_out(request: ChangeRequest, work: Work) -> Decided:
    """Decide and write, and again when somebody else wrote meanwhile. ``work`` says how far it came.

    Raises Conflict when others kept being faster, PlatformRefused when the remote says no.
    """
    context = request.context
    attempt = blind = 0
    while attempt < ATTEMPTS:
        decided, entries = decide(request)
        work.decided, work.entries = decided, entries
        if context.options.dry_run:
            return marked(decided, ())
        before = len(work.created)
        try:
            publish(request, decided, entries, work.created, one_by_one=attempt >= _TOGETHER)
            return marked(decided, work.created)
        except Raced:
            # Who gets further has not lost: others' pushes are finished one day, and so are ours.
            attempt = attempt + 1 if len(work.created) == before else 1
        except PlatformRefused as error:
            attempt, blind = attempt + 1, blind + 1
            if error.code not in BLIND or blind >= _BLIND_PUSHES:
                raise
        context.clock.pause(backoff(attempt - 1))
    raise Conflict(
        f"Other runs kept writing the same artifacts: change {request.change.number} is not done "
        f"after {ATTEMPTS} attempts.",
        "Run the same command again: what is done already is not done twice.",
        code="raced",
    )
