"""Our hook for users, run by pre-commit itself in a repository that names this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gitbuild import run_git

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PRE_COMMIT = Path(sys.executable).parent / "pre-commit"


def _published(folder: Path) -> str:
    """This tree as a repository of one commit, as pre-commit clones it; the commit."""
    names = run_git(ROOT, "-c", f"safe.directory={ROOT}", "ls-files").splitlines()
    for name in names:
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-P", ROOT / name, folder / name], check=True)
    run_git(folder, "init", "-q")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "-m", "a release")
    return run_git(folder, "rev-parse", "HEAD").strip()


def test_hook__a_commit__passes_only_when_validate_does(tmp_path: Path) -> None:
    hooks, shop = tmp_path / "tagline", tmp_path / "shop"
    hooks.mkdir()
    shop.mkdir()
    commit = _published(hooks)
    run_git(shop, "init", "-q")
    config = f"repos:\n- repo: file://{hooks}\n  rev: {commit}\n  hooks:\n  - id: tagline-validate\n"
    (shop / ".pre-commit-config.yaml").write_text(config)
    (shop / "artifacts.yaml").write_text("rf: {pth: m}\n")
    run_git(shop, "add", "-A")
    environ = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([PRE_COMMIT, "run"], cwd=shop, env=environ, capture_output=True, text=True, check=False)

    refused = run()
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "Did you mean 'path'?" in refused.stdout
    (shop / "artifacts.yaml").write_text("rf: {type: model}\n")
    run_git(shop, "add", "-A")
    passed = run()
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout
