"""One suite for the port ObjectStore, run on every adapter over its real protocol, and on the fake."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tagline.adapters.stores.choice import RemoteStores
from tagline.adapters.stores.fsspec import FsspecStore
from tagline.adapters.stores.local import LocalStore
from tagline.adapters.stores.s3 import S3Store
from tagline.domain.storage.objects import Facts, Key, Remote
from tagline.errors import ObjectChanged, ObjectMissing, StoreRefused
from tagline.ports.storage import ObjectStore
from tests.support.fakes import MemoryStore
from tests.support.objectservers import PASSWORD, USER, PlainHandler, RangeHandler, serve_http, serve_sftp, serve_webdav
from tests.support.s3server import S3Server

KINDS = ("memory", "local", "s3", "s3-versioned", "http", "http-plain", "ssh", "webdav")
LOGIN = {"user": USER, "password": PASSWORD}


@dataclass
class Place:
    """A store, and a way to put objects into it beside the port. ``put`` answers with a key that names a version."""

    store: ObjectStore
    put: Callable[[str, bytes], Key]
    kind: str

    @property
    def versions(self) -> bool:
        return self.kind in ("memory", "s3-versioned")


def _in_folder(folder: Path) -> Callable[[str, bytes], Key]:
    def put(path: str, data: bytes) -> Key:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        # Whole seconds apart: that is all that some protocols tell.
        count = len(list(folder.rglob("*"))) + len(data)
        os.utime(target, (1_700_000_000 + count, 1_700_000_000 + count))
        return Key(path)

    return put


def _open(kind: str, folder: Path, stack: ExitStack, request: pytest.FixtureRequest) -> Place:
    if kind == "memory":
        memory = MemoryStore()
        return Place(memory, memory.put, kind)
    if kind == "local":
        return Place(LocalStore(folder), _in_folder(folder), kind)
    if kind.startswith("s3"):
        s3: S3Server = request.getfixturevalue("s3")
        bucket = s3.bucket(versioned=kind == "s3-versioned")
        store = S3Store(Remote("origin", f"s3://{bucket}/some/prefix/"), request_payer=False)
        return Place(store, lambda path, data: Key(path, s3.put(bucket, f"some/prefix/{path}", data)), kind)
    options: dict[str, str] = {}
    if kind.startswith("http"):
        url = stack.enter_context(serve_http(folder, PlainHandler if kind == "http-plain" else RangeHandler))
    elif kind == "ssh":
        url = stack.enter_context(serve_sftp(folder, Path.home() / ".ssh" / "known_hosts"))
        options = LOGIN
    else:
        url = stack.enter_context(serve_webdav(folder))
        options = LOGIN
    (folder / "deep").mkdir()
    store_ = RemoteStores(request_payer=False).remote(Remote("origin", f"{url}/deep", options), "")
    assert isinstance(store_, FsspecStore)
    return Place(store_, _in_folder(folder / "deep"), kind)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield _open(request.param, tmp_path, stack, request)


def read(place: Place, key: Key, *arguments: Any) -> bytes:
    return b"".join(place.store.read(key, *arguments))


DATA = bytes(range(256)) * 12_000  # three pieces, the last one not full


def test_look__an_object__its_size_and_marks(place: Place) -> None:
    versioned = place.put("files/md5/ab/cdef", b"hello")
    facts = place.store.look(Key("files/md5/ab/cdef"))
    assert facts.size == 5
    if place.kind in ("memory", "s3", "s3-versioned"):
        assert facts.md5 == facts.etag == "5d41402abc4b2a76b9719d911017c592"
    else:
        assert facts.md5 is None
    assert facts.version_id == versioned.version_id
    assert place.store.look(versioned).size == 5


def test_look__nothing_there__missing_by_its_uri(place: Place) -> None:
    place.put("there", b"x")
    for path in ("not-there", "there/below", "no/such/folder"):
        with pytest.raises(ObjectMissing, match=path) as caught:
            place.store.look(Key(path))
        assert caught.value.hint
        with pytest.raises(ObjectMissing):
            read(place, Key(path))


def test_look_many__some_missing__the_others(place: Place) -> None:
    there = {Key(f"f/{number}"): b"x" * number for number in range(20)}
    for key, data in there.items():
        place.put(key.path, data)
    found = place.store.look_many([*there, Key("f/none"), Key("none"), Key("f/1")])
    assert {key: facts.size for key, facts in found.items()} == {key: len(data) for key, data in there.items()}
    assert place.store.look_many([]) == {}
    assert place.store.look_many([Key("none")]) == {}


def test_read__whole_and_parts__exactly_those_bytes(place: Place) -> None:
    place.put("data", DATA)
    key = Key("data")
    assert read(place, key) == DATA
    etag = place.store.look(key).etag
    assert etag
    for start, length in ((0, 10), (5, 10), (1 << 20, 1 << 20), (len(DATA) - 3, None), (len(DATA) - 3, 100), (7, 0)):
        wanted = DATA[start:] if length is None else DATA[start : start + length]
        assert read(place, key, start, length) == wanted
        assert read(place, key, start, length, etag) == wanted
    assert all(0 < len(piece) <= 4 << 20 for piece in place.store.read(key))


def test_read__from_behind_the_end__is_told_and_not_taken_for_the_end(place: Place) -> None:
    place.put("data", b"hello")
    for start in (5, 50):
        with pytest.raises(StoreRefused) as caught:
            read(place, Key("data"), start)
        assert caught.value.code == "connection-lost"


def test_read__replaced_since_it_was_looked_at__changed(place: Place) -> None:
    place.put("data", b"hello")
    facts = place.store.look(Key("data"))
    place.put("data", b"other bytes")
    for _ in range(2):
        with pytest.raises(ObjectChanged) as caught:
            read(place, Key("data"), 0, None, facts.etag)
        assert caught.value.hint
    assert read(place, Key("data")) == b"other bytes"


def test_read__closed_early__can_be_read_again(place: Place) -> None:
    place.put("data", DATA)
    for _ in range(place.store.streams + 2):
        pieces = place.store.read(Key("data"))
        assert DATA.startswith(next(pieces))
        pieces.close()  # type: ignore[attr-defined]
    assert read(place, Key("data")) == DATA


def test_read__empty_object__no_bytes_and_no_error(place: Place) -> None:
    place.put("empty", b"")
    assert place.store.look(Key("empty")).size == 0
    assert list(place.store.read(Key("empty"))) == []
    assert place.store.look_many([Key("empty")])[Key("empty")].size == 0


ODD = [
    "a b",
    "ü/ñ 日本",
    "plus+plus",
    "100%",
    "a%20b",
    "hash#tag",
    "what?versionId=x",
    "a&b=c;d",
    "~tilde",
    "q'\"",
    "[x]*",
]


@pytest.mark.parametrize("name", ODD)
def test_keys__of_odd_characters__are_themselves(place: Place, name: str) -> None:
    versioned = place.put(f"dir/{name}", b"mine")
    place.put("dir/a", b"another")
    key = Key(f"dir/{name}")
    assert place.store.look(key).size == 4
    assert read(place, key) == b"mine"
    # A second time: a store may learn quicker ways from the first answer.
    assert (read(place, key, 1, 2), read(place, versioned)) == (b"in", b"mine")
    assert set(place.store.look_many([key, Key("dir/none")])) == {key}


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "a/./b", "..", "", "x\0y"])
def test_keys__that_lead_out_of_the_store__name_nothing(place: Place, path: str) -> None:
    place.put("a/b", b"x")
    with pytest.raises(ObjectMissing):
        place.store.look(Key(path))
    with pytest.raises(ObjectMissing):
        read(place, Key(path))


def test_versions__each_by_its_id__or_no_such_thing(place: Place) -> None:
    first, second = place.put("data", b"one"), place.put("data", b"two!")
    if place.versions:
        assert (read(place, first), read(place, second), read(place, Key("data"))) == (b"one", b"two!", b"two!")
        assert place.store.look(first).version_id == first.version_id
        found = place.store.look_many([first, second, Key("data"), Key("none", second.version_id)])
        assert {key: facts.size for key, facts in found.items()} == {first: 3, second: 4, Key("data"): 4}
    with pytest.raises(ObjectMissing):
        place.store.look(Key("data", "no-such-version"))


def test_uri__tells_where__without_version_or_credentials(place: Place) -> None:
    uri = place.store.uri(Key("files/md5/ab/cdef", "v1"))
    assert uri.endswith("/files/md5/ab/cdef")
    assert "://" in uri
    assert PASSWORD not in uri


def test_presign__only_where_there_is_such_a_thing(place: Place) -> None:
    key = place.put("data", b"hello")
    assert (place.store.presign(key, 60) is None) != place.kind.startswith("s3")


def test_facts__etag__is_the_same_as_long_as_nobody_writes(place: Place) -> None:
    place.put("data", b"hello")
    first = place.store.look(Key("data"))
    assert first == place.store.look(Key("data"))
    assert first == place.store.look(Key("data"))
    assert isinstance(first, Facts)
