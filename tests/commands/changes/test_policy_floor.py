"""Policies for many repositories: what one extends, and the floor that it may only tighten, on both forges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.changes.world import BETTER, Platform, World
from tests.support.gitbuild import Commit, History, Tag, build

LABELS = ("version:minor", "stage:prod")
FLOOR = "stages: {prod: {approvals: {count: 1}}}\n"
EXTENDS = "extends: {repo: org/policies, ref: v3, path: p.yaml}\n"


def set_floor(world: World, text: str = FLOOR) -> dict[str, str]:
    floor = world.folder / "floor.yaml"
    floor.write_text(text)
    return {"TAGLINE_POLICY_FLOOR": str(floor)}


def publish(world: World, text: str) -> None:
    """A policy of the organisation, tagged v3."""
    other = world.forge.repository("org/policies")
    for login in ("alice", "tagline-bot"):
        other.grant(login, "read")
    build(other.path, History((Commit("c", files={"p.yaml": text}),), (Tag("v3", "c"),), {"main": "c"}), bare=True)


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_floor__without_a_policy__is_the_policy(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform)
    environ = set_floor(world)
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number, **environ)
    assert planned.verdict == "waiting"
    assert "the policy floor" in world.comments(number)[-1]
    world.approve(number, "carol")
    world.merge(number)
    assert world.promote(number, **environ).verdict == "ok"


def test_floor__a_looser_key__is_refused_at_plan_and_at_the_merge(make_world: Callable[..., World]) -> None:
    world = make_world("github", "stages: {prod: {approvals: {not: []}}}\n")
    environ = set_floor(world)
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number, **environ)
    assert planned.code == 1
    (refused,) = planned.json["refused"]
    assert refused["rule"] == "policy-floor"
    assert "approvals.not is nobody in .tagline.yaml" in refused["message"]
    assert "floor.yaml: author, pusher too" in refused["message"]
    assert "looser than the policy floor" in world.comments(number)[-1]
    world.merge(number)
    assert world.promote(number, **environ).code == 1
    assert "churn#prod#1" not in world.tags()


def test_floor__a_looser_key_of_the_whole_file__refuses_the_change(make_world: Callable[..., World]) -> None:
    world = make_world("github", "sha256: 'off'\nmax_artifacts: 50\n")
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number, **set_floor(world, "sha256: preferred\nmax_artifacts: 5\n"))
    assert {one["rule"] for one in planned.json["refused"]} == {"policy-floor"}
    assert len(planned.json["refused"]) == 2
    both = world.open("both", {**BETTER, "models/fraud.txt": "rules: 9\n"}, labels=LABELS)
    world.push("main", {".tagline.yaml": "stages: {prod: {}}\n"})
    (refused,) = world.plan(both, **set_floor(world, "max_artifacts: 1\n")).json["refused"]
    assert "more than 1 are not promoted by a label. (the policy floor " in refused["message"]


def test_floor__on_an_administrators_tool__guards_the_stage(make_world: Callable[..., World]) -> None:
    world = make_world("github")
    world.tag("churn@v1.0.0")
    said = world.run("assign", "churn#prod", "--version", "v1.0.0", "--push", cwd=world.clone, **set_floor(world))
    assert (said.code, said.json["error"]["code"]) == (1, "guarded-stage")


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("floor.yaml", 2, "no absolute path"),
        ("CLONE/.tagline-floor.yaml", 2, "lies in a repository"),
        ("FOLDER/none.yaml", 4, "cannot be read"),
        ("ftp://example.org/x", 2, "no https address"),
        ("http://127.0.0.1:9/floor.yaml", 4, "cannot be reached"),
        ("FOLDER/broken.yaml", 2, "line 1"),
        ("FOLDER/empty.yaml", 2, "has no rules"),
    ],
)
def test_floor__that_cannot_be_read__decides_nothing(
    make_world: Callable[..., World], place: str, code: int, words: str
) -> None:
    world = make_world("github")
    (world.folder / "broken.yaml").write_text("stage: {}\n")
    (world.folder / "empty.yaml").write_text("")
    where = place.replace("CLONE", str(world.clone)).replace("FOLDER", str(world.folder))
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number, TAGLINE_POLICY_FLOOR=where)
    assert planned.code == code, planned.err
    assert words in planned.out + planned.err


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_extends__a_tag_of_another_repository__is_the_base(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, EXTENDS + "stages: {staging: {}}\n")
    publish(world, "stages: {prod: {approvals: {count: 1}}}\n")
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number)
    assert planned.verdict == "waiting", planned.out
    (waiting,) = planned.json["waiting"]
    assert waiting["message"].endswith("(org/policies@v3:p.yaml)")


@pytest.mark.parametrize(
    ("own", "base", "words"),
    [
        (EXTENDS.replace("v3", "main"), "stages: {}\n", "no tag or commit 'main'"),
        (EXTENDS.replace("p.yaml", "q.yaml"), "stages: {}\n", "no file 'q.yaml'"),
        (EXTENDS.replace("org/policies", "./x"), "stages: {}\n", "folder of one machine"),
        (EXTENDS, "stage: {}\n", "org/policies@v3:p.yaml, line 1"),
        (EXTENDS, EXTENDS, "extends nothing itself"),
    ],
)
def test_extends__what_is_not_there_or_wrong__refuses_with_the_place(
    make_world: Callable[..., World], own: str, base: str, words: str
) -> None:
    world = make_world("github", own)
    publish(world, base)
    number = world.open("topic", BETTER, labels=LABELS)
    planned = world.plan(number)
    assert planned.code == 1, planned.out + planned.err
    (refused,) = planned.json["refused"]
    assert refused["rule"] == "policy-unreadable"
    assert words in refused["message"]


def test_extends__of_a_change__tells_nothing_of_a_file_that_the_job_may_read(make_world: Callable[..., World]) -> None:
    """Anybody may open a change, and the job may read more than they."""
    world = make_world("github")
    publish(world, 'hunter2: s3cret\nstages: {prod: {approvals: {from: ["hunter2 s3cret"]}}}\n')
    number = world.open("topic", {".tagline.yaml": EXTENDS})
    planned = world.plan(number)
    (refused,) = planned.json["refused"]
    assert refused["rule"] == "policy-breaks"
    assert "extends org/policies@v3:p.yaml, which cannot be understood" in refused["message"]
    told = planned.out + planned.err + "".join(world.comments(number))
    assert "hunter2" not in told
    assert "s3cret" not in told


def test_floor__by_address__is_read_without_a_redirect(make_world: Callable[..., World], tmp_path: Path) -> None:
    import functools
    import http.server
    import threading

    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "floor.yaml").write_text(FLOOR)
    (tmp_path / "web" / "sub").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        world = make_world("github")
        number = world.open("topic", BETTER, labels=LABELS)
        base = f"http://127.0.0.1:{server.server_port}"
        assert world.plan(number, TAGLINE_POLICY_FLOOR=f"{base}/floor.yaml").verdict == "waiting"
        redirected = world.plan(number, TAGLINE_POLICY_FLOOR=f"{base}/sub")
        assert redirected.code == 4
        assert "answered 301" in redirected.out + redirected.err
        server.shutdown()


#: Every key that a floor may have of a stage, with a looser one of a repository.
STRICT = """\
stages:
  staging: {}
  prod:
    after: [staging]
    soak: 1h
    approvals: {count: 2}
    ticket: RISK-*
    gates: [{metric: accuracy, min: 0.9}]
    freeze: [{from: "2020-01-01T00:00:00Z", to: "2020-01-02T00:00:00Z"}]
sha256: preferred
storage: required
"""
LOOSER = """\
stages: {staging: {}}
artifacts:
  "ch*":
    stages:
      prod:
        after: []
        soak: 0s
        approvals: {count: 1, fresh: false}
        ticket: "*"
        gates: []
        freeze: []
        override: {allow: [alice]}
"""
KEYS = (
    "after is nothing", "soak is 0s", "approvals.count is 1", "approvals.fresh is false", "ticket is *",
    "gates is no gate as strict", "freeze is another time", "override.allow is alice",
)  # fmt: skip


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_floor__each_looser_key__is_refused_with_the_file_that_says_it(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """In the repository's own file for all, for some artifacts, or in what it extends: that one is named."""
    world = make_world(platform)
    environ = set_floor(world, STRICT)
    publish(world, "artifacts: {'ch*': {stages: {prod: {ticket: OPS-*}}}}\nstorage: best-effort\n")
    number = world.open("topic", BETTER, labels=LABELS)

    def refused(policy: str) -> list[str]:
        world.push("main", {".tagline.yaml": policy})
        planned = world.plan(number, **environ)
        assert planned.code == 1
        assert all(one["fix"] for one in planned.json["refused"])
        return [one["message"] for one in planned.json["refused"] if one["rule"] == "policy-floor"]

    found = refused(LOOSER)
    assert len(found) == len(KEYS)
    for words in KEYS:
        assert any(f"{words} in .tagline.yaml, which is looser than the policy floor" in one for one in found), words
    assert all("floor.yaml: " in one for one in found)
    # What the whole repository extends is looser too; a key of the whole file refuses before any stage is looked at.
    (found,) = refused(EXTENDS)
    assert "storage is best-effort in org/policies@v3:p.yaml, which is looser than the policy floor" in found
    (found,) = refused(EXTENDS + "storage: required\n")
    assert "ticket is OPS-* in org/policies@v3:p.yaml, which is looser than the policy floor" in found
    assert "org/policies@v3:p.yaml" in world.comments(number)[-1].replace("\\", "").replace("\u2060", "")
    assert refused(EXTENDS + "storage: required\nstages: {prod: {ticket: [RISK-*]}}\n") != []
    assert refused("stages: {prod: {ticket: [RISK-*, CHG-*]}}\n") == []
    # Nothing is promoted past a floor, however the change is merged.
    world.push("main", {".tagline.yaml": "stages: {prod: {ticket: []}}\n"})
    world.merge(number)
    promoted = world.promote(number, **environ)
    assert (promoted.code, "policy-floor" in promoted.out) == (1, True)
    assert not any("#prod" in tag for tag in world.tags())
