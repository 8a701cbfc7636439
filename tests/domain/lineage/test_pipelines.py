"""The steps of a lock and the origins of ``.dvc`` files, and that no file, however odd, is more than left out."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.lineage.graph import Pointed, edges, graph_of
from tagline.domain.lineage.lineage import parameters_of
from tagline.domain.lineage.pipelines import Behind, Imported, Origin, Step, flatten, imported_of, metrics_of, steps_of
from tagline.domain.lineage.staleness import Now, check_steps
from tests.support.pipelines import JSON, defining

MD5 = "0" * 31 + "1"


def one(stage: Any, body: Any = None, *, name: str = "a", file: str = "dvc.lock") -> Step:
    """The step of a lock with one, whose pipeline says ``body``."""
    pipeline = {"stages": {name.partition("@")[0]: defining(body, stage)}} if body is not None else None
    (step,) = steps_of(file, {"schema": "2.0", "stages": {name: stage}}, pipeline)
    return step


# -- names and places ----------------------------------------------------------


def test_step__at_the_root__has_its_plain_name():
    step = one({"cmd": "go"})
    assert (step.name, step.file, step.command) == ("a", "dvc.yaml", "go")


def test_step__in_a_folder__has_dvcs_address_and_paths_from_the_root():
    stage = {
        "cmd": "go",
        "deps": [{"path": "../x"}, {"path": "in/y/"}],
        "outs": [{"path": "z"}],
        "params": {"p.yaml": {"k": 1}},
    }
    step = one(stage, file="sub/dir/dvc.lock")
    assert (step.name, step.file) == ("sub/dir/dvc.yaml:a", "sub/dir/dvc.yaml")
    assert [dep.path for dep in step.deps] == ["sub/x", "sub/dir/in/y"]
    assert [out.path for out in step.outs] == ["sub/dir/z"]
    assert step.params == {"sub/dir/p.yaml": {"k": 1}}


def test_step__with_a_working_folder__has_its_paths_from_there():
    stage = {"deps": [{"path": "../x"}], "params": {"../p.yaml": {"k": 1}}}
    step = one(stage, {"wdir": "w"}, file="sub/dvc.lock")
    assert (step.deps[0].path, list(step.params)) == ("sub/x", ["sub/p.yaml"])


def test_step__that_works_outside_its_folder__stays_in_the_repository():
    assert one({"outs": [{"path": "m"}]}, {"wdir": ".."}, file="sub/dvc.lock").outs[0].path == "m"
    assert one({"outs": [{"path": "m"}]}, {"wdir": "."}).outs[0].path == "m"


@pytest.mark.parametrize("path", ["s3://b/k//x", "https://h/a/../b", "remote://r/x"])
def test_step__that_reads_a_url__keeps_it_as_it_is(path):
    assert one({"deps": [{"path": path, "etag": "e"}]}, {"wdir": "w"}).deps[0] == Behind(path, "etag:e")


@pytest.mark.parametrize(
    ("body", "name", "expected"),
    [
        ({"foreach": ["eu", "us"], "do": {"wdir": "${item}"}}, "a@eu", ["eu/m"]),
        ({"matrix": {"r": ["eu"], "n": [1]}, "wdir": "x-${item.n}"}, "a@eu-1", ["x-1/m"]),
        ({"wdir": "${somewhere}"}, "a", None),
        ({"matrix": {"r": ["eu"]}, "wdir": "${item.other}"}, "a@eu", None),
    ],
)
def test_step__in_a_folder_that_is_a_template__is_placed_or_left_out(body, name, expected):
    locked = {"outs": [{"path": "m"}]}
    found = steps_of("dvc.lock", {"stages": {name: locked}}, {"stages": {"a": defining(body, locked)}})
    assert [[out.path for out in step.outs] for step in found] == ([expected] if expected else [])


# -- what a step read and wrote ----------------------------------------------------


def test_step__rows__have_digest_size_and_files():
    rows = [
        {"path": "f", "hash": "md5", "md5": MD5, "size": 3},
        {"path": "d", "hash": "md5", "md5": f"{MD5}.dir", "size": 9, "nfiles": 2},
        {"path": "old", "md5": MD5, "size": 1},
        {"path": "s", "version_id": "v", "size": -1},
        {"path": "n", "md5": "", "checksum": "c", "size": True, "nfiles": "2"},
    ]
    assert one({"deps": rows}).deps == (
        Behind("f", f"md5:{MD5}", 3),
        Behind("d", f"md5:{MD5}.dir", 9, 2),
        Behind("old", f"md5:{MD5}", 1, text=True),
        Behind("s", "version_id:v"),
        Behind("n", "checksum:c"),
    )


def test_step__outs__are_of_the_kinds_that_the_pipeline_says():
    body = {
        "outs": ["m", {"kept": {"cache": False}}],
        "metrics": [{"e.json": {"cache": False}}, "f.json"],
        "plots": [{"r.csv": {"x": "a"}}, "p"],
    }
    step = one({"outs": [{"path": path} for path in ("m", "kept", "e.json", "f.json", "r.csv", "p")]}, body)
    assert step.metrics == {"e.json", "f.json"}
    assert step.plots == {"r.csv", "p"}
    assert {out.path for out in step.outs if not out.cached} == {"kept", "e.json"}


def test_step__metrics_that_are_templates__are_found_by_what_they_became():
    body = {"foreach": ["eu"], "do": {"outs": ["${item}.pkl"], "metrics": [{"m/${item}.json": {"cache": False}}]}}
    step = one({"outs": [{"path": "m/eu.json"}, {"path": "eu.pkl"}]}, body, name="a@eu")
    assert (step.metrics, step.outs[0].cached, step.outs[1].cached) == ({"m/eu.json"}, False, True)


def test_step__command__is_text_also_where_it_is_a_list():
    step = one({"cmd": ["a", "b"]}, {"cmd": ["a", "c"]})
    assert (step.command, step.written) == ("a\nb", "a\nc")


def test_step__command_as_written__is_the_pipelines_with_its_templates():
    assert one({"cmd": "go 1"}, {"cmd": "go ${x}"}).written == "go ${x}"
    assert one({"cmd": "go 1"}).written is None


def test_step__that_the_pipeline_does_not_have_any_more__does_not_count():
    lock = {"stages": {"old": {"cmd": "a"}, "new": {"cmd": "b"}, "each@1": {"cmd": "c"}}}
    found = steps_of("dvc.lock", lock, {"stages": {"new": {"cmd": "b"}, "each": {"foreach": [1], "do": {}}}})
    assert [step.name for step in found] == ["new", "each@1"]
    # Where the pipeline cannot be read nobody knows.
    for unreadable in (None, [], "text", {"stages": ["old"]}):
        assert len(steps_of("dvc.lock", lock, unreadable)) == 3


@pytest.mark.parametrize("pipeline", [{}, {"stages": None}, {"stages": {}}, {"artifacts": {}}])
def test_step__of_a_lock_whose_pipeline_has_no_stages__does_not_count(pipeline):
    # DVC passes over such a lock.
    assert steps_of("dvc.lock", {"stages": {"a": {"cmd": "go"}}}, pipeline) == []


@pytest.mark.parametrize(
    ("body", "name", "gone"),
    [
        ({"foreach": ["eu"], "do": {}}, "a@us", True),
        ({"foreach": ["eu"], "do": {}}, "a@eu", False),
        ({"foreach": [1, True], "do": {}}, "a@true", False),
        ({"foreach": [{"x": 1}], "do": {}}, "a@0", False),
        ({"foreach": [{"x": 1}], "do": {}}, "a@1", True),
        ({"foreach": {"eu": 1}, "do": {}}, "a@us", True),
        ({"foreach": {"eu": 1}, "do": {}}, "a@eu", False),
        # What a template stands for may be anything.
        ({"foreach": "${all}", "do": {}}, "a@us", False),
        ({"foreach": ["eu", "${more}"], "do": {}}, "a@us", False),
        ({"foreach": {"${x}": 1}, "do": {}}, "a@us", False),
        ({"foreach": [None], "do": {}}, "a@us", False),
        ({"matrix": {"x": ["a", "b"], "y": [1, 2]}}, "a@a-2", False),
        ({"matrix": {"x": ["a", "b"], "y": [1, 2]}}, "a@a-3", True),
        ({"matrix": {"x": ["a-b", "a"], "y": ["c", "b-c"]}}, "a@a-b-c", False),  # two of them, and both are there
        ({"matrix": {"x": "${all}", "y": [1]}}, "a@a-3", False),
        ({"matrix": "${all}"}, "a@a-3", False),
        # A stage with a loop is never one without a key, nor the other way round.
        ({"foreach": ["eu"], "do": {}}, "a", True),
        ({"cmd": "go"}, "a@eu", True),
    ],
)
def test_step__of_a_loop__does_not_count_where_the_loop_surely_does_not_make_it(body, name, gone):
    pipeline = {"stages": {name.partition("@")[0]: body}}
    found = steps_of("dvc.lock", {"stages": {name: {"cmd": "go"}}}, pipeline)
    assert [step.name for step in found] == ([] if gone else [name])


def test_step__that_reads_whole_files_of_parameters__knows_them():
    rows = ["lr", {"cfg.yaml": None}, {"p.json": []}, {"both.yaml": None}, {"both.yaml": ["x"]}]
    assert one({"cmd": "go"}, {"params": rows, "wdir": "w"}).whole == {"w/cfg.yaml", "w/p.json"}


def test_step__pipeline_that_lists_more__says_what_is_new():
    body = {
        "deps": ["d", "new/d", "${x}"],
        "outs": ["o", "o2"],
        "metrics": [{"m": {"cache": False}}],
        "params": ["p", "q", {"other.json": ["k", "l"]}, {"whole.yaml": None}, "t.${x}"],
    }
    stage = {
        "deps": [{"path": "d"}],
        "outs": [{"path": "o"}],
        "params": {"params.yaml": {"p": 1}, "other.json": {"k": {"deep": 1}}},
    }
    new = ("w/new/d", "w/o2", "w/m", "w/params.yaml: q", "w/other.json: l")
    assert one(stage, {**body, "wdir": "w"}).new == new
    assert one({}, None).new == ()


# -- parameters --------------------------------------------------------------------


def test_params__nested__are_flat_and_their_groups_known():
    step = one({"params": {"params.yaml": {"a.b": 1, "g": {"x": 1, "h": {"y": [1, 2]}}, "e": {}, 3: None}}})
    assert step.params == {"params.yaml": {"a.b": 1, "g.x": 1, "g.h.y": [1, 2], "3": None}}
    assert step.groups == {"params.yaml": {"g", "e"}}


def test_flatten__deeper_than_anybody_nests__stops():
    deep: Any = 1
    for _ in range(5000):
        deep = {"k": deep}
    assert flatten({"a": 1, "deep": deep}) == {"a": 1}


def test_flatten__number_that_python_does_not_write_out__is_a_text():
    long = 10**5000
    assert flatten({"a": long, "b": [1, [long]], "c": [{"k": -long}]}) == {
        "a": hex(long),
        "b": [1, [hex(long)]],
        "c": [{"k": hex(-long)}],
    }
    step = one({"params": {"p": {"a": long}}})
    assert [row.value for row in parameters_of([step])] == [hex(long)]


def test_flatten__lists_in_lists_without_end__stop():
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    step = one({"params": {"p": {"a": deep}}})
    assert len(repr(parameters_of([step])[0].value)) < 200


@pytest.mark.parametrize("values", [None, 1, "x", [1], [{"a": 1}]])
def test_flatten__anything_but_a_mapping__is_nothing(values):
    assert flatten(values) == {}


def test_metrics_of__pipeline__lists_them_from_the_root():
    assert metrics_of("sub/dvc.yaml", {"metrics": ["m.json", "../n.json", {"o.json": None}, 1]}) == [
        "sub/m.json",
        "n.json",
        "sub/o.json",
    ]
    assert metrics_of("dvc.yaml", {"metrics": "m.json"}) == []


# -- what was brought from elsewhere --------------------------------------------------


def test_imported__plain_file__has_no_origin():
    data = {"outs": [{"path": "raw.csv", "hash": "md5", "md5": MD5, "size": 4}]}
    assert imported_of("data/raw.csv.dvc", data) == Imported(
        "data/raw.csv.dvc", (Behind("data/raw.csv", f"md5:{MD5}", 4),)
    )


def test_imported__from_a_repository__has_its_revision_and_lock():
    repo = {"url": "https://h/r.git", "rev": "v1", "rev_lock": "c" * 40}
    data = {"wdir": "..", "deps": [{"path": "t/x", "repo": repo}], "outs": [{"path": "x"}]}
    found = imported_of("data/x.dvc", data)
    assert found is not None
    assert (found.outs[0].path, found.origin) == ("x", Origin("https://h/r.git", "t/x", "v1", "c" * 40))


def test_imported__of_a_default_branch__has_no_revision():
    data = {"deps": [{"path": "x", "repo": {"url": "u", "rev_lock": "c"}}], "outs": [{"path": "x"}]}
    found = imported_of("x.dvc", data)
    assert found is not None
    assert found.origin == Origin("u", "x", None, "c")


@pytest.mark.parametrize(
    ("dep", "locked"),
    [
        ({"path": "s3://b/k", "etag": "e", "md5": MD5}, "etag:e"),
        ({"path": "s3://b/k", "md5": MD5}, f"md5:{MD5}"),
        ({"path": "s3://b/k", "checksum": "c"}, "checksum:c"),
        ({"path": "s3://b/k"}, None),
    ],
)
def test_imported__from_a_url__has_what_marked_its_content(dep, locked):
    found = imported_of("x.dvc", {"deps": [dep], "outs": [{"path": "x"}]})
    assert found is not None
    assert found.origin == Origin("s3://b/k", locked=locked)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@h/r.git", "https://h/r.git"),
        ("https://secret@h/r.git", "https://h/r.git"),
        ("HTTPS://a@b:secret@h/x@y", "HTTPS://…@y"),
        ("ssh://git:secret@h/r", "ssh://git@h/r"),
        ("ssh://git@h/r", "ssh://git@h/r"),
        ("git@h:r.git", "git@h:r.git"),
        ("https://h/a@b:c@d", "https://h/a@b:c@d"),
        ("s3://b/a:b@c", "s3://b/a:b@c"),
    ],
)
def test_origin__credentials_in_its_url__are_not_shown(url, shown):
    for deps in ([{"path": "x", "repo": {"url": url}}], [{"path": url}]):
        found = imported_of("x.dvc", {"deps": deps, "outs": [{"path": "x"}]})
        assert found is not None
        assert found.origin is not None
        assert found.origin.url == shown
    if "://" in url:
        assert one({"deps": [{"path": url}]}).deps[0].path == shown


@pytest.mark.parametrize("data", [None, [], "x", {}, {"outs": "x"}, {"outs": [{"md5": MD5}]}, {"outs": [{"path": 1}]}])
def test_imported__file_without_outs__is_none(data):
    assert imported_of("x.dvc", data) is None


@pytest.mark.parametrize("deps", [[], "x", [1], [{}], [{"path": 1}], [{"repo": {"url": ""}}]])
def test_imported__dependency_that_says_nothing__is_no_origin(deps):
    found = imported_of("x.dvc", {"deps": deps, "outs": [{"path": "x"}]})
    assert found is not None
    assert found.origin is None


# -- hostile files ---------------------------------------------------------------------

_NAME = st.sampled_from(["a", "b", "a@x", "m", "../m", "d", "d/m", "/abs", "s3://b/k", "", ".", "${x}"])
_ROW = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("path", "md5", "hash", "size", "nfiles", "cache", "repo", "etag"), _NAME | JSON)
)
_ROWS = st.lists(_ROW | _NAME | JSON, max_size=4) | JSON
_STAGE = st.fixed_dictionaries(
    {},
    optional={
        "cmd": _NAME | JSON, "deps": _ROWS, "outs": _ROWS, "metrics": _ROWS, "plots": _ROWS, "wdir": _NAME | JSON,
        "params": st.dictionaries(_NAME, st.dictionaries(_NAME, JSON, max_size=3) | JSON, max_size=3) | _ROWS,
        "foreach": JSON, "matrix": JSON, "do": JSON,
    },
)  # fmt: skip
_STAGES = st.fixed_dictionaries({"stages": st.dictionaries(_NAME, _STAGE | JSON, max_size=4) | JSON}) | JSON
_POINTER = st.fixed_dictionaries({}, optional={"outs": _ROWS, "deps": _ROWS, "wdir": _NAME | JSON}) | JSON


@given(_STAGES, _STAGES, _POINTER, _NAME)
def test_files__any_value_at_all__never_raise_and_are_quick(lock, pipeline, pointer, target):
    started = time.monotonic()
    steps = [*steps_of("dvc.lock", lock, pipeline), *steps_of("d/dvc.lock", pipeline, lock)]
    imports = [found for found in [imported_of("d/x.dvc", pointer)] if found is not None]
    graph = graph_of(target, Pointed(steps, imports), [("a", "1"), ("d/c.py", "2")], lambda: ["m"])
    list(edges(graph))
    metrics_of("dvc.yaml", pipeline)
    parameters_of(graph.steps)
    check_steps(graph, Now({"a": b"x"}, {"a": {}, "m": None}))
    for step in steps:
        hash((step.name, step.file, step.command, step.deps, step.outs, step.metrics, step.plots, step.new))
        assert all(isinstance(row.path, str) for row in (*step.deps, *step.outs))
    assert time.monotonic() - started < 5
