"""Telling receivers what tags mean: at least once each, by an id that stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagline.commands.delivery.notebook import Notebook
from tagline.domain.delivery.events import Event
from tagline.errors import TaglineError
from tagline.ports.delivery import Receiver

#: So many events of one change are sent; what more there is would be a migration, and nobody's message.
MOST_EVENTS = 500


def tell(notebook: Notebook, receivers: Sequence[Receiver], events: Iterable[Event]) -> list[TaglineError]:
    """Send what a receiver was not sent, and note it; what went wrong, at most once a receiver.

    Nothing is written down here: the notebook is saved by whoever opened it.
    """
    wanted = list(events)[:MOST_EVENTS]
    notebook.open([event.artifact for event in wanted])
    wrong = []
    for receiver in receivers:
        try:
            for event in wanted:
                if receiver.key not in notebook.book(event.artifact).sent.get(event.id, ()):
                    receiver.send(event)
                    _note(notebook, event, receiver.key)
        except TaglineError as error:
            wrong.append(error)
    return wrong


def _note(notebook: Notebook, event: Event, receiver: str) -> None:
    notebook.add(event.artifact, lambda book: book.told(event.id, receiver))
