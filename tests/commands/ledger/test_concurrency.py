"""Many processes, one artifact, one bare remote: nothing is lost, doubled or left behind."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from tagline.adapters.git.repository import GitRepository
from tagline.domain.ledger.events import read_events
from tagline.domain.ledger.registry import fold
from tagline.domain.ledger.tags import EventKind
from tests.support.gitbuild import EPOCH, Commit, History, build, environment, run_git

WRITERS = 10


@pytest.fixture
def clones(tmp_path: Path) -> list[Path]:
    """Ten clones of one bare remote, each standing on a commit of its own."""
    commits = [Commit("c0")] + [Commit(f"w{n}", ("c0",), time=EPOCH + n) for n in range(WRITERS)]
    branches = {"main": "c0"} | {f"w{n}": f"w{n}" for n in range(WRITERS)}
    build(tmp_path / "origin", History(tuple(commits), branches=branches), bare=True)
    found = []
    for number in range(WRITERS):
        run_git(tmp_path, "clone", "--quiet", "--branch", f"w{number}", "origin", f"clone{number}")
        found.append(tmp_path / f"clone{number}")
    return found


def _start(clone: Path, *arguments: str) -> subprocess.Popen[str]:
    # A cache of its own for each: ten machines, not ten processes of one.
    variables = environment(TAGLINE_CACHE=str(clone.parent / f"cache-{clone.name}"), HOME=str(clone.parent))
    return subprocess.Popen(
        [sys.executable, "-m", "tagline", *arguments, "--json"],
        cwd=clone, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _finish(processes: list[subprocess.Popen[str]]) -> list[tuple[int, dict[str, object]]]:
    return [(process.wait(timeout=300), json.loads(process.communicate()[0])) for process in processes]


def _events(path: Path):
    return read_events(GitRepository.at(path).tags(["rf"])).events["rf"]


def test_ten_writers__one_remote__no_duplicate_no_loss_unique_counters(clones: list[Path]) -> None:
    origin = clones[0].parent / "origin"
    registered = _finish([_start(clone, "register", "rf", "--bump", "minor", "--push") for clone in clones])
    assert {code for code, _ in registered} <= {0, 5}
    done = [document["tags"][0] for code, document in registered if code == 0]  # type: ignore[index]
    assert len({row["version"] for row in done}) == len({row["commit"] for row in done}) == len(done)

    # Each gives two stages: other refs than everybody else's, so that only the guard can tell.
    holders = [row["version"] for row in done]
    assigned = _finish(
        [
            _start(clone, "assign", f"rf#{stage}{number}", "--version", holders[number % len(holders)], "--push")
            for number, clone in enumerate(clones[:5])
            for stage in ("prod", "dev/")
        ]
    )
    bad = [d for c, d in assigned if c not in (0, 5)]
    assert not bad, "\n".join(map(str, bad))
    said = [row for code, document in [*registered, *assigned] if code == 0 for row in document["tags"]]  # type: ignore[attr-defined]
    events = _events(origin)
    assert {event.tag for event in events} == {row["tag"] for row in said}
    counters = Counter(event.counter for event in events if event.kind is EventKind.ASSIGNMENT)
    assert max(counters.values()) == 1
    assert len({event.time for event in events}) == len(events)
    assert fold("rf", events).warnings == []
    # On a machine that is not starved all get through; whoever does not must have been outrun, no more.
    lost = [document["error"]["code"] for code, document in [*registered, *assigned] if code]  # type: ignore[index]
    assert set(lost) <= {"raced"}
    assert len(lost) < WRITERS


def test_ten_writers__same_command__one_tag(clones: list[Path]) -> None:
    origin = clones[0].parent / "origin"
    for clone in clones:
        run_git(clone, "checkout", "--quiet", "--detach", "origin/main")
    results = _finish([_start(clone, "register", "rf", "--push") for clone in clones])
    assert [code for code, _ in results] == [0] * WRITERS
    assert run_git(origin, "tag").split() == ["rf@v0.0.1"]
    assert sum(document["tags"][0]["created"] for _, document in results) == 1  # type: ignore[index]
    assigned = _finish([_start(clone, "assign", "rf#prod", "--push") for clone in clones])
    assert [code for code, _ in assigned] == [0] * WRITERS
    assert run_git(origin, "tag").split() == ["rf#prod#1", "rf@v0.0.1"]


def test_ten_writers__one_clone_without_pushing__unique_counters(clones: list[Path]) -> None:
    clone = clones[0]
    results = _finish([_start(clone, "register", "rf", "--rev", f"origin/w{n}") for n in range(WRITERS)])
    assert [code for code, _ in results] == [0] * WRITERS
    versions = [document["tags"][0]["version"] for _, document in results]  # type: ignore[index]
    assert len(set(versions)) == WRITERS
    assigned = _finish([_start(clone, "assign", f"rf#s{n}", "--version", versions[n]) for n in range(WRITERS)])
    assert [code for code, _ in assigned] == [0] * WRITERS
    counters = [event.counter for event in _events(clone) if event.kind is EventKind.ASSIGNMENT]
    assert sorted(counters) == list(range(1, WRITERS + 1))
    assert not list((clone / ".git").rglob("*.lock"))


def test_writers__that_lost__left_nothing_in_their_clones(clones: list[Path]) -> None:
    _finish([_start(clone, "register", "rf", "--push") for clone in clones])
    for clone in clones:
        mine = set(run_git(clone, "tag").split())
        assert len(mine) == 1  # its own and nobody else's, and no leftover of an attempt that lost
        objects = run_git(clone, "fsck", "--dangling", "--no-reflogs")
        assert "dangling tag" not in objects
        assert not list((clone / ".git").rglob("*.lock"))


def _attempts(clone: Path, *arguments: str, kills: int) -> None:
    """The command once whole elsewhere in time, and so many times killed at another point of it."""
    for place in range(1, kills + 1):
        child = _start(clone, *arguments)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=place * 1.6 / kills)
        child.kill()
        child.communicate()


@pytest.mark.parametrize("command", ["register", "assign"])
def test_writer__killed_anywhere__the_next_run_completes_remote_and_clone(clones: list[Path], command: str) -> None:
    origin, clone = clones[0].parent / "origin", clones[0]
    arguments = ["register", "rf"] if command == "register" else ["assign", "rf#prod"]
    if command == "assign":
        assert _finish([_start(clone, "register", "rf", "--push")])[0][0] == 0
    _attempts(clone, *arguments, "--push", kills=6)
    ((code, document),) = _finish([_start(clone, *arguments, "--push")])
    assert code == 0, document
    wanted = ["rf@v0.0.1"] if command == "register" else ["rf#prod#1", "rf@v0.0.1"]
    assert run_git(origin, "tag").split() == wanted
    assert run_git(clone, "tag").split() == wanted
    for name in wanted:
        assert run_git(clone, "rev-parse", name) == run_git(origin, "rev-parse", name), "the same object"
    assert not list(origin.rglob("*.lock"))
    assert not list((clone / ".git").rglob("*.lock"))


def test_writer__killed_between_push_and_clone__the_next_run_brings_the_tag_home(clones: list[Path]) -> None:
    clone = clones[0]
    assert _finish([_start(clone, "register", "rf", "--push")])[0][0] == 0
    made = run_git(clone, "rev-parse", "rf@v0.0.1")
    run_git(clone, "tag", "--delete", "rf@v0.0.1")
    ((code, document),) = _finish([_start(clone, "register", "rf", "--push")])
    assert (code, document["tags"][0]["created"]) == (0, False)
    assert run_git(clone, "rev-parse", "rf@v0.0.1") == made


def test_push_of_another__shown_ref_by_ref__is_waited_for(clones: list[Path]) -> None:
    """A server may show the guard of an atomic push a moment before its tags: that number is taken all the same."""
    origin = clones[0].parent / "origin"
    assert _finish([_start(clones[0], "register", "rf", "--push")])[0][0] == 0
    tag = run_git(origin, "rev-parse", "refs/tags/rf@v0.0.1").strip()
    run_git(origin, "update-ref", "-d", "refs/tags/rf@v0.0.1")
    late = threading.Timer(0.6, run_git, (origin, "update-ref", "refs/tags/rf@v0.0.1", tag))
    started = _start(clones[1], "register", "rf", "--push")
    late.start()
    ((code, document),) = _finish([started])
    late.join()
    assert (code, document["tags"][0]["tag"]) == (0, "rf@v0.0.2")


def test_guard__on_a_tag_that_somebody_deleted__stops_nobody(clones: list[Path]) -> None:
    origin = clones[0].parent / "origin"
    assert _finish([_start(clones[0], "register", "rf", "--push")])[0][0] == 0
    run_git(origin, "update-ref", "-d", "refs/tags/rf@v0.0.1")
    ((code, document),) = _finish([_start(clones[1], "register", "rf", "--push")])
    assert (code, document["tags"][0]["tag"]) == (0, "rf@v0.0.1")
