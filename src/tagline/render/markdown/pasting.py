"""What people copy from a comment: requests, and lines of YAML or labels."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tagline.domain.changes.asks import Action
from tagline.domain.changes.steps import Step
from tagline.domain.changes.tickets import PLACEHOLDER, RULE
from tagline.render.escape import one_line


def request_line(step: Step) -> str | None:
    """A line of a request file that asks for the same; None for what no file can ask."""
    artifact = f"artifact: '{step.intent.artifact}'"
    if step.intent.action is Action.ROLLBACK:
        return f"- {{{artifact}, rollback: true}}"
    if step.intent.action is Action.ASSIGN and step.version is not None:
        lift = ", lift: true" if step.intent.lifts else ""
        return f"- {{{artifact}, version: {step.version}{_ticket(step)}{lift}}}"
    if step.intent.action is Action.LIFT:
        return f"- {{{artifact}, lift: true}}"
    return None


def _ticket(step: Step) -> str:
    """The tickets of a request once more; where one was missing, the place for it."""
    tickets = list(step.intent.tickets)
    if any(verdict.rule == RULE and verdict.state != "ok" for verdict in step.verdicts):
        tickets.append(PLACEHOLDER)
    quoted = ["'{}'".format(ticket.replace("'", "''")) for ticket in tickets]
    if not quoted:
        return ""
    listed = ", ".join(quoted)
    return f", ticket: {listed}" if len(quoted) == 1 else f", ticket: [{listed}]"


def pasted(lines: Sequence[str], most: int) -> str:
    """Lines of YAML or labels to be copied: a block that nothing in them can end."""
    shown = [one_line(line) for line in lines[:most]]
    shown += [f"# and {len(lines) - most} more"] if len(lines) > most else []
    fence = "`" * max(3, 1 + max((len(run) for line in shown for run in re.findall("`+", line)), default=0))
    return "\n".join([f"{fence}yaml", *shown, fence])
