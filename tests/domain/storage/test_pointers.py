"""What DVC's pointer files say of paths and digests."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.storage.pointers import Cloud, ListedFile, Out, outs_of, pick
from tagline.errors import BadPointer


def lock(stages: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "2.0", "stages": stages}


def test_dvc_file__as_dvc_writes_it__is_one_out_beside_it():
    data = {"outs": [{"md5": "ab12", "size": 7, "hash": "md5", "path": "model.pkl"}]}
    [out] = outs_of("models/model.pkl.dvc", data)
    assert out == Out("models/model.pkl", "md5:ab12", 7, None, md5="ab12", file="models/model.pkl.dvc")


def test_dvc_file__directory__has_its_number_of_files():
    data = {"outs": [{"md5": "ab12.dir", "size": 70, "nfiles": 3, "path": "data"}]}
    assert [out[:4] for out in outs_of("data.dvc", data)] == [("data", "md5:ab12.dir", 70, 3)]


@pytest.mark.parametrize(
    ("wdir", "path", "expected"),
    [
        ("..", "x/m.pkl", "x/m.pkl"),
        ("../other", "m.pkl", "other/m.pkl"),
        (".", "m.pkl", "models/m.pkl"),
        (None, "../m.pkl", "m.pkl"),
        (None, "sub//m.pkl", "models/sub/m.pkl"),
        (None, "/abs/m.pkl", "/abs/m.pkl"),
    ],
)
def test_dvc_file__with_a_wdir__counts_from_there(wdir, path, expected):
    data = {"wdir": wdir, "outs": [{"path": path, "md5": "a"}]}
    assert [out.path for out in outs_of("models/m.dvc", data)] == [expected]


def test_dvc_lock__several_stages__all_their_outs():
    data = lock({
        "train": {"cmd": "x", "deps": [{"path": "in.csv", "md5": "no"}], "outs": [{"path": "m.pkl", "md5": "a"}]},
        "eval": {"outs": [{"path": "r.json", "md5": "b"}, {"path": "p", "md5": "c.dir"}]},
        "clean": {"cmd": "rm"},
    })  # fmt: skip
    assert [out[:2] for out in outs_of("p/dvc.lock", data)] == [
        ("p/m.pkl", "md5:a"),
        ("p/r.json", "md5:b"),
        ("p/p", "md5:c.dir"),
    ]


def test_dvc_lock__stage_with_a_wdir__counts_from_there():
    data = lock({"train": {"outs": [{"path": "m.pkl", "md5": "a"}]}, "eval": {"outs": [{"path": "r", "md5": "b"}]}})
    pipeline = {"stages": {"train": {"wdir": "work", "outs": ["m.pkl"]}, "eval": {"outs": ["r"]}}}
    assert [out.path for out in outs_of("p/dvc.lock", data, pipeline)] == ["p/work/m.pkl", "p/r"]


def test_dvc_lock__foreach_stage__has_the_wdir_of_its_body():
    data = lock({f"train@{key}": {"outs": [{"path": f"{key}.pkl", "md5": key}]} for key in ("eu", "us")})
    pipeline = {"stages": {"train": {"foreach": ["eu", "us"], "do": {"wdir": "out", "outs": ["${item}.pkl"]}}}}
    assert [out.path for out in outs_of("dvc.lock", data, pipeline)] == ["out/eu.pkl", "out/us.pkl"]


def test_dvc_lock__matrix_stage__has_the_wdir_beside_the_matrix():
    data = lock({"train@a-1": {"outs": [{"path": "m.pkl", "md5": "a"}]}})
    pipeline = {"stages": {"train": {"matrix": {"k": ["a"], "n": [1]}, "wdir": "out", "outs": ["m.pkl"]}}}
    assert [out.path for out in outs_of("dvc.lock", data, pipeline)] == ["out/m.pkl"]


def test_dvc_lock__wdir_that_is_interpolated__is_what_the_stages_name_tells():
    data = lock({"train@eu": {"outs": [{"path": "m.pkl", "md5": "a"}]}})
    pipeline = {"stages": {"train": {"foreach": ["eu"], "do": {"wdir": "${item}", "outs": ["m.pkl"]}}}}
    assert [out.path for out in outs_of("p/dvc.lock", data, pipeline)] == ["p/eu/m.pkl"]


@pytest.mark.parametrize("out", [{}, {"path": None}, {"path": 5}, {"path": ["m"]}, "m", None])
def test_out__without_a_path__is_passed_over(out):
    assert [out[:4] for out in outs_of("m.dvc", {"outs": [out, {"path": "m"}]})] == [("m", None, None, None)]


def test_dvc_lock__stage_whose_very_name_has_an_at__is_looked_up_by_it_first():
    data = lock({"train@eu": {"outs": [{"path": "m.pkl", "md5": "a"}]}})
    pipeline = {"stages": {name: {"wdir": name, "outs": ["m.pkl"]} for name in ("train", "train@eu")}}
    assert [out.path for out in outs_of("dvc.lock", data, pipeline)] == ["train@eu/m.pkl"]


def test_dvc_lock__wdir_of_a_dvc_file__is_not_read_in_it():
    data = {"wdir": "no", "outs": [{"path": "no"}], **lock({"a": {"wdir": "no", "outs": [{"path": "m", "md5": "a"}]}})}
    assert [out.path for out in outs_of("dvc.lock", data)] == ["m"]


@pytest.mark.parametrize(
    ("out", "digest"),
    [
        ({"md5": "a", "etag": "b"}, "md5:a"),
        ({"etag": "b", "version_id": "d"}, "etag:b"),
        ({"checksum": "c", "version_id": "d"}, "checksum:c"),
        ({"version_id": "d"}, "version_id:d"),
        ({"cloud": {"s3": {"etag": "e", "version_id": "v"}}}, "cloud:v"),
        ({"cloud": {"s3": {"etag": "e"}}}, "cloud:e"),
        ({"files": [{"relpath": "a"}]}, "files:[{'relpath': 'a'}]"),
        ({}, None),
        ({"md5": None}, None),
        ({"md5": 5}, None),
        ({"cloud": "s3"}, None),
        ({"cloud": {}}, None),
        ({"cloud": {"s3": {"etag": 5}}}, None),
    ],
)
def test_digest__is_the_first_that_is_there(out, digest):
    assert [out[:4] for out in outs_of("m.dvc", {"outs": [{"path": "m", **out}]})] == [("m", digest, None, None)]


def test_digest__files_of_a_folder_in_the_cloud__differ_when_one_differs():
    one, two = ({"outs": [{"path": "d", "files": [{"relpath": "a", "md5": md5}]}]} for md5 in ("1", "2"))
    assert outs_of("d.dvc", one)[0].digest != outs_of("d.dvc", two)[0].digest


@pytest.mark.parametrize("size", ["7", True, 7.0, None, [7]])
def test_size__no_whole_number__is_none(size):
    [out] = outs_of("m.dvc", {"outs": [{"path": "m", "size": size, "nfiles": size}]})
    assert out[:4] == ("m", None, None, None)


def one(**more: Any) -> Out:
    """The only out of a .dvc file."""
    [out] = outs_of("m.dvc", {"outs": [{"path": "m", **more}]})
    return out


# -- what finding the bytes takes ---------------------------------------------


def test_remote__of_a_dvc_file__is_the_one_its_out_names():
    assert one(remote="Other").remote == "Other"
    assert one().remote is None


@pytest.mark.parametrize("remote", [5, None, ["a"], {"a": 1}])
def test_remote__that_is_no_text__is_none(remote):
    assert one(remote=remote).remote is None


def remotes(pipeline: dict[str, Any], **outs: str) -> dict[str, str | None]:
    """The remotes of a lock's outs, by their paths, for stages and outs by name."""
    data = lock({stage: {"outs": [{"path": path, "md5": "a"}]} for stage, path in outs.items()})
    return {out.path: out.remote for out in outs_of("dvc.lock", data, {"stages": pipeline})}


@pytest.mark.parametrize("kind", ["outs", "metrics", "plots"])
def test_remote__of_a_pipelines_out__stands_in_the_pipeline(kind):
    stage = {kind: ["plain", {"named": {"remote": "other", "cache": True}}, {"nothing": None}]}
    found = [remotes({"train": stage}, train=path) for path in ("plain", "named", "nothing")]
    assert found == [{"plain": None}, {"named": "other"}, {"nothing": None}]


def test_remote__of_a_pipelines_out__belongs_to_its_stage_alone():
    assert remotes({"a": {"outs": [{"m": {"remote": "other"}}]}, "b": {"outs": ["m"]}}, b="m") == {"m": None}


def test_remote__of_a_foreach_stage__stands_in_its_body():
    body = {"foreach": ["eu"], "do": {"outs": [{"m.pkl": {"remote": "other"}}]}}
    data = lock({"train@eu": {"outs": [{"path": "m.pkl", "md5": "a"}]}})
    assert [out.remote for out in outs_of("dvc.lock", data, {"stages": {"train": body}})] == ["other"]


@pytest.mark.parametrize(
    ("written", "path", "expected"),
    [
        ("${item}.pkl", "eu.pkl", "other"),
        ("out/${item.a}/${key}/m", "out/x/y/m", "other"),
        ("./m.pkl", "m.pkl", "other"),
        ("sub/../m.pkl", "m.pkl", "other"),
        ("m.pkl", "./m.pkl", "other"),
        ("sub/", "sub", "other"),
    ],
)
def test_remote__out_that_is_written_in_other_words__is_found(written, path, expected):
    """The lock has the resolved path; asking the default remote instead would be a guess."""
    found = remotes({"train": {"outs": [{written: {"remote": "other"}}]}}, train=path)
    assert list(found.values()) == [expected]


@pytest.mark.parametrize(("written", "path"), [("${item}.pkl", "eu.csv"), ("a.${item}", "axb"), ("m", "old")])
def test_dvc_lock__out_that_its_stage_does_not_list__does_not_count(written, path):
    """DVC fills in what dvc.yaml lists and passes over the rest of the lock."""
    assert remotes({"train": {"outs": [written]}}, train=path) == {}


@pytest.mark.parametrize("pipeline", [{}, {"stages": {}}, {"stages": {"other": {"outs": ["m"]}}}])
def test_dvc_lock__stage_that_the_pipeline_does_not_define__does_not_count(pipeline):
    data = lock({"train": {"outs": [{"path": "m", "md5": "a"}]}, "train@eu": {"outs": [{"path": "m", "md5": "b"}]}})
    assert outs_of("dvc.lock", data, pipeline) == []


def test_dvc_lock__more_templates_than_can_be_looked_through__may_be_any_of_them():
    rows = [{f"a{n}/${{item}}": {"remote": "other"}} for n in range(200)]
    assert remotes({"train": {"outs": rows}}, train="b/m") == {"b/m": "other"}


def test_dvc_lock__with_many_generated_stages__is_read_without_a_look_through_all_for_each():
    names = [f"t@{n}" for n in range(10_000)]
    data = lock({name: {"outs": [{"path": "m", "md5": "a"}]} for name in names})
    each = {"foreach": list(range(10_000)), "do": {"outs": ["${item}", *(f"{n}.bin" for n in range(5000))]}}
    assert len(outs_of("dvc.lock", data, {"stages": {"t": each}})) == 10_000
    matrix = {"matrix": {"n": list(range(10_000))}, "outs": ["m"]}
    assert len(outs_of("dvc.lock", data, {"stages": {"t": matrix}})) == 10_000


def test_remote__exact_path_and_pattern__the_exact_one_counts():
    outs = [{"${x}": {"remote": "wrong"}}, {"m": {"remote": "right"}}]
    assert remotes({"train": {"outs": outs}}, train="m") == {"m": "right"}


@pytest.mark.parametrize("option", ["remote", "cache"])
def test_remote__of_an_out_with_a_template_among_its_options__is_not_told(option):
    pipeline = {"stages": {"train": {"outs": [{"m": {option: "${r}"}}]}}}
    [out] = outs_of("dvc.lock", lock({"train": {"outs": [{"path": "m", "md5": "a"}]}}), pipeline)
    with pytest.raises(BadPointer, match="template"):
        _ = out.checked_remote


def test_remote__that_a_loop_gives_to_each_of_its_stages__is_that_of_the_stage():
    rows = {"a": {"store": "one"}, "b": {"store": ["two"]}, "c": {}}
    body = {"outs": [{"${key}": {"remote": "${item.store}"}}]}
    data = lock({f"t@{key}": {"outs": [{"path": key, "md5": "1"}]} for key in rows})
    outs = outs_of("dvc.lock", data, {"stages": {"t": {"foreach": rows, "do": body}}})
    assert [(out.remote, out.unsure) for out in outs] == [("one", False), (None, True), (None, True)]


def test_cloud__names_of_remotes__are_lower_cased_as_dvc_does():
    cloud = {"S3-Prod": {"version_id": "v1", "etag": "e1"}, "other": {"etag": "e2"}, "odd": None, 5: {"version_id": 7}}
    assert one(cloud=cloud).cloud == {
        "s3-prod": Cloud("v1", "e1"), "other": Cloud(None, "e2"), "odd": Cloud(), "5": Cloud(),
    }  # fmt: skip


def test_listed__files_of_a_folder__with_what_each_remote_said():
    rows = [
        {"relpath": "a/b", "md5": "1", "size": 3, "cloud": {"R": {"version_id": "v"}}},
        {"relpath": "c"},
        {"md5": 5, "size": -1},
        "nothing",
    ]
    assert one(files=rows).listed == (
        ListedFile("a/b", "1", 3, {"r": Cloud("v", None)}), ListedFile("c", None, None),
        ListedFile("", None, None), ListedFile("", None, None),
    )  # fmt: skip


def test_listed__without_a_list__is_none_and_an_empty_list_is_an_empty_folder():
    assert one().listed is None
    assert one(files={"a": 1}).listed is None
    assert one(files=[]).listed == ()


@pytest.mark.parametrize(("more", "text"), [({}, True), ({"hash": None}, True), ({"hash": "md5"}, False)])
def test_text__is_what_dvc_2_hashed(more, text):
    assert one(md5="a" * 32, **more).text is text


@pytest.mark.parametrize(
    ("deps", "source"),
    [
        ([{"path": "x", "repo": {"url": "https://h/r", "rev_lock": "1"}}], "https://h/r"),
        ([{"path": "s3://b/x", "etag": "e"}], None),
        ([{"repo": {}}], None),
        ([{"repo": "https://h/r"}], None),
        ([], None),
        (None, None),
        ("x", None),
    ],
)
def test_imported__is_the_repository_of_dvc_import(deps, source):
    [out] = outs_of("m.dvc", {"deps": deps, "outs": [{"path": "m"}]})
    assert out.imported == source


@pytest.mark.parametrize("md5", ["0123456789abcdef" * 2, "0123456789abcdef" * 2 + ".dir"])
def test_checked_md5__of_a_right_one__is_it(md5):
    assert one(md5=md5).checked_md5 == md5


@pytest.mark.parametrize(
    "md5",
    ["", "a", "A" * 32, "g" * 32, "a" * 31, "a" * 33, "a" * 32 + ".DIR", "a" * 32 + "\n", "a" * 32 + ".dir.dir",
     "../" + "a" * 29, " " + "a" * 32, 5, True, ["a" * 32], 1.5, "\ud800", "a" * 10_000],
)  # fmt: skip
def test_checked_md5__of_what_is_none__is_refused(md5):
    with pytest.raises(BadPointer, match="is no md5") as caught:
        _ = one(md5=md5).checked_md5
    assert caught.value.code == "bad-pointer"
    assert len(caught.value.message) < 200


def test_checked_md5__of_nothing__says_how_to_get_one():
    with pytest.raises(BadPointer, match="has no md5 for m") as caught:
        _ = one(etag="e").checked_md5
    assert "dvc add m" in caught.value.hint


# -- which out a path belongs to ----------------------------------------------


def out(path: str, digest: str | None = "md5:1", file: str = "x.dvc") -> Out:
    return Out(path, digest, None, None, file=file)


def test_pick__path_of_an_out__is_that_out():
    outs = [out("a"), out("data/m"), out("b")]
    assert pick(outs, "data/m") == (outs[1], "")


def test_pick__path_inside_an_out__is_the_rest_of_it():
    assert pick([out("data")], "data/sub/m.pkl") == (out("data"), "sub/m.pkl")


def test_pick__several_folders_above__the_nearest_counts():
    outs = [out("a"), out("a/b/c", "md5:2"), out("a/b", "md5:3")]
    assert pick(outs, "a/b/c/d") == (outs[1], "d")
    assert pick(outs, "a/b/x") == (outs[2], "x")


def test_pick__similar_names__are_others():
    assert pick([out("data2"), out("dat"), out("x/data")], "data") is None


def test_pick__dvc_file_and_lock_that_agree__the_dvc_file_counts():
    lockfile, pointer = out("m", file="p/dvc.lock"), out("m", file="z.dvc")
    assert pick([lockfile, pointer], "m") == (pointer, "")


@pytest.mark.parametrize("files", [("a.dvc", "dvc.lock"), ("dvc.lock", "p/dvc.lock"), ("a.dvc", "b.dvc")])
def test_pick__pointers_that_disagree__is_refused(files):
    with pytest.raises(BadPointer, match="different things about m") as caught:
        pick([out("m", "md5:1", files[0]), out("m", "md5:2", files[1])], "m")
    assert files[0] in caught.value.message
    assert files[1] in caught.value.message


def test_pick__three_pointers_of_which_the_last_differs__names_two_that_disagree():
    outs = [out("m", "md5:1", "a.dvc"), out("m", "md5:1", "b.dvc"), out("m", "md5:2", "c.dvc")]
    with pytest.raises(BadPointer, match=r"c\.dvc"):
        pick(outs, "m")


def test_pick__folder_of_which_parts_are_tracked__is_refused():
    with pytest.raises(BadPointer, match="such as data/a") as caught:
        pick([out("data/b"), out("data/a")], "data")
    assert caught.value.code == "mixed-folder"


def test_pick__out_with_parts_of_its_own__is_the_out():
    assert pick([out("data"), out("data/b", "md5:2")], "data") == (out("data"), "")


def test_pick__nothing_that_has_it__is_none():
    assert pick([], "m") is None
    assert pick([out("a")], "m") is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([
                "stages", "outs", "wdir", "path", "md5", "do", "cloud", "a", "a@b", "files", "relpath", "remote",
                "deps", "repo", "url", "metrics", "size", "hash", "version_id", "etag", "${a}", 5, None,
            ]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)  # fmt: skip

#: Outs that are nearly right, so that what reads them is reached.
_out = st.fixed_dictionaries(
    {"path": st.sampled_from(["a", "a/b", "b", "../a", "/a", ".", ""]) | anything},
    optional=dict.fromkeys(
        ("md5", "size", "nfiles", "remote", "cloud", "files", "hash", "etag", "version_id"), anything
    ),
)
_pointer = st.fixed_dictionaries({"outs": st.lists(_out, max_size=3)}, optional={"wdir": anything, "deps": anything})
_stages = st.dictionaries(st.sampled_from(["a", "a@b", "b"]), _pointer | anything, max_size=3)
_lock = st.fixed_dictionaries({"stages": _stages})


@given(
    st.sampled_from(["dvc.lock", "d/dvc.lock", "m.dvc"]),
    _lock | _pointer | anything,
    _lock | anything,
    st.sampled_from(["a", "a/b", "a/b/c", "b", "m"]),
)
def test_outs_of_and_pick__any_data__never_fail_otherwise_than_by_saying_so(file, data, pipeline, path):
    outs = outs_of(file, data, pipeline)
    for found in outs:
        assert isinstance(found.path, str)
        assert isinstance(found.remote, str | None)
        with contextlib.suppress(BadPointer):
            assert len(found.checked_md5) in (32, 36)
    with contextlib.suppress(BadPointer):
        picked = pick(outs, path)
        if picked is not None:
            assert path == "/".join(part for part in (picked[0].path, picked[1]) if part)
