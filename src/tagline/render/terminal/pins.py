"""Pins for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tagline.domain.delivery.events import ChangeLink
from tagline.domain.pins.lock import Pin
from tagline.domain.pins.looked import Looked
from tagline.render.escape import one_line
from tagline.render.terminal.tables import Pen, table

_STATES = {"current": "green", "moved": "yellow", "gone": "red"}


def pinned(pins: Mapping[str, Pin], before: Mapping[str, Pin], changed: Sequence[str], file: str, pen: Pen) -> str:
    """``pin``: a line for each pin that changed."""
    if not changed:
        return f"{one_line(file)} is up to date: {len(pins)} pin{'s' * (len(pins) != 1)}."
    return "\n".join(_lines(pins, before, changed, pen))


def _lines(pins: Mapping[str, Pin], before: Mapping[str, Pin], changed: Sequence[str], pen: Pen) -> list[str]:
    lines = []
    for name in changed:
        old = f"{_version(before[name])} -> " if name in before else ""
        where = pen(f"{pins[name].target} of {pins[name].repository}", "dim")
        lines.append(f"{pen(one_line(name), 'bold')}  {one_line(old + _version(pins[name]))}  {one_line(where)}")
    return lines


#: What came of the change that updates a lock.
_SAID = {
    "opened": "Opened",
    "updated": "Brought up to date",
    "unchanged": "Open already, and up to date",
    "nothing": "Nothing has moved, and nothing is proposed.",
    "withdrawn": "Nothing has moved any more. What was proposed before is withdrawn",
    "declined": "People closed the change that proposed this; it is not opened again",
    "left-alone": "People pushed other files to the branch, which is theirs now; merge or delete it",
}


def proposed(
    pins: Mapping[str, Pin],
    before: Mapping[str, Pin],
    changed: Sequence[str],
    update: tuple[str, str, ChangeLink | None],
    pen: Pen,
) -> str:
    """``pin --propose``: what moved, and what came of the change."""
    state, branch, change = update
    where = f": {one_line(change.url)}" if change is not None else f" ({one_line(branch)})."
    return "\n".join([*_lines(pins, before, changed, pen), _SAID[state] + ("" if state == "nothing" else where)])


def outdated(looked: Sequence[Looked], pen: Pen) -> str:
    """``outdated``: a table."""
    if not looked:
        return "Nothing is pinned."
    rows = [
        (one.name, pen(one.state, _STATES[one.state]), _version(one.pinned), _now(one), one.pinned.target)
        for one in looked
    ]
    return table(("PIN", "STATE", "PINNED", "NOW", "TARGET"), rows, pen, ("bold",))


def _version(pin: Pin) -> str:
    return pin.version or pin.commit[:7]


def _now(one: Looked) -> str:
    if one.now is None:
        return one.why or ""
    return "" if one.state == "current" else _version(one.now)
