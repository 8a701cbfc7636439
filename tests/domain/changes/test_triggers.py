"""What plan and promote look at after each event of both platforms."""

from __future__ import annotations

import pytest

from tagline.domain.changes.triggers import Event, Task, plan_task, promote_task

C = "c" * 40


def github(name: str, action: str = "", **fields: object) -> Event:
    return Event("github", name, action, **fields)  # type: ignore[arg-type]


PLANNED = (
    "opened", "reopened", "edited", "synchronize", "ready_for_review", "converted_to_draft", "labeled", "unlabeled",
)  # fmt: skip


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
@pytest.mark.parametrize("action", PLANNED)
def test_plan_task__pull_request_that_changed__is_that_change(name, action):
    assert plan_task(github(name, action, number=7)) == Task("change", number=7)


@pytest.mark.parametrize("action", ["closed", "assigned", "locked", "review_requested", ""])
def test_plan_task__pull_request_whose_plan_stays__is_nothing(action):
    task = plan_task(github("pull_request", action, number=7))
    assert task.kind == "nothing"
    assert action in task.why


@pytest.mark.parametrize("action", ["submitted", "dismissed", "edited"])
def test_plan_task__review__is_that_change(action):
    assert plan_task(github("pull_request_review", action, number=7)) == Task("change", number=7)


def test_plan_task__merge_queue__sets_its_status_on_the_group():
    event = github("merge_group", "checks_requested", number=7, group_head=C)
    assert plan_task(event) == Task("change", number=7, status_on=C)


def test_plan_task__gitlabs_merge_request__is_that_change():
    assert plan_task(Event("gitlab", "merge_request_event", number=7)) == Task("change", number=7)


def test_plan_task__change_known_by_its_commit_alone__is_looked_up_by_it():
    assert plan_task(Event("gitlab", "merge_request_event", commit=C)) == Task("change", commit=C)


def test_plan_task__event_without_any_change__says_so():
    task = plan_task(Event("gitlab", "merge_request_event"))
    assert (task.kind, task.why) == ("nothing", "The merge_request_event event names no change.")


BY_HAND = ("schedule", "workflow_dispatch", "repository_dispatch", "web", "api", "trigger", "pipeline", "chat")


@pytest.mark.parametrize("name", BY_HAND)
def test_plan_task__by_clock_or_hand__is_every_open_change(name):
    assert plan_task(Event("gitlab", name, branch="main", commit=C)) == Task("open")


@pytest.mark.parametrize("name", ["push", "issue_comment", "release", "parent_pipeline", ""])
def test_plan_task__any_other_event__is_nothing_and_names_it(name):
    task = plan_task(github(name, number=7, branch="main", commit=C))
    assert task.kind == "nothing"
    assert task.why == f"There is nothing to plan after {name or 'an event without a name'}."


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
def test_promote_task__pull_request_closed__is_that_change(name):
    assert promote_task(github(name, "closed", number=7)) == Task("change", number=7)


@pytest.mark.parametrize("action", PLANNED)
def test_promote_task__pull_request_still_open__is_nothing(action):
    task = promote_task(github("pull_request", action, number=7))
    assert (task.kind, task.why) == ("nothing", f"There is nothing to promote after pull_request ({action}).")


def test_promote_task__pull_request_labeled_after_its_merge__is_that_change():
    assert promote_task(github("pull_request", "labeled", number=7, merged=True)) == Task("change", number=7)
    assert promote_task(github("pull_request", "unlabeled", number=7, merged=True)).kind == "nothing"


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_promote_task__branch_pushed__is_what_landed_in_the_range(platform):
    event = Event(platform, "push", commit=C, before="b" * 40, branch="main")
    assert promote_task(event) == Task("landed", commit=C, before="b" * 40, branch="main")


def test_promote_task__branch_pushed_for_the_first_time__has_no_before():
    event = Event("gitlab", "push", commit=C, before="0" * 40, branch="main")
    assert promote_task(event) == Task("landed", commit=C, before=None, branch="main")


@pytest.mark.parametrize("name", ["issues", "pull_request_review", "milestone"])
def test_promote_task__something_else_closed__is_nothing(name):
    assert promote_task(github(name, "closed", number=7)).kind == "nothing"


def test_promote_task__tag_pushed__is_nothing():
    assert promote_task(github("push", commit=C, before="b" * 40)).kind == "nothing"


@pytest.mark.parametrize("name", BY_HAND)
def test_promote_task__by_clock_or_hand__is_what_is_unfinished(name):
    assert promote_task(Event("github", name, branch="main", commit=C)) == Task("landed")


@pytest.mark.parametrize("name", ["merge_request_event", "merge_group", "pull_request_review", "release", ""])
def test_promote_task__any_other_event__is_nothing(name):
    assert promote_task(Event("gitlab", name, number=7, branch="main", commit=C)).kind == "nothing"
