"""What is filled into the stages of a dvc.yaml, and what stays as written because nothing surely tells it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tagline.domain.manifest.stage_templates import settled

PARAMS = {"dir": "out", "n": 3, "yes": True, "list": ["a", "b"], "odd": "${dir}", "map": {"x": {"y": 1}}}


def stage(body: dict[str, Any], params: Any = PARAMS, **top: Any) -> Any:
    """A stage of a dvc.yaml in the folder p, with its templates filled in."""
    files = {"p/params.yaml": params, "p/out/own.yaml": {"own": "w"}, "p/broken.yaml": "it is broken"}
    return settled({**top, "stages": {"t": body}}, "p/dvc.yaml", files.get)["stages"]["t"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"wdir": "${dir}/x"}, {"wdir": "out/x"}),
        (
            {"outs": ["${dir}/${n}.pkl", {"${n}": {"remote": "${dir}"}}]},
            {"outs": ["out/3.pkl", {"3": {"remote": "out"}}]},
        ),
        ({"cmd": "${dir}", "deps": ["${dir}"], "wdir": "${dir}"}, {"cmd": "${dir}", "deps": ["${dir}"], "wdir": "out"}),
        (
            {"foreach": "${list}", "do": {"wdir": "${dir}/${item}"}},
            {"foreach": ["a", "b"], "do": {"wdir": "out/${item}"}},
        ),
        (
            {"foreach": "${map}", "do": {"wdir": "${key}${item.y}"}},
            {"foreach": {"x": {"y": 1}}, "do": {"wdir": "${key}${item.y}"}},
        ),
        (
            {"matrix": {"k": "${list}"}, "outs": ["${item.k}-${dir}"]},
            {"matrix": {"k": ["a", "b"]}, "outs": ["${item.k}-out"]},
        ),
        (
            {"wdir": "${dir}", "vars": ["own.yaml"], "outs": ["${own}"]},
            {"wdir": "out", "vars": ["own.yaml"], "outs": ["w"]},
        ),
    ],
)  # fmt: skip
def test_stage__with_templates_that_parameters_tell__has_their_values(body: Any, expected: Any):
    assert stage(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"wdir": "${none}"},
        {"wdir": "${dir}/${none}"},
        {"wdir": "${odd}"},
        {"wdir": "x${odd}"},
        {"wdir": "\\${dir}"},
        {"wdir": "${map}"},
        {"wdir": "${yes}"},
        {"wdir": ["${dir}"]},
        {"outs": ["${list}"]},
        {"outs": "${list}"},
        {"vars": [{"dir": "twice"}], "outs": ["${dir}"]},
        {"vars": ["none.yaml"], "outs": ["${dir}"]},
        {"vars": ["${dir}.yaml"], "outs": ["${dir}"]},
        {"foreach": ["a"], "do": {"wdir": "${item}", "vars": ["own.yaml"], "outs": ["${dir}"]}},
        "no mapping ${dir}",
    ],
)
def test_stage__with_a_template_that_nothing_surely_tells__stays_as_written(body: Any):
    assert stage(body) == body


def test_key__in_a_loop_over_a_list__is_a_parameter():
    body = {"foreach": ["a"], "do": {"outs": ["${key}/${item}"]}}
    assert stage(body, {"key": "k"})["do"]["outs"] == ["k/${item}"]


@pytest.mark.parametrize("top", [{"vars": ["broken.yaml"]}, {"vars": ["none.yaml"]}, {"vars": [{"dir": "twice"}]}])
def test_pipeline__whose_vars_dvc_refuses__stays_as_written(top: Any):
    assert stage({"wdir": "${dir}"}, **top) == {"wdir": "${dir}"}


@pytest.mark.parametrize("pipeline", [None, [], "${x}", {}, {"stages": "${x}"}, {"stages": {"a": {"wdir": "x"}}}])
def test_pipeline__without_templates__is_the_same_and_reads_no_parameters(pipeline: Any):
    def load(path: str) -> Any:
        raise AssertionError(path)

    assert settled(pipeline, "dvc.yaml", load) is pipeline


def test_pipeline__that_repeats_a_large_value__is_left_alone_in_bounded_time():
    body = {"outs": [f"${{big}}{number}" for number in range(50_000)]}
    start = time.perf_counter()
    assert stage(body, {"big": "x" * 60_000}) == body
    assert time.perf_counter() - start < 5
