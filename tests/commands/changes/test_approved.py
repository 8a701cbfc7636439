"""What was approved is what is promoted: the version and the bytes that a request meant when it was approved."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tagline_localforge import Request, Response
from tagline_localforge.accounts import SteppingClock
from tests.commands.changes.world import BETTER, START, Platform, World

POLICY = "stages:\n  canary: {}\n  prod: {approvals: {count: 1}}\n"
RULE = "not-what-was-approved"
FOLDER = {"artifacts.yaml": "data: {path: data}\n", "data/a.txt": "a\n", "data/b.txt": "b\n", "README.md": "r\n"}


@pytest.fixture
def aged(make_world: Callable[..., World], platform: Platform) -> Callable[..., World]:
    """Makes worlds with versions that are days older than any approval."""

    def make(policy: str = POLICY, *tags: str) -> World:
        world = make_world(platform, policy, days_ago=9)
        for days, tag in zip(range(8, 1, -1), tags, strict=False):
            with world.days_ago(days):
                if "@" in tag:
                    world.push("main", {"models/fraud.txt": f"{tag}\n"})
                world.tag(tag)
        return world

    return make


def _register_now(world: World, version: str, artifact: str = "fraud") -> None:
    world.push("main", {"models/fraud.txt": f"{version}\n"})
    world.admin("register", artifact, "--version", version, "--rev", world.git("rev-parse", "HEAD"))


def _ask(world: World, label: str = "stage:fraud#prod") -> int:
    with world.days_ago(1):
        number = world.open("topic", {"notes.md": "please\n"}, labels=(label,))
        world.approve(number, "carol")
    return number


def _rules(ran: object, key: str = "refused") -> list[str]:
    return [found["rule"] for found in ran.json[key]]  # type: ignore[attr-defined]


# -- the version ------------------------------------------------------------------


def test_latest__moved_after_the_approval__is_said_before_the_merge_and_refused_after_it(
    aged: Callable[..., World],
) -> None:
    world = aged(POLICY, "fraud@v1.0.0")
    number = _ask(world)
    assert world.plan(number).verdict == "ok"
    _register_now(world, "v1.0.1")
    planned = world.plan(number)
    assert (planned.code, planned.verdict, _rules(planned, "waiting")) == (0, "waiting", [RULE])
    assert "carol approved v1.0.0, and it is v1.0.1 now" in planned.json["waiting"][0]["message"]
    assert world.status(world.repo.change(number).head) == "pending"
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, _rules(ran)) == (1, [RULE])
    assert set(world.tags()) == {"fraud@v1.0.0", "fraud@v1.0.1"}
    again = world.promote(number)
    assert (again.code, _rules(again)) == (1, [RULE])


def test_latest__moved_and_approved_again__is_promoted(aged: Callable[..., World]) -> None:
    world = aged(POLICY, "fraud@v1.0.0")
    number = _ask(world)
    _register_now(world, "v1.0.1")
    world.forge.clock = SteppingClock(int(time.time()) + 600.25)
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert world.promote(number).code == 0
    assert world.trailers("fraud#prod#1")["Approved-By"]


def test_latest__moved_for_one_of_two_who_approved__one_is_missing(aged: Callable[..., World]) -> None:
    world = aged("stages:\n  prod: {approvals: {count: 2}}\n", "fraud@v1.0.0")
    number = _ask(world)
    _register_now(world, "v1.0.1")
    world.forge.clock = SteppingClock(int(time.time()) + 600.25)
    world.approve(number, "dave")
    planned = world.plan(number)
    assert _rules(planned, "waiting") == [RULE]
    assert "1 of 2" in planned.json["waiting"][0]["message"]


@pytest.mark.parametrize(
    "policy",
    [
        f"{POLICY}drift: replan\n",
        "stages:\n  prod: {approvals: {count: 1}, drift: replan}\ndrift: refuse\n",
    ],
    ids=["file", "stage"],
)
def test_drift__replan__does_it_and_says_what_changed(aged: Callable[..., World], policy: str) -> None:
    world = aged(policy, "fraud@v1.0.0")
    number = _ask(world)
    _register_now(world, "v1.0.1")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    ran = world.promote(number)
    assert ran.code == 0
    assert ran.json["drift"] == ["fraud#prod: carol approved v1.0.0, and it is v1.0.1 now"]
    assert world.tags()["fraud#prod#1"].target == world.tags()["fraud@v1.0.1"].target
    assert "Changed since it was approved" in world.comments(number)[0]


def test_drift__of_the_stage__beats_the_files(aged: Callable[..., World]) -> None:
    world = aged("stages:\n  prod: {approvals: {count: 1}, drift: refuse}\ndrift: replan\n", "fraud@v1.0.0")
    number = _ask(world)
    _register_now(world, "v1.0.1")
    assert _rules(world.plan(number), "waiting") == [RULE]


def test_version__named_and_the_latest_moved__is_promoted(aged: Callable[..., World]) -> None:
    world = aged(POLICY, "fraud@v1.0.0")
    number = _ask(world, "stage:fraud@v1.0.0#prod")
    _register_now(world, "v1.0.1")
    world.merge(number)
    assert world.promote(number).code == 0


def test_version__named_before_it_was_there__is_not_what_was_approved(aged: Callable[..., World]) -> None:
    world = aged(POLICY, "fraud@v1.0.0")
    number = _ask(world, "stage:fraud@v2.0.0#prod")
    _register_now(world, "v2.0.0")
    world.merge(number)
    ran = world.promote(number)
    assert _rules(ran) == [RULE]
    assert "approved no version" in ran.json["refused"][0]["message"]


def test_rollback__whose_target_moved__is_refused(aged: Callable[..., World]) -> None:
    world = aged(POLICY, "fraud@v1.0.0", "fraud#prod#1", "fraud@v1.1.0", "fraud#prod#2")
    number = _ask(world, "rollback:fraud#prod")
    _register_now(world, "v1.2.0")
    world.admin("assign", "fraud#prod", "--version", "v1.2.0", "--override", "urgent")
    world.merge(number)
    ran = world.promote(number)
    assert _rules(ran) == [RULE]
    assert "approved v1.0.0, and it is v1.1.0 now" in ran.json["refused"][0]["message"]


def test_unstage__of_another_holder__is_refused(aged: Callable[..., World]) -> None:
    world = aged(POLICY, "fraud@v1.0.0", "fraud#prod#1")
    number = _ask(world, "unstage:fraud#prod")
    _register_now(world, "v1.2.0")
    world.admin("assign", "fraud#prod", "--version", "v1.2.0", "--override", "urgent")
    world.merge(number)
    assert _rules(world.promote(number)) == [RULE]


@pytest.mark.parametrize(("seconds", "verdict"), [(-119, "waiting"), (-125, "ok"), (119, "waiting"), (125, "waiting")])
def test_clocks__version_registered_about_when_it_was_approved__is_not_guessed(
    aged: Callable[..., World], seconds: int, verdict: str
) -> None:
    world = aged(POLICY, "fraud@v1.0.0")
    number = _ask(world)
    (review,) = world.repo.change(number).approvals()
    world.dates = {f"GIT_{who}_DATE": f"{int(review.at) + seconds} +0000" for who in ("AUTHOR", "COMMITTER")}
    world.push("main", {"models/fraud.txt": "new\n"})
    world.tag("fraud@v1.0.1")
    planned = world.plan(number)
    assert planned.verdict == verdict
    assert verdict == "ok" or _rules(planned, "waiting") == [RULE]


def test_clocks__tagger_time_that_was_typed__is_not_believed_against_the_chain(aged: Callable[..., World]) -> None:
    """A tag that says it is older than the approval; the record of the write before it says that it is not."""
    world = aged(POLICY, "fraud@v1.0.0")
    number = _ask(world)
    world.admin("assign", "fraud#canary", "--version", "v1.0.0")
    guard = "refs/tagline/fraud@guard"
    with world.days_ago(3):
        world.push("main", {"models/fraud.txt": "a trojan\n"})
        world.tag("fraud@v1.0.1")
    assert world.plan(number).verdict == "ok", "nothing shows that the tag is new"
    tag, commit = (world.git("rev-parse", f"fraud@v1.0.1{what}") for what in ("", "^{commit}"))
    above = world.git("rev-parse", guard, folder=world.repo.path)
    record = {
        "format": 1, "kind": "write", "tags": [{"tag": "fraud@v1.0.1", "tag_object": tag, "commit": commit}],
        "change": None, "actor": {"name": "x", "email": "x"}, "time": "2020-01-01T00:00:00Z",
    }  # fmt: skip
    text = "fraud@v1.0.1\n\n" + json.dumps(record)
    tree = world.git("rev-parse", f"{above}^{{tree}}", folder=world.repo.path)
    own = ("-c", "user.name=x", "-c", "user.email=x")
    made = world.git(*own, "commit-tree", tree, "-p", above, "-m", text, folder=world.repo.path)
    world.git("update-ref", guard, made, folder=world.repo.path)
    planned = world.plan(number)
    assert (planned.verdict, _rules(planned, "waiting")) == ("waiting", [RULE])


# -- the bytes --------------------------------------------------------------------

METHODS = {"github": ("merge", "squash", "rebase"), "gitlab": ("merge", "squash", "squash-merge")}


def _landings() -> list[object]:
    return [pytest.param(p, m, id=f"{p}-{m}") for p, methods in METHODS.items() for m in methods]


@pytest.mark.parametrize(("forge", "method"), _landings())
def test_folder__to_which_another_change_came__is_not_what_was_approved(
    make_world: Callable[..., World], forge: Platform, method: str
) -> None:
    world = make_world(forge, POLICY, FOLDER)
    number = world.open("topic", {"data/a.txt": "better\n"}, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    world.push("main", {"data/b.txt": "a trojan\n"})
    world.merge(number, method)
    ran = world.promote(number)
    assert (ran.code, _rules(ran)) == (1, [RULE])
    assert "other bytes" in ran.json["refused"][0]["message"]
    assert set(world.tags()) == {"data@v0.1.0"}


@pytest.mark.parametrize(("forge", "method"), _landings())
def test_folder__beside_which_another_change_came__is_what_was_approved(
    make_world: Callable[..., World], forge: Platform, method: str
) -> None:
    world = make_world(forge, POLICY, FOLDER)
    number = world.open("topic", {"data/a.txt": "better\n"}, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    world.push("main", {"README.md": "moved on\n"})
    world.merge(number, method)
    assert world.promote(number).code == 0
    assert set(world.tags()) == {"data@v0.1.0", "data#prod#1"}


def test_number__that_moved_on__is_what_was_approved(aged: Callable[..., World]) -> None:
    """For a version that the change registers the bytes count, not its number."""
    world = aged(POLICY, "churn@v1.0.0")
    number = world.open("topic", BETTER, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    assert "churn@v1.1.0" in str(world.plan(number).json["tags"])
    _register_now(world, "v1.4.0", "churn")
    world.merge(number)
    assert world.promote(number).code == 0
    assert "churn@v1.5.0" in world.tags()


@pytest.mark.parametrize("stage", ["stage:fraud#prod", "promotions/prod/x.yaml"], ids=["label", "file"])
def test_artifact__named_and_not_touched__whose_bytes_came_from_elsewhere__is_refused(
    make_world: Callable[..., World], platform: Platform, stage: str
) -> None:
    world = make_world(platform, POLICY)
    request = {} if ":" in stage else {stage: "- {artifact: fraud, version: latest}\n"}
    labels = ("version:fraud@minor", *([stage] if ":" in stage else []))
    number = world.open("topic", {"notes.md": "please\n", **request}, labels=labels)
    world.approve(number, "carol")
    world.push("main", {"models/fraud.txt": "a trojan\n"})
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, _rules(ran)) == (1, [RULE])
    assert set(world.tags()) == {"fraud@v0.1.0"}


@pytest.mark.parametrize("pointer", ["models/fraud.txt.dvc", "dvc.lock"])
def test_pointer__that_another_change_moved__is_not_what_was_approved(
    make_world: Callable[..., World], platform: Platform, pointer: str
) -> None:
    out = "outs:\n- md5: {0}.dir\n  size: 3\n  nfiles: 2\n  hash: md5\n  path: fraud.txt\n"
    if pointer == "dvc.lock":
        out = (
            "schema: '2.0'\nstages:\n  t:\n    cmd: x\n    outs:\n    - path: models/fraud.txt\n"
            "      hash: md5\n      md5: {0}.dir\n      size: 3\n      nfiles: 2\n"
        )
    files = {**START, pointer: out.format("a" * 32), ".dvc/config": ""}
    del files["models/fraud.txt"]
    if pointer == "dvc.lock":
        files["dvc.yaml"] = "stages:\n  t:\n    cmd: x\n    outs: [models/fraud.txt]\n"
    world = make_world(platform, f"{POLICY}storage: best-effort\n", files)
    number = world.open("topic", {"notes.md": "x\n"}, labels=("version:fraud@minor", "stage:fraud#prod"))
    world.approve(number, "carol")
    world.push("main", {pointer: out.format("b" * 32)})
    world.merge(number)
    ran = world.promote(number)
    assert RULE in _rules(ran)
    assert not [tag for tag in world.tags() if "#prod" in tag]


def test_older_commit__approved_where_that_counts__covers_its_own_bytes(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, "stages:\n  prod: {approvals: {count: 1, fresh: false}}\n")
    number = world.open("topic", BETTER, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    world.push("topic", {"README.md": "words\n"})
    assert world.plan(number).verdict == "ok"
    world.push("topic", {"models/churn.txt": "a trojan\n"})
    assert _rules(world.plan(number), "waiting") == [RULE]
    world.merge(number)
    assert _rules(world.promote(number)) == [RULE]


def test_approved_commit__that_is_gone__is_unknown_and_not_final(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    number = world.open("topic", BETTER, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    head = world.repo.change(number).head
    world.merge(number)
    world.git("push", "--quiet", "origin", ":refs/heads/topic")

    def gone(request: Request) -> Response | None:
        return (
            Response(500)
            if request.path.endswith("/git-upload-pack") and f"want {head}".encode() in request.body
            else None
        )

    world.server.before.append(gone)
    ran = world.promote(number)
    assert ran.code == 4
    assert _rules(ran) == ["approvals"]
    assert head[:7] in ran.json["refused"][0]["message"]
    assert set(world.tags()) == {"churn@v0.1.0"}
    world.server.before.remove(gone)
    assert world.promote(number).code == 0
    assert "churn#prod#1" in world.tags()


# -- a branch that is behind --------------------------------------------------------


@pytest.mark.parametrize("approved", [True, False], ids=["approved", "not-yet"])
def test_behind__folder_to_which_another_change_came__is_said_before_the_merge(
    make_world: Callable[..., World], platform: Platform, *, approved: bool
) -> None:
    world = make_world(platform, POLICY, FOLDER)
    number = world.open("topic", {"data/a.txt": "better\n"}, labels=("version:minor", "stage:prod"))
    if approved:
        world.approve(number, "carol")
        assert world.plan(number).verdict == "ok"
    world.push("main", {"data/b.txt": "other\n"})
    planned = world.plan(number)
    assert planned.verdict == "waiting"
    assert "branch-behind" in _rules(planned, "waiting")
    world.git("checkout", "--quiet", "-B", "topic", "origin/topic")
    world.git("merge", "--quiet", "--no-edit", "origin/main")
    world.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    assert _rules(world.plan(number), "waiting") == ["approvals"]
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert world.promote(number).code == 0


def test_behind__in_other_files__is_no_matter(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, POLICY, FOLDER)
    number = world.open("topic", {"data/a.txt": "better\n"}, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    world.push("main", {"README.md": "moved on\n"})
    assert world.plan(number).verdict == "ok"


def test_behind__drift_replan__is_said_and_waits_for_nobody(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, f"{POLICY}drift: replan\n", FOLDER)
    number = world.open("topic", {"data/a.txt": "better\n"}, labels=("version:minor", "stage:prod"))
    world.approve(number, "carol")
    world.push("main", {"data/b.txt": "other\n"})
    assert world.plan(number).verdict == "ok"
    assert "main has other bytes of data" in world.comments(number)[0]
    world.merge(number)
    ran = world.promote(number)
    assert ran.code == 0
    assert "carol approved other bytes" in ran.json["drift"][0]


# -- what a promote tells the others --------------------------------------------------


def test_refresh__open_changes_about_what_was_promoted__say_what_it_is_now(aged: Callable[..., World]) -> None:
    world = aged(POLICY, "fraud@v1.0.0")
    waiting = _ask(world)
    other = world.open("other", {"models/churn.txt": "x\n"}, labels=("version:minor",))
    for number in (waiting, other):
        assert world.plan(number).verdict == "ok"
    before = world.comments(other)
    number = world.open("newer", {"models/fraud.txt": "new\n"}, labels=("version:patch",))
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, ran.json["warnings"]) == (0, [])
    assert "fraud@v1.0.1" in world.tags()
    assert world.status(world.repo.change(waiting).head) == "pending"
    assert "Tagline: waiting" in world.comments(waiting)[0]
    assert world.comments(other) == before
    assert world.tags().keys() == {"fraud@v1.0.0", "fraud@v1.0.1"}


def test_refresh__that_fails__is_a_warning(aged: Callable[..., World]) -> None:
    world = aged(POLICY, "fraud@v1.0.0")
    _ask(world)
    number = world.open("newer", {"models/fraud.txt": "new\n"}, labels=("version:patch",))
    world.merge(number)

    def denied(request: Request) -> Response | None:
        return Response(403, {"message": "no"}) if request.query.get("state", "").startswith("open") else None

    world.server.before.append(denied)
    ran = world.promote(number)
    assert ran.code == 0
    assert [warning["code"] for warning in ran.json["warnings"]] == ["not-refreshed"]
    assert "fraud@v1.0.1" in world.tags()
