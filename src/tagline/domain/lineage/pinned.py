"""What an update of a lock brings: each pin that moved, and what is behind the version that it moves to."""

from __future__ import annotations

from typing import NamedTuple

from tagline.domain.changes.pages import Pages
from tagline.domain.ledger.targets import parse_target
from tagline.domain.lineage.comparison import Traced
from tagline.domain.lineage.lineage import Passage
from tagline.domain.pins.looked import Looked


class Moved(NamedTuple):
    """A pin that moved: its lineage beside that of what is pinned, and its repository's pages where they are known."""

    looked: Looked
    traced: Traced
    pages: Pages | None = None

    @property
    def artifact(self) -> str:
        """The artifact, which the pin may be called otherwise than."""
        return parse_target(self.looked.pinned.target).artifact

    @property
    def passage(self) -> Passage | None:
        """The event by which the target names what it names now; None where the ledger could not be read."""
        now, lineage = self.looked.now, self.traced.lineage
        if now is None or lineage is None:
            return None
        return next((one for one in lineage.passages if one.tag == now.tag), None)
