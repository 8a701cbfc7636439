"""What a lineage is read from, on small repositories made by hand: whose metrics, whose policy, what is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build


def lock(**stages: str) -> str:
    rows = "".join(f"  {name}:\n    cmd: make {name}\n{body}" for name, body in stages.items())
    return f"schema: '2.0'\nstages:\n{rows}"


def outs(*rows: tuple[str, str]) -> str:
    return "    outs:\n" + "".join(
        f"    - {{path: {path}, hash: md5, md5: {mark * 32}, size: 1}}\n" for path, mark in rows
    )


def project(mark: str, accuracy: float, **more: str) -> dict[str, str]:
    return {
        "artifacts.yaml": "churn: {path: churn.pkl}\nfraud: {path: fraud.pkl}\n",
        "dvc.yaml": (
            "metrics: [churn.json, fraud.json]\nstages:\n"
            "  churn: {cmd: make churn, outs: [churn.pkl, {churn.json: {cache: false}}]}\n"
            "  fraud: {cmd: make fraud, outs: [fraud.pkl, {fraud.json: {cache: false}}]}\n"
        ),
        "dvc.lock": lock(**{name: outs((f"{name}.pkl", mark), (f"{name}.json", mark)) for name in ("churn", "fraud")}),
        "churn.json": json.dumps({"accuracy": accuracy}), "fraud.json": json.dumps({"accuracy": 0.1}),
        **more,
    }  # fmt: skip


def registry(folder: Path, *commits: dict[str, str], main: dict[str, str] | None = None) -> None:
    made = [Commit(f"c{n}", (f"c{n - 1}",) if n else (), files) for n, files in enumerate(commits)]
    tags = [Tag(f"churn@v1.{n}.0", f"c{n}", EPOCH + n) for n in range(len(commits))]
    if main is not None:
        made.append(Commit("tip", (made[-1].name,), main))
    build(
        folder,
        History(tuple(made), (*tags, Tag("churn#prod#9", "c0", EPOCH + 50)), {"main": made[-1].name}),
        checkout=True,
    )


def names(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(metric["name"], metric["file"]) for metric in found["metrics"]}


def test_metrics__that_a_pipeline_lists_as_a_whole__are_those_of_their_steps(here: Path, tagline: CommandLine) -> None:
    registry(here, project("a", 0.9), project("b", 0.8))
    assert names(tagline.json("lineage", "churn@v1.1.0")) == {("accuracy", "churn.json")}


def test_direction__is_of_the_default_branchs_policy__not_of_the_models_commit(
    here: Path, tagline: CommandLine
) -> None:
    gate = "stages: {prod: {gates: [{metric: thing, not_worse_than: prod, direction: %s}]}}\n"
    files = {"artifacts.yaml": "churn: {path: m, metrics: m.json}\n", "m": "1\n", ".tagline.yaml": gate % "max"}
    one, two = ({**files, "m.json": json.dumps({"thing": n})} for n in (0.5, 0.9))
    registry(here, one, two, main={**two, ".tagline.yaml": gate % "min"})
    for found in (
        tagline.json("lineage", "churn@v1.1.0")["against"][0],
        tagline.json("diff", "churn@v1.0.0", "churn@v1.1.0"),
    ):
        assert [(m["delta"] > 0, m["judgement"]) for m in found["metrics"]] == [(True, "worse")]


@pytest.mark.parametrize(
    "text", ["stages:\n<<<<<<< ours\n  churn: {}\n=======\n", "<<<<<<< ours\n", "stages: {}\nstages: {}\n"]
)
def test_comparison__with_a_lock_that_cannot_be_read__is_of_metrics_and_bytes_alone(
    here: Path, tagline: CommandLine, text: str
) -> None:
    broken = project("b", 0.8, **{"dvc.lock": text})
    registry(here, project("a", 0.9), {**broken, "artifacts.yaml": "churn: {path: churn.pkl, metrics: churn.json}\n"})
    found = tagline.json("lineage", "churn@v1.1.0")
    (against,) = found["against"]
    assert "dvc.lock" in against["partial"]
    assert (against["files"], against["parameters"], against["steps"]) == ([], [], [])
    text = tagline("lineage", "churn@v1.1.0").out
    assert "not compared" in text
    assert "make churn" not in text
    assert "is not compared" in tagline("lineage", "churn@v1.1.0", "--format", "markdown").out
    assert "not compared" in tagline("diff", "churn@v1.0.0", "churn@v1.1.0").out


def test_comparison__with_an_unreadable_lock_of_somebody_else__is_whole(here: Path, tagline: CommandLine) -> None:
    other = {"other/dvc.lock": "<<<<<<< ours\n", "other/dvc.yaml": "stages: {}\n"}
    registry(here, project("a", 0.9), project("b", 0.8, **other))
    (against,) = tagline.json("lineage", "churn@v1.1.0")["against"]
    assert against["partial"] is None
    assert [f["path"] for f in against["files"]] == ["churn.json"]


def test_metrics__too_large_to_be_read__are_told_as_such(here: Path, tagline: CommandLine) -> None:
    large = json.dumps({"accuracy": 0.9, "curve": "x" * 17 * 1024 * 1024})
    registry(here, project("a", 0.9, **{"churn.json": large}))
    messages = [warning["message"] for warning in tagline.json("lineage", "churn@v1.0.0")["warnings"]]
    assert [message for message in messages if message.startswith("The metrics of churn.json are not shown")]


def test_values__that_differ_beyond_six_digits__are_told_apart(here: Path, tagline: CommandLine) -> None:
    manifest = "churn: {path: m, metrics: {cost: %r, odd: .nan, yes: true}}\n"
    first, second = manifest % 1234567.1, (manifest % 1234567.9).replace("yes: true", "yes: 1")
    registry(here, {"artifacts.yaml": first, "m": "1\n"}, {"artifacts.yaml": second, "m": "2\n"})
    out = tagline("diff", "churn@v1.0.0", "churn@v1.1.0").out
    assert "1234567.1  1234567.9  +0.8" in out
    assert "NaN" not in out, "a value that is none is the same on both sides"
    assert "1234567.9" in tagline("lineage", "churn@v1.1.0").out


def test_history__of_the_smallest_and_the_largest_numbers__is_drawn(here: Path, tagline: CommandLine) -> None:
    values = (0.0, 5e-324, 0.0, 1.7e308, -1.7e308)
    registry(
        here,
        *(
            {"artifacts.yaml": f"churn: {{path: m, metrics: {{loss: {v!r}}}}}\n", "m": f"{n}\n"}
            for n, v in enumerate(values)
        ),
    )
    for form in ("text", "markdown", "json"):
        assert tagline("lineage", "churn", "--format", form).code == 0
