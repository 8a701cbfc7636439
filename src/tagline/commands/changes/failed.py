"""A promotion that failed, said on its change: a plan's comment there promises what is not done."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.commands.changes.comments import Compose, Found, find_comment, post
from tagline.commands.changes.context import ChangeContext
from tagline.domain.changes.changes import Change
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.record import Record
from tagline.domain.lineage.planned import Planned
from tagline.errors import TaglineError

_LATER = "The next promote with a token that may comment says what came of it."
#: Where the forge itself does not answer it is not asked for the comment either.
_SILENT = ("rate-limit", "unreachable", "bad-credentials", "other-origin")
#: So many changes behind one that failed are told of it.
_MOST_WAITING = 20


def say_failed(context: ChangeContext, planned: Planned, found: Found, compose: Compose) -> Planned:
    """The answer with the comment that says why it failed. Whatever goes wrong with that changes nothing else.

    What stands there of a judged merge stays, unless there is more to tell.
    """
    judged = found.record is not None and bool(found.record.says)
    made = any(row.created for row in planned.decided.rows)
    if context.options.dry_run or (judged and not made):
        return planned
    try:
        body = compose(planned, Record(), context.forge, int(context.clock.now()))
        return post(context, planned, found, body, _LATER)
    except TaglineError:
        return planned


def say_where_promised(
    context: ChangeContext,
    changes: Sequence[Change],
    error: TaglineError,
    compose: Compose,
    first: Change | None = None,
) -> None:
    """Say on changes of which nothing was done that they failed, where a comment of ours is there.

    ``first`` is the one that comes before them and failed.
    """
    if context.options.dry_run or error.code in _SILENT:
        return
    if first is not None:
        message = f"Change {first.number}, which landed earlier, comes first and is not done yet. {error.message}"
        error = TaglineError(message, error.hint)
    try:
        policy = context.policies.now()
        for change in changes[:_MOST_WAITING]:
            found = find_comment(context, change, policy)
            if found.comment is not None and not (found.record is not None and found.record.teaches):
                say_failed(context, Planned(Decided(change), policy, error=error), found, compose)
    except TaglineError:
        return  # what failed is told anyway
