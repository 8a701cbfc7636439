"""The list of a folder's files: DVC's own digest of it, and nothing in it that leads out of the folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import posixpath
from typing import Any

import pytest
from dvc_data.hashfile.tree import Tree
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.storage import listings
from tagline.domain.storage.listings import MAX_LISTING, Entry, below, checked, folder_digest, is_inside, read_listing
from tagline.errors import BadPointer

MD5, OTHER = "0123456789abcdef" * 2, "f" * 32


def text(*rows: Any) -> bytes:
    return json.dumps(rows).encode()


def row(relpath: Any, md5: Any = MD5, **more: Any) -> dict[str, Any]:
    return {"relpath": relpath, "md5": md5, **more}


# A name may have anything but slashes and NUL; surrogates name no file.
_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
_paths = st.lists(_names, min_size=1, max_size=3).map("/".join)
_md5s = st.text("0123456789abcdef", min_size=32, max_size=32)


# -- the digest of a folder ---------------------------------------------------


def dvcs_digest(rows: list[dict[str, Any]]) -> str:
    tree = Tree.from_list(rows, hash_name="md5")
    tree.digest()
    return tree.oid


@given(st.dictionaries(_paths, _md5s, max_size=6))
def test_folder_digest__any_files__is_dvcs_own(files):
    rows = [{"relpath": path, "md5": md5} for path, md5 in files.items()]
    assert folder_digest(Entry(path, md5) for path, md5 in files.items()) == dvcs_digest(rows)


@pytest.mark.parametrize(
    "names", [["ä", "z", "a", "Z", "é", "e\u0301", "😀", "\uffff"], ["a.b", "a/b", "a-b", "a"], []]
)
def test_folder_digest__order_of_names__is_dvcs_own(names):
    rows = [row(name) for name in names]
    assert folder_digest(Entry(name, MD5) for name in reversed(names)) == dvcs_digest(rows)


@given(st.dictionaries(_paths, _md5s, max_size=6))
def test_read_listing__what_dvc_writes__is_read_and_has_the_digest_of_its_bytes(files):
    tree = Tree.from_list([{"relpath": path, "md5": md5} for path, md5 in files.items()], hash_name="md5")
    data = tree.as_bytes()
    try:
        entries = read_listing(data, "LIST")
    except BadPointer:  # a file and a folder of one name, which no disk can have
        assert any(path.startswith(f"{other}/") for path in files for other in files)
        return
    assert {entry.relpath: entry.md5 for entry in entries} == files
    assert folder_digest(entries) == hashlib.md5(data).hexdigest() + ".dir"


def test_below__folder_inside__is_what_dvc_would_give_it():
    entries = [Entry("a/b", MD5), Entry("a/c/d", OTHER), Entry("ab", MD5), Entry("a", MD5)]
    assert below(entries, "a") == [Entry("b", MD5), Entry("c/d", OTHER)]
    assert folder_digest(below(entries, "a")) == dvcs_digest([row("b"), row("c/d", OTHER)])


# -- what is read -------------------------------------------------------------


def test_read_listing__more_keys__are_passed_over():
    assert read_listing(text(row("a", size=5, isexec=True, mtime=1.5)), "LIST") == [Entry("a", MD5)]


def test_read_listing__empty_list__is_an_empty_folder():
    assert read_listing(b"[]", "LIST") == []


def test_read_listing__one_file_twice_with_one_digest__is_one_file():
    assert read_listing(text(row("a"), row("a")), "LIST") == [Entry("a", MD5)]


@pytest.mark.parametrize(
    "name", ["...", "..a", "a..", ".a", " ", "a b", "-x", "~", "C:\\x", "a\\..\\b", "\n", "a:b", "*"]
)
def test_read_listing__odd_but_harmless_name__is_a_name(name):
    assert read_listing(text(row(name)), "LIST") == [Entry(name, MD5)]


HOSTILE_PATHS = [
    "", ".", "..", "/", "//", "/x", "x/", "../x", "a/../b", "a/..", "./a", "a/.", "a/./b", "a//b", "//a",
    "a\0b", "\0", "../../../../etc/passwd", "/etc/passwd", "\ud800", "a/\udfff", "x" * 5 + "/.." * 9,
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_read_listing__path_that_is_not_inside__is_refused(path):
    with pytest.raises(BadPointer, match="is not inside the folder") as caught:
        read_listing(text(row("fine"), row(path)), "LIST")
    assert caught.value.code == "bad-pointer"
    caught.value.message.encode()


@pytest.mark.parametrize(
    "md5", ["", "x", MD5.upper(), MD5[:-1], MD5 + "0", MD5 + ".dir", "../" + MD5[3:], MD5 + "\n", "\ud800", "g" * 32]
)
def test_read_listing__md5_that_is_none__is_refused(md5):
    with pytest.raises(BadPointer, match="which is no md5"):
        read_listing(text(row("a", md5)), "LIST")


@pytest.mark.parametrize(
    "entry",
    [{}, {"relpath": "a"}, {"md5": MD5}, row(5), row(None), row(["a"]), row("a", None), row("a", 5), [], "a", 5, None],
)
def test_read_listing__entry_of_another_kind__is_refused(entry):
    with pytest.raises(BadPointer, match="without a path or an md5"):
        read_listing(text(entry), "LIST")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"null", b"5", b'"a"', b"NaN", b"[", b"[1,]", b"\xff\xfe", b"\x80", b"[" * 100_000, b"[" * 5_000_000,
     b'{"a":' * 100_000, b"1" * 5_000, b"[" + b"1" * 5_000 + b"]", b"\xef\xbb\xbf[]", b"<html>", b"[]]", b"-" * 50],
)  # fmt: skip
def test_read_listing__other_data__is_refused(data):
    with pytest.raises(BadPointer):
        read_listing(data, "LIST")


def test_read_listing__one_path_with_two_digests__is_refused():
    with pytest.raises(BadPointer, match="twice, with different digests"):
        read_listing(text(row("a"), row("b"), row("a", OTHER)), "LIST")


@pytest.mark.parametrize(
    "paths",
    [("a", "a/b"), ("a/b", "a"), ("a/b", "a/b/c/d"), ("x/y/z/w", "x"), ("a", "a.b", "a-", "a/b", "a b", "a\x01")],
)
def test_read_listing__file_and_folder_of_one_name__is_refused(paths):
    with pytest.raises(BadPointer, match="both a file and a folder"):
        read_listing(text(*map(row, paths)), "LIST")


def test_read_listing__long_names_in_it__do_not_make_a_long_message():
    for rows in ([row("../" + "a" * 100_000)], [row("a", "b" * 100_000)], [row("a" * 99_999, "b" * 99_999)]):
        with pytest.raises(BadPointer) as caught:
            read_listing(text(*rows), "LIST")
        assert len(caught.value.message) < 500


def test_read_listing__very_deep_path__takes_no_time_of_its_own():
    """Looking at each of its folders would take hours."""
    path = "/".join("a" * 1_000_000)
    assert len(read_listing(text(row(path), row("b")), "LIST")) == 2


def test_read_listing__utf_16__is_refused():
    with pytest.raises(BadPointer):
        read_listing(json.dumps([row("a")]).encode("utf-16"), "LIST")


def test_read_listing__as_long_as_may_be__is_read_and_one_byte_more_is_not(monkeypatch):
    data = text(row("a"), row("b"))
    monkeypatch.setattr(listings, "MAX_LISTING", len(data))
    assert len(read_listing(data, "LIST")) == 2
    with pytest.raises(BadPointer) as caught:
        read_listing(data + b" ", "LIST")
    assert caught.value.code == "listing-too-large"


def test_max_listing__is_room_for_a_million_files():
    assert len(text(row("0123456789/0123456789/0123456789"))) * 1_000_000 < MAX_LISTING


_hostile = st.lists(
    st.fixed_dictionaries({
        "relpath": st.sampled_from(HOSTILE_PATHS) | _paths | st.lists(
            st.sampled_from(["", ".", "..", "a", "b", "\0", "\udc80"]), max_size=4
        ).map("/".join),
        "md5": st.sampled_from([MD5, OTHER]) | st.text(max_size=40),
    }),
    max_size=4,
)  # fmt: skip


@given(_hostile)
def test_read_listing__whatever_is_accepted__stays_inside(rows):
    try:
        entries = read_listing(text(*rows), "LIST")
    except BadPointer:
        return
    for entry in entries:
        assert posixpath.normpath(posixpath.join("/root/folder", entry.relpath)) == f"/root/folder/{entry.relpath}"
        assert "\0" not in entry.relpath
        entry.relpath.encode()
        assert len(entry.md5) == 32
    assert len({entry.relpath for entry in entries}) == len(entries)


_json = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["relpath", "md5", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(_json | st.binary(max_size=30))
def test_read_listing__anything__is_read_or_refused(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    with contextlib.suppress(BadPointer):
        assert isinstance(read_listing(raw, "LIST"), list)


@pytest.mark.parametrize("path", ["a", "a/b", "ä", "a b/c"])
def test_is_inside__plain_path__is(path):
    assert is_inside(path)


def test_checked__no_entries__are_none():
    assert checked([], "LIST") == []


def test_read_listing__large_and_full_of_nothing__refused_before_it_is_parsed() -> None:
    with pytest.raises(BadPointer, match="too short"):
        read_listing(b"[" + b"{}," * (6 * 1024 * 1024) + b"{}]", "x.dir")
