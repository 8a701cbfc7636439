"""The status of a change: read first, posted where it says something new, with a last word so that nothing hangs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, Platform, Ran, World
from tests.localforge.faults import fail_always

FREE = "stages:\n  prod: {}\n"
GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
LABELS = ("version:minor", "stage:prod")


def _posted(ran: Ran) -> int:
    return sum(request.method == "POST" and "/statuses/" in request.path for request in ran.requests)


def _warnings(ran: Ran) -> list[str]:
    return [warning["message"] for warning in ran.json["warnings"] if warning["code"] == "status-not-set"]


def test_status__that_says_it_already__is_not_posted_again(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    head = world.repo.change(number).head
    assert [_posted(world.plan(number)) for _ in range(3)] == [1, 0, 0]
    assert _posted(world.run("plan", "--open")) == 0
    assert world.status(head) == "success"


def test_status__pending__gets_its_last_word(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    head = world.repo.change(number).head
    assert [_posted(world.plan(number)) for _ in range(2)] == [1, 0]
    assert world.status(head) == "pending"
    world.approve(number, "carol")
    assert _posted(world.plan(number)) == 1
    assert world.status(head) == "success"


@pytest.mark.parametrize("every", [False, True], ids=["its-own", "open"])
def test_status__of_what_no_longer_asks__is_success(
    make_world: Callable[..., World], platform: Platform, every: bool
) -> None:
    world = make_world(platform, GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.plan(number)
    for label in LABELS:
        world.repo.unlabel(number, label, by="bob")
    for _ in range(2):
        ran = world.run("plan", "--open") if every else world.plan(number)
        assert ran.code == 0
        assert world.status(world.repo.change(number).head) == "success"


def test_plan_open__of_a_change_that_asks_for_nothing__sets_what_a_rule_may_require(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """GitHub's rules require a status by name; on GitLab posting one would start a pipeline that nobody asked for."""
    world = make_world(platform, FREE)
    number = world.open("quiet", {"README.md": "x\n"}, labels=())
    world.repo.comment(number, by="bob", body="chatter")
    first, again = world.run("plan", "--open"), world.run("plan", "--open")
    assert (_posted(first), _posted(again)) == (1 if platform == "github" else 0, 0)
    assert world.status(world.repo.change(number).head) == ("success" if platform == "github" else None)
    assert len(again.requests) <= 4, [f"{r.method} {r.path}" for r in again.requests]


def test_status__by_another_app_or_user__is_not_ours(make_world: Callable[..., World], platform: Platform) -> None:
    """A rule may want it of one app alone, and GitLab moves a user's own only."""
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.plan(number)
    head = world.repo.change(number).head
    ours = world.repo.statuses[-1]
    world.repo.set_status(
        head, ours.state, by="bob", context="tagline", description=ours.description, target_url=ours.target_url,
        ref=ours.ref, pipeline=ours.pipeline,
    )  # fmt: skip
    assert _posted(world.plan(number)) == 1
    assert world.repo.statuses[-1].login != "bob"


def test_github__a_thousand_statuses__are_told_with_the_way_on(make_world: Callable[..., World]) -> None:
    world = make_world("github", GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.repo.switches.most_statuses = 1
    world.plan(number)
    world.approve(number, "carol")
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (0, "ok")
    (message,) = _warnings(ran)
    assert "a thousand" in message
    assert "push another commit" in message


# GitLab: the pipeline that people see


def _merge_pipeline(world: World, number: int) -> str:
    """What a merged results pipeline runs on: a commit that merges the head into its target."""
    trial = world.repo.trial_merge(world.repo.change(number))
    assert trial is not None
    world.repo.add_workflow("ci")
    world.repo.start_run("ci", f"refs/merge-requests/{number}/merge", by="bob", event="merge_request_event")
    return trial


@pytest.mark.parametrize("every", [False, True], ids=["its-own", "open"])
def test_gitlab__merged_results_pipeline__the_status_is_in_it(make_world: Callable[..., World], every: bool) -> None:
    world = make_world("gitlab", GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    trial = _merge_pipeline(world, number)
    planned = [world.run("plan", "--open") if every else world.plan(number) for _ in range(2)]
    assert [_posted(ran) for ran in planned] == [1, 0]
    assert (world.status(trial), world.status(world.repo.change(number).head)) == ("pending", None)
    assert len(world.repo.runs) == 1, "no pipeline beside it, which the merge request would show instead"
    for label in LABELS:
        world.repo.unlabel(number, label, by="bob")
    assert world.run("plan", "--open").code == 0
    assert world.status(trial) == "success"


def test_gitlab__of_several_pipelines__the_newest_of_the_request(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab", FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.repo.add_workflow("ci")
    runs = [
        world.repo.start_run("ci", "refs/heads/topic", by="bob", event="push"),
        world.repo.start_run("ci", f"refs/merge-requests/{number}/head", by="bob", event="merge_request_event"),
    ]
    world.plan(number)
    assert [status.pipeline for status in world.repo.statuses] == [runs[-1].id]


def test_gitlab__fork_without_a_pipeline_here__is_said_and_no_failure(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab", FREE)
    number = world.open("topic", BETTER, labels=LABELS, author="erin", by="dave", fork=True)
    ran = world.plan(number)
    assert ran.code == 0
    (message,) = _warnings(ran)
    assert "the head lies in a fork" in message
    assert world.repo.statuses == []
    # Its members may run one here; then that has the status.
    world.repo.add_workflow("ci")
    world.repo.start_run("ci", f"refs/merge-requests/{number}/head", by="bob", event="merge_request_event")
    ran = world.plan(number)
    assert _warnings(ran) == []
    assert len(world.repo.statuses) == 1


def test_status__that_cannot_be_read__is_said_and_no_failure(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    fail_always(world.server, "GET", r"/statuses", 403)
    ran = world.plan(number)
    assert ran.code == 0
    assert len(_warnings(ran)) == 1
