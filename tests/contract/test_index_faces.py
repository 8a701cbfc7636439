"""The faces of the index and its page: the workflows and the components that run the second image."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tagline.domain.index.tables import TABLES
from tests.contract.test_gitlab_components import COMPONENTS, check, component
from tests.support.workflow_files import load

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
IMAGE = "ghcr.io/tagline-dev/tagline-site:1"
NAMES = ("index", "page")
FOUND = {name: component(ROOT / "gitlab-ci" / "templates" / f"{name}.yml") for name in NAMES}
each_name = pytest.mark.parametrize("name", NAMES)


@each_name
def test_component__inputs__are_described_used_and_the_same_as_elsewhere(name: str) -> None:
    found = FOUND[name]
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", found.body)) == set(found.inputs)
    for key, spec in found.inputs.items():
        assert spec["description"].endswith("."), key
        assert len(spec["description"]) <= 120, key
    for key in ("aws_audience", "expire_in"):
        assert found.inputs[key] == COMPONENTS["validate"].inputs[key]
    assert found.inputs["image"]["default"] == IMAGE
    assert (WORKFLOWS / f"{name}.yml").read_text().count(IMAGE) == 1


def test_schema__of_what_a_run_prints__counts_the_rows_of_every_table() -> None:
    rows = json.loads((ROOT / "schemas" / "output" / "index.schema.json").read_text())["properties"]["rows"]
    assert rows["required"] == list(rows["properties"]) == list(TABLES)


def test_components__one_after_the_other__meet() -> None:
    """The page's job takes what the index's leaves, in the same pipelines."""
    index, page = FOUND["index"], FOUND["page"]
    assert page.inputs["rules"] == index.inputs["rules"]
    assert page.inputs["image"] == index.inputs["image"]
    assert page.inputs["index"]["default"] == index.inputs["dest"]["default"]
    assert page.inputs["needs"]["default"] == [{"job": index.inputs["job_name"]["default"], "optional": True}]
    workflows = [load(WORKFLOWS / f"{name}.yml")[True]["workflow_call"]["inputs"] for name in NAMES]
    assert workflows[0]["artifact-name"]["default"] == workflows[1]["artifact-name"]["default"]


def test_page__of_two_runs_at_once__is_made_one_after_the_other_and_never_waits_for_its_caller() -> None:
    group = load(WORKFLOWS / "page.yml")["jobs"]["build"]["concurrency"]
    assert group == {"group": "tagline-page-build-${{ inputs.dest || 'pages' }}", "cancel-in-progress": False}
    # A group of the calling workflow's own would be held by the run that waits for it.
    assert load(ROOT / "docs" / "examples" / "github" / "page.yml")["concurrency"]["group"] == "tagline-page"
    assert "resource_group" in FOUND["page"].body


@each_name
def test_component__as_gitlab_reads_it__is_valid(name: str, tmp_path: Path) -> None:
    found, files = FOUND[name], []
    for part, text in (("spec", found.header), ("job", found.text()), ("other", found.text(pages=False, needs=[]))):
        files.append(tmp_path / f"{part}.yml")
        files[-1].write_text(text)
    assert check(*files, ROOT / f"docs/examples/gitlab/{name}.yml") == ""


def test_page__its_job__publishes_the_folder_public_and_nothing_that_was_left_there() -> None:
    job = FOUND["page"].job()
    assert job["pages"] is True
    assert FOUND["page"].job(pages=False)["pages"] is False
    assert FOUND["page"].inputs["dest"]["default"] in job["artifacts"]["paths"]
    # Of a run that failed nothing is published, and its folder is no cache for the next.
    assert "when" not in job["artifacts"]
    assert "when" not in job["cache"]
    # The folder of an earlier job, of a merge request's for one, is emptied.
    assert (job["variables"]["GIT_STRATEGY"], job["variables"]["GIT_CLEAN_FLAGS"]) == ("fetch", "-ffdx")
    for name in NAMES:
        (first, *_), *_ = (job["steps"] for job in load(WORKFLOWS / f"{name}.yml")["jobs"].values())
        assert first["run"] == "rm -rf tagline", name


@each_name
def test_component__example__gives_inputs_that_there_are(name: str) -> None:
    example = yaml.safe_load((ROOT / f"docs/examples/gitlab/{name}.yml").read_text())
    included = {each["component"].rpartition("/")[2]: each.get("inputs", {}) for each in example["include"]}
    assert f"{name}@1" in included
    for place, given in included.items():
        assert set(given) <= set(FOUND[place.removesuffix("@1")].inputs)


def called(script: str, folder: Path, **variables: str) -> list[str]:
    """The command line that a script makes of its variables: every argument, as it arrives."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("tagline", "docker"):
        (tools / name).write_text('#!/bin/sh\nprintf "%s\\0" "$@" >"$SEEN"\necho "{}"\n')
        (tools / name).chmod(0o755)
    seen = folder / "seen"
    environ = {"PATH": f"{tools}:{os.environ['PATH']}", "SEEN": str(seen), "GITHUB_OUTPUT": str(folder / "out")}
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, env={**environ, **variables}, check=True)
    return seen.read_text().split("\0")[:-1]


def step(name: str) -> dict[str, Any]:
    """The step of a workflow that runs the image."""
    jobs = load(WORKFLOWS / f"{name}.yml")["jobs"].values()
    (found,) = (step for job in jobs for step in job["steps"] if step.get("id") == name)
    return dict(found)


HOSTILE = "a b'; touch pwned; \"$(touch pwned)` --org x"


@pytest.mark.parametrize("text", ["models", HOSTILE, "-o /etc"])
def test_component__script__hands_its_inputs_over_as_they_are(tmp_path: Path, text: str) -> None:
    (script,) = FOUND["index"].job()["script"]
    given = {"GROUP": text, "FROM": text, "DEST": text, "STRICT": "true", "AWS_ROLE": ""}
    line = called(script, tmp_path, **{f"TAGLINE_INDEX_{name}": value for name, value in given.items()})
    assert line == ["index", "--output", text, "--json", "--group", text, "--from", text, "--strict"]

    (script,) = FOUND["page"].job()["script"]
    given = dict.fromkeys(("INDEX", "AUDIENCE", "BASE_URL", "DEST"), text) | {"AWS_ROLE": ""}
    (tmp_path / "page").mkdir()
    line = called(script, tmp_path / "page", **{f"TAGLINE_PAGE_{name}": value for name, value in given.items()})
    assert line == ["site", "--index", text, "--output", text, "--audience", text, "--base-url", text, "--json"]
    assert not [*tmp_path.rglob("pwned")]


@pytest.mark.parametrize("text", ["acme", HOSTILE])
def test_workflow__step__hands_its_inputs_over_as_they_are(tmp_path: Path, text: str) -> None:
    index = step("index")
    given = {"IMAGE": IMAGE, "ORG": text, "REPOSITORIES": f"{text}\na/b", "DEST": "", "STRICT": "false"}
    assert set(index["env"]) == {*given, "TAGLINE_TOKEN"}
    line = called(index["run"], tmp_path, TAGLINE_TOKEN="s3cr3t", **given)
    tail = ["index", "--from", "/tagline/repositories", "--output", "/tagline/index", "--json", "--org", text]
    assert line[line.index(IMAGE) + 1 :] == tail
    assert "s3cr3t" not in " ".join(line)
    assert (tmp_path / "tagline" / "repositories").read_text() == f"{text}\na/b\n"

    page, folder = step("page"), tmp_path / "page"
    folder.mkdir()
    given = {"IMAGE": IMAGE, "INDEX": text, "AUDIENCE": text, "BASE_URL": text, "DEST": ""}
    assert set(page["env"]) == set(given), "and no token"
    line = called(page["run"], folder, **given)
    tail = ["site", "--index", text, "--output", "/tagline/site", "--audience", text, "--base-url", text, "--json"]
    assert line[line.index(IMAGE) + 1 :] == tail
    assert not [*tmp_path.rglob("pwned")]


def test_workflow__page__of_an_index_that_is_an_artifact_into_a_bucket(tmp_path: Path) -> None:
    given = {"IMAGE": IMAGE, "INDEX": "", "AUDIENCE": "public", "BASE_URL": "", "DEST": "s3://b/page"}
    line = called(step("page")["run"], tmp_path, **given)
    assert line[line.index("--index") :][:4] == ["--index", "/tagline/index", "--output", "s3://b/page"]
    build = load(WORKFLOWS / "page.yml")["jobs"]["build"]["steps"]
    (download,) = (each for each in build if "download-artifact" in each.get("uses", ""))
    assert (download["if"], download["with"]["path"]) == ("inputs.index == ''", "tagline/index")
