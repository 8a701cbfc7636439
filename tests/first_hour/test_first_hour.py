"""The first hour of a new team on each forge, by the commands of docs/first-hour.md: green means that they work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tagline_localforge import LocalForge, serve
from tests.first_hour import team
from tests.first_hour.story import PAGE, Hour, hour
from tests.localforge.contracts import all_checkers, violations
from tests.support.s3server import S3Server


@pytest.fixture(params=["github", "gitlab"])
def played(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server) -> Iterator[Hour]:
    """An hour that went by."""
    with serve(LocalForge(tmp_path / "forge")) as server:
        checkers = all_checkers()
        server.observers += checkers
        with hour(request.param, server, tmp_path, s3_server) as made:
            team.play(made)
            yield made
        assert server.failures == []
        assert violations(checkers) == []


def test_first_hour__by_its_page__ends_with_a_model_that_another_repository_uses(played: Hour) -> None:
    assert played.unread() == set()
    assert team.tags(played) == {"churn@v0.1.0", "churn#prod#1", "churn#staging#2"}
    assert (played.cwd / "churn.pkl").read_text() == "trees: 50\n"
    forge = {"github": "GitHub", "gitlab": "GitLab"}[played.platform]
    counted = played.counted()
    said = f"| Tagline on {forge} | {counted.commands} | {counted.files} | {counted.lines} | {counted.pages} |"
    assert said in PAGE.read_text()
