"""``import mlflow`` where it must keep its hands off, break off, or go on: a fake registry, real repositories."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tagline.commands.mlflow.importing import AT_ONCE, Wanted, import_mlflow
from tagline.domain.mlflow.importing import Imported
from tagline.domain.mlflow.names import ListedVersion, ReadRun, RegisteredModel
from tagline.domain.text.times import format_time
from tagline.errors import Conflict, NotFound, PlatformRefused, Refused, WrongUsage
from tagline.ports.ledger import Batch
from tagline.settings import Settings
from tagline.wiring.registry import Wiring
from tests.conftest import CommandLine
from tests.support.fake_registry import FakeRegistry
from tests.support.gitbuild import Commit, History, build, run_git
from tests.support.githttp import serve

BRANCH = "tagline-import-mlflow"
#: When things were done in MLflow, in seconds.
_BASE = 1_700_000_000


@pytest.fixture
def clone(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(here / "origin", History((Commit("c0", files={"f": "x"}),)), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    monkeypatch.chdir(here / "clone")
    return here / "clone"


def _versions(model: str, count: int, **more: Any) -> tuple[ListedVersion, ...]:
    return tuple(
        ListedVersion(model, number, f"r{number}", f"s3://b/{number}", **more) for number in range(1, count + 1)
    )


def _run(
    clone: Path, registry: FakeRegistry, *models: str, stages: Sequence[str] = (), push: bool = False,
    dry_run: bool = False, override: str | None = None, ledger: Any = None, branch: str = BRANCH,
) -> Imported:  # fmt: skip
    wiring = Wiring(Settings(), repo=str(clone))
    context = wiring.context(push=push, dry_run=dry_run, override=override)
    if ledger is not None:
        context = dataclasses.replace(context, ledger=ledger(context.ledger))
    commits = wiring.commits(branch, push=push, dry_run=dry_run)
    return import_mlflow(context, registry, commits, Wanted(models, stages))


def _tags(path: Path) -> set[str]:
    return set(run_git(path, "tag").split())


def _has_nothing(path: Path) -> bool:
    return not _tags(path) and not run_git(path, "for-each-ref", f"refs/heads/{BRANCH}")


class _Breaks:
    """A ledger whose remote is gone when tags are to be written, after so many writes."""

    def __init__(self, ledger: Any, after: int) -> None:
        self._ledger, self._after = ledger, after

    def publish(self, batches: Sequence[Batch]) -> None:
        if self._after == 0:
            raise PlatformRefused("gone", "wait")
        self._after -= 1
        self._ledger.publish(batches)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


@pytest.mark.parametrize("push", [True, False])
@pytest.mark.parametrize("after", [0, 1])
def test_import__breaks_off_before_tags__next_run_completes_it_with_the_same_commits(
    clone: Path, push: bool, after: int
) -> None:
    models = (RegisteredModel("a", aliases={"champion": 2}), RegisteredModel("b"))
    registry = FakeRegistry(*models, versions=(*_versions("a", 2), *_versions("b", 1)))
    with pytest.raises(PlatformRefused, match="gone"):
        _run(clone, registry, push=push, ledger=lambda ledger: _Breaks(ledger, after))
    first = run_git(clone, "rev-parse", BRANCH).strip()
    assert len(_tags(clone)) == 3 * after
    place = clone
    if push:  # a new clone knows nothing but what is on the remote
        place = clone.parent / "fresh"
        run_git(clone.parent, "clone", "--quiet", "origin", "fresh")
    done = _run(place, registry, push=push)
    assert done.commit == first == run_git(place, "rev-parse", BRANCH).strip()
    assert _tags(place) == {"a@v1.0.0", "a@v2.0.0", "a#champion#1", "b@v1.0.0"}
    second, holder = run_git(place, "rev-parse", "a@v2.0.0^{}", "a#champion#1^{}").split()
    assert second == holder == run_git(place, "rev-parse", f"{first}~1").strip()
    assert _run(place, registry, push=push).commit is None


def test_import__stage_that_we_moved_since__is_kept_with_a_warning(clone: Path, tagline: CommandLine) -> None:
    registry = FakeRegistry(RegisteredModel("a", aliases={"prod": 1}), versions=_versions("a", 2))
    _run(clone, registry)
    tagline.json("assign", "a#prod", "--version", "v2.0.0")
    again = _run(clone, registry)
    assert [(warn.code, warn.tag) for warn in again.warnings] == [("import-stage-kept", "a#prod#2")]
    tagline.json("unassign", "a#prod")
    tagline.json("unassign", "a#prod")
    assert [warn.tag for warn in _run(clone, registry).warnings] == ["a#prod!#4"]
    assert tagline.json("show", "a")["artifacts"]["a"]["stages"] == {}


def test_import__guarded_stage__is_refused_before_anything_and_goes_with_an_override(clone: Path) -> None:
    (clone / ".tagline.yaml").write_text("stages: {prod: {approvals: {count: 1}}}\n")
    run_git(clone, "add", ".tagline.yaml")
    run_git(clone, "commit", "--quiet", "-m", "policy")
    run_git(clone, "push", "--quiet", "origin", "main")
    run_git(clone, "remote", "set-head", "origin", "main")
    registry = FakeRegistry(RegisteredModel("a", aliases={"prod": 1}), versions=_versions("a", 1))
    for push in (True, False):
        with pytest.raises(Refused) as refused:
            _run(clone, registry, push=push)
        assert refused.value.code == "guarded-stage"
        assert _has_nothing(clone)
        assert _has_nothing(clone.parent / "origin")
    _run(clone, registry, override="from MLflow")
    message = run_git(clone, "tag", "-l", "--format=%(contents)", "a#prod#1")
    assert "Imported-From: models:/a/1\nOverride: from MLflow\n" in message


def test_import__what_is_no_version_yet_or_came_from_here__is_skipped_and_says_why(
    clone: Path, tagline: CommandLine
) -> None:
    tagline.json("register", "a", "--version", "v1.5.0")
    ours, other = {"tagline.tag": "a@v1.5.0"}, {"tagline.tag": "a@v9.0.0"}
    versions = (
        ListedVersion("a", 1, source="s3://b/1", tags=ours),
        ListedVersion("a", 2, source="s3://b/2", status="PENDING_REGISTRATION"),
        ListedVersion("a", 3, source="s3://b/3", tags=other),
        ListedVersion("a", 4),
    )
    registry = FakeRegistry(RegisteredModel("a", aliases={"x": 2, "y": 1, "gone": 7}), versions=versions)
    done = _run(clone, registry)
    assert [(choice.name, choice.skipped) for choice in done.models[0].plan.versions] == [
        ("v1.5.0", "its tag tagline.tag says that it came from here"),
        ("v2.0.0", "its status is PENDING_REGISTRATION, not READY"),
        ("v3.0.0", None),
        ("v4.0.0", None),
    ]
    assert _tags(clone) == {"a@v1.5.0", "a@v3.0.0", "a@v4.0.0", "a#y#1"}
    tagline.json("deregister", "a@v4.0.0")
    tagline.json("deprecate", "a")
    more = FakeRegistry(RegisteredModel("a"), versions=(*versions, ListedVersion("a", 5)))
    last = [choice.skipped for choice in _run(clone, more).models[0].plan.versions][-2:]
    assert last == ["deregistered here", "the artifact is deprecated here"]


def test_import__several_versions_in_an_old_stage__last_updated_holds_it_and_rollback_leads_back(
    clone: Path, tagline: CommandLine
) -> None:
    said = [(1, 30), (2, 10), (3, 20)]
    versions = tuple(
        ListedVersion("a", number, stage="Staging", created=_BASE * 1000, updated=(_BASE + updated) * 1000)
        for number, updated in said
    )
    registry = FakeRegistry(RegisteredModel("a"), versions=versions)
    _run(clone, registry)
    assert tagline.json("show", "a#staging")["version"] == "v1.0.0"
    assert tagline.json("rollback", "a#staging")["moved"]["staging"]["version"] == "v3.0.0"
    assert [warn.code for warn in _run(clone, registry).warnings] == ["import-stage-kept"]


def _at(second: int) -> str:
    return format_time(_BASE + second)


def test_import__versions_and_old_stages__are_dated_as_mlflow_has_them(clone: Path, tagline: CommandLine) -> None:
    def version(number: int, created: int, updated: int, stage: str = "None") -> ListedVersion:
        return ListedVersion(
            "a", number, stage=stage, created=1000 * (_BASE + created), updated=1000 * (_BASE + updated)
        )

    registry = FakeRegistry(
        RegisteredModel("a", aliases={"champion": 2}),
        versions=(version(1, 0, 50, "Production"), version(2, 100, 200, "Production"), version(3, 100, 100)),
    )
    before = int(time.time())
    _run(clone, registry)

    def answer(target: str, second: int) -> str:
        return tagline.json("show", target, "--as-of", _at(second))["version"]

    assert [answer("a@latest", second) for second in (0, 99, 100, 101)] == ["v1.0.0", "v1.0.0", "v2.0.0", "v3.0.0"]
    assert [answer("a#production", second) for second in (50, 199, 200)] == ["v1.0.0", "v1.0.0", "v2.0.0"]
    held = tagline.json("history", "a", "--at", "production")["holds"]
    assert [(hold["version"], hold["since"]) for hold in held] == [("v2.0.0", _at(200)), ("v1.0.0", _at(50))]
    # Nobody knows when an alias was set: it is there from the import on.
    assert tagline("show", "a#champion", "--as-of", _at(300)).code == 6
    (tagged,) = run_git(clone, "for-each-ref", "--format=%(taggerdate:unix)", "refs/tags/a#champion#3").split()
    assert int(tagged) >= before - 5
    # New versions go on after what there is.
    late = FakeRegistry(RegisteredModel("a"), versions=(*registry.versions("a"), version(4, 150, 150)))
    _run(clone, late)
    assert tagline.json("show", "a@v4.0.0")["registered_at"] > format_time(before - 5)


@pytest.mark.parametrize(
    "updated",
    [
        (0, 0, 0),  # nobody knows when
        (_BASE, _BASE, _BASE),  # a script that moved all
        (_BASE, _BASE + 1, _BASE + 2),
    ],
)
def test_import__several_versions_in_an_old_stage_at_once__make_no_holds_of_a_second(
    clone: Path, tagline: CommandLine, updated: tuple[int, ...]
) -> None:
    versions = tuple(
        ListedVersion("a", number, stage="Production", created=_BASE * 1000, updated=second * 1000)
        for number, second in enumerate(updated, start=1)
    )
    _run(clone, FakeRegistry(RegisteredModel("a"), versions=versions))
    assert _tags(clone) == {"a@v1.0.0", "a@v2.0.0", "a@v3.0.0", "a#production#1"}
    assert tagline.json("show", "a#production")["version"] == "v3.0.0"


def test_import__alias_and_stage_of_one_meaning__are_one_stage(clone: Path) -> None:
    versions = (ListedVersion("a", 1, stage="Production"), ListedVersion("a", 2, stage="Staging"))
    registry = FakeRegistry(RegisteredModel("a", aliases={"Production": 1, "staging": 2}), versions=versions)
    _run(clone, registry)
    assert _tags(clone) == {"a@v1.0.0", "a@v2.0.0", "a#production#1", "a#staging#2"}
    # A name that is given to one is given to both.
    _run(clone, registry, "a=b", stages=("Production=prod", "Staging="), branch="b")
    assert _tags(clone) >= {"b#prod#1"}
    assert not {tag for tag in _tags(clone) if tag.startswith(("b#production", "b#Production", "b#staging"))}


def test_import__alias_of_a_version_that_is_gone__is_told_unless_it_is_left_out(clone: Path) -> None:
    registry = FakeRegistry(RegisteredModel("a", aliases={"champion": 7, "x": 1}), versions=_versions("a", 1))
    (warning,) = _run(clone, registry).warnings
    assert warning.code == "import-alias-dangling"
    assert "alias champion of 'a' points to version 7" in warning.message
    assert _run(clone, registry, stages=("champion=",)).warnings == []


@pytest.mark.parametrize(
    ("models", "asked", "stages", "error", "code"),
    [
        ((RegisteredModel("a b"), RegisteredModel("a/b/"), RegisteredModel("a_b"), RegisteredModel("a:b")), (), (),
         Refused, "import-same-name"),
        ((RegisteredModel("☃"),), (), (), Refused, "import-name"),
        ((RegisteredModel("a", aliases={"☃": 1}),), (), (), Refused, "import-name"),
        ((RegisteredModel("a", aliases={"x y": 1, "x.y": 2}),), (), (), Refused, "import-same-stage"),
        ((RegisteredModel("a", aliases={"x": 1, "y": 2}),), (), ("x=y",), Refused, "import-same-stage"),
        ((RegisteredModel("a"),), ("b",), (), NotFound, "unknown-model"),
        ((RegisteredModel("a"),), ("b=c",), (), NotFound, "unknown-model"),
        ((RegisteredModel("a"),), ("a=-",), (), WrongUsage, "bad-name"),
        ((RegisteredModel("a"),), (), ("production=prod",), WrongUsage, "unknown-stage"),
        ((RegisteredModel("a"),), (), ("Production",), WrongUsage, "usage"),
        ((RegisteredModel("a"),), (), ("Production=-",), WrongUsage, "bad-name"),
        ((RegisteredModel("a" * 300),), (), (), Refused, "name-refused-by-git"),
    ],
)  # fmt: skip
def test_import__names_that_clash_or_cannot_be__are_refused_before_anything_is_written(
    clone: Path, models: tuple[RegisteredModel, ...], asked: tuple[str, ...], stages: tuple[str, ...],
    error: type[Exception], code: str,
) -> None:  # fmt: skip
    registry = FakeRegistry(*models, versions=tuple(v for model in models for v in _versions(model.name, 2)))
    with pytest.raises(error) as refused:
        _run(clone, registry, *asked, stages=stages)
    assert refused.value.code == code  # type: ignore[attr-defined]
    assert refused.value.hint  # type: ignore[attr-defined]
    assert _has_nothing(clone)


def test_import__names_of_ours__replace_theirs(clone: Path) -> None:
    models = (RegisteredModel("a=b", aliases={"x": 1}), RegisteredModel("main.risk"), RegisteredModel("left"))
    registry = FakeRegistry(*models, versions=tuple(v for model in models for v in _versions(model.name, 1)))
    _run(clone, registry, "a=b", "main.risk=main/risk", stages=("x=", "Archived=old"))
    assert _tags(clone) == {"a-b@v1.0.0", "main/risk@v1.0.0"}


def test_import__prompts__are_no_models(clone: Path) -> None:
    prompt = RegisteredModel("p", tags={"mlflow.prompt.is_prompt": "true"})
    assert _run(clone, FakeRegistry(prompt, versions=_versions("p", 1))).models == []


def test_import__manifest_that_cannot_be_edited__is_refused_before_anything(clone: Path) -> None:
    registry = FakeRegistry(RegisteredModel("a"), versions=_versions("a", 1))
    for file, text in (
        ("artifacts.yaml", '{"x": {}}'),
        ("artifacts.yaml", None),
        ("dvc.yaml", "artifacts: {a: {path: f}}"),
    ):
        run_git(clone, "switch", "--quiet", "--orphan", "odd")
        path = clone / file
        path.symlink_to("f") if text is None else path.write_text(text)
        run_git(clone, "add", file)
        run_git(clone, "commit", "--quiet", "-m", "odd")
        run_git(clone, "update-ref", "-d", "refs/remotes/origin/HEAD")
        with pytest.raises(Refused) as refused:
            _run(clone, registry)
        assert refused.value.code in ("manifest-not-editable", "import-same-name")
        assert _has_nothing(clone)
        run_git(clone, "switch", "--quiet", "main")
        run_git(clone, "branch", "-D", "odd")


def test_import__branch_in_use_or_elsewhere__is_left_alone(clone: Path) -> None:
    registry = FakeRegistry(RegisteredModel("a"), versions=_versions("a", 1))
    run_git(clone, "switch", "--quiet", "-c", BRANCH)
    with pytest.raises(Refused, match="checked out"):
        _run(clone, registry)
    run_git(clone, "commit", "--quiet", "--allow-empty", "-m", "mine")
    mine = run_git(clone, "rev-parse", "HEAD").strip()
    run_git(clone, "switch", "--quiet", "main")
    run_git(clone.parent / "origin", "branch", BRANCH, "main")
    run_git(clone, "push", "--quiet", "origin", f"{mine}:refs/heads/theirs")
    # Behind on the remote: goes on from here. Elsewhere on the remote: nobody's commits are dropped.
    other = clone.parent / "other"
    run_git(clone.parent, "clone", "--quiet", "--branch", BRANCH, "origin", "other")
    run_git(other, "commit", "--quiet", "--allow-empty", "-m", "theirs")
    run_git(other, "push", "--quiet", "origin", BRANCH)
    with pytest.raises(Conflict) as diverged:
        _run(clone, registry, push=True)
    assert diverged.value.code == "branch-diverged"
    run_git(clone, "branch", "-D", BRANCH)
    done = _run(clone, registry, push=True)
    assert run_git(clone.parent / "origin", "log", "--format=%s", BRANCH).splitlines()[:2] == [
        "Import a v1.0.0 from MLflow", "theirs",
    ]  # fmt: skip
    assert run_git(clone, "rev-parse", BRANCH).strip() == done.commit


def test_import__branch_was_merged__goes_on_from_the_default_branch(clone: Path) -> None:
    _run(clone, FakeRegistry(RegisteredModel("a"), versions=_versions("a", 1)))
    run_git(clone, "merge", "--quiet", "--no-ff", "-m", "merged", BRANCH)
    run_git(clone, "update-ref", "-d", "refs/remotes/origin/HEAD")
    done = _run(clone, FakeRegistry(RegisteredModel("a"), versions=_versions("a", 2)))
    assert run_git(clone, "rev-parse", f"{done.commit}~1") == run_git(clone, "rev-parse", "main")


def test_import__no_commit_yet__begins_the_history(here: Path) -> None:
    run_git(here, "init", "--quiet", "--initial-branch=main", "new")
    _run(here / "new", FakeRegistry(RegisteredModel("a"), versions=_versions("a", 1)))
    assert run_git(here / "new", "ls-tree", "--name-only", BRANCH) == "artifacts.yaml\n"


@pytest.mark.parametrize("name", ["-x", "a..b", "", "a b", "@{-1}"])
def test_import__no_name_of_a_branch__is_wrong_usage(clone: Path, name: str) -> None:
    with pytest.raises(WrongUsage):
        _run(clone, FakeRegistry(RegisteredModel("a"), versions=_versions("a", 1)), branch=name)


def test_import__over_http_with_a_login__token_is_nowhere(clone: Path) -> None:
    with serve(clone.parent, password="secret-token") as server:
        run_git(clone, "remote", "set-url", "origin", server.url.replace("://", "://bot:secret-token@") + "/origin")
        _run(clone, FakeRegistry(RegisteredModel("a"), versions=_versions("a", 1)), push=True)
    assert _tags(clone.parent / "origin") == {"a@v1.0.0"}


def test_import__more_versions_than_fit_a_push__all_are_here_and_none_is_in_the_future(clone: Path) -> None:
    count = AT_ONCE + 5
    registry = FakeRegistry(RegisteredModel("a", aliases={"x": count}), versions=_versions("a", count))
    done = _run(clone, registry, push=True)
    assert len(done.models[0].rows) == count + 1
    assert len(_tags(clone.parent / "origin")) == count + 1
    times = run_git(clone, "for-each-ref", "--sort=taggerdate", "--format=%(taggerdate:unix)", "refs/tags").split()
    assert len(set(times)) == count + 1
    assert int(times[-1]) <= time.time() + 2
    assert _run(clone, registry, push=True).commit is None


@pytest.mark.parametrize("kind", [["--depth=1"], ["--filter=tree:0"], ["--bare"]], ids=lambda kind: kind[0])
@pytest.mark.parametrize("push", [True, False])
def test_import__in_a_clone_of_any_kind__works(clone: Path, kind: list[str], push: bool) -> None:
    (clone / "artifacts.yaml").write_text("mine: {path: f}\n")
    (clone / "d").mkdir()
    (clone / "d" / "x").write_text("x")
    run_git(clone, "add", ".")
    run_git(clone, "commit", "--quiet", "-m", "more")
    run_git(clone, "push", "--quiet", "origin", "main")
    origin = clone.parent / "origin"
    run_git(origin, "config", "uploadpack.allowFilter", "true")
    run_git(clone.parent, "clone", "--quiet", *kind, origin.as_uri(), "odd")
    odd = clone.parent / "odd"
    registry = FakeRegistry(RegisteredModel("a", aliases={"x": 2}), versions=_versions("a", 2))
    planned = _run(odd, registry, push=push, dry_run=True)
    assert _has_nothing(odd)
    assert planned.models[0].entries
    done = _run(odd, registry, push=push)
    place = origin if push else odd
    assert _tags(place) == {"a@v1.0.0", "a@v2.0.0", "a#x#1"}
    assert run_git(place, "rev-parse", BRANCH).strip() == done.commit
    assert run_git(place, "ls-tree", "-r", "--name-only", BRANCH).split() == ["artifacts.yaml", "d/x", "f"]
    assert run_git(place, "show", f"{BRANCH}:artifacts.yaml").startswith("mine: {path: f}\na:\n")
    run_git(place, "fsck", "--no-dangling")


def test_import__two_at_once__one_is_told_and_nothing_is_lost(clone: Path) -> None:
    run_git(clone.parent, "clone", "--quiet", "origin", "other")
    other = clone.parent / "other"
    both = FakeRegistry(RegisteredModel("a"), RegisteredModel("b"), versions=(*_versions("a", 1), *_versions("b", 1)))

    class Slow(FakeRegistry):
        def run(self, run_id: str) -> ReadRun | None:
            # By now this run knows where the branch is; the other one moves it.
            if not run_git(clone.parent / "origin", "for-each-ref", f"refs/heads/{BRANCH}"):
                _run(other, both, "b", push=True)
            return None

    slow = Slow(RegisteredModel("a"), versions=_versions("a", 1))
    with pytest.raises(Conflict) as raced:
        _run(clone, slow, push=True)
    assert raced.value.code == "raced"
    assert _tags(clone.parent / "origin") == {"b@v1.0.0"}
    _run(clone, slow, push=True)
    assert run_git(clone.parent / "origin", "log", "--format=%s", BRANCH).splitlines()[:2] == [
        "Import a v1.0.0 from MLflow", "Import b v1.0.0 from MLflow",
    ]  # fmt: skip
