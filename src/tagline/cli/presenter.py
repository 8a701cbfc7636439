"""How an answer is spoken: JSON or text on stdout, warnings on stderr, colours on a terminal only."""

from __future__ import annotations

import sys

# As in cli/main.py: typing's own constant would cost more than the rest of this file.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, TextIO

    from tagline.settings import Settings


def colored(stream: TextIO, settings: Settings) -> bool:
    """Whether a stream shows colours."""
    return stream.isatty() and not settings.no_color


class Presenter:
    """Speaks an answer: JSON or text on stdout, warnings of the ledger on stderr."""

    def __init__(self, chosen: argparse.Namespace, settings: Settings) -> None:
        from tagline.render.terminal.tables import Pen

        self.as_json: bool = chosen.json
        #: Who else hears the document: a step of CI.
        self._on_document = getattr(chosen, "on_document", None)
        self.pen = Pen(color=colored(sys.stdout, settings))
        self._aside = Pen(color=colored(sys.stderr, settings))

    @property
    def public(self) -> bool:
        """Whether the text goes into a log that many read, and whoever needs the whole answer has the document."""
        return self._on_document is not None

    def say(self, document: Any, text: str, warnings: Any) -> None:
        """Print one answer."""
        from tagline.render.json import documents

        print(documents.dumps(document) if self.as_json else text)
        if self._on_document is not None:
            self._on_document(document)
        self.warn(warnings)

    def warn(self, warnings: Any) -> None:
        """Warnings for people; a program finds them in the document."""
        from tagline.render.terminal import tables as terminal

        if warnings and not self.as_json:
            sys.stdout.flush()
            print(terminal.warnings(warnings, self._aside), file=sys.stderr)
