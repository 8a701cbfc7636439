"""Repositories to index, and ``tagline index`` as a function."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.index_world import copies, template
from tagline.cli.main import main
from tests.support.index_runs import VERSIONS, Ran, Run
from tests.support.s3server import S3Server


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``tagline index`` into ``tmp_path/index``."""
    monkeypatch.setenv("TAGLINE_CACHE", str(tmp_path / "cache"))

    def index(*arguments: str | Path, into: str | Path | None = None) -> Ran:
        line = ["index", *map(str, arguments), "-o", str(into or tmp_path / "index"), "--json"]
        code = main(line)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return index


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("pattern"), VERSIONS)


@pytest.fixture
def many(pattern: Path, tmp_path: Path) -> list[Path]:
    return copies(pattern, tmp_path / "git", 6)


@pytest.fixture
def bucket(s3: S3Server) -> str:
    return s3.bucket()
