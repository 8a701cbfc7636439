"""Completion in the shells that a machine may have beside bash: .ci/runners installs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.completion import check_in, check_quoting

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_shell__at_a_terminal__completes_names_and_runs_nothing(shell: str, tmp_path: Path) -> None:
    assert shutil.which(shell), f"{shell} is not installed: .ci/runners"
    check_in(shell, tmp_path)
    (tmp_path / "quoting").mkdir()
    check_quoting(shell, tmp_path / "quoting")
