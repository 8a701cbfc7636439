"""Would a step run again, by Git's word alone; what nobody can tell from that is told as not checked."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.lineage.graph import Graph, Pointed, graph_of
from tagline.domain.lineage.lineage import Stale, same
from tagline.domain.lineage.pipelines import Behind, Imported, steps_of
from tagline.domain.lineage.staleness import Checkup, Now, Unchecked, check_steps, md5_of
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.domain.storage.listings import Entry, folder_digest
from tests.support.pipelines import JSON, defining, step

NAN = math.nan


def md5(data: bytes) -> str:
    return f"md5:{hashlib.md5(data).hexdigest()}"


CODE = b"print(1)\n"


def checkup(lock: Any, pipeline: Any = None, contents: dict[str, bytes] | None = None, **more: Any) -> Checkup:
    """What is to say of the steps of the artifact ``m``, which is an out of the lock."""
    contents = contents or {}
    stages = {name: defining(body, lock.get(name)) for name, body in (pipeline or {}).items()}
    steps = steps_of("dvc.lock", {"stages": lock}, {"stages": stages} if pipeline is not None else None)
    in_git = [(path, "1") for path in (*contents, *more.pop("unread", ()))]
    submodules = frozenset(more.pop("submodules", ()))
    graph = graph_of("m", Pointed(steps, more.pop("imports", ())), in_git, submodules=submodules)
    tracked = TrackedPaths([path for path, _ in in_git]) if more.pop("looks", True) else None
    return check_steps(
        graph, Now(contents, more.pop("params", {}), tracked, more.pop("commands", {}), submodules)
    )  # fmt: skip


def stale(*args: Any, **more: Any) -> list[Stale]:
    """The stale steps alone."""
    return list(checkup(*args, **more).stale)


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
    assert stale(lock) == [Stale("train", "d is another one (2) than it read (1)", "d")]


def test_stale__imported_data_that_is_another_one__is():
    imports = [Imported("x.csv.dvc", (Behind("x.csv", "md5:2"),))]
    assert stale(reading("x.csv", "md5:1"), imports=imports) == [
        Stale("train", "x.csv is another one (2) than it read (1)", "x.csv")
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
    assert stale(lock, {"train": {"cmd": "run"}}) == [Stale("train", "its command is another one now")]


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
    assert check_steps(Graph(), Now()) == Checkup()


@given(
    st.dictionaries(st.sampled_from(["a", "b.c", "d"]), JSON), st.dictionaries(st.sampled_from(["a", "b.c", "d"]), JSON)
)
def test_stale__any_parameters__are_stale_where_they_differ(values, now):
    one = step("s", params={"p": values})
    graph = Graph(steps=(one,))
    found = {row.path for row in check_steps(graph, Now(params={"p": now})).stale}
    assert bool(found) == any(name not in now or not same(now[name], value) for name, value in values.items())


# -- what Git alone does not tell -----------------------------------------------------------


def test_stale__text_that_a_checkout_gives_other_line_ends__is_what_dvc_hashed():
    was = reading("d.csv", md5(b"a\r\nb\r\n"))
    assert stale(was, contents={"d.csv": b"a\nb\n"}) == []
    assert stale(was, contents={"d.csv": b"a\nc\n"})
    # What is binary is never converted.
    assert stale(reading("d.bin", md5(b"\0\r\n")), contents={"d.bin": b"\0\n"})


def test_stale__folder_with_other_line_ends__is_what_dvc_hashed():
    entries = [Entry("a", md5_of(b"1\r\n", text=False)), Entry("b", md5_of(b"\0\n", text=False))]
    lock = reading("src", f"md5:{folder_digest(entries)}", nfiles=2)
    assert stale(lock, contents={"src/a": b"1\n", "src/b": b"\0\n"}) == []
    assert stale(lock, contents={"src/a": b"2\n", "src/b": b"\0\n"})


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"c" * 64 + b"\nsize 12345\n"


def test_stale__file_in_lfs__is_not_known():
    found = checkup(reading("big.bin", md5(b"the bytes")), contents={"big.bin": LFS})
    assert found == Checkup((), (Unchecked("train", "big.bin", "Git LFS has it"),))


@pytest.mark.parametrize("path", ["/mnt/nas/raw.csv", "../outside/x.csv", "C:/data/x.csv", "s3://b/x.csv"])
def test_stale__file_outside__is_neither_gone_nor_changed(path):
    assert checkup(reading(path, md5(b"x"))) == Checkup()
    assert checkup(reading(path, "md5:1.dir", nfiles=2)) == Checkup()


def test_stale__file_in_a_submodule__is_not_known():
    for path in ("vendor/lib.py", "vendor"):
        found = checkup(reading(path, md5(b"x")), submodules=["vendor"])
        assert found == Checkup((), (Unchecked("train", path, "it lies in a submodule"),))
    assert stale(reading("vendors/lib.py", md5(b"x")), submodules=["vendor"])


def test_stale__out_outside_or_in_a_submodule__is_not_said_to_lack():
    for path in ("../e.json", "vendor/e.json"):
        lock = {"train": {"outs": [{"path": "m"}, {"path": path, "hash": "md5", "md5": "1"}]}}
        pipeline = {"train": {"outs": ["m"], "metrics": [{path: {"cache": False}}]}}
        assert stale(lock, pipeline, submodules=["vendor"]) == []


def test_unchecked__what_was_not_read__is_told():
    found = checkup(reading("t.py", md5(CODE)), unread=["t.py"])
    assert found.unchecked == (Unchecked("train", "t.py", "it is too large to be read here, or no plain file"),)
    assert found.unchecked[0].message == (
        "Whether t.py is what train read could not be checked: it is too large to be read here, or no plain file"
    )


@pytest.mark.parametrize(
    ("files", "more", "why"),
    [
        (["a"], {}, "DVC saw files in it that are not in Git"),
        (["a", "b"], {"unread": ["src/b"]}, "not all files in it can be read here"),
        (["a", "b"], {"looks": False}, "which files .dvcignore leaves out is not known here"),
    ],
)
def test_unchecked__folder_that_nobody_knows_whole__is_told(files, more, why):
    contents = {f"src/{name}": b"x" for name in files if f"src/{name}" not in more.get("unread", ())}
    found = checkup(reading("src", "md5:1.dir", nfiles=2), contents=contents, **more)
    assert found == Checkup((), (Unchecked("train", "src", why),))


def test_unchecked__parameters_that_cannot_be_read__are_told():
    lock = {"train": {"outs": [{"path": "m"}], "params": {"p.py": {"lr": 1}}}}
    found = checkup(lock, params={"p.py": "Python files are not read here."})
    assert found == Checkup((), (Unchecked("train", "p.py", "Python files are not read here"),))


def test_stale__new_parameter_in_a_file_that_is_read_whole__is():
    lock = {"train": {"cmd": "go", "outs": [{"path": "m"}], "params": {"cfg.yaml": {"lr": 1}}}}
    now = {"cfg.yaml": {"lr": 1, "dropout": 9}}
    whole = {"train": {"cmd": "go", "params": [{"cfg.yaml": None}]}}
    assert stale(lock, whole, params=now) == [
        Stale("train", "the parameter dropout of cfg.yaml is new since it ran", "cfg.yaml")
    ]
    assert stale(lock, {"train": {"cmd": "go", "params": [{"cfg.yaml": ["lr"]}]}}, params=now) == []


def test_stale__command_with_a_template__is_compared_filled_in():
    lock = {"train": {"cmd": "sh a.sh", "outs": [{"path": "m"}]}}
    pipeline = {"train": {"cmd": "sh ${script}"}}
    assert checkup(lock, pipeline, commands={"train": "sh a.sh"}) == Checkup()
    changed = [Stale("train", "its command is another one now")]
    assert stale(lock, pipeline, commands={"train": "sh b.sh"}) == changed
    # Nobody knows what it is filled in with; but this it cannot be, whatever that is.
    assert stale(lock, {"train": {"cmd": "bash ${script}"}}, commands={"train": None}) == changed


def test_unchecked__command_that_cannot_be_filled_in__is_told():
    lock = {"train": {"cmd": "sh a.sh", "outs": [{"path": "m"}]}}
    [found] = checkup(lock, {"train": {"cmd": "sh ${script}"}}).unchecked
    assert found.message == (
        "Whether the command of train is the one that it ran could not be checked: "
        "what dvc.yaml has in ${...} is not known here"
    )


def test_stale__data_of_which_digests_begin_alike__has_none_in_brackets():
    imports = [Imported("x.csv.dvc", (Behind("x.csv", f"md5:{'1' * 31}2"),))]
    [found] = stale(reading("x.csv", "md5:" + "1" * 32), imports=imports)
    assert found.why == "x.csv is another one than it read"
