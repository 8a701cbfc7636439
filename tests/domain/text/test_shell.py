"""Paths in proposed commands, with the shell and Git as the judges."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tagline.domain.text.shell import shell_path


@pytest.mark.parametrize("path", ["models/churn.pkl", "d/@x+=,.yaml"])
def test_shell_path__ordinary_path__stays_as_it_is(path: str):
    assert shell_path(path) == path


@pytest.mark.parametrize("path", ["my model", "$(touch bad)", "it's", "-A", ":(top)x", "~", "modèle", "a;b", "a\nb"])
def test_shell_path__odd_path__is_added_by_git_as_that_file(tmp_path: Path, path: str):
    (tmp_path / path).write_text("x")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["sh", "-c", f"git add {shell_path(path)}"], cwd=tmp_path, check=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert listed.decode() == path + "\0"
