"""The cache that fetches share, and that DVC may share with them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tagline.adapters.transfer import transfer
from tagline.adapters.transfer.cache import ObjectCache
from tagline.adapters.transfer.destination import Destination
from tagline.domain.storage.objects import Item
from tests.support.stores import FaultyStore, content, item, md5, names_of

FILES = {"a": b"alpha", "sub/b": content(3 << 20), "c": b"", "big": content(transfer.LARGE + 1)}
ITEMS = [item(name, data) for name, data in FILES.items()]


def _ignore(size: int, files: int) -> None:
    pass


def _entry(cache: Path, digest: str) -> Path:
    name = digest.removeprefix("md5:")
    return cache / "files" / "md5" / name[:2] / name[2:]


def _fetch(tmp_path: Path, name: str, cache: ObjectCache, items: list[Item] = ITEMS) -> FaultyStore:
    store = FaultyStore(FILES)
    Destination(tmp_path / name, cache=cache).receive(store, items, _ignore)
    assert Destination(tmp_path / name).compare(items) is True
    return store


def test_fetch__fills_the_cache__the_next_one_asks_nobody(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    _fetch(tmp_path, "x", ObjectCache(cache))
    for name, data in FILES.items():
        entry = _entry(cache, md5(data))
        assert entry.read_bytes() == data, name
        assert entry.stat().st_mode & 0o777 == 0o444
    reports: list[tuple[int, int]] = []
    second, store = ObjectCache(cache), FaultyStore(FILES)
    Destination(tmp_path / "y", cache=second).receive(store, ITEMS, lambda size, n: reports.append((size, n)))
    assert (store.reads, store.looks, second.notes) == ([], [], [])
    assert [sum(column) for column in zip(*reports, strict=True)] == [sum(map(len, FILES.values())), 4]
    assert (tmp_path / "y" / "a").stat().st_mode & 0o777 == 0o644
    assert names_of(cache / ".tagline") == []


def test_destination__edited__the_cache_is_not(tmp_path: Path) -> None:
    _fetch(tmp_path, "x", ObjectCache(tmp_path / "cache"))
    (tmp_path / "x" / "a").write_bytes(b"edited")
    assert _entry(tmp_path / "cache", md5(b"alpha")).read_bytes() == b"alpha"


@pytest.mark.parametrize("damage", [b"", b"ALPHA", b"alphaalpha"])
def test_damaged_entry__deleted_and_fetched_again(tmp_path: Path, damage: bytes) -> None:
    _fetch(tmp_path, "x", ObjectCache(tmp_path / "cache"))
    entry = _entry(tmp_path / "cache", md5(b"alpha"))
    entry.chmod(0o644)
    entry.write_bytes(damage)
    store = _fetch(tmp_path, "y", ObjectCache(tmp_path / "cache"))
    assert [path for path, _, _ in store.reads] == ["a"]
    assert entry.read_bytes() == b"alpha"


def test_entry_is_a_link__not_followed(tmp_path: Path) -> None:
    _fetch(tmp_path, "x", ObjectCache(tmp_path / "cache"))
    entry = _entry(tmp_path / "cache", md5(b"alpha"))
    entry.rename(tmp_path / "moved")
    entry.symlink_to(tmp_path / "moved")
    assert [path for path, _, _ in _fetch(tmp_path, "y", ObjectCache(tmp_path / "cache")).reads] == ["a"]


def test_other_digests__not_cached(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "cache")
    odd = [
        item("a", b"alpha", text=True),
        item("c", b"", digest="sha256:" + __import__("hashlib").sha256().hexdigest()),
    ]
    _fetch(tmp_path, "x", cache, odd)
    assert not (tmp_path / "cache").exists()


def test_text_of_dvc_2__not_looked_for_by_its_digest(tmp_path: Path) -> None:
    _fetch(tmp_path, "x", ObjectCache(tmp_path / "cache"))
    assert _fetch(tmp_path, "y", ObjectCache(tmp_path / "cache"), [item("a", b"alpha", text=True)]).sent == 5


def test_wrong_bytes__never_cached(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="not what the pointer names"):
        Destination(tmp_path / "x", cache=ObjectCache(tmp_path / "cache")).receive(
            FaultyStore({"object": b"omega"}), [item("", b"alpha")], _ignore
        )
    assert not _entry(tmp_path / "cache", md5(b"alpha")).exists()


def test_put__file_that_is_another__not_cached(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"omega")
    ObjectCache(tmp_path / "cache").put(item("", b"alpha"), str(tmp_path / "file"))
    assert not _entry(tmp_path / "cache", md5(b"alpha")).exists()
    assert names_of(tmp_path / "cache" / ".tagline") == []


def test_bytes__listing__there_and_back(tmp_path: Path) -> None:
    cache, digest = ObjectCache(tmp_path), md5(b"[]") + ".dir"
    assert cache.get_bytes(digest) is None
    cache.put_bytes(digest, b"[]")
    assert cache.get_bytes(digest) == b"[]"
    assert _entry(tmp_path, digest).name.endswith(".dir")
    _entry(tmp_path, digest).chmod(0o644)
    _entry(tmp_path, digest).write_bytes(b"[1]")
    assert cache.get_bytes(digest) is None
    assert not _entry(tmp_path, digest).exists()


@pytest.mark.parametrize("digest", ["md5:../../x", "md5:", "sha256:" + "0" * 64, "md5:" + "0" * 32 + ".exe"])
def test_bytes__odd_digest__ignored(tmp_path: Path, digest: str) -> None:
    cache = ObjectCache(tmp_path / "cache")
    cache.put_bytes(digest, b"x")
    assert cache.get_bytes(digest) is None
    assert names_of(tmp_path) == []


def test_cache__cannot_be_made__a_note_and_the_fetch_goes_on(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = ObjectCache(tmp_path / "cache")
    _fetch(tmp_path, "x", cache)
    assert len(cache.notes) == 1
    assert str(tmp_path / "cache") in cache.notes[0]


def test_cache__no_room__a_note_and_the_fetch_goes_on(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "cache")
    cache.put_bytes(md5(b"alpha"), b"alpha", spare=1 << 60)
    assert "lacks the room" in cache.notes[0]
    assert not _entry(tmp_path / "cache", md5(b"alpha")).exists()


def test_temporary_files__of_killed_runs__deleted_after_a_day(tmp_path: Path) -> None:
    (tmp_path / ".tagline").mkdir()
    old, young = "0123456789abcdef.tmp", "fedcba9876543210.tmp"
    for name in (old, young, "precious"):
        (tmp_path / ".tagline" / name).touch()
    folder = tmp_path / ".tagline" / "00000000000000ff.tmp"
    folder.mkdir()
    for path in (tmp_path / ".tagline").iterdir():
        age = 3600 if path.name == young else 2 * 24 * 3600
        os.utime(path, (time.time() - age,) * 2)
    ObjectCache(tmp_path).put_bytes(md5(b"x"), b"x")
    # Nothing but files with the names that we give.
    assert names_of(tmp_path / ".tagline") == [folder.name, young, "precious"]


def _planted(tmp_path: Path, name: str) -> tuple[Path, Path]:
    """A cache in which a folder is a link, as a hostile repository can commit it, and where that leads."""
    victim, cache = tmp_path / "victim", tmp_path / "cache"
    victim.mkdir()
    (cache / name).parent.mkdir(parents=True)
    (cache / name).symlink_to(victim)
    return cache, victim


def test_temporary_folder__is_a_link__nothing_deleted_nor_written_there(tmp_path: Path) -> None:
    folder, victim = _planted(tmp_path, ".tagline")
    (victim / "tree").mkdir()
    for name in ("precious", "tree/precious", "0123456789abcdef.tmp"):
        (victim / name).touch()
    for path in (victim / "precious", victim / "0123456789abcdef.tmp", victim / "tree"):
        os.utime(path, (0, 0))
    cache = ObjectCache(folder)
    _fetch(tmp_path, "x", cache)
    assert names_of(victim) == ["0123456789abcdef.tmp", "precious", "tree"]
    assert names_of(victim / "tree") == ["precious"]
    assert names_of(folder) == [".tagline"]
    assert len(cache.notes) == 1
    assert "'.tagline' in it is a link" in cache.notes[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_temporary_folder__of_another_user__not_used(tmp_path: Path) -> None:
    (tmp_path / ".tagline").mkdir()
    (tmp_path / ".tagline" / "0123456789abcdef.tmp").touch()
    os.utime(tmp_path / ".tagline" / "0123456789abcdef.tmp", (0, 0))
    os.chown(tmp_path / ".tagline", 12345, 12345)
    cache = ObjectCache(tmp_path)
    cache.put_bytes(md5(b"x"), b"x")
    assert names_of(tmp_path / ".tagline") == ["0123456789abcdef.tmp"]
    assert not _entry(tmp_path, md5(b"x")).exists()
    assert "belongs to another user" in cache.notes[0]


@pytest.mark.parametrize("name", ["files", "files/md5", f"files/md5/{md5(b'alpha')[4:6]}"])
def test_objects_folder__is_a_link__not_written_through(tmp_path: Path, name: str) -> None:
    folder, victim = _planted(tmp_path, name)
    cache = ObjectCache(folder)
    cache.put_bytes(md5(b"alpha"), b"alpha")
    assert names_of(victim) == []
    assert names_of(folder / ".tagline") == []
    assert f"{Path(name).name!r} in it is a link" in cache.notes[0]


def test_objects_folder__is_a_link__damaged_entry_there_not_deleted(tmp_path: Path) -> None:
    digest = md5(b"alpha")
    folder, victim = _planted(tmp_path, f"files/md5/{digest[4:6]}")
    (victim / digest[6:]).write_bytes(b"somebody's")
    cache = ObjectCache(folder)
    assert cache.get_bytes(digest) is None
    assert (victim / digest[6:]).read_bytes() == b"somebody's"
    assert "cannot be deleted" in cache.notes[0]


def test_cache__is_a_link_itself__followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    cache = ObjectCache(tmp_path / "link")
    cache.put_bytes(md5(b"alpha"), b"alpha")
    assert _entry(tmp_path / "real", md5(b"alpha")).read_bytes() == b"alpha"
    assert cache.notes == []


def test_shared_cache__new_folders__open_to_the_same_people(tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)
    ObjectCache(tmp_path).put_bytes(md5(b"x"), b"x")
    for folder in (tmp_path / ".tagline", _entry(tmp_path, md5(b"x")).parent):
        assert folder.stat().st_mode & 0o7777 == 0o2775


def test_many_at_once__every_reader_sees_all_or_nothing(tmp_path: Path) -> None:
    data = {i: content(100_000, i) for i in range(20)}
    found: list[bool] = []

    def work() -> None:
        cache = ObjectCache(tmp_path)
        for number, each in data.items():
            cache.put_bytes(md5(each), each)
            found.append(cache.get_bytes(md5(each)) == data[number])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 120
    assert names_of(tmp_path / ".tagline") == []


@pytest.mark.oracle
def test_dvc__reads_our_entries_and_we_its(tmp_path: Path) -> None:
    def dvc(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "dvc", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    dvc("init", "--no-scm")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(b"alpha")
    dvc("add", "data")
    cache = ObjectCache(tmp_path / ".dvc" / "cache")
    # What DVC cached we need not ask for.
    assert _fetch(tmp_path, "x", cache, [item("a", b"alpha")]).reads == []

    # What we cached DVC checks out, and its garbage collector sees no stranger.
    _entry(tmp_path / ".dvc" / "cache", md5(b"alpha")).unlink()
    _fetch(tmp_path, "y", cache, [item("a", b"alpha")])
    (tmp_path / "data" / "a").unlink()
    dvc("checkout", "--force")
    assert (tmp_path / "data" / "a").read_bytes() == b"alpha"
    dvc("gc", "--workspace", "--force")
    assert "up to date" in dvc("status")
