"""Tickets: where it was decided that a version may have a stage, and whether that is what the stage asks for.

A request file names them, so that whoever approves it sees them; a label has no room. What a stage asks for is a glob:
a regular expression from a repository could take for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeGuard

from tagline.domain.changes.asks import REQUESTS, Action
from tagline.domain.changes.intents import Intent
from tagline.domain.changes.verdicts import Verdict

RULE = "ticket"
#: Characters of a ticket or a pattern.
LONGEST = 200
#: Tickets of one request, or patterns of one stage.
MOST = 20
#: Stands for a ticket in lines that are copied. No pattern of letters matches it by accident.
PLACEHOLDER = "TICKET"
#: So many are named in a sentence.
_NAMED = 5


def patterns_of(rules: Mapping[str, Any]) -> tuple[str, ...]:
    """What the rules of a stage ask for, as their file has it: one pattern, or a list of which each must be met."""
    said = rules.get("ticket", ())
    return (said,) if isinstance(said, str) else tuple(said)


def is_ticket(text: object) -> TypeGuard[str]:
    """Whether something can be a ticket, or a pattern of some: a word, an address, all of it visible."""
    return isinstance(text, str) and 0 < len(text) <= LONGEST and text.isprintable() and " " not in text


def read_tickets(said: object) -> tuple[str, ...] | None:
    """The tickets of a request: one, or a list; None for what is neither."""
    found = said if isinstance(said, list) else [said]
    tickets = tuple(one for one in found if is_ticket(one))
    return tickets if 0 < len(tickets) == len(found) <= MOST else None


def judge_tickets(patterns: Sequence[str], intent: Intent) -> list[Verdict]:
    """Whether each pattern of a stage has a ticket of the request. Only a version that comes to a stage needs one."""
    if not patterns or intent.action is not Action.ASSIGN:
        return []
    tickets = intent.tickets
    missing = [pattern for pattern in patterns if not any(fnmatchcase(ticket, pattern) for ticket in tickets)]
    if not missing:
        return [Verdict(RULE, "ok", f"{_list(tickets)}.")]
    wanted = f"{intent.stage} asks for a ticket like {_list(missing)}"
    source = next((ask.source for ask in intent.asks if ask.file), None)
    if source is None:
        fix = (
            f"Ask by a request file in place of the label: {REQUESTS}{intent.stage}/ANY-NAME.yaml with\n"
            f"- {{artifact: '{intent.artifact}', version: {intent.which}, ticket: {PLACEHOLDER}}}"
        )
        return [Verdict(RULE, "refused", f"{wanted}, and a label cannot name one.", fix)]
    said = f"names {_list(tickets)}" if tickets else "names none"
    fix = f"Add the ticket to the request at {source}: ticket: {PLACEHOLDER}, or a list of them."
    return [Verdict(RULE, "refused", f"{wanted}; {source} {said}.", fix)]


def _list(words: Sequence[str]) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more
