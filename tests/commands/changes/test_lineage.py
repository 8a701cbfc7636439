"""What is behind a model, said on the change: against what the stages hold, before the merge and after it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from tests.commands.changes.world import Platform, World
from tests.support.mlflowserver import MlflowStub

PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [data/raw.csv, src/prepare.py]
    outs: [data/clean.csv]
  train:
    cmd: python src/train.py
    deps: [data/clean.csv, src/train.py]
    params: [train.lr]
    outs: [models/churn.pkl]
  evaluate:
    cmd: python src/evaluate.py
    deps: [models/churn.pkl, src/evaluate.py]
    metrics: [{metrics/churn.json: {cache: false}}]
"""
POLICY = "storage: best-effort\nstages:\n  canary: {}\n  prod: {gates: [{metric: ms, max: 90}]}\n"


def digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def version(name: str, lr: float, accuracy: float, ms: int = 50) -> dict[str, str | None]:
    """The files of one run of the pipeline: what DVC would have written."""
    metrics = json.dumps({"accuracy": accuracy, "ms": ms})
    files = {f"src/{step}.py": f"print('{step}')\n" for step in ("prepare", "evaluate")}
    files |= {"src/train.py": f"print('train {name}')\n", "params.yaml": f"train: {{lr: {lr}}}\n"}

    def dep(path: str, content: str | None = None) -> str:
        text = files.get(path, content or "") or ""
        return f"    - {{path: {path}, hash: md5, md5: {digest(text)}, size: {len(text)}}}\n"

    raw, clean, model = f"raw {name}", f"clean {name}", f"model {name}"
    lock = (
        "schema: '2.0'\nstages:\n"
        f"  prepare:\n    cmd: python src/prepare.py\n    deps:\n{dep('data/raw.csv', raw)}{dep('src/prepare.py')}"
        f"    outs:\n{dep('data/clean.csv', clean)}"
        f"  train:\n    cmd: python src/train.py\n    deps:\n{dep('data/clean.csv', clean)}{dep('src/train.py')}"
        f"    params:\n      params.yaml: {{train.lr: {lr}}}\n    outs:\n{dep('models/churn.pkl', model)}"
        f"  evaluate:\n    cmd: python src/evaluate.py\n    deps:\n{dep('models/churn.pkl', model)}"
        f"{dep('src/evaluate.py')}    outs:\n{dep('metrics/churn.json', metrics)}"
    )
    pointer = f"outs:\n- {{md5: {digest(raw)}, hash: md5, size: {len(raw)}, path: raw.csv}}\n"
    return {**files, "dvc.lock": lock, "data/raw.csv.dvc": pointer, "metrics/churn.json": metrics}


START: dict[str, str | None] = {
    ".dvc/config": "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://bucket/dvc\n",
    "dvc.yaml": PIPELINE,
    "artifacts.yaml": "churn: {type: model, path: models/churn.pkl, metrics: metrics/churn.json}\n",
    **version("one", 0.1, 0.90),
}


@pytest.fixture
def pipeline(make_world: Callable[..., World], platform: Platform) -> World:
    """A shop whose model comes out of a pipeline; v1.0.0 holds prod."""
    world = make_world(platform, POLICY, START)
    world.admin("register", "churn", "--version", "v1.0.0")
    world.admin("assign", "churn#prod", "--version", "v1.0.0", "--override", "first")
    return world


def section(world: World, number: int) -> str:
    (body,) = world.comments(number)
    return body


def row(body: str, name: str) -> list[str]:
    line = next(line for line in body.splitlines() if line.startswith("|") and f"`{name}`" in line)
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_plan__better_model_for_a_stage__is_shown_against_what_holds_it(pipeline: World) -> None:
    number = pipeline.open("better", version("two", 0.05, 0.93, 70), labels=("version:minor", "stage:prod"))
    assert pipeline.plan(number).verdict == "ok"
    body = section(pipeline, number)
    assert row(body, "accuracy") == ["`accuracy`", "0.9", "**0.93**", "🟢 +0.03 better"]
    # The gate says what the name does not: fewer milliseconds are better.
    assert row(body, "ms") == ["`ms`", "50", "**70**", "🔴 +20 worse"]
    assert row(body, "train.lr") == ["parameter", "`train.lr` of `params.yaml`", "`0.1`", "`0.05`"]
    assert "data/raw.csv" in body
    assert "| Metric | `prod` now (`v1.0.0`) | This change (`v1.1.0`) | Difference |" in body
    assert re.search(r"code changed: \[`src/train.py`\]\(\S+/src/train.py\)", body)
    assert "src/prepare.py` |" not in body.split("Everything behind it")[0].split("Changed")[1].split("```")[0]
    assert "```mermaid\nflowchart LR" in body
    base = pipeline.git("rev-parse", "origin/main")
    assert f"{base}...{pipeline.git('rev-parse', 'origin/better')}" in body, "a link to compare them"
    assert len(body) < 65_536


def test_promote__afterwards__keeps_what_it_was_compared_with(pipeline: World) -> None:
    number = pipeline.open("better", version("two", 0.05, 0.93), labels=("version:minor", "stage:prod"))
    pipeline.plan(number)
    pipeline.merge(number)
    done = pipeline.promote(number)
    assert done.code == 0, done.err
    body = section(pipeline, number)
    assert "#### `churn` `v1.1.0` → `prod`" in body
    assert "| Metric | `prod` before (`v1.0.0`) | This change (`v1.1.0`) | Difference |" in body
    assert row(body, "accuracy") == ["`accuracy`", "0.9", "**0.93**", "🟢 +0.03 better"]


def test_plan__rollback__shows_the_version_that_comes_back(pipeline: World) -> None:
    number = pipeline.open("better", version("two", 0.05, 0.93), labels=("version:minor", "stage:prod"))
    pipeline.merge(number)
    pipeline.promote(number)
    back = pipeline.open("back", {"README.md": "back\n"}, labels=("rollback:churn#prod",))
    pipeline.plan(back)
    body = section(pipeline, back)
    assert "#### `churn` `v1.0.0` → `prod`" in body
    assert row(body, "accuracy") == ["`accuracy`", "0.93", "**0.9**", "🔴 -0.03 worse"]


def test_plan__code_changed_and_pipeline_not_run__says_so(pipeline: World) -> None:
    files = {"src/train.py": "print('new')\n", "models/note.md": "x\n"}
    number = pipeline.open("stale", {**files, **version("two", 0.05, 0.93)}, {"src/train.py": "print('newer')\n"},
                           labels=("version:minor",))  # fmt: skip
    pipeline.plan(number)
    assert "⚠️ `train` was not run again: src\\/train\\.py was changed since it ran" in section(pipeline, number)


def test_plan__two_artifacts_touched_one_promoted__shows_both(pipeline: World) -> None:
    manifest = f"{START['artifacts.yaml']}fraud: {{path: models/fraud.txt}}\n"
    files = {"artifacts.yaml": manifest, "models/fraud.txt": "rules\n", **version("two", 0.05, 0.93)}
    number = pipeline.open("both", files, labels=("version:churn@minor",))
    pipeline.plan(number)
    body = section(pipeline, number)
    assert body.index("#### `churn` `v1.1.0`") < body.index("#### `fraud`")


def test_lineage__of_a_change__tells_the_same_as_its_comment(pipeline: World) -> None:
    number = pipeline.open("better", version("two", 0.05, 0.93), labels=("version:minor", "stage:prod"))
    found = pipeline.run("lineage", "--change", str(number)).json
    assert found["change"]["number"] == number
    (churn,) = found["artifacts"]
    assert (churn["artifact"], churn["version"], churn["asked"]) == ("churn", "v1.1.0", ["prod"])
    (against,) = churn["against"]
    assert (against["stages"], against["version"]) == (["prod"], "v1.0.0")
    deltas = {metric["name"]: (metric["delta"], metric["judgement"]) for metric in against["metrics"]}
    assert deltas == {"accuracy": (pytest.approx(0.03), "better"), "ms": (0, "same")}
    assert {f["path"]: f["how"] for f in against["files"]} == {
        "data/clean.csv": "changed", "data/raw.csv": "changed", "metrics/churn.json": "changed",
        "src/train.py": "changed",
    }  # fmt: skip
    assert [step["name"] for step in churn["steps"]] == ["prepare", "train", "evaluate"]
    assert [step["stale"] for step in churn["steps"]] == [[], [], []]


def test_lineage__of_a_change_that_asks_for_nothing__shows_what_it_touches(pipeline: World) -> None:
    number = pipeline.open("better", version("two", 0.05, 0.93))
    found = pipeline.run("lineage", "--change", str(number))
    assert [(one["artifact"], one["version"]) for one in found.json["artifacts"]] == [("churn", None)]
    assert pipeline.comments(number) == [], "it only looks"
    merged = pipeline.open("other", {"README.md": "x\n"})
    pipeline.merge(merged)
    assert pipeline.run("lineage", "--change", str(merged)).json["artifacts"] == []


def test_summary__of_a_step__has_the_lineage_too(pipeline: World, tmp_path: Any) -> None:
    number = pipeline.open("better", version("two", 0.05, 0.93), labels=("version:minor", "stage:prod"))
    output = tmp_path / "output"
    environ = pipeline.environ(TAGLINE_CHANGE=str(number), GITHUB_OUTPUT=str(output))
    said = pipeline.run_cli("ci", "plan", cwd=pipeline.folder, **environ)
    assert said.code == 0, said.err
    # GitLab keeps the comment's own text with the job.
    summary = (pipeline.folder / {"github": "summary.md", "gitlab": "tagline-report.md"}[pipeline.platform]).read_text()
    assert "#### `churn` `v1.1.0` → `prod`" in summary
    assert "```mermaid" in summary


def test_plan__lock_that_cannot_be_read__is_no_failure(pipeline: World) -> None:
    files = {**version("two", 0.05, 0.93), "sub/dvc.lock": "stages: [\n", "sub/dvc.yaml": "stages: {}\n"}
    number = pipeline.open("broken", files, labels=("version:minor",))
    assert pipeline.plan(number).verdict == "ok"
    assert "sub\\/dvc\\.lock cannot be read" in section(pipeline, number)


# -- which version, which stage, against what -------------------------------------------


def titles(body: str) -> list[str]:
    return [line for line in body.splitlines() if line.startswith("#### ")]


def test_plan__two_stages_for_two_versions__compares_each_with_its_own_stage(pipeline: World) -> None:
    number = pipeline.open("better", version("two", 0.05, 0.93), labels=("version:minor",))
    pipeline.merge(number)
    pipeline.promote(number)
    labels = ("stage:churn@v1.0.0#canary", "stage:churn@v1.1.0#prod")
    both = pipeline.open("both", {"README.md": "x\n"}, labels=labels)
    pipeline.plan(both)
    body = section(pipeline, both)
    assert titles(body) == ["#### `churn` `v1.0.0` → `canary`", "#### `churn` `v1.1.0` → `prod`"]
    promoted = body.split("#### `churn` `v1.1.0`")[1]
    assert row(promoted, "accuracy") == ["`accuracy`", "0.9", "**0.93**", "🟢 +0.03 better"]


def test_plan__new_version_and_another_one_for_the_stage__shows_both(pipeline: World) -> None:
    number = pipeline.open("worse", version("two", 0.5, 0.5), labels=("version:minor", "stage:churn@v1.0.0#canary"))
    pipeline.plan(number)
    assert titles(section(pipeline, number)) == ["#### `churn` `v1.1.0`", "#### `churn` `v1.0.0` → `canary`"]


def test_lineage__of_a_merged_change__is_against_what_was_there_before_it(pipeline: World) -> None:
    first = pipeline.open("better", version("two", 0.05, 0.93), labels=("version:minor", "stage:prod"))
    pipeline.merge(first)
    pipeline.promote(first)
    second = pipeline.open("best", version("three", 0.01, 0.95), labels=("version:minor", "stage:prod"))
    pipeline.merge(second)
    pipeline.promote(second)
    (churn,) = pipeline.run("lineage", "--change", str(first)).json["artifacts"]
    assert (churn["version"], churn["asked"]) == ("v1.1.0", ["prod"])
    assert [(a["stages"], a["version"]) for a in churn["against"]] == [(["prod"], "v1.0.0")]
    assert churn["against"][0]["metrics"][0]["judgement"] == "better"
    assert [(e["event"], e["stage"]) for e in churn["record"]][:2] == [("registration", None), ("assignment", "prod")]


def test_promote__what_is_refused__is_not_shown_as_done(pipeline: World) -> None:
    number = pipeline.open("slow", version("two", 0.05, 0.93, 500), labels=("version:minor", "stage:prod"))
    assert pipeline.plan(number).verdict == "refused"
    assert titles(section(pipeline, number)) == ["#### `churn` `v1.1.0`"], "the version is made, prod is not moved"
    pipeline.merge(number)
    assert pipeline.promote(number).code == 1
    assert titles(section(pipeline, number)) == ["#### `churn` `v1.1.0`"]


def test_promote__all_or_nothing_and_refused__names_no_version(make_world: Callable[..., World], platform: Platform):
    world = make_world(platform, f"atomic: change\n{POLICY}", START)
    world.admin("register", "churn", "--version", "v1.0.0")
    number = world.open("slow", version("two", 0.05, 0.93, 500), labels=("version:minor", "stage:prod"))
    world.merge(number)
    assert world.promote(number).code == 1
    assert titles(section(world, number)) == ["#### `churn`"]


def test_plan__picture_that_cannot_be_drawn__costs_the_picture_alone() -> None:
    from tagline.cli.changes import _writes
    from tagline.domain.changes.policy import NO_POLICY
    from tagline.domain.changes.promotion import Decided
    from tagline.domain.changes.record import Record, find
    from tagline.domain.lineage.planned import Planned
    from tests.render.markdown.test_comment import PAGES
    from tests.support.promotions import open_change

    planned = Planned(Decided(open_change()), NO_POLICY, traced=(object(),))  # type: ignore[arg-type]
    body = _writes(None, None)(planned, Record(says="f" * 32), PAGES, 1_700_000_000)
    found = find(body)
    assert found is not None
    assert found.says == "f" * 32
    assert "could not be written" in body
    assert [warning.code for warning in planned.warnings] == ["lineage-failed"]


# -- MLflow ---------------------------------------------------------------------------


def runs(stub: MlflowStub) -> int:
    return sum("/runs/get" in path for _, path, *_ in stub.requests)


def test_lineage__of_a_rival_s_run__is_compared_in_the_plan_and_never_asked_between_tags_and_record(
    make_world: Callable[..., World], platform: Platform
) -> None:
    def answer(_method: str, _path: str, _body: bytes) -> Any:
        run_id = stub.requests[-1][1].rpartition("=")[2]
        info = {"run_id": run_id, "run_uuid": run_id, "lifecycle_stage": "active"}
        return {"run": {"info": info, "data": {"params": [{"key": "depth", "value": run_id}]}}}

    def manifest(run: str) -> dict[str, str | None]:
        return {"artifacts.yaml": f"churn: {{path: models/churn.pkl, mlflow: {{run_id: {run}}}}}\n"}

    world = make_world(platform, POLICY, {**START, **manifest("one")})
    world.admin("register", "churn", "--version", "v1.0.0")
    number = world.open("better", {**version("two", 0.05, 0.93), **manifest("two")}, labels=("version:minor",))
    with MlflowStub(answer) as stub:
        world.plan(number, MLFLOW_TRACKING_URI=stub.url)
        assert row(section(world, number), "depth")[1:] == ["`depth` of `mlflow`", "`one`", "`two`"]
        assert runs(stub) == 2
        world.merge(number)
        world.promote(number, MLFLOW_TRACKING_URI=stub.url)
        assert runs(stub) == 3


def test_lineage__of_a_run__is_asked_of_mlflow_once_and_never_between_tags_and_record(
    make_world: Callable[..., World], platform: Platform
) -> None:
    info = {"run_id": "abc", "run_uuid": "abc", "run_name": "brave-fox", "lifecycle_stage": "active"}
    answer = {"run": {"info": info, "data": {"metrics": [{"key": "accuracy", "value": 0.93}]}}}
    manifest = "churn: {path: models/churn.pkl, metrics: metrics/churn.json, mlflow: {run_id: abc}}\n"
    world = make_world(platform, POLICY, {**START, "artifacts.yaml": manifest})
    number = world.open("better", version("two", 0.05, 0.93), labels=("version:minor",))
    with MlflowStub(lambda *_: answer) as stub:
        world.plan(number, MLFLOW_TRACKING_URI=stub.url)
        assert runs(stub) == 1
        assert "brave-fox" in section(world, number)
        (churn,) = world.run("lineage", "--change", str(number), MLFLOW_TRACKING_URI=stub.url).json["artifacts"]
        assert (churn["mlflow"]["state"], churn["mlflow"]["name"], runs(stub)) == ("ok", "brave-fox", 2)
        world.merge(number)
        world.promote(number, MLFLOW_TRACKING_URI=stub.url)
        assert runs(stub) == 3
