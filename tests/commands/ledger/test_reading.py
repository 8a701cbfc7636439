"""The reading commands on local repositories: documents, instants, warnings, refusals."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

MANIFEST = "rf: {type: model, path: models/rf, description: Trees, labels: [a, b]}\n"
COMMITS = (
    Commit("c0", files={"artifacts.yaml": MANIFEST, "models/rf": "one\n"}),
    Commit("c1", ("c0",), files={"artifacts.yaml": MANIFEST, "models/rf": "three\n"}),
)
TAGS = (
    Tag("rf@v1.0.0", "c0", time=EPOCH + 1),
    Tag("rf#prod#1", "c0", time=EPOCH + 2),
    Tag("rf@v1.1.0", "c1", time=EPOCH + 3),
    Tag(
        "rf#prod#2", "c1", time=EPOCH + 4, message="Assigning\n\nChange: https://x/1\nApproved-By: a\nApproved-By: b\n"
    ),
    Tag("old@v0.1.0", "c0", time=EPOCH + 5),
    Tag("old@deprecated", "c0", time=EPOCH + 6),
    Tag("release-1", "c0", lightweight=True),
)


@pytest.fixture
def registry(here: Path) -> dict[str, str]:
    """A registry in the folder one stands in; commit names to ids."""
    return build(here, History(COMMITS, TAGS, {"main": "c1"}), checkout=True)


def test_show__registry__the_document_of_the_contract(registry: dict[str, str], tagline: CommandLine) -> None:
    c0, c1 = registry["c0"], registry["c1"]
    assert tagline.json("show") == {
        "artifacts": {
            "rf": {
                "latest": "v1.1.0",
                "stages": {
                    "prod": {
                        "version": "v1.1.0",
                        "commit": c1,
                        "tag": "rf#prod#2",
                        "since": "2023-11-14T22:13:24Z",
                        "held": None,
                    }
                },
                "versions": [
                    {
                        "version": "v1.1.0",
                        "commit": c1,
                        "tag": "rf@v1.1.0",
                        "registered_at": "2023-11-14T22:13:23Z",
                        "active": True,
                        "stages": ["prod"],
                    },
                    {
                        "version": "v1.0.0",
                        "commit": c0,
                        "tag": "rf@v1.0.0",
                        "registered_at": "2023-11-14T22:13:21Z",
                        "active": True,
                        "stages": [],
                    },
                ],
                "deprecated": False,
            }
        },
        "warnings": [],
    }


def test_show__all__deprecated_ones_too(registry: dict[str, str], tagline: CommandLine) -> None:
    assert set(tagline.json("show", "--all")["artifacts"]) == {"rf", "old"}
    assert tagline.json("show", "old", "--all")["artifacts"]["old"]["deprecated"] is True
    said = tagline("show", "old")
    assert said.code == 6
    assert "--all" in said.err


def test_show__one_artifact__the_same_document(registry: dict[str, str], tagline: CommandLine) -> None:
    assert tagline.json("show", "rf") == tagline.json("show")


@pytest.mark.parametrize(
    ("target", "version", "tag", "stage"),
    [
        ("rf#prod", "v1.1.0", "rf#prod#2", "prod"),
        ("rf@v1.0.0", "v1.0.0", "rf@v1.0.0", None),
        ("rf@latest", "v1.1.0", "rf@v1.1.0", None),
        ("rf@greatest", "v1.1.0", "rf@v1.1.0", None),
    ],
)
def test_show__target__what_decides_it(
    registry: dict[str, str], tagline: CommandLine, target: str, version: str, tag: str, stage: str | None
) -> None:
    answer = tagline.json("show", target)
    assert (answer["version"], answer["tag"], answer["stage"], answer["active"]) == (version, tag, stage, True)
    assert set(answer) == {
        "artifact", "version", "commit", "tag", "stage", "stages", "registered_at", "active", "held", "warnings",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("instant", "version"),
    [
        ("2023-11-14T22:13:22Z", "v1.0.0"),
        ("2023-11-14T23:13:23+01:00", "v1.0.0"),
        ("2023-11-14T22:13:24.999Z", "v1.1.0"),
    ],
)
def test_show__as_of__events_up_to_then(
    registry: dict[str, str], tagline: CommandLine, instant: str, version: str
) -> None:
    assert tagline.json("show", "rf#prod", "--as-of", instant)["version"] == version


def test_show__rev__which_version_the_commit_is(registry: dict[str, str], tagline: CommandLine) -> None:
    assert tagline.json("show", "rf", "--rev", "main") == tagline.json("show", "rf@v1.1.0")
    assert tagline.json("show", "rf", "--rev", "main~1")["version"] == "v1.0.0"
    assert "v1.1.0" in tagline("show", "rf", "--rev", "HEAD").out


@pytest.mark.parametrize("repo", [(), ("--repo", "file://{here}")], ids=["clone", "url"])
def test_show__rev_without_a_name__what_every_artifact_has_there(
    registry: dict[str, str], here: Path, tagline: CommandLine, repo: tuple[str, ...]
) -> None:
    where = [part.format(here=here) for part in repo]
    whole = tagline.json("show", "--all")["artifacts"]
    old = tagline.json("show", "--rev", registry["c0"], "--all", *where)["artifacts"]
    assert {name: [row["version"] for row in found["versions"]] for name, found in old.items()} == {
        "old": ["v0.1.0"],
        "rf": ["v1.0.0"],
    }
    assert (old["rf"]["stages"], old["rf"]["latest"]) == ({}, "v1.1.0")
    new = tagline.json("show", "--rev", registry["c1"], *where)["artifacts"]
    assert new["rf"]["stages"] == whole["rf"]["stages"]
    assert [row["version"] for row in new["rf"]["versions"]] == ["v1.1.0"]
    then = tagline.json("show", "--rev", registry["c0"], "--as-of", "2023-11-14T22:13:22Z", *where)["artifacts"]
    assert list(then["rf"]["stages"]) == ["prod"]


def test_show__rev_of_nothing__not_found(registry: dict[str, str], tagline: CommandLine) -> None:
    run_git(Path.cwd(), "commit", "-q", "--allow-empty", "-m", "later")
    for arguments in (["rf"], []):
        said = tagline("show", *arguments, "--rev", "HEAD", "--json")
        assert (said.code, said.json["error"]["code"]) == (6, "no-version-here")
        assert "tagline register" in said.json["error"]["hint"]
    said = tagline("show", "rf@v1.0.0", "--rev", "HEAD")
    assert said.code == 2


def test_show__as_of_before_anything__not_found(registry: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("show", "rf#prod", "--as-of", "2020-01-01T00:00:00Z", "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "not-yet")
    assert "2023-11-14T22:13:21Z" in said.json["error"]["hint"]
    assert tagline.json("show", "--as-of", "2020-01-01T00:00:00Z")["artifacts"] == {}


@pytest.mark.parametrize(
    ("day", "latest"), [("2023-11-14", None), ("2023-11-15", "v1.0.0")], ids=["its evening", "the day after"]
)
def test_show__as_of_a_date__its_midnight_utc(here: Path, tagline: CommandLine, day: str, latest: str | None) -> None:
    build(here, History(COMMITS[:1], (Tag("rf@v1.0.0", "c0", time=EPOCH),), {"main": "c0"}))  # 22:13 in the evening
    artifacts = tagline.json("show", "--as-of", day)["artifacts"]
    assert (artifacts["rf"]["latest"] if artifacts else None) == latest
    assert tagline.json("show", "--as-of", f"{day}T00:00:00Z")["artifacts"] == artifacts
    assert len(tagline.json("history", "--to", day)["events"]) == len(artifacts)


@pytest.mark.parametrize("instant", ["yesterday", "2023-11-31", "2023-11", "2023-11-14T22:13:22"])
def test_show__no_instant__usage(registry: dict[str, str], tagline: CommandLine, instant: str) -> None:
    said = tagline("show", "--as-of", instant)
    assert said.code == 2
    assert "such as 2026-03-01" in said.err
    assert ("RFC 3339" in said.err) == (instant != "2023-11-31")


@pytest.mark.parametrize(
    ("arguments", "both"),
    [
        ("show --repo ./a --repo ./b", "--repo is given twice: ./a and ./b."),
        ("register rf --rev HEAD --rev HEAD~1", "--rev is given twice: HEAD and HEAD~1."),
        ("show --as-of=2026-03-01 --as-of=2026-04-01", "--as-of is given twice: 2026-03-01 and 2026-04-01."),
        ("register rf --bump=minor --bump=patch", "--bump is given twice: minor and patch."),
        ("fetch rf -o x --output y", "--output is given twice: x and y."),
        ("plan --change 1 --change 2", "--change is given twice: 1 and 2."),
        ("register rf --push --no-push", "--push and --no-push contradict each other."),
    ],
)
def test_command__an_option_twice__refused_and_not_the_last_one(
    registry: dict[str, str], tagline: CommandLine, arguments: str, both: str
) -> None:
    said = tagline(*arguments.split())
    assert (said.code, said.out) == (2, "")
    assert both in said.err


def test_command__an_option_that_may_be_repeated__is(registry: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("import", "mlflow", "--tracking-uri", "http://127.0.0.1:9", "--model", "a", "--model", "b")
    assert "twice" not in said.err


def test_lineage__output_in_a_folder_that_is_not_there__made(registry: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("lineage", "rf", "--json", "-o", "new/deep/lineage.json")
    assert said.code == 0
    assert json.loads(Path("new/deep/lineage.json").read_text())["artifact"] == "rf"
    assert "written" not in tagline("lineage", "rf", "-o", "new/deep/lineage.json/below").out


NOT_THERE = [
    (("show", "rff"), "unknown-artifact", "Did you mean rf?"),
    (("show", "rff#prod"), "unknown-artifact", "Did you mean rf?"),
    (("show", "rf#prd"), "unknown-stage", "Did you mean prod?"),
    (("show", "rf@v1.0.1"), "unknown-version", "Did you mean v1.0.0?"),
    (("resolve", "rff"), "unknown-artifact", "Did you mean rf?"),
    (("show", "rf:prod"), "unknown-artifact", "Did you mean rf#prod?"),
    (("resolve", "rf:latest"), "unknown-artifact", "Did you mean rf@latest?"),
    (("resolve", "sub/dvc.yaml:m"), "unknown-artifact", "Did you mean sub:m?"),
    (("fetch", "artifacts.yaml:rf", "-o", "x"), "unknown-artifact", "Did you mean rf?"),
    (("show", "refs/tags/rf#prod"), "unknown-artifact", "Did you mean rf?"),
    (("show", "RF"), "unknown-artifact", "Did you mean rf?"),
    (("history", "rff"), "unknown-artifact", "Did you mean rf?"),
    (("check-ref", "rf@v9.0.0"), "unknown-tag", "tagline history rf"),
    (("assign", "rff#prod", "--version", "v1.0.0"), "unknown-artifact", "Did you mean rf?"),
    (("unassign", "rf#prd"), "unknown-stage", "Did you mean prod?"),
    (("rollback", "rf#prd"), "unknown-stage", "Did you mean prod?"),
    (("assign", "rf#prod", "--version", "v1.0.2"), "unknown-version", "Did you mean v1.0.0?"),
    (("deregister", "rf@v3.0.0"), "unknown-version", ""),
    (("deprecate", "rff"), "unknown-artifact", "Did you mean rf?"),
    (("register", "rf", "--rev", "nope"), "unknown-revision", "git fetch"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "hint"), NOT_THERE, ids=lambda v: " ".join(v) if isinstance(v, tuple) else ""
)
def test_command__what_is_not_there__exit_6_with_the_nearest(
    registry: dict[str, str], tagline: CommandLine, arguments: tuple[str, ...], code: str, hint: str
) -> None:
    said = tagline(*arguments, "--json")
    assert said.code == 6
    assert said.json["error"]["code"] == code
    assert hint in said.json["error"]["hint"]
    assert "error:" in said.err
    assert "fix:" in said.err


WRONG = [
    (("show", "rf@1.0.0"), "v1.0.0"),
    (("show", "rf@V1.0.0"), "v1.0.0"),
    (("show", "rf#pr.od"), "NAME#stage"),
    (("show", "r f"), "NAME"),
    (("show", "sub=rf"), "sub:rf"),
    (("register", "r f"), "a-z"),
    (("register", "rf@v1.2.3"), "tagline register rf --version v1.2.3"),
    (("show", "--remote", "nope", "--repo", "~nobody-at-all/x"), "path"),
    (("show", "--repo", "https://[x/y"), "brackets"),
    (("assign", "rf#prod", "--version", "v1.0.0", "--override", " \n"), "REASON"),
    (("register", "rf", "--version", "1.2.3"), "Did you mean v1.2.3"),
    (("assign", "rf"), "rf#prod"),
    (("deregister", "rf@latest"), "NAME@v1.2.3"),
    (("deregister", "rf"), "NAME@v1.2.3"),
    (("assign", "rf", "prod"), "tagline assign rf#prod\n"),
    (("assign", "rf", "v1.0.0", "prod"), "tagline assign rf#prod --version v1.0.0"),
    (("unassign", "rf@v1.0.0", "prod"), "tagline unassign rf#prod --version v1.0.0"),
    (("rollback", "rf", "prod", "1.0.0"), "tagline rollback rf#prod --to v1.0.0"),
    (("assign", "rf@v1#prod"), "tagline assign rf#prod --version v1.0.0"),
    (("assign", "rf@v1.0.0"), "tagline assign rf#STAGE --version v1.0.0"),
    (("assign", "rf:prod"), "Did you mean rf#prod?"),
    (("assign", "models:/rf/Production"), "Did you mean rf#Production?"),
    (("register", "rf", "v2.0.0"), "tagline register rf --version v2.0.0"),
    (("register", "rf#prod"), "tagline assign rf#prod"),
    (("register", "models:/rf/2"), "Did you mean rf@v2.0.0?"),
    (("register", "rf:1.0.0"), "Did you mean rf@v1.0.0?"),
    (("register", "rf.x"), "a-z"),
    (("deprecate", "models:/rf"), "Did you mean rf?"),
    (("deregister", "rf", "v1.0.0"), "tagline deregister rf@v1.0.0"),
    (("deprecate", "rf@v1.0.0"), "tagline deregister rf@v1.0.0"),
    (("deprecate", "rf#prod"), "tagline unassign rf#prod"),
    (("show", "rf", "prod"), "tagline show rf#prod"),
    (("resolve", "rf", "1.0.0"), "tagline resolve rf@v1.0.0"),
    (("history", "rf", "prod"), "tagline history rf --at prod"),
    (("validate", "--fromat", "json"), "Did you mean --format?"),
    (("list",), "tagline show?"),
    (("shw",), "tagline show?"),
    (("log", "rf"), "tagline history?"),
    (("Register", "rf"), "tagline register?"),
    (("rf#prod",), "tagline show rf#prod?"),
    (("--versoin",), "--help"),
    (("history", "rf#prod"), "tagline history rf"),
    (("register", "rf", "--bump", "huge"), "--help"),
    (("register", "rf", "--bump", "major", "--version", "v1.0.0"), "--help"),
    (("nonsense",), "--help"),
    (("show", "--repo", "owner/name"), "URL"),
    (("show", "--repo", "a b"), "./a b"),
    (("resolve",), "churn#prod"),
    (("validate", "--repo", "a b"), "./a b"),
]


@pytest.mark.parametrize(("arguments", "hint"), WRONG, ids=lambda v: " ".join(v) if isinstance(v, tuple) else "")
def test_command__wrong_usage__exit_2_with_the_fix(
    registry: dict[str, str], tagline: CommandLine, arguments: tuple[str, ...], hint: str
) -> None:
    said = tagline(*arguments)
    assert said.code == 2
    assert hint in said.err
    assert not said.out


def test_show__no_repository_empty_repository_no_tags(here: Path, tagline: CommandLine) -> None:
    assert tagline("show").code == 2
    run_git(here, "init", "--quiet")
    assert tagline.json("show") == {"artifacts": {}, "warnings": []}
    assert "tagline register" in tagline("show").out
    assert tagline.json("history") == {"events": [], "warnings": []}
    assert tagline("show", "rf").code == 6
    said = tagline("register", "rf")
    assert said.code == 6
    assert "git commit" in said.err


def test_history__newest_first_with_actor_and_trailers(registry: dict[str, str], tagline: CommandLine) -> None:
    events = tagline.json("history", "rf")["events"]
    assert [event["tag"] for event in events] == ["rf#prod#2", "rf@v1.1.0", "rf#prod#1", "rf@v1.0.0"]
    assert events[0] == {
        "timestamp": "2023-11-14T22:13:24Z",
        "artifact": "rf",
        "event": "assignment",
        "version": "v1.1.0",
        "stage": "prod",
        "commit": registry["c1"],
        "tag": "rf#prod#2",
        "actor": {"name": "Ada", "email": "ada@example.com"},
        "trailers": {"Change": ["https://x/1"], "Approved-By": ["a", "b"]},
    }
    assert len(tagline.json("history")["events"]) == 6


@pytest.mark.parametrize("ref", ["rf#prod#2", "refs/tags/rf#prod#2"])
def test_check_ref__a_tag__what_it_did(registry: dict[str, str], tagline: CommandLine, ref: str) -> None:
    assert tagline.json("check-ref", ref) == {
        "event": "assignment",
        "artifact": "rf",
        "name": "rf",
        "version": "v1.1.0",
        "stage": "prod",
        "tag": "rf#prod#2",
        "commit": registry["c1"],
        "type": "model",
        "path": "models/rf",
        "description": "Trees",
        "current": True,
        "warnings": [],
    }


def test_check_ref__tag_of_the_job__is_the_default(registry: dict[str, str], tagline: CommandLine) -> None:
    github = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/rf#prod#1"}
    document = tagline.json("check-ref", **github)
    assert (document["tag"], document["version"], document["current"]) == ("rf#prod#1", "v1.0.0", False)
    assert tagline.json("check-ref", CI_COMMIT_TAG="rf@v1.0.0", GITLAB_CI="true")["current"] is True
    resolved = tagline.json("resolve", **github)
    assert (resolved["tag"], resolved["version"], resolved["current"]) == ("rf#prod#1", "v1.0.0", False)
    assert (resolved["previous_version"], resolved["size"]) == (None, 4)
    newest = tagline.json("resolve", GITHUB_ACTIONS="true", GITHUB_REF="refs/tags/rf#prod#2")
    assert (newest["version"], newest["current"], newest["previous_version"]) == ("v1.1.0", True, "v1.0.0")
    said = tagline("resolve", GITLAB_CI="true", CI_COMMIT_TAG="old@deprecated")
    assert said.code == 1


@pytest.mark.parametrize(
    "ref", [None, "release-1", "refs/heads/main", "refs/heads/fix#12", "v1.0.0", "rf@created", "nothing"]
)
def test_check_ref__no_registry_tag__empty_values(
    registry: dict[str, str], tagline: CommandLine, ref: str | None
) -> None:
    document = tagline.json("check-ref", *([ref] if ref else []))
    assert document.pop("warnings") == []
    assert document.pop("current") is False
    assert len(document) == 10
    assert set(document.values()) == {None}


def test_resolve__file_in_git__everything_about_it(registry: dict[str, str], here: Path, tagline: CommandLine) -> None:
    blob = run_git(here, "rev-parse", "HEAD:models/rf").strip()
    assert tagline.json("resolve", "rf#prod") == {
        "artifact": "rf",
        "version": "v1.1.0",
        "stage": "prod",
        "commit": registry["c1"],
        "tag": "rf#prod#2",
        "type": "model",
        "path": "models/rf",
        "description": "Trees",
        "labels": ["a", "b"],
        "uri": f"git+{here.as_uri()}@{registry['c1']}#models/rf",
        "digest": f"gitblob:{blob}",
        "sha256": None,
        "size": 6,
        "version_id": None,
        "files": 1,
        "current": True,
        "superseded": False,
        "previous_version": "v1.0.0",
        "registered_at": "2023-11-14T22:13:23Z",
        "presigned": None,
        "warnings": [],
    }
    assert tagline.json("resolve", "rf")["version"] == "v1.1.0"
    old = tagline.json("resolve", "rf#prod", "--as-of", "2023-11-14T22:13:22Z")
    assert (old["version"], old["current"], old["previous_version"]) == ("v1.0.0", False, None)


def test_resolve__require_change__refused_without_one(registry: dict[str, str], tagline: CommandLine) -> None:
    assert tagline("resolve", "rf#prod", "--require-change").code == 0
    said = tagline("resolve", "rf@v1.0.0", "--require-change", "--json")
    assert said.code == 1
    assert said.json["error"]["code"] == "no-change"


def test_resolve__malformed_manifest_elsewhere__only_what_needs_it_fails(here: Path, tagline: CommandLine) -> None:
    commits = (
        Commit("good", files={"artifacts.yaml": "rf: {path: m}\n", "m": "x"}),
        Commit("bad", files={"artifacts.yaml": "rf: {path: [\n"}),
    )
    tags = (Tag("rf@v1.0.0", "good", time=EPOCH + 1), Tag("rf@v1.1.0", "bad", time=EPOCH + 2))
    build(here, History(commits, tags))
    assert tagline.json("show")["artifacts"]["rf"]["latest"] == "v1.1.0"
    assert tagline.json("resolve", "rf@v1.0.0")["path"] == "m"
    said = tagline("resolve", "rf@v1.1.0", "--json")
    assert said.code == 1
    assert said.json["error"]["code"] == "manifest-unreadable"
    assert "artifacts.yaml, line" in said.json["error"]["message"]
    assert "commit " in said.json["error"]["message"]


def test_resolve__other_kinds_of_path__say_what_is_known(here: Path, tagline: CommandLine) -> None:
    manifest = "tree: {path: models}\nvirtual: {path: 's3://b/k', virtual: true}\nnone: {}\n"
    manifest += "dvc: {path: data}\nlfs: {path: lfs}\n"
    lfs = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 5\n"
    files = {"artifacts.yaml": manifest, "models/a": "1", "models/b/c": "22", "data.dvc": "outs: []\n", "lfs": lfs}
    names = ("tree", "virtual", "none", "dvc", "lfs", "absent")
    build(here, History((Commit("c0", files=files),), tuple(Tag(f"{name}@v1.0.0", "c0") for name in names)))
    found = {name: tagline.json("resolve", name, "--no-storage") for name in names}
    assert found["tree"]["digest"].startswith("gittree:")
    assert (found["tree"]["files"], found["tree"]["size"]) == (2, 3)
    assert (found["virtual"]["uri"], found["virtual"]["digest"]) == ("s3://b/k", None)
    assert found["none"]["path"] is None
    assert (found["lfs"]["digest"], found["lfs"]["size"]) == (f"sha256:{'a' * 64}", 5)
    for name, code in (("dvc", "storage-not-read"), ("absent", "not-described")):
        assert (found[name]["uri"], found[name]["digest"]) == (None, None)
        assert [w["code"] for w in found[name]["warnings"]] == [code]
    # A pointer that names nothing: with the store, nobody guesses.
    said = tagline("resolve", "dvc", "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "no-bytes")


def test_show__future_dated__counts_with_a_warning(here: Path, tagline: CommandLine) -> None:
    import time

    ahead = int(time.time()) + 3600
    build(here, History(tags=(Tag("rf@v1.0.0", "c0"), Tag("rf@v2.0.0", "c0", time=ahead))))
    document = tagline.json("show", "rf@latest")
    assert document["version"] == "v2.0.0"
    assert [w["code"] for w in document["warnings"]] == ["future-dated"]
    assert tagline.json("show", "rf@latest", "--as-of", "2026-01-01T00:00:00Z")["warnings"] == []


@pytest.mark.parametrize(("count", "lines"), [(3, 3), (100, 1)])
def test_show__tags_of_another_tool__many_are_one_line(
    registry: dict[str, str], tagline: CommandLine, count: int, lines: int
) -> None:
    for number in range(count):
        Path(f".git/refs/tags/web@v1.{number}.0").write_text(f"{registry['c0']}\n")
    said = tagline("show", "rf")
    assert (said.code, said.err) == (0, "")
    said = tagline("show")
    assert len(said.err.splitlines()) == said.err.count("[lightweight-tag]") == lines
    assert said.err.count("web@v1.0.0 is a lightweight tag") == 1
    assert ("97 more" in said.err, "99 more" in said.err) == (False, count == 100)
    assert len(tagline.json("show")["warnings"]) == count


@pytest.mark.parametrize("repo", [(), ("--repo", "file://{here}")], ids=["clone", "url"])
def test_ignore__tags_of_another_tool__are_in_no_list(here: Path, tagline: CommandLine, repo: tuple[str, ...]) -> None:
    policy = {".tagline.yaml": "ignore: {tags: ['web@*', 'rf@v2.*']}\n", **COMMITS[0].files}
    names = ("rf@v1.0.0", "rf@v2.0.0", "web@v2.0.1", "web@v2.0.2")
    tags = (*(Tag(name, "c0", time=EPOCH) for name in names), Tag("web@v3.0.0", "c0", lightweight=True))
    build(here, History((Commit("c0", files=policy),), tags, {"main": "c0"}), checkout=True)
    where = [part.format(here=here) for part in repo]
    shown = tagline.json("show", *where)
    assert (list(shown["artifacts"]), shown["warnings"]) == (["rf"], [])
    assert {event["artifact"] for event in tagline.json("history", *where)["events"]} == {"rf"}
    assert tagline.json("check-ref", "web@v2.0.1", *where)["event"] is None
    # A list never tells of an artifact otherwise than an answer about it alone.
    assert shown["artifacts"]["rf"] == tagline.json("show", "rf", *where)["artifacts"]["rf"]
    assert tagline.json("show", "web", *where)["artifacts"]["web"]["latest"] == "v2.0.2"


def test_show__table__is_plain_in_a_pipe(registry: dict[str, str], tagline: CommandLine) -> None:
    said = tagline("show")
    assert said.out.splitlines()[0].split() == ["ARTIFACT", "LATEST", "STAGES", "VERSIONS"]
    assert "\x1b" not in said.out + tagline("show", "rf").out + tagline("show", "rf#prod").out


def test_show__hostile_history__escaped(here: Path, tagline: CommandLine) -> None:
    tag = Tag("rf@v1.0.0", "c0", tagger="\x1b[31m::error::x <a@b>", message="m\n\nRun: ##[error]\x1b[0m\n")
    build(here, History(tags=(tag,)))
    said = tagline("history")
    assert "\x1b" not in said.out
    assert "::error::" not in [line.strip()[:9] for line in said.out.splitlines()]


def test_repo__path_from_anywhere__the_same(registry: dict[str, str], here: Path, tagline: CommandLine) -> None:
    expected = tagline.json("show")
    (here / "sub").mkdir()
    assert tagline.json("show", cwd=here / "sub") == expected
    assert tagline.json("show", "--repo", str(here), cwd=here.parent) == expected
    assert tagline.json("show", "--repo", "./" + here.name, cwd=here.parent) == expected


def test_check_ref__odd_object__does_not_stop_the_others(
    registry: dict[str, str], here: Path, tagline: CommandLine
) -> None:
    """A tag object whose header is no text, and an empty ref file."""
    content = b"object \xff\xfe\ntype commit\ntag bad@v1.0.0\ntagger A <a@b> 1 +0000\n\nx\n"
    raw = b"tag %d\0%s" % (len(content), content)
    object_id = hashlib.sha1(raw).hexdigest()
    path = here / ".git" / "objects" / object_id[:2] / object_id[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(raw))
    (here / ".git" / "refs" / "tags" / "bad@v1.0.0").write_text(object_id + "\n")
    document = tagline.json("show")
    assert set(document["artifacts"]) == {"rf"}
    assert [w["code"] for w in document["warnings"]] == ["not-a-commit"]


@pytest.mark.parametrize("count", [1, 2500])
def test_show__refs_emptied_by_a_crash__refused(
    registry: dict[str, str], here: Path, tagline: CommandLine, count: int
) -> None:
    """Git itself only mumbles on stderr, and would answer the version before."""
    for number in range(count):
        (here / ".git" / "refs" / "tags" / f"rf#prod#{number + 2}").write_text("")
    for question in (("show", "rf#prod"), ("show",), ("history",)):
        said = tagline(*question, "--json")
        assert (said.code, said.json["error"]["code"]) == (4, "broken-ref")
        assert "git fetch --tags --force" in said.json["error"]["hint"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        "show",
        "show --json",
        "history",
        "validate",
        "validate --json",
        "resolve rf --json",
        "--version",
        "--help",
        "show -h",
    ],
)
def test_output__that_cannot_be_written__is_no_bug(registry: dict[str, str], arguments: str, unbuffered: str) -> None:
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tagline", *arguments.split()],
            stdout=full, stderr=subprocess.PIPE, text=True, env=environ, check=False,
        )  # fmt: skip
    assert done.returncode == 4
    assert done.stderr.splitlines()[0].startswith("error: This machine cannot write: No space left")
    assert "Exception ignored" not in done.stderr
    assert "Traceback" not in done.stderr


def test_output__of_a_narrow_terminal__is_escaped(registry: dict[str, str]) -> None:
    narrow = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "tagline", "history"], env=narrow, capture_output=True, check=False)
    assert done.returncode == 0


def test_resolve__path_that_looks_like_a_pattern__is_a_path(here: Path, tagline: CommandLine) -> None:
    files = {"artifacts.yaml": "rf: {path: ':(glob)*'}\n", "x": "1"}
    build(here, History((Commit("c0", files=files),), (Tag("rf@v1.0.0", "c0"),)))
    assert tagline("resolve", "rf").code == 6
    assert tagline.json("resolve", "rf", "--no-storage")["digest"] is None
