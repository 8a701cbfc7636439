"""What ``plan`` and ``promote`` answer: a change, what came of it, and what is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagline.domain.changes.labels import Lesson
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.promotion import Decided
from tagline.domain.delivery.receipts import Receipt
from tagline.domain.ledger.events import Warn
from tagline.errors import TaglineError

if TYPE_CHECKING:
    from tagline.domain.lineage.comparison import Traced


@dataclass(frozen=True)
class Planned:
    """A change and what came of it. ``comment_url`` is None where no comment is.

    ``error`` is why it could not be looked at, where others of the same run were, or why it is done in part only:
    ``decided`` has the tags that are there.
    """

    decided: Decided
    policy: Policy
    comment_url: str | None = None
    #: Its comment could not be written now, and a later run can.
    unsaid: bool = False
    dry_run: bool = False
    warnings: list[Warn] = field(default_factory=list)
    #: What was done for earlier changes on the way.
    earlier: tuple[Planned, ...] = ()
    #: What is behind the artifacts that it touches or promotes.
    traced: tuple[Traced, ...] = ()
    #: Why there is nothing to do, where that may surprise.
    note: str = ""
    #: What its comment teaches, where it asks for nothing.
    lesson: tuple[Lesson, ...] = ()
    #: What its comment says already and goes on saying.
    stands: str = ""
    error: TaglineError | None = None
    #: What its tags started.
    delivery: tuple[Receipt, ...] = ()
    #: Something that must start did not, or somebody was not told: a later run tries again.
    undelivered: bool = False
    #: What was decided is remembered, so that no later run looks at the change again.
    remembered: bool = False
    #: Another run's change: what is refused of it was told there, and turns this run not red.
    late: bool = False
