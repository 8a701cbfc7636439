"""docs/gto.md lists every test of a deliberate difference, and names no test that is gone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ORACLES = ROOT / "tests" / "oracle"
#: What is no difference: that the questions to GTO are sound.
CONTROLS = {"test_healthy_repository__beside_the_other_artifact__gto_answers"}


def _tests_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_gto_document__and_the_oracle_tests__list_the_same():
    named = set(re.findall(r"\btest_\w+__\w+", (ROOT / "docs" / "gto.md").read_text()))
    differences = _tests_of(ORACLES / "test_where_gto_goes_wrong.py") - CONTROLS

    assert differences <= named
    assert named <= set().union(*(_tests_of(path) for path in ORACLES.glob("test_*.py")))
