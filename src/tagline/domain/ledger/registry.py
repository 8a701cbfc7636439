"""The fold: from the events of one artifact to what it is now, or was at an instant.

Semantics are GTO's wherever GTO's answer is well defined; docs/gto.md lists the differences.
One pass in order of time, in which the holder of each stage is kept up to date, so that the
history of holders (who held ``prod``, since when, until when) falls out of the same pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from tagline.domain.ledger.events import Event, Reading, Warn
from tagline.domain.ledger.oddities import (
    deregister_elsewhere,
    deregister_unknown,
    passed,
    registered_twice,
    tie,
    ties,
    two_versions,
    unassign_elsewhere,
    unregistered,
)
from tagline.domain.ledger.tags import EventKind
from tagline.domain.ledger.versions import precedence


@dataclass(slots=True)
class VersionState:
    """A version that was registered. ``tag``, ``commit``, ``registered_at``: its newest registration."""

    version: str
    commit: str
    tag: str
    registered_at: int
    active: bool
    stages: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Hold:
    """One unbroken time in which a stage answered one version.

    ``tag`` is the newest assignment that decides it; ``since`` is when the hold began, which is
    later than the tag when another holder was taken away, and earlier when the same version
    was assigned again. ``until`` is None while it lasts. ``version`` is None on a commit where
    nothing is registered. ``opened_by`` is the tag of the event that began it: an assignment,
    or what took the holder before it away. ``ended_by`` is that of the event that ended it.
    """

    stage: str
    version: str | None
    commit: str
    tag: str
    since: int
    opened_by: str
    until: int | None = None
    ended_by: str | None = None


class Stop(NamedTuple):
    """A stage is held: nothing goes past ``version`` (of ``commit``) until that is lifted.

    ``since`` is the tag's time, in unix seconds; ``by`` who asked for it, else who made the tag, None for nobody known.
    """

    stage: str
    version: str | None
    commit: str
    tag: str
    since: int
    reason: str
    by: str | None


@dataclass(slots=True)
class ArtifactState:
    """What an artifact is at an instant."""

    name: str
    #: Registered versions, highest first, deregistered ones included.
    versions: list[VersionState]
    #: The current holder of each stage that somebody holds.
    stages: dict[str, Hold]
    #: Every hold of each stage, oldest first, the current one last.
    holds: dict[str, list[Hold]]
    deprecated: bool
    warnings: list[Warn]
    #: Time of the newest event, in unix seconds, and the largest counter of any event.
    newest: int
    counter: int
    #: Every tag of the artifact that is an event, oldest first.
    events: list[Event]
    #: Tags with names of this artifact that are no events.
    ignored: frozenset[str] = frozenset()
    #: The stages that are held, whoever holds them.
    stops: dict[str, Stop] = field(default_factory=dict)

    @property
    def latest(self) -> VersionState | None:
        """The highest active version by SemVer precedence, prereleases included."""
        return next((v for v in self.versions if v.active), None)

    def version(self, name: str) -> VersionState | None:
        """The version ``name``, active or not."""
        return next((v for v in self.versions if v.version == name), None)

    def at(self, commit: str) -> ArtifactAt:
        """What of it is at one commit: versions, and stages that it holds."""
        stages = {stage: hold for stage, hold in self.stages.items() if hold.commit == commit}
        ours = {field.name: getattr(self, field.name) for field in fields(ArtifactState)}
        ours |= {"versions": [row for row in self.versions if row.commit == commit], "stages": stages}
        return ArtifactAt(**ours, whole=self)


@dataclass(slots=True)
class ArtifactAt(ArtifactState):
    """The part of an artifact that is at one commit; ``latest`` is still the artifact's own."""

    whole: ArtifactState = field(kw_only=True)

    @property
    def latest(self) -> VersionState | None:
        """The highest active version of the artifact, wherever it is."""
        return self.whole.latest


def state_of(reading: Reading, name: str, as_of: int | None = None) -> ArtifactState:
    """One artifact of a reading, folded; without events it is empty."""
    return fold(name, reading.events.get(name, ()), as_of=as_of, ignored=reading.ignored.get(name, ()))


def fold(
    name: str, events: Iterable[Event], *, as_of: int | None = None, ignored: Collection[str] = ()
) -> ArtifactState:
    """Fold one artifact's events, in any order, into its state.

    ``as_of`` leaves out events after that instant (unix seconds). ``ignored`` are
    the artifact's tags that are no events.
    """
    ordered = sorted(events if as_of is None else (e for e in events if e.time <= as_of))
    ledger = _Ledger()
    apply = ledger.by_kind()
    for event in ordered:
        apply[event.kind](event)
    return ledger.close(name, ordered, ignored)


class _Ledger:
    """The running state of one artifact while its events are applied in order."""

    def __init__(self) -> None:
        self.registered: dict[str, Event] = {}
        self.active: set[str] = set()
        self.versions_at: dict[str, list[str]] = {}
        # A stage's commits whose newest event is an assignment, in the order of that assignment.
        self.live: dict[str, dict[str, Event]] = {}
        # Those of them whose version is deregistered, moved aside once found, so that no search
        # passes them twice; they come back when their version does.
        self.parked: dict[str, dict[str, Event]] = {}
        self.holds: dict[str, list[Hold]] = {}
        # The newest word that holds a stage, and the commit that an override let past it.
        self.stops: dict[str, Event] = {}
        self.let_past: dict[str, str] = {}
        self.warnings: list[Warn] = []

    def by_kind(self) -> dict[EventKind, Callable[[Event], None]]:
        """What applies an event of each kind."""
        return {
            EventKind.REGISTRATION: self._register,
            EventKind.ASSIGNMENT: self._assign,
            EventKind.UNASSIGNMENT: self._unassign,
            EventKind.DEREGISTRATION: self._deregister,
            EventKind.DEPRECATION: lambda _: None,  # only the newest event decides, see close()
        }

    def _register(self, event: Event) -> None:
        version, commit = event.version or "", event.commit
        earlier = self.registered.get(version)
        if earlier is not None and earlier.commit != commit:
            self.warnings.append(registered_twice(earlier, event))
        self.registered[version] = event
        self.active.add(version)
        there = self.versions_at.get(commit)
        if there is None:
            self.versions_at[commit] = [version]
        elif version not in there:
            there.append(version)
        for stage, live in self.live.items():
            # A stage tag can be older than the registration on its commit, or wait for a
            # deregistered version to come back.
            parked = self.parked.get(stage)
            if parked and (earlier is not None or commit in parked):
                back = sorted([*live.values(), *parked.values()])
                live.clear()
                live.update((assignment.commit, assignment) for assignment in back)
                parked.clear()
            if earlier is not None or commit in live:
                self._refresh(stage, event)

    def _deregister(self, event: Event) -> None:
        version = event.version or ""
        registration = self.registered.get(version)
        if registration is None:
            self.warnings.append(deregister_unknown(event))
        elif registration.commit != event.commit:
            self.warnings.append(deregister_elsewhere(event, registration))
        self.active.discard(version)
        for stage in self.live:
            self._refresh(stage, event)

    def _assign(self, event: Event) -> None:
        stage, commit = event.stage or "", event.commit
        live = self.live.get(stage)
        if live is None:
            live = self.live[stage] = {}
        live.pop(commit, None)  # assigned again: it moves to the end
        if parked := self.parked.get(stage):
            parked.pop(commit, None)
        live[commit] = event
        if event.stop is not None:
            self._stop(stage, event)
        self._refresh(stage, event)

    def _stop(self, stage: str, event: Event) -> None:
        match event.stop.kind if event.stop is not None else None:
            case "hold":
                self.stops[stage] = event
                self.let_past.pop(stage, None)
            case "lift":
                self.stops.pop(stage, None)
            case "pass":
                self.let_past[stage] = event.commit

    def _unassign(self, event: Event) -> None:
        assigned = self.live.get(event.stage or "", {}).pop(event.commit, None)
        if (assigned or self.parked.get(event.stage or "", {}).pop(event.commit, None)) is None:
            self.warnings.append(unassign_elsewhere(event))
            return
        self._refresh(event.stage or "", event)

    def _refresh(self, stage: str, cause: Event) -> None:
        """Recompute who holds ``stage`` and note a change in the history of holds."""
        holder, version = self._holder(stage)
        holds = self.holds.get(stage)
        if holds is None:
            holds = self.holds[stage] = []
        current = holds[-1] if holds and holds[-1].until is None else None
        if holder is None:
            if current is not None:
                current.until, current.ended_by = cause.time, cause.tag
            return
        if current is not None:
            if current.commit == holder.commit and current.version == version:
                current.tag = holder.tag
                return
            current.until, current.ended_by = cause.time, cause.tag
        holds.append(Hold(stage, version, holder.commit, holder.tag, cause.time, cause.tag))

    def _holder(self, stage: str) -> tuple[Event | None, str | None]:
        """The newest live assignment of an active version (or of an unregistered commit), and that version."""
        live = self.live[stage]
        while live:
            commit, event = next(reversed(live.items()))
            version = self.version_at(commit)
            if version is None or version in self.active:
                return event, version
            self.parked.setdefault(stage, {})[commit] = live.pop(commit)
        return None, None

    def version_at(self, commit: str) -> str | None:
        """The artifact's version at a commit: the highest active one, else the highest, else None."""
        there = self.versions_at.get(commit)
        if there is None:
            return None
        if len(there) == 1:
            return there[0]
        return max(there, key=lambda version: (version in self.active, precedence(version), self.registered[version]))

    def close(self, name: str, ordered: list[Event], ignored: Collection[str]) -> ArtifactState:
        """The finished state."""
        stages = {stage: holds[-1] for stage, holds in self.holds.items() if holds and holds[-1].until is None}
        stops = {stage: self._stopped(stage, event) for stage, event in sorted(self.stops.items())}
        self._warn_about_stages(stages)
        self._warn_about_stops(stages, stops)
        self._warn_about_ties(ordered, stages)
        return ArtifactState(
            name=name,
            versions=self._versions(stages),
            stages=dict(sorted(stages.items())),
            holds=self.holds,
            deprecated=bool(ordered) and ordered[-1].kind is EventKind.DEPRECATION,
            warnings=self.warnings,
            newest=ordered[-1].time if ordered else 0,
            counter=max((event.counter for event in ordered), default=0),
            events=ordered,
            ignored=frozenset(ignored),
            stops=stops,
        )

    def _stopped(self, stage: str, event: Event) -> Stop:
        reason, by = (event.stop.reason, event.stop.by) if event.stop is not None else ("", None)
        return Stop(stage, self.version_at(event.commit), event.commit, event.tag, event.time, reason, by)

    def _warn_about_stops(self, stages: dict[str, Hold], stops: dict[str, Stop]) -> None:
        for stage, stop in stops.items():
            hold = stages.get(stage)
            if hold is not None and hold.commit not in (stop.commit, self.let_past.get(stage)):
                self.warnings.append(passed(hold, stop))

    def _versions(self, stages: dict[str, Hold]) -> list[VersionState]:
        """Highest first; of versions that differ only in build metadata, the newest registration."""
        rows = {
            version: VersionState(version, event.commit, event.tag, event.time, version in self.active)
            for version, event in self.registered.items()
        }
        for stage in sorted(stages):
            version = stages[stage].version
            if version is not None:
                rows[version].stages.append(stage)
        return sorted(
            rows.values(), key=lambda row: (precedence(row.version), row.registered_at, row.tag), reverse=True
        )

    def _warn_about_stages(self, stages: dict[str, Hold]) -> None:
        for hold in stages.values():
            if hold.version is None:
                self.warnings.append(unregistered(hold))
        for live in self.live.values():
            for commit, event in live.items():
                versions = self.versions_at.get(commit, ())
                if len(versions) > 1:
                    self.warnings.append(two_versions(event, versions, self.version_at(commit)))

    def _warn_about_ties(self, ordered: list[Event], stages: dict[str, Hold]) -> None:
        """Same-second events on one subject, where the tie can still touch today's answer."""
        times = [event.time for event in ordered]
        if len(set(times)) == len(times):
            return
        # An old tie is settled for good by a later event on the same stage.
        settled: dict[str | None, int] = {event.stage: event.time for event in ordered}
        settled |= {hold.stage: time for hold in stages.values() for time in (self.live[hold.stage][hold.commit].time,)}
        for first, second in ties(ordered):
            if second.stage is None or second.time >= settled[second.stage]:
                self.warnings.append(tie(first, second))
