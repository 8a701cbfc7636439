"""Findings: what is wrong in a user's file, where, and how to mend it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Finding(NamedTuple):
    """One problem at one place.

    ``line`` and ``column`` count from 1; columns count characters, not bytes.
    ``rule`` is a stable identifier, documented in docs/rules.md. ``hint`` contains the fix.
    """

    file: str
    line: int
    column: int
    artifact: str | None
    rule: str
    severity: Severity
    message: str
    hint: str
