"""Bytes as they pass: both digests, the written file, and what happens when one of them fails."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.adapters.transfer import transfer
from tagline.adapters.transfer.destination import Destination
from tagline.adapters.transfer.passing import feed
from tagline.adapters.transfer.ranges import PART
from tagline.domain.storage.digests import Hasher
from tagline.domain.storage.sha256 import Sha256s
from tagline.errors import StoreRefused, WrongBytes
from tests.support.stores import FaultyStore, content, item, md5, names_of

BIG = content(transfer.LARGE + PART + 12345)


def _nothing(size: int) -> None:
    """Nobody counts."""


def _beside() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "fetch-beside"]


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6))
def test_feed__any_pieces__both_digests_and_the_bytes_in_order(pieces: list[bytes]) -> None:
    data, written, told = b"".join(pieces), list[bytes](), list[int]()
    hasher = Hasher(md5(data), len(data), sha256=True)
    assert feed(iter(pieces), hasher, told.append, written.append) == len(data)
    assert hasher.matches()
    assert hasher.sha256 == hashlib.sha256(data).hexdigest()
    assert (written, told) == (pieces, [len(piece) for piece in pieces])


def test_feed__writes_while_the_next_piece_comes_already() -> None:
    later = threading.Event()
    written: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        yield from (b"1", b"2")
        later.set()
        yield b"3"

    def write(piece: bytes) -> None:
        assert piece == b"1" or later.wait(10)
        written.append(piece)

    feed(pieces(), Hasher(md5(b"123"), 3), _nothing, write)
    assert written == [b"1", b"2", b"3"]


def test_feed__one_piece__no_thread() -> None:
    where: list[threading.Thread] = []
    feed(iter([b"x"]), Hasher(md5(b"x"), 1), _nothing, lambda _: where.append(threading.current_thread()))
    assert where == [threading.current_thread()]


@pytest.mark.parametrize("bad", [b"1", b"2", b"9"], ids=["first", "second", "last"])
def test_feed__writing_fails__raised_and_nothing_goes_on(bad: bytes) -> None:
    closed: list[bool] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield from (b"%d" % number for number in range(1, 10))
        finally:
            closed.append(True)

    def write(piece: bytes) -> None:
        if piece == bad:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        feed(pieces(), Hasher(md5(b""), 0), _nothing, write)
    assert closed == [True]
    assert _beside() == []


def test_feed__stopped__what_came_is_written_and_the_thread_ends() -> None:
    written: list[bytes] = []

    def stop(size: int) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt

    def pieces() -> Iterator[bytes]:
        yield b"1"
        yield b"2"
        while len(written) < 2:
            threading.Event().wait(0.001)
        yield b"3"

    with pytest.raises(KeyboardInterrupt):
        feed(pieces(), Hasher(md5(b""), 0), stop, written.append)
    assert written == [b"1", b"2"]
    assert _beside() == []


def test_large__both_digests_right__there(tmp_path: Path) -> None:
    sums = Sha256s(hashlib.sha256(BIG).hexdigest())
    Destination(tmp_path / "x").receive(FaultyStore({"object": BIG}), [item("", BIG)], lambda *_: None, sums=sums)
    assert (tmp_path / "x").read_bytes() == BIG
    again = Sha256s(sums.expected)
    assert Destination(tmp_path / "x").compare([item("", BIG)], again)
    assert again.of([item("", BIG)]) == sums.expected


def test_large__another_sha256_was_recorded__refused_and_nothing_there(tmp_path: Path) -> None:
    store, sums = FaultyStore({"object": BIG}), Sha256s("0" * 64)
    with pytest.raises(WrongBytes) as caught:
        Destination(tmp_path / "x").receive(store, [item("", BIG)], lambda *_: None, sums=sums)
    assert caught.value.code == "wrong-sha256"
    assert "x" not in names_of(tmp_path)


def test_large__wrong_last_byte__refused_and_nothing_there(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG[:-1] + b"?"})
    sums = Sha256s(hashlib.sha256(BIG).hexdigest())
    with pytest.raises(WrongBytes, match="is not what the pointer names"):
        Destination(tmp_path / "x").receive(store, [item("", BIG)], lambda *_: None, sums=sums)
    assert names_of(tmp_path) == []


def test_large__cut_and_continued_by_the_next_run__the_sha256_counts_both_halves(tmp_path: Path) -> None:
    store = FaultyStore({"object": BIG})
    store.on_read = lambda key, start, number: ("cut", 1 << 20) if start >= PART else None
    sums = Sha256s(hashlib.sha256(BIG).hexdigest())
    with pytest.raises(StoreRefused, match="lost"):
        Destination(tmp_path / "x").receive(store, [item("", BIG)], lambda *_: None, sums=sums)
    kept = (tmp_path / ".x.tagline" / "new").read_bytes()
    assert len(kept) > PART
    assert BIG.startswith(kept)

    again = FaultyStore({"object": BIG})
    Destination(tmp_path / "x").receive(again, [item("", BIG)], lambda *_: None, sums=Sha256s(sums.expected))
    assert (tmp_path / "x").read_bytes() == BIG
    assert again.sent == len(BIG) - len(kept)
