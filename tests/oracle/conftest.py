"""The oracles run in our process: they must not see the user's Git configuration, nor we their warnings."""

from __future__ import annotations

import os

import pytest

from tests.gitbuild import environment

@pytest.fixture(autouse=True, scope="session")
def clean_environment(tmp_path_factory: pytest.TempPathFactory):
    """git, GTO and DVC see neither the user's configuration nor a CI runner's variables."""
    before = dict(os.environ)
    keep = {key: before[key] for key in ("PYTHONPATH", "TMPDIR", "PYTEST_XDIST_WORKER") if key in before}
    home = str(tmp_path_factory.mktemp("home"))
    os.environ.clear()
    os.environ.update(environment(HOME=home, DVC_SITE_CACHE_DIR=home, **keep))
    yield
    os.environ.clear()
    os.environ.update(before)
