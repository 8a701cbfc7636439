"""Trees that repeat themselves: what is asked is answered, by reading each folder once, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagline.adapters.git.differing import End, differing
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.trees import CommitTree
from tagline.domain.changes.touches import Among, FileChange
from tagline.errors import TooManyPaths
from tagline.ports.repository import Content
from tests.support.bombs import bomb
from tests.support.gitbuild import Commit, History, build, run_git

FILES = {"artifacts.yaml": "rf: {path: models}\n", "models/a.txt": "1\n", "models/b.txt": "2\n"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    build(tmp_path / "clone", History((Commit("c0", files=FILES),)))
    return tmp_path / "clone"


def _tree(clone: Path, commit: str) -> CommitTree:
    return GitRepository.at(clone).tree(commit)


def test_bomb__whatever_is_asked_by_name__reads_each_folder_once(clone: Path) -> None:
    tree = _tree(clone, bomb(clone, "main"))
    assert tree.telling() == ["artifacts.yaml"]
    assert tree.folders.read == 11  # models, bomb and the seven below it; the root for its id, too
    found = tree.objects(["bomb/d0/d9/d0/d0/d0/d0/d1/x", "bomb/d0/none", "bomb/d3"])
    assert {path: one.kind for path, one in found.items()} == {
        "bomb/d0/d9/d0/d0/d0/d0/d1/x": "blob",
        "bomb/d3": "tree",
    }
    assert tree.read("artifacts.yaml", 100) == FILES["artifacts.yaml"].encode()


def test_bomb__as_an_artifact__is_measured_without_a_list_of_it(clone: Path) -> None:
    commit = bomb(clone, "main")
    tree = _tree(clone, commit)
    folder = run_git(clone, "rev-parse", f"{commit}:bomb").strip()
    assert tree.content("bomb") == Content("tree", folder, 10**7 * 3, 10**7)
    assert tree.folders.read < 20


@pytest.mark.parametrize("leaf", ["dvc.yaml", "artifacts.yaml", "m.dvc", ".gitattributes"])
def test_bomb__of_files_that_tell_something__is_refused_before_it_is_unfolded(clone: Path, leaf: str) -> None:
    tree = _tree(clone, bomb(clone, "main", leaf=leaf))
    with pytest.raises(TooManyPaths, match="10,000,001 paths"):
        tree.telling()
    assert tree.folders.read == 11


def test_bomb__whose_files_are_listed__is_refused(clone: Path) -> None:
    tree = _tree(clone, bomb(clone, "main"))
    for question in (tree.paths, lambda: tree.files(["."]), lambda: tree.files(["bomb"]), lambda: tree.blobs("bomb")):
        with pytest.raises(TooManyPaths):
            question()


def test_folders_in_one_another__without_end__are_refused(clone: Path) -> None:
    tree = _tree(clone, bomb(clone, "main", depth=2100, wide=1))
    with pytest.raises(TooManyPaths, match="in one another"):
        tree.telling()


def test_tree__of_many_equal_folders_as_people_have_them__is_listed(clone: Path) -> None:
    tree = _tree(clone, bomb(clone, "main", depth=4))
    assert len(tree.paths()) == 10**4 + 3
    assert len(tree.blobs("bomb")) == 10**4


def _differing(clone: Path, before: str, after: str, among: Among) -> list[FileChange]:
    ends = []
    for commit in (before, after):
        tree = _tree(clone, run_git(clone, "rev-parse", commit).strip())
        ends.append(End(tree.folders, tree.survey.counts if among.telling else {}))
    found = differing(ends[0], ends[1], among)
    assert sum(end.folders.read for end in ends) < 100
    return found


def test_differing__of_a_bomb__reads_only_along_what_is_asked_for(clone: Path) -> None:
    commit = bomb(clone, "main")
    assert _differing(clone, "main", commit, Among(telling=True)) == []
    assert _differing(clone, "main", commit, Among(paths=["models", "none/x"], telling=True)) == []
    first = FileChange("bomb/d0/d0/d0/d0/d0/d0/d0/x", "A")
    assert _differing(clone, "main", commit, Among(paths=["bomb", "bomb/d0"])) == [first]
    assert _differing(clone, "main", commit, Among(paths=["."])) == [first]
    assert _differing(clone, commit, "main", Among(paths=["bomb"])) == [first._replace(status="D")]


def test_differing__as_git_has_it(clone: Path) -> None:
    run_git(clone, "reset", "--quiet", "--hard")
    (clone / "models" / "c").mkdir()
    (clone / "models" / "c" / "dvc.lock").write_text("{}\n")
    (clone / "models.dvc").write_text("{}\n")
    (clone / "models" / "a.txt").unlink()
    (clone / "models" / "a.txt").symlink_to("b.txt")
    (clone / "models" / "b.txt").chmod(0o755)
    (clone / "promotions" / "prod").mkdir(parents=True)
    (clone / "promotions" / "prod" / "a.yaml").write_text("[]\n")
    (clone / "artifacts.yaml").unlink()
    (clone / "artifacts.yaml").mkdir()
    (clone / "artifacts.yaml" / "x").write_text("x\n")
    run_git(clone, "add", "--all")
    run_git(clone, "commit", "--quiet", "-m", "c1")
    everything = Among(folders=["models", "promotions", "artifacts.yaml", "models.dvc"], telling=True)
    words = run_git(clone, "diff-tree", "-r", "--no-renames", "--name-status", "HEAD~", "HEAD").split()
    rows = [FileChange(path, status) for status, path in zip(words[::2], words[1::2], strict=True)]
    assert _differing(clone, "HEAD~", "HEAD", everything) == sorted(rows)
    assert _differing(clone, "HEAD~", "HEAD", Among(folders=["."])) == sorted(rows)
    assert {row.status for row in rows} == {"A", "D", "M", "T"}
