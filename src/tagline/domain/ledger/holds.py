"""Who held a stage and how long: the arithmetic of holds, and what a hold's tag says about it.

A hold lasts from its ``since`` up to, and without, its ``until``: at that second somebody else holds the stage, or
nobody. So the holds of one stage never overlap. All times are unix seconds, all lengths seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.messages import APPROVED_BY, ROLLBACK_FROM, Trailers, parse_trailers
from tagline.domain.ledger.registry import ArtifactState, Hold

_APPROVAL_RE = re.compile(r"(\S+)(?: ([0-9a-f]{7,64}))?(?: ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z))?")


class Approval(NamedTuple):
    """Who approved, on which commit, when (RFC 3339); None for what the forge did not tell."""

    login: str
    commit: str | None = None
    at: str | None = None


def approvals(trailers: Trailers) -> list[Approval]:
    """The approvals that a tag carries. One that is not as we write it is given whole, as a login."""
    found = []
    for value in trailers.get(APPROVED_BY, ()):
        match = _APPROVAL_RE.fullmatch(value)
        found.append(Approval(*match.groups()) if match else Approval(value))
    return [approval for approval in found if approval.login]


@dataclass(frozen=True)
class Holding:
    """A hold as of the end of a window, and why it began.

    ``seconds`` is its whole length, of a current one up to the window's end; ``inside`` is as much of that as lies in
    the window. ``trailers`` and the actor are those of the tag that began it: ``hold.opened_by``.
    """

    hold: Hold
    seconds: int
    inside: int
    trailers: Trailers
    actor_name: str
    actor_email: str

    @property
    def current(self) -> bool:
        """Whether it has not ended by the end of the window."""
        return self.hold.until is None


@dataclass(frozen=True)
class Tally:
    """Holds, counted. ``mean``, ``median`` and ``longest`` are of the ``ended`` ones, whole seconds, None without any.

    ``held`` is how much of the ``window`` somebody held the stage; of several artifacts, both are sums.
    """

    holds: int
    ended: int
    mean: int | None
    median: int | None
    longest: int | None
    rollbacks: int
    held: int
    window: int

    @property
    def share(self) -> float | None:
        """Which part of the window (0 to 1) somebody held the stage; None of a window without length."""
        return self.held / self.window if self.window else None


@dataclass(frozen=True)
class StagePast:
    """One artifact's holds of one stage, newest first."""

    artifact: str
    deprecated: bool
    holdings: list[Holding]
    tally: Tally


def overlaps(hold: Hold, start: int | None) -> bool:
    """Whether something of a hold lies after ``start`` (None: the beginning of time), or it began right then."""
    return start is None or hold.until is None or hold.until > start or hold.since >= start


def inside(hold: Hold, start: int, end: int) -> int:
    """How many seconds of a hold lie in the window from ``start`` to ``end``."""
    until = end if hold.until is None else min(hold.until, end)
    return max(0, until - max(hold.since, start))


def stage_past(state: ArtifactState, stage: str, raw: Mapping[str, RawTag], start: int | None, end: int) -> StagePast:
    """An artifact's holds of a stage in the window from ``start`` (None: its first hold) to ``end``.

    ``state`` is folded as of ``end``, or has nothing later to tell. ``raw`` has its tags with their messages.
    """
    every = state.holds.get(stage, [])
    first = start if start is not None else every[0].since if every else end
    holdings = [_holding(hold, raw[hold.opened_by], first, end) for hold in reversed(every) if overlaps(hold, start)]
    return StagePast(state.name, state.deprecated, holdings, tally(holdings, max(0, end - first)))


def _holding(hold: Hold, tag: RawTag, start: int, end: int) -> Holding:
    # A clock that ran ahead makes a hold that has yet to begin.
    seconds = max(0, (end if hold.until is None else hold.until) - hold.since)
    trailers = parse_trailers(tag.message)
    return Holding(hold, seconds, inside(hold, start, end), trailers, tag.actor_name, tag.actor_email)


def tally(holdings: Sequence[Holding], window: int) -> Tally:
    """Count holds; ``window`` is how many seconds they could have filled."""
    lengths = sorted(one.seconds for one in holdings if not one.current)
    middle = lengths[(len(lengths) - 1) // 2 : len(lengths) // 2 + 1]
    return Tally(
        holds=len(holdings),
        ended=len(lengths),
        mean=_mean(lengths),
        median=_mean(middle),
        longest=lengths[-1] if lengths else None,
        rollbacks=sum(ROLLBACK_FROM in one.trailers for one in holdings),
        held=sum(one.inside for one in holdings),
        window=window,
    )


def overall(pasts: Sequence[StagePast]) -> Tally:
    """All artifacts' holds of a stage, counted together."""
    return tally([one for past in pasts for one in past.holdings], sum(past.tally.window for past in pasts))


def _mean(lengths: Sequence[int]) -> int | None:
    """Rounded to whole seconds, halves up."""
    return (2 * sum(lengths) + len(lengths)) // (2 * len(lengths)) if lengths else None
