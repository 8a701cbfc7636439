"""``tagline doctor`` against real clones and a local forge: every check green, red, and unknown where that exists."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tagline.domain.doctor.checks import TITLES
from tagline_localforge import guards
from tests.commands.changes.world import BETTER, START, World
from tests.domain.doctor.test_keys import jwt
from tests.support.answering import serving
from tests.support.s3server import S3Server

GITHUB, GITLAB = (pytest.mark.parametrize("platform", [name]) for name in ("github", "gitlab"))
POLICY = 'stages: {staging: {}, prod: {approvals: {count: 1, from: ["@org/ml-leads"]}}}\n'


def look(
    world: World, check: str, *arguments: str, token: str | None = None, **more: str
) -> list[tuple[str, str, str]]:
    """State, message and fix of one check's lines, of a run in the clone."""
    ran = world.run("doctor", *arguments, token=token, cwd=world.clone, **more)
    assert ran.code in (0, 1), ran.err
    for line in ran.json["checks"]:
        assert line["hint"] or line["state"] == "ok", line
        assert line["url"].endswith(f"docs/doctor.md#{line['id']}")
    assert (ran.code == 1) is any(line["state"] == "fail" for line in ran.json["checks"])
    return [(each["state"], each["message"], each["hint"]) for each in ran.json["checks"] if each["id"] == check]


def states(lines: Sequence[tuple[str, str, str]]) -> list[str]:
    return [state for state, _, _ in lines]


@pytest.fixture
def guarded(make_world: Callable[..., World], platform: Any) -> World:
    world = make_world(platform, POLICY)
    world.git("fetch", "--quiet", "--tags")
    return world


# -- the token ---------------------------------------------------------------------------------------


@GITHUB
@pytest.mark.parametrize(
    ("secret", "login", "scopes", "state", "statuses"),
    [
        ("ghp_good", "bob", ("repo", "workflow"), "ok", "ok"),
        ("ghp_reads", "bob", ("read:org",), "fail", "fail"),
        ("ghp_mallory", "mallory", ("repo",), "fail", "fail"),
        ("github_pat_bob", "bob", None, "unknown", "unknown"),
        ("github_pat_mallory", "mallory", None, "fail", "unknown"),
    ],
)  # fmt: skip
def test_token__of_github(
    world: World, secret: str, login: str, scopes: tuple[str, ...] | None, state: str, statuses: str
) -> None:
    world.forge.token(secret, login=login, scopes=scopes)
    ((found, message, _),) = look(world, "token", token=secret)
    assert (found, secret in message) == (state, False)
    assert states(look(world, "statuses", token=secret)) == [statuses]


@GITHUB
def test_token__of_a_job_of_github__is_never_ok_and_its_limits_are_told(world: World) -> None:
    world.forge.token("ghs_actions", kind="actions")
    ((state, message, _),) = look(world, "token", token="ghs_actions", TAGLINE_JOB_TOKEN="ghs_actions")
    assert (state, "github.token" in message, "no workflow" in message) == ("warn", True, True)
    assert states(look(world, "token", token="ghs_actions")) == ["unknown"]
    assert states(look(world, "statuses", token="ghs_actions")) == ["unknown"]


@GITLAB
@pytest.mark.parametrize(
    ("login", "scopes", "expires", "found", "statuses"),
    [
        ("bob", ("api", "write_repository"), None, ["ok"], "ok"),
        ("bob", ("api",), None, ["warn"], "ok"),
        ("bob", ("read_api",), None, ["fail"], "fail"),
        ("mallory", ("api", "write_repository"), None, ["fail"], "fail"),
        ("bob", ("api", "write_repository"), "2020-01-01", ["fail", "ok"], "ok"),
    ],
)
def test_token__of_gitlab(
    world: World, login: str, scopes: tuple[str, ...], expires: str | None, found: list[str], statuses: str
) -> None:
    world.forge.token("glpat", login=login, scopes=scopes, expires=expires)
    assert states(look(world, "token", token="glpat")) == found
    assert states(look(world, "statuses", token="glpat")) == [statuses]


@GITLAB
def test_token__of_a_job_of_gitlab__says_what_it_lacks(world: World) -> None:
    assert states(look(world, "token", token="job")) == ["fail"]
    world.repo.job_token_push = True
    assert states(look(world, "token", token="job")) == ["warn"]
    assert states(look(world, "statuses", token="job")) == ["warn"]


def test_token__that_is_none__is_wrong_and_not_printed(world: World) -> None:
    said = world.run_cli("doctor", cwd=world.clone, **world.environ("s3cr3t-nobodys"))
    assert said.code == 1
    assert "s3cr3t" not in said.out + said.err
    assert re.search(r"(?m)^fail +token ", said.out)


def test_forge__on_a_machine_that_nobody_told__is_unknown(world: World) -> None:
    said = world.run_cli("doctor", "--json", cwd=world.clone)
    assert ("token", "unknown") in {(line["id"], line["state"]) for line in said.json["checks"]}
    assert "--repo-forge" in next(line["hint"] for line in said.json["checks"] if line["id"] == "token")


def test_forge__outside_of_a_repository_and_of_a_job__is_wrong_usage(world: World) -> None:
    said = world.run_cli("doctor", "--json", cwd=world.folder)
    assert (said.code, "clone" in said.json["error"]["hint"]) == (2, True)
    said = world.run_cli("doctor", "--org", "org", "--json", cwd=world.folder)
    assert (said.code, said.json["error"]["code"]) == (2, "which-forge")
    assert "--repo " not in said.json["error"]["hint"]


def test_token__that_is_withheld__is_told_with_the_reason(world: World) -> None:
    own = {"TAGLINE_REPO_TOKEN": "bob-token", "TAGLINE_REPO_HOST": "git.example.org"}
    page = f"{world.server.url}/org/shop"
    options = ("--repo-forge", world.platform, "--repo", page, "--json")
    said = world.run_cli("doctor", *options, cwd=world.folder, **own)
    token = next(line for line in said.json["checks"] if line["id"] == "token")
    host = world.server.url.removeprefix("http://")
    assert (token["state"], token["message"]) == ("fail", f"TAGLINE_REPO_TOKEN is not sent to {host}.")
    assert "git.example.org alone" in token["hint"]
    said = world.run_cli("labels", "sync", *options, cwd=world.folder, **own)
    assert said.code != 0
    assert f"not sent to {host}: TAGLINE_REPO_HOST" in said.json["error"]["hint"]


def test_hints__on_a_machine__name_the_forge_and_the_repository(world: World) -> None:
    world.git("remote", "set-url", "origin", f"{world.server.url}/org/shop.git")
    own = {"TAGLINE_REPO_TOKEN": "bob-token", "TAGLINE_REPO_HOST": world.server.url}
    said = world.run_cli("doctor", "--repo-forge", world.platform, "--json", cwd=world.clone, **own)
    hint = next(line["hint"] for line in said.json["checks"] if line["id"] == "labels")
    assert f"tagline labels sync --repo-forge {world.platform} --repo {world.server.url}/org/shop" in hint


def test_report__in_every_form__has_none_of_the_secrets(world: World) -> None:
    folder = world.folder
    secrets = {
        "TAGLINE_REPO_TOKEN": "s3cr3t-repo", "TAGLINE_DELIVER_TOKEN": "s3cr3t-deliver",
        "AWS_ACCESS_KEY_ID": "ASIAS3CR3TKEY", "AWS_SECRET_ACCESS_KEY": "s3cr3t-key",
        "AWS_SESSION_TOKEN": "s3cr3t-session",
        "MLFLOW_TRACKING_URI": "http://user:s3cr3t-mlflow@127.0.0.1:9", "TAGLINE_AWS_ID_TOKEN": jwt(sub="s", aud="a"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_OUTPUT": str(folder / "outputs"),
    }  # fmt: skip
    world.forge.token("s3cr3t-token", login="bob", scopes=("repo",))
    world.git("remote", "set-url", "origin", f"{world.server.url.replace('//', '//u:s3cr3t-url@')}/org/shop.git")
    seen = ""
    for arguments in (["doctor"], ["doctor", "--json"], ["ci", "doctor"], ["doctor", "--fix"]):
        said = world.run_cli(*arguments, cwd=world.clone, **world.environ("s3cr3t-token", **secrets))
        assert said.code in (0, 1), said.err
        seen += said.out + said.err
    files = [folder / "summary.md", folder / "outputs", *world.clone.glob("tagline*")]
    seen += "".join(file.read_text() for file in files if file.exists())
    assert "aws" in seen
    assert "s3cr3t" not in seen.casefold()
    assert secrets["TAGLINE_AWS_ID_TOKEN"] not in seen


# -- labels ------------------------------------------------------------------------------------------


def test_labels__missing_near_and_lost(guarded: World) -> None:
    ((state, message, hint),) = look(guarded, "labels")
    assert (state, "version:patch" in message, "labels sync" in hint) == ("fail", True, True)
    for name in ("version:patch", "version:minor", "version:major", "stage:staging"):
        guarded.repo.make_label(name, "ededed", "")
    ((state, message, _),) = look(guarded, "labels")
    assert (state, "no label stage:prod:" in message) == ("fail", True)
    guarded.repo.make_label("stage:prod", "ededed", "")
    guarded.repo.make_label("bug", "ededed", "")
    assert states(look(guarded, "labels")) == ["ok"]
    for name in ("stages:prod", "stage:production", "stage:chrun#prod", "rollback:churn#prod"):
        guarded.repo.make_label(name, "ededed", "")
    near, lost = look(guarded, "labels")
    assert (near[0], "stages:prod" in near[1], "stage:prod" in near[2]) == ("warn", True, True)
    assert (lost[0], "stage:production" in lost[1], "stage:chrun#prod" in lost[1]) == ("warn", True, True)
    assert "rollback" not in lost[1]
    if guarded.platform == "gitlab":
        assert states(look(guarded, "labels", token="job")) == ["unknown"]


# -- what rules read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("check", ["label-events", "approvals", "pushers"])
def test_reading__is_tried_with_a_change(world: World, check: str) -> None:
    assert states(look(world, check)) == ["unknown"]
    world.open("topic", BETTER)
    assert states(look(world, check)) == ["ok"]
    if world.platform == "gitlab":
        assert states(look(world, check, token="job")) == ["unknown"]


def test_teams__of_the_policy__are_counted(guarded: World) -> None:
    assert states(look(guarded, "teams")) == ["ok"]
    guarded.push("main", {".tagline.yaml": POLICY.replace('["@', '[bob, nobody-here, codeowners, "@')})
    (state, message, _), team = look(guarded, "teams")
    assert (state, "nobody-here" in message, "bob" in message, team[0]) == ("warn", True, False, "ok")
    guarded.push("main", {".tagline.yaml": POLICY})
    guarded.forge.team("org/ml-leads", [])
    assert states(look(guarded, "teams")) == ["fail"]
    assert states(look(guarded, "teams", token="actions" if guarded.platform == "github" else "job")) == ["unknown"]


# -- guards ------------------------------------------------------------------------------------------


def test_tag_guard__of_stages_with_rules(guarded: World) -> None:
    github = guarded.platform == "github"
    ((state, message, _),) = look(guarded, "tag-guard")
    assert (state, "prod" in message) == ("warn", True)  # staging has no rules
    patterns = ("refs/tags/*#*", "refs/tags/**/*#*") if github else ("*#*",)
    guard = guards.TagGuard(7, "registry", patterns, passes=frozenset({"my-app[bot]"}) if github else frozenset())
    guarded.repo.guards.tags.append(guard)
    assert states(look(guarded, "tag-guard")) == ["ok"]
    guard.passes, guard.level = frozenset(), 0
    assert states(look(guarded, "tag-guard")) == ["fail"]
    guard.include = ("refs/tags/v*",) if github else ("v*",)
    assert states(look(guarded, "tag-guard")) == ["warn"]


@GITLAB
def test_tag_guard__that_names_people__is_unknown(guarded: World) -> None:
    guarded.repo.guards.tags.append(guards.TagGuard(7, "r", ("*#*",), passes=frozenset({"tagline-bot"}), level=0))
    assert states(look(guarded, "tag-guard")) == ["unknown"]


def test_direct_push__to_the_default_branch(world: World) -> None:
    assert states(look(world, "direct-push")) == ["warn"]
    world.repo.guards.branches.append(guards.BranchGuard("main", by_ruleset=world.platform == "gitlab"))
    assert states(look(world, "direct-push")) == ["unknown" if world.platform == "github" else "ok"]
    world.repo.guards.branches[0].by_ruleset = True
    assert states(look(world, "direct-push")) == ["ok"]
    if world.platform == "gitlab":
        assert states(look(world, "direct-push", token="job")) == ["unknown"]


def test_owners__of_what_decides(make_world: Callable[..., World], platform: Any) -> None:
    place = {"github": ".github/CODEOWNERS", "gitlab": "CODEOWNERS"}[platform]
    ci = {"github": ".github/workflows/tagline.yml", "gitlab": ".gitlab-ci.yml"}[platform]
    world = make_world(platform, POLICY, {**START, ci: "on: push\n"})
    ((state, message, _),) = look(world, "owners")
    assert (state, "no CODEOWNERS" in message) == ("warn", True)
    world.push("main", {place: "/.tagline.yaml @org/ml-leads\n"})
    ((state, message, _),) = look(world, "owners")
    assert (state, ci in message, place in message, ".tagline.yaml" in message) == ("warn", True, True, False)
    world.push("main", {place: "* @org/ml-leads\n"})
    assert states(look(world, "owners")) == ["ok"]


# -- the clone ---------------------------------------------------------------------------------------


def test_clone__whole_shallow_or_without_tags(world: World) -> None:
    world.tag("churn@v1.0.0")
    assert states(look(world, "clone")) == ["ok"]
    world.git("tag", "--delete", "churn@v1.0.0")
    ((state, message, hint),) = look(world, "clone")
    assert (state, "churn@v1.0.0" in message, "GIT_DEPTH" in hint or "fetch-tags" in hint) == ("fail", True, True)
    assert states(look(world, "tags")) == ["unknown"]
    world.push("main", {"models/churn.txt": "trees: 11\n"})
    shallow = world.folder / "shallow"
    world.git("clone", "--quiet", "--depth=1", world.repo.path.as_uri(), str(shallow), folder=world.folder)
    world.git("fetch", "--quiet", "--tags", "--depth=1", folder=shallow)
    ran = world.run("doctor", cwd=shallow)
    assert [line["state"] for line in ran.json["checks"] if line["id"] == "clone"] == ["warn"]


def test_clone__none_at_all__is_unknown_and_the_forge_is_asked_all_the_same(world: World) -> None:
    ran = world.run("doctor", cwd=world.folder)
    found = {line["id"]: line["state"] for line in ran.json["checks"]}
    assert found["clone"] == "unknown"
    assert {"token", "direct-push"} <= set(found)


def test_tags__lightweight_and_future(world: World) -> None:
    world.tag("churn@v1.0.0")
    assert states(look(world, "tags")) == ["ok"]
    world.git("tag", "fraud@v1.0.0")
    world.git("push", "--quiet", "origin", "fraud@v1.0.0")
    ((state, message, hint),) = look(world, "tags")
    assert (state, "fraud@v1.0.0" in message, "lightweight-tag" in hint) == ("warn", True, True)


def test_tags__tied_or_of_the_future(world: World) -> None:
    world.tag("churn@v1.0.0")
    world.push("main", {"models/churn.txt": "trees: 11\n"})
    world.tag("churn@v1.1.0")
    at = int(time.time()) - 60
    for commit, number in (("HEAD~1", 1), ("HEAD", 2)):
        env = {"GIT_COMMITTER_DATE": f"{at} +0000"}
        world.dates = env
        world.git("tag", "--annotate", "--message", "x", f"churn#prod#{number}", commit)
    world.git("push", "--quiet", "origin", "--tags")
    ((state, _, hint),) = look(world, "tags")
    assert (state, "same-second" in hint) == ("warn", True)
    world.dates = {"GIT_COMMITTER_DATE": f"{int(time.time()) + 86_400 * 3} +0000"}
    world.git("tag", "--annotate", "--message", "x", "churn#staging#1", "HEAD")
    world.git("push", "--quiet", "origin", "--tags")
    ((state, _, hint),) = look(world, "tags")
    assert (state, "future-dated" in hint) == ("warn", True)


def test_tags__moved__since_they_were_fetched(world: World) -> None:
    world.tag("churn@v1.0.0")
    first = world.git("rev-parse", "churn@v1.0.0")
    assert states(look(world, "tags")) == ["ok"]
    world.git("tag", "--force", "--annotate", "--message", "another", "churn@v1.0.0")
    world.git("push", "--quiet", "--force", "origin", "churn@v1.0.0")
    assert world.git("rev-parse", "churn@v1.0.0") != first
    assert states(look(world, "tags")) == ["warn"]


def test_files__valid_or_not(world: World) -> None:
    assert states(look(world, "files")) == ["ok"]
    (world.clone / "artifacts.yaml").write_text("churn: {pat: models/churn.txt}\n")
    ((state, message, _),) = look(world, "files")
    assert (state, message.startswith("artifacts.yaml, line 1: ")) == ("fail", True)
    (world.clone / "artifacts.yaml").unlink()
    world.git("add", "--all")
    assert states(look(world, "files")) == ["warn"]


@GITHUB
@pytest.mark.parametrize(
    ("used", "state"),
    [
        ("actions/checkout@v6", "ok"), ("actions/checkout@v6.0.1", "warn"), ("actions/checkout@v4", "warn"),
        ("actions/checkout@0123456789abcdef0123456789abcdef01234567", "unknown"),
        ("actions/checkout@0123456789abcdef0123456789abcdef01234567 # v6.0.2", "ok"),
    ],
)  # fmt: skip
def test_versions__of_checkout(world: World, used: str, state: str) -> None:
    assert states(look(world, "versions")) == ["ok"]
    world.push("main", {".github/workflows/a.yml": f"jobs:\n  a:\n    steps:\n      - uses: {used}\n"})
    assert states(look(world, "versions")) == ["ok", state]


@GITLAB
def test_versions__of_the_runner__are_told(world: World) -> None:
    ((_, message, _),) = look(world, "versions", CI_RUNNER_VERSION="18.4.0")
    assert "runner 18.4.0" in message


# -- workflows and schedules -------------------------------------------------------------------------


@GITHUB
def test_workflows__edited_since_a_holder(make_world: Callable[..., World], platform: Any) -> None:
    world = make_world(platform, None, {**START, ".github/workflows/a.yml": "on: push\n"})
    world.forge.token("ghp_all", login="bob", scopes=("repo", "workflow"))
    world.forge.token("ghp_repo", login="bob", scopes=("repo",))
    assert states(look(world, "workflows")) == ["fail"]  # that nothing runs plan and promote
    world.tag("churn@v1.0.0", "churn#prod#1")
    assert states(look(world, "workflows")) == ["fail", "ok"]
    world.push("main", {".github/workflows/another.yml": "on: push\n"})
    assert states(look(world, "workflows")) == ["fail", "ok"]
    world.push("main", {".github/workflows/a.yml": "on: [push]\n"})
    for token, state in (("app", "unknown"), ("ghp_repo", "warn"), ("ghp_all", "ok")):
        _, (found, message, _) = look(world, "workflows", token=token)
        assert (found, "churn#prod" in message) == (state, True)


def test_pipelines__that_run_plan_and_promote__are_looked_for(world: World) -> None:
    github = world.platform == "github"
    ((state, message, hint),) = look(world, "workflows")
    assert (state, "plan nor promote" in message, "tagline init" in hint) == ("fail", True, True)
    path = ".github/workflows/a.yml" if github else ".gitlab-ci.yml"
    call = "tagline-dev/tagline/.github/workflows/{}.yml@v1" if github else "$CI_SERVER_FQDN/tagline-dev/tagline/{}@1"
    text = "jobs: {{j: {{uses: {}}}}}\n" if github else "include: [{{component: {}}}]\n"
    world.push("main", {path: text.format(call.format("promote"))})
    assert states(look(world, "workflows")) == ["warn"]
    other = path if github else "ci/plan.yml"
    plan = "jobs: {j: {steps: [{run: tagline ci plan}]}}\n" if github else "plan: {script: [tagline ci plan]}\n"
    more = (
        {"b.yml": plan} if github else {other: plan, path: f"{text.format(call.format('promote'))[:-2]}, ci/*.yml]\n"}
    )
    world.push("main", {(f".github/workflows/{name}" if github else name): body for name, body in more.items()})
    assert states(look(world, "workflows")) == ["ok"]
    elsewhere = "jobs: {j: {uses: org/ci/.github/workflows/x.yml@v1}}\n" if github else "include: [{project: org/ci}]\n"
    world.push("main", {path: elsewhere, **({".github/workflows/b.yml": None} if github else {})})
    ((state, message, _),) = look(world, "workflows")
    assert (state, "org/ci" in message) == ("unknown", True)


@GITLAB
def test_schedules__of_gitlab(world: World) -> None:
    ((state, _, hint),) = look(world, "schedules")
    assert (state, "every hour" in hint) == ("warn", True)
    world.repo.guards.schedules["nightly"] = True
    assert states(look(world, "schedules")) == ["ok"]
    world.repo.guards.schedules["hourly"] = False
    assert states(look(world, "schedules")) == ["fail"]
    assert states(look(world, "schedules", token="job")) == ["unknown"]


@GITHUB
def test_schedules__of_github(make_world: Callable[..., World], platform: Any) -> None:
    text = "on:\n  schedule:\n    - cron: '1 * * * *'\n"
    world = make_world(platform, None, {**START, ".github/workflows/night.yml": text}, days_ago=50)
    world.repo.add_workflow("night.yml")
    assert states(look(world, "schedules")) == ["ok"]
    world.repo.public = True  # GitHub stops those of public repositories alone
    ((state, message, _),) = look(world, "schedules")
    assert (state, "50 days" in message) == ("warn", True)
    world.push("main", {"a": "b"})
    assert states(look(world, "schedules")) == ["ok"]
    world.repo.guards.disabled["night.yml"] = "disabled_inactivity"
    assert states(look(world, "schedules")) == ["fail"]


# -- the job -----------------------------------------------------------------------------------------


BYTES = b"trees: 10\n"


def test_storage__by_one_object_of_each_store(world: World) -> None:
    assert look(world, "storage") == []  # what lies in Git needs no store
    digest = hashlib.md5(BYTES).hexdigest()
    store = world.folder / "store"
    pointer = f"outs:\n- md5: {digest}\n  size: {len(BYTES)}\n  hash: md5\n  path: m.bin\n"
    config = f"[core]\n    remote = local\n['remote \"local\"']\n    url = {store}\n"
    files = {".dvc/config": config, "m.bin.dvc": pointer, "artifacts.yaml": "churn: {path: m.bin}\n"}
    world.push("main", files)
    ((state, message, _),) = look(world, "storage")
    assert (state, message.startswith("churn: ")) == ("fail", True)
    place = store / "files" / "md5" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(BYTES)
    ((state, message, _),) = look(world, "storage")
    assert (state, str(store) in message, digest in message) == ("ok", True, False)
    world.push("main", {".dvc/config": f"{config}['remote \"spare\"']\n    url = {world.folder}/spare\n"})
    tried, spare = look(world, "storage")
    assert (tried[0], spare[0], "spare" in spare[1]) == ("ok", "unknown", True)


def test_storage__one_cause_of_many_artifacts__is_one_line(world: World) -> None:
    pointer = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 1\n  hash: md5\n  path: {}.bin\n"
    pointers = {f"{name}.bin.dvc": pointer.format(name) for name in "abcdef"}
    manifest = "".join(f"{name}: {{path: {name}.bin}}\n" for name in "abcdef")
    world.push("main", {".dvc/config": "[core]\n", **pointers, "artifacts.yaml": manifest})
    ((state, message, _),) = look(world, "storage")
    assert (state, message.startswith("a: "), "b, c, d and 2 more" in message) == ("fail", True, True)


def test_storage__on_s3__by_the_credentials_that_are_here(
    world: World, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, bucket = hashlib.md5(BYTES).hexdigest(), s3.bucket()
    config = f"[core]\n    remote = s\n['remote \"s\"']\n    url = s3://{bucket}/store\n    endpointurl = {s3.url}\n"
    pointer = f"outs:\n- md5: {digest}\n  size: {len(BYTES)}\n  hash: md5\n  path: m.bin\n"
    world.push("main", {".dvc/config": config, "m.bin.dvc": pointer, "artifacts.yaml": "churn: {path: m.bin}\n"})
    assert states(look(world, "storage")) == ["fail"]
    s3.put(bucket, f"store/files/md5/{digest[:2]}/{digest[2:]}", BYTES)
    ((state, message, _),) = look(world, "storage")
    assert (state, f"s3://{bucket}/store can be read" in message) == ("ok", True)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert states(look(world, "storage")) == ["fail"]


def test_storage__without_a_checkout__of_the_default_branch(world: World) -> None:
    config = "[core]\n    remote = nowhere\n"
    pointer = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: m.bin\n"
    world.push("main", {".dvc/config": config, "m.bin.dvc": pointer, "artifacts.yaml": "churn: {path: m.bin}\n"})
    ran = world.run("doctor", cwd=world.folder)
    ((state, message),) = [(each["state"], each["message"]) for each in ran.json["checks"] if each["id"] == "storage"]
    assert (state, "nowhere" in message) == ("fail", True)


def test_aws__by_the_environment(world: World) -> None:
    key = {"AWS_ACCESS_KEY_ID": "AKIA0123456789ABCDEF", "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-aws"}
    assert look(world, "aws") == []
    ((state, message, _),) = look(world, "aws", **key)
    assert (state, "s3cr3t" in message) == ("ok", False)
    assert states(look(world, "aws", **key, AWS_SESSION_TOKEN="old")) == ["fail"]
    both = {**key, "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/file", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
    assert states(look(world, "aws", **both)) == ["fail"]
    ended = {**key, "AWS_ACCESS_KEY_ID": "ASIA0", "AWS_SESSION_TOKEN": "t"}
    assert states(look(world, "aws", **ended, AWS_CREDENTIAL_EXPIRATION="2020-01-01T00:00:00Z")) == ["fail"]
    assert states(look(world, "aws", **ended, AWS_CREDENTIAL_EXPIRATION="no time")) == ["ok"]


@GITLAB
def test_oidc__of_a_job_of_gitlab(world: World) -> None:
    token = jwt(sub="project_path:org/shop:ref_type:branch:ref:main", aud="https://gitlab.com")
    ((state, message, _),) = look(world, "oidc", TAGLINE_AWS_ID_TOKEN=token)
    assert (state, "project_path:org/shop" in message, token in message) == ("warn", True, False)


@GITHUB
def test_oidc__of_a_job_of_github__is_asked_of_its_runner(world: World) -> None:
    assert look(world, "oidc") == []
    with serving() as runner:
        asked = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{runner.url}/token?api=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cr3t",
        }
        token = jwt(sub="repo:org/shop:ref:refs/heads/main", aud="sts.amazonaws.com")
        runner.answer = lambda _: (200, {}, {"value": token})
        ((state, message, _),) = look(world, "oidc", **asked)
        assert (state, "repo:org/shop" in message, token in message) == ("ok", True, False)
        assert runner.asked == ["GET /token?api=2&audience=sts.amazonaws.com"]
        assert runner.heard[0]["Authorization"] == "Bearer s3cr3t"
        # Nobody else gets the runner's token.
        runner.answer = lambda _: (302, {"Location": "http://127.0.0.1:1/"}, {})
        ((state, message, _),) = look(world, "oidc", **asked)
        assert (state, "s3cr3t" in message) == ("unknown", False)
    ((state, message, _),) = look(world, "oidc", AWS_WEB_IDENTITY_TOKEN_FILE="/no/such/file")
    assert (state, "AWS_WEB_IDENTITY_TOKEN_FILE" in message) == ("unknown", True)


def test_mlflow__reachable_or_not(world: World) -> None:
    assert look(world, "mlflow") == []
    assert states(look(world, "mlflow", MLFLOW_TRACKING_URI="http://127.0.0.1:9")) == ["fail"]
    with serving() as server:
        server.answer = lambda _: (404, {}, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"})
        assert states(look(world, "mlflow", MLFLOW_TRACKING_URI=server.url)) == ["ok"]
    world.push("main", {"artifacts.yaml": f"churn: {{path: models/churn.txt, mlflow: {{run_id: {'a' * 32}}}}}\n"})
    assert states(look(world, "mlflow")) == ["warn"]


# -- many repositories, and what is mended ------------------------------------------------------------


def test_fix__makes_labels_and_fetches_tags_and_no_more(guarded: World) -> None:
    guarded.tag("churn@v1.0.0")
    guarded.git("tag", "--delete", "churn@v1.0.0")
    guarded.git("tag", "--annotate", "--message", "here", "churn@v0.9.0", "HEAD")
    before = guarded.git("rev-parse", "HEAD", "churn@v0.9.0")
    ran = guarded.run("doctor", "--fix", cwd=guarded.clone)
    labels, tags = sorted(ran.json["fixed"], reverse=True)
    assert ("stage:prod" in guarded.repo.label_names(), "Made 5 labels" in labels) == (True, True)
    assert ("churn@v1.0.0" in tags, guarded.git("rev-parse", "HEAD", "churn@v0.9.0")) == (True, before)
    found = {line["id"]: line["state"] for line in ran.json["checks"]}
    assert (found["labels"], found["clone"]) == ("ok", "ok")
    assert guarded.run("doctor", "--fix", cwd=guarded.clone).json["fixed"] == []


def test_fix__that_the_token_may_not__says_so(guarded: World) -> None:
    guarded.forge.token("reads", login="mallory")
    ran = guarded.run("doctor", "--fix", cwd=guarded.clone, token="reads" if guarded.platform == "github" else "job")
    failed = [line for line in ran.json["checks"] if line["message"].startswith("--fix could not")]
    assert (ran.code, ran.json["fixed"], [line["id"] for line in failed]) == (1, [], ["labels"])


def test_many__each_repository_is_looked_at_and_a_broken_one_is_a_line(world: World) -> None:
    empty = world.forge.repository("org/empty")
    empty.grant("tagline-bot", "maintain")
    hidden = world.forge.repository("org/hidden")
    option = "--org" if world.platform == "github" else "--group"
    token = "alice-token" if world.platform == "github" else None
    empty.grant("alice", "write")
    ran = world.run("doctor", option, "org", token=token)
    found = {(line["repository"], line["id"]): line["state"] for line in ran.json["checks"]}
    assert {name for name, _ in found} == {"org/shop", "org/empty"}
    assert hidden.full_name not in ran.out
    assert found["org/shop", "direct-push"] == "warn" if world.platform == "github" else "warn"
    assert found["org/empty", "labels"] in ("fail", "unknown")
    text = world.run_cli("doctor", option, "org", cwd=world.folder, **world.environ(token))
    assert re.search(r"(?m)^org/empty$", text.out)


def test_many__of_an_owner_that_is_not_there__not_found(world: World) -> None:
    option = "--org" if world.platform == "github" else "--group"
    assert world.run("doctor", option, "nobody").code == 6
    assert world.run("doctor", option, "org", "--fix").code == 2


# -- documents ---------------------------------------------------------------------------------------


def test_page__has_a_section_for_every_check() -> None:
    page = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()
    assert re.findall(r"(?m)^### .*\{#([a-z-]+)\}$", page) == list(TITLES)


def test_step__writes_a_summary(world: World, tmp_path: Path) -> None:
    summary, outputs = tmp_path / "summary.md", tmp_path / "outputs"
    files = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(outputs)}
    said = world.run_cli("ci", "doctor", cwd=world.clone, **world.environ(**files))
    assert "direct-push" in said.out
    written = summary if world.platform == "github" else world.clone / "tagline.json"
    assert "direct-push" in written.read_text()
    if world.platform == "github":
        assert "### ❌ Tagline: doctor" in written.read_text()
