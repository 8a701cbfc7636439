"""A checkout that belongs to somebody else, as every container sees it. Needs root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, Tag, build, run_git

pytestmark = pytest.mark.e2e

NOBODY = 65534


@pytest.fixture(params=["work tree", "bare", "worktree"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository owned by another user, without safe.directory; git itself refuses it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    files = {"artifacts.yaml": "rf: {path: m}\n", "m": "x"}
    history = History((Commit("c0", files=files),), (Tag("rf@v1.0.0", "c0"),))
    build(tmp_path / "r", history, bare=request.param == "bare", checkout=request.param != "bare")
    path = tmp_path / "r"
    if request.param == "worktree":
        run_git(path, "worktree", "add", "--quiet", "--detach", "../other")
        path = tmp_path / "other"
    for found in [tmp_path / "r", path, *(tmp_path / "r").rglob("*"), *path.rglob("*")]:
        os.chown(found, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(RuntimeError, match="dubious ownership"):
        run_git(path, "tag")
    return path


def test_foreign_checkout__every_command__works(foreign: Path, tagline: CommandLine) -> None:
    assert tagline.json("show", "rf@latest", cwd=foreign)["version"] == "v1.0.0"
    assert tagline.json("resolve", "rf")["digest"].startswith("gitblob:")
    assert tagline.json("validate")["ok"] is True
    assert tagline.json("assign", "rf#prod")["holder"]["version"] == "v1.0.0"
    assert len(tagline.json("history")["events"]) == 2


def test_foreign_checkout__only_it_is_called_safe(foreign: Path, tagline: CommandLine, tmp_path: Path) -> None:
    tagline.json("show", cwd=foreign)
    home = Path(os.environ["HOME"])
    assert not list(home.glob(".gitconfig"))
    with pytest.raises(RuntimeError, match="dubious ownership"):
        run_git(foreign, "tag")
