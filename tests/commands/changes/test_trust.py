"""Whose word counts: which policy, which owners, which labels, which members, and as of when."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tagline.domain.text.times import format_time
from tests.commands.changes.world import BETTER, MANIFEST, START, Platform, World

GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
FREE = "stages:\n  prod: {}\n"
BY_OWNERS = "stages:\n  prod: {approvals: {count: 1, from: [codeowners]}}\n"
LABELS = ("version:minor", "stage:prod")
SOAK = "stages:\n  staging: {}\n  prod: {after: [staging], soak: 24h}\n"


def _assert_refused(world: World, number: int, rule: str) -> None:
    """The stage is refused by that rule, and nothing holds it."""
    ran = world.promote(number)
    assert ran.code == 1, ran.out + ran.err
    assert rule in [found["rule"] for found in ran.json["refused"]]
    assert not [tag for tag in world.tags() if "#prod" in tag]


def _registered(world: World, version: str) -> None:
    """A version of churn at the first commit, older than any approval, behind which main moves on."""
    with world.days_ago(2):
        world.tag(f"churn@{version}")
    world.push("main", {"README.md": "moved on\n"})


# -- which policy, which owners -----------------------------------------------------

LISTING = f"branches: ['release/*']\n{GUARDED}"


@pytest.mark.parametrize(
    "brings",
    [
        pytest.param({}, id="no-policy"),
        pytest.param({".tagline.yaml": LISTING}, id="the-same-word-for-word"),
        pytest.param({".tagline.yaml": FREE}, id="one-of-its-own"),
    ],
)
def test_listed_branch__whatever_policy_a_change_brings_there__the_default_branchs_counts(
    make_world: Callable[..., World], platform: Platform, brings: dict[str, str]
) -> None:
    world = make_world(platform)
    world.push("release/1", {"r.txt": "1\n"})
    world.push("main", {".tagline.yaml": LISTING})
    number = world.open("topic", {**BETTER, **brings}, labels=LABELS, target="release/1")
    assert world.plan(number).verdict == "waiting"
    world.merge(number)
    _assert_refused(world, number, "approvals")


def _link(world: World, branch: str, name: str, target: str) -> None:
    """Commit a link on a branch that is there, in the place of whatever lies there."""
    world.git("fetch", "--quiet", "origin")
    world.git("checkout", "--quiet", "--force", "-B", branch, f"origin/{branch}")
    (world.clone / name).unlink(missing_ok=True)
    (world.clone / name).symlink_to(target)
    world.git("add", "--all")
    world.git("commit", "--quiet", "--message", f"{name} is a link")
    world.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")


def test_policy__that_is_a_link__is_not_taken_for_no_policy(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, None, {**START, "ci/policy.yaml": GUARDED})
    _link(world, "main", ".tagline.yaml", "ci/policy.yaml")
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number)
    world.merge(number)
    for ran in (planned, world.promote(number)):
        assert (ran.code, [found["rule"] for found in ran.json["refused"]]) == (1, ["policy-unreadable"])
        assert "symlink" in ran.json["refused"][0]["message"]
    assert world.tags() == {}


def test_codeowners__that_are_a_link__own_nothing(make_world: Callable[..., World], platform: Platform) -> None:
    """As on both forges: neither follows it."""
    world = make_world(platform, BY_OWNERS, {**START, "ci/owners": "* @bob\n"})
    _link(world, "main", "CODEOWNERS", "ci/owners")
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "bob")
    world.merge(number)
    _assert_refused(world, number, "approvals")


def test_codeowners__made_a_link_by_the_change__owners_of_before_count(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, BY_OWNERS, {**START, "CODEOWNERS": "* @carol\n"})
    number = world.open("topic", {**BETTER, "mine": "* @bob\n"}, labels=LABELS)
    _link(world, "topic", "CODEOWNERS", "mine")
    world.approve(number, "bob")
    assert world.plan(number).verdict == "waiting"
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert world.promote(number).code == 0
    assert [by.split()[0] for by in world.trailers("churn#prod#1")["Approved-By"]] == ["carol"]


@pytest.mark.parametrize(("by", "verdict"), [("bob", "waiting"), ("carol", "ok")])
def test_codeowners__of_an_artifact_that_the_change_moves__are_those_of_where_it_was(
    make_world: Callable[..., World], platform: Platform, by: str, verdict: str
) -> None:
    owners = "* @dave\n/models/ @carol\n/junk/ @bob\n"
    world = make_world(platform, BY_OWNERS, {**START, "CODEOWNERS": owners})
    _registered(world, "v1.0.0")
    moved = {"artifacts.yaml": MANIFEST.replace("models/churn.txt", "junk/churn.txt"), "junk/churn.txt": "x\n"}
    number = world.open("topic", moved, labels=("stage:churn@v1.0.0#prod",))
    world.approve(number, by)
    assert world.plan(number).verdict == verdict
    world.merge(number)
    if verdict == "ok":
        assert world.promote(number).code == 0
    else:
        _assert_refused(world, number, "approvals")


def test_group__of_gitlab_that_the_token_may_not_see__is_unknown_and_not_empty(
    make_world: Callable[..., World],
) -> None:
    """GitLab answers alike for no group and for one that is hidden: whoever reads it must not hear 'no member'."""
    world = make_world("gitlab", "stages:\n  prod: {approvals: {count: 1, from: ['@secret/group']}}\n")
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    planned = world.plan(number)
    assert (planned.code, planned.verdict) == (0, "waiting")
    (found,) = [rule for rule in planned.json["rules"] if rule["rule"] == "approvals"]
    assert found["state"] == "unknown"
    assert "@secret/group" in found["message"]
    assert "member" in found["fix"]
    world.merge(number)
    assert world.promote(number).code != 0
    assert set(world.tags()) == {"churn@v0.1.0"}


# -- which labels -------------------------------------------------------------------


@pytest.mark.parametrize("version", ["latest", "v1.1.0"])
def test_version_label__after_the_approval_of_a_request__makes_no_version_that_it_covers(
    make_world: Callable[..., World], platform: Platform, version: str
) -> None:
    world = make_world(platform, GUARDED)
    _registered(world, "v1.0.0")
    request = f"- {{artifact: churn, version: {version}}}\n"
    number = world.open("topic", {**BETTER, "promotions/prod/x.yaml": request})
    world.approve(number, "carol")
    world.repo.label(number, "version:churn@minor", by="tess")
    assert world.plan(number).verdict == "waiting"
    world.merge(number)
    _assert_refused(world, number, "approvals")
    assert "churn@v1.1.0" in world.tags()


def test_version_label__after_which_it_was_approved_again__is_covered(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    _registered(world, "v1.0.0")
    number = world.open("topic", {**BETTER, "promotions/prod/x.yaml": "- {artifact: churn, version: latest}\n"})
    world.approve(number, "carol")
    world.repo.label(number, "version:churn@minor", by="tess")
    world.approve(number, "dave")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert world.promote(number).code == 0
    assert world.tags()["churn#prod#1"].target == world.tags()["churn@v1.1.0"].target


def _rename_labels(world: World, number: int) -> None:
    """An administrator calls labels otherwise: on GitHub every change that has them follows, without an event."""
    world.repo.change(number).labels[:] = LABELS


def test_label__renamed_into_a_request_after_the_merge__asks_for_nothing(make_world: Callable[..., World]) -> None:
    world = make_world("github", FREE)
    number = world.open("topic", BETTER, labels=("small", "soon"))
    world.merge(number)
    _rename_labels(world, number)
    for ran in (world.promote(number), world.on_schedule()):
        assert not [row for row in ran.json.get("tags", []) if row["created"]]
    assert world.tags() == {}


def test_label__renamed_into_a_request_before_the_merge__is_asked_for_anew(make_world: Callable[..., World]) -> None:
    world = make_world("github", FREE)
    number = world.open("topic", BETTER, labels=("small", "soon"))
    _rename_labels(world, number)
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (1, "refused")
    assert {found["fix"] for found in ran.json["refused"]} == {"Remove it and add it again."}
    for label in LABELS:
        world.repo.unlabel(number, label, by="bob")
        world.repo.label(number, label, by="bob")
    assert world.plan(number).verdict == "ok"


# -- as of when ---------------------------------------------------------------------


def test_soak__of_the_version_that_the_change_itself_makes__is_refused_by_the_plan(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """No waiting before its merge lets it soak, so nobody is told to wait."""
    world = make_world(platform, SOAK)
    number = world.open("topic", BETTER, labels=(*LABELS, "stage:staging"))
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (1, "refused")
    (found,) = ran.json["refused"]
    assert (found["stage"], found["rule"]) == ("prod", "soak")
    assert "later change" in found["fix"]


@pytest.mark.parametrize(
    ("start", "end", "rule"),
    [
        pytest.param(-36, -12, "freeze", id="ended-since"),
        pytest.param(-12, 12, "freeze", id="began-since"),
        pytest.param(-48, -36, None, id="ended-before"),
        pytest.param(12, 24, None, id="to-come"),
    ],
)
def test_freeze__of_a_change_merged_a_day_ago__is_judged_at_the_merge_and_now(
    make_world: Callable[..., World], platform: Platform, start: int, end: int, rule: str | None
) -> None:
    times = (format_time(int(time.time()) + hours * 3600) for hours in (start, end))
    window = "{{from: '{}', to: '{}'}}".format(*times)
    world = make_world(platform, f"stages:\n  prod: {{freeze: [{window}]}}\n")
    with world.days_ago(1):
        number = world.open("topic", BETTER, labels=LABELS)
        world.merge(number)
    if rule:
        _assert_refused(world, number, rule)
    else:
        assert world.promote(number).code == 0
        assert "churn#prod#1" in world.tags()


@pytest.mark.parametrize(("held_for", "code"), [(1.5, 1), (2.5, 0)], ids=["half-a-day", "one-day-and-a-half"])
def test_soak__of_a_change_merged_a_day_ago__is_counted_until_the_merge(
    make_world: Callable[..., World], platform: Platform, held_for: float, code: int
) -> None:
    """However late its job comes: half a day at the merge is no day because the job waited for another."""
    world = make_world(platform, SOAK, days_ago=3)
    with world.days_ago(held_for):
        for tag in ("churn@v1.0.0", "churn#staging#1"):
            world.git("tag", "--annotate", tag, "--message", tag)
    world.git("push", "--quiet", "origin", "--tags")
    with world.days_ago(1):
        number = world.open("topic", {"README.md": "1\n"}, labels=("stage:churn@v1.0.0#prod",))
        world.merge(number)
    if code:
        _assert_refused(world, number, "soak")
    else:
        assert world.promote(number).code == 0
        assert "churn#prod#2" in world.tags()


# -- a run again --------------------------------------------------------------------

AFTER = "stages:\n  staging: {}\n  prod: {after: [staging]}\n"


def _without_comments(world: World, number: int) -> None:
    """Somebody deletes what we wrote there."""
    world.repo.change(number).comments.clear()


def test_refusal__what_was_refused_at_the_merge__stays_so_whoever_deletes_the_comment(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, AFTER, days_ago=3)
    with world.days_ago(2):
        world.git("tag", "--annotate", "churn@v1.0.0", "--message", "x")
        world.git("push", "--quiet", "origin", "--tags")
    with world.days_ago(1):
        number = world.open("topic", {"README.md": "1\n"}, labels=("stage:churn@v1.0.0#prod",))
        world.merge(number)
    _assert_refused(world, number, "after")
    world.admin("assign", "churn#staging", "--version", "v1.0.0")
    _without_comments(world, number)
    _assert_refused(world, number, "after")
    assert "Tagline: refused" in world.comments(number)[0], "it is told again"


def test_gate__of_a_change_whose_job_is_late__compares_with_who_held_the_stage_at_the_merge(
    make_world: Callable[..., World], platform: Platform
) -> None:
    gate = "stages:\n  prod: {gates: [{metric: accuracy, not_worse_than: prod, direction: max}]}\n"
    world = make_world(platform, gate, days_ago=3)
    with world.days_ago(2):
        for tag in ("churn@v1.0.0", "churn#prod#1"):
            world.git("tag", "--annotate", tag, "--message", tag)
        world.git("push", "--quiet", "origin", "--tags")
    with world.days_ago(1):
        number = world.open("topic", {**BETTER, "metrics/churn.json": '{"accuracy": 0.8}\n'}, labels=LABELS)
        world.merge(number)
    world.admin("unassign", "churn#prod", "--override", "an accident")
    ran = world.promote(number)
    assert [found["rule"] for found in ran.json["refused"]] == ["gate:accuracy"], ran.out + ran.err


def test_latest__of_a_change_whose_job_is_late__is_that_of_the_merge(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE, days_ago=3)
    with world.days_ago(2):
        world.git("tag", "--annotate", "churn@v1.0.0", "--message", "x")
        world.git("push", "--quiet", "origin", "--tags")
    with world.days_ago(1):
        number = world.open("topic", {"README.md": "1\n"}, labels=("stage:churn#prod",))
        world.merge(number)
    world.tag("churn@v1.1.0")
    world.push("main", {"README.md": "moved on\n"})
    assert world.promote(number).code == 0
    assert world.tags()["churn#prod#1"].target == world.tags()["churn@v1.0.0"].target


def test_unstage__of_a_change_whose_job_is_late__takes_the_stage_from_nobody_else(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE, days_ago=3)
    with world.days_ago(2):
        for tag in ("churn@v1.0.0", "churn#prod#1"):
            world.git("tag", "--annotate", tag, "--message", tag)
        world.git("push", "--quiet", "origin", "--tags")
    with world.days_ago(1):
        number = world.open("topic", {"README.md": "1\n"}, labels=("unstage:churn#prod",))
        world.merge(number)
    world.tag("churn@v1.1.0")
    world.push("main", {"README.md": "moved on\n"})
    world.admin("assign", "churn#prod", "--version", "v1.1.0", "--override", "a repair")
    ran = world.promote(number)
    assert [found["rule"] for found in ran.json["refused"]] == ["superseded"], ran.out + ran.err
    assert set(world.tags()) == {"churn@v1.0.0", "churn@v1.1.0", "churn#prod#1", "churn#prod#2"}
