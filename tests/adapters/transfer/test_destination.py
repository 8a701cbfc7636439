"""DEST is the file or folder itself, replaced as a whole and never seen half full."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tagline.adapters.transfer.destination import Destination
from tagline.adapters.transfer.fetched_folders import FetchedFolders
from tagline.domain.storage.objects import Item
from tagline.errors import BadPointer, Conflict, PlatformRefused, Refused, WrongUsage
from tests.support.gitbuild import run_git
from tests.support.stores import FaultyStore, item, names_of, read_folder

ROOT = Path(__file__).parents[3]
FILES = {"a.txt": b"alpha", "sub/b": b"beta" * 1000, "sub/deeper/c": b""}
ITEMS = [item(name, data) for name, data in FILES.items()]


def _ignore(size: int, files: int) -> None:
    pass


def _store() -> FaultyStore:
    return FaultyStore(FILES)


def _known(out: Path) -> Destination:
    """With the memory of a user's earlier fetches."""
    return Destination(out, made=FetchedFolders(out.parent / "cache" / "fetched"))


def _kept(dest: Destination, items: list[Item], store: FaultyStore) -> str:
    """Why a destination is not replaced, said before a byte is fetched, with and without ``force`` alike."""
    assert dest.compare(items) is False
    with pytest.raises(Refused) as first:
        dest.refuse_kept(items)
    with pytest.raises(Refused) as second:
        dest.receive(store, items, _ignore, force=True)
    assert store.reads == []
    assert first.value.code == second.value.code == "destination-kept"
    assert first.value.message == second.value.message
    assert "--force" not in first.value.hint
    return first.value.message


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


CHANGES = [_fewer, _other, _empty_folder, _link_to_same, _pipe]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_compare__different__and_replaced_as_a_whole(tmp_path: Path, change: object) -> None:
    out = tmp_path / "out"
    _known(out).receive(_store(), ITEMS, _ignore)
    change(out)  # type: ignore[operator]
    moved = tmp_path / "moved"
    before = {path: path.lstat() for path in (moved, *moved.rglob("*"))} if moved.exists() else {}

    dest = _known(out)
    assert dest.compare(ITEMS) is False
    dest.refuse_kept(ITEMS)
    dest.receive(_store(), ITEMS, _ignore, force=True)
    assert read_folder(out) == FILES
    assert not out.is_symlink()
    assert dest.compare(ITEMS) is True
    assert names_of(tmp_path) == sorted(["cache", "out", *(["moved"] if before else [])])
    # Links were replaced, and what they led to is as it was.
    assert {path: path.lstat() for path in before} == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_more, "'more'"),
        (_linked_folder, "'sub'"),
        (_link_itself, "is no folder"),
        (_file, "is no folder"),
        (_dangling, "is no folder"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_compare__different__and_more_than_a_fetch_put_there__kept(
    tmp_path: Path, change: Callable[[Path], None], why: str
) -> None:
    out, wanted = tmp_path / "out", [*ITEMS, item("new", b"new")]
    _known(out).receive(_store(), ITEMS, _ignore)
    change(out)
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert why in _kept(_known(out), wanted, _store())
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_folder__of_somebodys_own__kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_bytes(b"mine")
    assert "made by no fetch" in _kept(_known(out), ITEMS, _store())
    assert read_folder(out) == {"a.txt": b"mine"}


def test_folder__made_anew_under_the_name_that_a_fetch_used__kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _known(out).receive(_store(), ITEMS, _ignore)
    out.rename(tmp_path / "away")
    out.mkdir()
    (out / "a.txt").write_bytes(b"mine")
    assert "made by no fetch" in _kept(_known(out), ITEMS, _store())
    assert read_folder(out) == {"a.txt": b"mine"}


def test_folder__of_a_fetch_and_of_the_one_before__replaced_again_and_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(3):
        data = b"%d" % number
        _known(out).receive(FaultyStore({f"f{number}": data}), [item(f"f{number}", data)], _ignore, force=True)
        assert read_folder(out) == {f"f{number}": data}


def test_folder__by_another_way_to_its_parent__is_the_same(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    memory = FetchedFolders(tmp_path / "cache")
    Destination(tmp_path / "link" / "out", made=memory).receive(_store(), ITEMS, _ignore)
    dest = Destination(tmp_path / "real" / "out", made=memory)
    dest.receive(FaultyStore({"a": b"1"}), [item("a", b"1")], _ignore, force=True)
    assert read_folder(tmp_path / "real" / "out") == {"a": b"1"}


@pytest.mark.parametrize("way", ["others-may-write", "link", "not-json", "other-json", "gone", "no-folder"])
def test_memory__not_ours_or_not_readable__nothing_is_known(tmp_path: Path, way: str) -> None:
    out, memory = tmp_path / "out", tmp_path / "cache" / "fetched"
    _known(out).receive(_store(), ITEMS, _ignore)
    (note,) = memory.iterdir()
    if way == "others-may-write":
        memory.chmod(0o777)
    elif way == "link":
        memory.rename(tmp_path / "moved")
        memory.symlink_to(tmp_path / "moved")
    elif way == "no-folder":
        note.unlink()
        memory.rmdir()
        memory.touch()
    elif way == "gone":
        note.unlink()
    else:
        note.write_text("{" if way == "not-json" else "[]")
    assert "made by no fetch" in _kept(_known(out), [item("a", b"1")], FaultyStore({"a": b"1"}))
    assert read_folder(out) == FILES


def test_memory__cannot_be_kept__fetched_and_said(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    dest = _known(tmp_path / "out")
    dest.receive(_store(), ITEMS, _ignore)
    assert read_folder(tmp_path / "out") == FILES
    (note,) = dest.notes
    assert "--force will not replace it" in note


def test_memory__of_many_folders__the_oldest_are_forgotten(tmp_path: Path) -> None:
    memory = FetchedFolders(tmp_path / "fetched")
    for number in range(1005):
        memory.add(f"/nowhere/{number}", number, ["f"])
        os.utime(max((tmp_path / "fetched").iterdir(), key=lambda file: file.stat().st_ctime_ns), (number, number))
    assert len(names_of(tmp_path / "fetched")) == 1000
    assert memory.files_of("/nowhere/1004", 1004) == {"f"}
    assert memory.files_of("/nowhere/0", 0) is None


@pytest.mark.parametrize("inner", [False, True], ids=["its-own", "around-that"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_git__tracks_it__kept_even_of_an_earlier_fetch(tmp_path: Path, kind: str, inner: bool) -> None:
    """A file that somebody committed after it was fetched; in a repository that another one lies in, too."""
    run_git(tmp_path, "init", "--quiet", ".")
    (tmp_path / "sub").mkdir()
    out = tmp_path / "sub" / "[out]"  # a name, and no pattern
    wanted = ITEMS if kind == "folder" else [item("", b"new")]
    if kind == "folder":
        _known(out).receive(FaultyStore({"a": b"1"}), [item("a", b"1")], _ignore)
    elif kind == "file":
        out.write_bytes(b"old")
    else:
        out.symlink_to("nowhere")
    run_git(tmp_path, "add", "--force", "sub/[out]")
    if inner:
        run_git(tmp_path / "sub", "init", "--quiet", ".")
    message = _kept(_known(out), wanted, FaultyStore({**FILES, "object": b"new"}))
    assert "Git, which tracks 'sub/[out]" in message
    run_git(tmp_path, "rm", "--cached", "-r", "--quiet", "sub/[out]")
    _known(out).receive(FaultyStore({**FILES, "object": b"new"}), wanted, _ignore, force=True)


def test_git__cannot_say_it__nothing_is_replaced(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet", ".")
    (tmp_path / ".git" / "index").write_bytes(b"broken")
    (tmp_path / "m").write_bytes(b"old")
    with pytest.raises(PlatformRefused):
        Destination(tmp_path / "m").receive(FaultyStore({"object": b"new"}), [item("", b"new")], _ignore, force=True)
    assert (tmp_path / "m").read_bytes() == b"old"


def test_put_into_it_while_the_fetch_ran__put_back_and_kept(tmp_path: Path) -> None:
    """Also in the instant before the exchange: what was moved aside is looked at, and not the place."""
    out = tmp_path / "out"
    _known(out).receive(FaultyStore({"a": b"1"}), [item("a", b"1")], _ignore)

    def put(event: str, arguments: tuple[object, ...]) -> None:
        if armed and event == "os.rename" and str(arguments[0]) == str(out):
            armed.clear()
            (out / "mine").touch()

    armed = {True}
    sys.addaudithook(put)
    with pytest.raises(Refused, match="'mine'"):
        _known(out).receive(_store(), ITEMS, _ignore, force=True)
    assert names_of(out) == ["a", "mine"]


@pytest.mark.parametrize("named", ["dir/", "dir", "./dir//"])
def test_file__into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "other").touch()
    dest = Destination(named)
    assert dest.settle([item("", b"x")], "m.pkl") == os.path.join(named, "m.pkl")  # noqa: PTH118
    dest.receive(FaultyStore({"object": b"x"}), [item("", b"x")], _ignore)
    assert read_folder(tmp_path / "dir") == {"m.pkl": b"x", "other": b""}


@pytest.mark.parametrize("items", [[item("", b"x")], [item("a", b"x")]], ids=["file", "folder"])
def test_into_a_folder_that_is_not_there__made(tmp_path: Path, items: list[Item]) -> None:
    dest = Destination(f"{tmp_path}/new/dir/")
    assert dest.settle(items, "m") == f"{tmp_path}/new/dir/m"
    dest.receive(FaultyStore({"object": b"x", "a": b"x"}), items, _ignore)
    assert names_of(tmp_path / "new" / "dir") == ["m"]


def test_folder__to_a_folder__is_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    assert Destination(tmp_path / "dir").settle(ITEMS, "data") == str(tmp_path / "dir")


def test_no_name__refused() -> None:
    with pytest.raises(WrongUsage):
        Destination("")


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_file__something_else_there__replaced(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "m"
    (tmp_path / "target").write_bytes(b"new")
    if kind == "file":
        out.write_bytes(b"old")
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
    first, second = _known(tmp_path / "out"), _known(tmp_path / "out")
    assert (first.compare(ITEMS), second.compare(ITEMS)) == (None, None)
    first.receive(FaultyStore({"a": b"other"}), [item("a", b"other")], _ignore, force=True)
    second.receive(_store(), ITEMS, _ignore, force=True)
    assert read_folder(tmp_path / "out") == FILES
    assert names_of(tmp_path) == ["cache", "out"]


def test_failure__what_lay_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _known(out).receive(FaultyStore({"old": b""}), [item("old", b"")], _ignore)
    store = FaultyStore({**FILES, "sub/b": b"wrong"})
    with pytest.raises(Exception, match="not what the pointer names"):
        _known(out).receive(store, ITEMS, _ignore, force=True)
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


@pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
@pytest.mark.parametrize("victim", ["file", "folder"])
def test_race__a_link_is_laid_at_the_destination_meanwhile__nothing_is_written_through_it(
    tmp_path: Path, force: bool, victim: str
) -> None:
    other = tmp_path / "victim"
    other.mkdir()
    (other / "kept").write_bytes(b"somebody's")
    out = tmp_path / "m"
    store = FaultyStore({"object": b"new"})

    def lay(_key: str, _start: int, _n: int) -> None:
        if not out.is_symlink():
            out.symlink_to(other / "kept" if victim == "file" else other)

    store.on_read = lay
    if force:
        Destination(out).receive(store, [item("", b"new")], _ignore, force=True)
        assert not out.is_symlink()
        assert out.read_bytes() == b"new"
    else:
        with pytest.raises(Conflict):
            Destination(out).receive(store, [item("", b"new")], _ignore)
        assert out.is_symlink()
    assert [(path.name, path.read_bytes()) for path in other.iterdir()] == [("kept", b"somebody's")]
