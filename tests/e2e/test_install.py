"""As a new user: the README's first command in a fresh clone, and the wheel in a fresh environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def _run(*command: str, cwd: Path) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_CONFIG", "TAGLINE_"))}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=inherited)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def fresh_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a newcomer gets: the tracked files as they are now, and nothing else."""
    target = tmp_path_factory.mktemp("clone") / "tagline"
    tracked = _run("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    return target


def test_make_demo__fresh_clone__shows_changes_becoming_versions(fresh_clone: Path) -> None:
    out = _run("make", "demo", cwd=fresh_clone)
    for shown in (
        "artifacts.yaml:4:3: error: Unknown key 'metrcs'",
        "(exit code 1)",
        "  | ⏳ Tagline: waiting",
        "  made churn@v1.0.0 at ",
        "  | This merge made 3 tags.",
        "v1.0.0 in prod has 0.9: worse.",
        "$ tagline plan --open",
        "churn     v1.1.0  prod v1.0.0 (held), staging v1.1.0  2",
        "digest       gitblob:",
    ):
        assert shown in out
    assert not list(Path("/tmp").glob("tagline-demo-*/shop"))
    page = Path(out.partition("ended with the demo. Open it in a browser:\n")[2].splitlines()[0])
    assert "churn" in (page.parent / "api/v1/index.json").read_text()
    shutil.rmtree(page.parent)


def test_wheel__fresh_environment__has_all_it_needs(fresh_clone: Path, tmp_path: Path) -> None:
    wheel_command = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path))
    _run(*wheel_command, str(fresh_clone), cwd=tmp_path)
    (wheel,) = tmp_path.glob("tagline-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "tagline/schemas/artifacts.schema.json" in names
    assert "tagline/py.typed" in names
    assert "tagline/schemas/output/show.schema.json" in names
    assert "tagline/examples/github/review.yml" in names
    assert "tagline_localforge/server.py" in names
    assert not [name for name in names if name.startswith("tests")]
    _run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = str(tmp_path / "env" / "bin" / "python")
    _run(python, "-m", "pip", "install", "--quiet", str(wheel), cwd=tmp_path)
    command = str(tmp_path / "env" / "bin" / "tagline")
    assert _run(command, "--version", cwd=tmp_path).startswith("tagline ")
    demo = _run(command, "demo", cwd=tmp_path)
    assert "made churn@v1.0.0 at" in demo
    assert "pip install 'tagline[site]'" in demo
    repository = tmp_path / "r"
    _run("git", "init", "--quiet", str(repository), cwd=tmp_path)
    (repository / "artifacts.yaml").write_text("rf: {pth: m}\n")
    _run("git", "add", "artifacts.yaml", cwd=repository)
    done = subprocess.run([command, "validate"], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Did you mean 'path'?" in done.stdout
