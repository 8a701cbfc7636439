"""What is remembered of changes decides nothing: forged, deleted, forbidden, or of another repository."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tagline.domain.changes.record import Record, hide
from tests.commands.changes.world import BETTER, Platform, World
from tests.localforge.faults import fail_always

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "record.schema.json").read_text())
GUARDED = "stages:\n  prod: {approvals: {count: 1}}\n"
FREE = "stages:\n  prod: {}\n"
LABELS = ("version:minor", "stage:prod")
CHURN = {"churn@v0.1.0", "churn#prod#1"}
FRAUD = {"models/fraud.txt": "rules: 4\n"}


def _merged(world: World, branch: str, files: dict[str, str], *by: str) -> tuple[int, str]:
    number = world.open(branch, files, labels=LABELS)
    for login in by:
        world.approve(number, login)
    return number, world.merge(number)


def _ref(number: int) -> str:
    return f"refs/tagline/@changes/{number}"


def _record(world: World, number: int) -> Any:
    """The newest record of a change, as its file has it."""
    world.git("fetch", "--quiet", "--no-tags", "origin", _ref(number))
    return json.loads(world.git("show", "FETCH_HEAD:record.json"))


def _write(world: World, number: int, record: Any) -> None:
    """Somebody who may push puts a record of his own in its place."""
    text = json.dumps(record)
    (world.folder / "record.json").write_text(f"{text}\n")
    blob = world.git("hash-object", "-w", str(world.folder / "record.json"))
    listed = f"100644 blob {blob}\trecord.json\n".encode()
    made = subprocess.run(["git", "-C", str(world.clone), "mktree"], input=listed, capture_output=True, check=True)
    (world.folder / "message").write_text(f"forged\n\n{text}\n")
    commit = world.git("commit-tree", made.stdout.decode().strip(), "-F", str(world.folder / "message"))
    world.git("push", "--quiet", "--force", "origin", f"{commit}:{_ref(number)}")


def _all_done(world: World, number: int, **more: Any) -> dict[str, Any]:
    """A record that says that nothing is left to do with a change."""
    host = world.server.url.partition("://")[2]
    change = {"host": host, "repository": str(world.repo.id), "number": number}
    return {
        "format": 1, "kind": "judged", "tags": [], "change": change, "actor": {"name": "m", "email": "m@example.org"},
        "time": "2026-03-01T00:00:00Z", "finished": True, "refused": [], **more,
    }  # fmt: skip


# -- what was judged -----------------------------------------------------------------


def test_record__of_a_judged_change__says_what_was_made_and_refused_in_the_form_of_the_chain(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    number, merge = _merged(world, "topic", BETTER)
    assert world.promote(number).code == 1
    record = _record(world, number)
    jsonschema.validate(record, SCHEMA)
    tag = world.tags()["churn@v0.1.0"]
    assert record["kind"] == "judged"
    assert record["finished"] is True
    assert record["tags"] == [{"tag": tag.name, "tag_object": tag.object_id, "commit": merge}]
    assert record["refused"] == [{"artifact": "churn", "stage": "prod", "rule": "approvals"}]
    assert record["change"]["number"] == number
    assert world.promote(number).code == 1
    assert world.git("rev-list", "--count", "FETCH_HEAD") == "1"
    world.git("fetch", "--quiet", "origin", _ref(number))
    assert world.git("rev-list", "--count", "FETCH_HEAD") == "1", "the same word is not written twice"


def test_record__of_a_change_that_asks_for_nothing_or_by_plan__is_not_written(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    quiet = world.open("quiet", {"README.md": "1\n"})
    world.merge(quiet)
    number = world.open("topic", BETTER, labels=LABELS)
    for ran in (world.promote(quiet), world.plan(number)):
        assert ran.code == 0
    assert world.git("ls-remote", "origin", "refs/tagline/*") == ""


# -- forged --------------------------------------------------------------------------


def test_comment__of_ours_that_somebody_edits__changes_no_decision(
    make_world: Callable[..., World], platform: Platform
) -> None:
    """On both forges a maintainer may edit what a bot wrote."""
    world = make_world(platform, GUARDED)
    number = world.open("topic", BETTER, labels=LABELS)
    world.approve(number, "carol")
    assert world.plan(number).verdict == "ok"
    (comment,) = world.repo.change(number).comments
    old = '{"seen": [], "final": true, "refused": [], "made": []}'
    comment.body = f"All done.\n\n<!-- tagline:v1 {base64.b64encode(old.encode()).decode()} -->"
    merged = world.merge(number)
    ran = world.on_push(merged)
    assert (ran.code, ran.verdict) == (0, "ok"), ran.out + ran.err
    assert set(world.tags()) == CHURN
    comment.body = f"All done.\n\n{hide(Record(says='0' * 32))}"
    assert world.promote(number).verdict == "ok"
    assert "Tagline: done" in world.comments(number)[0]


def test_record__forged__the_changes_own_run_decides_anew(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, FREE)
    number, merged = _merged(world, "topic", BETTER)
    _write(world, number, _all_done(world, number))
    ran = world.on_push(merged)
    assert (ran.code, ran.verdict) == (0, "ok"), ran.out + ran.err
    assert set(world.tags()) == CHURN
    assert len(_record(world, number)["tags"]) == 2


@pytest.mark.parametrize(
    "what",
    ["no-such-tag", "no-name", "too-many", "another-repository", "another-change", "another-kind", "no-record"],
)
def test_record__that_does_not_hold__spares_no_scan(
    make_world: Callable[..., World], platform: Platform, what: str
) -> None:
    world = make_world(platform, FREE)
    number, merge = _merged(world, "topic", BETTER)
    tag = {"tag": "churn@v0.1.0", "tag_object": merge, "commit": merge}
    good = _all_done(world, number)
    wrong: dict[str, Any] = {
        "no-such-tag": {"tags": [tag]},
        "no-name": {"tags": [{**tag, "tag": name} for name in ("", "*", "a\0b", "--all", "a@v1." + "1" * 150_000)]},
        "too-many": {"tags": [{**tag, "tag": f"a@v1.0.{place}"} for place in range(1001)]},
        "another-repository": {"change": {**good["change"], "repository": "4711"}},
        "another-change": {"change": {**good["change"], "number": number + 1}},
        "another-kind": {"kind": "write"},
        "no-record": {"format": "1"},
    }
    _write(world, number, good | wrong[what])
    ran = world.on_schedule()
    assert (ran.code, ran.verdict) == (0, "ok"), ran.out + ran.err
    assert set(world.tags()) == CHURN


# -- told once -----------------------------------------------------------------------


def _lock(world: World, number: int) -> None:
    """Nobody may comment there any more."""
    kind = "issues" if world.platform == "github" else "merge_requests"
    fail_always(world.server, "POST", rf".*/{kind}/{number}/(comments|notes)", 403)


def _nobody_may_remember(world: World) -> None:
    world.git("config", "--add", "receive.hideRefs", "refs/tagline/@changes", folder=world.repo.path)


@pytest.mark.parametrize("may_remember", [True, False], ids=["remembered", "nowhere-remembered"])
def test_refusal__where_the_conversation_is_locked__turns_no_other_run_red(
    make_world: Callable[..., World], platform: Platform, may_remember: bool
) -> None:
    world = make_world(platform, GUARDED)
    refused, at = _merged(world, "t1", FRAUD)
    _lock(world, refused)
    if not may_remember:
        _nobody_may_remember(world)
    own = world.on_push(at)
    assert own.code == 1, "its own run is red"
    assert "comment-not-written" in [warning["code"] for warning in own.json["warnings"]]
    number, merged = _merged(world, "t2", BETTER, "carol")
    runs = [world.on_push(merged, before=at), world.promote(number), world.on_schedule()]
    assert [ran.code for ran in runs] == [0, 0, 0], [ran.out + ran.err for ran in runs]
    assert set(world.tags()) == CHURN | {"fraud@v0.1.0"}
    said = [ran.out.count("earlier-refused") for ran in runs]
    assert all(said) != may_remember, "told once, or where it cannot be remembered again, as a warning"
    assert any("not-remembered" in ran.out for ran in runs) != may_remember


def test_refusal__that_a_nightly_run_is_the_first_to_find__is_red_once(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, GUARDED)
    _merged(world, "t1", FRAUD)
    assert [world.on_schedule().code for _ in range(3)] == [1, 0, 0]


def test_scan__of_finished_changes__reads_no_comments_and_asks_the_forge_for_none_of_them(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, FREE)
    for place in range(3):
        number, _ = _merged(world, f"t{place}", {"models/churn.txt": f"{place}\n"})
        assert world.promote(number).code == 0
        world.repo.change(number).comments.clear()
    ran = world.on_schedule()
    assert (ran.code, ran.json["changes"]) == (0, []), ran.out
    assert not [each.path for each in ran.requests if "comments" in each.path or "notes" in each.path]
