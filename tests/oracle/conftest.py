"""The oracles run in our process: what they keep must stay in the test's own folders."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def dvc_keeps_nothing(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    """DVC's site cache, which otherwise lies in /var/tmp."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("dvc-site-cache")))
