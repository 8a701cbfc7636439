"""What an approval covers: the version and the bytes that the request meant when it was given.

Nothing is remembered: the ledger is taken back to the instant of the approval, and the bytes are those of the commit
that was approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tagline.domain.changes.asks import LATEST, THIS, Action
from tagline.domain.changes.changes import Review, Unknown
from tagline.domain.changes.intents import Intent, is_bump
from tagline.domain.changes.steps import Facts
from tagline.domain.changes.written import is_written_by
from tagline.domain.ledger.events import Event, RawTag
from tagline.domain.ledger.registry import ArtifactState, VersionState, fold
from tagline.domain.ledger.rollback import rollback_target, rollbacks_among
from tagline.domain.ledger.versions import precedence

#: Seconds by which the clock of a tagger and the forge's may differ: what lies so near nobody can put in order.
CLOCKS = 120
#: So many events near an approval are not tried one by one.
_MOST_UNCLEAR = 8


class Meant(NamedTuple):
    """The version that a request means, and the tag of the stop that it lifts; without a version its own, or none."""

    version: str | None
    commit: str | None
    words: str
    stop: str | None = None


_OWN = Meant(None, None, "this change's version")
_NONE = Meant(None, None, "no version")


def _meant(row: VersionState | None) -> Meant:
    return Meant(row.version, row.commit, row.version) if row is not None else _NONE


class Approved:
    """One request of a change: what it means now, and whether that is what an approval was given for."""

    def __init__(
        self,
        intent: Intent,
        siblings: Sequence[Intent],
        state: ArtifactState,
        raw: Mapping[str, RawTag],
        facts: Facts,
    ) -> None:
        self._intent = intent
        self._registers = [i.which for i in siblings if i.action is Action.REGISTER]
        self._state = state
        self._raw = raw
        self._facts = facts

    def why_not(self, review: Review, version: VersionState | None) -> str | Unknown | None:
        """Why an approval does not cover what lands now; None where it does. ``version`` is the one that lands."""
        lands = self._lands(version)
        if self._intent.which != THIS or self._intent.lifts:
            if review.at is None:
                return Unknown(f"when {review.by} approved", "GitLab 18 and newer tell it.")
            then = self._then(review.at)
            if then is None:
                return "approved within two minutes of other tags: nobody can tell what was the version then"
            stop = self._lifted(self._state)
            if then.stop != stop:
                return f"approved before {stop} held the stage" if stop else f"approved to lift what {then.stop} holds"
            if self._intent.which != THIS and then._replace(stop=None) != lands:
                return f"approved {then.words}, and it is {lands.words} now"
        return self._other_bytes(review) if lands == _OWN else None

    def behind(self, version: VersionState | None) -> str | None:
        """Why the merge of an open change would bring what nobody can approve as it stands; None where it would not."""
        if self._intent.artifact not in self._facts.behind or self._lands(version) != _OWN:
            return None
        base = self._facts.change.base
        return (
            f"{base} has other bytes of {self._intent.artifact} since this branch left it: the merge would bring them"
        )

    def _other_bytes(self, review: Review) -> str | Unknown | None:
        seen, name = review.commit or review.head, self._intent.artifact
        if seen is None:
            return Unknown(f"which commit {review.by} approved", "Approve the last commit.")
        missing = Unknown(f"the bytes of {name} at {seen[:7]}", "Restore the change's branch.")
        then = self._facts.bytes_at.get((name, seen), missing)
        now = self._facts.bytes_at.get((name, self._facts.commit), missing)
        unread = next((found for found in (then, now) if isinstance(found, Unknown)), None)
        if unread is not None or then == now:
            return unread
        return f"approved other bytes: {then or 'none'} at {seen[:7]}, and {now or 'none'} now"

    def _lands(self, version: VersionState | None) -> Meant:
        if self._intent.action is Action.ASSIGN and (self._intent.which == THIS or self._is_own(version)):
            return _OWN
        if self._intent.action in (Action.ASSIGN, Action.ROLLBACK):
            return _meant(version)
        return self._means(self._state, self._raw)

    def _is_own(self, version: VersionState | None) -> bool:
        return bool(self._registers) and version is not None and version.commit == self._facts.commit

    def _means(self, state: ArtifactState, raw: Mapping[str, RawTag]) -> Meant:
        """What the request means on a ledger that has nothing of the change's own."""
        intent, stage = self._intent, self._intent.stage or ""
        match intent.action:
            case Action.ASSIGN:
                named = state.latest if intent.which in (LATEST, None) else state.version(intent.which)
                return _OWN if self._makes(named) else _meant(named)
            case Action.ROLLBACK:
                target = rollback_target(state, stage, rollbacks_among(raw))
                return _meant(state.version(target) if target else None)
            case Action.UNASSIGN:
                hold = state.stages.get(stage)
                return Meant(hold.version, hold.commit, hold.version or hold.commit[:7]) if hold is not None else _NONE
            case Action.LIFT:
                return _NONE
            case Action.REGISTER | Action.DEPRECATE:
                return _NONE

    def _makes(self, named: VersionState | None) -> bool:
        """Whether the version that is asked for is the one that the change registers; ``named``: without the change."""
        if self._intent.which not in (LATEST, None):
            return self._intent.which in self._registers
        above = (
            named is None or is_bump(r) or precedence(r or "") > precedence(named.version) for r in self._registers
        )
        return any(above)

    def _then(self, at: float) -> Meant | None:
        """What the request meant at an instant; None where the clocks cannot tell."""
        before: list[Event] = []
        unclear: list[Event] = []
        written = self._facts.written_at.get(self._state.name, {})
        for event in self._state.events:
            tag = self._raw.get(event.tag)
            # What the change itself wrote came after its approvals.
            if tag is None or is_written_by(tag.message, self._facts.change):
                continue
            # A tagger's time can be typed; that the tag was not there yet the chain may show.
            if max(event.time, written.get(tag.object_id, 0)) < at - CLOCKS:
                before.append(event)
            elif event.time <= at + CLOCKS:
                unclear.append(event)
        if len(unclear) > _MOST_UNCLEAR:
            return None
        ways = [unclear[:place] for place in range(len(unclear) + 1)] + [[event] for event in unclear]
        found = {self._on(before + way) for way in ways}
        return found.pop() if len(found) == 1 else None

    def _on(self, events: Sequence[Event]) -> Meant:
        raw = {event.tag: self._raw[event.tag] for event in events}
        state = fold(self._state.name, events, ignored=self._state.ignored)
        return self._means(state, raw)._replace(stop=self._lifted(state))

    def _lifted(self, state: ArtifactState) -> str | None:
        """The tag of the stop that the request lifts; None where it lifts none."""
        stop = state.stops.get(self._intent.stage or "")
        return stop.tag if stop is not None and self._intent.lifts else None
