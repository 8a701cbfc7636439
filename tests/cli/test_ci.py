"""``tagline ci`` as a runner starts it: inputs by environment, outputs by the runner's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.ledger.test_reading import COMMITS, TAGS
from tests.conftest import CommandLine
from tests.render.runner.test_outputs import as_github_reads, as_gitlab_reads
from tests.support.gitbuild import Commit, History, Tag, build, run_git

BROKEN = "churn:\n  path: m\n  pth: x\n"


@pytest.fixture
def shop(here: Path) -> Path:
    build(here / "shop", History(COMMITS, TAGS, {"main": "c1"}), checkout=True)
    return here / "shop"


@pytest.fixture
def broken(here: Path) -> Path:
    files = {"artifacts.yaml": BROKEN, "m": "x"}
    build(here / "broken", History((Commit("c0", files=files),), ()), checkout=True)
    return here / "broken"


@pytest.fixture
def github(here: Path) -> dict[str, str]:
    (here / "output").touch()
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(here / "output"),
        "GITHUB_STEP_SUMMARY": str(here / "summary"),
    }


def _outputs(github: dict[str, str]) -> dict[str, str]:
    return as_github_reads(Path(github["GITHUB_OUTPUT"]).read_text())


def test_github__resolve__outputs_and_summary(shop: Path, github: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("ci", cwd=shop, TAGLINE_COMMAND="resolve", TAGLINE_TARGET="rf#prod", **github)
    assert said.code == 0, said.out
    values = _outputs(github)
    assert (values["name"], values["version"], values["stage"]) == ("rf", "v1.1.0", "prod")
    assert values["digest"].startswith("gitblob:")
    assert json.loads(values["json"])["artifact"] == "rf"
    assert "`rf`" in Path(github["GITHUB_STEP_SUMMARY"]).read_text()
    assert "rf#prod" in said.out


def test_github__check_ref__gto_actions_outputs(shop: Path, github: dict[str, str], tagline: CommandLine) -> None:
    run_git(shop, "remote", "add", "origin", str(shop))
    said = tagline("ci", "check-ref", cwd=shop, GITHUB_REF="refs/tags/rf#prod#1", **github)
    assert said.code == 0, said.out
    values = _outputs(github)
    assert (values["event"], values["name"], values["stage"]) == ("assignment", "rf", "prod")


def test_github__no_registry_tag__empty_outputs(shop: Path, github: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("ci", "check-ref", cwd=shop, GITHUB_REF="refs/tags/v1.0.0", **github)
    values = _outputs(github)
    assert (said.code, values["event"], values["name"], values["current"]) == (0, "", "", "false")


def test_github__validate__annotations_and_a_table(broken: Path, github: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("ci", "validate", cwd=broken, **github)
    assert said.code == 1
    assert said.out.startswith("::error file=artifacts.yaml,line=3,col=3,title=tagline%3A unknown-key::Unknown key")
    assert not json.loads(_outputs(github)["json"])["ok"]
    assert "| `artifacts.yaml:3:3` | error |" in Path(github["GITHUB_STEP_SUMMARY"]).read_text()


def test_github__failure__one_annotation_and_the_error_as_output(
    shop: Path, github: dict[str, str], tagline: CommandLine
) -> None:
    said = tagline("ci", "resolve", cwd=shop, TAGLINE_TARGET="nobody#prod", **github)
    assert said.code == 6
    assert said.out.startswith("::error title=tagline%3A unknown-artifact::")
    assert "%0AFix: " in said.out
    assert said.err == ""
    values = _outputs(github)
    assert json.loads(values["json"])["error"]["code"] == "unknown-artifact"
    assert values["version"] == ""
    assert "❌" in Path(github["GITHUB_STEP_SUMMARY"]).read_text()


@pytest.mark.parametrize("named", [None, "/proc/nobody/output"])
def test_github__outputs_have_no_place__refused(
    shop: Path, github: dict[str, str], tagline: CommandLine, named: str | None
) -> None:
    environ = {**github, "GITHUB_OUTPUT": named or ""}
    said = tagline("ci", "fetch", cwd=shop, TAGLINE_TARGET="rf", TAGLINE_DEST="model", **environ)
    assert said.code == 4
    assert "no-outputs" in said.out
    assert not (shop / "model").exists()


def test_github__dest_outside_the_container__refused(shop: Path, github: dict[str, str], tagline: CommandLine) -> None:
    container = {**github, "GITHUB_WORKSPACE": "/github/workspace"}
    said = tagline("ci", "fetch", cwd=shop, TAGLINE_TARGET="rf", TAGLINE_DEST="/tmp/model", **container)
    assert (said.code, "outside the workspace" in said.out) == (2, True)
    assert not Path("/tmp/model").exists()
    sideways = "/github/workspace/../../tmp/model"
    assert tagline("ci", "fetch", cwd=shop, TAGLINE_TARGET="rf", TAGLINE_DEST=sideways, **container).code == 2
    said = tagline("ci", "fetch", cwd=shop, TAGLINE_TARGET="rf", TAGLINE_DEST="out/model", **container)
    assert (said.code, (shop / "out" / "model").exists()) == (0, True)


def test_github__lineage_into_a_file_outside_the_container__refused(
    shop: Path, github: dict[str, str], tagline: CommandLine
) -> None:
    environ = {**github, "GITHUB_WORKSPACE": "/github/workspace", "TAGLINE_TARGET": "rf"}
    outside = shop.parent / "lineage.txt"
    said = tagline("ci", "lineage", cwd=shop, TAGLINE_DEST=str(outside), **environ)
    assert (said.code, "outside the workspace" in said.out, outside.exists()) == (2, True, False)


def test_github__pin_and_fetch_locked__a_lock_in_the_workspace_and_what_it_names(
    shop: Path, github: dict[str, str], tagline: CommandLine
) -> None:
    environ = {**github, "TAGLINE_TARGET": "rf#prod", "TAGLINE_REPO": shop.as_uri()}
    (shop / "away").symlink_to(shop.parent)
    outside = shop.parent / "x.lock"
    for lock in ("../x.lock", "away/x.lock"):
        said = tagline("ci", "pin", cwd=shop, TAGLINE_LOCK_FILE=lock, **environ)
        assert (said.code, "lock-file is" in said.out, outside.exists()) == (2, True, False), said.out
    assert tagline("ci", "pin", cwd=shop, TAGLINE_LOCK_FILE="x.lock", **environ).code == 0
    assert json.loads(_outputs(github)["json"])["changed"][0]["name"] == "rf"

    environ = {**github, "TAGLINE_TARGET": "rf", "TAGLINE_LOCKED": "true", "TAGLINE_LOCK_FILE": "x.lock"}
    # GitLab's component says so where nobody said anything.
    said = tagline("ci", "fetch", cwd=shop, TAGLINE_DEST="model", TAGLINE_IF_SUPERSEDED="fail", **environ)
    assert (said.code, (shop / "model").exists()) == (0, True), said.out
    assert (_outputs(github)["version"], _outputs(github)["tag"]) == ("v1.1.0", "rf#prod#2")
    said = tagline("fetch", "--locked", "rf", "--file", "x.lock", "-o", "other", "--if-superseded", "fail", cwd=shop)
    assert (said.code, (shop / "other").exists()) == (2, False)
    for command in ("resolve", "pin"):  # to them it means nothing
        said = tagline("ci", command, cwd=shop, **{**environ, "TAGLINE_LOCK_FILE": ""})
        assert (said.code, "locked means nothing" in said.out) == (2, True), said.out


def test_github__lineage__outputs_the_log_and_all_of_it_in_the_summary(
    shop: Path, github: dict[str, str], tagline: CommandLine
) -> None:
    said = tagline("ci", cwd=shop, TAGLINE_COMMAND="lineage", TAGLINE_TARGET="rf#prod", **github)
    assert said.code == 0, said.out
    values = _outputs(github)
    assert (values["name"], values["version"], values["stage"]) == ("rf", "v1.1.0", "prod")
    assert (values["tag"], values["commit"]) == ("rf#prod#2", run_git(shop, "rev-parse", "main").strip())
    assert values["digest"].startswith("gitblob:")
    document = json.loads(values["json"])
    assert document["record"][0]["event"] == "registration"
    assert values["digest"] in said.out
    summary = Path(github["GITHUB_STEP_SUMMARY"]).read_text()
    assert summary.count("#### `rf` `v1.1.0`") == 1
    assert "<summary>Everything behind it</summary>" in summary
    assert "| version | `v1.1.0` |" in summary


def test_github__lineage_of_the_jobs_tag_into_a_file__its_document_and_the_same_summary(
    shop: Path, github: dict[str, str], tagline: CommandLine
) -> None:
    environ = {**github, "GITHUB_REF": "refs/tags/rf@v1.0.0", "TAGLINE_FORMAT": "in-toto", "TAGLINE_DEST": "rf.json"}
    said = tagline("ci", "lineage", cwd=shop, **environ)
    assert (said.code, said.out) == (0, "Written to rf.json.\n")
    statement = json.loads((shop / "rf.json").read_text())
    assert statement["subject"][0]["name"] == "rf@v1.0.0"
    assert "Everything behind it" in Path(github["GITHUB_STEP_SUMMARY"]).read_text()
    assert (_outputs(github)["version"], _outputs(github)["tag"]) == ("v1.0.0", "rf@v1.0.0")


def test_github__lineage_of_no_version__refused_and_nothing_written(
    shop: Path, github: dict[str, str], tagline: CommandLine
) -> None:
    said = tagline("ci", "lineage", cwd=shop, TAGLINE_TARGET="rf@v9.0.0", TAGLINE_DEST="rf.txt", **github)
    assert (said.code, (shop / "rf.txt").exists()) == (6, False)
    assert "error" in json.loads(_outputs(github)["json"])
    assert "Everything behind it" not in Path(github["GITHUB_STEP_SUMMARY"]).read_text()


def _dotenv(folder: Path) -> dict[str, str]:
    return as_gitlab_reads((folder / "tagline.env").read_text())


def test_gitlab__fetch__dotenv_document_and_links(shop: Path, tagline: CommandLine) -> None:
    environ = {"GITLAB_CI": "true", "TAGLINE_DOTENV_PREFIX": "churn_"}
    run_git(shop, "remote", "add", "origin", str(shop))
    said = tagline("ci", "fetch", cwd=shop, TAGLINE_TARGET="rf#prod", TAGLINE_DEST="model", **environ)
    assert said.code == 0, said.err
    assert _dotenv(shop)["churn_VERSION"] == "v1.1.0"
    assert json.loads((shop / "tagline.json").read_text())["fetched"] is True
    assert json.loads((shop / "tagline-annotations.json").read_text()) == {"Tagline": []}
    assert (shop / "model").exists()


def test_gitlab__command_by_a_variable__has_its_outputs_too(shop: Path, tagline: CommandLine) -> None:
    run_git(shop, "remote", "add", "origin", str(shop))
    said = tagline("ci", cwd=shop, GITLAB_CI="true", TAGLINE_COMMAND="resolve", TAGLINE_TARGET="rf#prod")
    assert said.code == 0, said.err
    assert _dotenv(shop)["TAGLINE_VERSION"] == "v1.1.0"


def test_gitlab__lineage__dotenv_document_and_report(shop: Path, tagline: CommandLine) -> None:
    run_git(shop, "remote", "add", "origin", str(shop))
    environ = {"TAGLINE_TARGET": "rf#prod", "TAGLINE_FORMAT": "cyclonedx", "TAGLINE_DEST": "bom.cdx.json"}
    (shop / "tagline-report.md").write_text("Of an earlier job.\n")
    said = tagline("ci", "lineage", cwd=shop, GITLAB_CI="true", TAGLINE_DOTENV_PREFIX="BOM_", **environ)
    assert (said.code, said.out) == (0, "Written to bom.cdx.json.\n"), said.err
    assert (_dotenv(shop)["BOM_NAME"], _dotenv(shop)["BOM_VERSION"], _dotenv(shop)["BOM_STAGE"]) == (
        "rf", "v1.1.0", "prod",
    )  # fmt: skip
    document = json.loads((shop / "tagline.json").read_text())
    assert (document["artifact"], document["commit"]) == ("rf", _dotenv(shop)["BOM_COMMIT"])
    report = (shop / "tagline-report.md").read_text()
    assert report.startswith("#### `rf` `v1.1.0`")
    assert "Everything behind it" in report
    assert json.loads((shop / "bom.cdx.json").read_text())["metadata"]["component"]["version"] == "v1.1.0"


def test_gitlab__lineage_that_fails__no_report_of_an_earlier_job(shop: Path, tagline: CommandLine) -> None:
    (shop / "tagline-report.md").write_text("Of an earlier job.\n")
    said = tagline("ci", "lineage", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET="rf@v9.0.0")
    assert (said.code, (shop / "tagline-report.md").exists()) == (6, False)
    assert _dotenv(shop)["TAGLINE_VERSION"] == ""
    assert "error" in json.loads((shop / "tagline.json").read_text())


@pytest.mark.parametrize(
    ("given", "said"),
    [({"TAGLINE_FORMAT": "spdx"}, "spdx"), ({"TAGLINE_FORCE": "true"}, "force means nothing to lineage")],
)
def test_gitlab__lineage_with_inputs_that_mean_nothing__refused(
    shop: Path, tagline: CommandLine, given: dict[str, str], said: str
) -> None:
    answer = tagline("ci", "lineage", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET="rf", TAGLINE_DEST="out", **given)
    assert (answer.code, said in answer.err) == (2, True), answer.err
    assert not (shop / "out").exists()
    assert said in json.loads((shop / "tagline.json").read_text())["error"]["message"]


def test_gitlab__validate__all_reports(broken: Path, tagline: CommandLine) -> None:
    said = tagline("ci", "validate", cwd=broken, GITLAB_CI="true")
    assert (said.code, "artifacts.yaml:3:3: error" in said.out) == (1, True)
    (issue,) = json.loads((broken / "tagline-codequality.json").read_text())
    assert issue["location"] == {"path": "artifacts.yaml", "lines": {"begin": 3}}
    assert "<failure" in (broken / "tagline-junit.xml").read_text()
    assert _dotenv(broken) == {}
    assert not json.loads((broken / "tagline.json").read_text())["ok"]


def test_gitlab__failure__outputs_are_empty_and_not_an_earlier_jobs(shop: Path, tagline: CommandLine) -> None:
    (shop / "tagline.env").write_text("TAGLINE_VERSION=v9.9.9\n")
    said = tagline("ci", "resolve", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET="nobody#prod", TAGLINE_OFFLINE="x")
    assert said.code != 0
    assert _dotenv(shop)["TAGLINE_VERSION"] == ""
    assert "error" in json.loads((shop / "tagline.json").read_text())


def test_gitlab__other_commands_in_the_pipeline__leave_the_digest_of_fetch_alone(
    shop: Path, tagline: CommandLine
) -> None:
    """A later job has the variables of all earlier ones, of each name the last."""
    run_git(shop, "remote", "add", "origin", str(shop))
    given = {"GITLAB_CI": "true", "TAGLINE_TARGET": "rf#prod"}
    assert tagline("ci", "fetch", cwd=shop, TAGLINE_DEST="model", **given).code == 0
    of_fetch = _dotenv(shop)
    assert of_fetch["TAGLINE_DIGEST"].startswith("gitblob:")
    seen = dict(of_fetch)
    assert tagline("ci", "validate", cwd=shop, GITLAB_CI="true").code == 0
    seen |= _dotenv(shop)
    tag = of_fetch["TAGLINE_TAG"]
    assert tagline("ci", "check-ref", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET=tag).code == 0
    seen |= _dotenv(shop)
    assert {name: seen[name] for name in of_fetch} == of_fetch
    assert seen["TAGLINE_EVENT"] == "assignment"
    # What a command itself has no answer to is empty, or its answer would be mixed with another's.
    assert tagline("ci", "resolve", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET="rf@v1.0.0").code == 0
    assert _dotenv(shop)["TAGLINE_STAGE"] == ""


def test_gitlab__links_in_the_files_places__are_replaced_and_not_followed(shop: Path, tagline: CommandLine) -> None:
    for name in ("tagline.env", "tagline.json"):
        (shop / name).symlink_to(shop.parent / "precious")
    (shop.parent / "precious").write_text("mine")
    tagline("ci", "resolve", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET="rf")
    assert (shop.parent / "precious").read_text() == "mine"
    assert not (shop / "tagline.env").is_symlink()


def test_gitlab__a_folder_in_a_files_place__is_an_earlier_jobs_and_goes(shop: Path, tagline: CommandLine) -> None:
    (shop / "tagline.env" / "deep").mkdir(parents=True)
    tagline("ci", "resolve", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET="rf")
    assert (shop / "tagline.env").is_file()


LEADING_OUT = ["../model", "out/../../model", "link/model", "link/deep/model", "link/", "link/deep/"]


@pytest.mark.parametrize("command", ["fetch", "lineage"])
@pytest.mark.parametrize("platform", ["GITLAB_CI", "GITHUB_ACTIONS"])
@pytest.mark.parametrize("dest", LEADING_OUT)
def test_dest__that_leads_out_of_the_folder__refused(
    shop: Path, github: dict[str, str], tagline: CommandLine, dest: str, platform: str, command: str
) -> None:
    # A folder that is there: lineage makes none.
    (shop.parent / "outside" / "deep").mkdir(parents=True)
    (shop / "link").symlink_to(shop.parent / "outside")
    environ = {**github, "GITHUB_ACTIONS": "", platform: "true", "TAGLINE_TARGET": "rf", "TAGLINE_DEST": dest}
    said = tagline("ci", command, cwd=shop, **environ)
    assert (said.code, "leads out" in said.out + said.err) == (2, True)
    assert not [path for path in (shop.parent / "outside").rglob("*") if path.name != "deep"]
    assert not (shop.parent / "model").exists()


def test_fetch__dest_behind_a_link_that_stays_inside__is_fine(shop: Path, tagline: CommandLine) -> None:
    run_git(shop, "remote", "add", "origin", str(shop))
    (shop / "link").symlink_to("models")
    said = tagline("ci", "fetch", cwd=shop, GITLAB_CI="true", TAGLINE_TARGET="rf", TAGLINE_DEST="link/model")
    assert (said.code, (shop / "models" / "model").exists()) == (0, True)


def test_action__its_inputs__win_over_a_workflows_env(shop: Path, github: dict[str, str], tagline: CommandLine) -> None:
    # The runner passes both, and what `env:` has under the same name in place of the action's own.
    environ = {
        "INPUT_COMMAND": "resolve", "INPUT_TARGET": "rf#prod", "INPUT_NO-STORAGE": "true",
        "TAGLINE_COMMAND": "fetch", "TAGLINE_TARGET": "nobody", "TAGLINE_REPO": "https://evil.example/x",
    }  # fmt: skip
    said = tagline("ci", cwd=shop, **environ, **github)
    assert (said.code, _outputs(github)["version"]) == (0, "v1.1.0")


def test_bare_repository__that_a_commit_may_have_made__refused(here: Path, github: dict[str, str]) -> None:
    """Files of a commit that look like a bare repository, where no checkout made a .git: its programs are not run."""
    run_git(here, "init", "--quiet", "--bare", ".")
    evil = f"[core]\n repositoryformatversion = 1\n bare = true\n sshCommand = touch {here}/pwned\n"
    evil += '[remote "origin"]\n url = ssh://host/x\n promisor = true\n[extensions]\n partialClone = origin\n'
    (here / "config").write_text(evil)
    (here / "refs" / "heads" / "main").write_text("1" * 40 + "\n")
    (here / "HEAD").write_text("ref: refs/heads/main\n")
    for command in ("validate", "resolve", "check-ref"):
        environ = {**os.environ, **github, "TAGLINE_COMMAND": command}
        if command != "validate":
            environ["TAGLINE_TARGET"] = "rf#prod" if command == "resolve" else "rf@v1.0.0"
        done = subprocess.run(
            [sys.executable, "-m", "tagline", "ci"], cwd=here, env=environ, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "bare-here" in done.stdout) == (2, True), done.stdout + done.stderr
        assert not (here / "pwned").exists()


def test_gitlab__bad_prefix__wrong_usage(shop: Path, tagline: CommandLine) -> None:
    said = tagline("ci", "resolve", cwd=shop, GITLAB_CI="true", TAGLINE_DOTENV_PREFIX="a b", TAGLINE_TARGET="rf")
    assert (said.code, "no variable can begin so" in said.err) == (2, True)


def test_gitlab__role_without_a_token__says_what_to_write(shop: Path, tagline: CommandLine) -> None:
    said = tagline("ci", "resolve", cwd=shop, GITLAB_CI="true", TAGLINE_AWS_ROLE="arn:aws:iam::1:role/r")
    assert (said.code, "id_tokens" in said.err) == (2, True)


def test_terminal__answers_as_the_command_does(shop: Path, tagline: CommandLine) -> None:
    said = tagline("ci", "resolve", cwd=shop, TAGLINE_TARGET="rf#prod")
    assert (said.code, said.out) == (0, tagline("resolve", "rf#prod", cwd=shop).out)


def test_hostile_description__steers_no_runner(here: Path, github: dict[str, str], tagline: CommandLine) -> None:
    evil = "x\\n::set-output name=version::v9\\n##[add-path]/evil\\nversion<<E\\nv9\\nE"
    files = {"artifacts.yaml": f'rf: {{path: m, description: "{evil}"}}\n', "m": "x"}
    build(here / "r", History((Commit("c0", files=files),), (Tag("rf@v1.0.0", "c0"),)), checkout=True)
    said = tagline("ci", "resolve", cwd=here / "r", TAGLINE_TARGET="rf", **github)
    assert said.code == 0, said.out
    assert not [line for line in (said.out + said.err).splitlines() if line.lstrip().startswith("::")]
    assert "##[" not in said.out + said.err
    assert _outputs(github)["version"] == "v1.0.0"
    assert "##[add-path]" in _outputs(github)["description"]


@pytest.mark.parametrize("form", ["text", "json", "markdown", "in-toto", "cyclonedx"])
@pytest.mark.parametrize("dest", ["", "x\n::warning::owned", "##[warning]owned"])
def test_lineage__hostile_manifest_and_dest__steer_no_runner(
    here: Path, github: dict[str, str], tagline: CommandLine, form: str, dest: str
) -> None:
    evil = "x\\n::set-output name=version::v9\\n##[add-path]/evil"
    files = {"artifacts.yaml": f'rf: {{path: m, description: "{evil}", labels: ["{evil}"]}}\n', "m": "x"}
    build(here / "r", History((Commit("c0", files=files),), (Tag("rf@v1.0.0", "c0"),)), checkout=True)
    run_git(here / "r", "remote", "add", "origin", str(here / "r"))
    environ = {**github, "TAGLINE_TARGET": "rf", "TAGLINE_FORMAT": form, "TAGLINE_DEST": dest}
    said = tagline("ci", "lineage", cwd=here / "r", **environ)
    assert said.code == 0, said.out
    assert not [line for line in (said.out + said.err).splitlines() if line.lstrip().startswith("::")]
    assert "##[" not in said.out + said.err
    assert _outputs(github)["version"] == "v1.0.0"


def test_web_identity__the_token__is_a_file_of_ours_while_it_lasts(shop: Path, here: Path) -> None:
    probe = (
        "import os, sys; from tagline.settings import Secret\n"
        "from tagline.adapters.runners.web_identity import web_identity\n"
        "with web_identity('arn:r', Secret('jwt'), os.environ):\n"
        "    file = os.environ['AWS_WEB_IDENTITY_TOKEN_FILE']\n"
        "    print(oct(os.stat(file).st_mode & 0o777), open(file).read(), os.environ['AWS_ROLE_ARN'])\n"
        "    print('AWS_ACCESS_KEY_ID' in os.environ)\n"
        "print(os.path.exists(file))\n"
    )
    stale = {**os.environ, "AWS_ACCESS_KEY_ID": "stale"}
    done = subprocess.run([sys.executable, "-c", probe], env=stale, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["0o600 jwt arn:r", "False", "False", ""]
