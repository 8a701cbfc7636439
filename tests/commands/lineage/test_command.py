"""``tagline lineage`` on the sample project: a clone, a URL, stages; and what it says where something is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.commands.lineage.pipeline_world import VERSIONS, World
from tests.commands.lineage.reading import all_edges, ours
from tests.conftest import CommandLine
from tests.oracle.dvc_world import write
from tests.support.gitbuild import Commit, History, Tag, build, run_git
from tests.support.githttp import serve

pytestmark = pytest.mark.oracle


@pytest.fixture
def clone(pipeline_world: World, tmp_path: Path) -> Path:
    """A clone without DVC's files, in which a test may write."""
    run_git(tmp_path, "clone", "--quiet", str(pipeline_world.bare), "clone")
    return tmp_path / "clone"


def amended(clone: Path, version: str = "v9.0.0", artifact: str = "churn") -> str:
    """Commit what is there as a version of its own; its target."""
    run_git(clone, "add", "--all")
    run_git(clone, "commit", "--quiet", "--allow-empty", "--message", "changed")
    name = f"{artifact}@{version}"
    run_git(clone, "tag", "--annotate", "--message", name, name)
    return name


# -- what it answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_lineage__of_each_version__says_what_was_read(
    pipeline_world: World, clone: Path, tagline: CommandLine, version: str
):
    found = tagline.json("lineage", f"churn@{version}", cwd=clone)
    lineage = ours(pipeline_world, f"churn@{version}")
    assert (found["artifact"], found["version"], found["tag"]) == ("churn", version, f"churn@{version}")
    assert found["commit"] == pipeline_world.commits[version]
    assert (found["path"], found["digest"]) == ("models/churn.pkl", lineage.content.digest)
    assert [step["name"] for step in found["steps"]] == [step.name for step in lineage.graph.steps]
    assert [step["name"] for step in found["steps"] if step["measures"]] == ["evaluate"]
    assert {row["name"]: row["value"] for row in found["parameters"]} == {r.name: r.value for r in lineage.parameters}
    assert {row["path"] for row in found["code"]} == {file.path for file in lineage.graph.code}
    edges = {tuple(edge) for edge in found["edges"]}
    for maker, reader in all_edges(lineage.graph):
        if not maker.endswith(".dvc"):
            outs = {path for step, path in edges if step == f"step:{maker}"}
            assert any((path, f"step:{reader}") in edges for path in outs)


def test_lineage__of_a_version__has_the_record_of_its_change(pipeline_world: World, clone: Path, tagline: CommandLine):
    record = tagline.json("lineage", "churn@v1.1.0", cwd=clone)["record"]
    assert [(row["event"], row["stage"]) for row in record] == [
        ("registration", None),
        ("assignment", "staging"),
        ("assignment", "prod"),
    ]
    assert record[0]["change"].endswith(f"/pull/{pipeline_world.changes['v1.1.0']}")
    assert [row["requested_by"] for row in record] == [["alice"]] * 3
    assert [[line.split()[0] for line in row["approved_by"]] for row in record] == [[], [], ["bob"]]


def test_lineage__of_a_stage__is_its_holders(clone: Path, tagline: CommandLine):
    found = tagline.json("lineage", "churn#prod", cwd=clone)
    assert (found["version"], found["asked"]) == ("v1.1.0", ["prod"])
    assert [(row["stages"], row["version"]) for row in found["against"]] == [([], "v1.0.0"), (["staging"], "v1.2.0")]


def test_lineage__against_what_the_stages_hold__has_dvcs_differences(clone: Path, tagline: CommandLine):
    found = tagline.json("lineage", "churn", cwd=clone)
    assert found["version"] == "v1.3.0"
    [staging] = [row for row in found["against"] if row["version"] == "v1.2.0"]
    changed = {row["name"]: row for row in staging["metrics"] if row["before"] != row["after"]}
    assert changed.keys() == {
        "calibrated",
        "note",
        "recall",
        "test.log_loss",
        "text_of_digits",
        "final.converged",
        "final.loss",
    }
    assert (changed["final.loss"]["judgement"], staging["same_bytes"]) == ("better", False)
    assert staging["parameters"] == []


def test_lineage__of_an_artifact_in_a_folder__comes_from_both_pipelines(clone: Path, tagline: CommandLine):
    found = tagline.json("lineage", "sub:report@v2.0.0", cwd=clone)
    assert [step["name"] for step in found["steps"]] == [
        "prepare", "train", "sub/dvc.yaml:score@eu", "sub/dvc.yaml:score@us", "sub/dvc.yaml:report",
    ]  # fmt: skip
    assert found["path"] == "sub/report.pkl"
    assert found["against"][0]["version"] == "v1.0.0"


@pytest.fixture(params=["file", "http"])
def url(request: pytest.FixtureRequest, pipeline_world: World) -> Iterator[str]:
    if request.param == "file":
        yield pipeline_world.bare.as_uri()
        return
    with serve(pipeline_world.bare.parent) as server:
        yield f"{server.url}/{pipeline_world.bare.name}"


@pytest.mark.parametrize("target", ["churn@v1.2.0", "churn#prod", "sub:report"])
def test_lineage__by_url__is_that_of_a_clone(clone: Path, tagline: CommandLine, url: str, target: str):
    here = tagline.json("lineage", target, cwd=clone)
    assert tagline.json("lineage", target, "--repo", url, cwd=clone.parent) == here


def test_lineage__in_every_format__says_the_same_facts(clone: Path, tagline: CommandLine):
    found = tagline.json("lineage", "churn@v1.2.0", cwd=clone)
    texts = {
        form: tagline("lineage", "churn@v1.2.0", "--format", form, cwd=clone).out
        for form in ("text", "markdown", "mermaid")
    }
    for fact in [step["name"] for step in found["steps"]] + ["v1.2.0", "data/raw.csv", "src/train.py", "train.lr"]:
        assert all(fact in text for text in texts.values()), fact
    for form in ("text", "markdown"):
        figures = [row for row in found["metrics"] if isinstance(row["value"], float)]
        assert all(row["name"] in texts[form] and f"{row['value']:g}" in texts[form] for row in figures)
        assert "v1.1.0" in texts[form]
    arrows = [line for line in texts["mermaid"].splitlines() if " --> " in line]
    assert len(arrows) == len(found["edges"])
    assert texts["mermaid"].strip() in texts["markdown"]


# -- what is missing -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["nobody", "nobody@v1.0.0", "churn@v9.9.9", "churn#canary"])
def test_lineage__target_that_there_is_not__is_not_found(clone: Path, tagline: CommandLine, target: str):
    said = tagline("lineage", target, "--json", cwd=clone)
    assert said.code == 6
    assert tagline("show", target, "--json", cwd=clone).json["error"]["code"] == said.json["error"]["code"]


def gap(found: Any) -> list[str]:
    return [
        row["message"]
        for row in found["warnings"]
        if row["code"] == "lineage-gap" and "eval.yaml" not in row["message"]
    ]


MANIFESTS = {
    "no-path": "{type: model}",
    "virtual": "{path: 's3://b/k', virtual: true, metrics: {auc: 0.5}}",
    "no-metrics": "{path: m.txt}",
    "lost": "{path: nowhere.pkl, metrics: gone.json}",
    "loose": "{path: m.txt, metrics: {auc: 0.5, test: {f1: 1}}}",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository without any pipeline."""
    manifest = "".join(f"{name}: {entry}\n" for name, entry in MANIFESTS.items())
    tags = tuple(Tag(f"{name}@v1.0.0", "c0") for name in (*MANIFESTS, "unknown"))
    build(
        tmp_path / "small",
        History((Commit("c0", files={"artifacts.yaml": manifest, "m.txt": "m"}),), tags),
        checkout=True,
    )
    return tmp_path / "small"


@pytest.mark.parametrize(
    ("name", "path", "metrics", "steps"),
    [
        ("no-path", None, [], []),
        ("virtual", "s3://b/k", ["auc"], []),
        ("no-metrics", "m.txt", [], []),
        ("lost", "nowhere.pkl", [], []),
        ("loose", "m.txt", ["auc", "test.f1"], []),
        ("unknown", None, [], []),
    ],
)
def test_lineage__artifact_without_much_behind_it__says_what_there_is(
    small: Path, tagline: CommandLine, name: str, path: str | None, metrics: list[str], steps: list[str]
):
    found = tagline.json("lineage", name, cwd=small)
    assert (found["path"], found["steps"], found["edges"]) == (path, steps, [])
    assert [row["name"] for row in found["metrics"]] == metrics
    assert bool(found["no_metrics"]) == (not metrics)
    assert bool(gap(found)) == (name in ("lost", "unknown"))
    for form in ("text", "markdown", "mermaid"):
        assert tagline("lineage", name, "--format", form, cwd=small).code == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stages: [", True),
        ("\0", True),
        ("stages: {train: {deps: {}, outs: 5, params: [1]}}", False),  # of odd types, and readable
        ("stages: [train]", False),
    ],
)
def test_lineage__lock_that_cannot_be_read__is_a_gap_and_no_failure(
    clone: Path, tagline: CommandLine, text: str, told: bool
):
    write(clone / "dvc.lock", text)
    found = tagline.json("lineage", amended(clone), cwd=clone)
    assert not {"train", "prepare"} & {step["name"] for step in found["steps"] if step["outs"]}
    assert any("dvc.lock" in message for message in gap(found)) == told
    # What the manifest names is there all the same.
    assert {"accuracy"} <= {row["name"] for row in found["metrics"]}


def test_lineage__pointer_that_cannot_be_read__leaves_the_rest(clone: Path, tagline: CommandLine):
    write(clone / "data/raw.csv.dvc", "outs: [")
    found = tagline.json("lineage", amended(clone), cwd=clone)
    assert any("data/raw.csv.dvc" in message for message in gap(found))
    assert [step["name"] for step in found["steps"]] == ["prepare", "train", "evaluate"]


def test_lineage__manifest_that_cannot_be_read__is_a_gap_and_no_failure(clone: Path, tagline: CommandLine):
    write(clone / "artifacts.yaml", "churn: [")
    found = tagline.json("lineage", amended(clone), cwd=clone)
    assert (found["path"], found["steps"]) == (None, [])
    assert gap(found)


def test_lineage__code_changed_without_a_run__is_told_at_its_step(clone: Path, tagline: CommandLine):
    write(clone / "src/train.py", "print(1)\n")
    target = amended(clone)
    found = tagline.json("lineage", target, cwd=clone)
    stale = {step["name"]: step["stale"] for step in found["steps"]}
    assert stale == {
        "prepare": [],
        "train": [{"why": "src/train.py was changed since it ran", "path": "src/train.py"}],
        "evaluate": [],
    }
    for form in ("text", "markdown"):
        assert "changed since it ran" in tagline("lineage", target, "--format", form, cwd=clone).out


def test_lineage__of_a_withdrawn_version__is_still_told(clone: Path, tagline: CommandLine):
    tagline.json("deregister", "churn@v1.3.0", "--no-push", cwd=clone)
    found = tagline.json("lineage", "churn@v1.3.0", cwd=clone)
    assert found["version"] == "v1.3.0"
    assert [row["event"] for row in found["record"]] == ["registration", "deregistration"]
    assert tagline.json("lineage", "churn", cwd=clone)["version"] == "v1.2.0"


def test_lineage__stage_on_a_commit_without_a_version__is_of_the_commit(clone: Path, tagline: CommandLine):
    run_git(clone, "commit", "--quiet", "--allow-empty", "--message", "loose")
    run_git(clone, "tag", "--annotate", "--message", "x", "churn#canary#9")
    found = tagline.json("lineage", "churn#canary", cwd=clone)
    assert (found["version"], found["commit"]) == (None, run_git(clone, "rev-parse", "HEAD").strip())
    assert [step["name"] for step in found["steps"]] == ["prepare", "train", "evaluate"]
    assert {row["code"] for row in found["warnings"]} >= {"lineage-gap"}


def test_lineage__in_a_shallow_clone__is_refused_as_everywhere(
    pipeline_world: World, tmp_path: Path, tagline: CommandLine
):
    run_git(tmp_path, "clone", "--quiet", "--depth=1", "--no-tags", pipeline_world.bare.as_uri(), "shallow")
    said = [
        tagline(command, "churn", "--offline", "--json", cwd=tmp_path / "shallow") for command in ("lineage", "show")
    ]
    assert said[0].code != 0
    assert said[0].code == said[1].code
    assert said[0].json["error"] == said[1].json["error"]


def test_lineage__of_hostile_names__is_data_in_every_format(tmp_path: Path, tagline: CommandLine):
    odd = '"]; click n0 href "javascript:alert(1)" %%<script>alert(1)</script>|::set-output name=x::y`\x1b[31m'
    stage = {"cmd": odd, "deps": [{"path": odd}], "outs": [{"path": "m"}], "params": {odd: {odd: odd}}}
    files = {
        "artifacts.yaml": json.dumps({"m": {"path": "m", "description": odd, "metrics": {odd: odd}}}),
        "dvc.lock": json.dumps({"schema": "2.0", "stages": {odd: stage}}),
        "dvc.yaml": json.dumps({"stages": {odd: {"cmd": "x", "outs": ["m"]}}}),
    }
    build(tmp_path / "r", History((Commit("c0", files=files),), (Tag("m@v1.0.0", "c0"),)), checkout=True)
    assert tagline.json("lineage", "m", cwd=tmp_path / "r")["steps"][0]["name"] == odd
    texts = {}
    for form in ("text", "markdown", "mermaid"):
        said = tagline("lineage", "m", "--format", form, cwd=tmp_path / "r")
        assert said.code == 0, said.err
        assert "\x1b[31m" not in said.out
        texts[form] = said.out
    # As a browser gets it: in code everything stands for itself.
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(texts["markdown"])
    assert "alert(1)" in page
    assert "<script>" not in page
    assert "<script>" not in texts["mermaid"]
    assert not any(line.strip().startswith(("click", "%%")) for line in texts["mermaid"].splitlines())
