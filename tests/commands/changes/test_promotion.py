"""Runs beside each other and out of order, plans that no longer hold, tokens that may less, every trigger of a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tagline.domain.ledger.tags import parse_tag
from tests.commands.changes.world import BETTER, START, WRITERS, Platform, World

LABELS = ("version:minor", "stage:prod")
GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n  dev: {}\n  staging: {}\n"


def _merged(world: World, count: int, labels: tuple[str, ...] = LABELS, method: str = "squash") -> list[int]:
    """Changes of both artifacts in turn, merged one after the other; nobody has promoted any."""
    numbers = []
    for place in range(count):
        name = ("churn", "fraud")[place % 2]
        number = world.open(f"t{place}", {f"models/{name}.txt": f"version {place}\n"}, labels=labels)
        world.merge(number, method)
        numbers.append(number)
    return numbers


# -- beside each other, out of order ------------------------------------------


@pytest.mark.parametrize("count", [20])
def test_promotions__of_20_changes_at_once__each_lands_once_in_the_order_of_the_merges(
    make_world: Callable[..., World], count: int
) -> None:
    world = make_world("github")
    numbers = _merged(world, count)
    running = [world.child("promote", "--change", str(number)) for number in reversed(numbers)]
    said = [(*child.communicate(timeout=300), child.returncode) for child in running]
    assert [code for _, _, code in said] == [0] * count, [err for _, err, _ in said]
    tags = world.tags()
    for name, landed in (("churn", numbers[::2]), ("fraud", numbers[1::2])):
        mine = {tag: raw for tag, raw in tags.items() if tag.startswith(name)}
        assert len(mine) == 2 * len(landed)
        versions = [f"{name}@v0.{place + 1}.0" for place in range(len(landed))]
        commits = [world.repo.change(number).merged.tip for number in landed]
        assert [mine[version].target for version in versions] == commits, "numbered in the order of the merges"
        stages = sorted((raw for tag, raw in mine.items() if "#prod" in tag), key=lambda raw: raw.time or 0)
        assert [raw.target for raw in stages] == commits
        counters = [parse_tag(raw.name).counter for raw in stages]  # type: ignore[union-attr]
        assert len(set(counters)) == len(landed)
        times = [raw.time for raw in mine.values()]
        assert len(set(times)) == len(times)
        changes = [world.trailers(tag)["Change"] for tag in versions]
        assert len({str(change) for change in changes}) == len(landed)
    for number in numbers:
        (comment,) = world.comments(number)
        assert "Tagline: done" in comment


def test_promotions__of_ten_artifacts_each_at_once__lose_nothing(make_world: Callable[..., World]) -> None:
    """Each is one push of twenty tags where the token starts nothing, and any of them may be in another's way."""
    names = [f"m{place}" for place in range(10)]
    files = {"artifacts.yaml": "".join(f"{name}: {{path: models/{name}.txt}}\n" for name in names)}
    world = make_world("github", files=files | {f"models/{name}.txt": "0\n" for name in names})
    labels = tuple(label for name in names for label in (f"version:{name}@minor", f"stage:{name}#prod"))
    own = {"TAGLINE_JOB_TOKEN": world.environ()["TAGLINE_TOKEN"]}
    numbers = []
    for place in range(WRITERS):
        numbers.append(world.open(f"t{place}", {f"models/{name}.txt": f"{place}\n" for name in names}, labels=labels))
        world.merge(numbers[-1])
    running = [world.child("promote", "--change", str(number), **own) for number in reversed(numbers)]
    said = [(*child.communicate(timeout=300), child.returncode) for child in running]
    assert [code for _, _, code in said] == [0] * WRITERS, [err for _, err, _ in said]
    tags, landed = world.tags(), [world.repo.change(number).merged.tip for number in numbers]
    for name in names:
        assert [tags[f"{name}@v0.{place + 1}.0"].target for place in range(WRITERS)] == landed
        stages = {tag: raw for tag, raw in tags.items() if tag.startswith(f"{name}#prod#")}
        assert sorted(raw.target for raw in stages.values()) == sorted(landed)
    assert len(tags) == 2 * len(names) * WRITERS


def test_promote__every_artifact_is_refused__is_not_tried_artifact_by_artifact(
    make_world: Callable[..., World],
) -> None:
    names = [f"m{place}" for place in range(10)]
    files = {"artifacts.yaml": "".join(f"{name}: {{path: models/{name}.txt}}\n" for name in names)}
    world = make_world("github", files=files | {f"models/{name}.txt": "0\n" for name in names})
    labels = tuple(f"version:{name}@minor" for name in names)
    number = world.open("topic", {f"models/{name}.txt": "1\n" for name in names}, labels=labels)
    world.merge(number)
    hook = world.repo.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH013: Repository rule violations found' >&2\nexit 1\n")
    hook.chmod(0o755)
    ran = world.run("promote", "--change", str(number), TAGLINE_JOB_TOKEN=world.environ()["TAGLINE_TOKEN"])
    assert (ran.code, ran.json["error"]["code"]) == (4, "ruleset")
    assert len([one for one in ran.by_git if one.path.endswith("git-receive-pack") and one.method == "POST"]) < 10
    assert world.tags() == {}


def test_plan__touched_entry_with_a_name_that_no_tag_has__is_in_nobodys_way(
    make_world: Callable[..., World], platform: Platform
) -> None:
    files = {**START, "artifacts.yaml": f"{START['artifacts.yaml']}my model: {{path: models/mine.txt}}\n"}
    world = make_world(platform, files={**files, "models/mine.txt": "1\n"})
    number = world.open("better", {**BETTER, "models/mine.txt": "2\n"}, labels=("version:churn@minor",))
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (0, "ok"), ran.err


def test_promote__job_of_an_earlier_merge_is_late__it_is_completed_first(world: World) -> None:
    first, _, second = _merged(world, 3)
    ran = world.promote(second)
    assert ran.code == 0
    assert [earlier["change"]["number"] for earlier in ran.json["earlier"]] == [first, first + 1]
    assert world.tags()["churn@v0.1.0"].target != world.tags()["churn@v0.2.0"].target
    late = world.promote(first)
    assert late.code == 0
    assert not any(row["created"] for row in late.json["tags"])


def test_promote__stage_moved_past_it_by_an_administrator__superseded(world: World) -> None:
    (number,) = _merged(world, 1)
    newer = world.push("main", {"models/churn.txt": "by hand\n"})
    world.admin("register", "churn", "--version", "v5.0.0", "--rev", newer)
    world.admin("assign", "churn#prod", "--version", "v5.0.0")
    ran = world.promote(number)
    assert ran.code == 1
    assert {(found["stage"], found["rule"]) for found in ran.json["refused"]} == {
        (None, "superseded"),
        ("prod", "stage-without-version"),
    }
    assert set(world.tags()) == {"churn@v5.0.0", "churn#prod#1"}


def test_push__of_a_merge_queue__promotes_every_change_that_it_brought(make_world: Callable[..., World]) -> None:
    world = make_world("github")
    before = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    numbers = _merged(world, 3, method="merge")
    after = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    event = world.event("push", before=before, after=after, ref="refs/heads/main")
    ran = world.run("promote", GITHUB_REF="refs/heads/main", **{**event, "GITHUB_SHA": after})
    assert ran.code == 0
    assert [found["change"]["number"] for found in ran.json["changes"]] == numbers


def test_push__of_last_month_run_again__finds_its_change_by_the_commit(world: World) -> None:
    start = world.forge.clock() - 40 * 86_400
    real, world.forge.clock = world.forge.clock, lambda: start
    (number,) = _merged(world, 1)
    world.forge.clock = real
    commit = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    event = (
        {**world.event("push", before="0" * 40, after=commit), "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit}
        if world.platform == "github"
        else {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": commit}
    )
    ran = world.run("promote", **event)
    assert ran.code == 0, ran.err
    assert ran.json["change"]["number"] == number
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}


def test_schedule__completes_whatever_no_job_did(world: World) -> None:
    _merged(world, 2)
    other = world.open("req", {"promotions/dev/x.yaml": "- {artifact: churn, version: latest}\n"})
    world.merge(other)
    name = "GITHUB_EVENT_NAME" if world.platform == "github" else "CI_PIPELINE_SOURCE"
    ran = world.run("promote", **{name: "schedule"})
    assert ran.code == 0, ran.err
    assert {"churn@v0.1.0", "fraud@v0.1.0", "churn#dev#2"} <= set(world.tags())


# -- all or nothing ------------------------------------------------------------


def test_atomic_change__one_stage_refused__nothing_is_tagged(make_world: Any, platform: Platform) -> None:
    world = make_world(platform, GUARDED + "atomic: change\n")
    number = world.open("topic", {**BETTER, "models/fraud.txt": "x\n"}, labels=("version:minor", "stage:churn#prod"))
    world.merge(number)
    ran = world.promote(number)
    assert ran.code == 1
    assert {found["rule"] for found in ran.json["refused"]} == {"approvals", "atomic"}
    assert world.tags() == {}


STRICT = "stages:\n  prod: {gates: [{metric: accuracy, min: 0.99}]}\n"


@pytest.mark.parametrize(
    ("policy", "made"), [(STRICT, ["churn@v0.1.0"]), (f"{STRICT}atomic: change\n", [])], ids=["artifact", "change"]
)
def test_plan__refused__names_no_tag_that_the_merge_does_not_make(
    make_world: Any, platform: Platform, policy: str, made: list[str]
) -> None:
    world = make_world(platform, policy)
    number = world.open("topic", BETTER, labels=("version:minor", "stage:prod"))
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (1, "refused")
    assert [row["tag"] for row in ran.json["tags"]] == made
    assert "churn#prod#1" not in world.comments(number)[0]
    said = world.run_cli("plan", "--change", str(number), cwd=world.folder, **world.environ())
    assert "churn#prod#1" not in said.out
    assert "would make" not in said.out
    assert [line.split()[3] for line in said.out.splitlines() if "would still make" in line] == made
    world.merge(number)
    assert world.promote(number).code == 1
    assert sorted(world.tags()) == made


def test_atomic_change__all_well__one_push_for_the_tags_and_one_to_remember(
    make_world: Any, platform: Platform
) -> None:
    world = make_world(platform, "atomic: change\n")
    number = world.open("topic", {**BETTER, "models/fraud.txt": "x\n"}, labels=LABELS)
    world.merge(number)
    assert world.promote(number).code == 0
    assert len(world.tags()) == 4
    assert len([e for e in world.server.exchanges if e.is_git and e.path.endswith("git-receive-pack")]) == 2


def test_artifacts__one_refused__the_other_is_done(make_world: Any, platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    labels = ("version:minor", "stage:churn#prod", "stage:fraud#dev")
    number = world.open("topic", {**BETTER, "models/fraud.txt": "x\n"}, labels=labels)
    world.merge(number)
    ran = world.promote(number)
    assert ran.code == 1
    assert set(world.tags()) == {"churn@v0.1.0", "fraud@v0.1.0", "fraud#dev#1"}


# -- rules that read files ------------------------------------------------------


def test_gate__worse_than_prod__refused_with_both_numbers(make_world: Any, platform: Platform) -> None:
    policy = "stages:\n  prod: {gates: [{metric: accuracy, not_worse_than: prod, tolerance: 0.01}]}\n"
    world = make_world(platform, policy)
    for accuracy, code in ((0.90, 0), (0.89, 0), (0.87, 1)):
        files = {"models/churn.txt": f"{accuracy}\n", "metrics/churn.json": f'{{"accuracy": {accuracy}}}'}
        number = world.open(f"t{accuracy}", files, labels=LABELS)
        assert world.plan(number).code == code
        world.merge(number)
        ran = world.promote(number)
        assert ran.code == code
    (found,) = ran.json["refused"]
    assert "0.87" in found["message"]
    assert "0.89" in found["message"]


def test_codeowners__of_the_request_file__approve(make_world: Any, platform: Platform) -> None:
    policy = "stages:\n  prod: {approvals: {count: 1, from: [codeowners]}}\n"
    owners = "* @bob\n/promotions/prod/ @org/ml-leads\n"
    world = make_world(platform, policy, {**START, "CODEOWNERS": owners})
    with world.days_ago(2):
        world.tag("churn@v1.0.0")
    number = world.open("topic", {"promotions/prod/x.yaml": "- {artifact: churn, version: v1.0.0}\n"})
    world.approve(number, "bob")
    assert world.plan(number).verdict == "waiting"
    world.approve(number, "dave")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert world.promote(number).code == 0
    assert world.trailers("churn#prod#1")["Approved-By"][0].startswith("dave ")


# -- tokens that may less -------------------------------------------------------


def test_github_token__cannot_read_teams__waits_at_plan_and_is_refused_at_promote(make_world: Any) -> None:
    world = make_world("github", "stages:\n  prod: {approvals: {count: 1, from: ['@org/ml-leads']}}\n")
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    planned = world.plan(number, token="actions")
    assert (planned.code, planned.verdict) == (0, "waiting")
    assert "Members: read" in planned.json["waiting"][0]["fix"]
    world.merge(number)
    ran = world.promote(number, token="actions")
    assert (ran.code, ran.verdict) == (4, "refused")
    assert set(world.tags()) == {"churn@v0.1.0"}
    # What one token cannot read is no word on the change: a better one decides it.
    better = world.promote(number, token="app", TAGLINE_IDENTITY="github-actions[bot]")
    assert better.code == 0, better.out
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}


def test_fork__token_may_only_read__the_text_goes_to_the_summary(make_world: Any) -> None:
    world = make_world("github")
    number = world.open("topic", BETTER, labels=LABELS, fork=True, author="mallory")
    ran = world.plan(number, token="fork")
    assert ran.code == 0
    codes = [warning["code"] for warning in ran.json["warnings"]]
    assert codes == ["comment-not-written", "status-not-set"]
    assert "churn@v0.1.0" in (world.folder / "summary.md").read_text()
    # The push to main has a token that may write, and does all of it.
    world.merge(number)
    after = world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    event = world.event("push", before="0" * 40, after=after)
    assert world.run("promote", GITHUB_REF="refs/heads/main", **{**event, "GITHUB_SHA": after}).code == 0
    assert len(world.comments(number)) == 1


def test_job_token__on_gitlab__plans_into_a_report_and_promotes_only_what_needs_no_approval(make_world: Any) -> None:
    world = make_world("gitlab", GUARDED)
    world.repo.job_token_push = True
    number = world.open("topic", BETTER, labels=(*LABELS, "stage:staging"))
    job = {"TAGLINE_TOKEN": "", "CI_JOB_TOKEN": "job"}
    planned = world.plan(number, token="", **job)
    assert (planned.code, planned.verdict) == (0, "waiting"), planned.err
    assert "approvals" in (world.folder / "tagline-report.md").read_text()
    world.merge(number)
    ran = world.promote(number, token="", **job)
    assert (ran.code, ran.verdict) == (4, "refused")
    assert set(world.tags()) == {"churn@v0.1.0", "churn#staging#1"}


def test_no_token__is_told_what_to_set(world: World) -> None:
    number = world.open("topic", BETTER, labels=LABELS)
    ran = world.plan(number, token="")
    assert ran.code == 4 or ran.code == 6
    assert "token" in ran.json["error"]["message"] + ran.json["error"]["hint"]


# -- every trigger of a plan ----------------------------------------------------


PULL = ("opened", "reopened", "edited", "synchronize", "ready_for_review", "labeled", "unlabeled")
GITHUB_EVENTS = [("pull_request", action) for action in PULL]
GITHUB_EVENTS += [
    ("pull_request_target", "labeled"),
    ("pull_request_review", "submitted"),
    ("pull_request_review", "dismissed"),
]


@pytest.mark.parametrize(("name", "action"), GITHUB_EVENTS)
def test_plan__after_an_event_of_github__comments_in_place_and_sets_the_status(
    make_world: Any, name: str, action: str
) -> None:
    world = make_world("github", GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.plan(number)
    world.approve(number, "carol")
    event = world.event(name, action=action, number=number, pull_request={"number": number, "labels": []})
    ran = world.run("plan", **event)
    assert ran.verdict == "ok"
    (comment,) = world.comments(number)
    assert "Tagline: ready" in comment
    assert world.status(world.repo.change(number).head) == "success"


def test_plan__for_a_merge_queue__judges_the_change_and_answers_on_the_queues_commit(make_world: Any) -> None:
    world = make_world("github", GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    group = world.push(f"gh-readonly-queue/main/pr-{number}-{'a' * 40}", {"q": "1"})
    payload = {"head_sha": group, "head_ref": f"refs/heads/gh-readonly-queue/main/pr-{number}-{'a' * 40}"}
    ran = world.run("plan", **world.event("merge_group", action="checks_requested", merge_group=payload))
    assert ran.json["change"]["number"] == number
    assert world.status(group) == "pending"


def test_plan__in_a_merge_request_pipeline__plans_that_request(make_world: Any) -> None:
    world = make_world("gitlab", GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    event = {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": str(number),
        "CI_COMMIT_SHA": "f" * 40,
    }
    ran = world.run("plan", **event)
    assert ran.json["change"]["number"] == number
    assert world.status(world.repo.change(number).head) == "pending"


def test_plan_open__refreshes_every_open_change_and_leaves_the_rest(world: World) -> None:
    asks = world.open("asks", BETTER, labels=LABELS)
    quiet = world.open("quiet", {"README": "x\n"})
    was = world.open("was", {"models/fraud.txt": "x\n"}, labels=("version:minor",))
    world.plan(was)
    world.repo.unlabel(was, "version:minor", by="bob")
    ran = world.run("plan", "--open")
    assert ran.code == 0
    assert sorted(found["change"]["number"] for found in ran.json["changes"]) == [asks, quiet, was]
    assert "Tagline: ready" in world.comments(asks)[0]
    assert world.comments(quiet) == []
    if world.platform == "gitlab":  # on GitHub the event of the label has done it
        assert "nothing to tag" in world.comments(was)[0]


def test_plan__labels_taken_away_again__the_comment_says_so(world: World) -> None:
    number = world.open("topic", BETTER, labels=LABELS)
    world.plan(number)
    for label in LABELS:
        world.repo.unlabel(number, label, by="bob")
    assert world.plan(number).verdict == "nothing"
    (comment,) = world.comments(number)
    assert "nothing to tag" in comment
    assert world.status(world.repo.change(number).head) == "success"


@pytest.mark.parametrize(
    ("command", "name", "action"),
    [
        ("plan", "push", ""),
        ("plan", "issues", "opened"),
        ("promote", "pull_request", "opened"),
        ("plan", "pull_request", "closed"),
    ],
)
def test_event__that_is_none_of_ours__nothing_to_do(make_world: Any, command: str, name: str, action: str) -> None:
    world = make_world("github")
    ran = world.run(command, **world.event(name, action=action, number=1, pull_request={"number": 1}))
    assert (ran.code, ran.verdict, ran.requests) == (0, "nothing", [])
    assert ran.json["why"]


@pytest.mark.parametrize("payload", ["", "[]", "{", '{"pull_request": "x"}', '{"number": "1; rm -rf"}', "\x00"])
def test_event__payload_is_broken__wrong_usage_or_nothing_and_no_crash(make_world: Any, payload: str) -> None:
    world = make_world("github")
    file = world.folder / "event.json"
    file.write_text(payload)
    ran = world.run("plan", GITHUB_EVENT_NAME="pull_request", GITHUB_EVENT_PATH=str(file), GITHUB_SHA="")
    assert ran.code in (0, 2)


# -- dry run, mistakes in use ----------------------------------------------------


def test_dry_run__says_all_of_it_and_writes_nothing(world: World) -> None:
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.run("plan", "--change", str(number), "--dry-run")
    world.merge(number)
    promoted = world.run("promote", "--change", str(number), "--dry-run")
    for ran in (planned, promoted):
        assert ran.code == 0
        assert [row["tag"] for row in ran.json["tags"]] == ["churn@v0.1.0", "churn#prod#1"]
        assert not any(row["created"] for row in ran.json["tags"])
    assert world.tags() == {}
    assert world.repo.change(number).comments == []
    assert world.repo.statuses == []


def test_change__that_does_not_exist__not_found(world: World) -> None:
    assert world.plan(999).code == 6
    assert world.promote(999).code == 6


def test_terminal__without_a_job__is_told_to_name_the_forge(world: World) -> None:
    said = world.run_cli("plan", "--change", "1", cwd=world.clone)
    assert said.code == 2
    assert "--repo-forge" in said.err


def test_terminal__with_forge_and_url__plans_without_a_job(make_world: Any) -> None:
    for platform in ("github", "gitlab"):
        world = make_world(platform)
        number = world.open("topic", BETTER, labels=LABELS)
        url = f"{world.server.url}/org/shop"
        where = ("--repo", url, "--repo-forge", platform, "--dry-run", "--json")
        said = world.run_cli(
            "plan", "--change", str(number), *where, cwd=world.folder, TAGLINE_REPO_TOKEN="alice-token"
        )
        assert said.code == 0, said.err
        assert said.json["verdict"] == "ok"


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_terminal__in_a_clone__its_remote_gets_a_token_only_where_the_environment_names_the_host(
    make_world: Any, platform: Any
) -> None:
    """A clone's configuration is a repository's word."""
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=LABELS)
    world.git("remote", "set-url", "origin", f"{world.server.url}/org/shop.git")
    plan = ("plan", "--change", str(number), "--repo-forge", platform, "--dry-run", "--json")
    tokens = {"TAGLINE_TOKEN": "alice-token", "TAGLINE_REPO_TOKEN": "alice-token"}
    begun = len(world.server.exchanges)
    elsewhere = {"TAGLINE_REPO_HOST": "forge.example"}
    for more in ({}, elsewhere):
        world.run_cli(*plan, cwd=world.clone, **tokens, **more)
        world.run_cli(*plan, "--repo", ".", cwd=world.clone, **tokens, **more)
    assert len(world.server.exchanges) > begun
    assert not [each for each in world.server.exchanges[begun:] if "alice" in str(each.headers)]
    said = world.run_cli(*plan, cwd=world.clone, **tokens, TAGLINE_REPO_HOST=world.server.url)
    assert (said.code, said.json["verdict"]) == (0, "ok")


def test_work_tree__of_the_job__is_untouched(world: World) -> None:
    number = world.open("topic", BETTER, labels=LABELS)
    before = world.git("status", "--porcelain", "--ignored"), world.git("for-each-ref")
    said = world.run_cli("plan", "--change", str(number), cwd=world.clone, **world.environ())
    assert said.code == 0
    world.merge(number)
    assert world.run_cli("promote", "--change", str(number), cwd=world.clone, **world.environ()).code == 0
    after = world.git("status", "--porcelain", "--ignored"), world.git("for-each-ref")
    assert before == after


def test_output__for_people__has_every_rule_and_the_fix(make_world: Any, platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    said = world.run_cli("plan", "--change", str(number), cwd=world.folder, **world.environ())
    assert "waiting" in said.out
    assert "churn#prod" in said.out
    assert "0 of 1 approval" in said.out
    assert "Missing: an approval" in said.out


def test_repository__with_dvc_pointers__is_touched_by_their_digests(make_world: Any, platform: Platform) -> None:
    md5 = "d41d8cd98f00b204e9800998ecf8427e"
    pointer = "outs:\n- {md5: %s, size: 3, hash: md5, path: churn.pkl}\n"
    files = {"artifacts.yaml": "churn: {path: models/churn.pkl}\n", "models/churn.pkl.dvc": pointer % md5}
    world = make_world(platform, None, files)
    note = world.open(
        "note", {"models/churn.pkl.dvc": pointer % md5 + "desc: other words\n"}, labels=("version:minor",)
    )
    assert world.plan(note).code == 1, "an edited description touches nothing, so the label has no effect"
    number = world.open("topic", {"models/churn.pkl.dvc": pointer % ("a" * 32)}, labels=("version:minor",))
    world.merge(number)
    assert world.promote(number).code == 0
    assert world.trailers("churn@v0.1.0")["Artifact-Digest"] == ["md5:" + "a" * 32]


def test_ledger__with_odd_tags__is_warned_of_in_the_document(make_world: Any, platform: Platform) -> None:
    world = make_world(platform)
    world.git("tag", "churn@v7.0.0", "origin/main")  # lightweight: no event
    world.git("push", "--quiet", "origin", "refs/tags/churn@v7.0.0")
    number = world.open("topic", BETTER, labels=LABELS)
    assert "lightweight-tag" in [warning["code"] for warning in world.plan(number).json["warnings"]]


def test_terminal__with_a_folder_that_is_none__is_told_so(world: World) -> None:
    said = world.run_cli(
        "plan", "--change", "1", "--repo", "~nobody-of-that-name/shop", "--repo-forge", "github", cwd=world.folder
    )
    assert said.code == 2
    assert "no folder" in said.err


def test_server_url__with_a_slash_at_its_end__is_the_same_server(world: World) -> None:
    number = world.open("topic", BETTER, labels=LABELS)
    name = "GITHUB_SERVER_URL" if world.platform == "github" else "CI_SERVER_URL"
    assert world.plan(number, **{name: f"{world.server.url}/"}).verdict == "ok"


@pytest.mark.parametrize("pattern", ["deploy", "elsewhere"])
def test_ignore__manifest_of_another_tool__is_nothing_that_a_change_touches(make_world: Any, pattern: str) -> None:
    world = make_world("github", f"ignore: {{paths: [{pattern}]}}\n")
    files = {**BETTER, "deploy/artifacts.yaml": "charms: {path: x}\n", "deploy/x": "1\n"}
    number = world.open("topic", files, labels=("version:minor",))
    ran = world.plan(number)
    assert {tag["artifact"] for tag in ran.json["tags"]} == {"churn"} | ({"deploy:charms"} - {f"{pattern}:charms"})
