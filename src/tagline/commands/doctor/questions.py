"""How questions are asked: one after the other, and what cannot be answered is a line of the report, not its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tagline.domain.doctor.checks import TITLES, Check
from tagline.errors import NotFound, PlatformRefused, TaglineError


class Question(NamedTuple):
    """One question: the checks that answer it all have its id. No check at all: it does not arise here."""

    id: str
    ask: Callable[[], Iterable[Check]]


def answers(questions: Iterable[Question]) -> list[Check]:
    """Every question's checks, in the order of the report."""
    found = [check for question in questions for check in _answer(question)]
    order = list(TITLES)
    return sorted(found, key=lambda check: order.index(check.id))


def _answer(question: Question) -> list[Check]:
    """What this token, or this network, does not let us see is unknown; any other error is what is wrong."""
    try:
        return list(question.ask())
    except (PlatformRefused, NotFound) as error:
        if question.id == "token":  # whatever it is, nothing works with it
            return [Check(question.id, "fail", error.message, error.hint)]
        return [Check(question.id, "unknown", error.message, error.hint)]
    except TaglineError as error:
        return [Check(question.id, "fail", error.message, error.hint)]
