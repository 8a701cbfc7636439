"""The answer of ``tagline validate`` as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline.domain.manifest.findings import Finding


class Checked(NamedTuple):
    """A file that was checked, and how many artifacts it declares: 0 for one that is no manifest."""

    file: str
    artifacts: int


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What was checked and what was found, sorted by file, line and column.

    ``ok`` means no finding of severity error. ``sources`` holds the text of the files that
    have findings, for excerpts. ``notes`` are sentences for people about what is no finding.
    """

    ok: bool
    checked: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    notes: tuple[str, ...] = ()
