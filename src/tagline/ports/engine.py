"""The port of the engine: whoever answers a question about the tables of the index, within limits."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, Protocol


class Question(NamedTuple):
    """A statement with its parameters (``$1`` is the first).

    ``tables`` are those that it reads; None says that a stranger wrote it: then it is checked to be one SELECT that
    changes nothing, and its own words say which tables it reads.
    """

    sql: str
    parameters: tuple[Any, ...] = ()
    tables: Collection[str] | None = None


class Limits(NamedTuple):
    """What one answer may cost: ``seconds``, bytes of ``memory``, bytes of the ``answer`` as JSON."""

    seconds: int = 30
    memory: int = 1_000_000_000
    answer: int = 64_000_000


#: What costs as much as that is nobody's usual question.
USUAL = Limits()


class Answer(NamedTuple):
    """Rows under the names of their columns; ``kinds`` are their types, as SQL says them.

    Cells are what JSON has (floats may be NaN or infinite); instants are RFC 3339 in UTC, other times, intervals,
    UUIDs and blobs are text, decimals are numbers.
    """

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: list[list[Any]]


class Engine(Protocol):
    """Answers questions about the tables, which are named and formed as ``domain.index.tables`` says."""

    def ask(self, question: Question, limits: Limits = USUAL) -> Answer:
        """All rows.

        Raises WrongUsage for a statement that is refused or wrong, Refused where a limit is met, PlatformRefused
        where the tables cannot be read.
        """
