"""What DVC's pointer files say of paths and digests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.pointers import Out, covers, outs_of


def lock(stages: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "2.0", "stages": stages}


def test_dvc_file__as_dvc_writes_it__is_one_out_beside_it():
    data = {"outs": [{"md5": "ab12", "size": 7, "hash": "md5", "path": "model.pkl"}]}
    assert outs_of("models/model.pkl.dvc", data) == [Out("models/model.pkl", "md5:ab12", 7, None)]


def test_dvc_file__directory__has_its_number_of_files():
    data = {"outs": [{"md5": "ab12.dir", "size": 70, "nfiles": 3, "path": "data"}]}
    assert outs_of("data.dvc", data) == [Out("data", "md5:ab12.dir", 70, 3)]


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
    pipeline = {"stages": {"train": {"wdir": "work"}, "eval": {}}}
    assert [out.path for out in outs_of("p/dvc.lock", data, pipeline)] == ["p/work/m.pkl", "p/r"]


def test_dvc_lock__foreach_stage__has_the_wdir_of_its_body():
    data = lock({f"train@{key}": {"outs": [{"path": f"{key}.pkl", "md5": key}]} for key in ("eu", "us")})
    pipeline = {"stages": {"train": {"foreach": ["eu", "us"], "do": {"wdir": "out", "cmd": "x"}}}}
    assert [out.path for out in outs_of("dvc.lock", data, pipeline)] == ["out/eu.pkl", "out/us.pkl"]


def test_dvc_lock__matrix_stage__has_the_wdir_beside_the_matrix():
    data = lock({"train@a-1": {"outs": [{"path": "m.pkl", "md5": "a"}]}})
    pipeline = {"stages": {"train": {"matrix": {"k": ["a"], "n": [1]}, "wdir": "out"}}}
    assert [out.path for out in outs_of("dvc.lock", data, pipeline)] == ["out/m.pkl"]


def test_dvc_lock__wdir_that_is_interpolated__counts_as_none():
    """Its value is not known here; the path then names nothing that a manifest could."""
    data = lock({"train@eu": {"outs": [{"path": "m.pkl", "md5": "a"}]}})
    pipeline = {"stages": {"train": {"foreach": ["eu"], "do": {"wdir": "${item}"}}}}
    assert [out.path for out in outs_of("p/dvc.lock", data, pipeline)] == ["p/m.pkl"]


@pytest.mark.parametrize("out", [{}, {"path": None}, {"path": 5}, {"path": ["m"]}, "m", None])
def test_out__without_a_path__is_passed_over(out):
    assert outs_of("m.dvc", {"outs": [out, {"path": "m"}]}) == [Out("m", None, None, None)]


def test_dvc_lock__stage_whose_very_name_has_an_at__is_looked_up_by_it_first():
    data = lock({"train@eu": {"outs": [{"path": "m.pkl", "md5": "a"}]}})
    pipeline = {"stages": {"train": {"wdir": "wrong"}, "train@eu": {"wdir": "right"}}}
    assert [out.path for out in outs_of("dvc.lock", data, pipeline)] == ["right/m.pkl"]


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
    assert outs_of("m.dvc", {"outs": [{"path": "m", **out}]}) == [Out("m", digest, None, None)]


def test_digest__files_of_a_folder_in_the_cloud__differ_when_one_differs():
    one, two = ({"outs": [{"path": "d", "files": [{"relpath": "a", "md5": md5}]}]} for md5 in ("1", "2"))
    assert outs_of("d.dvc", one)[0].digest != outs_of("d.dvc", two)[0].digest


@pytest.mark.parametrize("size", ["7", True, 7.0, None, [7]])
def test_size__no_whole_number__is_none(size):
    assert outs_of("m.dvc", {"outs": [{"path": "m", "size": size, "nfiles": size}]}) == [Out("m", None, None, None)]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["stages", "outs", "wdir", "path", "md5", "do", "cloud", "a", "a@b"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(st.sampled_from(["dvc.lock", "d/dvc.lock", "m.dvc"]), anything, anything)
def test_outs_of__any_data__never_fails(file, data, pipeline):
    for out in outs_of(file, data, pipeline):
        assert isinstance(out.path, str)


@pytest.mark.parametrize(
    ("out", "path", "expected"),
    [
        ("m", "m", True),
        ("data", "data/m.pkl", True),
        ("data/m.pkl", "data", True),
        ("data", "data2", False),
        ("data2", "data", False),
        ("data/m", "data/n", False),
        ("a/b", "b", False),
    ],
)
def test_covers__itself_and_folders_either_way(out, path, expected):
    assert covers(out, path) == expected
