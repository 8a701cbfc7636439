"""``tagline query``: one statement, or a named question, put to the index."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.domain.index.questions import question
from tagline.ports.engine import Answer, Engine, Limits, Question


def query(engine: Engine, sql: str, limits: Limits) -> Answer:
    """The answer to a statement of anybody's. Raises WrongUsage for what is no single SELECT, Refused at a limit."""
    return engine.ask(Question(sql), limits)


def named(engine: Engine, words: Sequence[str], limits: Limits) -> Answer:
    """The answer to a named question: its name, then its arguments. Raises WrongUsage, Refused."""
    asked = question(words[0])
    return engine.ask(Question(asked.sql, asked.bind(words[1:]), asked.tables), limits)
