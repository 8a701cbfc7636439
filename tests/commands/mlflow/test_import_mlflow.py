"""``tagline import mlflow`` from a real MLflow server into real repositories."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, build, run_git
from tests.support.mlflowserver import MlflowServer

BRANCH = "tagline-import-mlflow"
HOSTILE = "q\"'\n: x {{ y }} # z\n::set-output name=a::b\n##[error]\n- 🦊 \u2028 \x1b[31m \x07\ttab"
MANIFEST = "# ours\n\nrf: {path: f}  # kept\n"


class Models:
    """A model on the server, and what tests do to it."""

    def __init__(self, server: MlflowServer, name: str) -> None:
        self.server, self.name = server, name
        self._post("registered-models/create", name=name)

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        return self.server.client.post(path, body)

    def version(self, metrics: dict[str, float] | None = None, source: str = "", **more: Any) -> str:
        """A new version; its run's id."""
        run_id = self.server.run(metrics or {"auc": 0.5})
        source = source or f"s3://models/{run_id}/artifacts"
        self._post("model-versions/create", name=self.name, source=source, run_id=run_id, **more)
        return run_id

    def describe(self, text: str, version: str = "") -> None:
        which = {"version": version} if version else {}
        path = f"{'model-versions' if version else 'registered-models'}/update"
        self.server.client.patch(path, {"name": self.name, "description": text, **which})

    def tag(self, key: str, value: str, version: str = "") -> None:
        if version:
            self._post("model-versions/set-tag", name=self.name, version=version, key=key, value=value)
        else:
            self._post("registered-models/set-tag", name=self.name, key=key, value=value)

    def alias(self, alias: str, version: str) -> None:
        self._post("registered-models/alias", name=self.name, alias=alias, version=version)

    def stage(self, version: str, stage: str) -> None:
        body = {"stage": stage, "archive_existing_versions": False}
        self._post("model-versions/transition-stage", name=self.name, version=version, **body)


@pytest.fixture
def models(mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Models:
    """A model with two versions; the environment names the server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    made = Models(mlflow_server, mlflow_server.name("churn"))
    made.version({"auc": 0.5})
    made.version({"auc": 0.75})
    return made


@pytest.fixture
def clone(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a bare remote with one commit; the test stands in it."""
    build(here / "origin", History((Commit("c0", files={"artifacts.yaml": MANIFEST, "f": "x"}),)), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    monkeypatch.chdir(here / "clone")
    return here / "clone"


def _tags(path: Path) -> list[str]:
    return run_git(path, "tag", "--sort=taggerdate").split()


def _branch(path: Path) -> str:
    return run_git(path, "rev-parse", "--verify", f"refs/heads/{BRANCH}").strip()


def _manifest(path: Path, revision: str) -> Any:
    return yaml.safe_load(run_git(path, "show", f"{revision}:artifacts.yaml"))


def test_import__versions_aliases_and_stages__are_entries_commits_and_tags(
    models: Models, clone: Path, tagline: CommandLine
) -> None:
    name = models.name
    models.describe("Who leaves")
    models.tag("team", "risk")
    models.alias("champion", "2")
    models.stage("1", "Production")
    said = tagline.json("import", "mlflow", "--model", name, "--stage", "Production=prod")

    assert said["models"][0]["stages"] == {
        "champion": {"from": "alias champion", "version": "2", "as": "v2.0.0", "created": True, "skipped": None},
        "prod": {"from": "stage Production", "version": "1", "as": "v1.0.0", "created": True, "skipped": None},
    }
    versions = said["models"][0]["versions"]
    assert [(row["version"], row["as"], row["created"]) for row in versions] == [
        ("1", "v1.0.0", True),
        ("2", "v2.0.0", True),
    ]
    made = _tags(clone)
    assert made[:2] == [f"{name}@v1.0.0", f"{name}@v2.0.0"]
    assert {tag.rpartition("#")[0] for tag in made[2:]} == {f"{name}#champion", f"{name}#prod"}
    assert (said["branch"], said["commit"], said["pushed"]) == (BRANCH, _branch(clone), False)
    shown = tagline.json("show", name)["artifacts"][name]
    assert {stage: row["version"] for stage, row in shown["stages"].items()} == {"champion": "v2.0.0", "prod": "v1.0.0"}
    # The entry of each version is at the tag's own commit.
    first, second = (tagline.json("resolve", f"{name}@{v}", "--no-storage") for v in ("v1.0.0", "v2.0.0"))
    assert first["uri"] != second["uri"]
    entry = _manifest(clone, f"{name}@v1.0.0")[name]
    assert entry["metrics"] == {"auc": 0.5}
    assert entry["mlflow"] == {
        "run_id": versions[0]["run_id"], "tracking_uri": models.server.url, "model": name, "version": 1, "params": {},
    }  # fmt: skip
    assert first["labels"] == ["team:risk"]
    assert first["description"] == "Who leaves"
    assert entry["path"] == first["uri"] == f"s3://models/{versions[0]['run_id']}/artifacts"
    messages = run_git(clone, "tag", "-l", "--format=%(contents)", f"{name}@v1.0.0")
    assert messages == f"Registering artifact {name} version v1.0.0\n\nImported-From: models:/{name}/1\n\n"
    # What was there stays, byte for byte.
    assert run_git(clone, "show", f"{BRANCH}:artifacts.yaml").startswith(MANIFEST)
    # And our own checks; what GTO says is in tests/oracle.
    run_git(clone, "switch", "--quiet", BRANCH)
    assert tagline("validate").code == 0


def test_import__parameters_and_metrics_of_runs__are_what_lineage_and_diff_show(
    models: Models, clone: Path, tagline: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lr in ("0.1", "0.2"):
        run_id = models.server.run({"auc": float(lr)}, {"lr": lr, "depth": "3"})
        models._post("model-versions/create", name=models.name, source=f"s3://m/{lr}", run_id=run_id)
    tagline.json("import", "mlflow", "--model", f"{models.name}=churn")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # Git alone knows it now
    shown = tagline.json("lineage", "churn@v3.0.0")
    assert [(p["name"], p["value"], p["file"]) for p in shown["parameters"]] == [
        ("depth", "3", "mlflow"), ("lr", "0.1", "mlflow"),
    ]  # fmt: skip
    assert [(m["name"], m["value"]) for m in shown["metrics"]] == [("auc", 0.1)]
    found = tagline.json("diff", "churn@v3.0.0", "churn@v4.0.0")
    assert [(p["name"], p["how"], p["before"], p["after"]) for p in found["parameters"]] == [
        ("lr", "changed", "0.1", "0.2")
    ]
    assert [(m["before"], m["after"]) for m in found["metrics"]] == [(0.1, 0.2)]
    assert "parameters" not in " ".join(found["not_compared"])
    # One without any differs from one that has some.
    found = tagline.json("diff", "churn@v1.0.0", "churn@v3.0.0")
    assert {(p["name"], p["how"]) for p in found["parameters"]} == {("lr", "added"), ("depth", "added")}


def test_import__again__makes_nothing_and_goes_on_with_new_versions(
    models: Models, clone: Path, tagline: CommandLine
) -> None:
    models.alias("champion", "1")
    ask = ("import", "mlflow", "--model", f"{models.name}=churn")
    tagline.json(*ask)
    before = run_git(clone, "for-each-ref")
    again = tagline.json(*ask)
    assert (again["tags"], again["commit"]) == ([], None)
    assert {row["skipped"] for row in again["models"][0]["versions"]} == {"registered already"}
    assert again["models"][0]["stages"]["champion"]["skipped"] == "it holds the stage already"
    assert run_git(clone, "for-each-ref") == before

    models.version()
    models.alias("champion", "3")
    third = tagline.json(*ask)
    assert [row["tag"] for row in third["tags"]] == ["churn@v3.0.0", "churn#champion#2"]
    assert run_git(clone, "log", "--format=%s", f"main..{BRANCH}").splitlines() == [
        "Import churn v3.0.0 from MLflow", "Import churn v2.0.0 from MLflow", "Import churn v1.0.0 from MLflow",
    ]  # fmt: skip
    assert "Previous: v1.0.0" in run_git(clone, "tag", "-l", "--format=%(contents)", "churn#champion#2")


def test_import__work_tree_index_and_head__are_not_touched(models: Models, clone: Path, tagline: CommandLine) -> None:
    (clone / "artifacts.yaml").write_text("mine: {}\n")
    (clone / "staged").write_text("x")
    run_git(clone, "add", "staged")
    index = (clone / ".git" / "index").read_bytes()
    head, status = run_git(clone, "rev-parse", "HEAD"), run_git(clone, "status", "--porcelain")
    tagline.json("import", "mlflow", "--model", models.name)
    assert (clone / ".git" / "index").read_bytes() == index
    assert (run_git(clone, "rev-parse", "HEAD"), run_git(clone, "status", "--porcelain")) == (head, status)
    assert (clone / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"


@pytest.mark.parametrize("push", ["--push", "--no-push"])
def test_import__dry_run__writes_nothing_and_shows_all(
    models: Models, clone: Path, tagline: CommandLine, push: str
) -> None:
    def everything() -> list[tuple[Path, int]]:
        return sorted((path, path.stat().st_mtime_ns) for path in (clone / ".git").rglob("*"))

    # A commit of the branch that is on the remote only has to be read too.
    other = clone.parent / "other"
    run_git(clone.parent, "clone", "--quiet", "origin", "other")
    run_git(other, "switch", "--quiet", "-c", BRANCH)
    run_git(other, "commit", "--quiet", "--allow-empty", "-m", "theirs")
    run_git(other, "push", "--quiet", "origin", BRANCH)
    models.alias("champion", "2")
    before, count = everything(), run_git(clone, "count-objects", "-v")
    refs = run_git(clone.parent / "origin", "for-each-ref")
    said = tagline.json("import", "mlflow", "--model", models.name, "--dry-run", push)
    assert (said["dry_run"], said["pushed"], said["commit"]) == (True, False, None)
    assert [(row["event"], row["created"], row["commit"]) for row in said["tags"]] == [
        ("registration", False, None), ("registration", False, None), ("assignment", False, None),
    ]  # fmt: skip
    entry = yaml.safe_load(said["models"][0]["versions"][1]["entry"])
    assert entry[models.name]["metrics"] == {"auc": 0.75}
    assert (everything(), run_git(clone, "count-objects", "-v")) == (before, count)
    assert run_git(clone.parent / "origin", "for-each-ref") == refs
    assert "nothing was written" in tagline("import", "mlflow", "--model", models.name, "--dry-run", push).out


def test_import__push__branch_and_tags_are_on_the_remote(models: Models, clone: Path, tagline: CommandLine) -> None:
    models.alias("champion", "2")
    said = tagline.json("import", "mlflow", "--model", models.name, "--push")
    assert said["pushed"] is True
    origin = clone.parent / "origin"
    assert _branch(origin) == _branch(clone) == said["commit"]
    assert set(_tags(origin)) == set(_tags(clone)) == {row["tag"] for row in said["tags"]}
    # A new clone, as CI has it, goes on from there.
    models.version()
    run_git(clone.parent, "clone", "--quiet", "origin", "fresh")
    fresh = clone.parent / "fresh"
    third = tagline.json("import", "mlflow", "--model", models.name, cwd=fresh, CI="true")
    assert [row["tag"] for row in third["tags"]] == [f"{models.name}@v3.0.0"]
    assert run_git(origin, "rev-parse", f"{BRANCH}~1").strip() == said["commit"]


def test_import__hostile_text__is_data_everywhere(models: Models, clone: Path, tagline: CommandLine) -> None:
    model = Models(models.server, models.server.name("a b\"'é🦊 \n##[error]x "))
    figures = {"a.b/c d": 1e-7, "x: y": 3, "nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
    model.version(figures, source="s3://b/a b: {{ c }} #d")
    for version in ("", "1"):
        model.describe(HOSTILE, version)
        model.tag("k: v/w", HOSTILE, version)
        model.tag("word", "", version)
    ask = ("import", "mlflow", "--model", f"{model.name}=nasty")
    text = tagline(*ask)
    assert text.code == 0
    assert not [line for line in text.out.splitlines() if line.lstrip().startswith("::")]
    assert "\x1b" not in text.out
    entry = _manifest(clone, "nasty@v1.0.0")["nasty"]
    assert entry["description"] == entry["custom"]["mlflow"]["description"] == HOSTILE
    assert entry["custom"]["mlflow"]["tags"] == {"k: v/w": HOSTILE}
    assert entry["labels"] == ["word"]
    assert entry["metrics"] == {"a.b/c d": 1e-7, "x: y": 3.0}
    assert entry["path"] == "s3://b/a b: {{ c }} #d"
    assert entry["mlflow"]["model"] == model.name
    trailers = tagline.json("history", "nasty")["events"][0]["trailers"]
    assert list(trailers) == ["Imported-From"]
    assert tagline.json("resolve", "nasty", "--no-storage")["description"] == HOSTILE
    run_git(clone, "switch", "--quiet", BRANCH)
    assert tagline("validate").code == 0
    # The name alone, without ours, becomes one of the grammar.
    said = tagline.json("import", "mlflow", "--model", model.name, "--dry-run", "--branch", "b2")
    assert said["models"][0]["artifact"].startswith("a-b-error-x-")


def test_import__logged_model_of_mlflow_3__path_is_where_its_bytes_are(
    models: Models, clone: Path, tagline: CommandLine
) -> None:
    client = models.server.client
    logged = client.post("logged-models", {"experiment_id": "0", "name": "m"})["model"]["info"]
    client.patch(f"logged-models/{logged['model_id']}", {"model_id": logged["model_id"], "status": 2})
    source = f"models:/{logged['model_id']}"
    models._post("model-versions/create", name=models.name, source=source, model_id=logged["model_id"])
    tagline.json("import", "mlflow", "--model", f"{models.name}=churn")
    entry = _manifest(clone, "churn@v3.0.0")["churn"]
    assert entry["path"] == logged["artifact_uri"].replace("mlflow-artifacts:/", "mlflow-artifacts:///")
    assert (entry["mlflow"]["version"], "run_id" in entry["mlflow"]) == (3, False)
    run_git(clone, "switch", "--quiet", BRANCH)
    assert tagline("validate").code == 0


def _start(clone: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tagline", *arguments], cwd=clone, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def test_import__killed_anywhere_or_beside_another__the_next_run_makes_exactly_what_one_would(
    models: Models, clone: Path, tagline: CommandLine
) -> None:
    """A branch before tags: whatever a run died at, each version has one commit and one tag."""
    models.alias("champion", "2")
    ask = ("import", "mlflow", "--model", f"{models.name}=churn")
    for seconds in (0.2, 0.4, 0.7, 1.0, 1.4):
        child = _start(clone, *ask)
        time.sleep(seconds)
        child.kill()
        child.wait()
    both = [_start(clone, *ask) for _ in range(2)]
    assert {child.wait(timeout=120) for child in both} <= {0, 1, 5}
    assert tagline(*ask).code == 0
    assert sorted(_tags(clone)) == ["churn#champion#1", "churn@v1.0.0", "churn@v2.0.0"]
    subjects = run_git(clone, "log", "--format=%s", f"main..{BRANCH}").splitlines()
    assert subjects == ["Import churn v2.0.0 from MLflow", "Import churn v1.0.0 from MLflow"]
    for version, subject in zip(("v2.0.0", "v1.0.0"), subjects, strict=True):
        assert run_git(clone, "log", "-1", "--format=%s", f"churn@{version}").strip() == subject
    assert not list((clone / ".git").rglob("*.lock"))
    before = run_git(clone, "for-each-ref")
    assert tagline.json(*ask)["tags"] == []
    assert run_git(clone, "for-each-ref") == before
