"""``import mlflow --artifacts``: the bytes of versions go to DVC's remote, by a real MLflow server and real DVC."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, build, run_git
from tests.support.mlflowserver import MlflowServer, MlflowStub

BRANCH = "tagline-import-mlflow"
DVC = str(Path(sys.executable).parent / "dvc")
CONFIG = "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n"


@pytest.fixture
def clone(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose remote of DVC is a folder beside it, by a relative address."""
    files = {
        ".dvc/config": CONFIG,
        ".gitignore": "x\n",
        "models/.gitignore": "/other",
        "models/other.dvc": "outs: []\n",
    }
    build(here / "origin", History((Commit("c0", files=files),)), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    (here / "store").mkdir()
    monkeypatch.chdir(here / "clone")
    return here / "clone"


def _model(server: MlflowServer, *contents: bytes) -> str:
    """A registered model with a version for each content."""
    name = server.model(server.name("churn"))
    _add(server, name, *contents)
    return name


def _add(server: MlflowServer, name: str, *contents: bytes) -> None:
    for content in contents:
        run_id = server.run({"auc": 0.5}, {"lr": "0.1"})
        place = f"0/{run_id}/artifacts/model"
        for file, data in (("MLmodel", b"flavors: {}\n"), ("data/model.pkl", content)):
            url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{place}/{file}"
            with urllib.request.urlopen(urllib.request.Request(url, data, method="PUT"), timeout=30):
                pass
        body = {"name": name, "source": f"mlflow-artifacts:/{place}", "run_id": run_id}
        server.client.post("model-versions/create", body)


def test_import_artifacts__versions__are_fetched_from_dvcs_remote(
    clone: Path, tagline: CommandLine, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = _model(mlflow_server, b"one", b"two")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    said = tagline.json("import", "mlflow", "--model", f"{name}=churn", "--artifacts")
    assert [row["tag"] for row in said["tags"]] == ["churn@v1.0.0", "churn@v2.0.0"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody asks it any more
    for version, content in (("v1.0.0", b"one"), ("v2.0.0", b"two")):
        tagline.json("fetch", f"churn@{version}", "-o", f"../{version}")
        assert (clone.parent / version / "data" / "model.pkl").read_bytes() == content
        assert (clone.parent / version / "MLmodel").is_file()
    entry = yaml.safe_load(run_git(clone, "show", "churn@v1.0.0:artifacts.yaml"))["churn"]
    assert (entry["path"], "virtual" in entry) == ("models/churn", False)
    assert entry["custom"]["mlflow"]["source"].startswith("mlflow-artifacts:")
    assert entry["mlflow"]["params"] == {"lr": "0.1"}
    # DVC reads what was written, and the work tree has none of it.
    assert run_git(clone, "status", "--porcelain") == ""
    run_git(clone, "switch", "--quiet", BRANCH)
    assert run_git(clone, "show", f"{BRANCH}:models/.gitignore") == "/other\n/churn\n"
    assert run_git(clone, "show", f"{BRANCH}:models/other.dvc") == "outs: []\n"
    assert tagline("validate").code == 0
    subprocess.run([DVC, "pull", "--quiet", "models/churn.dvc"], cwd=clone, check=True, capture_output=True)
    assert (clone / "models" / "churn" / "data" / "model.pkl").read_bytes() == b"two"
    assert "models" not in run_git(clone, "status", "--porcelain")
    run_git(clone, "switch", "--quiet", "main")
    # The next version goes on from an entry whose bytes are here.
    _add(mlflow_server, name, b"three")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    said = tagline.json("import", "mlflow", "--model", f"{name}=churn", "--artifacts")
    assert ([row["tag"] for row in said["tags"]], said["warnings"]) == (["churn@v3.0.0"], [])
    assert run_git(clone, "show", f"{BRANCH}:models/.gitignore") == "/other\n/churn\n"


def test_import_artifacts__again_and_with_a_new_version__goes_on(
    clone: Path, tagline: CommandLine, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = _model(mlflow_server, b"one")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    ask = ("import", "mlflow", "--model", f"{name}=churn")
    # Without the option the bytes stay; with it, the next version has them.
    tagline.json(*ask)
    said = tagline("fetch", "churn", "-o", "../out", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "in-mlflow")
    assert "tagline import mlflow --artifacts" in said.json["error"]["hint"]
    mlflow_server.client.post("model-versions/create", {"name": name, "source": "s3://nowhere/x"})
    refused = tagline(*ask, "--artifacts", "--json", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y",
                      MLFLOW_S3_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")  # fmt: skip
    assert refused.json["error"]["code"] == "artifacts-not-brought"
    assert run_git(clone, "tag").split() == ["churn@v1.0.0"]
    planned = tagline.json(*ask, "--artifacts", "--dry-run")
    assert "path: models/churn" in planned["models"][0]["versions"][1]["entry"]
    again = tagline.json("import", "mlflow", "--model", f"{name}=churn2", "--artifacts", "--dry-run")
    assert len(again["tags"]) == 2


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"f": "x"}, "no-dvc"),
        ({".dvc/config": CONFIG, "models/churn.dvc": "outs: []\n"}, "import-path-taken"),
        ({".dvc/config": CONFIG, "models/churn": "x"}, "import-path-taken"),
    ],
)
def test_import_artifacts__nowhere_to_put_them__is_refused_before_anything(
    here: Path, tagline: CommandLine, mlflow_server: MlflowServer, files: dict[str, str], code: str
) -> None:
    name = mlflow_server.model(mlflow_server.name("churn"))
    mlflow_server.version(name, None)
    build(here / "r", History((Commit("c0", files=files),), branches={"main": "c0"}))
    ask = ("import", "mlflow", "--model", f"{name}=churn", "--artifacts", "--json", "--repo", str(here / "r"))
    for more in ((), ("--dry-run",)):
        said = tagline(*ask, *more, MLFLOW_TRACKING_URI=mlflow_server.url)
        assert said.json["error"]["code"] == code
    assert run_git(here / "r", "tag") == ""


def test_import_artifacts__login_in_the_address__is_wrong_usage(clone: Path, tagline: CommandLine) -> None:
    said = tagline("import", "mlflow", "--artifacts", "--tracking-uri", "http://me:sesame@127.0.0.1:9")
    assert said.code == 2
    assert "sesame" not in said.out + said.err


def test_import_artifacts__another_server_than_the_environment_s__gets_no_login(
    clone: Path, tagline: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_method: str, path: str, _body: bytes) -> object:
        return {
            "registered-models/search": {"registered_models": [{"name": "m"}]},
            "model-versions/search": {"model_versions": [{"name": "m", "version": "1", "status": "READY"}]},
        }.get(path.partition("/mlflow/")[2], (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}))

    # The programs have the environment of the process.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "sesame")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with MlflowStub(answer) as stub:
        said = tagline("import", "mlflow", "--artifacts", "--tracking-uri", stub.url, "--json")
    assert said.json["error"]["code"] == "artifacts-not-brought"
    agents = {headers.get("User-Agent", "") for _, _, headers, _ in stub.requests}
    assert any(agent.startswith("mlflow-python-client") for agent in agents)
    assert not [headers for _, _, headers, _ in stub.requests if "Authorization" in headers]
