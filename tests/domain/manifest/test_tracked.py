"""What Git and DVC track, by name and by pointer."""

from __future__ import annotations

import pytest

from tagline.domain.manifest.tracked import Outs, TrackedPaths, upwards


def test_tracked_paths__file_and_directory__are_told_apart():
    tracked = TrackedPaths(["a-b/x", "a/x", "a.b", "m.dvc", "d/e.dvc", ".dvc/config"])
    assert tracked.is_file("a/x")
    assert not tracked.is_file("a")
    assert tracked.is_directory("a")
    assert not tracked.is_directory("a/x")
    assert not tracked.is_directory("a.b")
    assert tracked.is_directory(".")
    assert tracked.has_dvc_file("m")
    assert tracked.has_dvc_file("d/e/inside/f")
    assert not tracked.has_dvc_file("d")
    assert tracked.pointers() == ["d/e.dvc", "m.dvc"]


@pytest.mark.parametrize(
    ("wdir", "out", "covered"),
    [
        (None, "x", "p/x"),
        ("..", "x", "x"),
        ("../q", "x/y", "q/x/y"),
        (".", "./x/", "p/x"),
        (None, "../x", "x"),
    ],
)
def test_outs__dvc_file__is_relative_to_its_wdir(wdir: str | None, out: str, covered: str):
    outs = Outs()
    outs.add_dvc_file("p/some.dvc", {"wdir": wdir, "outs": [{"path": out}]})
    assert outs.covers(covered)
    assert outs.covers(covered + "/inside")
    assert not outs.covers("other")
    assert not outs.covers(covered + "y")


def test_outs__lock__takes_the_wdir_of_its_stage():
    outs = Outs()
    generated = {"foreach": [1], "do": {"wdir": "v", "outs": ["y"]}}
    pipeline = {"stages": {"s": {"wdir": "w", "outs": ["x"]}, "g": generated}}
    lock = {"schema": "2.0", "stages": {"s": {"outs": [{"path": "x"}]}, "g@1": {"outs": [{"path": "y"}]}}}
    outs.add_pipeline("p", pipeline, lock)
    assert outs.covers("p/w/x")
    assert outs.covers("p/v/y")
    assert not outs.covers("p/x")


def test_outs__lock__counts_as_far_as_the_pipeline_defines_its_stages():
    outs = Outs()
    lock = {"stages": {"old": {"outs": [{"path": "x"}]}, "s": {"outs": [{"path": "y"}, {"path": "z"}]}}}
    outs.add_pipeline("p", {"stages": {"s": {"outs": ["z"]}}}, lock)
    outs.add_pipeline("without", {}, lock)
    outs.add_pipeline("unreadable", None, lock)
    assert outs.paths == {"p/z", "unreadable/x", "unreadable/y", "unreadable/z"}


def test_outs__templated_wdir__is_matched_by_its_end():
    outs = Outs()
    outs.add_pipeline(
        "", {"stages": {"s": {"wdir": "${w}", "outs": ["${x}"]}}}, {"stages": {"s": {"outs": [{"path": "m/x"}]}}}
    )
    assert outs.covers("any/where/m/x")
    assert not outs.covers("any/x")


def test_outs__out_below_the_path__covers_it():
    outs = Outs()
    outs.add_dvc_file("x.dvc", {"outs": [{"path": "a/b/c"}]})
    assert outs.covers("a/b")
    assert not outs.covers("a/b/d")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b/c", ["a/b/c", "a/b", "a"]),
        ("a", ["a"]),
        ("../a", ["../a", ".."]),
        ("/a/b", ["/a/b", "/a"]),
        ("//a", ["//a"]),
        ("/", []),
        (".", []),
        ("", []),
    ],
)
def test_upwards__any_path__ends(path: str, expected: list[str]) -> None:
    assert list(upwards(path)) == expected
