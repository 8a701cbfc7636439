"""Objects by one process, also where what it needs is not here yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.trees import CommitTree
from tagline.errors import PlatformRefused
from tests.support.gitbuild import Commit, History, build, run_git
from tests.support.githttp import GitServer, serve

FILES = {f"models/{number}": f"model {number}\n" for number in range(1000)} | {"large": "x" * 1000}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    build(tmp_path / "served/r.git", History((Commit("c0", files=FILES),)), bare=True)
    run_git(tmp_path / "served/r.git", "config", "uploadpack.allowFilter", "true")
    with serve(tmp_path / "served") as running:
        yield running


@pytest.fixture
def partial(server: GitServer, tmp_path: Path) -> Path:
    """A clone of it without files."""
    url = f"{server.url}/r.git"
    run_git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--no-checkout", url, str(tmp_path / "partial"))
    return tmp_path / "partial"


def _tree(clone: Path) -> CommitTree:
    repository = GitRepository.at(clone)
    return repository.tree(repository.commit("HEAD"))


def test_read_many__more_than_a_pipe_holds__all_in_one_go(tmp_path: Path) -> None:
    build(tmp_path / "clone", History((Commit("c0", files=FILES),)))
    read = _tree(tmp_path / "clone").read_many([*FILES, "models", "nothing"], 100)
    assert read == {path: text.encode() for path, text in FILES.items() if path != "large"} | {"large": b" " * 101}


def test_read__of_a_partial_clone__is_fetched(partial: Path) -> None:
    assert _tree(partial).read("models/1", 100) == b"model 1\n"


def test_read__of_a_partial_clone_whose_remote_moved__is_fetched_there(
    server: GitServer, partial: Path, tmp_path: Path
) -> None:
    (tmp_path / "served/r.git").rename(tmp_path / "served/new.git")
    server.redirect = lambda path: f"{server.url}/new.git{path[6:]}" if path.startswith("/r.git") else None
    assert _tree(partial).read("models/1", 100) == b"model 1\n"


def test_read__of_a_partial_clone_without_its_remote__is_refused_in_gits_words(partial: Path, tmp_path: Path) -> None:
    (tmp_path / "served/r.git").rename(tmp_path / "gone")
    with pytest.raises(PlatformRefused, match=r"git cat-file failed: .*not found"):
        _tree(partial).read("models/1", 100)


def test_read__what_a_damaged_clone_lacks__is_refused(tmp_path: Path) -> None:
    ids = build(tmp_path / "clone", History((Commit("c0", files=FILES),)))
    lost = ids["blob:c0:models/7"]
    (tmp_path / "clone/.git/objects" / lost[:2] / lost[2:]).unlink()
    tree = _tree(tmp_path / "clone")
    with pytest.raises(PlatformRefused, match=f"Git has no object {lost[:7]}"):
        tree.read("models/7", 100)
    assert tree.read("models/8", 100) == b"model 8\n"
