"""Who started a run of CI that may have done something at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tagline.domain.changes.changes import Named, Unknown

#: One that the forge may still know of, and a way that needs none.
_FIX = "Have a person open the change, or take author and labeller (requester) out of not of the approvals."


class Attempt(NamedTuple):
    """A run, or a job, as it was started once. Unix seconds; ``ended`` is None while it goes on.

    ``by`` is None where the forge names nobody.
    """

    by: str | None
    started: float
    ended: float | None

    def covers(self, at: float) -> bool:
        """Whether it was going on then."""
        return self.started <= at and (self.ended is None or self.ended >= at)


def starters(attempts: Iterable[Attempt], at: float, *, whole: bool) -> Named:
    """Who started what went on at an instant. ``whole``: there was nothing else."""
    names = {attempt.by.casefold() if attempt.by is not None else None for attempt in attempts if attempt.covers(at)}
    unread = None if whole and None not in names else nobody_knows()
    return Named(frozenset(name for name in names if name is not None), unread)


def nobody_knows() -> Unknown:
    """Who started the run that opened a change."""
    return Unknown("who started the run that opened the change", _FIX)
