"""The writing commands on a clone with a bare remote: what is made, what is refused, what is left alone."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, environment, run_git


@pytest.fixture
def clone(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a bare remote with three commits; the test stands in it, at the last one."""
    commits = tuple(Commit(f"c{n}", (f"c{n - 1}",) if n else (), {"f": str(n)}, EPOCH + n) for n in range(3))
    build(here / "origin", History(commits, branches={"main": "c2"}), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    monkeypatch.chdir(here / "clone")
    return here / "clone"


def _tags(path: Path) -> set[str]:
    return set(run_git(path, "tag").split())


def _commit(clone: Path) -> str:
    run_git(clone, "commit", "--quiet", "--allow-empty", "-m", "more")
    return run_git(clone, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize(("bump", "first", "second"), [
    ("major", "v1.0.0", "v2.0.0"), ("minor", "v0.1.0", "v0.2.0"), ("patch", "v0.0.1", "v0.0.2"),
])  # fmt: skip
def test_register__bumps__first_and_next(clone: Path, tagline: CommandLine, bump: str, first: str, second: str) -> None:
    made = tagline.json("register", "rf", "--bump", bump, "--rev", "HEAD~1")
    commit = run_git(clone, "rev-parse", "HEAD~1").strip()
    row = {"tag": f"rf@{first}", "commit": commit, "artifact": "rf", "event": "registration", "version": first}
    assert made["tags"] == [{**row, "stage": None, "created": True}]
    assert made["pushed"] is False
    assert tagline.json("register", "rf", "--bump", bump)["tags"][0]["version"] == second


def test_register__default__is_patch_and_idempotent(clone: Path, tagline: CommandLine) -> None:
    assert tagline.json("register", "rf")["tags"][0]["version"] == "v0.0.1"
    for bump in ("major", "minor", "patch"):
        again = tagline.json("register", "rf", "--bump", bump)
        assert [(row["version"], row["created"]) for row in again["tags"]] == [("v0.0.1", False)]
    assert _tags(clone) == {"rf@v0.0.1"}


def test_register__bump__skips_numbers_that_were_ever_used(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--version", "v1.0.0", "--rev", "HEAD~2")
    tagline.json("register", "rf", "--version", "v1.0.1", "--rev", "HEAD~1")
    tagline.json("deregister", "rf@v1.0.1")
    assert tagline.json("register", "rf", "--bump", "patch")["tags"][0]["version"] == "v1.0.2"


def test_register__named__same_commit_done_other_commit_conflict(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--version", "v1.0.0")
    assert tagline.json("register", "rf", "--version", "v1.0.0")["tags"][0]["created"] is False
    said = tagline("register", "rf", "--version", "v1.0.0", "--rev", "HEAD~1", "--json")
    assert said.code == 5
    assert said.json["error"]["code"] == "version-taken"


def test_register__second_version_on_a_commit__refused(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--version", "v1.0.0")
    assert tagline("register", "rf", "--version", "v2.0.0").code == 1
    tagline.json("deregister", "rf@v1.0.0")
    said = tagline("register", "rf")
    assert said.code == 1
    assert "git commit --allow-empty" in said.err


def test_register__deregistered_version__never_comes_back(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--version", "v1.0.0")
    tagline.json("deregister", "rf@v1.0.0")
    assert tagline.json("deregister", "rf@v1.0.0")["tags"][0]["created"] is False
    for revision in ("HEAD", "HEAD~1"):
        said = tagline("register", "rf", "--version", "v1.0.0", "--rev", revision, "--json")
        assert (said.code, said.json["error"]["code"]) == (1, "deregistered")


def test_assign__default__the_version_at_head(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf")
    made = tagline.json("assign", "rf#prod")
    assert [(r["tag"], r["version"], r["stage"], r["created"]) for r in made["tags"]] == [
        ("rf#prod#1", "v0.0.1", "prod", True)
    ]
    assert made["holder"]["version"] == "v0.0.1"
    assert tagline.json("assign", "rf#prod")["tags"][0]["created"] is False
    assert tagline.json("assign", "rf#dev")["tags"][0]["tag"] == "rf#dev#2"


def test_assign__nothing_registered_at_head__refused_never_auto_registered(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--rev", "HEAD~1")
    said = tagline("assign", "rf#prod", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "no-version-here")
    assert _tags(clone) == {"rf@v0.0.1"}


def test_assign__older_commit__only_by_name_or_rollback(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--rev", "HEAD~1")
    tagline.json("register", "rf")
    tagline.json("assign", "rf#prod")
    run_git(clone, "checkout", "--quiet", "HEAD~1")
    said = tagline("assign", "rf#prod", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "superseded")
    assert tagline.json("assign", "rf#prod", "--version", "v0.0.1")["holder"]["version"] == "v0.0.1"


def test_assign__deregistered_version__refused(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf")
    tagline.json("deregister", "rf@v0.0.1")
    said = tagline("assign", "rf#prod", "--version", "v0.0.1", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "deregistered")


def test_assign__stage_that_gto_config_does_not_list__not_found(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf")
    (clone / ".gto").write_text("stages: [dev, prod]\n")
    said = tagline("assign", "rf#prd", "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "unknown-stage")
    assert "prod" in said.json["error"]["hint"]
    assert tagline("assign", "rf#prod").code == 0
    (clone / ".gto").write_text("stages: [\n")
    assert tagline("assign", "rf#dev").code == 2


def test_unassign__holder__falls_back_and_says_to_whom(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--rev", "HEAD~1")
    tagline.json("register", "rf")
    for version in ("v0.0.1", "v0.0.2"):
        tagline.json("assign", "rf#prod", "--version", version)
    taken = tagline.json("unassign", "rf#prod")
    assert taken["tags"][0]["tag"] == "rf#prod!#3"
    assert taken["holder"]["version"] == "v0.0.1"
    again = tagline.json("unassign", "rf#prod", "--version", "v0.0.2")
    assert again["tags"] == []
    assert tagline.json("unassign", "rf#prod", "--version", "v0.0.1")["holder"] is None
    said = tagline("unassign", "rf#prod", "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "empty-stage")


def test_rollback__repeated__walks_further_back(clone: Path, tagline: CommandLine) -> None:
    versions = ["v0.0.1", "v0.0.2", "v0.0.3"]
    for number, version in enumerate(versions):
        tagline.json("register", "rf", "--rev", f"HEAD~{2 - number}")
        tagline.json("assign", "rf#prod", "--version", version)
    back = tagline.json("rollback", "rf#prod")
    assert (back["tags"][0]["event"], back["holder"]["version"]) == ("assignment", "v0.0.2")
    assert tagline.json("rollback", "rf#prod")["holder"]["version"] == "v0.0.1"
    said = tagline("rollback", "rf#prod", "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "nothing-to-roll-back-to")
    # Forward again: the walk starts anew from there.
    tagline.json("assign", "rf#prod", "--version", "v0.0.3")
    assert tagline.json("rollback", "rf#prod")["holder"]["version"] == "v0.0.1"


def test_rollback__deliberate_return__is_no_rollback(clone: Path, tagline: CommandLine) -> None:
    for number in range(2):
        tagline.json("register", "rf", "--rev", f"HEAD~{2 - number}")
    for version in ("v0.0.1", "v0.0.2", "v0.0.1"):
        tagline.json("assign", "rf#prod", "--version", version)
    assert tagline.json("rollback", "rf#prod")["holder"]["version"] == "v0.0.2"


def test_rollback__from_and_to__idempotent(clone: Path, tagline: CommandLine) -> None:
    for number in range(3):
        tagline.json("register", "rf", "--rev", f"HEAD~{2 - number}")
        tagline.json("assign", "rf#prod", "--version", f"v0.0.{number + 1}")
    arguments = ("rollback", "rf#prod", "--from", "v0.0.3", "--to", "v0.0.1")
    assert tagline.json(*arguments)["tags"][0]["created"] is True
    again = tagline.json(*arguments)
    assert [(row["version"], row["created"]) for row in again["tags"]] == [("v0.0.1", False)]
    assert again["holder"]["version"] == "v0.0.1"


def test_rollback__trailers__say_where_from(clone: Path, tagline: CommandLine) -> None:
    for number in range(2):
        tagline.json("register", "rf", "--rev", f"HEAD~{2 - number}")
        tagline.json("assign", "rf#prod", "--version", f"v0.0.{number + 1}")
    tagline.json("rollback", "rf#prod", "--no-push", GITLAB_CI="true", CI_JOB_URL="https://ci/1\nChange: forged")
    trailers = tagline.json("history", "rf")["events"][0]["trailers"]
    assert trailers == {"Previous": ["v0.0.2"], "Rollback-From": ["v0.0.2"], "Run": ["https://ci/1 Change: forged"]}
    assert run_git(clone, "for-each-ref", "--format=%(subject)", "refs/tags/rf#prod#3").strip() == (
        "Assigning stage prod to artifact rf version v0.0.1"
    )


def test_deprecate__hidden_until_the_next_event(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--rev", "HEAD~1")
    assert tagline.json("deprecate", "rf")["tags"][0]["tag"] == "rf@deprecated"
    assert tagline.json("deprecate", "rf")["tags"][0]["created"] is False
    assert tagline.json("show")["artifacts"] == {}
    tagline.json("register", "rf")
    assert set(tagline.json("show")["artifacts"]) == {"rf"}
    assert tagline.json("deprecate", "rf")["tags"][0]["tag"] == "rf@deprecated#1"


def test_write__tagger_time__strictly_after_everything(clone: Path, tagline: CommandLine) -> None:
    ahead = int(time.time()) + 600
    run_git(clone, "update-ref", "refs/tags/rf@v1.0.0", _foreign_tag(clone, "rf@v1.0.0", ahead))
    for name in ("dev", "prod"):
        tagline.json("assign", f"rf#{name}", "--version", "v1.0.0")
    times = run_git(clone, "for-each-ref", "--format=%(taggerdate:unix)", "--sort=taggerdate", "refs/tags").split()
    assert times == [str(ahead), str(ahead + 1), str(ahead + 2)]


def test_write__event_more_than_a_day_ahead__nothing_is_written(clone: Path, tagline: CommandLine) -> None:
    ahead = int(time.time()) + 90_000
    run_git(clone, "update-ref", "refs/tags/rf@v1.0.0", _foreign_tag(clone, "rf@v1.0.0", ahead))
    said = tagline("assign", "rf#prod", "--version", "v1.0.0", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "future-dated")
    assert "refs/tags/rf@v1.0.0" in said.json["error"]["hint"]
    assert _tags(clone) == {"rf@v1.0.0"}


def _foreign_tag(clone: Path, name: str, when: int) -> str:
    head = run_git(clone, "rev-parse", "HEAD").strip()
    text = f"object {head}\ntype commit\ntag {name}\ntagger B <b@x> {when} +0000\n\nm\n"
    return run_git(clone, "mktag", stdin=text.encode()).strip()


@pytest.mark.parametrize("push", ["--push", "--no-push"])
def test_write__dry_run__says_what_and_writes_nothing(clone: Path, tagline: CommandLine, push: str) -> None:
    planned = tagline.json("register", "rf", "--dry-run", push)
    assert planned["tags"][0]["tag"] == "rf@v0.0.1"
    assert (planned["tags"][0]["created"], planned["pushed"], planned["dry_run"]) == (False, False, True)
    assert _tags(clone) == _tags(clone.parent / "origin") == set()


def test_write__push__on_the_remote_and_here(clone: Path, tagline: CommandLine) -> None:
    assert tagline.json("register", "rf", "--push")["pushed"] is True
    assert tagline.json("assign", "rf#prod", "--push")["pushed"] is True
    assert _tags(clone) == _tags(clone.parent / "origin") == {"rf@v0.0.1", "rf#prod#1"}
    ids = [run_git(path, "rev-parse", "refs/tags/rf#prod#1") for path in (clone, clone.parent / "origin")]
    assert ids[0] == ids[1]


def test_write__in_ci__pushes_by_default(clone: Path, tagline: CommandLine) -> None:
    assert tagline.json("register", "rf", CI="true")["pushed"] is True
    assert tagline.json("assign", "rf#prod", "--no-push", CI="true")["pushed"] is False
    assert _tags(clone.parent / "origin") == {"rf@v0.0.1"}


def test_write__same_name_elsewhere_in_this_clone__conflict(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--no-push", "--rev", "HEAD~1")
    for dry in ((), ("--dry-run",)):
        said = tagline("register", "rf", "--push", "--json", *dry)
        assert (said.code, said.json["error"]["code"]) == (5, "unpublished-tags")
    assert _tags(clone.parent / "origin") == set()


def test_write__remote_is_ahead__the_remote_counts(clone: Path, tagline: CommandLine) -> None:
    other = clone.parent / "other"
    run_git(clone.parent, "clone", "--quiet", "origin", "other")
    tagline.json("register", "rf", "--push", "--rev", "HEAD~1", cwd=other)
    assert tagline.json("register", "rf", "--push", cwd=clone)["tags"][0]["version"] == "v0.0.2"
    assert tagline.json("assign", "rf#prod", "--version", "v0.0.1", "--push")["holder"]["version"] == "v0.0.1"


def test_write__shallow_clone__assigns_a_commit_it_does_not_have(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--push", "--rev", "HEAD~2")
    origin = clone.parent / "origin"
    run_git(clone.parent, "clone", "--quiet", "--depth=1", origin.as_uri(), "shallow")
    shallow = clone.parent / "shallow"
    assert tagline.json("assign", "rf#prod", "--version", "v0.0.1", "--push", cwd=shallow)["pushed"] is True
    run_git(origin, "fsck", "--strict")
    assert "rf#prod#1" in _tags(origin)
    run_git(shallow, "for-each-ref", "--format=%(objecttype) %(*objecttype)")  # no broken ref was left


def test_write__refused_by_a_hook__nothing_left_behind(clone: Path, tagline: CommandLine) -> None:
    origin = clone.parent / "origin"
    hooks = origin / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-receive").write_text("#!/bin/sh\necho 'GH013: Repository rule violations found' >&2\nexit 1\n")
    (hooks / "pre-receive").chmod(0o755)
    before = _everything(clone)
    said = tagline("register", "rf", "--push", "--json")
    assert (said.code, said.json["error"]["code"]) == (4, "ruleset")
    assert "create-github-app-token" in said.json["error"]["hint"]
    assert _everything(clone) == before
    assert _tags(origin) == set()


def _everything(clone: Path) -> dict[str, bytes]:
    """Every file of the clone: refs, objects, configuration, index, work tree."""
    return {str(path): path.read_bytes() for path in clone.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("GitLab: You are not allowed to create this tag as it is protected.", "protected-tag"),
        ("remote: Permission to o/r.git denied to bot. returned error: 403", "no-write-permission"),
        ("Resource not accessible by integration", "no-write-permission"),
        ("our own rule says no", "hook-declined"),
    ],
)
def test_write__protected__names_the_permission(clone: Path, tagline: CommandLine, words: str, code: str) -> None:
    hooks = clone.parent / "origin" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-receive").write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    (hooks / "pre-receive").chmod(0o755)
    said = tagline("register", "rf", "--push", "--json")
    assert (said.code, said.json["error"]["code"]) == (4, code)
    assert said.json["error"]["hint"]


def test_write__remote_gone__exit_4_nothing_left_behind(clone: Path, tagline: CommandLine) -> None:
    (clone.parent / "origin").rename(clone.parent / "away")
    before = _everything(clone)
    said = tagline("register", "rf", "--push")
    assert said.code == 4
    assert "fix:" in said.err
    assert _everything(clone) == before


def test_write__remote_dies_in_mid_push__exit_4_and_a_rerun_completes(clone: Path, tagline: CommandLine) -> None:
    hooks = clone.parent / "origin" / "hooks"
    hooks.mkdir(exist_ok=True)
    hook = hooks / "pre-receive"
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")
    hook.chmod(0o755)
    before = _everything(clone)
    said = tagline("register", "rf", "--push", "--json")
    assert (said.code, said.json["error"]["code"]) == (4, "push-failed")
    assert "same command again" in said.json["error"]["hint"]
    assert _everything(clone) == before
    hook.unlink()
    assert tagline.json("register", "rf", "--push")["pushed"] is True


def test_write__push_succeeded_and_nobody_told_us__a_rerun_finds_it_done(clone: Path, tagline: CommandLine) -> None:
    hooks = clone.parent / "origin" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "post-receive").write_text("#!/bin/sh\nkill -9 $PPID\n")
    (hooks / "post-receive").chmod(0o755)
    tagline("register", "rf", "--push")
    (hooks / "post-receive").unlink()
    again = tagline.json("register", "rf", "--push")
    assert [(row["tag"], row["created"]) for row in again["tags"]] == [("rf@v0.0.1", False)]
    assert _tags(clone.parent / "origin") == {"rf@v0.0.1"}


def test_write__nobody_known__says_how_to_introduce_oneself(
    clone: Path, tagline: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    said = tagline("register", "rf", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "no-identity")
    assert "git config user.name" in said.json["error"]["hint"]
    assert tagline.json("register", "rf", GITHUB_ACTIONS="true")["pushed"] is True
    assert tagline.json("history")["events"][0]["actor"]["name"] == "github-actions[bot]"


@pytest.mark.parametrize("name", ["a//b", "..:x", "a/.lock:x", "x.lock/y:z", "a..b:x"])
def test_write__name_that_git_refuses__refused(clone: Path, tagline: CommandLine, name: str) -> None:
    said = tagline("register", name, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "name-refused-by-git"), said
    assert _tags(clone) == set()


def test_write__version_that_ends_in_lock__refused(clone: Path, tagline: CommandLine) -> None:
    said = tagline("register", "rf", "--version", "v1.0.0-a.lock", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "name-refused-by-git")


def test_write__collision__refused_naming_the_blocker(clone: Path, tagline: CommandLine) -> None:
    run_git(clone, "tag", "release", "HEAD")
    said = tagline("register", "release/rf", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "ref-collision")
    assert "release" in said.json["error"]["message"]


def test_write__lightweight_tag_in_the_way__conflict_with_the_fix(clone: Path, tagline: CommandLine) -> None:
    run_git(clone, "tag", "rf@v0.0.1", "HEAD")
    said = tagline("register", "rf", "--version", "v0.0.1", "--no-push", "--json")
    assert (said.code, said.json["error"]["code"]) == (5, "tag-taken")
    assert "git tag -d" in said.json["error"]["hint"]
    assert tagline.json("register", "rf", "--no-push")["tags"][0]["version"] == "v0.0.2"  # a bump passes it by


def test_write__lightweight_tag_with_a_counter__the_next_counter_is_free(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf")
    run_git(clone, "tag", "rf#prod#7", "HEAD")
    assert tagline.json("assign", "rf#prod")["tags"][0]["tag"] == "rf#prod#8"


POLICY = "stages: {prod: {approvals: {count: 1}}, dev: {}}\n"


@pytest.fixture
def guarded(clone: Path, tagline: CommandLine) -> Path:
    (clone / ".tagline.yaml").write_text(POLICY)
    run_git(clone, "add", "-A")
    run_git(clone, "commit", "--quiet", "-m", "policy")
    run_git(clone, "push", "--quiet", "origin", "HEAD")
    tagline.json("register", "rf", "--push")
    return clone


@pytest.mark.parametrize("push", ["--push", "--no-push"])
def test_write__guarded_stage__only_with_a_reason(guarded: Path, tagline: CommandLine, push: str) -> None:
    assert tagline("assign", "rf#dev", push).code == 0
    said = tagline("assign", "rf#prod", push, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "guarded-stage")
    assert tagline("assign", "rf#prod", push, "--override", "fire\nChange: x").code == 0
    assert tagline.json("history", "rf")["events"][0]["trailers"] == {"Override": ["fire Change: x"]}
    for command in (("unassign", "rf#prod"), ("rollback", "rf#prod", "--to", "v0.0.1"), ("deregister", "rf@v0.0.1")):
        expected = 0 if command[0] == "rollback" else 1  # v0.0.1 holds it already: nothing to write
        assert tagline(*command, push).code == expected
    assert tagline("deprecate", "rf", push).code == 1


@pytest.mark.parametrize("push", ["--push", "--no-push"])
def test_write__stage_that_the_policy_does_not_list__refused_with_the_nearest(
    guarded: Path, tagline: CommandLine, push: str
) -> None:
    said = tagline("assign", "rf#prdo", push, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "other-stages")
    assert "Did you mean prod?" in said.json["error"]["hint"]
    assert "other_stages: allow" in said.json["error"]["hint"]
    assert tagline("assign", "rf#canary", push, "--override", "a trial").code == 0
    assert tagline("unassign", "rf#canary", push).code == 0, "it is always allowed"


def test_write__policy_of_this_branch__does_not_count_when_pushing(guarded: Path, tagline: CommandLine) -> None:
    (guarded / ".tagline.yaml").write_text("{}\n")
    run_git(guarded, "commit", "--quiet", "-am", "open everything")
    assert tagline("assign", "rf#prod", "--version", "v0.0.1", "--push").code == 1


@pytest.mark.parametrize("policy", ["stages: [\n", "stages: {prod: {aproval: {}}}\n"])
def test_write__unreadable_policy__guards_everything(guarded: Path, tagline: CommandLine, policy: str) -> None:
    (guarded / ".tagline.yaml").write_text(policy)
    run_git(guarded, "commit", "--quiet", "-am", "broken")
    run_git(guarded, "push", "--quiet", "origin", "HEAD")
    said = tagline("assign", "rf#dev", "--version", "v0.0.1", "--push", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "policy-unreadable")
    assert ".tagline.yaml of the default branch cannot be read, line 1: " in said.json["error"]["message"]
    assert "--override" in said.json["error"]["hint"]
    assert tagline("assign", "rf#dev", "--version", "v0.0.1", "--push", "--override", "it is broken").code == 0


def test_write__work_tree_and_configuration__untouched(clone: Path, tagline: CommandLine) -> None:
    (clone / "f").write_text("changed")
    (clone / "new").write_text("new")
    run_git(clone, "add", "new")
    watched = [clone / ".git" / name for name in ("config", "index", "HEAD")] + [clone / "f", clone / "new"]
    before = [path.read_bytes() for path in watched]
    for command in (("register", "rf"), ("assign", "rf#prod"), ("unassign", "rf#prod"), ("deprecate", "rf")):
        assert tagline(*command, "--push").code == 0
    assert [path.read_bytes() for path in watched] == before
    branches = run_git(clone, "for-each-ref", "--format=%(refname)", "refs/tagline", "refs/heads").split()
    assert branches == ["refs/heads/main"]
    assert not (clone / ".git" / "FETCH_HEAD").exists()


def test_write__no_remote__says_what_to_do(here: Path, tagline: CommandLine) -> None:
    build(here, History())
    said = tagline("register", "rf", "--push")
    assert said.code == 2
    assert "--no-push" in said.err
    assert tagline.json("register", "rf")["pushed"] is False


def test_write__bare_repository(here: Path, tagline: CommandLine) -> None:
    build(here, History(tags=(Tag("rf@v1.0.0", "c0"),)), bare=True)
    assert tagline.json("assign", "rf#prod")["holder"]["version"] == "v1.0.0"


@pytest.mark.parametrize(
    "command",
    [("assign", "rf#prod"), ("register", "rf", "--bump", "minor", "--rev", "HEAD~1"), ("rollback", "rf#prod")],
)
def test_write__unpublished_tags_of_the_artifact__publish_or_drop_them_first(
    clone: Path, tagline: CommandLine, command: tuple[str, ...]
) -> None:
    """Two ledgers, one here and one there, must not grow apart: one commit would get two versions."""
    tagline.json("register", "rf", "--no-push")
    tagline.json("assign", "rf#dev/eu", "--no-push")
    for dry in ((), ("--dry-run",)):
        said = tagline(*command, "--push", "--json", *dry)
        assert (said.code, said.json["error"]["code"]) == (5, "unpublished-tags")
        assert "rf@v0.0.1" in said.json["error"]["message"]
    publish = said.json["error"]["hint"].splitlines()[0].removeprefix("Publish them first: ")
    subprocess.run(publish, shell=True, cwd=clone, check=True, capture_output=True)  # the fix, as printed
    assert tagline.json("assign", "rf#prod", "--push")["pushed"] is True
    run_git(clone, "tag", "-a", "-m", "x", "rf#dev#9", "HEAD")
    said = tagline("unassign", "rf#prod", "--push", "--json")
    drop = said.json["error"]["hint"].rpartition("drop them: ")[2]
    subprocess.run(drop, shell=True, cwd=clone, check=True, capture_output=True)
    assert tagline.json("unassign", "rf#prod", "--push")["pushed"] is True


def test_write__other_artifacts_unpublished_tags__do_not_matter(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "mine", "--no-push")
    assert tagline.json("register", "rf", "--push")["pushed"] is True


@pytest.mark.parametrize("options", [("--depth=1",), ("--no-tags",)])
def test_write__here_only_in_an_incomplete_clone__refused(
    clone: Path, tagline: CommandLine, options: tuple[str, ...]
) -> None:
    tagline.json("register", "rf", "--push", "--rev", "HEAD~1")
    run_git(clone.parent, "clone", "--quiet", *options, (clone.parent / "origin").as_uri(), "lacking")
    said = tagline("register", "rf", "--json", cwd=clone.parent / "lacking")
    assert (said.code, said.json["error"]["code"]) == (4, "incomplete-clone")
    assert tagline.json("register", "rf", "--offline")["tags"][0]["version"] == "v0.0.1"


def test_deregister__version_that_holds_stages__says_where_they_fall(clone: Path, tagline: CommandLine) -> None:
    for number in range(2):
        tagline.json("register", "rf", "--rev", f"HEAD~{1 - number}")
        tagline.json("assign", "rf#prod", "--version", f"v0.0.{number + 1}")
    planned = tagline("deregister", "rf@v0.0.2", "--dry-run")
    assert "rf#prod would be v0.0.1, was v0.0.2" in planned.out
    done = tagline.json("deregister", "rf@v0.0.2")
    assert done["moved"]["prod"]["version"] == "v0.0.1"
    assert tagline.json("unassign", "rf#prod")["moved"] == {"prod": None}
    assert "nobody" in tagline("assign", "rf#prod", "--version", "v0.0.1").out


def test_deprecated__written_to__says_that_it_is_back(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--rev", "HEAD~1")
    tagline.json("deprecate", "rf")
    assert "is back" in tagline("register", "rf").out


# -- found in review ----------------------------------------------------------------------------


def test_assign__holder_is_newer_and_not_in_this_clone__refused(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--push", "--rev", "HEAD")
    other = clone.parent / "other"
    run_git(clone.parent, "clone", "--quiet", "origin", "other")
    later = {"GIT_AUTHOR_DATE": f"{EPOCH + 9000} +0000", "GIT_COMMITTER_DATE": f"{EPOCH + 9000} +0000"}
    subprocess.run(
        ["git", "commit", "-qm", "n", "--allow-empty"], cwd=other, env={**environment(), **later}, check=True
    )
    run_git(other, "push", "--quiet", "origin", "HEAD")
    tagline.json("register", "rf", "--push", cwd=other)
    tagline.json("assign", "rf#prod", "--push")
    said = tagline("assign", "rf#prod", "--push", "--json", cwd=clone)
    assert (said.code, said.json["error"]["code"]) == (1, "superseded")
    run_git(clone.parent, "clone", "--quiet", "--depth=1", (clone.parent / "origin").as_uri(), "shallow")
    shallow = clone.parent / "shallow"
    old = run_git(clone, "rev-parse", "HEAD").strip()
    run_git(shallow, "fetch", "--quiet", "--depth=1", "origin", old)
    run_git(shallow, "checkout", "--quiet", old)
    assert tagline("assign", "rf#prod", "--push", cwd=shallow).code == 1


def _two_versions(clone: Path) -> None:
    for number, version in enumerate(("v1.0.0", "v1.1.0")):
        text = f"rf@{version}"
        run_git(clone, "update-ref", f"refs/tags/{text}", _foreign_tag(clone, text, EPOCH + 50 + number))


def test_assign__commit_of_two_versions__refused(clone: Path, tagline: CommandLine) -> None:
    _two_versions(clone)
    for arguments in ((), ("--version", "v1.0.0"), ("--version", "v1.1.0")):
        said = tagline("assign", "rf#prod", *arguments, "--json")
        assert (said.code, said.json["error"]["code"]) == (1, "two-versions")
    run_git(clone, "update-ref", "refs/tags/rf#prod#1", _foreign_tag(clone, "rf#prod#1", EPOCH + 60))
    assert tagline.json("unassign", "rf#prod", "--version", "v1.0.0")["tags"] == []  # it is read as v1.1.0
    assert tagline.json("unassign", "rf#prod", "--version", "v1.1.0")["holder"] is None


def test_register__commit_of_an_earlier_registration__keeps_its_version(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--version", "v1.0.0", "--rev", "HEAD~1")
    run_git(clone, "update-ref", "refs/tags/rf@v1.0.0#9", _foreign_tag(clone, "rf@v1.0.0#9", int(time.time()) + 60))
    again = tagline.json("register", "rf", "--rev", "HEAD~1")
    assert [(row["version"], row["created"]) for row in again["tags"]] == [("v1.0.0", False)]


def test_assign__holder_of_a_deprecated_artifact__brings_it_back(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf")
    tagline.json("assign", "rf#prod")
    tagline.json("deprecate", "rf")
    said = tagline("resolve", "rf#prod")
    assert said.code == 6
    assert tagline.json("assign", "rf#prod")["tags"][0]["created"] is True
    assert tagline.json("show", "rf#prod")["version"] == "v0.0.1"


def test_write__name_taken_by_an_odd_tag_on_the_remote__said_at_once(clone: Path, tagline: CommandLine) -> None:
    run_git(clone.parent / "origin", "tag", "rf@v0.0.1", "HEAD")
    said = tagline("register", "rf", "--version", "v0.0.1", "--push", "--json")
    assert (said.code, said.json["error"]["code"]) == (5, "tag-taken")
    assert "git push origin ':refs/tags/rf@v0.0.1'" in said.json["error"]["hint"]
    assert tagline.json("register", "rf", "--push")["tags"][0]["version"] == "v0.0.2"


def test_write__push_url__is_where_the_ledger_is(clone: Path, tagline: CommandLine) -> None:
    run_git(clone.parent, "clone", "--quiet", "--bare", "origin", "writable")
    run_git(clone, "remote", "set-url", "--push", "origin", str(clone.parent / "writable"))
    tagline.json("register", "rf", "--push")
    assert _tags(clone.parent / "writable") == {"rf@v0.0.1"}
    assert _tags(clone.parent / "origin") == set()


def test_write__policy_in_the_shape_of_a_link__guards(guarded: Path, tagline: CommandLine) -> None:
    (guarded / ".tagline.yaml").rename(guarded / "policy.yaml")
    (guarded / ".tagline.yaml").symlink_to("policy.yaml")
    run_git(guarded, "add", "-A")
    run_git(guarded, "commit", "--quiet", "-m", "link")
    run_git(guarded, "push", "--quiet", "origin", "HEAD")
    said = tagline("assign", "rf#prod", "--version", "v0.0.1", "--push", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "policy-unreadable")


def test_write__new_stage_beside_others__is_pointed_out(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf")
    assert "new-stage" not in [w["code"] for w in tagline.json("assign", "rf#prod")["warnings"]]
    found = [w["message"] for w in tagline.json("assign", "rf#prdo", "--new")["warnings"] if w["code"] == "new-stage"]
    assert "Did you mean prod?" in found[0]


SLIPS = [
    (("register", "chrun"), "Did you mean churn?"),
    (("register", "chur"), "Did you mean churn?"),
    (("register", "churns"), "Did you mean churn?"),
    (("register", "cnurn"), "Did you mean churn?"),
    (("register", "Churn"), "Did you mean churn?"),
    (("register", "churn:prod"), "Did you mean churn#prod?"),
    (("register", "nlp/dvc.yaml:m"), "Did you mean nlp:m?"),
    (("assign", "churn#stagign"), "Did you mean churn#staging?"),
    (("assign", "churn#Staging"), "Did you mean churn#staging?"),
    (("assign", "churn#pord"), "Did you mean churn#prod?"),
    (("assign", "churn#eu-prod"), "Did you mean churn#eu/prod?"),
]


@pytest.fixture
def named(clone: Path) -> Path:
    for tag in ("churn@v0.0.1", "churn#staging#1", "churn#prod#2", "nlp=m@v0.0.1", "nlp=m#eu/prod#1"):
        run_git(clone, "tag", "-am", "m", tag)
    run_git(clone, "push", "--quiet", "origin", "--tags")
    return clone


@pytest.mark.parametrize(("arguments", "hint"), SLIPS, ids=lambda v: v[-1] if isinstance(v, tuple) else "")
def test_write__name_one_slip_away__only_when_it_is_said_to_be_new(
    named: Path, tagline: CommandLine, arguments: tuple[str, ...], hint: str
) -> None:
    before = _tags(named.parent / "origin")
    for push in ("--push", "--no-push"):
        said = tagline(*arguments, push, "--json")
        assert (said.code, said.json["error"]["code"]) == (6, "one-slip-away")
        assert hint in said.json["error"]["hint"]
        assert f"tagline {' '.join(arguments)} --new" in said.json["error"]["hint"]
    assert _tags(named.parent / "origin") == _tags(named) == before
    assert tagline(*arguments, "--push", "--new").code == 0


def test_write__name_that_is_known_elsewhere__is_no_slip(named: Path, tagline: CommandLine) -> None:
    (named / "artifacts.yaml").write_text("chrun: {path: models/rf}\n")
    run_git(named, "add", "-A")
    run_git(named, "commit", "--quiet", "-m", "described")
    assert tagline("register", "chrun").code == 0, "a manifest names it"
    assert tagline("assign", "chrun#staging").code == 0, "another artifact has that stage"
    for name in ("churn2", "revenue", "nlp:k", "kpi"):
        assert tagline("register", name).code == 0, name
    for stage in ("prod2", "qa", "staging/eu", "canary"):
        assert tagline("assign", f"churn#{stage}", "--version", "v0.0.1").code == 0, stage
    (named / ".tagline.yaml").write_text("stages: {stagings: {}, prod: {}}\n")
    run_git(named, "add", "-A")
    run_git(named, "commit", "--quiet", "-m", "listed")
    run_git(named, "push", "--quiet", "origin", "HEAD:main")
    assert tagline("assign", "churn#stagings", "--version", "v0.0.1", "--no-push").code == 0, "the policy lists it"


def test_write__slip_on_a_remote_by_url__refused(named: Path, tagline: CommandLine) -> None:
    where = ("--repo", (named.parent / "origin").as_uri())
    assert tagline("register", "chrun", *where).code == 6
    assert tagline("assign", "churn#stagign", "--version", "v0.0.1", *where).code == 6
    assert tagline("register", "chrun", "--new", *where).code == 0


def test_write__same_name_with_other_content_on_the_remote__drop_it_first(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--no-push")
    run_git(clone.parent, "clone", "--quiet", "origin", "other")
    tagline.json("register", "rf", "--push", "--rev", "HEAD~1", cwd=clone.parent / "other")
    said = tagline("register", "rf", "--push", "--json", cwd=clone)
    assert (said.code, said.json["error"]["code"]) == (5, "unpublished-tags")
    assert "git tag -d 'rf@v0.0.1'" in said.json["error"]["hint"]
    assert "git push" not in said.json["error"]["hint"]
    run_git(clone, "tag", "-d", "rf@v0.0.1")
    assert tagline.json("register", "rf", "--push")["tags"][0]["version"] == "v0.0.2"


def test_write__made_here_first_and_then_pushed__publishes_the_same_object(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--no-push")
    said = tagline("register", "rf", "--push", "--json")
    assert (said.code, said.json["error"]["code"]) == (5, "unpublished-tags")
    publish = said.json["error"]["hint"].splitlines()[0].removeprefix("Publish them first: ")
    subprocess.run(publish, shell=True, cwd=clone, check=True, capture_output=True)
    ids = {run_git(path, "rev-parse", "refs/tags/rf@v0.0.1") for path in (clone, clone.parent / "origin")}
    assert len(ids) == 1
    assert tagline.json("register", "rf", "--push")["tags"][0]["created"] is False


def test_write__private_tags_that_are_no_events__do_not_matter(clone: Path, tagline: CommandLine) -> None:
    for name in ("rf@experiment", "rf@1.0", "rf#pr.od"):
        run_git(clone, "tag", "-a", "-m", "x", name)
    assert tagline.json("register", "rf", "--push")["pushed"] is True


def test_write__here_only_beside_a_flattened_tag__refused(clone: Path, tagline: CommandLine) -> None:
    tagline.json("register", "rf", "--version", "v1.0.0", "--push")
    run_git(clone, "tag", "-d", "rf@v1.0.0")
    run_git(clone, "tag", "rf@v1.0.0", "HEAD")
    said = tagline("register", "rf", "--no-push", "--json")
    assert (said.code, said.json["error"]["code"]) == (4, "incomplete-clone")
    run_git(clone, "fetch", "--quiet", "--tags", "--force", "origin")
    assert tagline.json("register", "rf", "--no-push")["tags"][0]["version"] == "v1.0.0"


def test_write__remote_of_another_name__is_named_in_the_advice(clone: Path, tagline: CommandLine) -> None:
    run_git(clone, "remote", "rename", "origin", "up")
    tagline.json("register", "rf", "--no-push")
    assert "git push --atomic up " in tagline("assign", "rf#dev", "--push").err
