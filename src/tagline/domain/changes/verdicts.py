"""What a rule says of one step of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

#: ``ok``; ``waiting`` for people or time; ``refused``; ``unknown``: it cannot be read with the token at hand.
State = Literal["ok", "waiting", "refused", "unknown"]

_RANK: dict[State, int] = {"ok": 0, "waiting": 1, "unknown": 2, "refused": 3}


class Verdict(NamedTuple):
    """One rule's word. ``rule`` is a stable id (docs/policy.md); ``fix`` says what would satisfy it."""

    rule: str
    state: State
    message: str
    fix: str = ""


def worst(verdicts: Iterable[Verdict]) -> State:
    """The state that decides among several; ``ok`` where there is none."""
    return max((verdict.state for verdict in verdicts), key=_RANK.__getitem__, default="ok")
