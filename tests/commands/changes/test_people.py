"""Who pushed, and who asked: nobody says yes to what they made themselves, whoever opened the change."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tagline.domain.text.times import format_time
from tagline_localforge.records import Run
from tests.commands.changes.world import BETTER, MANIFEST, Platform, World

GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
NAMED = "stages:\n  prod: {approvals: {count: 1, not: [author, pusher]}}\n"
LABELS = ("version:minor", "stage:prod")
#: What opens changes without being anybody.
ROBOT = {"github": "my-app[bot]", "gitlab": "project_7_bot_5e1f"}


def _robots(world: World, branch: str = "topic", **more: Any) -> int:
    """A change that a robot opens, whatever somebody else pushed for it."""
    return world.open(branch, BETTER, labels=LABELS, author=ROBOT[world.platform], **{"by": "dave", **more})


def _why(world: World, number: int, login: str) -> str:
    """What the comment says of a reviewer whose approval does not count."""
    (body,) = world.comments(number)
    return next((line for line in body.splitlines() if login in line and "approval" in line.lower()), body)


def _looks_for_pushes(world: World) -> int:
    """How many requests asked who pushed."""
    asked = [f for f in world.server.exchanges if f.path.endswith("/activity") or f.query.get("action") == "pushed"]
    return len(asked)


def _assert_refused(world: World, number: int, code: int = 1) -> None:
    ran = world.promote(number)
    assert ran.code == code, ran.out + ran.err
    assert [found["rule"] for found in ran.json["refused"]] == ["approvals"]
    assert not [tag for tag in world.tags() if "#prod" in tag]


def _assert_promoted(world: World, number: int, by: str) -> Any:
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err
    assert [row.split()[0] for row in world.trailers("churn#prod#1")["Approved-By"]] == [by]
    return ran.json


# -- who pushed -------------------------------------------------------------------------


def test_pusher__of_a_robots_change__is_not_who_approves_it(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    number = _robots(world, pusher="bob")
    world.approve(number, "bob")
    planned = world.plan(number)
    assert planned.verdict == "waiting"
    assert "pushed to it" in _why(world, number, "bob")
    world.merge(number)
    _assert_refused(world, number)


def test_pusher__who_approves_beside_somebody_else__takes_nothing_from_them(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    number = _robots(world, pusher="bob")
    world.approve(number, "bob")
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert _assert_promoted(world, number, "carol").get("warnings", []) == []


def test_missing__whoever_pushed__is_not_among_those_who_may_still_approve(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, "stages:\n  prod: {approvals: {count: 2, from: [bob, carol, dave]}}\n")
    number = _robots(world, pusher="bob")
    world.approve(number, "carol")
    (waiting,) = world.plan(number).json["waiting"]
    assert waiting["fix"] == "Missing: an approval of dave, on the last commit. Not of anybody who may not write."


def test_pusher__whom_the_policy_lets_in__counts(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, "stages:\n  prod: {approvals: {count: 1, not: [author]}}\n")
    number = _robots(world, pusher="bob")
    world.approve(number, "bob")
    world.merge(number)
    _assert_promoted(world, number, "bob")
    assert _looks_for_pushes(world) == 0


@pytest.mark.parametrize("again", ["later", "force", "before-the-last"])
def test_pusher__of_any_push_to_the_branch__does_not_count(
    make_world: Callable[..., World], platform: Platform, again: str
) -> None:
    world = make_world(platform, GUARDED)
    by = {"later": ("alice", "bob"), "force": ("bob", "alice"), "before-the-last": ("bob", "alice")}[again]
    number = _robots(world, pusher=by[0])
    world.push("topic", {**BETTER, "README.md": "more\n"}, by=by[1], base="+origin/main" if again == "force" else None)
    world.approve(number, "bob")
    world.merge(number)
    _assert_refused(world, number)


def test_pusher__of_an_earlier_branch_of_the_name__counts(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    earlier = world.open("topic", {"README.md": "1\n"}, labels=(), pusher="bob")
    world.merge(earlier)
    world.send("topic", "", by="alice")
    number = _robots(world, pusher="alice")
    world.approve(number, "bob")
    world.merge(number)
    _assert_promoted(world, number, "bob")


def test_pusher__before_the_branch_was_deleted_and_restored__does_not_count(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    number = _robots(world, pusher="bob")
    head = world.git("rev-parse", "HEAD")
    world.send("topic", "", by="alice")
    world.send("topic", head, by="alice")
    world.approve(number, "bob")
    world.merge(number)
    _assert_refused(world, number)


def test_pusher__after_the_merge__is_not_asked(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    number = _robots(world, pusher="alice")
    world.approve(number, "bob")
    world.merge(number)
    world.push("topic", {"README.md": "later\n"}, by="bob")
    _assert_promoted(world, number, "bob")


# -- updates from the base branch ---------------------------------------------------------

#: Both sides change it, in different places.
LISTED = "".join(f"m{place}: {{path: models/m{place}.txt}}\n" for place in range(9))


def _update(world: World, by: str, also: dict[str, str] | None = None, base: str = "origin/main") -> None:
    """Merge the base branch into the topic as somebody, and change something more on the way."""
    world.git("fetch", "--quiet", "origin")
    world.git("checkout", "--quiet", "--force", "-B", "topic", "origin/topic")
    world.git("merge", "--quiet", "--no-commit", "--no-ff", base)
    for name, content in (also or {}).items():
        (world.clone / name).write_text(content)
    world.git("commit", "--quiet", "--all", "--message", "Update from main")
    world.send("topic", by=by)


def _behind(world: World, pusher: str = "alice") -> int:
    """A robot's change, behind which the base branch moved on, in the same file too."""
    labels = ("version:churn@minor", "stage:churn#prod")
    files = {**BETTER, "artifacts.yaml": LISTED + MANIFEST}
    number = world.open("topic", files, labels=labels, author=ROBOT[world.platform], by="dave", pusher=pusher)
    world.push("main", {"artifacts.yaml": MANIFEST + "last: {path: models/last.txt}\n", "README.md": "on\n"})
    return number


def test_update__that_is_the_plain_merge__makes_nobody_a_pusher(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, NAMED)
    number = _behind(world)
    _update(world, by="bob")
    world.approve(number, "bob")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    _assert_promoted(world, number, "bob")


def test_update__with_more_than_the_merge__makes_a_pusher(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    number = _behind(world)
    _update(world, by="bob", also={"models/churn.txt": "trees: 7\n"})
    world.approve(number, "bob")
    assert world.plan(number).verdict == "waiting"
    world.merge(number)
    _assert_refused(world, number)


def test_update__from_another_branch__makes_a_pusher(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    number = _behind(world)
    world.push("mine", {"models/fraud.txt": "rules: 9\n"})
    _update(world, by="bob", base="origin/mine")
    world.approve(number, "bob")
    world.merge(number)
    _assert_refused(world, number)


def test_branch__made_at_the_base__makes_nobody_a_pusher(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, NAMED)
    world.send("topic", "origin/main", by="bob")
    number = _robots(world, pusher="alice")
    world.approve(number, "bob")
    world.merge(number)
    _assert_promoted(world, number, "bob")


# -- where nobody can tell ----------------------------------------------------------------


@pytest.mark.parametrize(("policy", "verdict"), [(GUARDED, "ok"), (NAMED, "waiting")], ids=["default", "named"])
def test_pushers__of_a_push_that_the_forge_does_not_tell_of__are_a_warning_or_unknown(
    make_world: Callable[..., World], platform: Platform, policy: str, verdict: str
) -> None:
    world = make_world(platform, policy)
    number = _robots(world, pusher="alice")
    del world.repo.pushes[-1]
    world.approve(number, "bob")
    _assert_unread(world, number, verdict)


@pytest.mark.parametrize(("policy", "verdict"), [(GUARDED, "ok"), (NAMED, "waiting")], ids=["default", "named"])
def test_pushers__of_a_fork_that_the_token_may_not_see__are_a_warning_or_unknown(
    make_world: Callable[..., World], platform: Platform, policy: str, verdict: str
) -> None:
    world = make_world(platform, policy)
    number = world.open("topic", BETTER, labels=LABELS, author="erin", by="dave", fork=True)
    world.approve(number, "bob")
    _assert_unread(world, number, verdict)


def _assert_unread(world: World, number: int, verdict: str) -> None:
    planned = world.plan(number)
    assert (planned.code, planned.verdict) == (0, verdict)
    # On GitLab a fork's head has no pipeline here for its status.
    codes = [warning["code"] for warning in planned.json["warnings"] if warning["code"] != "status-not-set"]
    assert codes == ["pushers-unread"]
    world.merge(number)
    if verdict == "ok":
        done = _assert_promoted(world, number, "bob")
        assert [warning["code"] for warning in done["warnings"]] == ["pushers-unread"]
    else:
        _assert_refused(world, number, code=4)


def test_pusher__to_a_fork__does_not_count(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    world.repo.public = True
    number = world.open("topic", BETTER, labels=LABELS, author="erin", by="dave", fork=True, pusher="bob")
    world.approve(number, "bob")
    assert world.plan(number).verdict == "waiting"
    world.merge(number)
    _assert_refused(world, number)


def test_pushers__of_a_branch_with_more_pushes_than_are_read__are_a_warning(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    number = _robots(world, pusher="alice")
    (made,) = [push for push in world.repo.pushes if push.branch == "topic"]
    for _ in range(300):
        world.repo.pushed_branches({"refs/heads/topic": (made.after, made.after)}, by="alice")
    world.approve(number, "bob")
    planned = world.plan(number)
    assert planned.verdict == "ok"
    assert [warning["code"] for warning in planned.json["warnings"]] == ["pushers-unread"]
    assert _looks_for_pushes(world) == 3


# -- who asked ----------------------------------------------------------------------------

BY_ANOTHER = "stages:\n  prod: {approvals: {count: 1, not: [author, pusher, requester]}}\n"
#: Whom a workflow's own token is on GitHub; a project's token on GitLab.
WORKER = {"github": "github-actions[bot]", "gitlab": "project_7_bot_5e1f"}


def _run(world: World, by: str, event: str = "workflow_dispatch") -> Run:
    """A run that goes on."""
    world.repo.add_workflow("train.yml")
    return world.repo.start_run("train.yml", "refs/heads/main", by=by, event=event)


def _by_a_run(world: World, branch: str = "topic") -> int:
    """A change as a workflow's own token opens it, with a request file."""
    files = {**BETTER, "promotions/prod/churn.yaml": "[{artifact: churn, version: this}]\n"}
    worker = WORKER[world.platform]
    return world.open(branch, files, labels=("version:minor",), author=worker, by=worker)


def test_requester__who_started_the_run_that_opened_the_change__is_not_who_approves_it(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, BY_ANOTHER)
    run = _run(world, by="bob")
    number = _by_a_run(world)
    world.repo.end_run(run)
    world.approve(number, "bob")
    assert world.plan(number).verdict == "waiting"
    world.merge(number)
    _assert_refused(world, number)


def test_requester__of_a_run__leaves_everybody_else_in(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, BY_ANOTHER)
    ran = _run(world, by="carol")
    world.repo.end_run(ran)
    run = _run(world, by="bob")
    number = _by_a_run(world)
    world.repo.end_run(run)
    world.repo.end_run(_run(world, by="carol"))
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    _assert_promoted(world, number, "carol")


@pytest.mark.parametrize(("by", "passes"), [("carol", False), ("bob", True)])
def test_requester__is_who_started_a_run_once_more__not_who_did_before(
    make_world: Callable[..., World], platform: Platform, by: str, passes: bool
) -> None:
    world = make_world(platform, BY_ANOTHER)
    run = _run(world, by="bob")
    world.repo.end_run(run)
    world.repo.run_again(run, by="carol")
    number = _by_a_run(world)
    world.repo.end_run(run)
    world.repo.run_again(run, by="dave")
    world.repo.end_run(run)
    world.approve(number, by)
    world.merge(number)
    if passes:
        _assert_promoted(world, number, by)
    else:
        _assert_refused(world, number)


def test_requester__of_a_run_that_still_goes_on__does_not_count(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, BY_ANOTHER)
    _run(world, by="bob")
    number = _by_a_run(world)
    world.approve(number, "bob")
    world.merge(number)
    _assert_refused(world, number)


def test_requester__of_a_pipeline_below_another__does_not_count(make_world: Callable[..., World]) -> None:
    """GitLab lists those by themselves."""
    world = make_world("gitlab", BY_ANOTHER)
    run = _run(world, by="bob", event="parent_pipeline")
    number = _by_a_run(world)
    world.repo.end_run(run)
    world.approve(number, "bob")
    world.merge(number)
    _assert_refused(world, number)


def test_requester__where_no_run_is_to_be_found__is_unknown(make_world: Callable[..., World]) -> None:
    """GitHub's own bot opens nothing but by a run of this repository."""
    world = make_world("github", BY_ANOTHER)
    number = _by_a_run(world)
    world.approve(number, "bob")
    planned = world.plan(number)
    assert planned.verdict == "waiting"
    (found,) = [rule for rule in planned.json["rules"] if rule["rule"] == "approvals"]
    assert (found["state"], "who started the run" in found["message"]) == ("unknown", True)


def test_requester__among_more_runs_than_are_read__is_unknown(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, BY_ANOTHER)
    run = _run(world, by="carol")
    for _ in range(1001):
        world.repo.start_run("train.yml", "refs/heads/main", by="dave")
    number = _by_a_run(world)
    world.approve(number, "bob")
    planned = world.plan(number)
    (found,) = [rule for rule in planned.json["rules"] if rule["rule"] == "approvals"]
    assert found["state"] == "unknown"
    assert len(planned.requests) < 45
    world.repo.end_run(run)


def test_runs__are_not_asked_for_what_a_person_opened_or_where_the_policy_lets_requesters_in(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, BY_ANOTHER)
    number = world.open("topic", BETTER, labels=LABELS, by="dave")
    world.approve(number, "bob")
    lenient = make_world(platform, GUARDED)
    other = _robots(lenient, pusher="alice")
    lenient.approve(other, "bob")
    for planned in (world.plan(number), lenient.plan(other)):
        assert planned.verdict == "ok"
        assert not [found for found in planned.requests if "/runs" in found.path or "/pipelines" in found.path]


def test_requester__is_another_word_for_labeller(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, BY_ANOTHER)
    number = world.open("topic", BETTER, labels=LABELS, by="bob")
    world.approve(number, "bob")
    world.merge(number)
    _assert_refused(world, number)


# -- as of when ---------------------------------------------------------------------------


def test_roles__that_came_after_the_merge__count_and_the_tag_says_when_they_were_read(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """No API tells what somebody might do at an instant of the past."""
    world = make_world(platform, GUARDED)
    number = world.open("topic", BETTER, labels=LABELS, by="dave")
    world.approve(number, "mallory")
    assert world.plan(number).verdict == "waiting"
    world.merge(number)
    world.repo.grant("mallory", "write")
    earliest = format_time(int(time.time()))
    _assert_promoted(world, number, "mallory")
    (read_at,) = world.trailers("churn#prod#1")["Roles-Read-At"]
    assert earliest <= read_at <= format_time(int(time.time()))
    assert "Roles-Read-At" not in world.trailers("churn@v0.1.0")
