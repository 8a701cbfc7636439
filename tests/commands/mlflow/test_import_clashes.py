"""``import mlflow`` beside what people have: entries, versions, branches and stages that are not MLflow's."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tagline.domain.mlflow.names import ListedVersion, RegisteredModel
from tagline.errors import Refused
from tagline.render.terminal import imported
from tagline.render.terminal.tables import Pen
from tests.commands.mlflow.test_import_plans import BRANCH, _has_nothing, _run, _tags, _versions
from tests.conftest import CommandLine
from tests.support.fake_registry import FakeRegistry
from tests.support.gitbuild import Commit, History, build, run_git

PEOPLE = "a:\n  # ours\n  path: f\n  type: model\n  description: by people\nother: {path: f}\n"


@pytest.fixture
def clone(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(here / "origin", History((Commit("c0", files={"f": "x"}),)), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    monkeypatch.chdir(here / "clone")
    return here / "clone"


def _registry(count: int = 1, **more: Any) -> FakeRegistry:
    return FakeRegistry(RegisteredModel("a", **more), versions=_versions("a", count))


def _write(clone: Path, text: str, message: str = "people") -> None:
    (clone / "artifacts.yaml").write_text(text)
    run_git(clone, "add", "artifacts.yaml")
    run_git(clone, "commit", "--quiet", "-m", message)
    run_git(clone, "push", "--quiet", "origin", "main")


def _entry(clone: Path, revision: str = BRANCH) -> dict[str, Any]:
    found = yaml.safe_load(run_git(clone, "show", f"{revision}:artifacts.yaml"))["a"]
    assert isinstance(found, dict)
    return found


def _merge(clone: Path) -> None:
    run_git(clone, "merge", "--quiet", "--squash", BRANCH)
    run_git(clone, "commit", "--quiet", "-m", "squashed")
    run_git(clone, "push", "--quiet", "origin", "main")


# -- entries ------------------------------------------------------------------


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        PEOPLE,
        "a: {}\n",
        "a:\n",
        # Another model's, and one whose bytes people moved since.
        "a: {path: s3://b/1, virtual: true, mlflow: {run_id: r1, model: b, version: 1}}\n",
        "a: {path: f, virtual: true, mlflow: {run_id: r1, model: a, version: 1}}\n",
        "a: {path: f, mlflow: {run_id: r1, model: a, version: 1}}\n",
    ],
)
def test_import__entry_that_no_import_wrote__is_refused_before_anything(clone: Path, text: str, dry_run: bool) -> None:
    _write(clone, text)
    with pytest.raises(Refused) as refused:
        _run(clone, _registry(2), dry_run=dry_run)
    assert (refused.value.code, refused.value.exit_code) == ("import-same-name", 1)
    assert "--model a=NAME" in refused.value.hint
    assert _has_nothing(clone)
    _run(clone, _registry(2), "a=third")
    assert run_git(clone, "show", f"{BRANCH}:artifacts.yaml").startswith(text)


def test_import__own_entry_that_people_edited__keeps_what_they_wrote_and_says_so(clone: Path) -> None:
    registry = _registry(1, description="of MLflow", tags={"team": "risk"})
    registry.figures = {f"r{number}": {"auc": number / 10} for number in (1, 2, 3)}
    _run(clone, registry)
    _merge(clone)
    entry = {**_entry(clone), "description": "by people", "labels": ["team:risk", "more"], "custom": {"owner": "x"}}
    _write(clone, yaml.safe_dump({"a": {**entry, "metrics_of": "nobody"}}))
    more = _registry(3, description="of MLflow", tags={"team": "risk"})
    more.figures = registry.figures
    dry = _run(clone, more, dry_run=True)
    done = _run(clone, more)
    for said in (dry, done):
        assert [warn.code for warn in said.warnings] == ["import-entry-edited"]
        assert "description, labels of a " in said.warnings[0].message
    written = _entry(clone)
    assert written["description"] == "by people"
    assert written["labels"] == ["team:risk", "more"]
    assert written["custom"] == {"owner": "x"}
    assert written["metrics_of"] == "nobody"
    assert (written["path"], written["mlflow"]["version"], written["metrics"]) == ("s3://b/3", 3, {"auc": 0.3})
    assert _entry(clone, "a@v2.0.0")["mlflow"]["version"] == 2


def test_import__server_has_another_address_now__entry_is_still_the_import_s(clone: Path) -> None:
    _run(clone, _registry(1))
    _merge(clone)
    registry = _registry(2)
    registry.url = "https://elsewhere.example.org"
    assert _run(clone, registry).warnings == []
    assert _entry(clone)["mlflow"]["tracking_uri"] == registry.url


def test_import__own_entry_untouched__is_replaced_without_a_word(clone: Path) -> None:
    versions = (
        ListedVersion("a", 1, "r1", "s3://b/1", description="one", user="ada"),
        ListedVersion("a", 2, "r2", "s3://b/2", tags={"x": ""}),
    )
    _run(clone, FakeRegistry(RegisteredModel("a"), versions=versions[:1]))
    _merge(clone)
    done = _run(clone, FakeRegistry(RegisteredModel("a"), versions=versions))
    assert done.warnings == []
    assert _entry(clone)["labels"] == ["x"]
    assert not {"description", "custom"} & _entry(clone).keys()


def test_import__version_of_the_entry_is_gone_in_mlflow__entry_is_still_known(clone: Path) -> None:
    _run(clone, _registry(1))
    _merge(clone)
    registry = FakeRegistry(RegisteredModel("a"), versions=_versions("a", 2)[1:])
    assert _run(clone, registry).warnings == []
    assert _entry(clone)["path"] == "s3://b/2"


# -- versions and stages ------------------------------------------------------


@pytest.mark.parametrize("gone", [False, True])
def test_import__version_of_that_name_is_people_s__is_refused_and_gets_no_stage(
    clone: Path, tagline: CommandLine, gone: bool
) -> None:
    tagline.json("register", "a", "--version", "v2.0.0")
    if gone:
        tagline.json("deregister", "a@v2.0.0")
    before = run_git(clone, "for-each-ref")
    with pytest.raises(Refused) as refused:
        _run(clone, _registry(2, aliases={"champion": 2}))
    assert refused.value.code == "import-version-taken"
    assert "a@v2.0.0" in refused.value.message
    assert "--model a=NAME" in refused.value.hint
    assert run_git(clone, "for-each-ref") == before


def test_import__version_of_another_model_here__is_not_taken_for_this_one_s(clone: Path) -> None:
    _run(clone, _registry(1))
    other = FakeRegistry(RegisteredModel("b", aliases={"x": 1}), versions=_versions("b", 1))
    with pytest.raises(Refused) as refused:
        _run(clone, other, "b=a")
    assert refused.value.code == "import-version-taken"
    assert _tags(clone) == {"a@v1.0.0"}


def test_import__alias_that_mlflow_dropped__is_warned_of_once_it_was_an_import_s(
    clone: Path, tagline: CommandLine
) -> None:
    _run(clone, _registry(2, aliases={"champion": 2, "left": 1}))
    tagline.json("assign", "a#mine", "--version", "v1.0.0")
    done = _run(clone, _registry(2, aliases={"left": 1}), stages=("left=",))
    assert [(warn.code, warn.tag) for warn in done.warnings] == [("import-alias-gone", "a#champion#1")]
    assert done.models[0].rows == []


def test_import__version_listed_twice__comes_once_or_is_refused(clone: Path) -> None:
    one = _versions("a", 1)
    done = _run(clone, FakeRegistry(RegisteredModel("a"), versions=one * 2))
    assert [row.tag for row in done.models[0].rows] == ["a@v1.0.0"]
    two = (ListedVersion("a", 2, source="s3://b/x"), ListedVersion("a", 2, source="s3://b/y"))
    with pytest.raises(Refused) as refused:
        _run(clone, FakeRegistry(RegisteredModel("a"), versions=two))
    assert refused.value.code == "import-listed-twice"


# -- branches -----------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_import__push_without_a_known_default_branch__private_commits_stay_private(clone: Path, known: bool) -> None:
    origin = clone.parent / "origin"
    run_git(clone, "remote", "set-head", "origin", "--delete")
    if not known:
        run_git(origin, "symbolic-ref", "HEAD", "refs/heads/nothing")
    run_git(clone, "switch", "--quiet", "-c", "wip")
    run_git(clone, "commit", "--quiet", "--allow-empty", "-m", "private")
    if known:
        _run(clone, _registry(1), push=True)
        assert run_git(origin, "log", "--format=%s", BRANCH).splitlines() == ["Import a v1.0.0 from MLflow", "c0"]
        return
    with pytest.raises(Refused) as refused:
        _run(clone, _registry(1), push=True)
    assert refused.value.code == "no-default-branch"
    assert "git remote set-head origin" in refused.value.hint
    assert _has_nothing(clone)
    assert _has_nothing(origin)


def test_import__default_branch_of_the_remote_is_newer__goes_on_from_there(clone: Path) -> None:
    origin = clone.parent / "origin"
    run_git(clone.parent, "clone", "--quiet", "origin", "other")
    run_git(clone.parent / "other", "commit", "--quiet", "--allow-empty", "-m", "newer")
    run_git(clone.parent / "other", "push", "--quiet", "origin", "main")
    run_git(clone, "remote", "set-head", "origin", "--delete")
    _run(clone, _registry(1), push=True)
    assert run_git(origin, "log", "--format=%s", BRANCH).splitlines()[1] == "newer"


@pytest.mark.parametrize(("there", "asked"), [("x", "x/y"), ("x/y/z", "x/y"), ("x", "x/y/z")])
def test_import__branch_in_the_way_here__is_refused_before_anything_is_pushed(
    clone: Path, there: str, asked: str
) -> None:
    run_git(clone, "branch", there)
    with pytest.raises(Refused) as refused:
        _run(clone, _registry(1), push=True, branch=asked)
    assert refused.value.code == "branch-in-the-way"
    assert f"A branch {there} " in refused.value.message
    origin = clone.parent / "origin"
    assert run_git(origin, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]


def test_import__branch_cannot_be_written_here__nothing_is_pushed(clone: Path) -> None:
    (clone / ".git" / "refs" / "heads" / f"{BRANCH}.lock").write_text("")
    with pytest.raises(Exception, match="cannot be written here"):
        _run(clone, _registry(1), push=True)
    assert _has_nothing(clone.parent / "origin")


def test_import__branch_checked_out_in_another_work_tree__is_refused(clone: Path) -> None:
    run_git(clone, "worktree", "add", "--quiet", "-b", BRANCH, "../tree")
    with pytest.raises(Refused) as refused:
        _run(clone, _registry(1), push=True)
    assert refused.value.code == "branch-checked-out"
    assert _has_nothing(clone.parent / "origin")


@pytest.mark.parametrize("push", [True, False])
def test_import__squashed_and_branch_kept__goes_on_from_the_default_branch(clone: Path, push: bool) -> None:
    _write(clone, "other: {path: f}\n")
    _run(clone, _registry(1), push=push)
    _merge(clone)
    _write(clone, run_git(clone, "show", "main:artifacts.yaml").replace("path: f", "path: g"))
    done = _run(clone, _registry(2), push=push)
    assert run_git(clone, "log", "--format=%s", f"main..{BRANCH}").splitlines() == ["Import a v2.0.0 from MLflow"]
    assert run_git(clone, "show", f"{BRANCH}:artifacts.yaml").startswith("other: {path: g}\n")
    assert (done.anew, _tags(clone)) == (True, {"a@v1.0.0", "a@v2.0.0"})
    place = clone.parent / "origin" if push else clone
    assert run_git(place, "rev-parse", BRANCH).strip() == done.commit


def test_import__squashed_but_people_work_on_the_branch__goes_on_from_the_branch(clone: Path) -> None:
    _run(clone, _registry(1))
    _merge(clone)
    run_git(clone, "switch", "--quiet", BRANCH)
    run_git(clone, "commit", "--quiet", "--allow-empty", "-m", "theirs")
    run_git(clone, "switch", "--quiet", "main")
    assert not _run(clone, _registry(2)).anew
    assert run_git(clone, "log", "--format=%s", BRANCH).splitlines()[1] == "theirs"


# -- what people are told -----------------------------------------------------


@pytest.mark.parametrize("count", [1, 12])
def test_import__not_pushed__its_command_pushes_branch_and_tags(clone: Path, count: int) -> None:
    def push(registry: FakeRegistry) -> str:
        text = imported.text(_run(clone, registry), Pen(color=False))
        command = text.rpartition("Nothing is pushed yet: ")[2]
        subprocess.run(["sh", "-c", command], cwd=clone, check=True, capture_output=True)
        return command

    origin = clone.parent / "origin"
    push(_registry(count, aliases={"x": count}))
    assert _tags(origin) == _tags(clone)
    assert len(_tags(origin)) == count + 1
    assert run_git(origin, "rev-parse", BRANCH) == run_git(clone, "rev-parse", BRANCH)
    # A stage alone has no commit; and a branch that begins anew is no longer the one that is there.
    push(_registry(count, aliases={"x": count, "y": count}))
    _merge(clone)
    assert "--force-with-lease" in push(_registry(count + 1, aliases={"x": count, "y": count}))
    assert _tags(origin) == _tags(clone)
    assert run_git(origin, "rev-parse", BRANCH) == run_git(clone, "rev-parse", BRANCH)


def test_import__nothing_new_and_branch_was_never_pushed__push_says_its_command(clone: Path) -> None:
    _run(clone, _registry(1))
    run_git(clone, "push", "--quiet", "origin", "refs/tags/a@v1.0.0")
    command = f"git push origin {BRANCH}"
    assert command in imported.text(_run(clone, _registry(1), push=True), Pen(color=False))
    run_git(clone, *command.split()[1:])
    assert command not in imported.text(_run(clone, _registry(1), push=True), Pen(color=False))


def test_import__secrets_in_locations_and_texts__are_not_committed(clone: Path) -> None:
    versions = tuple(
        ListedVersion("a", number, "r", source, f"see {source}", tags={"url": source}, user=source)
        for number, source in enumerate(
            (
                "https://acct.blob.core.windows.net/c/m.pkl?sv=2022&sig=SECRET", "https://SECRET@host/x",
                "https://user:pa/SECRET@host/x", "https://user:SECRET%40@host/x", "s3://AKIA:SECRET@b/k",
                "https://host/x#SECRET", "https://a:1/SECRET@c", "abfss://SECRET:SECRET@acct.dfs.core.windows.net/x",
            ),
            start=1,
        )
    )  # fmt: skip
    _run(clone, FakeRegistry(RegisteredModel("a", "at https://SECRET@host/"), versions=versions))
    assert "SECRET" not in run_git(clone, "log", "--patch", "--format=%B", BRANCH).replace("abfss://SECRET@", "")
    assert _entry(clone, "a@v1.0.0")["path"] == "https://acct.blob.core.windows.net/c/m.pkl"
    assert "path" not in _entry(clone, "a@v7.0.0")
