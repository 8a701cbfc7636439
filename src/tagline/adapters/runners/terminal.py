"""The port Job on a plain machine: nothing started it, and what it has to show goes to the terminal."""

from __future__ import annotations

from tagline.domain.changes.triggers import Event
from tagline.ports.job import Piece


class TerminalJob:
    """A person at a terminal."""

    takes: frozenset[Piece] = frozenset()
    reads_commands = False

    @property
    def event(self) -> Event:
        """None."""
        return Event()

    def begin(self) -> None:
        """Nothing is left."""

    def report(self, markdown: str, *, posted: bool = False) -> str | None:
        """There is no place for it."""
        return None

    def keep(self, piece: Piece, text: str) -> None:
        """Nobody takes it up."""
