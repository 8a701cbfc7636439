"""The port of the runner that executes us."""

from __future__ import annotations

from typing import Literal, Protocol

from tagline.domain.changes.triggers import Event

#: What a step leaves behind, beside the text of its log.
Piece = Literal["outputs", "dotenv", "document", "summary", "annotations", "code-quality", "junit"]


class Job(Protocol):
    """The runner that executes us."""

    @property
    def event(self) -> Event:
        """What started the job. Raises WrongUsage when its description cannot be read."""

    @property
    def takes(self) -> frozenset[Piece]:
        """What the runner takes up of what a step leaves."""

    @property
    def reads_commands(self) -> bool:
        """Whether the runner takes lines of the log for commands to it: ``::error::``, ``::add-mask::``."""

    def begin(self) -> None:
        """Take away what an earlier job may have left where this one leaves its answer."""

    def report(self, markdown: str, *, posted: bool = False) -> str | None:
        """Show a text where the runner shows such; where that is, None when there is no such place.

        ``posted``: it stands on the change already, so it is shown only where it outlives that.
        """

    def keep(self, piece: Piece, text: str) -> None:
        """Leave a text where the runner takes up such; nothing where it takes up none.

        ``outputs`` and ``dotenv`` are for later steps. Raises PlatformRefused when they, or a file, cannot be left.
        """
