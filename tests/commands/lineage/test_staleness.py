"""What a lineage says of a commit whose pipeline, files or links tell less than all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tagline.commands.lineage.texts import MOST_OF_ALL, read_texts
from tests.conftest import CommandLine
from tests.support.fakes import MemoryTree
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

MANIFEST = "m: {type: model, path: model.pkl}\n"
PIPELINE = "stages:\n  train: {cmd: go, deps: [train.py], outs: [model.pkl]}\n"


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def lock(**stages: dict[str, Any]) -> str:
    """A lock; JSON is YAML."""
    return json.dumps({"schema": "2.0", "stages": stages})


def ran(*deps: tuple[str, str], cmd: str = "go", out: str = "model.pkl", **more: Any) -> dict[str, Any]:
    """A step as a lock has it: files that it read, with their digests."""
    rows = [{"path": path, "hash": "md5", "md5": digest, "size": 1} for path, digest in deps]
    return {"cmd": cmd, "deps": rows, "outs": [{"path": out, "hash": "md5", "md5": "a" * 32, "size": 9}], **more}


FILES = {"artifacts.yaml": MANIFEST, "train.py": "x\n", "dvc.lock": lock(train=ran(("train.py", md5("x\n"))))}


def lineage(here: Path, tagline: CommandLine, files: dict[str, str]) -> Any:
    """The lineage of a repository with one commit."""
    history = History((Commit("c", files=files),), (Tag("m@v1.0.0", "c", time=EPOCH),))
    build(here, history)
    return tagline.json("lineage", "m@v1.0.0")


def said(found: Any) -> list[tuple[str, list[str]]]:
    """The steps with why they are stale."""
    return [(step["name"], [row["why"] for row in step["stale"]]) for step in found["steps"]]


@pytest.mark.parametrize("pipeline", [None, "", "artifacts: {}\n", "stages:\n", "stages: {other: {cmd: go}}\n"])
def test_lineage__lock_whose_pipeline_has_no_such_step__says_nothing_of_the_artifact(here, tagline, pipeline):
    found = lineage(here, tagline, FILES if pipeline is None else {**FILES, "dvc.yaml": pipeline})
    assert (found["steps"], found["digest"]) == ([], None)


def test_lineage__pipeline_that_cannot_be_read__takes_no_step_away(here, tagline):
    assert said(lineage(here, tagline, {**FILES, "dvc.yaml": "<<<<<<< HEAD\n"})) == [("train", [])]


def test_lineage__gone_step_and_a_dvc_file__are_the_dvc_files_bytes(here, tagline):
    pointer = f"outs:\n- {{md5: {'b' * 32}, size: 9, hash: md5, path: model.pkl}}\n"
    found = lineage(here, tagline, {**FILES, "model.pkl.dvc": pointer})
    assert (found["steps"], found["digest"]) == ([], "md5:" + "b" * 32)


def test_lineage__item_of_a_loop_that_was_removed__measures_nothing(here, tagline):
    each = "  eval:\n    foreach: [eu]\n"
    each += "    do: {cmd: e, deps: [model.pkl], metrics: ['${item}.json': {cache: false}]}\n"
    steps = {f"eval@{key}": ran(("model.pkl", "a" * 32), cmd="e", out=f"{key}.json", params={}) for key in ("eu", "us")}
    files = {**FILES, "dvc.yaml": PIPELINE + each, "dvc.lock": lock(train=ran(("train.py", md5("x\n"))), **steps)}
    found = lineage(here, tagline, {**files, "eu.json": '{"accuracy": 0.7}', "us.json": '{"accuracy": 0.4}'})
    assert [(row["file"], row["value"]) for row in found["metrics"]] == [("eu.json", 0.7)]


def test_lineage__variable_of_a_command__is_filled_in(here, tagline):
    pipeline = PIPELINE.replace("go", "'go ${script}'") + "vars: [{script: a.sh}]\n"
    files = {**FILES, "dvc.yaml": pipeline, "dvc.lock": lock(train=ran(("train.py", md5("x\n")), cmd="go a.sh"))}
    found = lineage(here, tagline, files)
    assert (said(found), found["warnings"]) == ([("train", [])], [])


def test_lineage__what_could_not_be_checked__is_one_warning(here, tagline):
    lfs = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'c' * 64}\nsize 12345\n"
    deps = [("train.py", md5("x\n")), ("big.bin", "1" * 32), ("vendor/lib.py", md5("y")), ("../raw.csv", md5("z"))]
    pipeline = "stages:\n  train: {cmd: 'go ${unknown}', deps: [train.py], outs: [model.pkl]}\n"
    files = {**FILES, "dvc.yaml": pipeline, "big.bin": lfs, "dvc.lock": lock(train=ran(*deps, cmd="go a"))}
    build(here, History((Commit("c", files=files),)), checkout=True)
    run_git(here, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
    run_git(here, "commit", "--quiet", "--message", "a submodule")
    run_git(here, "tag", "--annotate", "--message", "x", "m@v1.0.0")
    found = tagline.json("lineage", "m@v1.0.0")
    assert said(found) == [("train", [])]
    assert [row["message"] for row in found["warnings"] if row["code"] == "lineage-gap"] == [
        "Whether the command of train is the one that it ran could not be checked: what dvc.yaml has in ${...} is not "
        "known here; nor could 2 others."
    ]


# -- how much is read -------------------------------------------------------------------------

MIB = 1024 * 1024


def test_read_texts__large_files__are_read_up_to_the_limits():
    sizes = {"small": 1, "large": 2 * MIB, "at": 16 * MIB, "over": 16 * MIB + 1}
    tree = MemoryTree({path: b"x" * size for path, size in sizes.items()})
    assert {path: len(data) for path, data in read_texts(tree, [*sizes, "none"]).items()} == {
        "small": 1, "large": 2 * MIB, "at": 16 * MIB,
    }  # fmt: skip


def test_read_texts__many_large_files__are_read_until_there_is_enough():
    large = b"x" * (10 * MIB)
    found = read_texts(MemoryTree({f"f{n}": large for n in range(10)}), [f"f{n}" for n in range(10)])
    assert list(found) == [f"f{n}" for n in range(6)]
    assert sum(map(len, found.values())) <= MOST_OF_ALL


def test_read_texts__many_files__stop_at_five_thousand():
    paths = [f"f{n}" for n in range(5002)]
    assert list(read_texts(MemoryTree(dict.fromkeys(paths, b"x")), paths)) == paths[:5000]
