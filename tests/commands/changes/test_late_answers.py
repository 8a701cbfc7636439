"""What a forge does not tell yet is waited for a little, and never judged: exit 5, and the next run does it."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tagline.commands.changes import landing
from tagline_localforge.switches import Late
from tests.commands.changes.merges import METHODS
from tests.commands.changes.world import BETTER, Platform, Ran, World

FREE = "stages:\n  prod: {}\n  staging: {}\n"
GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
LABELS = ("version:minor", "stage:prod")
TAGS = {"churn@v0.1.0", "churn#prod#1"}
CASES = [(platform, method) for platform, methods in METHODS.items() for method in methods if method != "ff"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks, without the waiting between them."""
    monkeypatch.setattr(landing, "PAUSES", (0.0,) * len(landing.PAUSES))


def _assert_undecided(world: World, number: int, ran: Ran, code: str) -> None:
    assert (ran.code, ran.json["error"]["code"]) == (5, code), ran.out + ran.err
    assert "again" in ran.json["error"]["hint"]
    assert (world.tags(), world.comments(number)) == ({}, [])


# -- one change by its number -----------------------------------------------------------


@pytest.mark.parametrize(("platform", "method"), CASES)
@pytest.mark.parametrize("requests", [1, 3])
def test_merge_commit__null_for_a_moment__is_waited_for(
    make_world: Callable[..., World], platform: Platform, method: str, requests: int
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, {"README.md": "2\n"}, labels=LABELS)
    merged = world.merge(number, method)
    world.repo.switches.late_merge_commit = Late(requests)
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == dict.fromkeys(TAGS, merged)


@pytest.mark.parametrize(("platform", "method"), [case for case in CASES if case[1] != "rebase"])
def test_merge_commit__null_for_longer__decides_nothing_and_the_next_run_does(
    make_world: Callable[..., World], platform: Platform, method: str
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, {"README.md": "2\n"}, labels=LABELS)
    world.merge(number, method)
    world.repo.switches.late_merge_commit = Late(math.inf)
    for _ in range(2):
        _assert_undecided(world, number, world.promote(number), "no-merge-commit")
    world.repo.switches.late_merge_commit = Late()
    assert world.promote(number).code == 0
    assert set(world.tags()) == TAGS


@pytest.mark.parametrize("requests", [2, math.inf])
def test_locked__while_gitlab_merges__is_waited_for(make_world: Callable[..., World], requests: float) -> None:
    world = make_world("gitlab", FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.repo.switches.late_merged_state = Late(requests)
    ran = world.promote(number)
    if requests == math.inf:
        _assert_undecided(world, number, ran, "being-merged")
    else:
        assert (ran.code, set(world.tags())) == (0, TAGS), ran.out + ran.err


def test_plan__of_what_gitlab_merges_at_this_moment__says_so(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab", FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.repo.switches.late_merged_state = Late(1)
    ran = world.plan(number)
    assert (ran.code, ran.verdict) == (0, "nothing"), ran.err
    assert ran.json["why"].startswith("It is being merged")


# -- what GitLab leaves out ---------------------------------------------------------------


@pytest.mark.parametrize("by_number", [True, False], ids=["number", "schedule"])
def test_merged_at__null_for_good__labels_count_as_of_the_merge_that_the_events_tell(
    make_world: Callable[..., World], by_number: bool
) -> None:
    world = make_world("gitlab", FREE)
    number = world.open("topic", BETTER, labels=("version:minor",))
    world.merge(number)
    world.repo.switches.no_merged_at = True
    world.repo.label(number, "stage:prod", by="bob")
    ran = world.promote(number) if by_number else world.on_schedule()
    assert ran.code == 0, ran.out + ran.err
    assert set(world.tags()) == {"churn@v0.1.0"}


def test_approved_by__without_a_user__is_nobodys_approval(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab", GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    world.repo.switches.no_approvers = True
    world.server.observers.clear()  # no shape of GitLab's allows it
    assert world.plan(number).verdict == "waiting"
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, [found["rule"] for found in ran.json["refused"]]) == (1, ["approvals"]), ran.err
    assert set(world.tags()) == {"churn@v0.1.0"}


def test_approved_at__missing__is_unknown_and_said_so(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab", GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    world.repo.switches.no_approved_at = True
    world.merge(number)
    ran = world.promote(number)
    (found,) = ran.json["refused"]
    assert (ran.code, found["rule"]) == (4, "approvals"), ran.err
    assert "when carol approved" in found["message"]


# -- what a push brought --------------------------------------------------------------------

TWO = {"models/churn.txt": "trees: 51\n"}


def _queue(world: World, method: str) -> tuple[list[int], str, list[str]]:
    """Two changes of one artifact that a queue lands by one push; main before it, and where each landed."""
    numbers = [world.open(name, files, labels=("version:minor",)) for name, files in (("one", BETTER), ("two", {}))]
    world.push("two", {"README.md": "2\n", "models/fraud.txt": "rules: 4\n"})
    world.repo.label(numbers[1], "version:fraud@minor", by="bob")
    world.repo.unlabel(numbers[1], "version:minor", by="bob")
    world.repo.label(numbers[1], "version:churn@minor", by="bob")
    before = world.git("rev-parse", "origin/main")
    return numbers, before, world.repo.merge_together(numbers, by="bob", method=method)


QUEUES = [("github", "merge"), ("github", "squash"), ("github", "rebase"), ("gitlab", "merge"), ("gitlab", "squash")]
#: Those whose commits or pushes say that a forge made them; the list of a commit may be late then, too.
TOLD = [(*case, True) for case in QUEUES if case != ("gitlab", "squash")]


@pytest.mark.parametrize(("platform", "method", "commits_too"), [(*case, False) for case in QUEUES] + TOLD)
@pytest.mark.parametrize("late", [1, 2], ids=["one-late", "both-late"])
def test_queue__whose_changes_the_lists_do_not_have_yet__each_makes_its_version(
    make_world: Callable[..., World], platform: Platform, method: str, late: int, *, commits_too: bool
) -> None:
    """One that is overlooked would be refused for ever: the other one has the newer version then."""
    world = make_world(platform, FREE)
    _, before, landed = _queue(world, method)
    world.repo.switches.late_list = Late(3, late)
    world.repo.switches.late_commit_list = Late(3 if commits_too else 0, late)
    ran = world.on_push(landed[-1], before)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {
        "churn@v0.1.0": landed[0], "churn@v0.2.0": landed[1], "fraud@v0.1.0": landed[1],
    }  # fmt: skip


@pytest.mark.parametrize(("platform", "method"), [case[:2] for case in TOLD])
def test_push__of_a_merge_that_no_list_has__decides_nothing_and_the_next_run_does(
    make_world: Callable[..., World], platform: Platform, method: str
) -> None:
    world = make_world(platform, FREE)
    numbers, before, landed = _queue(world, method)
    for switch in ("late_list", "late_commit_list", "late_merge_commit"):
        setattr(world.repo.switches, switch, Late(math.inf, 2))
    ran = world.on_push(landed[-1], before)
    assert (ran.code, ran.json["error"]["code"]) == (5, "merge-not-listed"), ran.out + ran.err
    assert world.tags() == {}
    for switch in ("late_list", "late_commit_list", "late_merge_commit"):
        setattr(world.repo.switches, switch, Late())
    assert world.on_push(landed[-1], before).code == 0
    assert len(world.tags()) == 3
    assert all(world.comments(number) for number in numbers)


@pytest.mark.parametrize("requests", [2, math.inf])
def test_push__of_what_gitlab_still_merges__is_waited_for(make_world: Callable[..., World], requests: float) -> None:
    world = make_world("gitlab", FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    before = world.git("rev-parse", "origin/main")
    after = world.merge(number, "ff")
    world.repo.switches.late_merged_state = Late(requests)
    ran = world.on_push(after, before)
    if requests == math.inf:
        _assert_undecided(world, number, ran, "merge-not-listed")
    else:
        assert (ran.code, set(world.tags())) == (0, TAGS), ran.out + ran.err


@pytest.mark.parametrize("days", [0, 0.1])
@pytest.mark.parametrize("by_number", [True, False], ids=["number", "schedule"])
def test_earlier__that_the_forge_tells_nothing_of_yet__no_later_one_is_numbered_first(
    make_world: Callable[..., World], by_number: bool, days: float
) -> None:
    """An hour after its merge it stops nobody any more, and is told."""
    world = make_world("github", FREE, days_ago=1)
    with world.days_ago(days):
        world.merge(world.open("one", BETTER, labels=LABELS))
        number = world.open("two", TWO, labels=LABELS)
        world.merge(number)
    world.repo.switches.late_merge_commit = Late(math.inf)
    world.repo._merges.reverse()  # the earlier one is the late one
    ran = world.promote(number) if by_number else world.on_schedule()
    assert ran.code == 5, ran.out + ran.err
    assert set(world.tags()) == (TAGS if days else set())


# -- a push that no forge made ----------------------------------------------------------------


def _merge_by_hand(world: World, message: str) -> None:
    world.push("feature", {"models/churn.txt": "by hand\n"})
    world.git("checkout", "--quiet", "-B", "main", "origin/main")
    world.git("merge", "--quiet", "--no-ff", "--message", message, "origin/feature")


def _cherry_pick(world: World, message: str) -> None:
    world.push("feature", {"models/churn.txt": "by hand\n"})
    world.git("checkout", "--quiet", "-B", "main", "origin/main")
    world.git("cherry-pick", "origin/feature")
    world.git("commit", "--quiet", "--amend", "--message", message)


@pytest.mark.parametrize("make", [_merge_by_hand, _cherry_pick])
@pytest.mark.parametrize(
    "message",
    [
        "Better (#{})",
        "Merge pull request #{} from org/topic",
        "Merge branch 'a' into 'main'\n\nSee merge request org/shop!{}",
        "Better (#99)",
        "Merge branch 'feature'",
    ],
)
def test_push__made_by_hand__waits_for_nobody_whatever_its_words(
    make_world: Callable[..., World], platform: Platform, make: Callable[[World, str], None], message: str
) -> None:
    """Of a change that is open, closed, or landed elsewhere: its number in a message is anybody's."""
    world = make_world(platform, FREE)
    number = world.open("topic", TWO, labels=LABELS)
    before = world.git("rev-parse", "origin/main")
    make(world, message.format(number))
    after = world.send("main", by="bob")
    ran = world.on_push(after, before)
    assert (ran.code, ran.verdict) == (0, "nothing"), ran.out + ran.err
    assert len(ran.requests) <= 4, [f"{each.method} {each.path}" for each in ran.requests]


def test_push__of_more_commits_than_are_looked_up__says_so(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    before = world.git("rev-parse", "origin/main")
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number, "squash")
    after = world.push("main", *({"README.md": f"{n}\n"} for n in range(32)))
    world.repo.switches.late_list = Late(1)
    ran = world.on_push(after, before)
    assert (ran.code, ran.verdict) == (0, "nothing"), ran.out + ran.err
    assert [warning["code"] for warning in ran.json["warnings"]] == ["commits-left-out"]
    assert len(ran.requests) <= 35
    assert world.on_schedule().code == 0
    assert set(world.tags()) == TAGS


def test_list__of_a_busy_week__is_read_to_its_end(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number, "squash")
    world.repo.merge_many(510, by="bob")
    ran = world.on_schedule()
    assert ran.code == 0, ran.out + ran.err
    assert set(world.tags()) == TAGS


# -- branches and requests ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash"])
@pytest.mark.parametrize("by_number", [True, False], ids=["number", "push"])
def test_default_branch__renamed_between_merge_and_job__is_the_same_branch(
    make_world: Callable[..., World], platform: Platform, method: str, by_number: bool
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    before = world.git("rev-parse", "origin/main")
    after = world.merge(number, method)
    world.repo.rename_branch("main", "trunk")
    ran = world.promote(number) if by_number else world.on_push(after, before)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == dict.fromkeys(TAGS, after)


REQUEST = {"promotions/staging/q4.yaml": "- {artifact: churn, version: v1.0.0}\n"}


def test_request_file__pushed_straight_to_the_branch__is_said_to_ask_for_nothing(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    before = world.git("rev-parse", "origin/main")
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", before)
    after = world.push("main", REQUEST, {"README.md": "2\n"})
    ran = world.on_push(after, before)
    assert (ran.code, ran.verdict) == (0, "nothing"), ran.out + ran.err
    (warning,) = ran.json["warnings"]
    assert (warning["code"], "promotions/staging/q4.yaml" in warning["message"]) == ("request-without-change", True)
    assert "Open one" in warning["message"]
    assert set(world.tags()) == {"churn@v1.0.0"}
    again = world.push("main", {"README.md": "3\n"})
    assert world.on_push(again, after).json["warnings"] == [], "it was said where it came"


def test_request_file__of_a_change__is_not_said_to_have_come_alone(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    before = world.git("rev-parse", "origin/main")
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", before)
    number = world.open("topic", REQUEST)
    after = world.merge(number)
    ran = world.on_push(after, before)
    assert (ran.code, ran.json["warnings"]) == (0, []), ran.out + ran.err
    assert set(world.tags()) == {"churn@v1.0.0", "churn#staging#1"}
