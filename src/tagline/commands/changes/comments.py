"""The one comment on a change: found by its marker and its author, made or replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from tagline.commands.changes.context import ChangeContext
from tagline.domain.changes.changes import Change, Comment
from tagline.domain.changes.pages import Pages
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.record import MARKER, Record, find
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.planned import Planned
from tagline.errors import PlatformRefused
from tagline.ports.forge import CannotComment, CannotRead, CommentGone

#: Writes a comment's text: of what was planned, with what it has to remember, where people see it, now.
Compose = Callable[[Planned, Record, Pages, int], str]


@dataclass(frozen=True)
class Found:
    """The comment that is there already, and what it remembers; both None where there is none."""

    comment: Comment | None = None
    record: Record | None = None


def find_comment(context: ChangeContext, change: Change, policy: Policy) -> Found:
    """Our comment on a change. One by somebody else is never ours, whatever it contains.

    Where this token may not read comments there is none: it may not write any either, and nothing is decided by them.
    """
    try:
        comments = [] if change.comments == 0 else context.forge.comments(change)
    except CannotRead:
        return Found()
    marked = [comment for comment in comments if MARKER in comment.body]
    ours = _identities(context, policy) if marked else set()
    comment = next((comment for comment in marked if comment.author.casefold() in ours), None)
    return Found(comment, find(comment.body)) if comment is not None else Found()


def _identities(context: ChangeContext, policy: Policy) -> set[str]:
    own = context.options.identity or context.forge.me()
    return {name.casefold() for name in (own, *policy.comment_authors) if name}


def post(context: ChangeContext, planned: Planned, found: Found, body: str, later: str) -> Planned:
    """Write the comment, or where that is refused, show its text in the job's report; the answer with either.

    ``later`` says which run will post it then.
    """
    change = planned.decided.change
    try:
        edited = _edited(context, change, found, body)
        if edited is not None:
            posted = replace(planned, comment_url=edited.url)
        else:
            posted = _only_one(context, planned, context.forge.comment(change, body), body)
    except CannotComment as error:
        place = context.job.report(body)
        where = f" Its text is in {place}." if place else ""
        message = f"The comment on change {change.number} could not be written: {error}.{where} {later}"
        warnings = [*planned.warnings, Warn("comment-not-written", None, message)]
        return replace(planned, unsaid=error.passes, warnings=warnings)
    context.job.report(body, posted=True)
    return posted


def _edited(context: ChangeContext, change: Change, found: Found, body: str) -> Comment | None:
    """The comment that was there with its new text; None where there is none, or somebody deleted it meanwhile."""
    try:
        return context.forge.edit_comment(change, found.comment, body) if found.comment is not None else None
    except CommentGone:
        return None


def _only_one(context: ChangeContext, planned: Planned, comment: Comment, body: str) -> Planned:
    """After a first comment: where we have an older one, that one stays.

    Another run may have posted at the same moment, and our name may be another than we thought.
    """
    change, warnings = planned.decided.change, list(planned.warnings)
    if comment.author.casefold() not in _identities(context, planned.policy):
        message = (
            f"Comments of this token are by {comment.author}, which Tagline did not know. "
            f"Set TAGLINE_IDENTITY={comment.author}, or list it as comment_authors in .tagline.yaml."
        )
        warnings.append(Warn("identity", None, message))
    # What fails here leaves a second comment, which is untidy and no more.
    with contextlib.suppress(CannotComment, PlatformRefused):
        ours = [c for c in context.forge.comments(change) if c.author == comment.author and MARKER in c.body]
        oldest = min(ours, key=lambda c: c.key, default=comment)
        if oldest.key != comment.key:
            context.forge.edit_comment(change, oldest, body)
            # A run that was killed here may have left more than one.
            for other in ours:
                if other.key != oldest.key:
                    with contextlib.suppress(CannotComment):  # another run may be at the same
                        context.forge.delete_comment(change, other)
            comment = oldest
    return replace(planned, comment_url=comment.url, warnings=warnings)
