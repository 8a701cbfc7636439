"""What a lineage says of parameters, figures, the ledger, and of steps that would have to run again."""

from __future__ import annotations

import hashlib
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.events import RawTag, read_events
from tagline.domain.lineage import (
    Figure,
    Lineage,
    Parameter,
    Stale,
    figures_of,
    md5_of,
    parameters_of,
    passages_of,
    same,
    stale_steps,
)
from tagline.domain.lineage_graph import Graph, Pointed, graph_of
from tagline.domain.listings import Entry, folder_digest
from tagline.domain.pipelines import Behind, Imported, steps_of
from tagline.domain.tracked import TrackedPaths
from tests.domain.pipelines import JSON, facts, step
from tests.domain.promotions import commit

NAN = math.nan
LONG = 10**400


def md5(data: bytes) -> str:
    return f"md5:{hashlib.md5(data).hexdigest()}"


# -- parameters and figures ---------------------------------------------------------------


def test_parameters__of_two_steps__are_one_with_both():
    steps = [step("a", params={"p": {"lr": 0.1, "seed": 1}}), step("b", params={"p": {"seed": 1}, "q": {"seed": 1}})]
    assert parameters_of(steps) == (
        Parameter("lr", 0.1, "p", ("a",)),
        Parameter("seed", 1, "p", ("a", "b")),
        Parameter("seed", 1, "q", ("b",)),
    )


def test_parameters__that_two_steps_ran_with_different_values__are_two():
    steps = [step("b", params={"p": {"seed": 2}}), step("a", params={"p": {"seed": 1}})]
    assert parameters_of(steps) == (Parameter("seed", 1, "p", ("a",)), Parameter("seed", 2, "p", ("b",)))


def test_parameters__yes_and_one__are_two_values():
    steps = [step("a", params={"p": {"x": True}}), step("b", params={"p": {"x": 1}})]
    assert len(parameters_of(steps)) == 2


def test_parameters__of_thousands_of_steps__are_quick():
    started = time.monotonic()
    [found] = parameters_of([step(f"s{n}", params={"p": {"seed": 1}}) for n in range(3000)])
    assert len(found.steps) == 3000
    assert time.monotonic() - started < 5


def test_figures__of_a_file__are_flat_and_sorted():
    data = {"z": 1, "test": {"f1": 0.5, "deep": {"x": True}}, "note": "text", "curve": [1], "none": None, "e": {}}
    assert figures_of(data, "m.json") == [
        Figure("note", "text", "m.json"),
        Figure("test.deep.x", True, "m.json"),
        Figure("test.f1", 0.5, "m.json"),
        Figure("z", 1, "m.json"),
    ]


def test_figures__where_there_are_none__are_none():
    assert figures_of("the file is gone.", "m.json") == []


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (0.5, 0.5), (True, None), ("5", None), (NAN, None), (math.inf, None), (LONG, None), (None, None)],
)
def test_figure__number__is_a_finite_one(value, number):
    assert Figure("x", value).number == number


# -- sameness -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1.0, True), (1, True, False), (0, False, False), (True, True, True), (NAN, math.nan, True),
        (NAN, 0.0, False), (LONG, LONG, True), (LONG, 1e308, False),
        ("1", 1, False), (None, None, True), (None, 0, False), ([1, 2], [1, 2], True), ([1], [True], False),
        ([float("nan")], [float("nan")], True), ([1], [1, 1], False), ([[NAN]], [[-NAN]], True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False), ({"a": 1}, {"b": 1}, False), ([1], 1, False),
    ],
)  # fmt: skip
def test_same__values__are_as_a_person_reads_them(one, other, expected):
    assert same(one, other) is expected
    assert same(other, one) is expected


@given(JSON, JSON)
def test_same__any_values__is_reflexive_and_symmetric(one, other):
    assert same(one, one)
    assert same(one, other) == same(other, one)


# -- the ledger ---------------------------------------------------------------------------


def tag(name: str, letter: str, at: int, message: str = "", who: str = "Ada") -> RawTag:
    return RawTag(name, "", "tag", commit(letter), "commit", at, name, actor_name=who, message=message)


def test_passages__of_a_version__are_its_own_events_with_their_trailers():
    words = (
        "Registering\n\nChange: https://h/1\nRequested-By: bob\nApproved-By: carol c 2026\nApproved-By: dave c 2026\n"
        "Policy: sha256:x\nRun: https://h/run\nReason: why\n"
    )
    raw = [
        tag("rf@v1.0.0", "a", 10, words),
        tag("rf@v2.0.0", "b", 20),
        tag("rf@v3.0.0", "a", 25),
        tag("rf#prod#1", "a", 30, "Assigning\n\nOverride: freeze\nRollback-From: v2.0.0\n", "Bob"),
        tag("rf#prod#2", "b", 40),
        tag("rf#prod!#3", "a", 50),
    ]
    events = sorted(read_events(raw)[0]["rf"])
    found = passages_of(events, {one.name: one for one in raw}, "v1.0.0", commit("a"))
    assert [(row.time, row.stage, row.tag, row.tagger) for row in found] == [
        (10, None, "rf@v1.0.0", "Ada"),
        (30, "prod", "rf#prod#1", "Bob"),
        (50, "prod", "rf#prod!#3", "Ada"),
    ]
    first = found[0]
    assert (first.change, first.requested_by, first.reason) == ("https://h/1", ("bob",), "why")
    assert first.approved_by == ("carol c 2026", "dave c 2026")
    assert (first.policy, first.run) == ("sha256:x", "https://h/run")
    assert (found[1].override, found[1].rollback_from, found[1].change) == ("freeze", "v2.0.0", None)


def test_passages__event_whose_tag_nobody_read__is_left_out():
    raw = [tag("rf@v1.0.0", "a", 10)]
    assert passages_of(sorted(read_events(raw)[0]["rf"]), {}, "v1.0.0", commit("a")) == ()


def test_label__of_a_lineage__is_its_version_or_its_commit():
    assert Lineage("rf", facts("a"), version="v1.0.0").label == "v1.0.0"
    assert Lineage("rf", facts("a")).label == commit("a")[:7]


# -- stale steps ----------------------------------------------------------------------------

CODE = b"print(1)\n"


def stale(lock: Any, pipeline: Any = None, contents: dict[str, bytes] | None = None, **more: Any) -> list[Stale]:
    """The stale steps of the artifact ``m``, which is an out of the lock."""
    contents = contents or {}
    steps = steps_of("dvc.lock", {"stages": lock}, {"stages": pipeline or {}})
    in_git = [(path, "1") for path in (*contents, *more.pop("unread", ()))]
    graph = graph_of("m", Pointed(steps, more.pop("imports", ())), in_git)
    tracked = TrackedPaths([path for path, _ in in_git]) if more.pop("looks", True) else None
    return stale_steps(graph, contents, more.pop("params", {}), tracked)


def reading(path: str, digest: str, **more: Any) -> dict[str, Any]:
    """A lock with one step that read a path."""
    row = {"path": path, "hash": "md5", "md5": digest.removeprefix("md5:"), **more}
    return {"train": {"cmd": "go", "deps": [row], "outs": [{"path": "m"}]}}


def test_stale__code_as_it_was__is_not():
    assert stale(reading("t.py", md5(CODE)), contents={"t.py": CODE}) == []


def test_stale__other_code__is():
    assert stale(reading("t.py", md5(CODE)), contents={"t.py": b"print(2)\n"}) == [
        Stale("train", "t.py was changed since it ran", "t.py")
    ]


@pytest.mark.parametrize("digest", ["etag:x", "md5:", ""])
def test_stale__digest_that_is_no_md5_of_a_file__is_not_judged(digest):
    assert (
        stale({"train": {"deps": [{"path": "t.py", "etag": digest}], "outs": [{"path": "m"}]}}, contents={"t.py": CODE})
        == []
    )


def test_stale__text_that_dvc_2_hashed__may_have_other_line_ends():
    row = {"path": "t.py", "md5": md5(b"a\nb\n").removeprefix("md5:")}
    lock = {"train": {"deps": [row], "outs": [{"path": "m"}]}}
    assert stale(lock, contents={"t.py": b"a\r\nb\r\n"}) == []
    assert stale(
        {"train": {"deps": [{**row, "hash": "md5"}], "outs": [{"path": "m"}]}}, contents={"t.py": b"a\r\nb\r\n"}
    )


def test_md5__of_bytes_that_are_no_text__keeps_line_ends():
    assert md5_of(b"\0\r\n", text=True) == hashlib.md5(b"\0\r\n").hexdigest()
    assert md5_of(b"a\r\n", text=True) == hashlib.md5(b"a\n").hexdigest()
    assert md5_of(b"a\r\n", text=False) == hashlib.md5(b"a\r\n").hexdigest()


def test_stale__file_that_could_not_be_read__is_not():
    assert stale(reading("t.py", md5(CODE)), unread=["t.py"]) == []


def test_stale__file_that_is_gone__is():
    assert stale(reading("t.py", md5(CODE))) == [Stale("train", "t.py is gone", "t.py")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"src/a.py": b"a", "src/b/c.py": b"c"}, False),
        ({"src/a.py": b"b", "src/b/c.py": b"c"}, True),
        ({"src/a.py": b"a", "src/b/d.py": b"c"}, True),
        ({"src/a.py": b"a", "src/b/c.py": b"c", "src/d.py": b""}, True),
        ({"src/a.py": b"b"}, False),  # DVC saw a file that Git does not have: nobody can tell
    ],
)
def test_stale__folder__is_what_its_files_are(files, expected):
    entries = [Entry("a.py", md5_of(b"a", text=False)), Entry("b/c.py", md5_of(b"c", text=False))]
    lock = reading("src", f"md5:{folder_digest(entries)}", nfiles=2)
    found = [Stale("train", "src was changed since it ran", "src")] if expected else []
    files = {**files, "src.py": b"", "srcs/x.py": b"", "tail.py": b""}
    assert stale(lock, contents=files) == found
    assert stale(lock, contents=files, looks=False) == []


def test_stale__folder_of_which_a_file_was_not_read__is_not_judged():
    lock = reading("src", "md5:x.dir", nfiles=2)
    assert stale(lock, contents={"src/a": b"a"}, unread=["src/b"]) == []


def test_stale__out_of_an_earlier_step_that_is_another_one__is():
    lock = {
        "prepare": {"outs": [{"path": "d", "md5": "2"}]},
        "train": {"deps": [{"path": "d", "md5": "1"}], "outs": [{"path": "m"}]},
    }
    assert stale(lock) == [Stale("train", "d is another one than it read", "d")]


def test_stale__imported_data_that_is_another_one__is():
    imports = [Imported("x.csv.dvc", (Behind("x.csv", "md5:2"),))]
    assert stale(reading("x.csv", "md5:1"), imports=imports) == [
        Stale("train", "x.csv is another one than it read", "x.csv")
    ]
    assert stale(reading("x.csv", "md5:2"), imports=imports) == []


@pytest.mark.parametrize(("read", "now"), [(None, "md5:2"), ("md5:1", None)])
def test_stale__data_without_a_digest_on_one_side__is_not_judged(read, now):
    row = {"path": "x.csv", **({"md5": "1"} if read else {})}
    lock = {"train": {"deps": [row], "outs": [{"path": "m"}]}}
    assert stale(lock, imports=[Imported("x.csv.dvc", (Behind("x.csv", now),))]) == []


def test_stale__part_of_an_out__is_not_judged():
    # Git has the folder's digest alone; what DVC wrote of the part is not the part's now.
    imports = [Imported("x.dvc", (Behind("x", "md5:2.dir"),))]
    assert stale(reading("x/part", "md5:1"), imports=imports) == []


def test_stale__command__is_compared_as_written():
    lock = {"train": {"cmd": "go", "outs": [{"path": "m"}]}}
    assert stale(lock, {"train": {"cmd": "go"}}) == []
    assert stale(lock, {"train": {"cmd": "go ${x}"}}) == []
    assert stale(lock, {"train": {"cmd": "run"}}) == [Stale("train", "its command is another one now")]
    assert stale(lock, {"other": {"cmd": "run"}}) == [Stale("train", "dvc.yaml has no such step any more")]


def test_stale__out_that_git_keeps__is_compared_with_what_was_written():
    lock = {
        "train": {"outs": [{"path": "m"}, {"path": "e.json", "hash": "md5", "md5": md5(b"1").removeprefix("md5:")}]}
    }
    pipeline = {"train": {"outs": ["m"], "metrics": [{"e.json": {"cache": False}}]}}
    assert stale(lock, pipeline, {"e.json": b"1"}) == []
    assert stale(lock, pipeline, {"e.json": b"2"}) == [Stale("train", "e.json is not what it wrote", "e.json")]
    assert stale(lock, pipeline) == [Stale("train", "e.json is not in this commit", "e.json")]
    # What DVC keeps may have any name in Git: nobody looks.
    assert stale(lock, {"train": {"metrics": ["e.json"], "outs": ["m"]}}, {"e.json": b"2"}) == []


def params(values: Any, now: Any) -> list[tuple[str, str | None]]:
    lock = {"train": {"outs": [{"path": "m"}], "params": {"p.yaml": values}}}
    return [(row.why, row.path) for row in stale(lock, params={} if now is ... else {"p.yaml": now})]


@pytest.mark.parametrize(
    ("values", "now", "why"),
    [
        ({"lr": 1}, {"lr": 1.0, "other": 2}, None),
        ({"lr": 1}, {"lr": True}, "the parameter lr of p.yaml is another one than it ran with"),
        ({"lr": NAN}, {"lr": math.nan}, None),
        ({"lr": 1}, {}, "the parameter lr is gone from p.yaml"),
        ({"lr": 1}, None, "p.yaml, which has its parameters, is gone"),
        ({"lr": 1}, ..., None),  # what cannot be read counts as unchanged
        ({"t": {"lr": 1}}, {"t.lr": 1, "t.new": 2}, "the parameter t.new of p.yaml is new since it ran"),
        ({"t": {"lr": 1}}, {"t.lr": 1, "tt.new": 2, "u": 1}, None),
        ({"t.lr": 1}, {"t.lr": 1, "t.new": 2}, None),
    ],
)
def test_stale__parameters__are_compared_one_by_one(values, now, why):
    assert params(values, now) == ([(why, "p.yaml")] if why else [])


def test_stale__pipeline_that_lists_more__says_so():
    pipeline = {"train": {"cmd": "go", "deps": ["t.py"], "outs": ["m"], "params": ["lr"]}}
    assert stale({"train": {"cmd": "go", "outs": [{"path": "m"}]}}, pipeline) == [
        Stale("train", "t.py is new in dvc.yaml since it ran", "t.py"),
        Stale("train", "the parameter lr of params.yaml is new in dvc.yaml since it ran", "params.yaml"),
    ]


def test_stale__steps_that_the_artifact_does_not_come_from__are_nobodys():
    lock = {**reading("t.py", md5(CODE)), "aside": {"cmd": "a", "outs": [{"path": "z"}]}}
    assert stale(lock, {"train": {"cmd": "go"}, "aside": {"cmd": "b"}}, {"t.py": CODE}) == []


def test_stale__empty_graph__is_nothing():
    assert stale_steps(Graph(), {}, {}) == []


@given(
    st.dictionaries(st.sampled_from(["a", "b.c", "d"]), JSON), st.dictionaries(st.sampled_from(["a", "b.c", "d"]), JSON)
)
def test_stale__any_parameters__are_stale_where_they_differ(values, now):
    one = step("s", params={"p": values})
    graph = Graph(steps=(one,))
    found = {row.path for row in stale_steps(graph, {}, {"p": now})}
    assert bool(found) == any(name not in now or not same(now[name], value) for name, value in values.items())
