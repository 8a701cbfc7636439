"""A forge and a stranger's server, on real HTTP; retries without the waiting between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.answering import Server, serving


@pytest.fixture
def ours() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Server]:
    with serving() as server:
        yield server
