"""What our commands write, read by real GTO; and the rows on writing of what GTO does wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import dvc.api
import gto.api
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.adapters.git.ledger import LocalLedger
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.tag_objects import Tagger
from tagline.commands.ledger.assign import assign
from tagline.commands.ledger.deprecate import deprecate
from tagline.commands.ledger.deregister import deregister
from tagline.commands.ledger.register import register
from tagline.commands.ledger.rollback import rollback
from tagline.commands.ledger.unassign import unassign
from tagline.commands.ledger.writing import WriteContext
from tagline.errors import TaglineError
from tagline.ports.clock import Clock
from tests.conftest import CommandLine
from tests.oracle.readers import ours, theirs
from tests.support.gitbuild import EPOCH, Commit, History, build, run_git
from tests.support.githttp import serve

pytestmark = pytest.mark.oracle

COMMITS = 4
NAMES = ("rf", "dir/sub:rf")


def _context(path: Path) -> WriteContext:
    repository = GitRepository.at(path)
    ledger = LocalLedger(repository, Tagger(repository.git, ("Ada", "ada@example.org")))
    return WriteContext(lambda: repository, ledger, Clock(lambda: EPOCH + 1000, time.sleep), pushes=False)


def _steps() -> st.SearchStrategy[Callable[[WriteContext, list[str]], object]]:
    names, stages = st.sampled_from(NAMES), st.sampled_from(["dev", "prod/eu"])
    numbers, bumps = st.integers(0, COMMITS - 1), st.sampled_from(["major", "minor", "patch"])

    def registering(name: str, number: int, bump: str) -> Callable[[WriteContext, list[str]], object]:
        return lambda context, ids: register(context, name, lambda: ids[number], version=None, bump=bump)  # type: ignore[arg-type]

    def assigning(name: str, stage: str, number: int) -> Callable[[WriteContext, list[str]], object]:
        version = f"v0.{number}.0" if number else None
        return lambda context, ids: assign(context, name, stage, version=version, head=lambda: ids[-1], stages=None)

    def unassigning(name: str, stage: str) -> Callable[[WriteContext, list[str]], object]:
        return lambda context, _: unassign(context, name, stage, version=None)

    def rolling_back(name: str, stage: str, stop: str | None) -> Callable[[WriteContext, list[str]], object]:
        return lambda context, _: rollback(context, name, stage, from_version=None, to_version=None, stop=stop)

    def lifting(name: str, stage: str, number: int) -> Callable[[WriteContext, list[str]], object]:
        version = f"v0.{number}.0" if number else None
        return lambda context, ids: assign(
            context, name, stage, version=version, head=lambda: ids[-1], stages=None, lift="better"
        )

    def deregistering(name: str, number: int) -> Callable[[WriteContext, list[str]], object]:
        return lambda context, _: deregister(context, name, f"v0.{number}.0")

    def deprecating(name: str) -> Callable[[WriteContext, list[str]], object]:
        return lambda context, _: deprecate(context, name)

    return st.one_of(
        st.builds(registering, names, numbers, bumps),
        st.builds(registering, names, numbers, st.just("minor")),
        st.builds(assigning, names, stages, numbers),
        st.builds(assigning, names, stages, numbers),
        st.builds(unassigning, names, stages),
        st.builds(rolling_back, names, stages, st.sampled_from([None, "it lost money"])),
        st.builds(lifting, names, stages, numbers),
        st.builds(deregistering, names, numbers),
        st.builds(deprecating, names),
    )


@settings(max_examples=25, derandomize=True)
@given(script=st.lists(_steps(), min_size=4, max_size=14))
def test_ledgers_written_by_our_commands__read_by_gto_and_us__agree(
    script: list[Callable[[WriteContext, list[str]], object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "r"
    commits = tuple(Commit(f"c{n}", (f"c{n - 1}",) if n else (), time=EPOCH + n) for n in range(COMMITS))
    ids = build(path, History(commits, branches={"main": f"c{COMMITS - 1}"}))
    context = _context(path)
    for step in script:
        try:
            step(context, [ids[f"c{n}"] for n in range(COMMITS)])
        except TaglineError:
            continue  # refused
    if run_git(path, "tag"):
        assert ours(path) == theirs(path)


@pytest.mark.parametrize("version", [None, "v3.0.0"])
def test_stage__held_and_lifted__has_the_same_holder_for_gto_dvc_and_us(
    here: Path, monkeypatch: pytest.MonkeyPatch, tagline: CommandLine, version: str | None
) -> None:
    files = {".dvc/config": "", "dvc.yaml": "artifacts:\n  rf: {path: model}\n", "model": "x"}
    commits = tuple(Commit(f"c{n}", (f"c{n - 1}",) if n else (), files, EPOCH + n) for n in range(3))
    ids = build(here / "r", History(commits, branches={"main": "c2"}))
    monkeypatch.chdir(here / "r")

    def agree(held: str) -> None:
        theirs = gto.api.show(".", "rf#prod")[0]["version"]
        served = dvc.api.artifacts_show("rf", stage="prod", repo=".")["rev"]
        assert (theirs, served, tagline.json("show", "rf#prod")["version"]) == (held, ids[f"c{int(held[1]) - 1}"], held)

    for number in (1, 2, 3):
        tagline.json("register", "rf", "--version", f"v{number}.0.0", "--rev", ids[f"c{number - 1}"])
        if number < 3:
            tagline.json("assign", "rf#prod", "--version", f"v{number}.0.0")
    agree("v2.0.0")
    tagline.json("rollback", "rf#prod", "--hold", "it lost money")
    agree("v1.0.0")
    assert tagline("assign", "rf#prod", "--version", "v3.0.0").code == 1
    agree("v1.0.0")
    tagline.json("assign", "rf#prod", "--lift", "fixed", *(("--version", version) if version else ()))
    agree(version or "v1.0.0")


@pytest.fixture
def clone(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(here / "origin", History((Commit("c0"), Commit("c1", ("c0",))), branches={"main": "c1"}), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    monkeypatch.chdir(here / "clone")
    return here / "clone"


def test_assign__deregistered_version__gto_accepts_it_invisibly_we_refuse(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf")
    tagline.json("deregister", "rf@v0.0.1")
    gto.api.assign(str(clone), "rf", stage="dev", version="v0.0.1")
    assert gto.api.show(str(clone), "rf#dev") == []
    said = tagline("assign", "rf#prod", "--version", "v0.0.1", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "deregistered")


def test_assign__remote_refuses__gto_leaves_half_of_it_behind_we_nothing(clone: Path, tagline: CommandLine) -> None:
    run_git(clone.parent / "origin", "config", "http.receivepack", "false")
    with serve(clone.parent) as server:
        run_git(clone, "remote", "set-url", "origin", f"{server.url}/origin")
        with pytest.raises(Exception, match="403"):
            gto.api.assign(str(clone), "rf", stage="prod", ref="HEAD", push=True)
        left_behind = run_git(clone, "tag").split()
        for tag in left_behind:
            run_git(clone, "tag", "-d", tag)
        assert tagline("register", "rf", "--push").code == 4
    assert left_behind == ["rf@v0.0.1"]  # registered here alone, and assigned nowhere
    assert run_git(clone, "tag") == ""


def test_same_second__gto_writes_a_tie_we_never(clone: Path, tagline: CommandLine) -> None:
    os.environ["GIT_COMMITTER_DATE"] = f"{EPOCH + 500} +0000"  # clean_environment takes it back
    try:
        gto.api.register(str(clone), "rf", "HEAD~1", version="v0.0.1")
        gto.api.register(str(clone), "rf", "HEAD", version="v0.0.2")
        for version in ("v0.0.1", "v0.0.2"):
            gto.api.assign(str(clone), "rf", stage="prod", version=version)
    finally:
        del os.environ["GIT_COMMITTER_DATE"]
    times = run_git(clone, "for-each-ref", "--format=%(taggerdate:unix)", "refs/tags").split()
    assert len(set(times)) < len(times)
    before = set(run_git(clone, "tag").split())
    for name in ("dev", "qa", "uat"):
        tagline.json("assign", f"rf#{name}", "--version", "v0.0.2")
    fresh = set(run_git(clone, "tag").split()) - before
    written = [run_git(clone, "for-each-ref", "--format=%(taggerdate:unix)", f"refs/tags/{tag}") for tag in fresh]
    assert len(set(written)) == 3


def test_bump__first_version_and_after_deregistering__gto_fails_we_go_on(clone: Path, tagline: CommandLine) -> None:
    with pytest.raises(Exception, match="first version"):
        gto.api.register(str(clone), "rf", "HEAD~1", bump_minor=True)
    assert tagline.json("register", "rf", "--bump", "minor", "--rev", "HEAD~1")["tags"][0]["version"] == "v0.1.0"
    run_git(clone, "commit", "--quiet", "--allow-empty", "-m", "n")
    tagline.json("register", "rf")
    tagline.json("deregister", "rf@v0.1.1")
    run_git(clone, "commit", "--quiet", "--allow-empty", "-m", "m")
    with pytest.raises(Exception, match=r"v0\.1\.1"):
        gto.api.register(str(clone), "rf", "HEAD")
    assert tagline.json("register", "rf")["tags"][0]["version"] == "v0.1.2"
