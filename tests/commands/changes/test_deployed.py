"""``deployed``: a deployment reports, once, to the registry's memory and the forge; ``show --deployed`` reads it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks import Webhook

from tagline.adapters.receivers import webhooks
from tests.commands.changes.world import BETTER, Platform, Ran, World
from tests.localforge.faults import fail_always, fail_once
from tests.support.receiver import receiving

PROD = "churn#prod#1"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
LABELS = ("version:minor", "stage:prod")
#: The blob of "trees: 50\n".
DIGEST = "gitblob:" + subprocess.run(
    ["git", "hash-object", "--stdin"], input=b"trees: 50\n", capture_output=True, check=True
).stdout.decode().strip()  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same retries, without the waiting between them."""
    monkeypatch.setattr(webhooks, "PAUSE", 0.0)


def promoted(world: World, branch: str = "topic", files: Any = BETTER) -> None:
    number = world.open(branch, files, labels=LABELS)
    world.merge(number)
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err


def deployed(world: World, state: str, *arguments: str, tag: str | None = PROD, run: str = "77", **more: str) -> Ran:
    """By the job that a tag started."""
    job: dict[str, str] = {}
    if tag is not None:
        commit = world.tags()[tag].target
        if world.platform == "github":
            job = {"GITHUB_REF": f"refs/tags/{tag}", "GITHUB_SHA": commit, "GITHUB_RUN_ID": run}
        else:
            url = f"{world.server.url}/org/shop/-/jobs/{run}"
            job = {"CI_COMMIT_TAG": tag, "CI_COMMIT_SHA": commit, "CI_JOB_ID": run, "CI_JOB_URL": url}
    return world.run("deployed", "--state", state, *arguments, **{**job, **more})


def states(world: World) -> list[tuple[str, str, str]]:
    """What the forge has: environment, ref and newest state of each deployment, the oldest first."""
    newest = [one.statuses[-1].state if one.statuses else one.state for one in world.repo.deployments]
    return [(one.environment, one.ref, state) for one, state in zip(world.repo.deployments, newest, strict=True)]


def record(world: World, artifact: str = "churn") -> Any:
    said = world.repo.git("cat-file", "blob", f"refs/tagline/{artifact}@delivery:record.json")
    return json.loads(said)


def reports(world: World) -> list[tuple[str, str]]:
    return [(row["tag"], row["state"]) for row in record(world)["reports"]]


SAID = {"github": ("in_progress", "success"), "gitlab": ("running", "success")}


def test_a_deployment_from_begin_to_end__is_one_on_the_forge_and_two_reports(world: World) -> None:
    promoted(world)
    began = deployed(world, "in_progress")
    assert began.code == 0, began.out + began.err
    assert states(world) == [("churn/prod", PROD, SAID[world.platform][0])]
    ended = deployed(world, "success", "--digest", DIGEST, "--url", "https://churn.example.org")
    assert ended.code == 0, ended.out + ended.err
    assert states(world) == [("churn/prod", PROD, "success")]
    assert reports(world) == [(PROD, "in_progress"), (PROD, "success")]
    said = ended.json
    assert (said["version"], said["stage"], said["digest"], said["current"]) == ("v0.1.0", "prod", DIGEST, True)
    assert (said["remembered"], said["news"], said["errors"]) == (True, True, [])
    assert said["deployment"]["by"] == "tagline"
    if world.platform == "github":
        (one,) = world.repo.deployments
        assert one.statuses[-1].environment_url == "https://churn.example.org"
        assert one.statuses[-1].log_url == said["run_url"] == f"{world.server.url}/org/shop/actions/runs/77"


def test_the_same_report_again__says_nothing_to_anybody(world: World) -> None:
    promoted(world)
    for state in ("in_progress", "success"):
        deployed(world, state)
    before = (states(world), record(world))
    again = deployed(world, "success")
    assert (again.code, again.json["news"], again.json["deployment"]["news"]) == (0, False, False), again.err
    assert not [one for one in again.requests if one.method != "GET"]
    assert (states(world), record(world)) == before


@pytest.mark.parametrize("said", ["sha256:" + "0" * 64, "gitblob:" + "1" * 40, "md5:" + "2" * 32])
def test_digest_that_the_ledger_does_not_know__is_refused_and_nobody_hears_of_it(world: World, said: str) -> None:
    promoted(world)
    ran = deployed(world, "success", "--digest", said)
    assert (ran.code, ran.json["error"]["code"]) == (1, "unknown-digest"), ran.out
    assert DIGEST in ran.json["error"]["hint"]
    assert (world.repo.deployments, ran.requests) == ([], [])
    assert "churn@delivery" not in world.repo.git("for-each-ref", "refs/tagline")


def test_tag_that_was_overtaken__is_reported_with_its_own_version(world: World) -> None:
    promoted(world)
    promoted(world, "later", {"models/churn.txt": "trees: 51\n"})
    ran = deployed(world, "success", "--digest", DIGEST)
    assert (ran.code, ran.json["version"], ran.json["current"]) == (0, "v0.1.0", False), ran.out + ran.err
    named = deployed(world, "success", PROD, tag=None, run="78")
    assert (named.code, named.json["version"], named.json["tag"]) == (0, "v0.1.0", PROD)
    now = deployed(world, "success", "churn#prod", tag=None, run="79")
    assert (now.json["version"], now.json["tag"]) == ("v0.2.0", "churn#prod#2")


def test_target__without_a_stage_or_none_at_all__is_wrong_usage(world: World) -> None:
    promoted(world)
    assert deployed(world, "success", "churn", tag=None).json["error"]["code"] == "no-stage"
    assert deployed(world, "success", tag=None).json["error"]["code"] == "no-target"
    assert deployed(world, "success", tag="churn@v0.1.0").json["error"]["code"] == "no-target"
    for digest in ("x", ""):  # a variable of a script that is not set is not the ledger's own
        assert deployed(world, "success", "--digest", digest).json["error"]["code"] == "bad-digest"
    for url in ("javascript:alert(1)", "https://u:p@h/", "https://h/<x>", "https://h/\x1b[2J"):
        assert deployed(world, "success", "--url", url).json["error"]["code"] == "bad-address"
    assert deployed(world, "success", "fraud#prod", tag=None).code == 6


def test_clone_whose_tags_are_old__reports_no_older_version(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab")
    promoted(world)
    clone = world.folder / "old"
    world.git("clone", "--quiet", world.repo.path.as_uri(), str(clone))
    promoted(world, "later", {"models/churn.txt": "trees: 51\n"})
    said = world.run_cli("deployed", "churn#prod", "--state", "success", "--json", "--repo", str(clone), cwd=clone)
    assert said.code == 4, said.out
    assert "churn@delivery" not in world.repo.git("for-each-ref", "refs/tagline")


def test_dry_run__says_what_it_would_and_says_it_to_nobody(world: World) -> None:
    promoted(world)
    ran = deployed(world, "success", "--dry-run")
    assert (ran.code, ran.json["dry_run"], ran.json["environment"]) == (0, True, "churn/prod"), ran.err
    assert (world.repo.deployments, ran.requests) == ([], [])
    assert "churn@delivery" not in world.repo.git("for-each-ref", "refs/tagline")


def test_token_that_may_not_push__the_forge_is_told_and_what_is_missing_is_said(world: World) -> None:
    promoted(world)
    world.repo.refused_refs = "refs/tagline/*"
    ran = deployed(world, "success")
    assert (ran.code, ran.json["remembered"]) == (4, False), ran.out
    (error,) = ran.json["errors"]
    assert error["code"] == "not-remembered"
    assert "contents: write" in error["hint"]
    assert "not-remembered" not in ran.err
    assert "is not remembered" in ran.err
    assert states(world) == [("churn/prod", PROD, "success")]


def test_token_that_may_not_write_deployments__the_registry_knows_and_what_is_missing_is_said(world: World) -> None:
    promoted(world)
    fault = fail_always(world.server, "POST", r"/deployments$", 403)
    ran = deployed(world, "success")
    fault.remove()
    assert (ran.code, ran.json["remembered"], ran.json["deployment"]) == (4, True, None), ran.out
    assert ran.json["errors"][0]["code"] == "no-permission"
    again = deployed(world, "success")
    assert (again.code, states(world)) == (0, [("churn/prod", PROD, "success")])


def test_environment_of_the_policy__is_the_forges(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, "stages: {prod: {environment: 'live-STAGE/NAME'}}\n")
    promoted(world)
    ran = deployed(world, "success")
    assert (ran.code, ran.json["environment"]) == (0, "live-prod/churn"), ran.err
    assert states(world)[0][0] == "live-prod/churn"


def test_job_that_names_an_environment__the_forges_own_deployment_is_used(world: World) -> None:
    promoted(world)
    more = {}
    if world.platform == "github":
        world.repo.add_workflow("deploy.yml")
        run = world.repo.start_run("deploy.yml", f"refs/tags/{PROD}", by="alice")
        world.repo.deploy_by_job(run, "production", f"{world.server.url}/org/shop/actions/runs/{run.id}")
        more = {"run": str(run.id), "RUNNER_NAME": "runner-1"}
    else:
        more = {"CI_ENVIRONMENT_NAME": "production"}
    before = len(world.repo.deployments)
    ran = deployed(world, "success", **more)
    assert (ran.code, len(world.repo.deployments)) == (0, before), ran.out + ran.err
    assert (ran.json["deployment"]["by"], ran.json["deployment"]["environment"]) == ("forge", "production")
    assert reports(world) == [(PROD, "success")]


def test_environment_of_another_job_of_the_run__is_not_taken_for_this_ones(make_world: Callable[..., World]) -> None:
    world = make_world("github")
    promoted(world)
    world.repo.add_workflow("deploy.yml")
    run = world.repo.start_run("deploy.yml", f"refs/tags/{PROD}", by="alice")
    page = f"{world.server.url}/org/shop/actions/runs/{run.id}"
    other = world.repo.deploy("staging", PROD, by="github-actions[bot]", sha=run.sha)
    world.repo.say(other, "in_progress", by="github-actions[bot]", log_url=f"{page}/job/1")
    ran = deployed(world, "success", run=str(run.id), RUNNER_NAME="runner-1")
    assert (ran.code, ran.json["deployment"]["by"]) == (0, "tagline"), ran.err
    assert states(world) == [("staging", PROD, "in_progress"), ("churn/prod", PROD, "success")]


def test_success__makes_the_one_before_inactive(make_world: Callable[..., World]) -> None:
    world = make_world("github")
    promoted(world)
    deployed(world, "success")
    promoted(world, "later", {"models/churn.txt": "trees: 51\n"})
    deployed(world, "success", tag="churn#prod#2", run="78")
    assert states(world) == [("churn/prod", PROD, "inactive"), ("churn/prod", "churn#prod#2", "success")]


def test_job_of_another_repository__reports_there_and_is_remembered_here(world: World) -> None:
    promoted(world)
    app = world.forge.repository("org/app")
    app.grant("tagline-bot", "maintain")
    first = world.git("rev-parse", "HEAD")
    world.git("push", "--quiet", str(app.path), "HEAD:refs/heads/main")
    url = world.server.url
    job = (
        {"GITHUB_REPOSITORY": "org/app", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": first}
        if world.platform == "github"
        else {
            "CI_PROJECT_PATH": "org/app", "CI_PROJECT_URL": f"{url}/org/app", "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_SHA": first, "CI_JOB_URL": f"{url}/org/app/-/jobs/9", "CI_JOB_ID": "9",
        }
    )  # fmt: skip
    ran = deployed(world, "success", PROD, "--repo", "org/shop", tag=None, **job)
    assert ran.code == 0, ran.out + ran.err
    assert world.repo.deployments == []
    assert [(one.environment, one.sha) for one in app.deployments] == [("churn/prod", first)]
    assert reports(world) == [(PROD, "success")]


def test_two_reports_at_once__are_both_remembered(world: World) -> None:
    promoted(world)
    commit = world.tags()[PROD].target
    key = "GITHUB_RUN_ID" if world.platform == "github" else "CI_JOB_ID"
    children = []
    for run in ("1", "2", "3"):
        job = {key: run}
        if world.platform == "gitlab":
            job["CI_JOB_URL"] = f"{world.server.url}/org/shop/-/jobs/{run}"
        children.append(world.child("deployed", PROD, "--state", "success", **job))
    for child in children:
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0, out + err
    assert len(record(world)["reports"]) == 3
    assert commit


def test_record_by_digest__where_a_sha256_is_known(make_world: Callable[..., World]) -> None:
    world = make_world("github", "sha256: required\n")
    promoted(world)
    ran = deployed(world, "success", "--record")
    assert (ran.code, ran.json["recorded"]) == (0, True), ran.out + ran.err
    (kept,) = world.forge.deployment_records.values()
    assert (kept["digest"], kept["name"], kept["version"]) == (f"sha256:{ran.json['sha256']}", "churn", "v0.1.0")
    assert kept["logical_environment"] == "churn/prod"
    assert deployed(world, "failure", "--record", run="78").json["recorded"] is None
    deployed(world, "success", "--record")
    assert len(world.forge.deployment_records) == 1


def test_record_by_digest__where_none_can_be_kept__says_so(make_world: Callable[..., World]) -> None:
    world = make_world("github", "sha256: 'off'\n")
    promoted(world)
    ran = deployed(world, "success", "--record")
    assert (ran.code, ran.json["recorded"], ran.json["errors"][0]["code"]) == (4, False, "no-sha256")
    gitlab = make_world("gitlab")
    promoted(gitlab)
    ran = deployed(gitlab, "success", "--record")
    assert (ran.code, ran.json["errors"][0]["code"]) == (2, "no-records")
    assert states(gitlab) == [("churn/prod", PROD, "success")]


def test_run_that_is_started_again__is_another_deployment(make_world: Callable[..., World]) -> None:
    world = make_world("github")
    promoted(world)
    deployed(world, "success")
    again = deployed(world, "success", GITHUB_RUN_ATTEMPT="2")
    assert (again.code, again.json["news"]) == (0, True)
    assert again.json["run_url"].endswith("/actions/runs/77/attempts/2")
    assert reports(world) == [(PROD, "success")] * 2


@pytest.mark.parametrize("may_push", [True, False])
def test_jobs_own_token__is_enough_where_it_may_push(
    make_world: Callable[..., World], platform: Platform, may_push: bool
) -> None:
    world = make_world(platform)
    promoted(world)
    world.repo.job_token_push = may_push
    world.repo.refused_refs = None if may_push or platform == "gitlab" else "refs/tagline/*"
    token = {"github": "actions", "gitlab": "job"}[platform]
    for state in ("in_progress", "success"):
        ran = deployed(world, state, "--digest", DIGEST, token=token)
        assert (ran.code, ran.json["remembered"]) == ((0, True) if may_push else (4, False)), ran.out + ran.err
    assert states(world) == [("churn/prod", PROD, "success")]


def test_answer_of_the_forge_that_is_lost__makes_no_second_deployment(world: World) -> None:
    promoted(world)
    fault = fail_once(world.server, "POST", r"/deployments$", "drop-after")
    ran = deployed(world, "success")
    assert (ran.code, fault.fired, ran.json["errors"]) == (0, 1, []), ran.out + ran.err
    assert states(world) == [("churn/prod", PROD, "success")]
    if world.platform == "github":
        fail_once(world.server, "POST", r"/statuses$", "drop-after")
        again = deployed(world, "failure", run="78")
        assert again.code == 0, again.err
        assert [one.state for one in world.repo.deployments[-1].statuses] == ["failure"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("method", "path"), [
    ("POST", r"git-receive-pack$"), ("POST", r"/deployments$"), ("POST", r"/statuses$"),
])  # fmt: skip
def test_deployed__killed_on_the_way_and_run_again__is_one_report_and_one_deployment(
    world: World, method: str, path: str, after: bool
) -> None:
    if world.platform == "gitlab" and "statuses" in path:
        return  # GitLab has none
    promoted(world)
    child: list[subprocess.Popen[str]] = []

    world.kill_at(child, method, path, after=after)
    key = "GITHUB_RUN_ID" if world.platform == "github" else "CI_JOB_ID"
    job = {key: "77", "CI_JOB_URL": f"{world.server.url}/org/shop/-/jobs/77"}
    child.append(world.child("deployed", PROD, "--state", "success", **job))
    child[0].communicate(timeout=60)
    assert child[0].returncode < 0
    again = deployed(world, "success")
    assert again.code == 0, again.out + again.err
    assert reports(world) == [(PROD, "success")]
    assert states(world) == [("churn/prod", PROD, "success")]


def test_event_of_a_report__is_sent_once_to_each_receiver_whatever_is_run_again(world: World) -> None:
    promoted(world)
    with receiving() as inbox, receiving() as down:
        down.answers[:] = [500] * 3
        more = {"TAGLINE_WEBHOOK_URL": inbox.url, "TAGLINE_WEBHOOK_SECRET": KEY, "TAGLINE_SLACK_WEBHOOK": down.url}
        deployed(world, "in_progress", TAGLINE_WEBHOOK_URL=inbox.url, TAGLINE_WEBHOOK_SECRET=KEY)
        ran = deployed(world, "success", "--url", "https://churn.example.org", **more)
        assert (ran.code, [one["code"] for one in ran.json["warnings"]]) == (0, ["event-not-sent"]), ran.err
        again = deployed(world, "success", "--url", "https://churn.example.org", **more)
        assert (again.code, again.json["warnings"]) == (0, [])
        told = [Webhook(KEY).verify(body, dict(headers)) for headers, body in inbox.got]
        assert [one["data"]["deployment"]["state"] for one in told] == ["in_progress", "success"]
        last = told[-1]
        assert last["type"] == "tagline.deployment.reported"
        assert last["id"].endswith(":tagline.deployment.reported:churn")
        assert last["source"] == f"{world.server.url}/org/shop"
        assert (last["data"]["version"], last["data"]["tag"], last["data"]["stage"]) == ("v0.1.0", PROD, "prod")
        assert last["data"]["deployment"] == {
            "state": "success", "run_url": ran.json["run_url"], "url": "https://churn.example.org", "digest": DIGEST,
        }  # fmt: skip
        (line,) = [json.loads(body)["text"] for _, body in down.got[3:]]
        assert "churn v0.1.0, prod: the deployment succeeded" in line
        assert f"<{ran.json['run_url']}|run>" in line


# -- what show --deployed says ------------------------------------------------------------


def shown(world: World, *arguments: str) -> Any:
    ran = world.run("show", *(arguments or ("churn",)), "--deployed", "--repo", "org/shop")
    assert ran.code == 0, ran.out + ran.err
    return ran.json


def prod(world: World) -> Any:
    return shown(world)["artifacts"]["churn"]["stages"]["prod"]["deployed"]


def test_show_deployed__in_a_race_of_two_deployments__names_the_old_run_that_finished_last(world: World) -> None:
    promoted(world)
    assert prod(world) is None
    deployed(world, "in_progress")
    promoted(world, "later", {"models/churn.txt": "trees: 51\n"})
    assert (prod(world)["tag"], prod(world)["drift"]) == (PROD, "not-deployed")
    deployed(world, "in_progress", tag="churn#prod#2", run="78")
    assert (prod(world)["state"], prod(world)["drift"]) == ("in_progress", None)
    deployed(world, "success", tag="churn#prod#2", run="78")
    assert (prod(world)["version"], prod(world)["drift"]) == ("v0.2.0", None)
    late = deployed(world, "success")
    assert (late.code, late.json["current"]) == (0, False)
    found = prod(world)
    assert (found["version"], found["tag"], found["state"], found["drift"]) == ("v0.1.0", PROD, "success", "old-run")
    assert found["run_url"] == late.json["run_url"]
    # The right one is deployed once more.
    deployed(world, "success", tag="churn#prod#2", run="79")
    assert (prod(world)["version"], prod(world)["drift"]) == ("v0.2.0", None)


def test_show_deployed__after_a_rollback__says_that_it_is_not_deployed(world: World) -> None:
    promoted(world)
    deployed(world, "success")
    promoted(world, "later", {"models/churn.txt": "trees: 51\n"})
    deployed(world, "success", tag="churn#prod#2", run="78")
    world.admin("rollback", "churn#prod")
    found = shown(world, "churn#prod")
    assert (found["version"], found["deployed"]["version"], found["deployed"]["drift"]) == (
        "v0.1.0", "v0.2.0", "not-deployed",
    )  # fmt: skip
    text = world.run_cli(
        "show", "--deployed", "--repo", "org/shop", cwd=world.folder, **world.environ()
    ).out  # fmt: skip
    (line,) = [one for one in text.splitlines() if one.startswith("churn")]
    assert "v0.1.0 (churn#prod#3)" in line
    assert "v0.2.0 succeeded" in line
    assert "not deployed" in line
    ran = world.run_cli(
        "show", "churn#prod", "--deployed", "--markdown", "--repo", "org/shop", cwd=world.folder, **world.environ()
    )  # fmt: skip
    row = ran.out.strip().splitlines()[-1]
    assert "not deployed" in row
    assert f"[run]({found['deployed']['run_url']})" in row
    assert world.run("show", "--markdown", "--repo", "org/shop").code == 2
    deployed(world, "success", tag="churn#prod#3", run="79")
    assert prod(world)["drift"] is None


def test_show_deployed__reads_the_memory_once_for_many_artifacts(world: World) -> None:
    promoted(world)
    deployed(world, "success")
    number = world.open("fraud", {"models/fraud.txt": "rules: 4\n"}, labels=LABELS)
    world.merge(number)
    assert world.promote(number).code == 0
    ran = world.run("show", "--deployed", "--repo", "org/shop")
    stages = {name: one["stages"]["prod"]["deployed"] for name, one in ran.json["artifacts"].items()}
    assert (stages["churn"]["state"], stages["fraud"]) == ("success", None)
    assert ran.requests == []
    plain = world.run("show", "--repo", "org/shop")
    assert "deployed" not in plain.json["artifacts"]["churn"]["stages"]["prod"]
    # One listing (two requests), and one fetch of the line (three).
    assert len(ran.by_git) - len(plain.by_git) <= 5
    for option in ("--as-of=2026-01-01", "--rev=main"):
        assert world.run("show", "--deployed", option, "--repo", "org/shop").json["error"]["code"] == "deployed-now"
