"""What promotes remember of changes: whom a later run need not look at again. Nothing is decided by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tagline.commands.changes.context import ChangeContext
from tagline.commands.ledger.writing import backoff
from tagline.domain.changes.asks import concerns_us
from tagline.domain.changes.changes import Change
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.records import Actor, Record, RecordedTag, is_finished, judged
from tagline.domain.ledger.tags import parse_tag
from tagline.domain.lineage.planned import Planned
from tagline.errors import PlatformRefused, WrongUsage
from tagline.ports.ledger import Raced

_ATTEMPTS = 3
#: Tags that are looked up at once, and characters of each.
_MOST_TAGS, _LONGEST = 1000, 1000
#: Labels of a change that are remembered.
_MOST_LABELS = 100


def finished(context: ChangeContext, changes: Sequence[Change], prefix: str) -> set[int]:
    """Of merged changes those with which, as was written down, nothing is left to do; by their numbers.

    Only while each tag that they made is there, and no label that asks for something (with ``prefix``) was added.
    """
    keys = {change.number: change.key for change in changes if change.key is not None}
    records = context.memory.recall(list(keys)) if keys else {}
    names: set[str] = set()
    for record in records.values():
        # Anybody who may push may have written it: what names no tags of ours, or too many, spares nothing.
        more = {tag.tag for tag in record.tags if len(tag.tag) <= _LONGEST and parse_tag(tag.tag) is not None}
        names |= more if len(names) + len(more) <= _MOST_TAGS else set()
    there = context.memory.tags(names) if names else {}
    asking = {change.number: _asking(change, prefix) for change in changes}
    return {n for n, record in records.items() if is_finished(record, keys[n], there, asking[n])}


def _asking(change: Change, prefix: str) -> list[str]:
    """The requests among a change's labels as they are now."""
    return [name for name in change.labels if concerns_us(name, prefix)][:_MOST_LABELS]


def remember(context: ChangeContext, planned: Planned, objects: Mapping[str, str], *, stands: bool) -> Planned:
    """Write down that nothing is left to do with a judged change; the answer, with a warning where that fails.

    ``objects`` are the tags that there are, name to object id. ``stands``: the comment had the same to say, so that
    what is there, if anything, was written by the run that wrote it.
    """
    change = planned.decided.change
    if change.key is None or change.merge_commit is None:
        return planned
    key, like, rows = change.key, change.merge_commit, {row.tag: row for row in planned.decided.rows}
    tags = [RecordedTag(name, objects[name], row.commit) for name, row in rows.items()]
    labels = _asking(change, planned.policy.label_prefix)
    refused = [(found.artifact, found.stage, found.rule) for found in planned.decided.refused]

    def compose(actor: Actor) -> Record:
        return judged(key, tags, refused, labels, actor, int(context.clock.now()))

    for attempt in range(_ATTEMPTS):
        try:
            context.memory.remember(change.number, compose, like, unless_any=stands)
            return replace(planned, remembered=True)
        except Raced:
            context.clock.pause(backoff(attempt))
        except (PlatformRefused, WrongUsage) as error:
            return _not_remembered(planned, f"{error.message} {error.hint}")
    return _not_remembered(planned, "Other runs kept writing there.")


def _not_remembered(planned: Planned, why: str) -> Planned:
    number = planned.decided.change.number
    message = f"That change {number} is finished could not be written down: later runs look at it again. {why}"
    return replace(planned, warnings=[*planned.warnings, Warn("not-remembered", None, message.strip())])
