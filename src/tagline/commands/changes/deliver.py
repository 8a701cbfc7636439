"""Starting workflows on the tags of merged changes: what ``tagline promote --deliver`` does beside its tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from tagline.commands.changes.landing import RECENT
from tagline.domain.changes.delivery import Delivered, Rule, wanted
from tagline.domain.ledger.planning import Row
from tagline.domain.lineage.planned import Planned
from tagline.errors import TaglineError
from tagline.ports.forge import Delivery


def deliver(
    port: Delivery, rules: Sequence[Rule], planned: Iterable[Planned], now: float, done: Collection[Delivered] = ()
) -> list[Delivered]:
    """Start what the rules want on the tags of merged changes, but for what is ``done``.

    One failure stops no other.
    """
    known = {(one.workflow, one.tag) for one in done}
    found = []
    for row in _rows(planned, now):
        for workflow in wanted(rules, row):
            if (workflow, row.tag) not in known:
                known.add((workflow, row.tag))
                found.append(_one(port, workflow, row))
    return found


def _one(port: Delivery, workflow: str, row: Row) -> Delivered:
    try:
        return port.deliver(workflow, row.tag, row.commit)
    except TaglineError as error:
        return Delivered(row.tag, workflow, None, started=False, error=error)


def _rows(planned: Iterable[Planned], now: float) -> Iterator[Row]:
    """The tags that were made, and those of a few days that were there: a run may have died after its push.

    Of a change that failed on the way too: those tags are there.
    """
    for one in (one for each in planned for one in (*each.earlier, each)):
        merged_at = one.decided.change.merged_at
        if merged_at is None or one.dry_run:
            continue
        recent = merged_at >= now - RECENT
        yield from (row for row in one.decided.rows if row.created or recent)
