"""What the registry tags that a repository has already will mean."""

from __future__ import annotations

from collections.abc import Callable

from tagline.commands.ledger.reading import Source
from tagline.commands.ledger.show import show_registry
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.tags import parse_tag
from tagline.domain.setup.results import HeldStage, OldTags
from tagline.errors import PlatformRefused


def read_old_tags(source: Callable[[bool], Source], now: int) -> tuple[OldTags, list[Warn]]:
    """By the tags as compared with the remote where it answers, else by those that are here.

    ``source`` gives the registry to read: compared with its remote (True), or not.
    """
    try:
        return _read(source(True), now)
    except PlatformRefused as error:
        old, warnings = _read(source(False), now)
        words = f"These tags are not compared with the remote: {error.message} {error.hint}".replace("\n", " ")
        return old, [Warn("not-compared", None, words), *warnings]


def _read(source: Source, now: int) -> tuple[OldTags, list[Warn]]:
    registry = show_registry(source, now, as_of=None, deprecated=True)
    states = list(registry)
    names = [(name, parsed) for name in source.repository.tag_names() if (parsed := parse_tag(name)) is not None]
    used = dict.fromkeys(event.stage for state in states for event in state.events if event.stage is not None)
    holders = (HeldStage(state.name, stage, hold.version) for state in states for stage, hold in state.stages.items())
    old = OldTags(
        len(names),
        tuple(state.name for state in states if not state.deprecated),
        sum(row.active for state in states for row in state.versions),
        tuple(holders),
        tuple(used),
    )
    return old, registry.warnings
