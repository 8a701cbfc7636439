"""DEST is the file or folder itself, replaced as a whole and never seen half full."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tagline.adapters.destination import Destination
from tagline.domain.storage import Item
from tagline.errors import BadPointer, Conflict, PlatformRefused, WrongUsage
from tests.adapters.stores import FaultyStore, item, names_of, read_folder

ROOT = Path(__file__).parents[2]
FILES = {"a.txt": b"alpha", "sub/b": b"beta" * 1000, "sub/deeper/c": b""}
ITEMS = [item(name, data) for name, data in FILES.items()]


def _ignore(size: int, files: int) -> None:
    pass


def _store() -> FaultyStore:
    return FaultyStore(FILES)


# --- what arrives ---


def test_receive__folder__exactly_the_files(tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    dest = Destination(tmp_path / "new" / "parents" / "out")
    assert dest.compare(ITEMS) is None
    dest.receive(_store(), ITEMS, lambda size, files: reports.append((size, files)))
    assert read_folder(tmp_path / "new" / "parents" / "out") == FILES
    assert names_of(tmp_path / "new" / "parents") == ["out"]
    assert [sum(column) for column in zip(*reports, strict=True)] == [4005, 3]
    assert dest.compare(ITEMS) is True


@pytest.mark.parametrize("data", [b"", b"x"])
def test_receive__file__dest_is_the_file(tmp_path: Path, data: bytes) -> None:
    Destination(tmp_path / "m").receive(FaultyStore({"object": data}), [item("", data)], _ignore)
    assert (tmp_path / "m").read_bytes() == data
    assert names_of(tmp_path) == ["m"]
    assert Destination(tmp_path / "m").compare([item("", data)]) is True


def test_receive__no_files__an_empty_folder(tmp_path: Path) -> None:
    dest = Destination(tmp_path / "out")
    dest.receive(_store(), [], _ignore)
    assert names_of(tmp_path / "out") == []
    assert dest.compare([]) is True


def test_receive__odd_names__as_they_are(tmp_path: Path) -> None:
    files = {"ä/ö\u202e": b"1", "line\nbreak": b"2", "esc\x1b[31m": b"3", "\\": b"4", "...": b"5", "\udcff": b"6"}
    items = [item(name, data) for name, data in files.items()]
    Destination(tmp_path / "o\nut").receive(FaultyStore(files), items, _ignore)
    assert read_folder(tmp_path / "o\nut") == files


def test_receive__long_name__fits_beside(tmp_path: Path) -> None:
    dest = tmp_path / ("ä" * 127)
    Destination(dest).receive(_store(), ITEMS, _ignore)
    assert read_folder(dest) == FILES
    assert len(names_of(tmp_path)) == 1


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_receive__modes__what_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        Destination(tmp_path / "out").receive(_store(), ITEMS, _ignore)
    finally:
        os.umask(before)
    assert (tmp_path / "out" / "a.txt").stat().st_mode & 0o7777 == 0o644 & ~umask
    for folder in (tmp_path / "out", tmp_path / "out" / "sub"):
        assert folder.stat().st_mode & 0o7777 == 0o755 & ~umask


def test_receive__many_small_files__all_of_them(tmp_path: Path) -> None:
    files = {f"d{i % 100}/f{i}": b"%d" % i * 100 for i in range(10_000)}
    items = [item(name, data) for name, data in files.items()]
    Destination(tmp_path / "out").receive(FaultyStore(files, streams=16), items, _ignore)
    assert read_folder(tmp_path / "out") == files
    assert Destination(tmp_path / "out").compare(items) is True


# --- what is refused ---


@pytest.mark.parametrize(
    "names",
    [
        ["../x"], ["/x"], ["a//b"], ["a/../b"], ["."], ["a/."], ["a/"], ["x\0y"], ["..", "y"], ["\ud800"],
        ["", "x"], ["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"],
    ],
)  # fmt: skip
def test_receive__hostile_paths__refused_and_nothing_written(tmp_path: Path, names: list[str]) -> None:
    items = [item(name, b"") for name in names]
    dest = Destination(tmp_path / "out")
    for act in (
        lambda: dest.compare(items),
        lambda: dest.receive(FaultyStore(dict.fromkeys(names, b"")), items, _ignore),
    ):
        with pytest.raises(BadPointer):
            act()
    assert names_of(tmp_path) == []


def test_receive__the_current_folder__refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "inner")
    (tmp_path / "link").symlink_to("here")
    for path in (Path(), Path(".."), tmp_path / "here", tmp_path / "link" / "inner"):
        with pytest.raises(WrongUsage):
            Destination(path).receive(_store(), ITEMS, _ignore)


def test_receive__something_else_has_the_hidden_name__left_alone(tmp_path: Path) -> None:
    (tmp_path / ".out.tagline").mkdir()
    (tmp_path / ".out.tagline" / "precious").touch()
    with pytest.raises(PlatformRefused) as caught:
        Destination(tmp_path / "out").receive(_store(), ITEMS, _ignore)
    assert caught.value.code == "staging-taken"
    assert names_of(tmp_path / ".out.tagline") == ["precious"]


def test_receive__hidden_name_is_a_link__not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".out.tagline").symlink_to("elsewhere")
    with pytest.raises(PlatformRefused):
        Destination(tmp_path / "out").receive(_store(), ITEMS, _ignore)
    assert names_of(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("wanted", [ITEMS, [item("", b"alpha")]], ids=["folder", "file"])
def test_receive__dest_is_a_pipe_or_a_device__refused_even_with_force(tmp_path: Path, wanted: list[Item]) -> None:
    out = tmp_path / "out"
    os.mkfifo(out)
    store = FaultyStore({**FILES, "object": b"alpha"})
    for act in (
        lambda: Destination(out).compare(wanted),
        lambda: Destination(out).receive(store, wanted, _ignore, force=True),
        lambda: Destination(Path("/dev/full")).compare(wanted),
    ):
        with pytest.raises(WrongUsage) as caught:
            act()
        assert caught.value.hint
    assert out.is_fifo()
    assert store.reads == []
    assert names_of(tmp_path) == ["out"]


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711])
def test_receive__hidden_folder_of_a_checkout__its_old_is_not_put_there(tmp_path: Path, mode: int) -> None:
    (tmp_path / ".out.tagline" / "old").mkdir(parents=True)
    (tmp_path / ".out.tagline" / "old" / "planted").touch()
    (tmp_path / ".out.tagline").chmod(mode)
    assert Destination(tmp_path / "out").compare(ITEMS) is None
    for force in (False, True):
        with pytest.raises(PlatformRefused) as caught:
            Destination(tmp_path / "out").receive(_store(), ITEMS, _ignore, force=force)
        assert caught.value.code == "staging-taken"
    assert names_of(tmp_path) == [".out.tagline"]
    assert names_of(tmp_path / ".out.tagline") == ["old"]


def test_receive__parent_is_a_file__said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    dest = Destination(tmp_path / "file" / "out")
    assert dest.compare(ITEMS) is None
    with pytest.raises(PlatformRefused) as caught:
        dest.receive(_store(), ITEMS, _ignore)
    assert caught.value.code == "cannot-write"


# --- what lies there already ---


def test_compare__equal__left_untouched(tmp_path: Path) -> None:
    dest = Destination(tmp_path / "out")
    dest.receive(_store(), ITEMS, _ignore)
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    assert dest.compare(ITEMS) is True
    assert {path: path.lstat().st_mtime_ns for path in before} == {p: s.st_mtime_ns for p, s in before.items()}


def _more(out: Path) -> None:
    (out / "more").touch()


def _fewer(out: Path) -> None:
    (out / "a.txt").unlink()


def _other(out: Path) -> None:
    (out / "a.txt").write_bytes(b"ALPHA")


def _empty_folder(out: Path) -> None:
    (out / "sub" / "empty").mkdir()


def _link_to_same(out: Path) -> None:
    (out / "a.txt").rename(out.parent / "moved")
    (out / "a.txt").symlink_to(out.parent / "moved")


def _linked_folder(out: Path) -> None:
    (out / "sub").rename(out.parent / "moved")
    (out / "sub").symlink_to(out.parent / "moved")


def _link_itself(out: Path) -> None:
    out.rename(out.parent / "moved")
    out.symlink_to("moved")


def _pipe(out: Path) -> None:
    (out / "a.txt").unlink()
    os.mkfifo(out / "a.txt")


def _file(out: Path) -> None:
    out.rename(out.parent / "moved")
    out.write_bytes(b"alpha")


def _dangling(out: Path) -> None:
    out.rename(out.parent / "moved")
    out.symlink_to("nowhere")


CHANGES = [
    _more, _fewer, _other, _empty_folder, _link_to_same, _linked_folder, _link_itself, _pipe, _file, _dangling,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_compare__different__and_replaced_as_a_whole(tmp_path: Path, change: object) -> None:
    out = tmp_path / "out"
    Destination(out).receive(_store(), ITEMS, _ignore)
    change(out)  # type: ignore[operator]
    moved = tmp_path / "moved"
    before = {path: path.lstat() for path in (moved, *moved.rglob("*"))} if moved.exists() else {}

    dest = Destination(out)
    assert dest.compare(ITEMS) is False
    dest.receive(_store(), ITEMS, _ignore, force=True)
    assert read_folder(out) == FILES
    assert not out.is_symlink()
    assert dest.compare(ITEMS) is True
    assert names_of(tmp_path) == sorted(["out", *(["moved"] if before else [])])
    # Links were replaced, and what they led to is as it was.
    assert {path: path.lstat() for path in before} == before


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling"])
def test_file__something_else_there__replaced(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "m"
    (tmp_path / "target").write_bytes(b"new")
    if kind == "file":
        out.write_bytes(b"old")
    elif kind == "folder":
        (out / "sub").mkdir(parents=True)
        (out / "sub").chmod(0o555)
    else:
        out.symlink_to("target" if kind == "link" else "nowhere")
    dest = Destination(out)
    assert dest.compare([item("", b"new")]) is False
    dest.receive(FaultyStore({"object": b"new"}), [item("", b"new")], _ignore, force=True)
    assert out.is_file()
    assert not out.is_symlink()
    assert out.read_bytes() == b"new"
    assert names_of(tmp_path) == ["m", "target"]


def test_parent_is_a_link__followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    Destination(tmp_path / "link" / "out").receive(_store(), ITEMS, _ignore)
    assert read_folder(tmp_path / "real" / "out") == FILES


def test_empty_folder__is_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    dest = Destination(tmp_path / "out")
    assert dest.compare(ITEMS) is None
    dest.receive(_store(), ITEMS, _ignore)
    assert read_folder(tmp_path / "out") == FILES
    assert Destination(tmp_path).compare([item("", b"x")]) is False


def test_appeared_after_comparing__not_replaced(tmp_path: Path) -> None:
    dest = Destination(tmp_path / "out")
    assert dest.compare(ITEMS) is None
    (tmp_path / "out").write_text("somebody's")
    with pytest.raises(Conflict):
        dest.receive(_store(), ITEMS, _ignore)
    assert (tmp_path / "out").read_text() == "somebody's"


def test_appeared_after_comparing__with_force__replaced(tmp_path: Path) -> None:
    first, second = Destination(tmp_path / "out"), Destination(tmp_path / "out")
    assert (first.compare(ITEMS), second.compare(ITEMS)) == (None, None)
    first.receive(FaultyStore({"a": b"other"}), [item("a", b"other")], _ignore, force=True)
    second.receive(_store(), ITEMS, _ignore, force=True)
    assert read_folder(tmp_path / "out") == FILES
    assert names_of(tmp_path) == ["out"]


def test_failure__what_lay_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").touch()
    store = FaultyStore({**FILES, "sub/b": b"wrong"})
    with pytest.raises(Exception, match="not what the pointer names"):
        Destination(out).receive(store, ITEMS, _ignore, force=True)
    assert names_of(out) == ["old"]


def test_never_half_full__looked_at_all_the_time(tmp_path: Path) -> None:
    out, seen, stop = tmp_path / "out", set(), threading.Event()

    def watch() -> None:
        while not stop.is_set():
            with_content = tuple(names_of(out)) if out.exists() else None
            seen.add(with_content)

    files = {f"f{i}": b"x" for i in range(300)}
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        Destination(out).receive(FaultyStore(files), [item(name, b"x") for name in files], _ignore)
    finally:
        stop.set()
        watcher.join()
    assert seen <= {None, tuple(sorted(files))}
