"""Git's blobs as a store of bytes: real repositories, one git process that must stay in step."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagline.adapters.git.lfs import LfsStore
from tagline.adapters.git.objects import GitObjects
from tagline.adapters.git.repository import GitRepository
from tagline.domain.storage.objects import Key
from tagline.errors import ObjectMissing
from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, Tag, build, object_id, run_git

BIG = bytes(range(256)) * 4096 * 5
FILES = {
    "empty": b"", "small": b"hello\n", "zeros": b"\0" * 5000, "big": BIG, "newlines": b"\n" * 777,
    "like": b"abc blob 5\nxy",
    "folder/a": b"a", "folder/in/b": b"b" * 100,
}  # fmt: skip
MISSING = Key("blob/" + "1" * 40)


def key(name: str) -> Key:
    return Key(f"blob/{object_id('blob', FILES[name])}")


def no_lfs() -> LfsStore:
    return LfsStore(None, {}, None)


@contextlib.contextmanager
def opened(place: Path, prefetch: Callable[[list[str]], None] | None = None) -> Iterator[GitObjects]:
    store = GitObjects(GitRepository.at(place).git, "https://h/r", no_lfs, prefetch)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("objects") / "r"
    build(place, History((Commit("c0", (), FILES),), (Tag("m@v1.0.0", "c0"),)))
    return place


@pytest.fixture
def store(built: Path) -> Iterator[GitObjects]:
    with opened(built) as store:
        yield store


def read(store: GitObjects, name: str, *arguments: int) -> bytes:
    return b"".join(store.read(key(name), *arguments))


@pytest.mark.parametrize("name", FILES)
def test_read__whole__is_the_blob(store, name):
    pieces = list(store.read(key(name)))
    assert b"".join(pieces) == FILES[name]
    assert max(map(len, pieces), default=0) <= 1024 * 1024


@pytest.mark.parametrize(
    ("start", "length"), [(0, 1), (1, 3), (5, 1), (3, None), (0, 0), (6, None), (4, 100), (100, 5), (100, None), (2, 4)]
)
def test_read__range__is_that_part_and_the_next_answer_is_right(store, start, length):
    end = None if length is None else start + length
    assert b"".join(store.read(key("small"), start, length)) == FILES["small"][start:end]
    assert read(store, "like") == FILES["like"]


def test_read__ranges_of_a_big_one__add_up(store):
    part = 1024 * 1024 + 7
    pieces = [read(store, "big", start, part) for start in range(0, len(BIG), part)]
    assert b"".join(pieces) == BIG


@pytest.mark.parametrize("name", ["big", "small", "zeros"])
def test_read__closed_early__leaves_the_store_in_step(store, name):
    pieces = store.read(key(name))
    next(pieces)
    pieces.close()
    assert read(store, "newlines") == FILES["newlines"]
    assert store.look(key("big")).size == len(BIG)


def test_read__never_begun__asks_nothing(store):
    store.read(key("big"))
    assert read(store, "small") == FILES["small"]


def test_look__sizes__are_the_blobs(store):
    assert {name: store.look(key(name)).size for name in FILES} == {name: len(data) for name, data in FILES.items()}


def test_look_many__some_missing__are_left_out(store):
    keys = [key("small"), MISSING, key("empty")]
    assert {key: facts.size for key, facts in store.look_many(keys).items()} == {key("small"): 6, key("empty"): 0}
    assert store.look_many([]) == {}


@pytest.mark.parametrize("act", [lambda s: s.look(MISSING), lambda s: list(s.read(MISSING))])
def test_missing__says_so_and_the_next_answer_is_right(store, act: Callable[[GitObjects], object]):
    for _ in range(2):
        with pytest.raises(ObjectMissing) as caught:
            act(store)
        assert caught.value.exit_code == 6
        assert read(store, "small") == FILES["small"]


def test_read__many_threads__each_gets_its_own(store):
    names = [name for name in FILES for _ in range(6)]
    wrong: list[str] = []

    def work(name: str, number: int) -> None:
        pieces = store.read(key(name), number % 3)
        if number % 5 == 4:
            next(pieces, None)
            pieces.close()  # type: ignore[attr-defined]
        elif b"".join(pieces) != FILES[name][number % 3 :] or store.look(key(name)).size != len(FILES[name]):
            wrong.append(name)

    threads = [threading.Thread(target=work, args=(name, number)) for number, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_presign_and_uri__of_a_blob__name_the_repository(store):
    assert store.presign(key("small"), 60) is None
    assert store.uri(key("small")) == f"git+https://h/r#{key('small').path}"


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    """A clone that has no file yet."""
    build(tmp_path / "r", History((Commit("c0", (), FILES),), (Tag("m@v1.0.0", "c0"),)), bare=True)
    run_git(tmp_path / "r", "config", "uploadpack.allowFilter", "true")
    run_git(tmp_path / "r", "config", "uploadpack.allowAnySHA1InWant", "true")
    source = (tmp_path / "r").as_uri()
    run_git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", source, str(tmp_path / "clone"))
    return tmp_path / "clone"


def lacking(clone: Path) -> int:
    output = run_git(clone, "rev-list", "--objects", "--all", "--missing=print")
    return sum(line.startswith("?") for line in output.splitlines())


def test_partial_clone__reading__brings_what_is_read(partial):
    assert lacking(partial) == len(FILES)
    with opened(partial) as store:
        assert read(store, "big") == BIG
        assert lacking(partial) == len(FILES) - 1
        with pytest.raises(ObjectMissing):
            store.look(MISSING)


def test_partial_clone__prefetch__is_asked_once_for_all(partial):
    asked: list[list[str]] = []
    with opened(partial, asked.append) as store:
        store.look_many([key("small"), key("empty")])
    assert asked == [[key("small").path[5:], key("empty").path[5:]]]


# -- end to end ---------------------------------------------------------------

MANIFEST = "m:\n  path: big\nfolder:\n  path: folder\nlinked:\n  path: links\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "e2e"
    build(root, History((Commit("c0", (), {**FILES, "artifacts.yaml": MANIFEST}),)), checkout=True)
    (root / "links").mkdir()
    (root / "links/a").symlink_to("../small")
    run_git(root, "add", "links")
    run_git(root, "commit", "--quiet", "-m", "links")
    for name in ("m", "folder", "linked"):
        run_git(root, "tag", "-a", "-m", name, f"{name}@v1.0.0")
    return root


@pytest.mark.parametrize(("name", "files", "size"), [("m", 1, len(BIG)), ("folder", 2, 101)])
def test_fetch__from_git__is_the_commits_own(clone, tagline: CommandLine, tmp_path, name, files, size):
    (clone / "big").write_bytes(b"changed since")
    (clone / "folder/a").write_bytes(b"changed since")
    found = tagline.json("resolve", f"{name}@v1.0.0", cwd=clone)
    assert (found["files"], found["size"]) == (files, size)
    tagline.json("fetch", f"{name}@v1.0.0", "-o", str(tmp_path / "dest"), cwd=clone)
    dest = tmp_path / "dest"
    if name == "m":
        assert hashlib.sha256(dest.read_bytes()).digest() == hashlib.sha256(BIG).digest()
    else:
        assert sorted(path.name for path in dest.iterdir()) == ["a", "in"]
        assert ((dest / "a").read_bytes(), (dest / "in/b").read_bytes()) == (b"a", b"b" * 100)


def test_fetch__folder_with_a_link__is_refused(clone, tagline: CommandLine, tmp_path):
    said = tagline("fetch", "linked@v1.0.0", "-o", str(tmp_path / "dest"), cwd=clone)
    assert (said.code, "links/a is a symlink" in said.err) == (1, True)
    assert not (tmp_path / "dest").exists()
