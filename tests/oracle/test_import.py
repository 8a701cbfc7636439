"""What an import from MLflow writes, read by GTO: the tags, and the entries at their commits."""

from __future__ import annotations

from pathlib import Path

import gto.api
import pytest

from tagline.commands.mlflow.importing import Wanted, import_mlflow
from tagline.domain.mlflow.names import ListedVersion, RegisteredModel
from tagline.settings import Settings
from tagline.wiring.registry import Wiring
from tests.oracle.readers import ours, theirs
from tests.support.fake_registry import FakeRegistry
from tests.support.gitbuild import Commit, History, build, run_git

pytestmark = pytest.mark.oracle

HOSTILE = "q\"'\n: x {{ y }} # z\n::set-output name=a::b\n- 🦊 \u2028 \x1b[31m \x07\ttab \x85"


def test_import__read_by_gto__says_the_same_to_both(tmp_path: Path) -> None:
    build(tmp_path, History((Commit("c0", files={"artifacts.yaml": "mine: {path: f}\n", "f": "x"}),)), checkout=True)
    tags = {"team": "risk", "word": "", "k: v": HOSTILE}
    models = (
        RegisteredModel("a b", HOSTILE, tags, {"champion": 2, "x y": 3}),
        RegisteredModel("main.risk", aliases={"prod/eu": 1}),
    )
    versions = (
        *(
            ListedVersion("a b", number, f"1e{number}", f"s3://b/{number}: {{x}}", HOSTILE, created=1_600_000_000_000)
            for number in (1, 2, 3)
        ),
        *(ListedVersion("main.risk", number, stage="Staging", updated=-number) for number in (1, 10)),
    )
    registry = FakeRegistry(*models, versions=versions)
    registry.figures["1e2"] = {"a.b: c": 1e-07, "true": 3.0}
    wiring = Wiring(Settings(), repo=str(tmp_path))
    context, commits = wiring.context(push=False, dry_run=False), wiring.commits("imported", push=False, dry_run=False)
    import_mlflow(context, registry, commits, Wanted(["a b", "main.risk=main/risk"]))

    told = ours(tmp_path)
    assert told == theirs(tmp_path)
    assert told["a-b", "stages", "champion"] == "v2.0.0"
    assert told["main/risk", "stages", "staging"] == "v1.0.0"
    found = gto.api.describe(str(tmp_path), "a-b", rev="a-b@v2.0.0")
    assert found is not None
    assert (found.type, found.path, found.description, found.labels) == (
        "model", "s3://b/2: {x}", HOSTILE, ["team:risk", "word"],
    )  # fmt: skip
    assert found.custom["mlflow"]["tags"] == {"k: v": HOSTILE}
    run_git(tmp_path, "switch", "--quiet", "imported")
    assert gto.api.describe(str(tmp_path), "mine").path == "f"
