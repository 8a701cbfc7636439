"""The faces of the index: the workflow and the component that run the second image."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.test_gitlab_components import COMPONENTS, Component, component
from tests.support.workflow_files import load

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "gitlab-ci" / "templates" / "index.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "index.yml"
IMAGE = "ghcr.io/tagline-dev/tagline-site:1"


@pytest.fixture(scope="module")
def index() -> Component:
    return component(TEMPLATE)


def test_component__inputs__are_described_used_and_the_same_as_elsewhere(index: Component) -> None:
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", index.body)) == set(index.inputs)
    for name, spec in index.inputs.items():
        assert spec["description"].endswith("."), name
    for name in ("stage", "aws_audience", "expire_in"):
        assert index.inputs[name] == COMPONENTS["validate"].inputs[name]
    assert index.inputs["image"]["default"] == IMAGE
    assert WORKFLOW.read_text().count(IMAGE) == 1


def test_component__example__gives_inputs_that_there_are(index: Component) -> None:
    example = yaml.safe_load((ROOT / "docs/examples/gitlab/index.yml").read_text())
    (included,) = example["include"]
    assert included["component"].endswith("/tagline/index@1")
    assert set(included["inputs"]) <= set(index.inputs)


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


HOSTILE = "a b'; touch pwned; \"$(touch pwned)` --org x"


@pytest.mark.parametrize("text", ["models", HOSTILE, "-o /etc"])
def test_component__script__hands_its_inputs_over_as_they_are(index: Component, tmp_path: Path, text: str) -> None:
    job: dict[str, Any] = index.job()
    (script,) = job["script"]
    given = {"GROUP": text, "FROM": text, "DEST": text, "STRICT": "true", "AWS_ROLE": ""}
    line = called(script, tmp_path, **{f"TAGLINE_INDEX_{name}": value for name, value in given.items()})
    assert line == ["index", "--output", text, "--json", "--group", text, "--from", text, "--strict"]
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("text", ["acme", HOSTILE])
def test_workflow__step__hands_its_inputs_over_as_they_are(tmp_path: Path, text: str) -> None:
    (job,) = load(WORKFLOW)["jobs"].values()
    (step,) = (step for step in job["steps"] if step.get("id") == "index")
    given = {"IMAGE": IMAGE, "ORG": text, "REPOSITORIES": f"{text}\na/b", "DEST": "", "STRICT": "false"}
    assert set(step["env"]) == {*given, "TAGLINE_TOKEN"}
    line = called(step["run"], tmp_path, TAGLINE_TOKEN="s3cr3t", **given)
    tail = ["index", "--from", "/tagline/repositories", "--output", "/tagline/index", "--json", "--org", text]
    assert line[line.index(IMAGE) + 1 :] == tail
    assert "s3cr3t" not in " ".join(line)
    assert (tmp_path / "tagline" / "repositories").read_text() == f"{text}\na/b\n"
    assert not (tmp_path / "pwned").exists()
