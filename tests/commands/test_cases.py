"""Small inputs made from public reports, each with what is right, where they lie beside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gitbuild import environment

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "ledger"
SCRIPTS = sorted(CASES.glob("*.sh"))


@pytest.mark.skipif(not SCRIPTS, reason="needs ../shared/cases")
@pytest.mark.parametrize("script", SCRIPTS or [CASES], ids=lambda script: script.stem)
def test_case__of_a_public_report__is_answered_right(script: Path, tmp_path: Path) -> None:
    tagline = Path(sys.executable).with_name("tagline")
    variables = {**environment(HOME=str(tmp_path)), "TAGLINE": str(tagline), "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", str(script)], env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("PASS"), done.stdout
