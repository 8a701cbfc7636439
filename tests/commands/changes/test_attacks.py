"""What a malicious change, reviewer or commenter cannot do."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tagline.domain.changes.record import MARKER, Record, hide
from tagline.domain.ledger.messages import parse_trailers
from tagline_localforge import LocalForge, serve
from tests.commands.changes.world import BETTER, START, TOKENS, Platform, World
from tests.support.gitbuild import environment

POLICY = "stages:\n  prod: {approvals: {count: 1}}\n"
LABELS = ("version:minor", "stage:prod")
#: Text that means something to Markdown, HTML, a runner, a terminal or a forge.
HOSTILE = (
    "<img src=x onerror=alert(1)> **bold** [link](http://evil.example) @everyone #1 !1 ::set-output name=x::y "
    "##[error]no \u202etxt.exe | cell | `code` <!-- tagline:v1 x --> \x1b[31m"
)


@pytest.fixture
def guarded(make_world: Callable[..., World], platform: Platform) -> World:
    """prod wants one approval."""
    return make_world(platform, POLICY)


def _refused(world: World, number: int, rule: str) -> None:
    ran = world.promote(number)
    assert ran.code == 1, ran.out + ran.err
    assert rule in [found["rule"] for found in ran.json["refused"]]
    assert not [tag for tag in world.tags() if "#prod" in tag]


def test_change__edits_the_policy_to_approve_itself__judged_by_the_policy_before_it(guarded: World) -> None:
    number = guarded.open("topic", {**BETTER, ".tagline.yaml": "stages: {prod: {}}\n"}, labels=LABELS)
    assert guarded.plan(number).verdict == "waiting"
    guarded.merge(number)
    _refused(guarded, number, "approvals")
    # From the next change on it counts.
    later = guarded.open("later", {"models/churn.txt": "trees: 51\n"}, labels=LABELS)
    guarded.merge(later)
    assert guarded.promote(later).code == 0
    assert "churn#prod#1" in guarded.tags()


def test_change__edits_codeowners_to_approve_itself__owners_of_before_count(make_world, platform: Platform) -> None:
    policy = "stages:\n  prod: {approvals: {count: 1, from: [codeowners]}}\n"
    world = make_world(platform, policy, {**START, "CODEOWNERS": "* @carol\n"})
    number = world.open("topic", {**BETTER, "CODEOWNERS": "* @bob\n"}, labels=LABELS)
    world.approve(number, "bob")
    world.merge(number)
    _refused(world, number, "approvals")


@pytest.mark.parametrize("by", ["mallory", "tess", "alice", "stranger", "tagline-bot[bot]"])
def test_approval__by_whoever_may_not__is_not_counted(guarded: World, by: str) -> None:
    guarded.forge.person(by)
    number = guarded.open("topic", BETTER, labels=LABELS)
    guarded.approve(number, by)
    guarded.merge(number)
    _refused(guarded, number, "approvals")


def test_approval__older_than_the_last_push__is_not_counted(guarded: World) -> None:
    number = guarded.open("topic", BETTER, labels=LABELS)
    guarded.approve(number, "carol")
    guarded.push("topic", {"models/churn.txt": "a trojan\n"})
    assert guarded.plan(number).verdict == "waiting"
    guarded.merge(number)
    _refused(guarded, number, "approvals")


@pytest.mark.parametrize("listed", [False, True], ids=["side-branch", "listed-branch"])
def test_approval__before_the_base_branch_was_changed__is_not_counted(
    make_world: Callable[..., World], platform: Platform, *, listed: bool
) -> None:
    """A side branch's model, which no reviewer of the change was shown, would come along to prod."""
    world = make_world(platform, POLICY + "branches: ['release/*']\n" * listed)
    side = "release/1" if listed else "side"
    world.push(side, {"models/churn.txt": "a trojan\n"})
    number = world.open(
        "topic", {"README.md": "harmless\n"}, labels=("stage:churn#prod", "version:churn@minor"), target=side
    )
    world.approve(number, "carol")
    world.repo.edit(number, by="alice", target="main")
    planned = world.plan(number)
    assert planned.verdict == "waiting"
    assert "approved before the base branch was changed" in world.comments(number)[0]
    world.merge(number)
    _refused(world, number, "approvals")


def test_approval__after_the_base_branch_was_changed__counts(guarded: World) -> None:
    guarded.push("side", {"r.txt": "1\n"})
    number = guarded.open("topic", BETTER, labels=LABELS, target="side")
    guarded.approve(number, "bob")
    guarded.repo.edit(number, by="alice", target="main")
    guarded.approve(number, "carol")
    guarded.merge(number)
    assert guarded.promote(number).code == 0
    assert [by.split()[0] for by in guarded.trailers("churn#prod#1")["Approved-By"]] == ["carol"]


@pytest.mark.parametrize("late", ["stage:prod", "version:major"])
def test_label__added_after_the_approval__is_not_covered_by_it(guarded: World, late: str) -> None:
    number = guarded.open("topic", BETTER, labels=tuple(label for label in LABELS if label[:5] != late[:5]))
    guarded.approve(number, "carol")
    guarded.repo.label(number, late, by="bob")
    assert guarded.plan(number).verdict == "waiting"
    guarded.merge(number)
    _refused(guarded, number, "approvals")


def test_label__swapped_after_the_merge__what_stood_at_the_merge_counts(guarded: World) -> None:
    number = guarded.open("topic", BETTER, labels=("version:patch",))
    guarded.merge(number)
    guarded.repo.unlabel(number, "version:patch", by="bob")
    for label in ("version:major", "stage:prod"):
        guarded.repo.label(number, label, by="bob")
    assert guarded.promote(number).code == 0
    assert set(guarded.tags()) == {"churn@v0.0.1"}


def test_approval__given_after_the_merge__does_not_count(guarded: World) -> None:
    number = guarded.open("topic", BETTER, labels=LABELS)
    guarded.merge(number)
    guarded.approve(number, "carol")
    _refused(guarded, number, "approvals")


def test_approval__dismissed_before_the_merge__does_not_count(make_world: Callable[..., World]) -> None:
    world = make_world("github", POLICY)
    number = world.open("topic", BETTER, labels=LABELS)
    review = world.approve(number, "carol")
    world.repo.dismiss(number, review.id, by="alice")
    world.merge(number)
    _refused(world, number, "approvals")


def test_approval__dismissed_after_the_merge__still_counts(make_world: Callable[..., World]) -> None:
    world = make_world("github", POLICY)
    number = world.open("topic", BETTER, labels=LABELS)
    review = world.approve(number, "carol")
    world.merge(number)
    world.repo.dismiss(number, review.id, by="mallory")
    assert world.promote(number).code == 0


def test_labeller__who_approves_what_he_asked_for__is_not_counted_where_the_policy_says_so(
    make_world, platform
) -> None:
    world = make_world(platform, "stages:\n  prod: {approvals: {count: 1, not: [author, labeller]}}\n")
    number = world.open("topic", BETTER, labels=LABELS, by="bob")
    world.approve(number, "bob")
    world.merge(number)
    _refused(world, number, "approvals")


def test_change__merged_into_a_branch_with_its_own_policy__is_not_promoted(guarded: World) -> None:
    guarded.push("evil", {".tagline.yaml": "stages: {prod: {}}\nbranches: [evil]\n"})
    number = guarded.open("topic", BETTER, labels=LABELS, target="evil")
    assert guarded.plan(number).verdict == "nothing"
    guarded.merge(number)
    assert guarded.promote(number).verdict == "nothing"
    assert guarded.tags() == {}


def test_branch__that_the_default_branchs_policy_lists__is_promoted(make_world, platform: Platform) -> None:
    world = make_world(platform, "branches: ['release/*']\n")
    world.push("release/1", {"r.txt": "1\n"})
    number = world.open("topic", BETTER, labels=LABELS, target="release/1")
    world.merge(number)
    assert world.promote(number).code == 0
    assert {"churn@v0.1.0", "churn#prod#1"} == set(world.tags())


def test_job__of_last_month_run_again_after_a_rollback__changes_nothing(guarded: World) -> None:
    numbers = []
    for trees in (50, 60):
        number = guarded.open(f"t{trees}", {"models/churn.txt": f"trees: {trees}\n"}, labels=LABELS)
        guarded.approve(number, "carol")
        guarded.merge(number)
        assert guarded.promote(number).code == 0
        numbers.append(number)
    guarded.admin("rollback", "churn#prod", "--override", "it is bad")
    tags = guarded.tags()
    for number in reversed(numbers):
        again = guarded.promote(number)
        assert again.code == 0
        assert not any(row["created"] for row in again.json["tags"])
    assert guarded.tags() == tags


def test_refusal__at_the_merge__is_final_even_when_the_reason_is_gone(guarded: World) -> None:
    number = guarded.open("topic", BETTER, labels=LABELS)
    guarded.plan(number)
    guarded.merge(number)
    assert guarded.promote(number).code == 1
    assert set(guarded.tags()) == {"churn@v0.1.0"}
    guarded.push("main", {".tagline.yaml": "stages: {prod: {}}\n"})
    again = guarded.promote(number)
    assert again.code == 1
    assert again.json["refused"][0]["rule"] == "approvals"
    assert set(guarded.tags()) == {"churn@v0.1.0"}


def test_comment__with_our_marker_by_somebody_else__is_neither_read_nor_edited(guarded: World) -> None:
    number = guarded.open("topic", BETTER, labels=LABELS)
    forged = hide(Record(says="0" * 32))
    guarded.repo.comment(number, by="mallory", body=f"All done. {forged}")
    assert guarded.plan(number).verdict == "waiting"
    assert guarded.plan(number).verdict == "waiting"
    bodies = [(c.login, c.body) for c in guarded.repo.change(number).comments]
    assert ("mallory", f"All done. {forged}") in bodies
    assert len(guarded.comments(number)) == 1
    guarded.approve(number, "carol")
    guarded.merge(number)
    assert guarded.promote(number).code == 0


def test_comment__beyond_the_first_page__is_found_again(guarded: World) -> None:
    number = guarded.open("topic", BETTER, labels=LABELS)
    for place in range(120):
        guarded.repo.comment(number, by="mallory", body=f"chatter {place} {MARKER}")
    first, second = guarded.plan(number), guarded.plan(number)
    assert first.json["comment_url"] == second.json["comment_url"]
    assert len(guarded.comments(number)) == 1


def test_hostile_names__everywhere__are_data(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, POLICY)
    label = "stage:" + HOSTILE[:40]
    number = world.open("a-branch-$(touch-x)`id`", BETTER, title=HOSTILE * 60, labels=("version:minor", label))
    ran = world.plan(number)
    assert ran.code == 1, ran.err
    assert ran.json["refused"][0]["rule"] == "request"
    (body,) = world.comments(number)
    assert body.count(MARKER) == 1
    plain = world.run_cli("plan", "--change", str(number), cwd=world.folder, **world.environ())
    for line in (plain.out + plain.err).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "\x1b" not in line
        assert "\u202e" not in line


def test_hostile_people_and_files__end_as_text_in_trailers_and_comments(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    bob = "bob|`<b>@everyone\u202e::error::"
    world.forge.person(bob)
    world.repo.grant(bob, "write")
    world.admin("register", "churn", "--version", "v1.0.0", "--rev", world.git("rev-parse", "origin/main"))
    reason = "because\\nChange: http://evil.example\\n\\n@everyone"
    files = {
        "promotions/dev/a`|$(x) <i>.yaml": f'- {{artifact: churn, version: v1.0.0, reason: "{reason}"}}\n',
        "artifacts.yaml": 'churn: {path: "models/churn\\n#1.txt"}\n',
        "models/churn\n#1.txt": "2\n",
    }
    number = world.open("topic", files, labels=("version:minor", "stage:churn#prod"), by=bob, author="alice")
    assert world.plan(number).code == 0
    world.merge(number)
    assert world.promote(number).code == 0
    dev = next(tag for tag in world.tags() if "#dev" in tag)
    assert len(world.trailers(dev)["Change"]) == 1
    assert world.trailers(dev)["Reason"] == ["because Change: http://evil.example @everyone"]
    assert "\u202e" not in world.comments(number)[0]
    (body,) = world.comments(number)
    assert body.count(MARKER) == 1
    made = [parse_trailers(tag.message) for tag in world.tags().values() if "Change" in tag.message]
    assert len(made) == 3
    assert all(len(trailers["Run"]) == len(trailers["Change"]) == 1 for trailers in made)


def test_merges__of_the_same_second__keep_the_order_of_the_branch(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform)
    numbers = [
        world.open(f"t{name}", {f"models/{name}.txt": "x\n"}, labels=("version:churn@minor", "stage:churn#prod"))
        for name in ("churn", "fraud", "other")
    ]
    moment = world.forge.clock()
    world.forge.clock = lambda: moment
    tips = [world.merge(number) for number in numbers]
    assert world.promote(numbers[-1]).code == 0
    tags = world.tags()
    assert [tags[f"churn@v0.{place}.0"].target for place in (1, 2, 3)] == tips
    assert tags["churn#prod#3"].target == tips[-1]
    assert len({tag.time for tag in tags.values()}) == len(tags)


@pytest.mark.parametrize(
    "request_file",
    [
        "- {artifact: churn, version: v1.0.0",
        "a: &a [*b, *b]\n",
        "- {artifact: '../../etc', version: this}\n",
        "- {artifact: churn, version: '::set-output name=x::y'}\n",
        "- {artifact: churn, verison: v1.0.0}\n",
        "just text\n",
        "\x00\x01",
        "[" * 5000,
        "- {artifact: chrun}\n",
    ],
    ids=range(9),
)
def test_request_file__that_nobody_can_mean__refuses_the_change_with_its_place(
    guarded: World, request_file: str
) -> None:
    number = guarded.open("topic", {"promotions/prod/x.yaml": request_file})
    ran = guarded.plan(number)
    assert ran.code == 1
    (found,) = ran.json["refused"]
    assert "promotions/prod/x.yaml" in found["message"]
    assert found["fix"]


def test_tokens__are_in_no_output_and_no_argument(guarded: World) -> None:
    secret = "ghp_A1b2C3d4E5f6"
    guarded.forge.token(secret, login="bob")
    number = guarded.open("topic", BETTER, labels=LABELS)
    guarded.approve(number, "carol")
    said = [guarded.plan(number, token=secret)]
    guarded.merge(number)
    guarded.repo.refuse_pushes = "remote: error: GH013: Repository rule violations found"
    said.append(guarded.promote(number, token=secret))
    guarded.repo.refuse_pushes = None
    said.append(guarded.promote(number, token=secret))
    assert [ran.code for ran in said] == [0, 4, 0]
    texts = json.dumps([ran.out + ran.err for ran in said])
    stored = "".join(tag.message for tag in guarded.tags().values()) + "".join(guarded.comments(number))
    assert secret not in texts + stored
    assert not [e for e in guarded.server.exchanges if secret in e.path or secret in str(e.query)]


#: One of each kind; tests/cli/test_secret_addresses.py draws many.
SECRET_ADDRESSES = (
    "https://u:hun/ter2hunter2@127.0.0.1:9/x",
    "http://127.0.0.1:9/x?private_token=hunter2",
    "ssh://git:hunter2@127.0.0.1:9/x",
)


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_address__with_a_secret_in_a_change__is_in_no_comment_status_tag_or_output(
    make_world: Callable[..., World], platform: Platform, address: str
) -> None:
    world = make_world(platform)
    written = json.dumps(address)
    manifest = (
        f"far: {{path: {written}, type: {written}, description: {written}}}\n"
        f"churn: {{path: models/churn.txt, type: {written}, mlflow: {{run_id: r1, tracking_uri: {written}}}}}\n"
        "data: {path: data.pkl}\n"
    )
    pointer = f"outs:\n- md5: {'a' * 32}\n  size: 3\n  hash: md5\n  path: data.pkl\n"
    steps = {"cmd": f"curl {address}", "deps": [{"path": address}], "outs": ["models/churn.txt"]}
    files = {
        **BETTER, "artifacts.yaml": manifest, "data.pkl.dvc": pointer,
        ".dvc/config": f"[core]\n    remote = s\n['remote \"s\"']\n    url = {address}\n",
        "dvc.yaml": json.dumps({"stages": {"train": steps}}),
    }  # fmt: skip
    labels = ("version:far@minor", "version:churn@minor", "version:data@minor", "stage:churn#prod", "stage:data#prod")
    number = world.open("topic", files, labels=labels)
    outputs = world.folder / "outputs"
    more = {
        "MLFLOW_TRACKING_URI": address, "TAGLINE_LINEAGE": "true", "GITHUB_OUTPUT": str(outputs),
        "TAGLINE_CHANGE": str(number), "GIT_SSH_COMMAND": "false",
    }  # fmt: skip
    said = [world.plan(number, **more)]
    world.merge(number)
    said.append(world.promote(number, **more))
    step = {**world.environ(**more), "TAGLINE_COMMAND": "promote"}
    said.append(world.run_cli("ci", cwd=world.folder, **step))
    assert world.tags()
    told = "".join(each.out + each.err for each in said)
    told += "".join(world.comments(number)) + str(world.repo.statuses) + str(world.tags())
    told += "".join(path.read_text() for path in world.folder.glob("*") if path.is_file())
    assert "hunter2" not in told


def test_api_url__of_somebody_else__gets_no_token(guarded: World, tmp_path: Path) -> None:
    """A variable of a pipeline may name an API; the job's token stays at home."""
    secret = "ghp_A1b2C3d4E5f6"
    guarded.forge.token(secret, login="bob")
    thief = LocalForge(tmp_path / "thief")
    thief.repository("org/shop").public = True
    number = guarded.open("topic", BETTER, labels=LABELS)
    with serve(thief) as server:
        api = f"{server.url}/api/{'v3' if guarded.platform == 'github' else 'v4'}"
        own = f"{guarded.server.url}/org/shop"
        for where in ((), ("--repo", own), ("--repo", "org/shop")):
            ran = guarded.run(
                "plan", "--change", str(number), *where, "--repo-api-url", api, "--repo-forge", guarded.platform,
                token=secret, CI_JOB_TOKEN=secret,
            )  # fmt: skip
            assert ran.code != 0
        sent = [value for exchange in server.exchanges for value in exchange.headers.values()]
    assert ran.json["error"]["code"] != "bug"
    assert not [value for value in sent if secret in value or secret in _decoded(value)]


def _decoded(header: str) -> str:
    with contextlib.suppress(ValueError):
        return base64.b64decode(header.partition(" ")[2]).decode(errors="replace")
    return ""


def test_promote__in_a_folder_that_an_earlier_job_left__starts_none_of_its_programs(
    make_world: Callable[..., World], platform: Platform, tmp_path: Path
) -> None:
    """A runner's folder may be what a change's own job left: DVC's local configuration there names programs."""
    pointer = "outs:\n- md5: {}\n  size: 3\n  hash: md5\n  path: churn.pkl\n"
    remote = "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket/store\n"
    manifest = "churn: {path: models/churn.pkl}\n"
    files = {"artifacts.yaml": manifest, ".dvc/config": remote, "models/churn.pkl.dvc": pointer.format("a" * 32)}
    world = make_world(platform, files=files)
    number = world.open("topic", {"models/churn.pkl.dvc": pointer.format("b" * 32)}, labels=LABELS)
    world.merge(number)
    left = tmp_path / "builds"
    world.git("init", "--quiet", str(left))
    (left / ".dvc").mkdir()
    pwned = tmp_path / "pwned"
    (left / ".dvc" / "aws").write_text(f"[default]\ncredential_process = touch {pwned}\n")
    (left / ".dvc" / "config.local").write_text("['remote \"s\"']\n    configpath = aws\n")
    for command in ("plan", "promote"):
        own = {**environment(HOME=str(world.folder), TAGLINE_CACHE=os.environ["TAGLINE_CACHE"]), **world.environ()}
        own |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
        subprocess.run(
            [sys.executable, "-m", "tagline", command, "--change", str(number)], cwd=left, env=own, check=False
        )
        assert not pwned.exists()


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_tag__moved_by_a_writer_with_its_old_message__is_said_and_no_answer_for_a_job(
    make_world: Callable[..., World], platform: Platform
):
    world = make_world(platform)
    number = world.open("topic", BETTER, labels=("version:minor", "stage:prod"))
    world.merge(number)
    assert world.promote(number).code == 0
    other = world.push("main", {"models/churn.txt": "trees: 7\n"})
    for tag in ("churn@v0.1.0", "churn#prod#1"):
        message = world.tags()[tag].message
        world.git("tag", "--annotate", "--force", "--message", message, tag, other)
        world.git("push", "--quiet", "--force", "origin", f"refs/tags/{tag}")
    url = f"{world.server.url}/org/shop"
    refused = world.run("resolve", "churn#prod", "--repo", url)
    assert (refused.code, refused.json["error"]["code"]) == (4, "moved-tag")
    # Outside of a job a token goes to what --repo names by the variable that is for that.
    mine = {"TAGLINE_TOKEN": "", "TAGLINE_REPO_TOKEN": TOKENS[platform]}
    told = world.run("resolve", "churn#prod", "--repo", url, CI="", GITHUB_ACTIONS="", GITLAB_CI="", **mine)
    assert told.code == 0, told.err
    assert {(row["code"], row["tag"]) for row in told.json["warnings"]} == {
        *((code, tag) for code in ("moved-tag", "other-digest") for tag in ("churn@v0.1.0", "churn#prod#1")),
        ("other-merge-commit", "churn@v0.1.0"),
    }
