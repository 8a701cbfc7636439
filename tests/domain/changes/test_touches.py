"""Which artifacts a change touches, from its two ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tagline.domain.changes.touches import FileChange, Side, Touches, find_touches
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.storage.pointers import Out


def entry(name: str, path: str | None = "model.pkl", **fields: Any) -> ManifestEntry:
    return ManifestEntry(name, "artifacts.yaml", 1, path=path, **fields)


def side(*entries: ManifestEntry, outs: tuple[Out, ...] = ()) -> Side:
    return Side({one.name: one for one in entries}, outs)


def out(path: str, digest: str | None = "md5:a") -> Out:
    return Out(path, digest, None, None)


def edited(*paths: str) -> list[FileChange]:
    return [FileChange(path, "M") for path in paths]


RF = entry("rf")


def touch(before: Side, after: Side, *paths: str) -> Touches:
    return find_touches(before, after, edited(*paths))


def touched_by(*paths: str, path: str = "model.pkl") -> dict[str, str]:
    """What is touched when these files change, and nothing in the manifest."""
    one = side(entry("rf", path))
    return dict(touch(one, one, *paths).touched)


def test_in_git__file_changed__is_touched():
    assert touched_by("model.pkl") == {"rf": "model.pkl changed"}


@pytest.mark.parametrize("file", ["model.pkl2", "model", "x/model.pkl", "README.md", "model.pkl.md", "artifacts.yaml"])
def test_in_git__another_file_changed__is_not_touched(file):
    assert touched_by(file) == {}


def test_in_git__file_inside_the_directory_changed__is_touched():
    assert touched_by("z", "data/b", "data/a/c", path="data") == {"rf": "data/a/c changed"}


@pytest.mark.parametrize("file", ["x", "data/a/c"])
def test_in_git__any_file_changed__touches_what_is_the_whole_repository(file):
    assert touched_by(file, path=".") == {"rf": f"{file} changed"}


def test_pointer__of_anything_in_the_repository__touches_what_is_the_whole():
    before, after = (side(entry("rf", "."), outs=(out("d/m.pkl", digest),)) for digest in ("md5:a", "md5:b"))
    assert touch(before, after).touched == {"rf": "its DVC pointer changed"}


def test_pointer__of_something_outside_of_the_repository__touches_nothing():
    outs = ((out("../m", digest), out("s3:/b/m", digest), out("/m", digest)) for digest in ("md5:a", "md5:b"))
    before, after = (side(entry("rf", "."), outs=some) for some in outs)
    assert touch(before, after).touched == {}


def test_in_git__file_beside_the_directory_changed__is_not_touched():
    assert touched_by("data.csv", "data2/a", path="data") == {}


@pytest.mark.parametrize("status", ["A", "D", "M", "T"])
def test_in_git__whatever_happened_to_the_file__is_touched(status):
    one = side(RF)
    assert find_touches(one, one, [FileChange("model.pkl", status)]).touched == {"rf": "model.pkl changed"}


def test_nothing_changed__nothing_is_touched_removed_or_renamed():
    one = side(RF, entry("a", None), outs=(out("model.pkl"),))
    found = touch(one, one)
    assert (found.touched, found.removed, found.renamed) == ({}, [], [])


@pytest.mark.parametrize("field", ["description", "type", "labels", "custom", "metrics", "line"])
def test_metadata__edited__does_not_touch(field):
    value: Any = {"labels": ("a",), "metrics": {"a": 1}, "line": 9}.get(field, "new")
    assert touch(side(RF), side(replace(RF, **{field: value})), "artifacts.yaml").touched == {}


def test_manifest__entry_moved_to_another_file_under_the_same_name__is_not_touched():
    moved = replace(RF, file="dvc.yaml")
    assert touch(side(RF), side(moved), "artifacts.yaml", "dvc.yaml").touched == {}


def test_manifest__path_moved__is_touched():
    assert touch(side(RF), side(entry("rf", "new.pkl"))).touched == {"rf": "moved from model.pkl"}


def test_manifest__path_given__is_touched():
    assert touch(side(entry("rf", None)), side(RF)).touched == {"rf": "got the path model.pkl"}


def test_manifest__path_taken_away__is_not_touched():
    assert touch(side(RF), side(entry("rf", None)), "model.pkl").touched == {}


def test_manifest__new_entry__is_touched():
    assert touch(side(RF), side(RF, entry("churn", "churn.pkl"))).touched == {"churn": "is new"}


def test_manifest__new_entry_without_a_path__is_not_touched():
    assert touch(side(), side(entry("churn", None))).touched == {}


def test_manifest__second_entry_of_a_path__is_new_and_not_renamed():
    found = touch(side(RF), side(RF, entry("rf2")))
    assert (found.touched, found.renamed) == ({"rf2": "is new"}, [])


def test_manifest__entry_removed__is_listed_and_not_touched():
    found = touch(side(RF, entry("a", "a.pkl")), side(), "model.pkl", "a.pkl")
    assert (found.touched, found.removed, found.renamed) == ({}, ["a", "rf"], [])


def test_manifest__entry_renamed__is_listed_and_not_touched_whatever_its_bytes():
    found = touch(side(RF), side(entry("forest")), "model.pkl", "artifacts.yaml")
    assert (found.touched, found.removed, found.renamed) == ({}, [], [("rf", "forest")])


def test_manifest__entry_removed_and_another_new_one_elsewhere__are_removed_and_new():
    found = touch(side(RF), side(entry("forest", "forest.pkl")))
    assert (found.touched, found.removed, found.renamed) == ({"forest": "is new"}, ["rf"], [])


def test_manifest__entry_takes_the_path_of_a_removed_one__has_moved():
    found = touch(side(RF, entry("forest", "forest.pkl")), side(entry("forest")))
    assert (found.touched, found.removed, found.renamed) == ({"forest": "moved from forest.pkl"}, ["rf"], [])


def test_manifest__entries_without_paths_removed_and_added__are_not_renamed():
    found = touch(side(entry("rf", None)), side(entry("forest", None)))
    assert (found.removed, found.renamed) == (["rf"], [])


URI = "s3://bucket/model.pkl"


def test_virtual__new__is_touched():
    assert touch(side(), side(entry("rf", URI, virtual=True))).touched == {"rf": "is new"}


def test_virtual__moved__is_touched():
    before, after = (side(entry("rf", uri, virtual=True)) for uri in (URI, f"{URI}2"))
    assert touch(before, after).touched == {"rf": f"moved from {URI}"}


def test_virtual__a_file_of_that_very_name_changed__is_not_touched():
    one = side(entry("rf", virtual=True))
    assert touch(one, one, "model.pkl").touched == {}


def test_virtual__pointer_of_that_very_name_changed__is_not_touched():
    before, after = (side(entry("rf", virtual=True), outs=(out("model.pkl", digest),)) for digest in ("md5:a", "md5:b"))
    assert touch(before, after, "model.pkl.dvc").touched == {}


def dvc(before: tuple[Out, ...], after: tuple[Out, ...], path: str = "model.pkl") -> dict[str, str]:
    """What is touched when pointers say this before and that after."""
    one = entry("rf", path)
    return dict(touch(side(one, outs=before), side(one, outs=after), "some.dvc").touched)


TOUCHED = {"rf": "its DVC pointer changed"}


def test_pointer__digest_changed__is_touched():
    assert dvc((out("model.pkl", "md5:a"),), (out("model.pkl", "md5:b"),)) == TOUCHED


def test_pointer__written_anew_with_the_same_digest__is_not_touched():
    before, after = Out("model.pkl", "md5:a", None, None), Out("model.pkl", "md5:a", 7, 1)
    assert dvc((before,), (after,)) == {}


def test_pointer__moved_from_a_dvc_file_to_dvc_lock_with_the_same_digest__is_not_touched():
    assert dvc((out("model.pkl"),), (out("other.csv"), out("model.pkl"))) == {}


def test_pointer__of_a_folder_above_changed__is_touched():
    assert dvc((out("data", "md5:a.dir"),), (out("data", "md5:b.dir"),), "data/model.pkl") == TOUCHED


def test_pointer__of_something_inside_changed__is_touched():
    assert dvc((out("data/x", "md5:a"),), (out("data/x", "md5:b"),), "data") == TOUCHED


@pytest.mark.parametrize("other", ["model.pkl2", "data/model.pkl", "model"])
def test_pointer__of_something_else_changed__is_not_touched(other):
    assert dvc((out(other, "md5:a"),), (out(other, "md5:b"),)) == {}


def test_pointer__added__is_touched():
    assert dvc((), (out("model.pkl"),)) == TOUCHED


def test_pointer__removed__is_touched():
    assert dvc((out("model.pkl"),), ()) == TOUCHED


def test_pointer__loses_its_digest__is_touched():
    assert dvc((out("model.pkl"),), (out("model.pkl", None),)) == TOUCHED


def test_several__are_told_by_name_whatever_the_manifests_order():
    found = touch(side(), side(entry("b"), entry("c"), entry("a")))
    assert list(found.touched) == ["a", "b", "c"]


def test_several__each_by_its_own_reason():
    before = side(RF, entry("a", "a.pkl"), entry("b", "b.pkl"), outs=(out("b.pkl", "md5:1"),))
    after = side(RF, entry("a", "a2.pkl"), entry("b", "b.pkl"), entry("c", "c.pkl"), outs=(out("b.pkl", "md5:2"),))
    assert touch(before, after, "model.pkl").touched == {
        "a": "moved from a.pkl",
        "b": "its DVC pointer changed",
        "c": "is new",
        "rf": "model.pkl changed",
    }
