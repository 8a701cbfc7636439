"""Every benchmark can be imported: nothing else of the suite would say that a name it uses has moved."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", sorted(file.stem for file in BENCHMARKS.glob("*.py")))
def test_benchmark__is_imported(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")
