"""The file corpus in tests/cases: a case is added by dropping a file.

``NAME.yaml`` is an ``artifacts.yaml`` in a repository with a few tracked files (FILES).
``NAME.txt`` is a whole repository: a line of explanation, then files, each after ``-- PATH --``.
Beside an invalid case, ``NAME.yaml.expected`` or ``NAME.txt.expected`` lists its findings,
one ``[FILE] RULE LINE:COLUMN`` a line.
"""

from __future__ import annotations

import re
from pathlib import Path

from tagline.domain.manifest.findings import Finding
from tests.support.fakes import MemoryTree

CASES = Path(__file__).parents[1] / "cases"
FILES = dict.fromkeys(("models/a.pkl", "models/b.pkl", "data/images/1.png", "metrics/a.json"), "x")


def cases(kind: str) -> list[Path]:
    return sorted(path for path in (CASES / kind).iterdir() if path.suffix in (".yaml", ".txt"))


def tree_of(case: Path) -> MemoryTree:
    if case.suffix == ".yaml":
        return MemoryTree({**FILES, "artifacts.yaml": case.read_bytes()})
    _, *parts = re.split(rb"(?m)^-- (.+) --\n", case.read_bytes())
    return MemoryTree({name.decode(): text for name, text in zip(parts[::2], parts[1::2], strict=True)})


def expected_of(case: Path) -> list[str]:
    return case.with_name(case.name + ".expected").read_text().splitlines()


def shorthand(finding: Finding, case: Path) -> str:
    file = f"{finding.file} " if case.suffix == ".txt" else ""
    return f"{file}{finding.rule} {finding.line}:{finding.column}"
