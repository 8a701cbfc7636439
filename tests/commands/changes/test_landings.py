"""How changes landed: what came before them decides, whatever the history looks like and however old it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from tagline_localforge import Request, Response
from tests.commands.changes.world import BETTER, START, Platform, Ran, World

GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
FREE = "stages:\n  prod: {}\n"
LABELS = ("version:minor", "stage:prod")
#: A change makes itself free of approvals first, and then a model that nobody has looked at.
TROJAN: tuple[dict[str, str], ...] = ({".tagline.yaml": FREE}, {"models/churn.txt": "a trojan\n"})
REQUEST = {"promotions/prod/x.yaml": "- {artifact: churn, version: v1.0.0}\n"}


def _propose(world: World, *commits: Mapping[str, str | None], base: str, merge: bool = False) -> int:
    """A change of a branch from ``base``, that may merge main into itself at last; its number."""
    world.push("topic", *commits, base=base)
    if merge:
        world.git("merge", "--quiet", "--no-ff", "--no-edit", "origin/main")
        world.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    return _open(world)


def _open(world: World) -> int:
    number = int(world.repo.open_change(author="alice", source="topic", target="main", title="x").number)
    for label in LABELS:
        world.repo.label(number, label, by="alice")
    return number


def _assert_guarded(world: World, number: int, touched: set[str]) -> None:
    """The whole change is judged, by the policy that stood before all of it."""
    ran = world.promote(number)
    assert ran.code == 1, ran.out + ran.err
    assert {(found["stage"], found["rule"]) for found in ran.json["refused"]} == {("prod", "approvals")}
    assert set(ran.json["touched"]) == touched
    assert set(world.tags()) == {f"{name}@v0.1.0" for name in touched}


# -- what came before a change ----------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "method", "last"),
    [
        pytest.param("gitlab", "ff", {}, id="gitlab-ff-head-is-the-merge"),
        pytest.param("gitlab", "ff", {"models/fraud.txt": "rules: 4\n"}, id="gitlab-ff"),
        pytest.param("gitlab", "merge", {}, id="gitlab-merge"),
        pytest.param("github", "rebase", {}, id="github-rebase-head-is-the-merge"),
        pytest.param("github", "rebase", {"models/fraud.txt": "rules: 4\n"}, id="github-rebase"),
        pytest.param("github", "squash", {}, id="github-squash"),
    ],
)
def test_landing__of_a_branch_that_merged_main__all_of_it_is_the_changes_own(
    make_world: Callable[..., World], platform: Platform, method: str, last: dict[str, str]
) -> None:
    world = make_world(platform, GUARDED)
    base = world.git("rev-parse", "HEAD")
    world.push("main", {"README.md": "moved on\n"})
    number = _propose(world, *TROJAN, base=base, merge=True)
    if last:
        world.push("topic", last)
    assert world.plan(number).verdict == "waiting"
    world.merge(number, method)
    _assert_guarded(world, number, {"churn", "fraud"} if last else {"churn"})


@pytest.mark.parametrize(
    "between",
    [
        pytest.param((), id="two"),
        pytest.param(({"models/fraud.txt": "rules: 4\n"}, {"models/fraud.txt": "rules: 5\n"}), id="four"),
        pytest.param(({},), id="an-empty-one"),
    ],
)
def test_rebase__of_several_commits__all_of_them_are_the_changes_own(
    make_world: Callable[..., World], between: tuple[dict[str, str], ...]
) -> None:
    world = make_world("github", GUARDED)
    base = world.git("rev-parse", "HEAD")
    world.push("main", {"README.md": "moved on\n"})
    number = _propose(world, TROJAN[0], *between, TROJAN[1], base=base)
    world.merge(number, "rebase")
    _assert_guarded(world, number, {"churn", "fraud"} if any(between) else {"churn"})


def test_rebase__of_a_branch_with_a_copy_of_mains_newest_commit__main_keeps_it(
    make_world: Callable[..., World],
) -> None:
    """The walk back must not take main's own commit, which tightens the policy, for the change's copy of it."""
    world = make_world("github", FREE)
    base = world.git("rev-parse", "HEAD")
    tightened = world.push("main", {".tagline.yaml": GUARDED})
    world.git("checkout", "--quiet", "-B", "topic", base)
    with world.days_ago(2):  # else the copy is the very same commit
        world.git("cherry-pick", tightened)
    world.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    world.push("topic", TROJAN[1])
    number = _open(world)
    world.merge(number, "rebase")
    _assert_guarded(world, number, {"churn"})


@pytest.mark.parametrize("trigger", ["schedule", "push", "number"])
def test_fast_forward__found_in_a_list_that_tells_no_base__requests_of_its_first_commit_count(
    make_world: Callable[..., World], trigger: str
) -> None:
    """GitLab's lists leave out diff_refs, and nothing else says where a fast-forward began."""
    world = make_world("gitlab", FREE)
    before = world.git("rev-parse", "HEAD")
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", before)
    number = world.open("topic", REQUEST, {"README.md": "1\n"}, {"README.md": "2\n"})
    merged = world.merge(number, "ff")
    runs = {
        "schedule": world.on_schedule,
        "push": lambda: world.on_push(merged, before),
        "number": lambda: world.promote(number),
    }
    ran = runs[trigger]()
    assert ran.code == 0, ran.out + ran.err
    assert world.trailers("churn#prod#1")["Change"][0].endswith(f"/{number}")


# -- old history ------------------------------------------------------------------


def test_promote__by_number_of_a_change_of_last_month__is_done_however_much_landed_since(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE, days_ago=31)
    with world.days_ago(30):
        number = world.open("topic", BETTER, labels=LABELS)
        merged = world.merge(number)
    for days in (20, 15, 2, 1):
        with world.days_ago(days):
            world.merge(world.open(f"since-{days}", {"README.md": f"{days}\n"}))
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == dict.fromkeys(
        ["churn@v0.1.0", "churn#prod#1"], merged
    )


def test_promote__behind_a_commit_by_a_clock_of_last_year__is_done(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """Git ends its answer about the last days at that commit; what landed before it is on the branch all the same."""
    world = make_world(platform, FREE)
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    with world.days_ago(400):
        world.push("main", {"README.md": "an odd clock\n"})
    world.push("main", {"README.md": "fine again\n"})
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}


# -- branches that are not what they were -------------------------------------------


def _branch_deleted(world: World) -> int:
    world.push("release/1", {"r.txt": "1\n"})
    number = world.open("topic", BETTER, labels=LABELS, target="release/1")
    world.merge(number)
    world.git("push", "--quiet", "origin", ":refs/heads/release/1")
    return number


def _branch_reset(world: World) -> int:
    start = world.git("rev-parse", "HEAD")
    number = world.open("topic", BETTER, labels=LABELS)
    world.merge(number)
    world.git("push", "--quiet", "--force", "origin", f"{start}:refs/heads/main")
    return number


@pytest.mark.parametrize(
    ("rewrite", "rule"),
    [
        pytest.param(_branch_deleted, "branch-gone", id="deleted"),
        pytest.param(_branch_reset, "not-on-branch", id="reset"),
    ],
)
def test_promote__of_what_is_not_on_its_branch_any_more__refused_and_said_on_the_change(
    make_world: Callable[..., World], platform: Platform, rewrite: Callable[[World], int], rule: str
) -> None:
    world = make_world(platform, "branches: ['release/*']\n")
    number = rewrite(world)
    for ran in (world.promote(number), world.promote(number)):
        assert (ran.code, ran.verdict) == (1, "refused"), ran.err
        (found,) = ran.json["refused"]
        assert found["rule"] == rule
        assert found["fix"]
    assert world.tags() == {}
    (comment,) = world.comments(number)
    assert "Tagline: refused" in comment


# -- stacked changes, queues, pushes by hand ----------------------------------------------

CHURN, FRAUD = {"models/churn.txt": "trees: 50\n"}, {"models/fraud.txt": "rules: 4\n"}
VERSION = ("version:minor",)
#: What tells where a landing began: this job's own push, the forge's record of pushes, or the commits alone.
EVIDENCE = ("push", "activity", "commits")


def _stacked(world: World) -> tuple[int, int]:
    """Two changes, the second on the first one's branch; their numbers."""
    first = world.open("one", CHURN, labels=VERSION)
    world.push("two", FRAUD, base="origin/one")
    second = int(world.repo.open_change(author="alice", source="two", target="main", title="y").number)
    world.repo.label(second, VERSION[0], by="bob")
    return first, second


def _promote(world: World, number: int, evidence: str, before: str, after: str) -> Ran:
    """The job of a change; what is no evidence of it is not there."""
    if evidence == "push":
        world.server.before.append(_refusing("/activity$|/projects/[^/]+/events$"))
        return world.on_push(after, before)
    if evidence == "commits":
        world.server.before.append(_refusing("/activity$|/projects/[^/]+/events$"))
    return world.promote(number)


def _forward(world: World, number: int) -> tuple[str, str]:
    """GitLab fast-forwards a change; on GitHub somebody pushes its head to main. Main before that, and after."""
    before, head = world.repo.git.branches()["main"], world.repo.change(number).head
    return before, world.merge(number, "ff") if world.platform == "gitlab" else world.send("main", head, by="bob")


def _refusing(path: str) -> Callable[[Request], Response | None]:
    refusal = Response(403, {"message": "Resource not accessible by integration"})
    return lambda request: refusal if re.search(path, request.path) else None


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_rebase__of_two_stacked_changes_within_a_minute__each_makes_its_own_version_alone(
    make_world: Callable[..., World], evidence: str
) -> None:
    """GitHub drops the first one's commits from the second: nothing but whose they are tells where it began."""
    world = make_world("github", FREE)
    first, second = _stacked(world)
    start = world.git("rev-parse", "origin/main")
    middle = world.merge(first, "rebase")
    assert _promote(world, first, evidence, start, middle).code == 0
    end = world.merge(second, "rebase")
    ran = _promote(world, second, evidence, middle, end)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": middle, "fraud@v0.1.0": end}
    assert list(ran.json["touched"]) == ["fraud"]


@pytest.mark.parametrize("method", ["rebase", "squash", "merge"])
@pytest.mark.parametrize("evidence", EVIDENCE)
def test_queue__of_two_stacked_changes_in_one_push__each_makes_its_own_version_alone(
    make_world: Callable[..., World], evidence: str, method: str
) -> None:
    world = make_world("github", FREE)
    first, second = _stacked(world)
    before = world.git("rev-parse", "origin/main")
    middle, after = world.repo.merge_together([first, second], by="bob", method=method)
    ran = _promote(world, second, evidence, before, after)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": middle, "fraud@v0.1.0": after}


@pytest.mark.parametrize("evidence", EVIDENCE)
@pytest.mark.parametrize("commits", [1, 3])
def test_forward__by_somebodys_push_on_github__is_promoted(
    make_world: Callable[..., World], evidence: str, commits: int
) -> None:
    """Bots land so, and whoever pushes by hand: GitHub names the head, and not where it began."""
    world = make_world("github", FREE)
    number = world.open("topic", *({"models/churn.txt": f"{n}\n"} for n in range(commits)), labels=VERSION)
    before, after = _forward(world, number)
    ran = _promote(world, number, evidence, before, after)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": after}


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_forward__of_a_branch_that_merged_main__the_push_tells_where_it_began(
    make_world: Callable[..., World], evidence: str
) -> None:
    world = make_world("github", GUARDED)
    base = world.git("rev-parse", "HEAD")
    world.push("main", FRAUD)
    number = _propose(world, *TROJAN, base=base, merge=True)
    before, after = _forward(world, number)
    ran = _promote(world, number, evidence, before, after)
    (found, *_) = ran.json["refused"]
    assert (ran.code, found["rule"]) == (1, "landing-unclear" if evidence == "commits" else "approvals"), ran.out
    assert list(ran.json["touched"]) == ([] if evidence == "commits" else ["churn"])


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_forward__of_two_stacked_changes__each_makes_its_own_version_alone(
    make_world: Callable[..., World], platform: Platform, evidence: str
) -> None:
    """Each of them lists the commits of both that came with it, and GitLab a base that is older than the first."""
    world = make_world(platform, FREE)
    first, second = _stacked(world)
    _, middle = _forward(world, first)
    before, after = _forward(world, second)
    ran = _promote(world, second, evidence, before, after)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": middle, "fraud@v0.1.0": after}


# -- GitLab rebases first ---------------------------------------------------------------

#: What starts a job of GitLab's, and how much its token may read.
JOBS = ("push", "number", "schedule", "push-by-job-token", "number-by-job-token")


def _job(world: World, job: str, number: int, before: str, after: str) -> Ran:
    """A job of GitLab's; the job token may push tags here."""
    kind, _, by_job = job.partition("-")
    world.repo.job_token_push = True
    token = "job" if by_job else None
    if kind == "push":
        return world.on_push(after, before, token=token)
    return world.on_schedule() if kind == "schedule" else world.run("promote", "--change", str(number), token=token)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("commits", [1, 3])
def test_forward__that_gitlab_rebased_first__is_promoted(
    make_world: Callable[..., World], job: str, commits: int
) -> None:
    """No field tells which commit landed: neither the head nor any that GitLab names."""
    world = make_world("gitlab", FREE)
    number = world.open("topic", *({"models/churn.txt": f"{n}\n"} for n in range(commits)), labels=VERSION)
    before = world.push("main", {"README.md": "moved on\n"})
    after = world.merge(number, "ff-rebase")
    assert world.repo.change(number).head != after
    ran = _job(world, job, number, before, after)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": after}
    assert world.trailers("churn@v0.1.0")["Merge-Commit"] == [after]


@pytest.mark.parametrize("job", JOBS)
def test_forward__of_a_train_of_two_stacked_changes__each_makes_its_own_version_alone(
    make_world: Callable[..., World], job: str
) -> None:
    world = make_world("gitlab", FREE)
    first, second = _stacked(world)
    before = world.push("main", {"README.md": "moved on\n"})
    middle = world.merge(first, "ff-rebase")
    after = world.merge(second, "ff-rebase")
    ran = _job(world, job, second, before, after)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": middle, "fraud@v0.1.0": after}


@pytest.mark.parametrize("job", JOBS)
def test_forward__that_gitlab_rebased_first_and_somebody_cherry_picked_since__the_forge_says_which_it_is(
    make_world: Callable[..., World], job: str
) -> None:
    world = make_world("gitlab", FREE)
    number = world.open("topic", CHURN, labels=VERSION)
    before = world.push("main", {"README.md": "moved on\n"})
    after = world.merge(number, "ff-rebase")
    world.push("main", {"models/churn.txt": START["models/churn.txt"]})
    world.git("cherry-pick", "origin/topic")
    world.send("main", by="bob")
    ran = _job(world, job, number, before, after)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": after}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("method", ["squash", "squash-merge", "merge", "ff"])
def test_job_token__whatever_the_method__reads_from_git_what_it_may_not_read_from_gitlab(
    make_world: Callable[..., World], job: str, method: str
) -> None:
    world = make_world("gitlab", FREE)
    before = world.git("rev-parse", "HEAD")
    number = world.open("topic", CHURN, {"README.md": "2\n"}, labels=VERSION)
    after = world.merge(number, method)
    ran = _job(world, job, number, before, after)
    assert ran.code == 0, ran.out + ran.err
    assert {name: tag.target for name, tag in world.tags().items()} == {"churn@v0.1.0": after}
