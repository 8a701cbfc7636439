"""A local forge with one repository, served, with every exchange held against the platforms' descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tagline_localforge import ForgeServer, LocalForge, Repository, serve
from tests.localforge.contracts import Checkers, all_checkers, violations
from tests.support.gitbuild import Commit, History, build

HISTORY = History(
    commits=(
        Commit("c0", files={"a.txt": "1\n", "old.txt": "this\nmoves\nelsewhere\n"}, time=1_700_000_000),
        Commit("main1", ("c0",), {"a.txt": "1\n", "old.txt": "this\nmoves\nelsewhere\n", "m": "m\n"}, 1_700_000_100),
        Commit("t1", ("c0",), {"a.txt": "2\n", "old.txt": "this\nmoves\nelsewhere\n"}, 1_700_000_200),
        Commit("t2", ("t1",), {"a.txt": "3\n", "new.txt": "this\nmoves\nelsewhere\n", "b": "b\n"}, 1_700_000_300),
        Commit("conflict", ("c0",), {"a.txt": "9\n", "m": "other\n"}, 1_700_000_400),
        Commit("other", ("c0",), {"a.txt": "1\n", "old.txt": "this\nmoves\nelsewhere\n", "o": "o\n"}, 1_700_000_500),
    ),
    branches={
        "main": "main1",
        "topic": "t2",
        "feature/slash": "t1",
        "conflict": "conflict",
        "fresh": "t2",
        "other": "other",
    },
)


@pytest.fixture
def forge(tmp_path: Path) -> LocalForge:
    return LocalForge(tmp_path / "forge")


@pytest.fixture
def ids(forge: LocalForge) -> dict[str, str]:
    """The commits of ``org/shop`` by the names that the history gives them."""
    return build(forge.repository("org/shop").path, HISTORY, bare=True)


@pytest.fixture
def shop(forge: LocalForge, ids: dict[str, str]) -> Repository:
    """``org/shop``: alice is its admin, bob may write, tess may label, mallory may read."""
    repository = forge.repository("org/shop")
    for login, role in {"alice": "admin", "bob": "write", "tess": "triage", "mallory": "read"}.items():
        repository.grant(login, role)
        forge.token(f"{login}-token", login=login)
    forge.token("actions-token", kind="actions")
    forge.token("app-token", kind="app")
    forge.token("fork-token", kind="fork")
    forge.token("job-token", login="bob", kind="job")
    return repository


@pytest.fixture
def checkers() -> Checkers:
    return all_checkers()


@pytest.fixture
def server(forge: LocalForge, checkers: Checkers) -> Iterator[ForgeServer]:
    """Fails the test if the forge had a defect, or said to a client what its platform does not say."""
    with serve(forge) as running:
        running.observers += checkers
        yield running
    assert running.failures == []
    assert violations(checkers) == []
