"""One suite for the port Repository: a clone, a remote by its URL and the history of changes give the same answers.

And one for its trees: those of commits, a work tree, and the fake that other tests use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tagline.adapters.git.history import GitHistory
from tagline.adapters.git.listing import Listing
from tagline.adapters.git.remote import RemoteCache
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.snapshots import RemoteRepository, Snapshots
from tagline.adapters.git.tag_fetch import has_files
from tagline.adapters.git.urls import remote_url
from tagline.ports.repository import Repository, Tree
from tests.support.fakes import MemoryTree
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git
from tests.support.githttp import serve

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"
LARGE = "x" * 5000  # more than comes with the folders of a remote's commit
FILES = {
    ".gitattributes": "*.bin filter=lfs\n",
    "artifacts.yaml": "rf: {path: models/rf}\n",
    "data/x.dvc": "outs: []\n",
    "lfs.bin": LFS,
    "models/deep/a": "a",
    "models/large": LARGE,
    "models/rf": "one\n",
}
LINK = "models/link"
PATHS = sorted((*FILES, LINK))


class World(NamedTuple):
    """A clone of a served repository, and the same repository read in three ways."""

    clone: Path
    url: str
    commits: dict[str, str]
    repositories: dict[str, Callable[[], Repository]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = tmp_path / "made"
    ids = build(made, History((Commit("c0", files=FILES),), (Tag("rf@v1.0.0", "c0"),)), checkout=True)
    (made / LINK).symlink_to("rf")
    run_git(made, "add", LINK)
    run_git(made, "commit", "--quiet", "--message=a link", f"--date={EPOCH + 5} +0000")
    origin = tmp_path / "served" / "r.git"
    run_git(tmp_path, "clone", "--quiet", "--bare", str(made), str(origin))
    for key in ("allowFilter", "allowAnySHA1InWant"):
        run_git(origin, "config", f"uploadpack.{key}", "true")
    with serve(tmp_path / "served") as server:
        url = f"{server.url}/r.git"
        clone = tmp_path / "clone"
        run_git(tmp_path, "clone", "--quiet", url, str(clone))
        cache, remote = RemoteCache(tmp_path / "cache"), remote_url(url)

        def by_url() -> Repository:
            tags = cache.fetch(remote, None)
            return RemoteRepository(tags, Snapshots(cache, remote), has_files=has_files(tags.place.root))

        repositories: dict[str, Callable[[], Repository]] = {
            "clone": lambda: GitRepository.at(clone),
            "url": by_url,
            "history": lambda: GitHistory(cache, remote, Listing(remote)),
        }
        yield World(clone, url, {"c0": ids["c0"], "c1": run_git(made, "rev-parse", "HEAD").strip()}, repositories)


@pytest.fixture(params=["clone", "url", "history"])
def repository(request: pytest.FixtureRequest, world: World) -> Repository:
    return world.repositories[request.param]()


@pytest.fixture(params=["clone", "url", "history", "work tree", "fake"])
def tree(request: pytest.FixtureRequest, world: World) -> Tree:
    if request.param == "work tree":
        return GitRepository.at(world.clone).work_tree()
    if request.param == "fake":
        return MemoryTree(FILES, links=[LINK])
    return world.repositories[request.param]().tree(world.commits["c1"])


# -- the repository -----------------------------------------------------------


def test_url__of_all__is_the_remotes(repository: Repository, world: World) -> None:
    assert repository.url == world.url


def test_facts__of_a_commit__are_its_own_words(repository: Repository, world: World) -> None:
    facts = repository.facts(world.commits["c1"])
    assert (facts.id, facts.author, facts.authored_at) == (world.commits["c1"], "Ada", EPOCH + 5)
    assert (facts.subject, facts.signature.status) == ("a link", "none")


def test_prepare__then_read__has_the_files_of_each_commit(repository: Repository, world: World) -> None:
    repository.prepare(list(world.commits.values()))
    first, second = (repository.tree(commit) for commit in world.commits.values())
    assert (list(first.paths()), list(second.paths())) == (sorted(FILES), PATHS)
    assert {tree.label for tree in (first, second)} == {f"commit {commit[:7]}" for commit in world.commits.values()}


def test_objects__of_a_commit__are_those_that_git_names(repository: Repository, world: World) -> None:
    found = repository.tree(world.commits["c1"]).objects(["models", "models/rf", LINK, "nothing"])
    ids = {path: run_git(world.clone, "rev-parse", f"HEAD:{path}").strip() for path in ("models", "models/rf", LINK)}
    assert found == {
        "models": ("tree", ids["models"]),
        "models/rf": ("blob", ids["models/rf"]),
        LINK: ("symlink", ids[LINK]),
    }
    content = repository.tree(world.commits["c1"]).content("models/rf")
    assert content is not None
    assert content.object_id == ids["models/rf"]


# -- its trees ----------------------------------------------------------------


def test_names__of_files(tree: Tree) -> None:
    assert list(tree.paths()) == PATHS
    assert list(tree.telling()) == [".gitattributes", "artifacts.yaml", "data/x.dvc"]
    assert [path for path, _ in tree.files(["models/deep", "lfs.bin", "none"])] == ["lfs.bin", "models/deep/a"]
    assert [path for path, _ in tree.files(["."])] == PATHS
    assert tree.submodules() == frozenset()


def test_objects__file_folder_nothing__by_name(tree: Tree) -> None:
    found = tree.objects(["models/rf", "models", "model", "models/rf/x"])
    assert {path: one.kind for path, one in found.items()} == {"models/rf": "blob", "models": "tree"}


def test_read__regular_files_only__and_one_byte_over_the_limit(tree: Tree) -> None:
    assert tree.read("models/rf", 100) == b"one\n"
    assert len(tree.read("models/large", 100) or b"") == 101
    assert tree.read("models/large", 5000) == LARGE.encode()
    assert [tree.read(path, 100) for path in (LINK, "models", "nothing", "../made/models/rf")] == [None] * 4
    assert tree.read_many(["models/rf", LINK, "nothing"], 100) == {"models/rf": b"one\n"}


def test_content__file_folder_link_pointer_nothing(tree: Tree) -> None:
    found = {path: tree.content(path) for path in ("models/rf", "models", LINK, "lfs.bin", "nothing")}
    told = {path: (one.kind, one.files, one.pointer) for path, one in found.items() if one is not None}
    assert told == {
        "models/rf": ("blob", 1, False),
        "models": ("tree", 4, False),
        LINK: ("symlink", 1, False),
        "lfs.bin": ("blob", 1, True),
    }


def test_blobs__below_a_folder(tree: Tree) -> None:
    found = {blob.relpath: blob.kind for blob in tree.blobs("models")}
    assert found == {"deep/a": "blob", "large": "blob", "link": "symlink", "rf": "blob"}
    assert tree.blobs("models/rf") == tree.blobs("nothing") == []


def test_content__in_the_history__brings_no_file_to_measure_it(world: World) -> None:
    history = world.repositories["history"]()
    tree = history.tree(world.commits["c1"])
    assert tree.content("models/rf") == (*tree.objects(["models/rf"])["models/rf"], None, 1, False)
    assert world.repositories["url"]().tree(world.commits["c1"]).content("models/large").size == 5000  # type: ignore[union-attr]
