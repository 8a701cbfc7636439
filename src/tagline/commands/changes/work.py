"""How far a promotion came with a change: what it decided, and which tags it made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from tagline.commands.changes.deciding import Entries
from tagline.commands.changes.request import ChangeRequest
from tagline.domain.changes.promotion import Decided
from tagline.domain.delivery.events import WrittenTag
from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.tags import EventKind
from tagline.domain.lineage.planned import Planned
from tagline.errors import TaglineError


@dataclass
class Work:
    """How far a run came with a change: what it decided last and on which tags, and the tags that it made.

    Those by name, with their objects' ids.
    """

    decided: Decided | None = None
    entries: Entries = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)

    @property
    def written(self) -> dict[str, WrittenTag]:
        """All tags of the change's artifacts by name, those that it made among them."""
        there = [tag for entry in self.entries.values() for tag in entry.raw.values()]
        found = {tag.name: WrittenTag(tag.object_id, tag.time or 0, tag.message) for tag in there}
        new = [tag for step in (self.decided.steps if self.decided else ()) for tag in step.new]
        made = {
            tag.name: WrittenTag(self.created[tag.name], tag.time, tag.message)
            for tag in new
            if tag.name in self.created
        }
        return {**found, **made}

    def decides(self, row: Row) -> bool:
        """Whether a tag that assigns a stage still decides it: also of what was written since."""
        if row.tag in self.created or row.event is not EventKind.ASSIGNMENT or row.artifact not in self.entries:
            return True
        hold = self.entries[row.artifact].state.stages.get(row.stage or "")
        return hold is not None and hold.tag == row.tag


def in_part(request: ChangeRequest, work: Work, error: TaglineError) -> Planned:
    """The answer for a change that failed before all of its artifacts' tags were made.

    It is not judged: nothing is remembered, and the next run completes it.
    """
    decided, created = work.decided or Decided(request.change), work.created
    steps = (
        replace(step, new=(), rows=tuple(row for row in step.rows if row.tag in created or not row.created))
        for step in decided.steps
    )
    made = marked(replace(decided, steps=tuple(steps)), created)
    if created:
        message = f"Change {request.change.number} is done in part: {len(created)} of its tags are made and stay."
        error.message = f"{message} {error.message}"
    return Planned(made, request.policy, warnings=list(made.warnings), error=error)


def marked(decided: Decided, created: Collection[str]) -> Decided:
    """The rows say which tags this very run made."""
    steps = tuple(
        replace(step, rows=tuple(row._replace(created=row.tag in created) for row in step.rows))
        for step in decided.steps
    )
    return replace(decided, steps=steps)
