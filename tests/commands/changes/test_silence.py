"""Nothing is silent: who asks for nothing is told how to ask, once, and a label that nobody hears is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.changes.world import BETTER, MANIFEST, Platform, Ran, World

POLICY = "stages:\n  prod: {after: [staging]}\n  staging: {}\n"
ASKED = ("version:minor", "stage:staging")


def _codes(ran: Ran) -> list[str]:
    return [warning["code"] for warning in ran.json["warnings"]]


def _says_why(ran: Ran, words: str) -> None:
    assert (ran.code, ran.verdict) == (0, "nothing"), ran.out + ran.err
    assert words in ran.json["why"]


# -- a change that asks for nothing ---------------------------------------------------


def test_plan__touches_an_artifact_and_asks_for_nothing__says_once_how_to_ask(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER)
    ran = world.plan(number)
    _says_why(ran, "It touches churn. The comment says how to ask.")
    (comment,) = world.comments(number)
    assert "This touches `churn`." in comment
    assert "`version:minor`" in comment
    assert "`stage:staging`" in comment, "the stage that a new version can have first"
    assert len(comment) < 700
    assert ran.json["comment_url"]
    world.push("topic", {"models/churn.txt": "trees: 51\n"})
    for again in (world.plan(number), world.run("plan", "--open")):
        _says_why(again, "The comment says how to ask.")
    assert world.comments(number) == [comment]


def test_plan__label_after_the_comment__has_the_plan_in_its_place(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER)
    url = world.plan(number).json["comment_url"]
    for label in ASKED:
        world.repo.label(number, label, by="bob")
    ran = world.plan(number)
    assert (ran.verdict, ran.json["comment_url"]) == ("ok", url)
    assert "Tagline: ready" in "".join(world.comments(number))
    world.merge(number)
    assert world.promote(number).code == 0
    (comment,) = world.comments(number)
    assert "Tagline: done" in comment


def test_plan_open__of_changes_that_nobody_planned__says_it_too(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER)
    assert world.run("plan", "--open").json["touched"] == {"churn": "models/churn.txt changed"}
    assert world.run("plan", "--open").code == 0
    assert len(world.comments(number)) == 1


def test_plan__of_two_artifacts__names_the_labels_of_each(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", {**BETTER, "models/fraud.txt": "rules: 4\n"})
    world.plan(number)
    (comment,) = world.comments(number)
    for words in ("`version:churn@minor`", "`stage:churn#staging`", "`version:fraud@minor`", "`stage:fraud#staging`"):
        assert words in comment


def test_plan__labels_taken_off_again__has_the_plans_comment_and_no_second(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER, labels=("version:minor",))
    world.plan(number)
    world.repo.unlabel(number, "version:minor", by="bob")
    assert world.plan(number).verdict == "nothing"
    (comment,) = world.comments(number)
    assert "Tagline: nothing to tag" in comment


ROBOTS = {
    "github": ("renovate[bot]", "Copilot"),
    "gitlab": ("project_7_bot_0123456789abcdef0123456789abcdef", "group_7_bot_0123456789abcdef0123456789abcdef"),
}


def test_plan__of_robots_and_forks_and_dry_runs__says_nothing_on_the_change(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    for place, author in enumerate(ROBOTS[platform]):
        world.forge.robot(author)
        robots = world.open(f"robot{place}", BETTER, author=author, pusher="alice")
        _says_why(world.plan(robots), f"its author, {author}, is a robot")
        assert world.comments(robots) == []
    fork = world.open("fork", BETTER, author="mallory", fork=True)
    ran = world.plan(fork)
    _says_why(ran, "it comes from a fork")
    assert "comment-not-written" not in _codes(ran)
    dry = world.open("dry", BETTER)
    _says_why(world.run("plan", "--change", str(dry), "--dry-run"), "It touches churn.")
    # What the base branch moved on by is nothing that a change touches.
    behind = world.open("behind", {"README.md": "x\n"})
    world.push("main", BETTER)
    _says_why(world.plan(behind), "It touches no artifact.")
    assert [world.comments(number) for number in (fork, dry, behind)] == [[], [], []]


def test_plan__under_teach_false__says_nothing_on_the_change(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, f"teach: false\n{POLICY}")
    number = world.open("topic", BETTER)
    _says_why(world.plan(number), ".tagline.yaml says teach: false")
    assert world.comments(number) == []


def test_plan__of_an_author_who_asked_by_label_before__says_nothing_on_the_change(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    world.merge(world.open("before", {"models/fraud.txt": "rules: 4\n"}, labels=("version:minor",), author="carol"))
    knows = world.open("topic", BETTER, author="carol")
    _says_why(world.plan(knows), "carol has asked by a label before")
    assert world.comments(knows) == []
    new = world.open("other", {"models/churn.txt": "trees: 7\n"}, author="dave", labels=("bug",))
    _says_why(world.plan(new), "The comment says how to ask.")


def test_plan__into_a_branch_that_is_not_promoted__says_that(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    world.push("dev", {"README.md": "x\n"})
    number = world.open("topic", BETTER, target="dev")
    _says_why(world.plan(number), "What is merged into dev is not promoted")
    world.merge(number)
    _says_why(world.promote(number), "What is merged into dev is not promoted")
    assert world.comments(number) == []


# -- labels near to ours ----------------------------------------------------------------


@pytest.mark.parametrize(("label", "meant"), [("stage-Staging", "stage:staging"), ("versions-minor", "version:minor")])
def test_label__like_a_request__is_answered_also_to_who_has_asked_before(
    make_world: Callable[..., World], platform: Platform, label: str, meant: str
) -> None:
    world = make_world(platform, POLICY)
    world.merge(world.open("before", {"models/fraud.txt": "rules: 4\n"}, labels=("version:minor",)))
    number = world.open("topic", BETTER, labels=(label,))
    ran = world.plan(number)
    assert (ran.code, ran.verdict, _codes(ran)) == (0, "nothing", ["label-similar"])
    (comment,) = world.comments(number)
    assert f"`{label}` asks for nothing. Did you mean `{meant}`?" in comment
    world.plan(number)
    assert world.comments(number) == [comment]


def test_label__like_a_request_that_came_after_the_comment__is_answered_in_it(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER)
    world.plan(number)
    world.repo.label(number, "stage/prod", by="bob")
    world.plan(number)
    (comment,) = world.comments(number)
    assert "Did you mean `stage:prod`?" in comment


def test_label__like_a_request_beside_one__is_a_warning_of_the_plan_and_of_the_merge(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER, labels=("version:minor", "stage-staging"))
    ran = world.plan(number)
    assert (ran.verdict, _codes(ran)) == ("ok", ["label-similar"])
    world.merge(number)
    done = world.promote(number)
    assert (done.verdict, _codes(done)) == ("ok", ["label-similar"])
    assert "ask in a new change" in done.json["warnings"][0]["message"]


def test_label__like_a_request_on_what_touches_nothing__is_nobodys(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", {"README.md": "x\n"}, labels=("stage-prod", "state:open"))
    ran = world.plan(number)
    assert (ran.verdict, _codes(ran), world.comments(number)) == ("nothing", [], [])


def test_label__with_a_stage_in_other_letters__is_told_with_the_stage_of_the_policy(
    make_world: Callable[..., World],
) -> None:
    world = make_world("gitlab", POLICY)
    number = world.open("topic", BETTER, labels=("version:minor", "Stage:Prod"))
    (found,) = world.plan(number).json["refused"]
    assert found["fix"] == "Did you mean stage:prod?"


# -- labels that came after the merge -----------------------------------------------------

LATE = "`stage:staging` came after the merge"


@pytest.mark.parametrize("runs", ["promote", "schedule", "plan"])
def test_label__after_the_merge_of_what_asked_for_nothing__is_answered_once(
    make_world: Callable[..., World], platform: Platform, runs: str
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER)
    world.plan(number)
    world.merge(number)
    world.repo.label(number, "stage:staging", by="bob")
    run = {"promote": world.promote, "schedule": lambda _: world.on_schedule(), "plan": world.plan}[runs]
    ran = run(number)
    assert (ran.code, ran.verdict, _codes(ran)) == (0, "nothing", ["label-late"])
    (comment,) = world.comments(number)
    assert LATE in comment
    again = [run(number), world.promote(number), world.plan(number)]
    assert [(one.code, one.json["comment_url"]) for one in again] == [(0, ran.json["comment_url"])] * 3
    assert (world.comments(number), world.tags()) == ([comment], {})


def test_label__after_the_merge_of_what_is_done__is_answered_by_each_kind_of_run(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER, labels=("version:minor",))
    world.merge(number)
    assert world.promote(number).code == 0
    world.repo.label(number, "stage:staging", by="bob")
    assert _codes(world.plan(number)) == ["label-late"]
    (answered,) = world.comments(number)
    assert "Tagline: done" in answered
    assert LATE in answered
    world.plan(number)
    world.repo.label(number, "stage:prod", by="bob")
    # The schedule knows by what is remembered that this one is new, and after it that none is.
    ran = world.on_schedule()
    assert (ran.code, _codes(ran)) == (0, ["label-late"])
    (last,) = world.comments(number)
    assert all(words in last.replace("\\", "") for words in ("stage:staging", "stage:prod", "came after the merge"))
    assert set(world.tags()) == {"churn@v0.1.0"}
    asked = world.on_schedule()
    assert (asked.json["changes"], len(asked.requests)) == ([], 1)
    assert "is unfinished" in asked.json["why"]


def test_label__after_the_merge__is_seen_by_the_labels_own_event(make_world: Callable[..., World]) -> None:
    world = make_world("github", POLICY)
    number = world.open("topic", BETTER)
    world.merge(number)
    world.repo.label(number, "stage:staging", by="bob")
    event = world.event(
        "pull_request", action="labeled", number=number, pull_request={"number": number, "merged": True}
    )
    assert _codes(world.run("promote", **event)) == ["label-late"]
    assert LATE in "".join(world.comments(number))


# -- what each job's summary says ----------------------------------------------------------


def test_summary__of_a_plan_that_says_nothing__has_what_was_looked_at_and_why(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world("github", f"teach: false\n{POLICY}")
    number = world.open("topic", BETTER, labels=("bug",))
    summary = tmp_path / "summary"
    files = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(tmp_path / "out")}
    said = world.run_cli("ci", "plan", cwd=world.folder, **world.environ(TAGLINE_CHANGE=str(number), **files))
    assert said.code == 0, said.err
    text = summary.read_text()
    for words in (f"#{number}", world.repo.change(number).head[:7], "labels: `bug`", "touches `churn`", "teach"):
        assert words in text
    for words in (f"looked at: {world.repo.change(number).head[:7]}; labels bug; touches churn", "teach: false"):
        assert words in said.out


def test_log__of_a_promote_by_a_push_without_a_change__says_why_nothing_followed(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    commit = world.push("main", {"README.md": MANIFEST})
    ran = world.on_push(commit)
    assert (ran.code, ran.json["why"]) == (0, f"No change came to main with {commit[:7]}.")
