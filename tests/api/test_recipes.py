"""The recipes of docs/python.md as they stand there, on models that the libraries themselves saved.

ONNX's alone is not run here: its runtime is no dependency of the tests, for one line. The page says when it was.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.gitbuild import EPOCH, Commit, History, Tag, build

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
#: What the documents call the registry.
REPO = "https://github.com/org/shop"
ROWS = [[0.0], [1.0], [9.0], [10.0]]


def recipe(library: str, registry: Path) -> dict[str, Any]:
    """The names that a recipe leaves."""
    text = PAGE.read_text().split("## Recipes")[1]
    (block,) = (one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if one.startswith(f"# {library}"))
    names: dict[str, Any] = {}
    exec("import tagline", names)
    exec(compile(block.replace(REPO, registry.as_uri()), str(PAGE), "exec"), names)
    return names


@pytest.fixture
def trained() -> Any:
    from sklearn.linear_model import LogisticRegression  # here: it takes long, and others collect this file

    return LogisticRegression().fit(ROWS, [0, 0, 1, 1])


def registry_of(folder: Path, files: dict[str, bytes], path: str) -> Path:
    """A registry whose prod of churn a merged change promoted."""
    change = "m\n\nChange: https://example.org/1\n"
    tags = (
        Tag("churn@v1.0.0", "c0", message=change),
        Tag("churn#prod#1", "c0", time=EPOCH + 60, message=change),
    )
    manifest = f"churn: {{path: {path}, type: model}}\n"
    build(folder, History((Commit("c0", files={"artifacts.yaml": manifest, **files}),), tags, branches={"main": "c0"}))
    return folder


def test_recipe__scikit_learn__loads_a_model_that_predicts(trained: Any, here: Path) -> None:
    import joblib

    saved = io.BytesIO()
    joblib.dump(trained, saved)
    names = recipe("scikit-learn", registry_of(here / "shop", {"churn.pkl": saved.getvalue()}, "churn.pkl"))
    assert names["model"].predict(ROWS).tolist() == [0, 0, 1, 1]


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_recipe__mlflow__loads_a_model_from_a_fetched_folder(trained: Any, here: Path) -> None:
    import mlflow.sklearn
    import numpy

    saved = here / "saved"
    mlflow.sklearn.save_model(trained, saved, pip_requirements=["scikit-learn"])
    files = {f"churn/{file.relative_to(saved)}": file.read_bytes() for file in saved.rglob("*") if file.is_file()}
    names = recipe("MLflow", registry_of(here / "shop", files, "churn"))
    assert list(names["model"].predict(numpy.array(ROWS))) == [0, 0, 1, 1]
