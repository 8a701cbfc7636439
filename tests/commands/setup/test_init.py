"""``init``: what a repository lacks is written once, whole, and passes validate; nothing that is there is touched."""

from __future__ import annotations

import json
import os
import pty
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.conftest import CommandLine
from tests.support.gitbuild import environment

POINTER = "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  size: 0\n  path: {name}\n"
ON_GITHUB = [f".github/workflows/tagline-{name}.yml" for name in ("review", "promote", "labels")]
ALL_ON_GITHUB = ["artifacts.yaml", ".tagline.yaml", *ON_GITHUB]


def dvc(*paths: str) -> dict[str, str]:
    """Pointers of DVC's to some files."""
    return {f"{path}.dvc": POINTER.format(name=json.dumps(path.rpartition("/")[2])) for path in paths}


class Repo:
    """A clone, and Tagline run in it."""

    def __init__(self, folder: Path, run: CommandLine) -> None:
        self.folder, self._run = folder, run

    def git(self, *arguments: str, **more: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        own = environment(HOME=str(self.folder.parent), **more)
        done = subprocess.run(command, capture_output=True, check=False, env=own, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "files")

    def init(self, *arguments: str, **variables: str):  # type: ignore[no-untyped-def]
        return self._run("init", *arguments, "--json", cwd=self.folder, **variables)

    def states(self, *arguments: str) -> dict[str, str]:
        said = self.init(*arguments)
        assert said.code == 0, said.err
        return {file["path"]: file["state"] for file in said.json["files"]}

    def findings(self) -> list[object]:
        """What validate finds in what is there by now."""
        self.git("add", "--all")
        return list(self._run.json("validate", cwd=self.folder)["findings"])

    def text(self, path: str) -> str:
        return (self.folder / path).read_text()

    def files(self) -> dict[str, bytes]:
        """Every file of the work tree."""
        found = (path for path in self.folder.rglob("*") if ".git" not in path.parts and path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def repo(tmp_path: Path, tagline: CommandLine) -> Repo:
    """A repository on main with two models in DVC."""
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Repo(folder, tagline)
    made.git("init", "--quiet", "--initial-branch=main")
    made.write({**dvc("models/churn.pkl", "models/fraud.onnx"), ".dvc/config": "[core]\nremote = s3\n"})
    return made


def test_init__two_models_in_dvc__all_is_written_and_valid(repo: Repo) -> None:
    assert repo.states("--forge", "github") == dict.fromkeys(ALL_ON_GITHUB, "written")
    assert repo.findings() == []
    assert yaml.safe_load(repo.text("artifacts.yaml")) == {
        "churn": {"path": "models/churn.pkl", "type": "model"},
        "fraud": {"path": "models/fraud.onnx", "type": "model"},
    }
    assert yaml.safe_load(repo.text(".tagline.yaml")) == {"stages": {"staging": {}, "prod": {}}}


def test_init__again__writes_nothing(repo: Repo) -> None:
    repo.init("--forge", "github")
    before = repo.files()
    assert repo.states("--forge", "github") == dict.fromkeys(ALL_ON_GITHUB, "there")
    assert repo.files() == before


def test_init__again_before_git_add__reads_what_it_wrote(repo: Repo) -> None:
    repo.init("--forge", "github", "--stages", "dev,live")
    said = repo.init("--forge", "github").json
    assert not any("No manifest names" in todo["what"] for todo in said["todo"])
    assert {file["state"] for file in said["files"]} == {"there"}


def test_init__what_people_have__is_told(repo: Repo, tagline: CommandLine) -> None:
    """What cannot be an entry, or is one by another name, or does not get into Git."""
    repo.write({
        **dvc("models/größe.pkl"), "models/broken.pkl.dvc": "outs: [\n", "models/empty.pkl.dvc": "",
        "far.dvc": POINTER.format(name="s3://bucket/far.pkl"), ".gitignore": "/artifacts.yaml\n",
    })  # fmt: skip
    said = repo.init("--forge", "github", "--dry-run").json
    assert {entry["path"]: entry["name"] for entry in said["artifacts"]} == {
        "models/churn.pkl": "churn", "models/fraud.onnx": "fraud", "models/größe.pkl": "gr-e",
    }  # fmt: skip
    todo = "\n".join(each["what"] for each in said["todo"])
    for words in (
        "gr-e (models/größe.pkl)", "models/broken.pkl.dvc, models/empty.pkl.dvc", "far.dvc",
        "git add --force artifacts.yaml",
    ):  # fmt: skip
        assert words in todo, todo
    assert "models/größe.pkl.dvc, named otherwise" in tagline("init", "--forge", "github", cwd=repo.folder).out


def test_init__a_manifest_with_flaws__says_what_and_what_it_lacks(repo: Repo) -> None:
    repo.write({"artifacts.yaml": "churn: {path: models/churn.pkl, lables: [x]}\nfraud: {description: No path}\n"})
    todo = [each["what"] for each in repo.init("--forge", "github").json["todo"]]
    assert any("artifacts.yaml, line 1: Unknown key 'lables'" in what for what in todo), todo
    assert any("Give their paths" in what and "fraud" in what for what in todo), todo


def test_init__dry_run__says_the_same_and_writes_nothing(repo: Repo) -> None:
    before = repo.files()
    dry = repo.init("--forge", "github", "--dry-run").json
    assert repo.files() == before
    assert {file["path"]: file["state"] for file in dry["files"]} == dict.fromkeys(ALL_ON_GITHUB, "missing")
    wet = repo.init("--forge", "github").json
    assert (dry["artifacts"], dry["todo"]) == (wet["artifacts"], wet["todo"])


@pytest.mark.parametrize("lost", ALL_ON_GITHUB)
def test_init__one_file_missing__writes_that_and_leaves_the_others(repo: Repo, lost: str) -> None:
    repo.init("--forge", "github")
    for name in repo.files():
        if name in ALL_ON_GITHUB and name != "artifacts.yaml":
            (repo.folder / name).write_text(f"# mine\n{repo.text(name)}")
    (repo.folder / lost).unlink()
    kept = {name: data for name, data in repo.files().items() if name != lost}
    repo.git("add", "--all")
    states = repo.states("--forge", "github")
    assert states == {name: "written" if name == lost else "there" for name in ALL_ON_GITHUB}
    assert {name: data for name, data in repo.files().items() if name != lost} == kept


def test_init__stages__are_the_policys_and_odd_ones_are_refused(repo: Repo) -> None:
    repo.init("--forge", "github", "--stages", "dev, qa/eu,prod")
    assert list(yaml.safe_load(repo.text(".tagline.yaml"))["stages"]) == ["dev", "qa/eu", "prod"]
    assert repo.findings() == []
    said = repo.init("--forge", "github", "--stages", "a,,b")
    assert (said.code, said.json["error"]["code"]) == (2, "bad-stages")


def test_init__stages_and_types_of_gto__are_kept_to(repo: Repo) -> None:
    repo.write({".gto": "stages: [dev, live]\ntypes: [net]\n"})
    said = repo.init("--forge", "github", "--stages", "prod")
    assert (said.code, said.json["error"]["code"]) == (2, "bad-stages")
    assert not (repo.folder / ".tagline.yaml").exists()
    repo.init("--forge", "github")
    assert list(yaml.safe_load(repo.text(".tagline.yaml"))["stages"]) == ["dev", "live"]
    assert repo.findings() == []


def test_init__odd_and_equal_names__are_valid_and_unique(repo: Repo) -> None:
    odd = (
        "a/model.pkl",
        "b/model.pkl",
        "c/Churn.pkl",
        "d/модель.pkl",
        "e/true.pt",
        "x/1.2.tar.gz",
        "data/artifacts.csv",
    )
    repo.write(dvc(*odd, "f/with space.pkl", 'g/"quoted".pkl', "h/#hash.pkl"))
    found = repo.init("--forge", "github").json["artifacts"]
    names = [entry["name"] for entry in found]
    assert len({name.casefold() for name in names}) == len(names) == 12
    assert {entry["path"]: entry["name"] for entry in found}["a/model.pkl"] == "a"
    assert repo.findings() == []


def test_init__outs_of_a_pipeline__models_and_data_are_entries_and_the_rest_is_not(repo: Repo) -> None:
    outs = ("models/net.pt", "data/clean.parquet", "plots/roc.png")
    lock = "".join(f"    - path: {path}\n      md5: d41d8cd98f00b204e9800998ecf8427e\n      size: 0\n" for path in outs)
    listed = "".join(f"      - {path}\n" for path in outs)
    repo.write({
        "dvc.yaml": f"stages:\n  train:\n    cmd: train\n    outs:\n{listed}",
        "dvc.lock": f"schema: '2.0'\nstages:\n  train:\n    cmd: train\n    outs:\n{lock}",
        "models/in-git.safetensors": "x",
        "tests/fixtures/tiny.pkl": "x",
    })  # fmt: skip
    found = {entry["path"]: entry["type"] for entry in repo.init("--forge", "github").json["artifacts"]}
    assert found == {
        "models/churn.pkl": "model", "models/fraud.onnx": "model", "models/net.pt": "model",
        "models/in-git.safetensors": "model", "data/clean.parquet": "dataset",
    }  # fmt: skip
    assert repo.findings() == []


@pytest.mark.parametrize(
    "manifest", [{"artifacts.yaml": "churn: {path: models/churn.pkl}\n"},
                 {"dvc.yaml": "artifacts:\n  churn: {path: models/churn.pkl}\n"}]
)  # fmt: skip
def test_init__a_manifest_is_there__stays_and_what_it_lacks_is_told(repo: Repo, manifest: dict[str, str]) -> None:
    repo.write(manifest)
    said = repo.init("--forge", "github").json
    ((name, text),) = manifest.items()
    assert said["files"][0] == {"path": name, "state": "there", "what": "the manifest"}
    assert repo.text(name) == text
    assert said["artifacts"] == []
    assert any("models/fraud.onnx" in todo["what"] for todo in said["todo"])
    assert repo.findings() == []


def test_init__an_empty_repository__gets_policy_and_workflows(repo: Repo) -> None:
    for name in ("models/churn.pkl.dvc", "models/fraud.onnx.dvc"):
        (repo.folder / name).unlink()
    repo.git("add", "--all")
    assert list(repo.states("--forge", "github")) == [".tagline.yaml", *ON_GITHUB]
    assert repo.findings() == []


def test_init__for_people__a_table_of_files_and_a_numbered_list(repo: Repo, tagline: CommandLine) -> None:
    (repo.folder / "deep" / "er").mkdir(parents=True)
    said = tagline("init", "--forge", "github", cwd=repo.folder / "deep" / "er")
    lines = said.out.splitlines()
    assert lines[1].split() == ["artifacts.yaml", "written", "the", "manifest:", "2", "artifacts"]
    assert "churn     model  models/churn.pkl   models/churn.pkl.dvc" in lines
    assert any(line.startswith(" 1. Look at the new files") for line in lines)
    assert lines[-1] == "5 files written."
    assert (repo.folder / "artifacts.yaml").exists(), "at the root, wherever one stands"
    assert tagline("init", "--forge", "github", cwd=repo.folder).out.splitlines()[-1] == "Nothing is missing."


@pytest.mark.parametrize("where", ["https://git.example.org/org/shop.git", "git@git.example.org:org/shop.git"])
def test_init__of_a_url__is_refused(repo: Repo, where: str) -> None:
    said = repo.init("--forge", "github", "--repo", where)
    assert (said.code, said.json["error"]["code"]) == (2, "usage")
    assert "Clone it" in said.json["error"]["hint"]


# -- pipelines ----------------------------------------------------------------


def test_init__workflows_under_other_names__are_seen(repo: Repo) -> None:
    text = "jobs: {r: {uses: tagline-dev/tagline/.github/workflows/review.yml@v1}}\n"
    repo.write({".github/workflows/ci.yaml": text})
    states = repo.states("--forge", "github")
    assert states[".github/workflows/ci.yaml"] == "there"
    assert ".github/workflows/tagline-review.yml" not in states


STEP = "jobs: {{j: {{steps: [{{uses: tagline-dev/tagline@v1, with: {{command: {}}}}}]}}}}\n"


def test_init__workflows_with_steps_of_their_own__are_seen_and_comments_are_not(repo: Repo) -> None:
    repo.write({
        ".github/workflows/mine.yml": STEP.format("promote"),
        ".github/workflows/hint.yml": "# tagline-dev/tagline/.github/workflows/review.yml@v1\njobs: {}\n",
        ".github/workflows/tagline-labels.yml": "jobs: {}\n",
        ".github/workflows/more.yml/x": "a folder\n",
    })  # fmt: skip
    said = repo.init("--forge", "github").json
    states = {file["path"]: file["state"] for file in said["files"]}
    assert states[".github/workflows/mine.yml"] == "there"
    assert states[ON_GITHUB[0]] == "written"
    assert ON_GITHUB[1] not in states
    assert any("tagline-labels.yml is there and does not run labels-sync" in todo["what"] for todo in said["todo"])


@pytest.mark.parametrize(
    ("forge", "path", "text"),
    [
        ("github", ".github/workflows/ci.yml", "jobs: {j: {uses: org/ci/.github/workflows/models.yml@v1}}\n"),
        ("gitlab", ".gitlab-ci.yml", "include: [{project: org/ci, file: models.yml}]\n"),
    ],
)
def test_init__pipelines_that_call_files_of_elsewhere__are_said_to_be_unread(
    repo: Repo, forge: str, path: str, text: str
) -> None:
    repo.write({path: text})
    todo = [one["what"] for one in repo.init("--forge", forge, "--dry-run").json["todo"]]
    assert any("call org/ci" in what and "was not read" in what for what in todo), todo


def test_init__gitlab_with_includes__are_read_and_only_what_is_missing_is_written(repo: Repo) -> None:
    promote = "include: [{component: $CI_SERVER_FQDN/tagline-dev/tagline/promote@1}]\n"
    repo.write({".gitlab-ci.yml": "include: [{local: 'ci/*.yml'}]\n", "ci/models.yml": promote})
    said = repo.init("--forge", "gitlab").json
    assert said["files"][-1]["path"] == ".gitlab/tagline.yml"
    included = [one["component"] for one in yaml.safe_load(repo.text(".gitlab/tagline.yml"))["include"]]
    assert [one.rpartition("/")[2] for one in included] == ["validate@1", "plan@1", "labels-sync@1"]
    again = repo.init("--forge", "gitlab").json
    assert (again["files"][-1]["state"], again["todo"][0]["what"][:6]) == ("there", "Add to")


def test_init__a_deployment_and_another_default_branch__are_in_the_workflows(repo: Repo) -> None:
    repo.git("branch", "--move", "trunk")
    repo.write({".github/workflows/deploy.yml": "on: {workflow_dispatch: {}}\njobs: {}\n"})
    repo.init("--forge", "github", "--stages", "dev,live")
    promote = yaml.safe_load(repo.text(ON_GITHUB[1]))
    assert promote[True]["push"]["branches"] == ["trunk"]
    assert promote["jobs"]["promote"]["with"] == {"deliver": "deploy.yml **#live#*"}
    assert promote["jobs"]["promote"]["permissions"]["actions"] == "write"


def test_init__a_deployment_called_yaml__is_started_too(repo: Repo) -> None:
    repo.write({".github/workflows/deploy.yaml": "on: [workflow_dispatch]\njobs: {}\n"})
    repo.init("--forge", "github")
    assert yaml.safe_load(repo.text(ON_GITHUB[1]))["jobs"]["promote"]["with"] == {"deliver": "deploy.yaml **#prod#*"}


@pytest.mark.parametrize(
    ("policy", "dispatch", "deliver"),
    [
        ("stages: {qa: {}, live: {after: [qa]}}\n", "on: {workflow_dispatch: {}}\n", "deploy.yml **#live#*"),
        ("stages: {prod: {}, qa: {}}\n", "on: {workflow_dispatch: {}}\n", "deploy.yml **#prod#*"),
        ("stages: {qa: {}, live: {}}\n", "on: {workflow_dispatch: {}}\n", None),
        ("stages: {prod: {}}\n", "on: push # no workflow_dispatch here\n", None),
    ],
)
def test_init__a_policy_is_there__its_last_stage_is_deployed_or_none(
    repo: Repo, policy: str, dispatch: str, deliver: str | None
) -> None:
    repo.write({".tagline.yaml": policy, ".github/workflows/deploy.yml": f"{dispatch}jobs: {{}}\n"})
    repo.init("--forge", "github", "--stages", "other")
    assert yaml.safe_load(repo.text(ON_GITHUB[1]))["jobs"]["promote"].get("with", {}).get("deliver") == deliver


def test_init__on_a_branch_of_a_repository_that_was_pushed__names_the_remotes_default(
    repo: Repo, tmp_path: Path
) -> None:
    repo.git("init", "--quiet", "--bare", "--initial-branch=trunk", str(tmp_path / "up.git"))
    repo.git("branch", "--move", "trunk")
    repo.git("remote", "add", "origin", str(tmp_path / "up.git"))
    repo.git("push", "--quiet", "origin", "trunk")
    repo.git("switch", "--quiet", "--create", "add-tagline")
    repo.init("--forge", "github")
    assert yaml.safe_load(repo.text(ON_GITHUB[1]))[True]["push"]["branches"] == ["trunk"]


def test_init__gitlab__one_pipeline_of_all_components(repo: Repo) -> None:
    assert list(repo.states("--forge", "gitlab"))[-1] == ".gitlab-ci.yml"
    included = [one["component"] for one in yaml.safe_load(repo.text(".gitlab-ci.yml"))["include"]]
    assert [one.rpartition("/")[2] for one in included] == ["validate@1", "plan@1", "promote@1", "labels-sync@1"]
    assert repo.states("--forge", "gitlab")[".gitlab-ci.yml"] == "there"


def test_init__gitlab_with_a_pipeline__writes_beside_and_says_the_line(repo: Repo) -> None:
    own = "test: {script: [make]}\n"
    repo.write({".gitlab-ci.yml": own})
    said = repo.init("--forge", "gitlab").json
    assert said["files"][-1] == {
        "path": ".gitlab/tagline.yml", "state": "written", "what": "the pipeline: validate, plan, promote, labels-sync"
    }  # fmt: skip
    assert repo.text(".gitlab-ci.yml") == own
    assert any("- local: .gitlab/tagline.yml" in todo["what"] for todo in said["todo"])
    repo.write({".gitlab-ci.yml": own + "include: [{local: .gitlab/tagline.yml}]\n"})
    again = repo.init("--forge", "gitlab").json
    assert again["files"][-1]["state"] == "there"
    assert not any("- local:" in todo["what"] for todo in again["todo"])


# -- whose forge ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "forge"),
    [
        ("https://github.com/org/shop.git", "github"), ("git@github.com:org/shop.git", "github"),
        ("https://user:secret@gitlab.com/group/sub/shop", "gitlab"), ("ssh://git@gitlab.com/org/shop.git", "gitlab"),
        ("https://gitlab.example.org/org/shop.git", None), ("https://github.com.example.org/org/shop.git", None),
        ("https://notgithub.com/org/shop", None),
    ],
)  # fmt: skip
def test_forge__of_a_remote__only_two_hosts_are_certain(repo: Repo, url: str, forge: str | None) -> None:
    repo.git("remote", "add", "origin", url)
    # No network here: what is asked of the remote fails at once, and the tags are said to be not compared.
    said = repo.init("--dry-run", https_proxy="http://127.0.0.1:9", GIT_SSH_COMMAND="false")
    if forge is None:
        assert (said.code, said.json["error"]["code"]) == (2, "which-forge")
        assert "--forge github" in said.json["error"]["hint"]
        assert set(repo.files()) == {".dvc/config", "models/churn.pkl.dvc", "models/fraud.onnx.dvc"}
        return
    assert (said.code, said.json["forge"]) == (0, forge)
    assert "secret" not in said.out + said.err
    pages = [todo["url"] for todo in said.json["todo"] if todo["url"] and f"{forge}.com/" in todo["url"]]
    assert any(page.endswith("settings/actions" if forge == "github" else "-/settings/ci_cd") for page in pages)


def test_forge__of_a_job__is_this_jobs(repo: Repo) -> None:
    said = repo.init("--dry-run", GITLAB_CI="true", CI_SERVER_URL="https://git.example.org")
    assert said.json["forge"] == "gitlab"


def test_forge__at_a_terminal__is_asked(repo: Repo) -> None:
    repo.git("remote", "add", "origin", "file:///nowhere")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(repo.folder)
        os.execve(sys.executable, [sys.executable, "-m", "tagline", "init"], environment(HOME=str(repo.folder.parent)))
    said = b""
    while b"[github/gitlab]" not in said:
        said += os.read(terminal, 1024)
    os.write(terminal, b"gitlab\n")
    try:
        while chunk := os.read(terminal, 4096):
            said += chunk
    except OSError:  # the terminal is closed with its last process
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
    assert (repo.folder / ".gitlab-ci.yml").exists()


# -- a repository that has history ------------------------------------------------


def _tag(repo: Repo, name: str, second: int) -> None:
    date = f"{1_700_000_000 + second} +0000"
    repo.git("tag", "--annotate", name, "--message", name, GIT_COMMITTER_DATE=date)


@pytest.fixture
def old(repo: Repo) -> Repo:
    """200 annotated tags as GTO writes them: 50 artifacts, three versions each, and who is in prod."""
    second = 0
    for number in range(50):
        for name in (f"m{number}@v0.0.1", f"m{number}@v0.0.2", f"m{number}@v0.0.3", f"m{number}#prod#1"):
            repo.write({"counter": str(second)}) if name.endswith(("2", "3")) else None
            _tag(repo, name, second)
            second += 60
    return repo


def test_init__200_old_tags__says_what_they_mean_and_keeps_their_stages(old: Repo) -> None:
    said = old.init("--forge", "github", "--stages", "live").json
    registry = said["registry"]
    assert (registry["tags"], len(registry["artifacts"]), registry["versions"]) == (200, 50, 150)
    assert len(registry["holders"]) == 50
    assert registry["holders"][0] == {"artifact": "m0", "stage": "prod", "version": "v0.0.3"}
    assert yaml.safe_load(old.text(".tagline.yaml"))["other_stages"] == "allow"
    # Artifacts that nobody describes are in the manifest too.
    assert set(registry["artifacts"]) < set(yaml.safe_load(old.text("artifacts.yaml")))
    assert old.findings() == []


def test_init__old_tags__without_stages__lists_theirs(old: Repo) -> None:
    old.init("--forge", "github")
    assert yaml.safe_load(old.text(".tagline.yaml")) == {"stages": {"prod": {}}}


def test_init__flawed_tags__are_told(repo: Repo, tmp_path: Path) -> None:
    _tag(repo, "churn@v0.0.1", 0)
    _tag(repo, "churn#prod#1", 60)
    _tag(repo, "churn#prod!#2", 60)
    repo.git("tag", "fraud@v0.0.1")
    repo.git("clone", "--quiet", "--bare", str(repo.folder), str(tmp_path / "origin.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    found = {warning["code"] for warning in repo.init("--forge", "github", "--dry-run").json["warnings"]}
    assert {"lightweight-tag", "same-second"} <= found
    # The remote's is another tag by now.
    repo.write({"x": "1"})
    repo.git("tag", "--force", "--annotate", "churn@v0.0.1", "--message", "moved")
    warnings = repo.init("--forge", "github", "--dry-run").json["warnings"]
    assert any(one["code"] == "not-compared" and "churn@v0.0.1" in one["message"] for one in warnings)


# -- safety -----------------------------------------------------------------------


@pytest.mark.parametrize("link", ["artifacts.yaml", ".tagline.yaml", ".github", ".github/workflows", ON_GITHUB[2]])
def test_init__a_link_in_the_way__is_refused_and_nothing_is_written(repo: Repo, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place = repo.folder / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside / "new" if "." in link.rpartition("/")[2][1:] else outside)
    before = repo.files()
    said = repo.init("--forge", "github")
    assert (said.code, said.json["error"]["code"]) == (2, "link-in-the-way")
    assert repo.files() == before
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", [".github", ".github/workflows", "artifacts.yaml/x", ".tagline.yaml/x"])
def test_init__a_file_for_a_folder_or_a_folder_for_a_file__is_refused_and_nothing_is_written(
    repo: Repo, path: str
) -> None:
    repo.write({path: "x"})
    before = repo.files()
    said = repo.init("--forge", "github")
    assert (said.code, said.json["error"]["code"]) == (2, "in-the-way")
    assert path.partition("/x")[0] in said.json["error"]["message"]
    assert repo.files() == before


def test_init__in_a_bare_repository__is_refused(repo: Repo, tmp_path: Path, tagline: CommandLine) -> None:
    repo.git("clone", "--quiet", "--bare", str(repo.folder), str(tmp_path / "bare.git"))
    said = tagline("init", "--forge", "github", "--json", cwd=tmp_path / "bare.git")
    assert (said.code, said.json["error"]["code"]) == (2, "bare-here")


def _child(repo: Repo) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tagline", "init", "--forge", "github"]
    own = environment(HOME=str(repo.folder.parent))
    return subprocess.Popen(command, cwd=repo.folder, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_init__killed_and_run_again__ends_with_whole_files(repo: Repo) -> None:
    seconds = random.Random(18)
    for _ in range(6):
        child = _child(repo)
        time.sleep(seconds.uniform(0.1, 1.2))
        child.kill()
        child.communicate()
        for path in ALL_ON_GITHUB:
            assert not (repo.folder / path).exists() or repo.text(path).endswith("\n")
    assert set(repo.states("--forge", "github")) == set(ALL_ON_GITHUB)
    assert repo.findings() == []
    # What a killed run leaves is no file of the repository's.
    assert repo.git("status", "--porcelain", "--untracked-files=all").count("tagline-init") == 0


def test_init__several_at_once__write_each_file_once(repo: Repo) -> None:
    runs = [_child(repo) for _ in range(4)]
    said = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0] * 4, said
    assert repo.findings() == []
    assert not list((repo.folder / ".git").glob("tagline-init-*"))
