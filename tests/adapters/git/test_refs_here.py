"""Refs by a repository's own files: what git says of them, or nothing at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tagline.adapters.git.ref_listing import local_refs
from tagline.adapters.git.refs_here import refs_here
from tagline.adapters.git.running import Git
from tagline.errors import PlatformRefused
from tests.support.gitbuild import Commit, History, Tag, build, run_git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Packed tags, loose ones, one that is both, a deleted one; our own memory; a branch with the name of a tag."""
    path = tmp_path / "r.git"
    tags = (Tag("rf@v1.0.0", "c0"), Tag("dir=rf#prod#1", "c0"), Tag("gone@v1.0.0", "c0"), Tag("plain", "c0"))
    build(path, History((Commit("c0"), Commit("c1")), tags, {"main": "c1", "rf@v9.0.0": "c0"}), bare=True)
    run_git(path, "pack-refs", "--all")
    run_git(path, "tag", "--delete", "gone@v1.0.0")
    run_git(path, "tag", "--force", "--annotate", "rf@v1.0.0", "--message", "moved", "main")
    run_git(path, "tag", "deep/er=rf@v1.1.0", "main")
    run_git(path, "update-ref", "refs/tagline/rf@delivery", "main")
    (path / "refs" / "tags" / "rf@v1.0.0.lock").write_text("")
    (path / "refs" / "tags" / "empty").mkdir()
    return path


def by_git(path: Path) -> tuple[str | None, dict[str, str]]:
    tip = run_git(path, "rev-parse", "--verify", "--quiet", "HEAD").strip() or None
    lines = run_git(path, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags", "refs/tagline").split("\n")
    refs = dict(reversed(line.split(" ", 1)) for line in lines if line)
    return tip, {ref: one for ref, one in refs.items() if "@" in ref or "#" in ref}


def attached(path: Path) -> None: ...


def detached(path: Path) -> None:
    run_git(path, "update-ref", "--no-deref", "HEAD", "refs/tags/dir=rf#prod#1^{commit}")


def unborn(path: Path) -> None:
    run_git(path, "symbolic-ref", "HEAD", "refs/heads/none")


@pytest.mark.parametrize("how", [attached, detached])
def test_refs__of_the_plain_form__are_what_git_says(repository: Path, how: Callable[[Path], None]) -> None:
    how(repository)
    found = refs_here(repository)
    assert found is not None
    tip, refs = by_git(repository)
    counted = local_refs(Git(repository), repository)
    assert (counted.head, counted.refs) == (tip, refs)
    assert counted.branch == ("main" if how is attached else None)
    assert {ref.decode() for ref in found.refs} >= set(refs)


def test_refs__without_a_commit_on_the_branch__have_no_tip(repository: Path) -> None:
    unborn(repository)
    counted = local_refs(Git(repository), repository)
    assert (counted.head, counted.branch, len(counted.refs)) == (None, None, 4)


def symbolic_tag(path: Path) -> None:
    run_git(path, "symbolic-ref", "refs/tags/a@v1.0.0", "refs/tags/rf@v1.0.0")


def link(path: Path) -> None:
    (path / "refs" / "tags" / "a@v1.0.0").symlink_to(path / "refs" / "tags" / "rf@v1.0.0")


def odd_name(path: Path) -> None:
    (path / "refs" / "tags" / "a..b=c@v1.0.0").write_text(run_git(path, "rev-parse", "main"))


def no_id(path: Path) -> None:
    (path / "refs" / "tags" / "a@v1.0.0").write_text("0" * 40 + "\n")


def elsewhere(path: Path) -> None:
    (path / "HEAD").write_text("ref: refs/../../../secret\n")


def reftable(path: Path) -> None:
    with (path / "config").open("a") as config:
        config.write("[extensions]\n\trefStorage = reftable\n")


def work_tree(path: Path) -> None:
    (path / "commondir").write_text("../r.git\n")


def cut_off(path: Path) -> None:
    run_git(path, "pack-refs", "--all")
    packed = (path / "packed-refs").read_bytes()
    (path / "packed-refs").write_bytes(packed[:-60])


def large(path: Path) -> None:
    (path / "refs" / "tags" / "a@v1.0.0").write_text(run_git(path, "rev-parse", "main").strip() + " " * 5000)


@pytest.mark.parametrize("odd", [symbolic_tag, link, odd_name, no_id, elsewhere, reftable, work_tree, cut_off, large])
def test_refs__that_are_odd__are_left_to_git(repository: Path, odd: Callable[[Path], None]) -> None:
    assert refs_here(repository) is not None
    odd(repository)
    assert refs_here(repository) is None


@pytest.mark.parametrize(
    "place",
    ["refs/tags/a@v1.0.0", "refs/tagline/x", "refs/heads/main", "refs/heads/other", "HEAD", "packed-refs", "config"],
)
def test_refs__a_pipe_among_them__is_refused_and_nobody_waits(repository: Path, place: str) -> None:
    (repository / place).unlink(missing_ok=True)
    os.mkfifo(repository / place)
    if place == "refs/heads/other":  # it is looked at only where git is asked
        odd_name(repository)
    with pytest.raises(PlatformRefused, match="no regular file"):
        refs_here(repository)
