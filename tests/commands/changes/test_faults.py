"""Each request of promote and plan fails once, in every way that forges fail: completed, or refused clearly.

Never a half promotion that the next run does not complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.changes.world import BETTER, Platform, World
from tests.localforge.faults import Way, fail_always, fail_once, rate_limited

POLICY = "stages:\n  staging: {}\n  prod: {approvals: {count: 1, from: ['@org/ml-leads']}}\n"
LABELS = ("version:minor", "stage:staging", "stage:prod")
TAGS = {"churn@v0.1.0", "churn#prod#1", "churn#staging#2"}
WAYS: tuple[Way, ...] = (500, 502, 403, 404, 409, 422, 429, "drop", "drop-after")
BROKEN = {"message": "Resource broken", "documentation_url": "https://docs.github.com/rest"}
#: Every request that a promote makes, by method and path.
CALLS = {
    "github": {
        "change": ("GET", r"/pulls/1$"),
        "recent": ("GET", r"/pulls$"),
        "events": ("GET", r"/issues/1/events$"),
        "reviews": ("GET", r"/pulls/1/reviews$"),
        "permission": ("GET", r"/collaborators/carol/permission$"),
        "team": ("GET", r"/teams/ml-leads/members$"),
        "comments": ("GET", r"/issues/1/comments$"),
        "comment": ("PATCH", r"/issues/comments/\d+$"),
    },
    "gitlab": {
        "change": ("GET", r"/merge_requests/1$"),
        "recent": ("GET", r"/merge_requests$"),
        "events": ("GET", r"/resource_label_events$"),
        "reviews": ("GET", r"/approvals$"),
        "versions": ("GET", r"/versions$"),
        "permission": ("GET", r"/members/all/\d+$"),
        "team": ("GET", r"/groups/.*members/all$"),
        "comments": ("GET", r"/notes$"),
        "me": ("GET", r"/user$"),
        "comment": ("PUT", r"/notes/\d+$"),
    },
}
CASES = [(platform, call, way) for platform, calls in CALLS.items() for call in calls for way in WAYS]


def _merged(make_world: Callable[..., World], platform: Platform) -> World:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    return world


@pytest.mark.parametrize(("platform", "call", "way"), CASES, ids=lambda value: str(value))
def test_promote__one_request_fails_once__completed_or_refused_and_completed_by_the_next(
    make_world: Callable[..., World], platform: Platform, call: str, way: Way
) -> None:
    world = _merged(make_world, platform)
    fault = fail_once(world.server, *CALLS[platform][call], way, answer=BROKEN)
    ran = world.promote(1)
    assert fault.fired == 1, "the request was never made"
    made = set(world.tags())
    if way in (500, 502, 429, "drop", "drop-after"):
        assert (ran.code, made) == (0, TAGS), ran.out + ran.err
    if (call, way) == ("permission", 404):
        # That is the forges' answer for whoever is no member: a certain no.
        assert ran.code == 1
        assert {found["rule"] for found in ran.json["refused"]} == {"approvals"}
        return
    if ran.code != 0:
        # Refused with a reason and a fix, and nothing was decided for good.
        assert ran.code in (4, 6), ran.out
        if "error" in ran.json:
            assert ran.json["error"]["message"], ran.out
            assert ran.json["error"]["hint"], ran.out
            assert made == set()
        else:
            # What cannot be read refuses the stage whose rule needs it, and only that.
            assert {found["rule"] for found in ran.json["refused"]} == {"approvals"}
            assert made == {"churn@v0.1.0", "churn#staging#1"}
        again = world.promote(1)
        assert again.code == 0, again.out + again.err
    assert {tag.partition("#")[0] for tag in world.tags()} == {"churn@v0.1.0", "churn"}
    assert {tag.rpartition("#")[0] for tag in world.tags() if "#" in tag} == {"churn#prod", "churn#staging"}
    assert len(world.comments(1)) == 1


@pytest.mark.parametrize("way", [500, 502, 403, 404, 422, 429, "drop", "drop-after"])
def test_plan__posting_the_comment_fails_once__one_comment_or_the_report(
    make_world: Callable[..., World], platform: Platform, way: Way
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER, labels=LABELS)
    fault = fail_once(world.server, "POST", r"/(comments|notes)$", way, answer=BROKEN)
    ran = world.plan(number)
    assert (ran.code, fault.fired) == (0, 1), ran.err
    if way in (403, 404, 422):
        assert ran.json["comment_url"] is None
        assert [w["code"] for w in ran.json["warnings"]] == ["comment-not-written"]
        assert "Tagline: waiting" in _report(world)
    else:
        assert len(world.comments(number)) == 1
    again = world.plan(number)
    assert again.json["comment_url"]
    assert len(world.comments(number)) == 1


def _report(world: World) -> str:
    name = "summary.md" if world.platform == "github" else "tagline-report.md"
    return (world.folder / name).read_text()


@pytest.mark.parametrize("way", [500, 403, "drop"])
def test_plan__the_status_cannot_be_set__is_said_and_no_failure(
    make_world: Callable[..., World], platform: Platform, way: Way
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER, labels=LABELS)
    fail_always(world.server, "POST", r"/statuses/", way, answer=BROKEN)
    ran = world.plan(number)
    assert ran.code == 0
    assert [w["code"] for w in ran.json["warnings"]] == ["status-not-set"]


def test_rate_limit__short__is_waited_for(make_world: Callable[..., World]) -> None:
    world = _merged(make_world, "github")
    fault = rate_limited(world.server, "GET", r"/pulls/1/reviews$", retry_after=1)
    assert world.promote(1).code == 0
    assert fault.fired == 1


def test_rate_limit__of_an_hour__is_said_and_not_waited_for(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = _merged(make_world, platform)
    path = r"/(pulls|merge_requests)/1$"
    fault = fail_once(world.server, "GET", path, 429, headers={"Retry-After": "3600"}, answer={"message": "slow"})
    ran = world.promote(1)
    assert ran.code == 4
    assert ran.json["error"]["code"] == "rate-limit"
    assert fault.fired == 1
    assert world.promote(1).code == 0


PUSHES: dict[str, tuple[str, str]] = {
    "GH013": ("remote: error: GH013: Repository rule violations found for refs/tags/churn@v0.1.0.", "ruleset"),
    "workflows": (
        "refusing to allow a GitHub App to create or update workflow `.github/workflows/a.yml` without `workflows` "
        "permission",
        "workflows",
    ),
    "protected": ("GitLab: You are not allowed to create this tag as it is protected.", "protected-tag"),
    "hook": ("no thank you", "hook-declined"),
}


@pytest.mark.parametrize("case", PUSHES)
def test_push__refused_by_the_forge__nothing_is_written_and_the_reason_is_told(
    make_world: Callable[..., World], platform: Platform, case: str
) -> None:
    world = _merged(make_world, platform)
    words, code = PUSHES[case]
    world.repo.refuse_pushes = words
    ran = world.promote(1)
    assert ran.code == 4
    assert ran.json["error"]["code"] == code
    assert world.tags() == {}
    world.repo.refuse_pushes = None
    assert world.promote(1).code == 0
    assert set(world.tags()) == TAGS


@pytest.mark.parametrize("way", [500, 502, 503, "drop", "drop-after"])
def test_push__breaks_once__is_looked_up_and_completed(
    make_world: Callable[..., World], platform: Platform, way: Way
) -> None:
    world = _merged(make_world, platform)
    fault = fail_once(world.server, "POST", r"git-receive-pack$", way)
    ran = world.promote(1)
    assert fault.fired == 1
    assert (ran.code, set(world.tags())) == (0, TAGS), ran.out + ran.err


def test_push__between_two_artifacts_the_remote_dies__the_next_run_completes_it(
    make_world: Callable[..., World],
) -> None:
    world = make_world("github")  # on GitLab the four tags are one push
    labels = ("version:minor", "stage:prod")
    number = world.open("topic", {**BETTER, "models/fraud.txt": "rules: 4\n"}, labels=labels)
    world.merge(number)
    pushes = 0

    def second_push(request: Any) -> None:
        nonlocal pushes
        if re.search(r"git-receive-pack$", request.path) and request.method == "POST":
            pushes += 1
            if pushes > 1:
                from tagline_localforge import Drop

                raise Drop

    world.server.before.append(second_push)
    assert world.promote(number).code == 4
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}
    world.server.before.remove(second_push)
    assert world.promote(number).code == 0
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1", "fraud@v0.1.0", "fraud#prod#1"}
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment


def test_crash__between_push_and_comment__the_next_run_completes_the_record(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = _merged(make_world, platform)
    fault = fail_always(world.server, "PATCH" if platform == "github" else "PUT", r"comments|notes", 500)
    assert world.promote(1).code == 0
    assert set(world.tags()) == TAGS
    assert "Tagline: done" not in world.comments(1)[0]
    fault.remove()
    later = world.open("later", {"models/churn.txt": "trees: 51\n"}, labels=("version:minor",))
    world.merge(later)
    assert world.promote(later).code == 0
    assert "Tagline: done" in world.comments(1)[0], "the next promote completes what an earlier one left"
