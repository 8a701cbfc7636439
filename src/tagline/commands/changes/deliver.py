"""What the tags of merged changes start: by the policy of the change, and by the rules of ``--deliver``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.landing import RECENT
from tagline.commands.delivery.starting import start_all
from tagline.domain.delivery.receipts import Start
from tagline.domain.delivery.targets import Target, by_rules, environment_of
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.tags import EventKind
from tagline.domain.lineage.planned import Planned


def delivered(context: ChangeContext, planned: Planned, objects: Mapping[str, str]) -> Planned:
    """Start what a merged change's tags are to start; the answer with what came of it.

    ``objects`` are the tags that there are: name to object id. Of a change that failed on the way too: those tags are
    there.
    """
    merged_at = planned.decided.change.merged_at
    if merged_at is None or planned.dry_run:
        return planned
    # A run may have died after its push: the tags of a few days are looked at again.
    recent = merged_at >= context.clock.now() - RECENT
    rows = [row for row in planned.decided.rows if (row.created or recent) and row.tag in objects]
    starts = list(dict.fromkeys(_starts(context, planned, rows, objects)))
    if not starts:
        return planned
    receipts = start_all(context.delivering, starts, _tags_in_push(context, rows))
    warnings = [
        Warn("not-delivered", one.start.tag, f"{one.error.message} {one.error.hint}".strip())
        for one in receipts
        if one.error is not None and not one.fails
    ]
    return replace(planned, delivery=tuple(receipts), warnings=[*planned.warnings, *warnings])


def _starts(context: ChangeContext, planned: Planned, rows: list[Row], objects: Mapping[str, str]) -> Iterator[Start]:
    for row in rows:
        rules = planned.policy.rules(row.artifact, row.stage) if row.stage is not None else None
        targets: dict[str, Target] = {target.key: target for target in by_rules(context.options.deliver, row)}
        if rules is not None and rules.deliver is not None and row.event is EventKind.ASSIGNMENT:
            targets[rules.deliver.key] = rules.deliver
        environment = None
        if row.stage is not None:
            environment = environment_of(rules.environment if rules else None, row.artifact, row.stage)
        for target in targets.values():
            yield Start(
                row.artifact, row.stage, row.version, row.tag, objects[row.tag], row.commit, target, environment
            )


def _tags_in_push(context: ChangeContext, rows: list[Row]) -> int:
    """How many tags a push of this run had, at most; 0 where it made none."""
    made = [row.artifact for row in rows if row.created]
    most = context.options.tags_a_push
    if most is None or len(made) <= most:
        return len(made)
    # An artifact's tags are never split.
    return max(most, *(made.count(artifact) for artifact in set(made)))
