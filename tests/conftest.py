"""What all tests share: a clean environment, and CI's rule that nothing is skipped."""

from __future__ import annotations

import gc
import json
import os
import signal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from tagline.adapters.http import retries as http_retries
from tagline.adapters.transfer import ranges
from tagline.cli.main import main
from tests.support import printed
from tests.support.gitbuild import environment
from tests.support.mlflowserver import mlflow_server
from tests.support.s3server import s3, s3_server

__all__ = ["mlflow_server", "s3", "s3_server"]

settings.register_profile(
    "ci",
    max_examples=300,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "quick",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_FOREIGN = ("CI", "PYTHON", "GITHUB_", "GITLAB_", "GIT_", "TAGLINE_", "NO_COLOR", "XDG_CACHE_HOME", "AWS_", "MLFLOW_")
_KEPT = ("GIT_SSL_CAINFO", "TAGLINE_TESTS_NO_SKIP")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the user's Git configuration or believes to be a CI job, and none writes to its home."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) and name not in _KEPT:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, value in environment(HOME=str(home), TAGLINE_CACHE=str(home / "cache")).items():
        if name != "PATH":
            monkeypatch.setenv(name, value)
    # Nobody's cloud is asked, neither by the files of a home nor at the address that instances have.
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(home / "no-such-file"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many retries as ever, without the waiting between them."""
    for module in (http_retries, ranges):
        monkeypatch.setattr(module, "BACKOFF", 0.001)


def pytest_configure() -> None:
    """A shell lets what it starts in the background ignore interrupts; tests interrupt themselves and others."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: it means that something is missing there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("TAGLINE_TESTS_NO_SKIP") and exitstatus == 0:
        reporter.write_line(f"{len(skipped)} skipped test(s), and in CI none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the test stands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Said(NamedTuple):
    """What one run of the command line said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """The command line, in this process, in a folder of its choice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, cwd: Path | None = None, **variables: str) -> Said:
        self._capsys.readouterr()
        if cwd is not None:
            self._monkeypatch.chdir(cwd)
        code = main(list(arguments), {**os.environ, **variables})
        gc.enable()
        out, err = self._capsys.readouterr()
        printed.check(arguments, out)
        return Said(int(code), out, err)

    def json(self, *arguments: str, cwd: Path | None = None, **variables: str) -> Any:
        """The document of a command that must succeed."""
        said = self(*arguments, "--json", cwd=cwd, **variables)
        assert said.code == 0, said.err
        return said.json


@pytest.fixture
def tagline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Runs the command line; an unexpected exception is a failure of the test, not exit code 3."""
    monkeypatch.setenv("TAGLINE_DEBUG", "1")
    return CommandLine(monkeypatch, capsys)
