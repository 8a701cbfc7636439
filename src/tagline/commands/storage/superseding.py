"""Looking again, before anything is handed over: has another tag overtaken the answer meanwhile?"""

from __future__ import annotations

from tagline.commands.ledger.reading import Source
from tagline.domain.ledger.answers import Answer
from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.moved import refusal as moved_refusal
from tagline.domain.ledger.registry import state_of
from tagline.domain.ledger.superseded import Overtaken, overtaken
from tagline.domain.ledger.targets import Target


def overtaken_meanwhile(source: Source, target: Target | str, answer: Answer) -> Overtaken | None:
    """What overtook an answer by the ledger as it is now, by one look at the remote; None where it stands.

    Tags that only a clone has count too, as they did for the answer. Raises PlatformRefused where the remote does not
    answer, and for tags that were moved, where a CI job asks.
    """
    tags = _tags_now(source, answer.artifact)
    return overtaken(state_of(read_events(tags), answer.artifact), target, answer)


def _tags_now(source: Source, artifact: str) -> list[RawTag]:
    reopened = source.reopened()
    if reopened is not None:
        tags, moved = list(reopened.tags([artifact])), reopened.moved
    else:
        upstream = source.upstream()
        theirs = upstream.tags(artifact) if upstream is not None else []
        names = {tag.name for tag in theirs}
        tags = [*theirs, *(tag for tag in source.repository.tags([artifact]) if tag.name not in names)]
        moved = upstream.moved if upstream is not None else ()
    if moved and source.always_compare:
        raise moved_refusal(moved)
    return tags
