"""--repo URL: the same answers as in a clone, without one; and clones that lack tags."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands.ledger.test_reading import COMMITS, TAGS
from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git
from tests.support.githttp import serve

QUESTIONS = [
    ("show",),
    ("show", "--all"),
    ("show", "rf"),
    ("show", "rf#prod"),
    ("show", "rf@v1.0.0"),
    ("show", "rf@latest", "--as-of", "2023-11-14T22:13:22Z"),
    ("history",),
    ("history", "rf"),
    ("check-ref", "rf#prod#1"),
    ("resolve", "rf#prod"),
    ("resolve", "rf@v1.0.0"),
    ("validate",),
]


@pytest.fixture(params=["filtering", "plain"])
def origin(request: pytest.FixtureRequest, here: Path) -> Path:
    """A bare remote, with and without support for partial clones."""
    build(here / "origin", History(COMMITS, TAGS, {"main": "c1"}), bare=True)
    if request.param == "filtering":
        run_git(here / "origin", "config", "uploadpack.allowFilter", "true")
    return here / "origin"


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_repo_url__every_question__answers_as_in_a_clone(
    origin: Path, here: Path, tagline: CommandLine, question: tuple[str, ...]
) -> None:
    run_git(here, "clone", "--quiet", origin.as_uri(), "clone")
    local = tagline(*question, "--json", cwd=here / "clone")
    for _ in range(2):  # cold and from the cache
        remote = tagline(*question, "--json", "--repo", origin.as_uri(), cwd=here)
        assert (remote.code, remote.json) == (local.code, local.json)


def test_repo_url__cached__sees_what_is_new_and_what_is_gone(origin: Path, tagline: CommandLine) -> None:
    url = origin.as_uri()
    assert tagline.json("show", "rf#prod", "--repo", url)["version"] == "v1.1.0"
    run_git(origin, "tag", "-d", "rf#prod#2")
    assert tagline.json("show", "rf#prod", "--repo", url)["version"] == "v1.0.0"
    run_git(origin, "tag", "-d", "rf#prod#1", "rf@v1.0.0", "rf@v1.1.0")
    assert tagline("show", "rf#prod", "--repo", url).code == 6


def test_repo_url__one_artifact__fetches_its_tags_alone(
    origin: Path, here: Path, tagline: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TRACE_PACKET", str(here / "packets"))
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(here / "trace"))
    tagline.json("show", "rf#prod", "--repo", origin.as_uri())
    packets = (here / "packets").read_text()
    assert "ref-prefix refs/tags/rf@" in packets
    assert "refs/tags/old@v0.1.0" not in packets
    events = [json.loads(line) for line in (here / "trace").read_text().splitlines()]
    assert "ls-remote" not in [word for event in events for word in event.get("argv", ())]


def test_repo_url__killed_run_left_a_lock__the_cache_heals(
    origin: Path, tagline: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    ask = ("show", "rf#prod", "--repo", origin.as_uri())
    assert tagline.json(*ask, TAGLINE_CACHE=str(cache))["version"] == "v1.1.0"
    run_git(origin, "tag", "-d", "rf#prod#2")
    (cached,) = cache.glob("*.git")
    (cached / "packed-refs.lock").touch()
    (cached / "shallow.lock").touch()
    assert tagline.json(*ask, TAGLINE_CACHE=str(cache))["version"] == "v1.0.0"


@pytest.mark.parametrize("url", ["file:///nonexistent/repo.git", "http://127.0.0.1:9/x.git"])
def test_repo_url__unreachable__exit_4(here: Path, tagline: CommandLine, url: str) -> None:
    said = tagline("show", "rf#prod", "--repo", url)
    assert said.code == 4, said
    assert "fix:" in said.err


def test_remote__that_is_a_command__is_not_run(here: Path, tagline: CommandLine) -> None:
    build(here, History(tags=(Tag("rf@v1.0.0", "c0"),)))
    run_git(here, "remote", "add", "origin", f"ext::sh -c touch% {here}/pwned")
    assert tagline("show", CI="true").code == 4
    assert tagline("show", "nobody").code == 4
    assert tagline("register", "rf", "--push").code == 4
    assert tagline("show", "rf", "--repo", f"ext::sh -c touch% {here}/pwned").code == 2
    assert not (here / "pwned").exists()


def test_repo_url__credentials__are_never_shown(here: Path, tagline: CommandLine) -> None:
    said = tagline("show", "rf", "--repo", "http://user:s3cret@127.0.0.1:9/x.git", "--json")
    assert said.code == 4
    assert "s3cret" not in said.out + said.err


def test_repo_url__writing__without_a_clone(origin: Path, tagline: CommandLine) -> None:
    url = origin.as_uri()
    assert tagline.json("assign", "rf#dev", "--version", "v1.0.0", "--repo", url)["pushed"] is True
    assert tagline.json("rollback", "rf#prod", "--repo", url)["holder"]["version"] == "v1.0.0"
    made = tagline.json("register", "new", "--repo", url, "--rev", "main")
    assert made["tags"][0]["commit"] == run_git(origin, "rev-parse", "main").strip()
    assert tagline("register", "new", "--repo", url, "--rev", "nope").code == 6
    assert tagline("register", "new", "--repo", url, "--no-push").code == 2
    run_git(origin, "fsck", "--strict")
    assert {"rf#dev#3", "rf#prod#4", "new@v0.0.1"} <= set(run_git(origin, "tag").split())


def test_repo_owner_name__on_the_forge_of_the_job(origin: Path, here: Path, tagline: CommandLine) -> None:
    (here / "org").mkdir()
    origin.rename(here / "org" / "name.git")
    with serve(here) as server:
        job = {"GITHUB_SERVER_URL": server.url, "GITHUB_ACTIONS": "true"}
        assert tagline.json("show", "rf#prod", "--repo", "org/name", **job)["version"] == "v1.1.0"


# -- completeness -------------------------------------------------------------------------------


@pytest.fixture
def lacking(origin: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A full clone in which the newest stage tag is missing: it would answer v1.0.0."""
    run_git(here, "clone", "--quiet", origin.as_uri(), "clone")
    run_git(here / "clone", "tag", "-d", "rf#prod#2")
    monkeypatch.chdir(here / "clone")
    return here / "clone"


COMPARING = [("show", "rf#prod"), ("show",), ("resolve", "rf#prod"), ("history",), ("check-ref", "rf#prod#1")]


@pytest.mark.parametrize("question", COMPARING, ids=" ".join)
@pytest.mark.parametrize(
    ("job", "fix", "other"),
    [
        ({"GITHUB_ACTIONS": "true"}, "fetch-depth: 0", "GIT_DEPTH"),
        ({"GITLAB_CI": "true"}, 'GIT_DEPTH: "0"', "fetch-depth"),
    ],
)
def test_incomplete__in_ci__refused_with_the_fix_of_the_platform(
    lacking: Path, tagline: CommandLine, question: tuple[str, ...], job: dict[str, str], fix: str, other: str
) -> None:
    said = tagline(*question, "--json", **job)
    assert (said.code, said.json["error"]["code"]) == (4, "incomplete-clone")
    assert "rf#prod#2" in said.json["error"]["message"]
    assert fix in said.json["error"]["hint"]
    assert other not in said.json["error"]["hint"]


def test_incomplete__at_a_terminal__the_full_clone_is_believed(lacking: Path, tagline: CommandLine) -> None:
    assert tagline.json("show", "rf#prod")["version"] == "v1.0.0"


@pytest.mark.parametrize("option", ["--depth=1", "--filter=blob:none"])
def test_incomplete__shallow_or_partial__refused_also_at_a_terminal(
    origin: Path, here: Path, tagline: CommandLine, option: str
) -> None:
    run_git(origin, "config", "uploadpack.allowFilter", "true")
    run_git(here, "clone", "--quiet", option, "--no-tags", origin.as_uri(), "clone")
    clone = here / "clone"
    said = tagline("show", "rf#prod", cwd=clone)
    assert said.code == 4
    assert "git fetch --tags --force origin" in said.err
    assert "fetch-depth: 0" in said.err
    assert 'GIT_DEPTH: "0"' in said.err
    run_git(clone, "fetch", "--quiet", "--tags", "--force", "origin")  # the fix, as printed
    assert tagline.json("show", "rf#prod")["version"] == "v1.1.0"


def test_incomplete__what_was_asked_for_is_not_here__compared_before_it_is_denied(
    origin: Path, here: Path, tagline: CommandLine
) -> None:
    run_git(here, "clone", "--quiet", "--no-tags", origin.as_uri(), "clone")
    assert tagline("show", "rf#prod", cwd=here / "clone").code == 4
    assert tagline("show", "nobody", cwd=here / "clone").code == 6
    assert tagline("show", "rf#prod", "--offline", cwd=here / "clone").code == 6


def test_incomplete__other_artifacts_tag_is_missing__does_not_matter(
    origin: Path, here: Path, tagline: CommandLine
) -> None:
    run_git(here, "clone", "--quiet", origin.as_uri(), "clone")
    run_git(here / "clone", "tag", "-d", "old@deprecated")
    assert tagline.json("show", "rf#prod", cwd=here / "clone", CI="true")["version"] == "v1.1.0"
    assert tagline("show", cwd=here / "clone", CI="true").code == 4


def test_incomplete__tag_with_other_content__refused(lacking: Path, tagline: CommandLine) -> None:
    run_git(lacking, "tag", "-a", "-m", "mine", "rf#prod#2", "rf@v1.0.0^{}")
    said = tagline("show", "rf#prod", CI="true")
    assert said.code == 4
    assert "other content" in said.err


def test_lightweight__made_by_a_checkout__the_remotes_word_counts(lacking: Path, tagline: CommandLine) -> None:
    run_git(lacking, "tag", "rf#prod#2", "rf@v1.1.0^{}")  # what an old checkout makes of the triggering tag
    for variables in ({}, {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/rf#prod#2"}):
        document = tagline.json("show", "rf#prod", **variables)
        assert (document["version"], document["tag"]) == ("v1.1.0", "rf#prod#2")
        assert [w["code"] for w in document["warnings"]] == ["refetched-tag"]
        assert tagline.json("show", **variables)["artifacts"]["rf"]["stages"]["prod"]["version"] == "v1.1.0"
        checked = tagline.json("check-ref", "rf#prod#2", **variables)
        assert (checked["version"], checked["current"]) == ("v1.1.0", True)
        assert tagline.json("history", "rf", **variables)["events"][0]["trailers"]["Approved-By"] == ["a", "b"]
    assert run_git(lacking, "cat-file", "-t", "rf#prod#2").strip() == "commit"  # left as it was


def test_lightweight__on_the_remote_too__ignored_with_a_warning(here: Path, tagline: CommandLine) -> None:
    tags = (Tag("rf@v1.0.0", "c0", time=EPOCH + 1), Tag("rf@v2.0.0", "c0", lightweight=True))
    build(here / "origin", History(tags=tags), bare=True)
    run_git(here, "clone", "--quiet", "origin", "clone")
    document = tagline.json("show", "rf@latest", cwd=here / "clone", CI="true")
    assert document["version"] == "v1.0.0"
    assert [w["code"] for w in document["warnings"]] == ["lightweight-tag"]


def test_remote_unreachable__when_it_is_needed__exit_4_unless_offline(
    lacking: Path, here: Path, tagline: CommandLine
) -> None:
    (here / "origin").rename(here / "away")
    assert tagline.json("show", "rf#prod")["version"] == "v1.0.0"  # a full clone needs no network
    said = tagline("show", "rf#prod", CI="true")
    assert said.code == 4
    assert "--offline" in said.err
    assert "--offline" not in tagline("doctor").out  # which does not take it
    assert tagline.json("show", "rf#prod", "--offline", CI="true")["version"] == "v1.0.0"


def test_incomplete__no_tag_at_all__compared_before_saying_so(origin: Path, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", "--no-tags", origin.as_uri(), "clone")
    for question in ("show", "history"):
        assert tagline(question, cwd=here / "clone").code == 4
    assert tagline.json("show", "--offline")["artifacts"] == {}


def test_offline__denial_from_a_shallow_clone__says_that_nobody_compared(
    origin: Path, here: Path, tagline: CommandLine
) -> None:
    run_git(here, "clone", "--quiet", "--depth=1", "--no-tags", origin.as_uri(), "clone")
    said = tagline("show", "rf#prod", "--offline", cwd=here / "clone")
    assert said.code == 6
    assert "shallow" in said.err


def test_repo_url__name_that_no_ref_can_carry__not_found(origin: Path, tagline: CommandLine) -> None:
    assert tagline("show", "a//b", "--repo", origin.as_uri()).code == 6


def test_resolve__remote_by_relative_path__uri_that_means_something(
    origin: Path, here: Path, tagline: CommandLine
) -> None:
    run_git(here, "clone", "--quiet", "origin", "clone")
    run_git(here / "clone", "remote", "set-url", "origin", "../origin")
    uri = tagline.json("resolve", "rf#prod", cwd=here / "clone")["uri"]
    assert uri.startswith(f"git+{origin.as_uri()}@")


def test_offline__shallow_clone__answers_with_a_warning(origin: Path, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", "--depth=1", origin.as_uri(), "clone")
    document = tagline.json("show", "--offline", cwd=here / "clone")
    assert [w["code"] for w in document["warnings"]][:1] == ["not-compared"]


def test_only_here__in_ci__answered_with_a_warning(origin: Path, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", origin.as_uri(), "clone")
    tagline.json("assign", "rf#dev", "--version", "v1.0.0", cwd=here / "clone")
    document = tagline.json("show", "rf#dev", CI="true")
    assert [w["code"] for w in document["warnings"]] == ["not-on-remote"]


@pytest.fixture
def behind(here: Path) -> Path:
    """A full clone that lacks a tag of its remote."""
    build(here / "origin", History(COMMITS, TAGS, {"main": "c1"}), bare=True)
    run_git(here, "clone", "--quiet", (here / "origin").as_uri(), "clone")
    run_git(here / "origin", "tag", "-a", "-m", "m", "rf#canary#3", "main")
    return here / "clone"


def _at_a_terminal(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the program with a terminal as its stderr, which is merged into what it prints."""
    leader, follower = pty.openpty()
    try:
        command = [sys.executable, "-m", "tagline", *arguments]
        done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, stderr=follower, text=True, check=False)
        os.set_blocking(leader, False)
        said = os.read(leader, 65536).decode() if select.select([leader], [], [], 10)[0] else ""
        return subprocess.CompletedProcess(arguments, done.returncode, done.stdout, said)
    finally:
        os.close(leader)
        os.close(follower)


@pytest.mark.parametrize("arguments", ["show", "show rf", "show rf#prod", "history", "resolve rf --no-storage"])
def test_behind__at_a_terminal__says_when_it_was_fetched(behind: Path, arguments: str) -> None:
    (behind / ".git/FETCH_HEAD").write_text("x\n")
    os.utime(behind / ".git/FETCH_HEAD", (EPOCH, EPOCH))
    done = _at_a_terminal(behind, *arguments.split())
    assert done.returncode == 0, done.stderr
    assert "as fetched from origin, last at 2023-11-14T22:13:20Z" in done.stderr
    assert "--fresh" in done.stderr


def test_behind__at_a_terminal__is_a_warning_of_the_document_too(behind: Path) -> None:
    (warning,) = json.loads(_at_a_terminal(behind, "show", "--json").stdout)["warnings"]
    assert (warning["code"], warning["tag"]) == ("as-fetched", None)


def test_behind__fetch_that_failed__is_none(behind: Path) -> None:
    cloned = behind / ".git/logs/refs/remotes/origin/HEAD"
    os.utime(cloned, (EPOCH, EPOCH))
    (behind / ".git/FETCH_HEAD").write_text("")
    assert "last at 2023-11-14T22:13:20Z" in _at_a_terminal(behind, "show").stderr
    cloned.unlink()
    assert "nobody knows when" in _at_a_terminal(behind, "show").stderr


@pytest.mark.parametrize("arguments", ["show --offline", "show --repo {origin}", "show nobody"])
def test_behind__who_knows_better__is_not_told(behind: Path, here: Path, arguments: str) -> None:
    origin = (here / "origin").as_uri()
    assert "as fetched" not in _at_a_terminal(behind, *arguments.format(origin=origin).split()).stderr


def test_behind__no_terminal__nothing_is_said(behind: Path, tagline: CommandLine) -> None:
    said = tagline("show", cwd=behind)
    assert (said.code, said.err) == (0, "")


def test_fresh__clone_that_is_behind__refused_with_the_fix(behind: Path, tagline: CommandLine) -> None:
    said = tagline("show", "rf", "--fresh", "--json", cwd=behind)
    assert (said.code, said.json["error"]["code"]) == (4, "incomplete-clone")
    assert "rf#canary" in said.json["error"]["message"]
    assert "git fetch --tags --force origin" in said.json["error"]["hint"]
    run_git(behind, "fetch", "--quiet", "--tags", "--force", "origin")
    assert "canary" in tagline.json("show", "rf", "--fresh", cwd=behind)["artifacts"]["rf"]["stages"]
    assert "as fetched" not in _at_a_terminal(behind, "show", "--fresh").stderr
    assert tagline("show", "--fresh", "--offline", cwd=behind).code == 2


def test_fresh__what_the_remote_lacks__is_marked(behind: Path, tagline: CommandLine) -> None:
    run_git(behind, "fetch", "--quiet", "--tags", "--force", "origin")
    said = tagline("assign", "rf#dev", "--version", "v1.0.0", "--no-push", cwd=behind)
    tag = tagline.json("show", "rf#dev", cwd=behind)["tag"]
    assert f"stayed in this clone. Others see it after: git push --atomic origin 'refs/tags/{tag}'" in said.out
    marked = f"{tag} (not on origin)"
    assert marked in tagline("show", "rf", "--fresh", cwd=behind).out
    assert marked not in tagline("show", "rf", cwd=behind).out, "nobody asked"
    run_git(behind, "push", "--quiet", "--atomic", "origin", f"refs/tags/{tag}")
    assert "not on origin" not in tagline("show", "rf", "--fresh", cwd=behind).out


# -- found in review ----------------------------------------------------------------------------


def test_repo_url__revision_that_is_an_option_or_a_refspec__is_neither(
    origin: Path, here: Path, tagline: CommandLine
) -> None:
    for revision in (
        f"--upload-pack=touch {here}/pwned;git-upload-pack",
        "main:refs/tags/x@v9.9.9",
        "+main",
        "a b",
        "^main",
    ):
        said = tagline("register", "new", "--repo", origin.as_uri(), f"--rev={revision}", "--json")
        assert (said.code, said.json["error"]["code"]) == (2, "bad-revision")
    assert not (here / "pwned").exists()
    assert "x@v9.9.9" not in run_git(origin, "tag")


def test_cache__of_what_nobody_asked_for_a_month__goes_with_the_next_new_one(
    origin: Path, tagline: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    for name in ("rf#prod", "rf#dev"):
        tagline("show", name, "--repo", origin.as_uri(), TAGLINE_CACHE=str(cache))
    (old,) = cache.glob("*.git")
    month_ago = time.time() - 31 * 86_400
    os.utime(old.with_suffix(".lock"), (month_ago, month_ago))
    tagline("show", "--repo", origin.as_uri(), TAGLINE_CACHE=str(cache))
    assert old not in set(cache.glob("*.git"))
    assert list(cache.glob("*.git"))
    assert tagline("show", "rf#prod", "--repo", origin.as_uri(), TAGLINE_CACHE=str(cache)).code == 0


def test_repo_url__damaged_cache__heals(
    origin: Path, tagline: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    ask = ("show", "rf#prod", "--repo", origin.as_uri())
    variables = {"TAGLINE_CACHE": str(cache)}
    assert tagline.json(*ask, **variables)["version"] == "v1.1.0"
    (cached,) = cache.glob("*.git")
    for path in cached.rglob("*"):
        if path.is_file() and "objects" in path.parts:
            path.chmod(0o644)
            path.write_bytes(b"")
    assert tagline.json(*ask, **variables)["version"] == "v1.1.0"
    assert tagline("validate", "--repo", origin.as_uri(), **variables).code == 0
    for folder in cache.glob("*.git"):
        (folder / "shallow.lock").touch()
    assert tagline("validate", "--repo", origin.as_uri(), **variables).code == 0
    for path in sorted(cached.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert tagline.json(*ask, **variables)["version"] == "v1.1.0"


def test_incomplete__several_remotes_none_is_origin__which_one(origin: Path, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", "--depth=1", "--no-tags", origin.as_uri(), "clone")
    run_git(here / "clone", "remote", "rename", "origin", "up")
    run_git(here / "clone", "remote", "add", "fork", origin.as_uri())
    said = tagline("show", "--json", cwd=here / "clone")
    assert (said.code, said.json["error"]["code"]) == (2, "which-remote")
    assert tagline("show", "--remote", "up").code == 4
    assert tagline("show", "--remote", "typo").code == 2


def test_incomplete__shallow_without_any_remote__refused(origin: Path, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", "--depth=1", origin.as_uri(), "clone")
    run_git(here / "clone", "remote", "remove", "origin")
    said = tagline("show", "--json", cwd=here / "clone")
    assert (said.code, said.json["error"]["code"]) == (4, "incomplete-clone")
    assert tagline("show", "--offline").code == 0


def test_resolve__password_with_an_at_sign__is_not_shown(origin: Path, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", origin.as_uri(), "clone")
    run_git(here / "clone", "remote", "set-url", "origin", "https://u:p@ss@host.invalid/x.git")
    assert tagline.json("resolve", "rf#prod", cwd=here / "clone")["uri"].startswith("git+https://host.invalid/x.git@")


def test_repo_url__stages_of_gto_config__are_honoured(origin: Path, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", origin.as_uri(), "clone")
    (here / "clone" / ".gto").write_text("stages: [prod, dev]\n")
    run_git(here / "clone", "add", ".gto")
    run_git(here / "clone", "commit", "--quiet", "-m", "stages")
    run_git(here / "clone", "push", "--quiet", "origin", "HEAD")
    said = tagline("assign", "rf#prdo", "--version", "v1.0.0", "--repo", origin.as_uri(), "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "unknown-stage")
    assert tagline("assign", "rf#dev", "--version", "v1.0.0", "--repo", origin.as_uri()).code == 0


def test_incomplete__remote_url_rewritten_by_the_clone__is_rewritten_once(
    origin: Path, here: Path, tagline: CommandLine
) -> None:
    run_git(here, "clone", "--quiet", origin.as_uri(), "clone")
    (here / "mirror").mkdir()
    origin.rename(here / "mirror" / "origin")
    mirror = f"url.{here.as_uri()}/mirror/.insteadOf"
    run_git(here / "clone", "config", mirror, f"{here.as_uri()}/")
    assert tagline.json("show", "rf#prod", cwd=here / "clone", CI="true")["version"] == "v1.1.0"
    run_git(here / "clone", "config", mirror, "https://models.invalid/")
    run_git(here / "clone", "remote", "set-url", "origin", "https://models.invalid/origin")
    assert tagline.json("show", "rf#prod", CI="true")["version"] == "v1.1.0"
    assert tagline.json("assign", "rf#dev", "--version", "v1.0.0", "--push")["pushed"] is True


def test_validate__every_manifest_deleted_in_a_clone_without_tags__is_still_found(
    here: Path, tagline: CommandLine
) -> None:
    """A checkout of CI has one commit and no tags: what it lacks must not turn a finding into 'nothing to check'."""
    files = {"artifacts.yaml": "rf: {path: m}\n", "m": "x"}
    gone = Commit("c1", ("c0",), {"m": "x"}, time=EPOCH + 60)
    tags = (Tag("rf@v1.0.0", "c0"),)
    build(here / "origin", History((Commit("c0", files=files), gone), tags, {"main": "c1"}), bare=True)
    run_git(here, "clone", "--quiet", "--depth", "1", "--no-tags", (here / "origin").as_uri(), "clone")
    for more in ({}, {"CI": "true"}):
        said = tagline("validate", "--json", cwd=here / "clone", **more)
        assert (said.code, [found["rule"] for found in said.json["findings"]]) == (1, ["no-manifest"])
    run_git(here / "clone", "remote", "set-url", "origin", (here / "nowhere").as_uri())
    assert tagline("validate", cwd=here / "clone").code == 4
