"""A world for each platform; the forge's own defects and violations of the platforms' contracts fail the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagline_localforge import LocalForge, serve
from tests.commands.changes.world import LATENCY, START, Platform, World
from tests.conftest import CommandLine
from tests.localforge.contracts import Checkers, all_checkers, violations

ROLES = {"alice": "admin", "bob": "write", "carol": "write", "dave": "write", "tess": "triage", "mallory": "read"}


@pytest.fixture
def make_world(tmp_path: Path, tagline: CommandLine) -> Iterator[Callable[..., World]]:
    """Makes worlds and takes them down."""
    import contextlib

    with contextlib.ExitStack() as stack:
        made: list[tuple[World, Checkers]] = []

        def make(
            platform: Platform, policy: str | None = None, files: dict[str, str] | None = None, days_ago: float = 0,
            object_format: str = "sha1",
        ) -> World:  # fmt: skip
            folder = tmp_path / f"{platform}{len(made)}"
            folder.mkdir()
            forge = LocalForge(folder / "forge")
            repo = forge.repository("org/shop", object_format=object_format)
            for login, role in ROLES.items():
                repo.grant(login, role)
                forge.token(f"{login}-token", login=login)
            forge.team("org/ml-leads", ["carol", "dave"])
            forge.token("actions", kind="actions")
            forge.token("app", kind="app")
            forge.token("fork", kind="fork")
            forge.token("job", login="bob", kind="job")
            repo.grant("tagline-bot", "maintain")
            forge.token("bot", login="tagline-bot")
            server = stack.enter_context(serve(forge))
            if LATENCY:
                server.before.append(lambda _: time.sleep(LATENCY))
            checkers = all_checkers()
            server.observers += checkers
            world = World(platform, forge, repo, server, folder, tagline, object_format)
            made.append((world, checkers))
            with world.days_ago(days_ago) if days_ago else contextlib.nullcontext():
                world.start(START if files is None else files, policy)
            return world

        yield make
        for world, checkers in made:
            assert world.server.failures == []
            assert violations(checkers) == []


@pytest.fixture(params=["github", "gitlab"])
def platform(request: pytest.FixtureRequest) -> Platform:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def world(make_world: Callable[..., World], platform: Platform) -> World:
    """A shop without a policy, on each platform."""
    return make_world(platform)
