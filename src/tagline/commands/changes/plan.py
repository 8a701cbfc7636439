"""``tagline plan``: what the merge of an open change will do, said on the change before it is merged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from tagline.commands.changes.comments import Compose, Found, find_comment, post
from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.deciding import asked_names, decide
from tagline.commands.changes.request import ChangeRequest, open_request
from tagline.commands.changes.silence import Silence, answer_late, late_labels, look, teach
from tagline.commands.changes.traced import picture
from tagline.domain.changes import unheard
from tagline.domain.changes.changes import Change, Status
from tagline.domain.changes.policy import NO_POLICY
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.record import Record
from tagline.domain.changes.triggers import Event, Task, plan_task
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.messages import one_line
from tagline.domain.lineage.planned import Planned
from tagline.domain.manifest.findings import Finding
from tagline.errors import Exit, TaglineError, WrongUsage
from tagline.ports.forge import CannotComment, Changes, Comments

#: So many open changes that ask for something a promote looks at, and so many it plans anew.
_MOST_LOOKED_AT, _MOST_REFRESHED = 60, 20
#: Warnings of a plan that was made anew which say that people still see the old one.
_UNSAID = ("status-not-set", "comment-not-written")

_LATER = "The next run with a token that may comment will post it."
_NOT_OPEN = {
    "merging": "It is being merged: tagline promote does what it asks for.",
    "merged": "It is merged: tagline promote does what it asked for.",
    "closed": "It is closed.",
}
_STATES = {"ok": "success", "nothing": "success", "waiting": "pending", "refused": "failure"}


def task_of(event: Event, number: int | None, *, every: bool) -> Task:
    """What to plan: what was asked for, else what the job's event says. Raises WrongUsage where neither does."""
    if number is not None:
        return Task("change", number=number)
    if every:
        return Task("open")
    if event.platform is None:
        raise WrongUsage("No change was named.", "Name one: --change N, or all open ones: --open.", code="no-change")
    return plan_task(event)


def plan(context: ChangeContext, task: Task, compose: Compose) -> list[Planned]:
    """Plan what a task names; nothing for a task that names nothing."""
    match task.kind:
        case "change":
            return [plan_change(context, change, compose, task.status_on) for change in named(context.forge, task)]
        case "open":
            # A list tells less of each change; what is missing costs a request where it is needed.
            changes = list(context.forge.open_changes())
            context.history.prepare([context.history.tip(), *(change.head for change in changes)])
            return [_one_of_many(context, change, compose) for change in changes]
    return []


def _one_of_many(context: ChangeContext, change: Change, compose: Compose) -> Planned:
    """One open change of all; what is wrong with it stops no other."""
    try:
        return plan_change(context, change, compose, None, listed=True)
    except TaglineError as error:
        return Planned(Decided(change), NO_POLICY, dry_run=context.options.dry_run, error=error)


def refresh(context: ChangeContext, promoted: Iterable[Planned], compose: Compose) -> None:
    """Plan the open changes anew that ask about artifacts which were just promoted, so that none keeps an old yes.

    What stands against it becomes a warning of the last one that was promoted. One that cannot be read stops no other.
    """
    done = [one for planned in promoted for one in (*planned.earlier, planned)]
    moved = {row.artifact for one in done for row in one.decided.rows if row.created}
    if context.options.dry_run or not moved:
        return
    warnings, looked_at, refreshed = done[-1].warnings, 0, 0
    try:
        changes = list(context.forge.open_changes())
        context.history.prepare([change.head for change in changes[:_MOST_LOOKED_AT]])
        for change in changes:
            if looked_at == _MOST_LOOKED_AT or refreshed == _MOST_REFRESHED:
                message = "More open changes may ask about what was promoted; tagline plan --open plans all of them."
                warnings.append(Warn("not-refreshed", None, message))
                break
            try:
                request = open_request(context, change)
                if request is None:
                    continue
                if not moved.isdisjoint(asked_names(request, request.asks[0])):
                    refreshed += 1
                    planned = plan_change(context, change, compose, None, listed=True, request=request)
                    warnings += [warning for warning in planned.warnings if warning.code in _UNSAID]
            except TaglineError as error:
                if error.exit_code is Exit.PLATFORM:  # the others would meet it too
                    raise
                message = f"Change {change.number} may show an old plan: {error.message}"
                warnings.append(Warn("not-refreshed", None, message))
            looked_at += 1
    except TaglineError as error:
        message = f"Open changes about what was promoted may show an old plan: {error.message}"
        warnings.append(Warn("not-refreshed", None, message))


def named(changes: Changes, task: Task) -> list[Change]:
    """The change that a task names by its number, or by the commit that it landed as."""
    if task.number is not None:
        return [changes.change(task.number)]
    return [found for found in changes.changes_with(task.commit or "") if found.state in ("merging", "merged")]


def plan_change(
    context: ChangeContext,
    change: Change,
    compose: Compose,
    status_on: str | None,
    *,
    listed: bool = False,
    request: ChangeRequest | None = None,
) -> Planned:
    """Plan one open change, comment on it and set its status.

    ``status_on`` is another commit than the head that wants the status: a merge queue's. ``listed``:
    one of many. ``request`` is it where it was opened already.
    """
    if not change.open:
        return _not_open(context, change, compose)
    try:
        request = request or open_request(context, change)
        planned = _planned(context, change, request, compose, listed=listed)
    except Exception as error:
        # A required status that nobody sets locks the change. Whether a listed one asks is not known here.
        if not context.options.dry_run and not (listed and request is None):
            with contextlib.suppress(TaglineError, CannotComment):
                context.forge.set_status(change, status_on or change.head, Status("error", _failure_text(error)))
        raise
    if not context.options.dry_run:
        # A rule may require the status of every change, also of one whose own job never came.
        asked = not (listed and planned.decided.verdict == "nothing")
        _set_status(context.forge, planned, status_on or change.head, asked=asked)
    return planned


def _not_open(context: ChangeContext, change: Change, compose: Compose) -> Planned:
    """The answer for a change that nothing is planned of; what was asked too late of a merged one is answered."""
    policy = context.policies.now()
    late = late_labels(context, change, policy)
    said = tuple(unheard.warnings(late, change))
    decided = Decided(change, warnings=said, unheard=late)
    note, dry_run = _NOT_OPEN[change.state], context.options.dry_run
    planned = Planned(decided, policy, dry_run=dry_run, warnings=list(said), note=note)
    return answer_late(context, planned, compose, promoting=False) if late else planned


def _planned(
    context: ChangeContext, change: Change, request: ChangeRequest | None, compose: Compose, *, listed: bool
) -> Planned:
    """Decide on an open change and say so in its comment."""
    if request is not None:
        policy, (decided, entries) = request.policy, decide(request)
    else:
        policy, entries = context.policies.now(), {}
        breaks = context.policies.broken_by(change, lambda: context.forge.merge_base(change), change.head)
        decided = Decided(change, final=breaks, rules_at=context.history.tip())
    quiet, silence = decided.verdict == "nothing", Silence("")
    if quiet:
        silence = look(context, change, policy, request)
        more = tuple(unheard.warnings(silence.similar, change)) if request is None else ()
        decided = replace(
            decided, touches=silence.touches, warnings=(*decided.warnings, *more), unheard=silence.similar
        )
    dry_run, due = context.options.dry_run, bool(silence.lesson)
    planned = Planned(decided, policy, dry_run=dry_run, warnings=list(decided.warnings), note=silence.why)
    if quiet and policy.findings:
        planned.warnings.append(Warn("policy-unreadable", None, _locked(policy.findings[0])))
    if dry_run:
        return planned
    unread = quiet and listed and not change.comments and not due
    found = Found() if unread else find_comment(context, change, policy)
    if found.record is not None and found.record.says and context.forge.change(change.number).merged:
        # It was merged while we looked: what the comment says of that stands.
        return replace(planned, comment_url=found.comment.url if found.comment else None)
    if quiet and found.record is not None and found.record.teaches and not due:
        return replace(planned, comment_url=found.comment.url if found.comment else None)
    if due and (found.record is None or found.record.teaches):
        return teach(context, planned, silence, found, compose)
    if request is not None and not quiet:
        traced, gaps = picture(request, decided, entries, touched=True)
        planned = replace(planned, traced=traced, warnings=[*planned.warnings, *gaps])
    if not quiet or found.comment is not None:
        body = compose(planned, Record(), context.forge, int(context.clock.now()))
        planned = post(context, planned, found, body, _LATER)
    return planned


def _locked(finding: Finding) -> str:
    return f"Until {finding.file} of the default branch is mended (line {finding.line}), whatever asks is refused."


def _set_status(comments: Comments, planned: Planned, commit: str, *, asked: bool) -> None:
    decided = planned.decided
    state = Status(_STATES[decided.verdict], status_text(planned), planned.comment_url)  # type: ignore[arg-type]
    try:
        comments.set_status(decided.change, commit, state, asked=asked)
    except CannotComment as error:
        message = f"The status of {commit[:7]} could not be set: {error}."
        planned.warnings.append(Warn("status-not-set", None, message))


def status_text(planned: Planned) -> str:
    """A line beside the status: what the merge does, or the first thing that stands against it."""
    return one_line(_status_text(planned))


def _failure_text(error: Exception) -> str:
    """The same where there is no plan."""
    why = error.message if isinstance(error, TaglineError) else "a bug in Tagline, the job's log tells it."
    return one_line(f"The plan could not be made: {why}")


def _status_text(planned: Planned) -> str:
    decided = planned.decided
    against = [*decided.refused, *decided.waiting]
    if against:
        first = against[0]
        what = "#".join(part for part in (first.artifact, first.stage) if part)
        more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
        return f"{what}{': ' if what else ''}{first.message}{more}"
    tags = [row.tag for row in decided.rows if row.created]
    if not tags:
        locked = [_locked(planned.policy.findings[0])] if planned.policy.findings else []
        return " ".join(["The merge makes no tags.", *locked])
    return f"The merge makes {', '.join(tags)}"
