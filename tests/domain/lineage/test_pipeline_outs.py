"""What a pipeline says of the outs of its lock: their folders, remotes, and whether Git keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from tagline.commands.manifest.snapshots import read_outs, snapshot
from tagline.domain.storage.pointers import Out, outs_of, pick
from tagline.errors import BadPointer
from tests.support.fakes import MemoryTree
from tests.support.pipelines import defining


def outs(stage: Any, path: str = "m", name: str = "a", file: str = "p/dvc.lock") -> list[Out]:
    """The outs of a lock with one out, of a stage that the pipeline defines like that."""
    locked = {"outs": [{"path": path, "md5": "1"}]}
    return outs_of(file, {"stages": {name: locked}}, {"stages": {name.partition("@")[0]: defining(stage, locked)}})


# -- folders that are templates ------------------------------------------------


def each(rows: Any, wdir: str) -> dict[str, Any]:
    return {"foreach": rows, "do": {"wdir": wdir}}


def matrix(axes: Any, wdir: str) -> dict[str, Any]:
    return {"matrix": axes, "wdir": wdir}


ROWS = {"eu": {"dir": "x", "in": {"n": 1}}, "us": "y"}


@pytest.mark.parametrize(
    ("stage", "key", "expected"),
    [
        (each(["eu", "us"], "${item}"), "eu", "p/eu/m"),
        (each(["eu", "us"], "out/${ item }-1"), "us", "p/out/us-1/m"),
        (each([1, True], "${item}"), "true", "p/true/m"),
        (each([{"d": "x"}, {"d": "y"}], "${item.d}"), "1", "p/y/m"),
        (each(ROWS, "${key}"), "us", "p/us/m"),
        (each(ROWS, "${item}"), "us", "p/y/m"),
        (each(ROWS, "${item.dir}/${item.in.n}"), "eu", "p/x/1/m"),
        (each(["eu"], "../${item}"), "eu", "eu/m"),
        (each(["a@b"], "${item}"), "a@b", "p/a@b/m"),
        (matrix({"k": ["a", "b"], "n": [1, 2]}, "${item.k}${item.n}"), "b-1", "p/b1/m"),
        (matrix({"k": ["a-b", "c"], "n": [1]}, "${item.k}"), "a-b-1", "p/a-b/m"),
        (matrix("${axes}", "${key}"), "b-1", "p/b-1/m"),
    ],
)
def test_folder__template_that_the_stages_name_tells__is_resolved(stage, key, expected):
    [out] = outs(stage, name=f"a@{key}")
    assert (out.path, out.unplaced) == (expected, False)


@pytest.mark.parametrize(
    ("stage", "key"),
    [
        (each(["eu"], "${other}"), "eu"),
        (each(["eu"], "${key}"), "eu"),
        (each("${rows}", "${item}"), "eu"),
        (each(["eu", "${x}"], "${item}"), "eu"),
        (each([{"d": 1}], "${item}"), "0"),
        (each(["eu", "${x}"], "${item}"), "other"),
        (each(ROWS, "${item}"), "eu"),
        (each({"eu": "${x}"}, "${item}"), "eu"),
        (each(["eu"], "\\${item}"), "eu"),
        (each(["eu"], "${item"), "eu"),
        (matrix({"k": ["a", "a-b"], "n": ["b-c", "c"]}, "${item.k}"), "a-b-c"),
        (matrix({"k": [["a"]]}, "${item.k}"), "k0"),
        (matrix({"k": ["${x}"]}, "${item.k}"), "a"),
        (matrix({str(n): ["a", "a-a"] for n in range(20)}, "${item.0}"), "-".join("a" * 30)),
        ({"wdir": "${dir}"}, ""),
    ],
)
def test_folder__template_that_is_not_sure__is_unknown_and_never_the_pipelines_own(stage, key):
    [out] = outs(stage, name=f"a@{key}" if key else "a")
    assert (out.path, out.unplaced) == ("m", True)


@pytest.mark.parametrize(
    ("path", "end", "unplaced"),
    [("x//m", "x/m", True), ("../../m", "m", True), ("..", "", True), (".", "", True), ("..m", "..m", True),
     ("/abs/m", "/abs/m", False)],
)  # fmt: skip
def test_folder__unknown__path_is_its_end(path, end, unplaced):
    [out] = outs({"wdir": "${dir}"}, path)
    assert (out.path, out.unplaced) == (end, unplaced)


def test_folder__of_a_dvc_file__is_no_template():
    [out] = outs_of("p/m.dvc", {"wdir": "${x}", "outs": [{"path": "m", "md5": "1"}]})
    assert (out.path, out.unplaced) == ("p/${x}/m", False)


UNPLACED = Out("x/m", "md5:9", None, None, file="dvc.lock", unplaced=True)


@pytest.mark.parametrize("path", ["x/m", "a/x/m", "a/x/m/inside"])
def test_pick__path_that_an_out_of_an_unknown_folder_may_have__is_refused(path):
    with pytest.raises(BadPointer, match="wdir is a template") as caught:
        pick([UNPLACED], path)
    assert caught.value.code == "templated-wdir"


@pytest.mark.parametrize("path", ["m", "ax/m", "x/m2", "x"])
def test_pick__other_path_than_an_unknown_folders__is_none(path):
    assert pick([UNPLACED], path) is None


def test_pick__placed_out_beside_one_of_an_unknown_folder__counts():
    placed = Out("x/m", "md5:1", None, None, file="x/m.dvc")
    assert pick([UNPLACED, placed], "x/m") == (placed, "")


def test_outs__out_of_an_unknown_folder__has_no_place():
    tree = MemoryTree({
        "dvc.lock": "stages: {a: {outs: [{path: m, md5: x}]}, b: {outs: [{path: n, md5: x}]}}",
        "dvc.yaml": "stages: {a: {wdir: '${x}', outs: [m]}, b: {outs: [n]}}",
    })  # fmt: skip
    assert [out.path for out in snapshot(tree).outs(["dvc.lock"]) if not out.unplaced] == ["n"]
    assert [out.path for out in read_outs(tree, ["dvc.lock"])] == ["m", "n"]


# -- options -------------------------------------------------------------------


def test_options__plain_out_beside_a_template__is_not_the_templates():
    stage = {"outs": [{"${name}.bin": {"remote": "other", "cache": False}}, "./model.bin"]}
    [out] = outs(stage, "model.bin")
    assert (out.checked_remote, out.cached) == (None, True)


def test_options__templates_that_agree__count():
    [out] = outs({"outs": [{"${a}.bin": {"remote": "r"}}], "plots": [{"m${b}": {"remote": "r"}}]}, "m.bin")
    assert out.checked_remote == "r"


@pytest.mark.parametrize("other", ["m${b}", {"m${b}": {"remote": "s"}}, {"m${b}": {"remote": "r", "cache": False}}])
def test_options__templates_that_disagree__are_refused(other):
    [out] = outs({"outs": [{"${a}.bin": {"remote": "r"}}, other]}, "m.bin")
    with pytest.raises(BadPointer, match=r"p/m\.bin") as caught:
        _ = out.checked_remote
    assert caught.value.code == "templated-out"


@pytest.mark.parametrize("kind", ["outs", "metrics", "plots"])
@pytest.mark.parametrize(("cache", "cached"), [(False, False), (True, True), (None, True), ("no", True)])
def test_cached__is_false_where_the_pipeline_leaves_the_out_to_git(kind, cache, cached):
    [out] = outs({kind: [{"m": {"cache": cache}}]})
    assert out.cached is cached


def test_cached__of_a_dvc_file__is_its_outs_own():
    rows = [{"path": "a", "cache": False}, {"path": "b"}]
    assert [out.cached for out in outs_of("x.dvc", {"outs": rows})] == [False, True]


# -- pointers that cannot be read ------------------------------------------------


@pytest.mark.parametrize("file", ["m.dvc", "dvc.lock", "dvc.yaml"])
def test_read_outs__needed_pointer_that_is_no_yaml__is_refused_with_its_line(file):
    files = {"m.dvc": "{}", "dvc.lock": "{}", "dvc.yaml": "{}", file: "a: 1\n<<<<<<< ours\n"}
    pointers = ["dvc.lock", "m.dvc"]
    with pytest.raises(BadPointer, match=f"{file} cannot be read, line 2: ."):
        read_outs(MemoryTree(files), pointers, pointers)
    assert read_outs(MemoryTree(files), pointers) == snapshot(MemoryTree(files)).outs(pointers) == []


def test_read_outs__empty_file__is_refused_where_it_was_a_pointer():
    tree = MemoryTree({"m.dvc": "", "dvc.lock": "", "dvc.yaml": "# none"})
    assert read_outs(tree, ["dvc.lock"], ["dvc.lock"]) == []
    with pytest.raises(BadPointer, match="cannot be read, line 1"):
        read_outs(tree, ["m.dvc"], ["m.dvc"])
