"""What no job has finished yet: found again later, in order, whatever stands in the way of one of them, and cheaply."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tagline.commands.changes.deciding import MOST_PICTURED
from tagline.domain.changes.record import Record, find, hide
from tagline.render.runner.outputs import outputs
from tagline_localforge import Request
from tests.commands.changes.world import BETTER, Platform, World

GUARDED = "stages:\n  prod: {approvals: {count: 1}}\nother_stages: allow\n"
FREE = "stages:\n  prod: {}\nother_stages: allow\n"
LABELS = ("version:minor", "stage:prod")
CHURN = {"churn@v0.1.0", "churn#prod#1"}
FRAUD = {"models/fraud.txt": "rules: 4\n"}
MOST_QUIET = 3


def _merged(world: World, branch: str, files: dict[str, str], **more: Any) -> int:
    number = world.open(branch, files, labels=more.pop("labels", LABELS), **more)
    world.merge(number)
    return number


# -- found again ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_schedule__in_a_repository_that_was_quiet_for_a_month__finds_the_request_file(
    make_world: Callable[..., World], platform: Platform, method: str
) -> None:
    """Of the last days' commits there are no more than the request's own: what was there before is fetched."""
    world = make_world(platform, FREE, days_ago=30)
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", world.git("rev-parse", "HEAD"))
    number = world.open("topic", {"promotions/prod/x.yaml": "- {artifact: churn, version: v1.0.0}\n"})
    world.merge(number, method)
    ran = world.on_schedule()
    assert ran.code == 0, ran.out + ran.err
    assert set(world.tags()) == {"churn@v1.0.0", "churn#prod#1"}


def test_schedule__completes_what_landed_on_every_listed_branch_and_on_no_other(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, "branches: ['release/*']\n")
    for place, branch in enumerate(("release/1", "release/2", "feature")):
        world.push(branch, {"b.txt": f"{branch}\n"})
        labels = ("version:minor", f"stage:on-{place}")
        _merged(world, f"topic-{place}", {"models/churn.txt": f"{place}\n"}, labels=labels, target=branch)
    ran = world.on_schedule()
    assert ran.code == 0, ran.out + ran.err
    assert set(world.tags()) == {"churn@v0.1.0", "churn#on-0#1", "churn@v0.2.0", "churn#on-1#2"}


def test_plan__that_is_overtaken_by_the_promote__leaves_the_word_on_the_merge(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """The change is merged and promoted between two requests of a plan that saw it open."""
    world = make_world(platform, GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.plan(number)
    merged = False

    def merge_and_promote(request: Request) -> None:
        nonlocal merged
        if not merged and request.method == "GET" and re.search(r"/(comments|notes)$", request.path):
            merged = True
            world.merge(number)
            said, _ = world.child("promote", "--change", str(number)).communicate(timeout=60)
            assert "approvals" in said

    world.server.before.append(merge_and_promote)
    late = world.plan(number)
    assert (late.code, merged) == (0, True), late.err
    (comment,) = world.comments(number)
    record = find(comment)
    assert record is not None
    assert record.says
    assert "Tagline: refused" in comment


# -- one that stands in nobody's way ----------------------------------------------------


def _name_is_blocked(world: World) -> None:
    """A tag that is a folder of the one to be made, so that Git can hold only one of them."""
    world.git("tag", "fraud@v0.1.0/x", "origin/main")
    world.git("push", "--quiet", "origin", "refs/tags/fraud@v0.1.0/x")


def _push_is_refused(world: World) -> None:
    """As a protected tag pattern does it: for one artifact and not for another."""
    hook = world.repo.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    said = "GitLab: You are not allowed to create this tag as it is protected."
    hook.write_text(f'#!/bin/sh\nif grep -q refs/tags/fraud; then echo "{said}" >&2; exit 1; fi\n')
    hook.chmod(0o755)


@pytest.mark.parametrize(
    ("stand_in_the_way", "error", "code"),
    [
        pytest.param(_name_is_blocked, "ref-collision", 1, id="a-tag-is-in-the-way"),
        pytest.param(_push_is_refused, "protected-tag", 4, id="its-push-is-refused-for-good"),
    ],
)
@pytest.mark.parametrize("by_number", [True, False], ids=["number", "schedule"])
def test_earlier__that_cannot_be_done__the_others_are_and_its_error_is_told(
    make_world: Callable[..., World],
    platform: Platform,
    stand_in_the_way: Callable[[World], None],
    error: str,
    code: int,
    by_number: bool,
) -> None:
    world = make_world(platform, FREE)
    broken = _merged(world, "t1", FRAUD)
    stand_in_the_way(world)
    number = _merged(world, "t2", BETTER)
    ran = world.promote(number) if by_number else world.on_schedule()
    assert ran.code == code, ran.out + ran.err
    every = [*ran.json["earlier"], ran.json] if by_number else ran.json["changes"]
    first, second = every
    assert (first["change"]["number"], first["error"]["code"], first["verdict"]) == (broken, error, None)
    assert first["error"]["hint"]
    assert (second["change"]["number"], second["verdict"]) == (number, "ok")
    assert {tag for tag in world.tags() if tag.startswith("churn")} == CHURN
    (told,) = world.comments(broken)
    assert "Tagline: failed" in told
    assert "Nothing was tagged" in told


@pytest.mark.parametrize("reset", [False, True], ids=["by-a-rule", "because-it-is-not-on-the-branch"])
def test_earlier__that_is_refused__is_told_there_and_turns_no_other_job_red(
    make_world: Callable[..., World], platform: Platform, reset: bool
) -> None:
    world = make_world(platform, GUARDED)
    start = world.git("rev-parse", "HEAD")
    refused = _merged(world, "t1", FRAUD)
    if reset:
        world.git("push", "--quiet", "--force", "origin", f"{start}:refs/heads/main")
    number = world.open("t2", BETTER, labels=LABELS)
    world.approve(number, "carol")
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, ran.verdict) == (0, "ok"), ran.out + ran.err
    (earlier,) = ran.json["earlier"]
    assert (earlier["change"]["number"], earlier["verdict"]) == (refused, "refused")
    assert [found["rule"] for found in earlier["refused"]] == ["not-on-branch" if reset else "approvals"]
    assert set(world.tags()) == CHURN | (set() if reset else {"fraud@v0.1.0"})
    assert "Tagline: refused" in world.comments(refused)[0]
    assert world.promote(refused).code == 1, "its own job is red"


# -- done in part ---------------------------------------------------------------------

BOTH = {**BETTER, **FRAUD}


def _created(document: Any) -> dict[str, bool]:
    return {row["tag"]: row["created"] for row in document["tags"]}


@pytest.mark.parametrize(
    ("stand_in_the_way", "error", "code"),
    [
        pytest.param(_name_is_blocked, "ref-collision", 1, id="a-tag-is-in-the-way"),
        pytest.param(_push_is_refused, "protected-tag", 4, id="its-push-is-refused-for-good"),
    ],
)
def test_in_part__the_second_artifact_is_refused__tells_what_was_made_and_the_next_run_completes_it(
    make_world: Callable[..., World],
    platform: Platform,
    stand_in_the_way: Callable[[World], Any],
    error: str,
    code: int,
) -> None:
    _second_artifact_fails(make_world(platform, FREE), stand_in_the_way, error, code)


def test_in_part__the_second_push_breaks__tells_what_was_made_and_the_next_run_completes_it(
    make_world: Callable[..., World],
) -> None:
    """On GitLab the four tags are one push."""
    _second_artifact_fails(make_world("github", FREE), World.drop_pushes_after_the_first, "push-failed", 4)


def _second_artifact_fails(world: World, stand_in_the_way: Callable[[World], Any], error: str, code: int) -> None:
    number = _merged(world, "topic", BOTH)
    hook = stand_in_the_way(world)
    ran = world.promote(number)
    assert (ran.code, ran.json["error"]["code"], ran.verdict) == (code, error, "None"), ran.out + ran.err
    assert _created(ran.json) == dict.fromkeys(CHURN, True)
    assert [row["tag"] for row in json.loads(outputs(ran.json)["tags"])] == ["churn@v0.1.0", "churn#prod#1"]
    assert f"Change {number} is done in part: 2 of its tags are made and stay." in ran.json["error"]["message"]
    assert "nothing was written" not in ran.json["error"]["message"]
    (comment,) = world.comments(number)
    assert "Tagline: failed" in comment

    if hook is not None:
        world.server.before.remove(hook)
    (world.repo.path / "hooks" / "pre-receive").unlink(missing_ok=True)
    world.git("push", "--quiet", "origin", ":refs/tags/fraud@v0.1.0/x")
    again = world.promote(number)
    assert (again.code, again.verdict) == (0, "ok"), again.out + again.err
    assert _created(again.json) == {
        **dict.fromkeys(CHURN, False),
        **dict.fromkeys(("fraud@v0.1.0", "fraud#prod#1"), True),
    }
    assert "Tagline: done" in world.comments(number)[0]


def test_in_part__at_a_terminal__the_tags_stand_beside_the_error(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    number = _merged(world, "topic", BOTH)
    _push_is_refused(world)
    said = world.run_cli("promote", "--change", str(number), cwd=world.folder, **world.environ())
    assert said.code == 4
    assert "  made churn@v0.1.0 at " in said.out
    assert "fraud@" not in said.out.split("error")[0]
    assert "done in part" in said.out


@pytest.mark.parametrize("by_number", [True, False], ids=["number", "schedule"])
def test_in_part__of_an_earlier_change_for_now__no_later_one_is_numbered_first(
    make_world: Callable[..., World], by_number: bool
) -> None:
    world = make_world("github", FREE)
    earlier = _merged(world, "t1", BOTH)
    number = _merged(world, "t2", {"models/churn.txt": "trees: 51\n"})
    hook = world.drop_pushes_after_the_first()
    ran = world.promote(number) if by_number else world.on_schedule()
    assert ran.code == 4, ran.out + ran.err
    assert set(world.tags()) == CHURN
    first = ran.json["earlier"][0] if by_number else ran.json
    assert (first["change"]["number"], first["error"]["code"]) == (earlier, "push-failed")
    assert _created(first) == dict.fromkeys(CHURN, True)
    if by_number:
        assert (ran.json["change"]["number"], ran.json["tags"]) == (number, [])
        assert ran.json["error"]["code"] == "push-failed"
    assert ["Tagline: failed" in comment for comment in world.comments(earlier)] == [True]
    assert world.comments(number) == [], "nothing was promised there"

    world.server.before.remove(hook)
    assert world.promote(number).code == 0
    assert {"fraud@v0.1.0", "churn@v0.2.0"} <= set(world.tags())


@pytest.mark.parametrize("by_number", [True, False], ids=["number", "schedule"])
def test_in_part__of_an_earlier_change_for_good__the_later_one_is_done(
    make_world: Callable[..., World], platform: Platform, by_number: bool
) -> None:
    world = make_world(platform, FREE)
    _merged(world, "t1", BOTH)
    number = _merged(world, "t2", {"models/churn.txt": "trees: 51\n"})
    _push_is_refused(world)
    ran = world.promote(number) if by_number else world.on_schedule()
    assert ran.code == 4, ran.out + ran.err
    first, second = [*ran.json["earlier"], ran.json] if by_number else ran.json["changes"]
    assert (first["error"]["code"], _created(first)) == ("protected-tag", dict.fromkeys(CHURN, True))
    assert (second["verdict"], _created(second)) == ("ok", {"churn@v0.2.0": True, "churn#prod#2": True})


@pytest.mark.parametrize("by_number", [True, False], ids=["number", "schedule"])
def test_in_part__one_change_is_done_and_the_next_breaks__the_document_has_both(
    make_world: Callable[..., World], platform: Platform, by_number: bool
) -> None:
    world = make_world(platform, FREE)
    _merged(world, "t1", BETTER)
    number = _merged(world, "t2", FRAUD)
    world.drop_pushes_after_the_first()
    ran = world.promote(number) if by_number else world.on_schedule()
    assert ran.code == 4, ran.out + ran.err
    first, second = [*ran.json["earlier"], ran.json] if by_number else ran.json["changes"]
    assert (first["verdict"], _created(first)) == ("ok", dict.fromkeys(CHURN, True))
    assert (second["change"]["number"], second["error"]["code"], second["tags"]) == (number, "push-failed", [])


# -- what it costs --------------------------------------------------------------------


@pytest.mark.parametrize("by_number", [True, False], ids=["number", "push"])
def test_requests__of_a_change_without_labels_behind_finished_ones__are_three_at_most(
    make_world: Callable[..., World], platform: Platform, by_number: bool
) -> None:
    world = make_world(platform, FREE)
    for place in range(3):
        finished = _merged(world, f"t{place}", {"models/churn.txt": f"{place}\n"})
        assert world.promote(finished).code == 0
    quiet = world.open("quiet", {"README.md": "1\n"})
    merged = world.merge(quiet)
    ran = world.promote(quiet) if by_number else world.on_push(merged)
    assert (ran.code, ran.verdict) == (0, "nothing"), ran.err
    assert len(ran.requests) <= MOST_QUIET, [f"{r.method} {r.path}" for r in ran.requests]


def test_requests__of_a_promote_that_is_raced_again_and_again__ask_everything_once(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """Only the ledger is read anew: what people said stays as it was when the change was merged."""
    world = make_world(platform, GUARDED)
    world.admin("register", "churn", "--version", "v0.0.1", "--rev", world.git("rev-parse", "HEAD"))
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    world.merge(number)
    races = 0

    def write_first(request: Request) -> None:
        nonlocal races
        if races < 4 and request.method == "POST" and request.path.endswith("git-receive-pack"):
            races += 1
            where = ("--version", "v0.0.1", "--push", "--repo", world.repo.path.as_uri())
            faster = world.child("assign", f"churn#canary{races}", *where)
            faster.communicate(timeout=60)
            assert faster.returncode == 0

    world.server.before.append(write_first)
    ran = world.promote(number)
    assert (ran.code, races) == (0, 4), ran.out + ran.err
    assert {"churn@v0.1.0", "churn#prod#5"} <= set(world.tags())
    asked = [f"{each.method} {each.path}" for each in ran.requests if each.method == "GET"]
    twice = {one for one in asked if asked.count(one) > 1}
    # A first comment is read back, in case another run wrote one at the same moment.
    # The list of changes is asked for those that are merged, and afterwards for those that are open.
    assert {one for one in twice if not one.endswith(("/comments", "/notes", "/pulls", "/merge_requests"))} == set()


def test_fetches__of_a_change_that_touches_many_artifacts_and_names_one__are_bounded(
    make_world: Callable[..., World], platform: Platform
) -> None:
    counts = []
    for many in (2, 40):
        names = [f"m{place}" for place in range(many)]
        # Longer than what comes along with every commit, in both cases.
        manifest = f"# {'x' * 1100}\n" + "".join(f"{name}: {{path: models/{name}.txt}}\n" for name in names)
        world = make_world(platform, FREE, {"artifacts.yaml": manifest, **{f"models/{n}.txt": "1\n" for n in names}})
        labels = ("version:m0@minor", "stage:m0#prod")
        number = world.open("topic", {f"models/{name}.txt": "2\n" for name in names}, labels=labels)
        planned = world.plan(number)
        world.merge(number)
        promoted = world.promote(number)
        assert [len(ran.json["touched"]) for ran in (planned, promoted)] == [many, many]
        assert set(world.tags()) == {"m0@v0.1.0", "m0#prod#1"}
        counts.append(len([each for each in world.server.exchanges if each.is_git]))
    # The plan shows some of what is touched beside it, with its tags: so many and no more.
    assert counts[1] <= counts[0] + 3 * MOST_PICTURED


# -- what is not there yet ----------------------------------------------------------------


def test_plan__tags_of_the_document__are_not_created_before_the_merge(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number)
    world.merge(number)
    promoted = world.promote(number)
    for ran, created in ((planned, False), (promoted, True)):
        assert {row["tag"]: row["created"] for row in ran.json["tags"]} == dict.fromkeys(CHURN, created)


def test_tags__taken_away_after_the_merge__are_made_again_by_the_changes_own_job_and_by_a_scan(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """What was done is believed only with its tag: whoever means to undo it unassigns the stage."""
    world = make_world(platform)
    number = _merged(world, "topic", BETTER)
    assert world.promote(number).code == 0
    for run in (lambda: world.promote(number), world.on_schedule):
        world.git("push", "--quiet", "origin", ":refs/tags/churn#prod#1")
        ran = run()
        assert (ran.code, ran.verdict) == (0, "ok"), ran.out + ran.err
        assert set(world.tags()) == CHURN


def test_comment__that_another_run_posts_at_the_same_moment__ends_as_one(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=("version:minor",))
    me = "my-app[bot]" if platform == "github" else "tagline-bot"

    def other_run(request: Request) -> None:
        if request.method == "POST" and re.search(r"/(comments|notes)$", request.path):
            world.server.before.remove(other_run)
            world.repo.comment(number, by=me, body=f"The other run's. {hide(Record())}")

    world.server.before.append(other_run)
    ran = world.plan(number)
    (comment,) = world.comments(number)
    assert "Tagline: ready" in comment
    assert ran.json["comment_url"].endswith(str(world.repo.change(number).comments[0].id))
