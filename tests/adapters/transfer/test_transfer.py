"""Downloads on their way: ranges, broken connections, changed and wrong objects, digests."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.adapters.transfer import ranges, transfer
from tagline.adapters.transfer.destination import Destination
from tagline.adapters.transfer.ranges import PART, Ranges
from tagline.adapters.transfer.workers import Stopped, Workers
from tagline.domain.storage.digests import Hasher
from tagline.domain.storage.objects import Key
from tagline.errors import BadPointer, ObjectChanged, ObjectMissing, StoreRefused, WrongBytes
from tests.support.stores import FaultyStore, content, item, md5

BIG = content(transfer.LARGE + 3 * PART + 12345)


def _bring(dest: Path, store: FaultyStore, *items: object) -> list[tuple[int, int]]:
    reports: list[tuple[int, int]] = []
    Destination(dest).receive(store, items, lambda size, files: reports.append((size, files)))  # type: ignore[arg-type]
    return reports


@contextmanager
def _nothing_left(folder: Path) -> Iterator[None]:
    yield
    assert sorted(path.name for path in folder.iterdir()) == []


# --- ranges ---


@given(size=st.integers(0, 70), start=st.integers(0, 70), part=st.integers(1, 20), streams=st.integers(1, 5))
def test_ranges__any_borders__the_bytes_in_order(size: int, start: int, part: int, streams: int) -> None:
    data = content(size)
    store = FaultyStore({"x": data})
    etag = store.look(Key("x")).etag or ""
    found = Ranges(store, Key("x"), etag, min(start, size), size, streams, Workers(), part)
    assert b"".join(found.pieces()) == data[min(start, size) :]
    assert store.sent == size - min(start, size)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_large__sizes_around_a_border__right_file(tmp_path: Path, extra: int) -> None:
    data = BIG[: transfer.LARGE + PART + extra]
    store = FaultyStore({"object": data})
    reports = _bring(tmp_path / "x", store, item("", data))
    assert (tmp_path / "x").read_bytes() == data
    assert sum(size for size, _ in reports) == len(data)
    assert sum(files for _, files in reports) == 1
    assert len(store.reads) == 3 + (extra > 0)


def test_large__ranges__at_once(tmp_path: Path) -> None:
    store, at_once = FaultyStore({"object": BIG}), threading.Barrier(ranges.FEW)

    def meet(key: str, start: int, number: int) -> None:
        if number < ranges.FEW:
            at_once.wait(10)

    store.on_read = meet  # type: ignore[assignment]
    _bring(tmp_path / "x", store, item("", BIG))
    assert (tmp_path / "x").read_bytes() == BIG


def test_ranges__slow_store__is_asked_by_more_and_more_streams() -> None:
    running, most, lock = 0, 0, threading.Lock()

    class Slow(FaultyStore):
        def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.02)
            with lock:
                running -= 1
            yield from super().read(key, start, length, etag)

    store = Slow({"x": content(60)})
    etag = store.look(Key("x")).etag or ""
    pieces = Ranges(store, Key("x"), etag, 0, 60, 5, Workers(), 1).pieces()
    assert b"".join(pieces) == content(60)
    assert most == 5


def test_ranges__whoever_takes_the_bytes_is_slow__few_streams_do() -> None:
    store = FaultyStore({"x": content(30)})
    etag = store.look(Key("x")).etag or ""
    reader = Ranges(store, Key("x"), etag, 0, 30, 5, Workers(), 1)
    for _ in reader.pieces():
        time.sleep(0.01)
    assert reader.started == ranges.FEW


def test_ranges__whoever_takes_the_bytes_is_slow__parts_grow_and_no_more_is_ahead_than_all_streams_have() -> None:
    part, streams = 4, 6
    store = FaultyStore({"x": content(120)})
    etag = store.look(Key("x")).etag or ""
    taken, ahead = 0, 0
    for piece in Ranges(store, Key("x"), etag, 0, 120, streams, Workers(), part).pieces():
        time.sleep(0.02)
        taken += len(piece)
        ahead = max(ahead, store.sent - taken)
    assert len(store.reads) < 120 // part * 0.7
    assert 2 * part < ahead <= part * (streams + ranges.SPARE)


def test_ranges__store_becomes_slow__parts_are_small_again_and_streams_more() -> None:
    store, taken = FaultyStore({"x": content(400)}), 0
    etag = store.look(Key("x")).etag or ""
    reader = Ranges(store, Key("x"), etag, 0, 400, 6, Workers(), 4)
    for piece in reader.pieces():
        taken += len(piece)
        if taken < 60:
            time.sleep(0.02)
        else:
            store.delay = 0.01
    assert (taken, reader.started) == (400, 6)
    starts = sorted(start for _, start, _ in store.reads)
    lengths = [after - before for before, after in zip(starts, [*starts[1:], 400], strict=True)]
    assert max(lengths[:20]) == 8
    assert set(lengths[-20:]) == {4}


def test_ranges__memory__bounded_by_the_window() -> None:
    store = FaultyStore({"x": content(100)})
    etag = store.look(Key("x")).etag or ""
    pieces = Ranges(store, Key("x"), etag, 0, 100, 2, Workers(), 1).pieces()
    next(pieces)
    # Nobody takes more: two streams and the spare one may be ahead.
    for _ in range(50):
        threading.Event().wait(0.002)
    assert len(store.reads) <= 2 + ranges.SPARE
    pieces.close()  # type: ignore[attr-defined]


def test_large__more_than_asked_for__refused(tmp_path: Path) -> None:
    class Deaf(FaultyStore):
        def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
            return super().read(key)

    with pytest.raises(StoreRefused, match="more than it was asked"):
        _bring(tmp_path / "x", Deaf({"object": BIG}), item("", BIG))


# --- broken connections ---


@pytest.mark.parametrize("kind", ["cut", "short"])
def test_large__cut_in_the_middle__goes_on_from_there(tmp_path: Path, kind: str) -> None:
    store = FaultyStore({"object": BIG})
    store.on_read = lambda key, start, number: (kind, 3 << 20) if number == 1 else None
    _bring(tmp_path / "x", store, item("", BIG))
    assert (tmp_path / "x").read_bytes() == BIG
    assert store.sent == len(BIG)


def test_large__always_cut__gives_up_and_keeps_the_beginning(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG})
    store.on_read = lambda key, start, number: ("cut", 0) if start >= 2 * PART else None
    with pytest.raises(StoreRefused, match="lost"):
        _bring(tmp_path / "x", store, item("", BIG))
    assert [path.name for path in tmp_path.iterdir()] == [".x.tagline"]
    assert (tmp_path / ".x.tagline" / "new").read_bytes() == BIG[: 2 * PART]

    again = FaultyStore({"object": BIG})
    _bring(tmp_path / "x", again, item("", BIG))
    assert (tmp_path / "x").read_bytes() == BIG
    assert again.sent == len(BIG) - 2 * PART
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_small__cut__from_nothing_and_right(tmp_path: Path) -> None:
    store = FaultyStore({"object": b"x" * 1000})
    store.on_read = lambda key, start, number: ("cut", 500) if number < 2 else None
    reports = _bring(tmp_path / "x", store, item("", b"x" * 1000))
    assert (tmp_path / "x").read_bytes() == b"x" * 1000
    assert (len(store.reads), sum(size for size, _ in reports)) == (3, 1000)


def test_small__always_cut__gives_up_with_nothing_left(tmp_path: Path) -> None:
    store = FaultyStore({"object": b"x" * 1000})
    store.on_read = lambda key, start, number: ("cut", 500)
    with _nothing_left(tmp_path), pytest.raises(StoreRefused):
        _bring(tmp_path / "x", store, item("", b"x" * 1000))
    assert len(store.reads) == ranges.ATTEMPTS


# --- without a mark of its content ---


def test_no_etag__large__one_stream(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG}, etags=False)
    _bring(tmp_path / "x", store, item("", BIG))
    assert store.reads == [("object", 0, len(BIG))]
    assert (tmp_path / "x").read_bytes() == BIG


def test_no_etag__cut__from_nothing(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG}, etags=False)
    store.on_read = lambda key, start, number: ("cut", 20 << 20) if number == 0 else None
    reports = _bring(tmp_path / "x", store, item("", BIG))
    assert [start for _, start, _ in store.reads] == [0, 0]
    assert sum(size for size, _ in reports) == len(BIG)


def test_no_etag__always_cut__nothing_kept(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG}, etags=False)
    store.on_read = lambda key, start, number: ("cut", 1 << 20)
    with _nothing_left(tmp_path), pytest.raises(StoreRefused):
        _bring(tmp_path / "x", store, item("", BIG))


# --- objects that change ---


def test_large__changed_between_look_and_read__once_more_from_nothing(tmp_path: Path) -> None:
    new = content(len(BIG), 1)
    store = FaultyStore({"object": BIG})

    def change(key: str, start: int, number: int) -> None:
        if number == 2:
            store.objects["object"] = new

    store.on_read = change  # type: ignore[assignment]
    reports = _bring(tmp_path / "x", store, item("", new))
    assert (tmp_path / "x").read_bytes() == new
    assert store.looks == ["object", "object"]
    assert sum(size for size, _ in reports) == len(new)


def test_large__changes_all_the_time__given_up_with_nothing_left(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG})

    def change(key: str, start: int, number: int) -> None:
        store.objects["object"] = BIG[:-8] + b"%08d" % number

    store.on_read = change  # type: ignore[assignment]
    with _nothing_left(tmp_path), pytest.raises(ObjectChanged):
        _bring(tmp_path / "x", store, item("", BIG))
    assert len(store.looks) == 2


def test_partial__other_etag_now__not_used(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG})
    store.on_read = lambda key, start, number: ("cut", 0) if start >= PART else None
    with pytest.raises(StoreRefused):
        _bring(tmp_path / "x", store, item("", BIG))

    class Renamed(FaultyStore):
        def _etag(self, key: Key) -> str:
            return "another"

    again = Renamed({"object": BIG})
    _bring(tmp_path / "x", again, item("", BIG))
    assert again.sent == len(BIG)


def test_partial__tampered__noticed_and_fetched_from_nothing(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG})
    store.on_read = lambda key, start, number: ("cut", 0) if start >= 2 * PART else None
    with pytest.raises(StoreRefused):
        _bring(tmp_path / "x", store, item("", BIG))
    with (tmp_path / ".x.tagline" / "new").open("r+b") as file:
        file.seek(1000)
        file.write(b"tampered")

    again = FaultyStore({"object": BIG})
    reports = _bring(tmp_path / "x", again, item("", BIG))
    assert (tmp_path / "x").read_bytes() == BIG
    assert again.sent == len(BIG) + len(BIG) - 2 * PART
    assert sum(size for size, _ in reports) == len(BIG)


# --- wrong bytes ---


@pytest.mark.parametrize("data", [b"x" * 1000, BIG], ids=["small", "large"])
@pytest.mark.parametrize("etags", [True, False])
def test_wrong_bytes__refused_with_both_digests(tmp_path: Path, data: bytes, etags: bool) -> None:
    wrong = data[:-1] + b"?"
    store = FaultyStore({"m\n": wrong}, etags=etags)
    with _nothing_left(tmp_path), pytest.raises(WrongBytes) as caught:
        _bring(tmp_path / "x", store, item("m\n", data))
    assert caught.value.code == "wrong-bytes"
    assert caught.value.message.startswith(r"'m\n' is not")
    for part in (md5(data), md5(wrong), "memory://m"):
        assert part in caught.value.message
    assert "dvc push" in caught.value.hint
    # It did not help to ask twice, so nobody did.
    assert store.sent == len(data)


@pytest.mark.parametrize("change", [-1, 1])
def test_large__size_differs__refused_before_a_byte(tmp_path: Path, change: int) -> None:
    store = FaultyStore({"object": BIG})
    with _nothing_left(tmp_path), pytest.raises(WrongBytes) as caught:
        _bring(tmp_path / "x", store, item("", BIG, size=len(BIG) + change))
    assert (caught.value.code, store.reads) == ("wrong-size", [])
    assert f"{len(BIG):,}" in caught.value.message


@pytest.mark.parametrize("found", [b"x" * 999, b"x" * 1001, b""])
def test_small__size_differs__refused(tmp_path: Path, found: bytes) -> None:
    with _nothing_left(tmp_path), pytest.raises(WrongBytes) as caught:
        _bring(tmp_path / "x", FaultyStore({"object": found}), item("", b"x" * 1000))
    assert caught.value.code == "wrong-size"


def test_small__endless_object__not_read_to_its_end(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG})
    with pytest.raises(WrongBytes):
        _bring(tmp_path / "x", store, item("", b"x" * 1000))
    assert store.sent < 1 << 20


def test_missing__named(tmp_path: Path) -> None:
    for known in (item("", b"abc"), item("", b"abc", size=None), item("", BIG)):
        with _nothing_left(tmp_path), pytest.raises(ObjectMissing):
            _bring(tmp_path / "x", FaultyStore({}), known)


def test_unknown_sizes__asked_of_the_store(tmp_path: Path) -> None:
    store = FaultyStore({"a": BIG, "b": b"small"})
    _bring(tmp_path / "x", store, item("a", BIG, size=None), item("b", b"small", size=None))
    assert (tmp_path / "x" / "a").read_bytes() == BIG
    assert len(store.reads) > 2


def test_one_of_many_fails__the_others_stop_soon(tmp_path: Path) -> None:
    files = {f"f{i}": content(1000, i) for i in range(500)}
    store = FaultyStore({**files, "f3": b"wrong"}, streams=4)
    store.delay = 0.002
    with pytest.raises(WrongBytes):
        _bring(tmp_path / "x", store, *(item(name, data) for name, data in files.items()))
    assert len(store.reads) < 50
    # What was complete is kept, and nothing else is.
    kept = {path.name: path.read_bytes() for path in (tmp_path / ".x.tagline" / "new").iterdir()}
    assert kept.items() <= files.items()
    store.objects["f3"], before = files["f3"], store.sent
    _bring(tmp_path / "x", store, *(item(name, data) for name, data in files.items()))
    assert store.sent - before == 1000 * (500 - len(kept))


def test_large_ones__a_failure_of_one__ends_both(tmp_path: Path) -> None:
    store = FaultyStore({"a": BIG, "b": BIG[:-1] + b"?"})
    with pytest.raises(WrongBytes):
        _bring(tmp_path / "x", store, item("a", BIG), item("b", BIG))
    assert {path.name for path in (tmp_path / ".x.tagline" / "new").iterdir()} <= {"a"}


def test_crew__an_interrupt__stops_the_workers() -> None:
    workers, begun, ended = Workers(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        try:
            while True:
                workers.pause(0.01)
        finally:
            ended.set()

    def jobs() -> Iterator[object]:
        yield work
        yield lambda: begun.wait(5) and os.kill(os.getpid(), 2)

    with pytest.raises(KeyboardInterrupt):
        workers.run(jobs(), 2)  # type: ignore[arg-type]
    assert ended.wait(5)
    with pytest.raises(Stopped):
        workers.check()


# --- digests ---


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_hasher__gitblob__as_git_counts(name: str) -> None:
    digest = hashlib.new(name, b"blob 5\0hello").hexdigest()
    hasher = Hasher(f"gitblob:{digest}", 5)
    hasher.update(b"hel")
    hasher.update(b"lo")
    assert hasher.matches()
    assert hasher.found == f"gitblob:{digest}"


def test_gitblob__size_unknown_to_all__refused() -> None:
    with pytest.raises(BadPointer):
        Hasher(f"gitblob:{'0' * 40}", None)


def test_gitblob__size_from_the_store(tmp_path: Path) -> None:
    digest = f"gitblob:{hashlib.sha1(b'blob 5' + bytes(1) + b'hello').hexdigest()}"
    _bring(tmp_path / "x", FaultyStore({"object": b"hello"}), item("", b"hello", digest=digest, size=None))
    assert (tmp_path / "x").read_bytes() == b"hello"


@pytest.mark.parametrize("digest", ["", "md5:", "md5:XYZ", "crc:00", f"md5:{'A' * 32}", f"sha256:{'0' * 32}"])
def test_hasher__no_digest__refused(digest: str) -> None:
    with pytest.raises(BadPointer):
        Hasher(digest, 1)


_PIECES = st.lists(st.sampled_from([b"text ", b"\r\n", b"\r", b"\n", b"\0", b"\xe4\xf6", b"\x0b" * 3, b"a" * 511]))


@pytest.mark.oracle
@settings(max_examples=40)
@given(pieces=_PIECES, fills=st.lists(st.integers(-3, 3), max_size=2), cut=st.integers(1, 1 << 19))
def test_text__any_bytes__both_digests_as_dvc_counts(pieces: list[bytes], fills: list[int], cut: int) -> None:
    from dvc_data.hashfile.hash import fobj_md5

    data = b"".join(pieces)
    # Line ends across the border of DVC's chunks, and chunks of either kind.
    for fill in fills:
        data += b"z" * max(0, (1 << 20) - len(data) % (1 << 20) + fill) + b"\r\n" + b"".join(reversed(pieces))
    step = max(cut, len(data) // 2_000)
    for name in ("md5", "md5-dos2unix"):
        hasher = Hasher(f"md5:{fobj_md5(io.BytesIO(data), name=name)}", None, text=True)
        for at in range(0, len(data), step):
            hasher.update(data[at : at + step])
        assert hasher.matches(), name
    wrong = Hasher(f"md5:{'0' * 32}", None, text=True)
    wrong.update(data)
    assert not wrong.matches()
    assert wrong.found == f"md5:{hashlib.md5(data).hexdigest()}"


def test_text__dvc_2_file__either_digest_is_right(tmp_path: Path) -> None:
    data = b"a\r\nb\r\n"
    for digest in (md5(data), md5(b"a\nb\n")):
        _bring(tmp_path / digest[:8], FaultyStore({"object": data}), item("", data, digest=digest, text=True))
        assert Destination(tmp_path / digest[:8]).compare([item("", data, digest=digest, text=True)])
    with pytest.raises(WrongBytes):
        _bring(tmp_path / "y", FaultyStore({"object": data}), item("", data, digest=md5(b"a\nb\n")))
