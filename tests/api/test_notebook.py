"""The notebook of the documents, cell by cell, in a clone; and that it is one, with nothing left over from a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.gitbuild import EPOCH, Commit, History, Tag, build

NOTEBOOK = Path(__file__).parents[2] / "docs" / "python.ipynb"


def test_notebook__cell_by_cell__runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "artifacts.yaml": "churn: {path: churn.pkl, type: model, metrics: metrics.json}\n",
        "churn.pkl": b"weights" * 100, "metrics.json": '{"accuracy": 0.93}',
    }  # fmt: skip
    tags = (Tag("churn@v1.0.0", "c0"), Tag("churn#prod#1", "c0", time=EPOCH + 60))
    build(here, History((Commit("c0", files=files),), tags, branches={"main": "c0"}), checkout=True)
    document = json.loads(NOTEBOOK.read_text())
    names: dict[str, object] = {}
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
    said = capsys.readouterr().out
    assert "churn v1.0.0 {'prod': 'v1.0.0'}" in said
    assert names["head"] == b"weightsweightswe"
    assert "chrun" in said, "the last cell shows an error"
