"""The branch of an update, on a real remote, from a shallow clone: one commit above the base, under a lease."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.tag_objects import Tagger
from tagline.adapters.git.update_branch import GitUpdateBranch
from tagline.adapters.git.urls import remote_url
from tagline.errors import Conflict
from tests.support.gitbuild import Commit, History, build, run_git

BRANCH, LOCK = "tagline/update-models", "tagline.lock"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    commits = (Commit("c0", files={LOCK: "0", "a": "a"}), Commit("c1", ("c0",), {LOCK: "0", "a": "b"}))
    build(tmp_path / "origin", History(commits, (), {"main": "c1"}), bare=True)
    return tmp_path / "origin"


def opened(origin: Path, name: str) -> GitUpdateBranch:
    clone = origin.parent / name
    run_git(origin.parent, "clone", "--quiet", "--depth", "1", origin.as_uri(), str(clone))
    repository = GitRepository.at(clone, None)
    tagger = Tagger(repository.git, ("Bot", "bot@example.org"))
    return GitUpdateBranch(repository, BRANCH, tagger, lambda: remote_url(origin.as_uri()))


def test_replace__of_a_branch_that_somebody_moved_meanwhile__overwrites_nothing(origin: Path) -> None:
    first = opened(origin, "first")
    base = first.base()
    assert (base.branch, first.standing(base, LOCK)) == ("main", None)
    first.replace(base, LOCK, b"1", "Update\n", 5)
    one = run_git(origin, "rev-parse", BRANCH).strip()
    assert run_git(origin, "show", f"{BRANCH}:{LOCK}") == "1"
    assert run_git(origin, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"

    second, third = opened(origin, "second"), opened(origin, "third")
    for each in (second, third):
        standing = each.standing(each.base(), LOCK)
        assert standing is not None
        assert (standing.commit, standing.others, each.read(standing.commit, LOCK)) == (one, (), b"1")
    second.replace(second.base(), LOCK, b"2", "Update\n", 6)
    for late in (lambda: third.replace(third.base(), LOCK, b"3", "Update\n", 7), third.withdraw):
        with pytest.raises(Conflict):
            late()
    assert run_git(origin, "show", f"{BRANCH}:{LOCK}") == "2"
    assert run_git(origin, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"
    # No branch, no file and no HEAD of the clone was touched.
    for name in ("first", "second", "third"):
        assert run_git(origin.parent / name, "branch", "--list", "tagline/*") == ""
        assert run_git(origin.parent / name, "status", "--porcelain") == ""


def test_standing__where_the_base_went_on_and_was_merged_in__is_still_ours(origin: Path) -> None:
    first = opened(origin, "first")
    first.replace(first.base(), LOCK, b"1", "Update\n", 5)
    people = origin.parent / "people"
    run_git(origin.parent, "clone", "--quiet", str(origin), str(people))
    (people / "new.py").write_text("x")
    run_git(people, "add", "--all")
    run_git(people, "commit", "--quiet", "--message", "On main")
    run_git(people, "push", "--quiet", "origin", "main")
    for name, others in (("one", ()), ("two", ())):  # first beside main, then with main merged in by a forge's button
        each = opened(origin, name)
        standing = each.standing(each.base(), LOCK)
        assert standing is not None
        assert standing.others == others
        run_git(people, "checkout", "--quiet", "-B", "update", f"origin/{BRANCH}") if name == "one" else None
        run_git(people, "merge", "--quiet", "--no-edit", "main") if name == "one" else None
        run_git(people, "push", "--quiet", "origin", f"update:{BRANCH}") if name == "one" else None
    (people / "a").write_text("fixed")
    run_git(people, "commit", "--quiet", "--all", "--message", "By people")
    run_git(people, "push", "--quiet", "origin", f"update:{BRANCH}")
    each = opened(origin, "three")
    standing = each.standing(each.base(), LOCK)
    assert standing is not None
    assert standing.others == ("a",)
