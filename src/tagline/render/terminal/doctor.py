"""The doctor's report for people: a line a check, and below it what is to be done."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.domain.doctor.checks import TITLES, Check
from tagline.render.escape import no_command, one_line
from tagline.render.terminal.tables import Pen

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "cyan"}
_ORDER = ("fail", "warn", "unknown", "ok")


def doctor(checks: Sequence[Check], fixed: Sequence[str], pen: Pen) -> str:
    """Every check with its cause; of all that are not ok the fix and the page that explains it."""
    states, names = (max(map(len, words)) for words in (_STYLES, TITLES))
    lines = [pen(f"fixed: {one_line(text)}", "green") for text in fixed]
    repository: str | None = None
    for check in checks:
        if check.repository != repository:
            repository = check.repository
            lines.append(pen(no_command(one_line(repository or "")), "bold"))
        state = pen(check.state.ljust(states), _STYLES[check.state])
        lines.append(f"{state}  {check.id.ljust(names)}  {one_line(check.message)}")
        if check.state != "ok":
            indent = " " * (states + names + 4)
            lines += [f"{indent}{one_line(line)}" for line in check.hint.split("\n") if line]
            lines.append(indent + pen(check.url, "dim"))
    counts = [(sum(check.state == state for check in checks), state) for state in _ORDER]
    lines.append(pen(", ".join(f"{count} {state}" for count, state in counts if count), "bold"))
    return "\n".join(lines)
