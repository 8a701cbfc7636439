"""A policy that cannot be understood: refused before it is merged; merged anyway, it locks nobody out of mending it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, Platform, World
from tests.localforge.faults import fail_always

BROKEN = "stages:\n  prod: {aprovals: {count: 2}}\n"
MENDED = "stages:\n  prod: {approvals: {count: 1}}\n"
LABELS = ("version:minor", "stage:prod")
#: What ``World.status`` shows of a plan that could not be made.
FAILED = {"github": "error", "gitlab": "failure"}


def _state(world: World, number: int) -> tuple[str | None, str]:
    """The status of a change's head: its state in GitHub's words, and its text."""
    head = world.repo.change(number).head
    texts = [status.description for status in world.repo.statuses if status.sha == head]
    return world.status(head), texts[-1] or "" if texts else ""


@pytest.fixture
def broken(make_world: Callable[..., World], platform: Platform) -> World:
    """A shop whose policy has a mistake in its second line."""
    return make_world(platform, BROKEN)


# -- a change that breaks it ----------------------------------------------------------


@pytest.mark.parametrize("labels", [(), LABELS], ids=["asks-nothing", "asks"])
@pytest.mark.parametrize("before", [None, MENDED], ids=["new-file", "edited"])
def test_plan__change_that_breaks_the_policy__is_refused_with_place_and_fix(
    make_world: Callable[..., World], platform: Platform, labels: tuple[str, ...], before: str | None
) -> None:
    world = make_world(platform, before)
    number = world.open("topic", {**BETTER, ".tagline.yaml": BROKEN}, labels=labels)
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (1, "refused")
    (found,) = ran.json["refused"]
    assert found["rule"] == "policy-breaks"
    assert ".tagline.yaml:2:10: " in found["message"]
    assert "Did you mean 'approvals'?" in found["fix"]
    assert _state(world, number)[0] == "failure"
    assert "aprovals" in _state(world, number)[1]
    assert "aprovals" in world.comments(number)[0]

    world.push("topic", {".tagline.yaml": MENDED})
    assert world.plan(number).verdict == ("waiting" if labels and before else "ok" if labels else "nothing")
    assert _state(world, number)[0] == ("pending" if labels and before else "success")
    assert "aprovals" not in world.comments(number)[0]


def test_promote__change_that_broke_the_policy__does_nothing_as_its_plan_said(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, "stages: {prod: {}}\n")
    number = world.open("topic", {**BETTER, ".tagline.yaml": BROKEN}, labels=LABELS)
    world.merge(number)
    for ran in (world.promote(number), world.promote(number)):
        assert (ran.code, [found["rule"] for found in ran.json["refused"]]) == (1, ["policy-breaks"])
    assert world.tags() == {}


def test_plan__policy_with_very_many_mistakes__says_the_first_and_how_many_more(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    text = "stages:\n" + "".join(f"  s{number}: {{sok: 1h}}\n" for number in range(300))
    number = world.open("topic", {".tagline.yaml": text})
    refused = world.plan(number).json["refused"]
    assert 2 <= len(refused) <= 20
    assert ".tagline.yaml:2:8: " in refused[0]["message"]
    assert f"{300 - len(refused)} more" in refused[-1]["message"]


def test_plan__change_that_makes_the_policy_a_link__is_refused(world: World) -> None:
    number = world.open("topic", {"ci/policy.yaml": MENDED})
    (world.clone / ".tagline.yaml").symlink_to("ci/policy.yaml")
    world.git("add", "--all")
    world.git("commit", "--quiet", "--message", "A link")
    world.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    if world.platform == "gitlab":
        world.git("fetch", "--quiet", "origin")
    ran = world.plan(number)
    assert [found["rule"] for found in ran.json["refused"]] == ["policy-breaks"]
    assert "symlink" in ran.json["refused"][0]["message"]


def test_plan__change_that_leaves_a_broken_policy_alone__is_not_blamed_for_it(broken: World) -> None:
    number = broken.open("topic", BETTER)
    broken.push("main", {"README.md": "moved on\n"})
    ran = broken.plan(number)
    assert (ran.code, ran.verdict) == (0, "nothing")


def test_plan_open__change_that_breaks_the_policy__is_refused_beside_others(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    bad = world.open("bad", {".tagline.yaml": BROKEN})
    good = world.open("good", BETTER, labels=("version:minor",))
    ran = world.run("plan", "--open")
    assert {one["change"]["number"]: one["verdict"] for one in ran.json["changes"]} == {bad: "refused", good: "ok"}
    assert (_state(world, bad)[0], _state(world, good)[0]) == ("failure", "success")


# -- under a broken one ----------------------------------------------------------------


def test_plan__under_a_broken_policy__what_asks_is_refused_and_says_why(broken: World) -> None:
    number = broken.open("topic", BETTER, labels=LABELS)
    ran = broken.plan(number)
    assert (ran.code, ran.verdict) == (1, "refused")
    (found,) = ran.json["refused"]
    assert found["rule"] == "policy-unreadable"
    assert "line 2" in found["message"]
    assert "Did you mean 'approvals'?" in found["fix"]
    assert _state(broken, number)[0] == "failure"
    assert "line 2" in _state(broken, number)[1]
    assert "cannot be understood" in broken.comments(number)[0]


@pytest.mark.parametrize("by_file", [False, True])
def test_promote__under_a_broken_policy__what_asks_is_refused_for_good(broken: World, by_file: bool) -> None:
    asked = {"promotions/prod/one.yaml": "- {artifact: churn, version: this}\n"} if by_file else {}
    number = broken.open("topic", {**BETTER, **asked}, labels=() if by_file else LABELS)
    broken.merge(number)
    broken.push("main", {".tagline.yaml": "stages: {prod: {}}\n"})
    for ran in (broken.promote(number), broken.promote(number)):
        assert (ran.code, [found["rule"] for found in ran.json["refused"]]) == (1, ["policy-unreadable"])
    assert broken.tags() == {}


def test_broken_policy__change_that_mends_it__passes_and_the_next_is_judged_again(broken: World) -> None:
    mending = broken.open("mend", {".tagline.yaml": MENDED})
    ran = broken.plan(mending)
    assert (ran.code, ran.verdict) == (0, "nothing")
    state, text = _state(broken, mending)
    assert state == "success"
    assert ".tagline.yaml" in text
    landed = broken.merge(mending)
    assert broken.promote(mending).code == 0
    assert broken.on_push(landed).code == 0

    number = broken.open("topic", BETTER, labels=LABELS)
    assert broken.plan(number).verdict == "waiting"
    broken.approve(number, "bob")
    landed = broken.merge(number)
    assert broken.on_push(landed).code == 0
    assert "churn#prod#1" in broken.tags()


def test_broken_policy__change_that_mends_it_and_asks__is_refused_until_it_only_mends(broken: World) -> None:
    number = broken.open("mend", {**BETTER, ".tagline.yaml": MENDED}, labels=("version:minor",))
    ran = broken.plan(number)
    assert [found["rule"] for found in ran.json["refused"]] == ["policy-unreadable"]
    broken.repo.unlabel(number, "version:minor", by="bob")
    assert broken.plan(number).verdict == "nothing"
    assert _state(broken, number)[0] == "success"


def test_broken_policy__change_that_mends_half_of_it__is_refused_where_the_other_half_is(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, "stages:\n  prod: {aprovals: {count: 2}}\n  test: {sok: 1h}\n")
    number = world.open("mend", {".tagline.yaml": "stages:\n  prod: {}\n  test: {sok: 1h}\n"})
    (found,) = world.plan(number).json["refused"]
    assert (found["rule"], ".tagline.yaml:3:" in found["message"]) == ("policy-breaks", True)


def test_broken_policy__plan_open_and_schedules__go_on(broken: World) -> None:
    asking = broken.open("topic", BETTER, labels=LABELS)
    quiet = broken.open("quiet", {"README.md": "x\n"})
    ran = broken.run("plan", "--open")
    verdicts = {one["change"]["number"]: one["verdict"] for one in ran.json["changes"]}
    assert (ran.code, verdicts) == (1, {asking: "refused", quiet: "nothing"})
    assert broken.on_schedule().code == 0


def test_broken_policy__earlier_change_whose_landing_had_a_good_one__is_promoted(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, "stages: {prod: {}}\n")
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.push("main", {".tagline.yaml": BROKEN})
    assert world.promote(number).code == 0
    assert "churn#prod#1" in world.tags()


@pytest.mark.parametrize("rest", ["stages: {prod: {sok: 1h}}\n", "stages: {}\nstages: {}\n"])
def test_broken_policy__prefix_of_labels__is_read_where_it_can_be(
    make_world: Callable[..., World], platform: Platform, rest: str
) -> None:
    world = make_world(platform, f"labels: {{prefix: ml-}}\n{rest}")
    other = world.open("other", BETTER, labels=("version:9",))
    ours = world.open("ours", BETTER, labels=("ml-version:minor",))
    assert (world.plan(other).verdict, world.plan(ours).verdict) == ("nothing", "refused")


def test_broken_policy__other_branch__nobody_knows_whether_it_is_listed(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, f"branches: ['release/*']\n{BROKEN}")
    world.push("release/1", {"r.txt": "1\n"})
    number = world.open("topic", BETTER, labels=LABELS, target="release/1")
    assert [found["rule"] for found in world.plan(number).json["refused"]] == ["policy-unreadable"]
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, ran.json["error"]["code"]) == (2, "policy-unreadable")
    # A tip that is mended decides on what landed elsewhere: nothing was remembered.
    world.push("main", {".tagline.yaml": "branches: ['release/*']\nstages: {prod: {}}\n"})
    assert world.promote(number).code == 0
    assert "churn#prod#1" in world.tags()


# -- a plan that fails ------------------------------------------------------------------


def _notes(world: World) -> str:
    return "/comments" if world.platform == "github" else "/notes"


def test_plan__that_fails__says_so_in_the_status(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, MENDED)
    number = world.open("topic", BETTER, labels=LABELS)
    assert world.plan(number).verdict == "waiting"
    fault = fail_always(world.server, "GET", _notes(world), 500)
    ran = world.plan(number)
    assert (ran.code, fault.fired > 0) == (4, True)
    state, text = _state(world, number)
    assert (state, text.split(":")[0]) == (FAILED[platform], "The plan could not be made")
    fault.remove()
    assert world.plan(number).verdict == "waiting"
    assert _state(world, number)[0] == "pending"


def test_plan__that_fails_and_can_set_no_status__tells_what_failed_first(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, MENDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.repo.comment(number, by="bob", body="Hm.")
    fail_always(world.server, "GET", _notes(world), 500)
    statuses = fail_always(world.server, "POST", "/statuses/", 403)
    ran = world.plan(number)
    assert ran.code == 4
    assert "500" in ran.json["error"]["message"]
    assert statuses.fired > 0


def test_plan_open__that_fails_on_one__says_so_there_and_plans_the_others(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, MENDED)
    one = world.open("one", BETTER, labels=LABELS)
    two = world.open("two", {"models/fraud.txt": "rules: 4\n"}, labels=("version:minor",))
    fail_always(world.server, "GET", f"/{one}{_notes(world)}", 500)
    for number in (one, two):
        world.repo.comment(number, by="bob", body="Hm.")
    world.run("plan", "--open")
    assert (_state(world, one)[0], _state(world, two)[0]) == (FAILED[platform], "success")


def test_plan_open__that_fails_on_what_asks_nothing__leaves_its_status_alone(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """The next refresh would leave a required status red: it sets none where nothing is asked."""
    world = make_world(platform)
    number = world.open("topic", {".tagline.yaml": BROKEN if platform == "github" else MENDED})
    world.plan(number)
    world.repo.comment(number, by="bob", body="Hm.")
    before = list(world.repo.statuses)
    # What each forge is asked for of such a change.
    fault = fail_always(world.server, "GET", "/compare/" if platform == "github" else _notes(world), 500)
    assert world.run("plan", "--open").code == 4
    assert fault.fired > 0
    assert world.repo.statuses == before
