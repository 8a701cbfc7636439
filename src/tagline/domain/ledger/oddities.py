"""What the fold finds odd in one artifact's events, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tagline.domain.ledger.events import Event, Warn
from tagline.domain.ledger.tags import EventKind
from tagline.domain.ledger.versions import precedence

if TYPE_CHECKING:  # the fold imports this
    from tagline.domain.ledger.registry import Hold, Stop


def ties(ordered: list[Event]) -> list[tuple[Event, Event]]:
    """Pairs of events of the same second whose order matters: same stage, same version, or a deprecation."""
    pairs = []
    last: dict[tuple[str | None, str | None], Event] = {}
    for event in ordered:
        subject = (event.stage, event.version)
        earlier = last.get(subject)
        if earlier is not None and earlier.time == event.time:
            pairs.append((earlier, event))
        last[subject] = event
    # Whether the artifact is deprecated hangs on the very last event.
    for event in reversed(ordered[:-1]):
        if event.time != ordered[-1].time:
            break
        if EventKind.DEPRECATION in (event.kind, ordered[-1].kind) and event.kind is not ordered[-1].kind:
            pairs.append((event, ordered[-1]))
            break
    return pairs


def tie(first: Event, second: Event) -> Warn:
    """Two events of one second."""
    return Warn(
        "same-second",
        second.tag,
        f"{first.tag} and {second.tag} carry the same second; {second.tag} counts as the later one "
        "(by counter, then by name). Other readers may decide otherwise.",
    )


def unregistered(hold: Hold) -> Warn:
    """A stage on a commit without a version."""
    return Warn(
        "unregistered-commit",
        hold.tag,
        f"{hold.tag} assigns {hold.stage} to commit {hold.commit[:7]}, where no version is registered.",
    )


def passed(hold: Hold, stop: Stop) -> Warn:
    """A stage that is held went to another version, and no override says why."""
    return Warn(
        "held-passed",
        hold.opened_by,
        f"{hold.stage} is held at {stop.version or stop.commit[:7]} since {stop.tag}, and {hold.opened_by} gave it to "
        f"{hold.version or hold.commit[:7]} all the same.",
    )


def two_versions(event: Event, versions: Iterable[str], chosen: str | None) -> Warn:
    """A stage tag on a commit of several versions."""
    names = ", ".join(sorted(versions, key=precedence))
    return Warn(
        "two-versions",
        event.tag,
        f"{event.tag} is on commit {event.commit[:7]}, where {names} are registered; it is read as {chosen}.",
    )


def registered_twice(earlier: Event, event: Event) -> Warn:
    """A version on two commits."""
    return Warn(
        "registered-twice",
        event.tag,
        f"{event.version} was registered at {earlier.commit[:7]} by {earlier.tag} and again at "
        f"{event.commit[:7]} by {event.tag}; the newer registration counts.",
    )


def deregister_unknown(event: Event) -> Warn:
    """A version is taken back that was never there."""
    return Warn("deregister-unknown", event.tag, f"{event.tag} deregisters a version that was not registered before.")


def deregister_elsewhere(event: Event, registration: Event) -> Warn:
    """A version is taken back on another commit than its own."""
    return Warn(
        "deregister-elsewhere",
        event.tag,
        f"{event.tag} is on {event.commit[:7]}, {registration.tag} on {registration.commit[:7]}; "
        f"it deregisters {event.version} all the same.",
    )


def unassign_elsewhere(event: Event) -> Warn:
    """A stage is taken from a commit that it was not on."""
    return Warn(
        "unassign-without-effect",
        event.tag,
        f"{event.tag} has no effect: {event.stage} is not assigned on commit {event.commit[:7]} then.",
    )
