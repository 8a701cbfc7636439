"""What a run knows of earlier deliveries, and what it adds: read once, written by as few pushes as may be."""

from __future__ import annotations

from collections.abc import Callable, Collection

from tagline.commands.ledger.writing import backoff
from tagline.domain.delivery.book import Book
from tagline.errors import TaglineError
from tagline.ports.clock import Clock
from tagline.ports.delivery import DeliveryMemory, Page
from tagline.ports.ledger import Raced

_ATTEMPTS = 8

Change = Callable[[Book], Book]


class Notebook:
    """The books of the artifacts that a run delivers."""

    def __init__(self, memory: DeliveryMemory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._pages: dict[str, Page] = {}
        self._changes: dict[str, list[Change]] = {}

    def open(self, artifacts: Collection[str]) -> None:
        """Read those that are not read yet. Raises PlatformRefused."""
        new = [artifact for artifact in dict.fromkeys(artifacts) if artifact not in self._pages]
        if new:
            self._pages |= self._memory.read(new)

    def book(self, artifact: str) -> Book:
        """An artifact's book, with what is to be written."""
        book = self._pages[artifact].book
        for change in self._changes.get(artifact, ()):
            book = change(book)
        return book

    def add(self, artifact: str, change: Change) -> None:
        """Something to be written by the next :meth:`save`; ``change`` is made again on what others wrote."""
        self._changes.setdefault(artifact, []).append(change)

    def drop(self) -> None:
        """Forget what was added and not saved."""
        self._changes.clear()

    def save(self, like: str, *, alone: bool = False) -> None:
        """Write what was added by one push.

        ``like`` is the id of any object of the repository. ``alone``: only on what was read, and now or never. Raises
        PlatformRefused, WrongUsage, and Raced where somebody else wrote meanwhile: then what they wrote is read, and
        nothing is added.
        """
        for attempt in range(_ATTEMPTS):
            wanted = {artifact: Page(self.book(artifact), self._pages[artifact].mark) for artifact in self._changes}
            if not wanted:
                return
            try:
                ids = dict(self._memory.write(wanted, like, int(self._clock.now())))
            except Raced:
                self._pages |= self._memory.read(list(wanted))
                if alone or attempt == _ATTEMPTS - 1:
                    self._changes.clear()
                    raise
                self._clock.pause(backoff(attempt))
                continue
            except TaglineError:
                if alone:
                    self._changes.clear()  # a claim of what is not begun would be written by a later save
                raise
            self._pages |= {artifact: Page(page.book, ids[artifact]) for artifact, page in wanted.items()}
            self._changes.clear()
            return
        raise AssertionError("unreachable")  # pragma: no cover
