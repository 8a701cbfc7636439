"""What follows from the tags of a merged change: what they start, and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.landing import RECENT
from tagline.commands.changes.work import Work
from tagline.commands.delivery.starting import start_all
from tagline.commands.delivery.telling import tell
from tagline.domain.changes.changes import Change
from tagline.domain.delivery.events import ChangeLink, Event, WrittenTag, events_of, refused
from tagline.domain.delivery.receipts import Start
from tagline.domain.delivery.targets import Target, by_rules, environment_of
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.tags import EventKind, is_artifact
from tagline.domain.lineage.planned import Planned
from tagline.errors import TaglineError
from tagline.ports.ledger import Raced


def delivered(context: ChangeContext, planned: Planned, work: Work) -> Planned:
    """Start what a merged change's tags are to start, and tell receivers; the answer with what came of it.

    ``work`` is how far the run came. Of a change that failed on the way too: those tags are there.
    """
    change, written = planned.decided.change, work.written
    if change.merged_at is None or planned.dry_run:
        return planned
    # A run may have died after its push: the tags of a few days are looked at again.
    recent = change.merged_at >= context.clock.now() - RECENT
    rows = [row for row in planned.decided.rows if (row.created or recent) and row.tag in written]
    starts = list(dict.fromkeys(_starts(context, planned, rows, work)))
    receipts = start_all(context.delivering, starts, _tags_in_push(context, rows)) if starts else []
    warnings = [
        Warn("not-delivered", one.start.tag, f"{one.error.message} {one.error.hint}".strip())
        for one in receipts
        if one.error is not None and not one.fails
    ]
    untold = _told(context, _events(planned, rows, written, recent=recent))
    warnings += [Warn("event-not-sent", None, f"{error.message} {error.hint}".strip()) for error in untold]
    _save(context, change)
    return replace(
        planned,
        delivery=tuple(receipts),
        warnings=[*planned.warnings, *warnings],
        undelivered=bool(untold) or any(one.fails for one in receipts),
    )


def _starts(context: ChangeContext, planned: Planned, rows: Sequence[Row], work: Work) -> Iterator[Start]:
    written = work.written
    for row in rows:
        rules = planned.policy.rules(row.artifact, row.stage) if row.stage is not None else None
        targets: dict[str, Target] = {target.key: target for target in by_rules(context.options.deliver, row)}
        if rules is not None and rules.deliver is not None and row.event is EventKind.ASSIGNMENT:
            targets[rules.deliver.key] = rules.deliver
        environment = None
        if row.stage is not None:
            environment = environment_of(rules.environment if rules else None, row.artifact, row.stage)
        tag_object = written[row.tag].object_id
        for target in targets.values():
            yield Start(
                row.artifact,
                row.stage,
                row.version,
                row.tag,
                tag_object,
                row.commit,
                target,
                environment,
                superseded=not work.decides(row),
                made=row.created,
            )


def _tags_in_push(context: ChangeContext, rows: Sequence[Row]) -> int:
    """How many tags a push of this run had, at most; 0 where it made none."""
    made = [row.artifact for row in rows if row.created]
    most = context.options.tags_a_push
    if most is None or len(made) <= most:
        return len(made)
    # An artifact's tags are never split.
    return max(most, *(made.count(artifact) for artifact in set(made)))


def _events(
    planned: Planned, rows: Sequence[Row], written: Mapping[str, WrittenTag], *, recent: bool
) -> Iterator[Event]:
    """What the tags mean, and what was refused for good: once for each artifact, whatever its stages."""
    change = planned.decided.change
    link = ChangeLink(change.number, change.url)
    for row in rows:
        yield from events_of(row, written[row.tag], link)
    if not recent or change.merge_commit is None or planned.decided.unreadable or planned.error is not None:
        return
    reasons: dict[str, list[str]] = {}
    for found in planned.decided.refused:
        if found.artifact is not None and is_artifact(found.artifact):
            reasons.setdefault(found.artifact, []).append(
                f"{found.stage}: {found.message}" if found.stage else found.message
            )
    for artifact, words in reasons.items():
        yield refused(artifact, change.merge_commit, int(change.merged_at or 0), link, " ".join(words))


def _told(context: ChangeContext, events: Iterator[Event]) -> list[TaglineError]:
    """What went wrong in telling receivers, where there are any."""
    delivering = context.delivering
    if not delivering.receivers:
        return []
    try:
        return tell(delivering.notebook, delivering.receivers, events)
    except TaglineError as error:
        return [error]


def _save(context: ChangeContext, change: Change) -> None:
    """Write down what came of it all. What is not written is looked up, or sent, once more by a later run."""
    try:
        context.delivering.notebook.save(change.merge_commit or change.head)
    except (TaglineError, Raced):
        return
