"""What init writes is held to the rules that the workflows and examples of this repository are held to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.contract.test_documents import _anchors, _known, _uses
from tests.contract.test_github_workflows import tool, zizmor
from tests.contract.test_job_permissions import needed_by
from tests.faces import ROOT
from tests.support.gitbuild import environment
from tests.support.github_permissions import covers, jobs
from tests.support.workflow_files import load

DEPLOY = "on: {workflow_dispatch: {}}\njobs: {}\n"


def _written(folder: Path, tagline: CommandLine, forge: str, files: dict[str, str]) -> list[Path]:
    """The pipelines that init writes into a new repository."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True, env=environment(HOME=str(folder)))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    found = tagline.json("init", "--forge", forge, cwd=folder)["files"]
    return [folder / one["path"] for one in found if one["path"].startswith((".github/", ".gitlab"))]


@pytest.mark.parametrize("deploy", [None, DEPLOY])
def test_workflows__of_init__are_sound_and_may_do_what_they_need_and_no_more(
    tmp_path: Path, tagline: CommandLine, deploy: str | None
) -> None:
    files = {".github/workflows/deploy.yml": deploy} if deploy is not None else {}
    written = _written(tmp_path / "shop", tagline, "github", files)
    assert len(written) == 3
    zizmor("regular", *written)
    said = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *written)
    assert said.returncode == 0, said.stdout
    for path in written:
        for used, given in _uses(path.read_text()):
            assert given <= _known(used)
        workflow = load(path)
        assert workflow["permissions"] == {}
        found = list(jobs(workflow, {"github.repository": "org/this"}))
        for name, body in workflow["jobs"].items():
            needed = needed_by(*(job for job in found if job.name.partition("/")[0] == name))
            assert covers(body["permissions"], needed)
            assert covers(needed, body["permissions"]), f"{name} needs no more than {needed}"


@pytest.mark.parametrize("own", [None, "test: {script: [make]}\n"])
def test_pipeline__of_init__is_one_that_gitlab_reads(tmp_path: Path, tagline: CommandLine, own: str | None) -> None:
    written = _written(tmp_path / "shop", tagline, "gitlab", {".gitlab-ci.yml": own} if own is not None else {})
    assert [path.name for path in written] == [".gitlab-ci.yml" if own is None else "tagline.yml"]
    said = tool("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *written)
    assert said.returncode == 0, said.stdout
    for used, given in _uses(written[0].read_text()):
        assert given <= _known(used)


def test_links__of_init__lead_to_pages_and_headings() -> None:
    source = ROOT / "src" / "tagline"
    files = [*(source / "domain/setup").glob("*.py"), *(source / "commands/setup").glob("*.py")]
    found = {link for file in files for link in re.findall(r"\{DOCS\}/([\w./#-]+)", file.read_text())}
    assert len(found) > 5
    for link in found:
        name, _, anchor = link.partition("#")
        page = ROOT / "docs" / name
        assert page.exists(), link
        assert not anchor or anchor in _anchors(page), link
