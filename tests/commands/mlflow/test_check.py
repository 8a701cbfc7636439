"""``validate --check-mlflow`` as a user runs it, on a real MLflow server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import CommandLine, Said
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git
from tests.support.mlflowserver import MlflowServer


def _validate(tagline: CommandLine, folder: Path, files: dict[str, str], url: str | None, *more: str) -> Said:
    build(folder, History((Commit("c0", files=files),)), checkout=True)
    variables = {"MLFLOW_TRACKING_URI": url} if url else {}
    return tagline("validate", "--check-mlflow", "--json", *more, "--repo", str(folder), **variables)


def _found(said: Said) -> list[tuple[str, int, int]]:
    return [(row["rule"], row["line"], row["column"]) for row in said.json["findings"]]


def test_check_mlflow__run_and_version_are_there__no_findings(
    tagline: CommandLine, tmp_path: Path, mlflow_server: MlflowServer
):
    run_id, model = mlflow_server.run({"auc": 0.9}), mlflow_server.model()
    mlflow_server.version(model, run_id)
    text = f"a:\n  metrics: {{auc: 0.9}}\n  mlflow: {{run_id: {run_id}, model: {model}, version: 1}}\nb: {{}}\n"
    said = _validate(tagline, tmp_path / "r", {"artifacts.yaml": text}, mlflow_server.url)
    assert (said.code, _found(said)) == (0, [])


def test_check_mlflow__missing_and_different__findings_at_the_entry(
    tagline: CommandLine, tmp_path: Path, mlflow_server: MlflowServer
):
    run_id, other, model = mlflow_server.run({"auc": 0.5}), mlflow_server.run(), mlflow_server.model()
    mlflow_server.version(model, other)
    text = (
        f"gone:\n  mlflow: {{run_id: {'f' * 32}}}\n"
        f"differs:\n  metrics: {{auc: 0.9}}\n  mlflow:\n    run_id: {run_id}\n"
        f"version:\n  mlflow: {{run_id: {run_id}, model: {model}, version: 99}}\n"
        f"others:\n  mlflow: {{run_id: {run_id}, model: {model}, version: '1'}}\n"
        f"none:\n  mlflow: {{run_id: {run_id}, model: {model}}}\n"
    )
    said = _validate(tagline, tmp_path / "r", {"artifacts.yaml": text}, mlflow_server.url)
    assert said.code == 1
    assert _found(said) == [
        ("mlflow-run-missing", 2, 11),
        ("mlflow-metrics-differ", 6, 5),
        ("mlflow-run-missing", 8, 11),
        ("mlflow-metrics-differ", 10, 11),
        ("mlflow-unknown", 12, 11),
    ]


def test_check_mlflow__in_dvc_yaml__the_finding_is_at_our_field(
    tagline: CommandLine, tmp_path: Path, mlflow_server: MlflowServer
):
    text = f"artifacts:\n  a:\n    path: m\n    meta:\n      tagline:\n        mlflow: {{run_id: {'f' * 32}}}\n"
    said = _validate(tagline, tmp_path / "r", {"dvc.yaml": text, "m": "x"}, mlflow_server.url)
    assert _found(said) == [("mlflow-run-missing", 6, 17)]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "MLFLOW_TRACKING_URI is not set"),
        ("sqlite:///sesame.db", "no http(s) address (sqlite:...)"),
        ("http://me:sesame@127.0.0.1:9", "cannot be reached"),
        ("http://other.invalid", "the manifest names http://127.0.0.1:9/, this job's MLflow is http://other.invalid"),
    ],
)
def test_check_mlflow__cannot_be_asked__is_a_warning_without_secrets(
    tagline: CommandLine, tmp_path: Path, url: str | None, words: str
):
    text = "a:\n  mlflow: {run_id: r, tracking_uri: 'http://127.0.0.1:9/'}\n"
    said = _validate(tagline, tmp_path / "r", {"artifacts.yaml": text}, url)
    assert (said.code, _found(said)) == (0, [("mlflow-unknown", 2, 11)])
    assert words in said.json["findings"][0]["message"]
    assert "sesame" not in said.out + said.err


def _held(folder: Path, first: str, now: str) -> None:
    """v1.0.0 of ``a`` holds prod and eu; ``now`` is the manifest of the newest commit."""
    commits = (Commit("c0", files={"artifacts.yaml": first}), Commit("c1", ("c0",), {"artifacts.yaml": now}))
    tags = (Tag("a@v1.0.0", "c0"), Tag("a#prod#1", "c0", EPOCH + 9), Tag("a#eu#2", "c0", EPOCH + 10))
    build(folder, History(commits, tags, {"main": "c1"}), checkout=True)


@pytest.mark.parametrize("asked", [(), ("artifacts.yaml",)])
@pytest.mark.parametrize("now", ["# new\n\na:\n  mlflow: {run_id: RUN}\n", "b: {}\n"])
def test_check_mlflow__version_that_holds_a_stage__is_looked_at_too(
    tagline: CommandLine, here: Path, mlflow_server: MlflowServer, now: str, asked: tuple[str, ...]
):
    _held(here / "r", f"a: {{mlflow: {{run_id: {'f' * 32}}}}}\n", now.replace("RUN", mlflow_server.run()))
    ask = ("validate", "--check-mlflow", "--json", "--repo", str(here / "r"), *asked)
    said = tagline(*ask, MLFLOW_TRACKING_URI=mlflow_server.url)
    gone = now.startswith("b")
    if asked and gone:  # another file's
        assert (said.code, _found(said)) == (0, [])
        return
    assert _found(said) == [("mlflow-run-missing", 1, 1) if gone else ("mlflow-run-missing", 4, 11)]
    assert said.json["findings"][0]["message"].startswith("a v1.0.0, which eu, prod holds: the MLflow run ffff")
    assert said.code == 1


def test_check_mlflow__what_the_work_tree_names_as_well__is_told_once(
    tagline: CommandLine, here: Path, mlflow_server: MlflowServer
):
    text = f"a: {{mlflow: {{run_id: {'f' * 32}}}}}\n"
    _held(here / "r", text, f"# new\n{text}")
    said = tagline(
        "validate", "--check-mlflow", "--json", "--repo", str(here / "r"), MLFLOW_TRACKING_URI=mlflow_server.url
    )
    assert _found(said) == [("mlflow-run-missing", 2, 13)]


def test_check_mlflow__tags_that_cannot_be_trusted__is_a_warning(tagline: CommandLine, here: Path):
    _held(here / "r", "a: {}\n", "a: {}\n# new\n")
    run_git(here, "clone", "--quiet", "--depth=1", (here / "r").as_uri(), "shallow")
    run_git(here / "shallow", "remote", "remove", "origin")
    said = tagline("validate", "--check-mlflow", "--json", "--repo", str(here / "shallow"))
    assert (said.code, _found(said)) == (0, [("mlflow-unknown", 1, 1)])
    assert "Nobody could look at what holds stages" in said.json["findings"][0]["message"]


def test_check_mlflow__not_asked_for__asks_nobody(tagline: CommandLine, tmp_path: Path):
    build(
        tmp_path / "r", History((Commit("c0", files={"artifacts.yaml": "a: {mlflow: {run_id: r}}\n"}),)), checkout=True
    )
    assert tagline("validate", "--json", "--repo", str(tmp_path / "r")).json["findings"] == []
