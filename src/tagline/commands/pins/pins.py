"""``tagline pin``, ``outdated`` and what ``fetch --locked`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tagline.commands.ledger.reading import Source
from tagline.commands.lineage.lineage import ReadPolicy
from tagline.commands.lineage.reading import LineageSource
from tagline.commands.storage.asking import inner_place, location_of
from tagline.commands.storage.locating import StorageContext
from tagline.commands.storage.resolve import Found, Wanted, look_up, place_of
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.targets import Target, parse_target
from tagline.domain.pins.lock import Pin
from tagline.domain.pins.looked import Looked
from tagline.domain.storage.objects import Location
from tagline.errors import NotFound

#: Pins that are looked at at once: each is a repository that answers over the network.
_AT_ONCE = 8


class Registry(NamedTuple):
    """A pin's repository: the ledger, what reaches its bytes, and where lineages are read from."""

    source: Source
    context: StorageContext
    lineage: Callable[[], LineageSource]
    policy: ReadPolicy


#: Opens the registry of a repository (its URL) and an artifact.
Open = Callable[[str, str], Registry]


def pin(registry: Registry, target: Target, repository: str, now: int) -> tuple[Pin, list[Warn]]:
    """What a target names now, as a pin. ``repository`` is its URL without secrets, ``now`` unix seconds.

    Raises WrongUsage for an artifact without bytes of its own, and all that ``resolve`` raises.
    """
    found = look_up(registry.source, Wanted(target), now)
    return found.pinned(_location(registry, found), str(target), repository), list(found.warnings)


def look_at_pins(pins: Mapping[str, Pin], open_registry: Open, now: int) -> list[Looked]:
    """What each pin's target names now, in the order of their names. Raises what reading a repository raises."""
    names = sorted(pins)
    with ThreadPoolExecutor(_AT_ONCE, "tagline-pins") as pool:
        return list(pool.map(lambda name: _look(name, pins[name], open_registry, now), names))


def _look(name: str, pinned: Pin, open_registry: Open, now: int) -> Looked:
    target = parse_target(pinned.target)
    try:
        found, warnings = pin(open_registry(pinned.repository, target.artifact), target, pinned.repository, now)
    except NotFound as error:
        return Looked(name, pinned, "gone", why=error.message)
    return Looked(name, pinned, "current" if pinned.is_current(found) else "moved", found, warnings=tuple(warnings))


def _location(registry: Registry, found: Found) -> Location:
    """Where the bytes are, as far as Git alone tells; of a part of a folder its list is read."""
    if found.entry is None:
        raise NotFound(
            f"No manifest describes {found.answer.artifact} at commit {found.answer.commit[:7]}.",
            "Describe it in artifacts.yaml and register the commit that does.",
            code="not-described",
        )
    place = place_of(registry.source, found, registry.context)
    return location_of(inner_place(place) if place.inner else place, look=False)
