"""GTO as the oracle: generated ledgers, read by GTO and by us, must give the same answers.

Where an answer differs, one of the predicates of ``ledgers.EXCUSES`` must say why; each of them
is a deliberate difference of docs/gto.md. Seeds are fixed: the same ledgers at every run.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import dvc.api
import gto.api
import pytest
from gto.exceptions import GTOException, ManyVersions
from gto.registry import GitRegistry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagline.domain.ledger.answers import find
from tagline.domain.ledger.targets import parse_target
from tests.oracle.ledgers import EXCUSES, Flavour, Ledger, crashes_gto, ledgers
from tests.oracle.readers import Answers, OnceRead, ours, read, theirs
from tests.support.gitbuild import EPOCH, Commit, History, build, run_git

pytestmark = pytest.mark.oracle

_PROFILE = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def one_state_a_repository(monkeypatch):
    monkeypatch.setattr(gto.api, "GitRegistry", OnceRead)


@contextmanager
def _repository(history: History):
    path = Path(tempfile.mkdtemp(prefix="ledger-"))
    try:
        yield path, build(path, history)
    finally:
        shutil.rmtree(path)


def _differences(our: Answers, their: Answers) -> list[tuple[str, str, str, object, object]]:
    keys = sorted(our.keys() | their.keys())
    return [(*key, our.get(key), their.get(key)) for key in keys if our.get(key) != their.get(key)]


def _compare(ledger: Ledger, tally: Counter[str]) -> None:
    """Read by both; every difference must be excused, and is counted by its excuse."""
    crashing = {name for name in ledger.artifacts if crashes_gto(ledger, name)}
    if crashing:
        tally["two-versions"] += 1
        with _repository(ledger.history) as (path, _):
            with pytest.raises(ManyVersions):
                gto.api.show(str(path))
            full = ours(path)
        ledger = ledger.without(crashing)
    with _repository(ledger.history) as (path, _):
        our, their = ours(path), theirs(path)
        for name in ledger.artifacts:
            _check_narrow_reading(path, name)
    if crashing:
        assert {key: answer for key, answer in full.items() if key[0] not in crashing} == our
    tally["ledgers"] += 1
    tally["answers"] += len(our)
    for name, field, key, our_answer, their_answer in _differences(our, their):
        excuse = _excuse(ledger.about(name, field, key), name, field, our_answer, their_answer)
        assert excuse, f"{name} {field} {key}: we say {our_answer}, GTO says {their_answer}"
        tally[excuse] += 1


def _excuse(ledger: Ledger, name: str, field: str, our: object, their: object) -> str | None:
    """The documented difference that explains this one, or None."""
    if isinstance(their, list) and field == "at-stage" and their == [our] * len(their):
        return "duplicate-rows"
    if field == "at-latest" and our is None and _commits_only(their):
        return "latest-is-a-commit"
    return next((e for e, (applies, fields) in EXCUSES.items() if field in fields and applies(ledger, name)), None)


def _commits_only(their: object) -> bool:
    """Whether GTO answered with rows that are named by a commit's id, not by a version."""
    rows = their if isinstance(their, list) else [their]
    return all(row is not None and row[0] is None for row in rows)


def _check_narrow_reading(path: Path, name: str) -> None:
    """Asking for one artifact's refs finds all of its events and no other artifact's tags."""
    whole, narrow = read(path)[0], read(path, [name])[0]
    assert narrow == {name: whole[name]}


def _compare_generated(flavour: Flavour, examples: int) -> Counter[str]:
    """Compare as many ledgers as asked for; how often each excuse was needed."""
    tally: Counter[str] = Counter()

    @settings(_PROFILE, max_examples=examples)
    @given(ledgers(flavour))
    def compare(ledger: Ledger) -> None:
        _compare(ledger, tally)

    compare()
    print(dict(tally))
    assert tally.pop("ledgers") >= examples
    assert tally.pop("answers") > examples
    return tally


def test_careful_ledgers__read_by_gto_and_us__agree():
    excused = _compare_generated(Flavour(careful=True), 160)

    assert set(excused) <= {"build-metadata-only"}


def test_careless_ledgers__read_by_gto_and_us__differ_only_where_we_mean_it():
    excused = _compare_generated(Flavour(wild=True), 160)

    # Each excuse has a test of its own; these are so frequent that their absence would mean
    # that the generator has lost its edge.
    assert set(excused) >= {"duplicate-rows", "deregistered-elsewhere", "registered-twice", "two-versions"}


def test_tied_ledgers__read_by_gto_and_us__differ_only_in_the_tie():
    excused = _compare_generated(Flavour(careful=True, ties=True), 60)

    assert set(excused) <= {"same-second", "build-metadata-only"}
    assert excused["same-second"]


_ACTIONS = ("register", "bump", "assign", "assign_commit", "unassign", "deregister", "deprecate")
_ORDINARY = ("register", "assign")
_VERSIONS = {"c0": "v0.0.1", "c1": "v1.0.0-rc.1", "c2": "v0.1.0"}

#: What is done, to which artifact, on which commit or its version, for which stage.
_Step = tuple[str, str, str, str]
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(_ACTIONS + 2 * _ORDINARY),
        st.sampled_from(("rf", "rf", "dir/sub:rf")),
        st.sampled_from(sorted(_VERSIONS)),
        st.sampled_from(("prod", "prod/eu")),
    ),
    max_size=9,
)
_FIRST: list[_Step] = [
    ("register", "rf", "c0", ""),
    ("register", "rf", "c1", ""),
    ("assign", "rf", "c1", "prod"),
    ("assign", "rf", "c0", "prod"),
]


def _write_with_gto(repo: str, step: _Step, ids: Mapping[str, str]) -> None:
    action, name, place, stage = step
    version, commit = _VERSIONS[place], ids[place]
    match action:
        case "register":
            gto.api.register(repo, name, commit, version=version)
        case "bump":
            gto.api.register(repo, name, ids["c3"], bump_minor=True)
        case "assign":
            gto.api.assign(repo, name, stage, version=version)
        case "assign_commit":
            gto.api.assign(repo, name, stage, ref=commit)
        case "unassign":
            gto.api.unassign(repo, name, version=version, stage=stage)
        case "deregister":
            gto.api.deregister(repo, name, version=version)
        case _:
            gto.api.deprecate(repo, name)


def _date(path: Path, tag: str, time: int) -> None:
    """Give GTO's newest tag another time: its own clock would put many into one second."""
    old = run_git(path, "cat-file", "tag", f"refs/tags/{tag}")
    new = re.sub(r"(?m)^(tagger .*> )[0-9]+ ", rf"\g<1>{time} ", old, count=1)
    oid = run_git(path, "hash-object", "-t", "tag", "-w", "--stdin", stdin=new.encode()).strip()
    run_git(path, "update-ref", f"refs/tags/{tag}", oid)


def test_ledgers_written_by_gto__read_by_us__mean_the_same(monkeypatch):
    monkeypatch.setattr(gto.api, "GitRegistry", GitRegistry)  # GTO must see what it just wrote
    tally: Counter[str] = Counter()

    @settings(_PROFILE, max_examples=40)
    @given(_STEPS)
    def compare(steps: list[_Step]) -> None:
        branches = (Commit("c1", ("c0",), {"a": "1"}), Commit("c2", ("c0",), {"a": "2"}))
        commits = (Commit("c0"), *branches, Commit("c3", ("c1", "c2")))
        with _repository(History(commits, (), {"main": "c1"})) as (path, ids):
            for number, step in enumerate(_FIRST + steps):
                before = set(run_git(path, "tag").split())
                try:
                    _write_with_gto(str(path), step, ids)
                except GTOException:
                    tally["refused by GTO"] += 1
                else:
                    tally[step[0]] += 1
                # One call writes up to two tags: GTO's assign registers the version first.
                written = sorted(set(run_git(path, "tag").split()) - before, key=lambda tag: "#" in tag)
                for place, tag in enumerate(written):
                    _date(path, tag, EPOCH + 1000 + 2 * number + place)
            assert _differences(ours(path), theirs(path)) == []

    compare()
    print(dict(tally))
    assert all(tally[action] for action in _ACTIONS)


_DVC_FILES = {
    ".dvc/config": "",
    "dvc.yaml": "artifacts:\n  rf: {path: model.bin}\n",
    "dir/sub/dvc.yaml": "artifacts:\n  rf: {path: model.bin}\n",
}


def test_ledgers_without_cancel_events__resolved_by_dvc_and_us__agree():
    """DVC takes the last tag of a version or stage; so do we while nothing is cancelled."""
    tally: Counter[str] = Counter()
    flavour = Flavour(careful=True, cancels=False, files=(_DVC_FILES,), artifacts=("rf", "dir/sub:rf"))

    @settings(_PROFILE, max_examples=30)
    @given(ledgers(flavour))
    def compare(ledger: Ledger) -> None:
        with _repository(ledger.history) as (path, _):
            run_git(path, "reset", "--hard")
            for name, state in read(path)[0].items():
                questions = {"": {}}
                questions |= {f"#{stage}": {"stage": stage} for stage in state.stages}
                questions |= {f"@{row.version}": {"version": row.version} for row in state.versions}
                for target, arguments in questions.items():
                    answer = find(state, parse_target(f"{name}{target}"))
                    shown = dvc.api.artifacts_show(name, repo=str(path), **arguments)
                    assert (target, shown["rev"]) == (target, answer.commit)
                    tally[target[:1] or "latest"] += 1

    compare()
    print(dict(tally))
    assert min(tally[kind] for kind in ("latest", "#", "@")) > 20
