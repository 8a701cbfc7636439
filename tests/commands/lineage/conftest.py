"""The sample project, built once a session."""

from __future__ import annotations

import pytest

from tests.commands.lineage.pipeline_world import World, build_pipeline_world


@pytest.fixture(scope="session")
def pipeline_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The project with its four versions; nobody writes to it (clone it instead)."""
    return build_pipeline_world(tmp_path_factory.mktemp("pipelines"))


@pytest.fixture(autouse=True)
def dvc_keeps_nothing(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    """DVC's site cache, which otherwise lies in /var/tmp."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("dvc-site-cache")))
