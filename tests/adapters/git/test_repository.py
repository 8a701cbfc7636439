"""Checkouts of every kind: bare, shallow, partial, worktree, submodule; files at a commit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagline.adapters.git.repository import GitRepository
from tagline.errors import NotFound, WrongUsage
from tagline.ports.repository import Content
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"
HISTORY = History(
    commits=(
        Commit("c0", files={"artifacts.yaml": "rf: {path: models/rf}\n", "models/rf": "one\n", "big": "x" * 5000}),
        Commit("c1", ("c0",), files={"models/rf": "three\n", "models/deep/a": "a", "lfs.bin": LFS}, time=EPOCH + 100),
    ),
    tags=(Tag("rf@v1.0.0", "c0", time=EPOCH + 1), Tag("rf@v1.1.0", "c1", time=EPOCH + 101)),
    branches={"main": "c1"},
)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    build(tmp_path / "origin", HISTORY, bare=True)
    run_git(tmp_path / "origin", "config", "uploadpack.allowFilter", "true")
    return tmp_path / "origin"


def _clone(origin: Path, name: str, *options: str) -> Path:
    run_git(origin.parent, "clone", "--quiet", *options, origin.as_uri(), name)
    return origin.parent / name


def _worktree(origin: Path) -> Path:
    run_git(_clone(origin, "clone"), "worktree", "add", "--quiet", "--detach", "../tree")
    return origin.parent / "tree"


def _submodule(origin: Path) -> Path:
    build(origin.parent / "super", History(), checkout=True)
    run_git(
        origin.parent / "super", "-c", "protocol.file.allow=always", "submodule", "add", "-q", origin.as_uri(), "sub"
    )
    return origin.parent / "super" / "sub"


KINDS = {
    "bare": lambda origin: origin,
    "clone": lambda origin: _clone(origin, "clone"),
    "shallow": lambda origin: _clone(origin, "clone", "--depth=1"),
    "partial": lambda origin: _clone(origin, "clone", "--filter=blob:none", "--no-checkout"),
    "worktree": _worktree,
    "submodule": _submodule,
    "subfolder": lambda origin: _clone(origin, "clone") / "models",
}


@pytest.mark.parametrize("kind", KINDS)
def test_repository__every_kind_of_checkout__reads_tags_and_files(origin: Path, kind: str) -> None:
    repository = GitRepository.at(KINDS[kind](origin))
    tags = {tag.name for tag in repository.tags(["rf"])}
    assert "rf@v1.1.0" in tags
    commit = repository.commit("HEAD")
    assert repository.tree(commit).read("models/rf", 100) == b"three\n"
    assert repository.why_incomplete() == {"shallow": "shallow", "partial": "partial"}.get(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_repository__every_kind_of_checkout__is_left_as_it_was(origin: Path, kind: str) -> None:
    path = KINDS[kind](origin)
    before = _snapshot(origin.parent)
    repository = GitRepository.at(path)
    list(repository.tags(None))
    repository.work_tree().paths()
    repository.tree(repository.commit("HEAD")).content("models")
    assert _snapshot(origin.parent) == before


def _snapshot(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file() and "/objects/" not in str(p))
    return {str(path): path.read_bytes() for path in files}


def test_repository__nowhere__says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="is not in a Git repository") as caught:
        GitRepository.at(tmp_path)
    assert "--repo" in caught.value.hint
    with pytest.raises(WrongUsage, match="no folder"):
        GitRepository.at(tmp_path / "missing")


def test_commit__unknown_or_unborn__says_what_to_do(origin: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no revision 'nope'"):
        GitRepository.at(origin).commit("nope")
    with pytest.raises(NotFound, match="no revision '--help'"):
        GitRepository.at(origin).commit("--help")
    run_git(tmp_path, "init", "-q", "empty")
    with pytest.raises(NotFound, match="no commit yet") as caught:
        GitRepository.at(tmp_path / "empty").commit("HEAD")
    assert "git commit" in caught.value.hint


def test_is_older__full_and_shallow__same_answer(origin: Path) -> None:
    for path in (origin, _clone(origin, "shallow", "--depth=1")):
        repository = GitRepository.at(path)
        if path != origin:
            run_git(path, "fetch", "-q", "--tags", "--depth=1")
        old, new = repository.commit("rf@v1.0.0"), repository.commit("rf@v1.1.0")
        assert repository.is_older(old, new)
        assert not repository.is_older(new, old)
        assert not repository.is_older(new, new)


def test_content__file_folder_pointer_nothing(origin: Path) -> None:
    repository = GitRepository.at(origin)
    tree = repository.tree(repository.commit("main"))
    blob = run_git(origin, "rev-parse", "main:models/rf").strip()
    folder = run_git(origin, "rev-parse", "main:models").strip()
    assert tree.content("models/rf") == Content("blob", blob, 6, 1)
    assert tree.content("models/") == Content("tree", folder, 7, 2)
    assert tree.content("lfs.bin").pointer  # type: ignore[union-attr]
    assert tree.content("nothing") is None


def test_commit_tree__file_over_the_limit__one_byte_more_than_it(origin: Path) -> None:
    tree = GitRepository.at(origin).tree(GitRepository.at(origin).commit("rf@v1.0.0"))
    assert len(tree.read("big", 100) or b"") == 101
    assert tree.read("big", 5000) == b"x" * 5000


def test_trees__links_and_devices__are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("token")
    build(tmp_path / "r", History((Commit("c0", files={"real": "r"}),)), checkout=True)
    root = tmp_path / "r"
    (root / "link").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "fifo")
    run_git(root, "add", "link", "folder")
    run_git(root, "commit", "-q", "-m", "links")
    repository = GitRepository.at(root)
    for tree in (repository.work_tree(), repository.tree(repository.commit("HEAD"))):
        assert tree.read("real", 10) == b"r"
        for path in ("link", "folder", "folder/secret", "fifo", "../secret", "", ".", "real/x"):
            assert tree.read(path, 10) is None, path
        assert tree.read_many(["real", "link", "none"], 10) == {"real": b"r"}


def test_git__hostile_repository_configuration__runs_nothing(origin: Path, tmp_path: Path) -> None:
    clone = _clone(origin, "clone")
    for key in ("core.fsmonitor", "core.hooksPath", "core.pager", "diff.external", "alias.for-each-ref"):
        run_git(clone, "config", key, f"touch {tmp_path}/pwned;")
    repository = GitRepository.at(clone)
    assert len(list(repository.tags(None))) == 2
    repository.work_tree().paths()
    repository.tree(repository.commit("HEAD")).paths()
    assert not (tmp_path / "pwned").exists()


def test_repository__run_from_a_hook__its_variables_do_not_mislead(tmp_path: Path) -> None:
    import subprocess
    import sys

    from tests.support.gitbuild import environment

    build(tmp_path / "asked", History(tags=(Tag("rf@v1.0.0", "c0"),)))
    build(tmp_path / "hook", History(tags=(Tag("rf@v9.0.0", "c0"),)))
    misleading = environment(
        GIT_DIR=str(tmp_path / "hook" / ".git"), GIT_WORK_TREE=str(tmp_path / "hook"), GIT_INDEX_FILE="/nonexistent"
    )
    command = [sys.executable, "-m", "tagline", "show", "rf@latest", "--repo", str(tmp_path / "asked")]
    done = subprocess.run(command, env=misleading, capture_output=True, text=True, check=False)
    assert "v1.0.0" in done.stdout, done.stderr


def test_repository__replace_refs__do_not_rewrite_the_ledger(tmp_path: Path) -> None:
    build(tmp_path, History((Commit("c0"), Commit("c1", ("c0",))), (Tag("rf@v1.0.0", "c0"), Tag("x", "c1"))))
    run_git(tmp_path, "replace", "rf@v1.0.0", "x")
    (tag,) = GitRepository.at(tmp_path).tags(["rf"])
    assert tag.embedded_name == "rf@v1.0.0"


def test_remotes__of_every_kind__are_named_and_located_as_git_does(origin: Path) -> None:
    place = _clone(origin, "clone", "--filter=blob:none", "--no-checkout")
    run_git(place, "remote", "add", "other", "short:team/other.git")
    run_git(place, "config", "url.https://git.example/.insteadOf", "short:")
    run_git(place, "remote", "set-url", "--push", "other", "https://push.example/other.git")
    run_git(place, "config", "remote.a b.fetch", "+refs/heads/*:refs/remotes/x/*")
    repository = GitRepository.at(place)
    assert repository.remotes == run_git(place, "remote").splitlines()
    assert repository.url == run_git(place, "remote", "get-url", "origin").strip()
    assert GitRepository.at(place, "other").url == "https://git.example/team/other.git"
    assert GitRepository.at(place, "a b").url == place.absolute().as_uri()
