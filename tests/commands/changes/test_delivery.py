"""``promote --deliver``: tags that GITHUB_TOKEN pushes start nothing, so promote starts what runs on them. Once."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tagline.commands.delivery import starting
from tagline.domain.delivery import targets
from tests.commands.changes.world import BETTER, Ran, World
from tests.localforge.faults import fail_always, fail_once
from tests.render.runner.test_outputs import as_github_reads

PROD = "churn#prod#1"
LABELS = ("version:minor", "stage:prod")
DISPATCH, RUNS = r"/dispatches$", r"/actions/runs$"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks, without the waiting between them."""
    monkeypatch.setattr(starting, "PAUSES", (0.01,))
    monkeypatch.setattr(targets, "WAIT", 1)


@pytest.fixture
def shop(make_world: Callable[..., World]) -> World:
    """A shop on GitHub whose workflow deploy.yml runs on tags of prod, pushed or dispatched."""
    world = make_world("github")
    world.repo.add_workflow("deploy.yml", tags=["**#prod#*"])
    return world


def merged(world: World, branch: str = "topic", files: Any = BETTER, labels: tuple[str, ...] = LABELS) -> int:
    number = world.open(branch, files, labels=labels)
    world.merge(number)
    return number


def promote(world: World, number: int, *rules: str, token: str | None = "actions", **more: str) -> Ran:
    """By the workflow's own token."""
    options = [f"--deliver={rule}" for rule in rules or ("deploy.yml",)]
    return world.run("promote", "--change", str(number), *options, token=token, **more)


def runs(world: World) -> list[tuple[str, str, str]]:
    return [(run.workflow.file, run.name, run.event) for run in world.repo.runs]


def receipts(ran: Ran) -> list[Any]:
    """Of all changes of a run."""
    every = ran.json["changes"] if "changes" in ran.json else [*ran.json.get("earlier", ()), ran.json]
    return [one for each in every for one in each["delivery"]]


def told(ran: Ran) -> list[tuple[str, str, bool]]:
    return [(one["target"], one["tag"], one["started"]) for one in receipts(ran)]


def about_runs(ran: Ran) -> list[tuple[str, int]]:
    return [(exchange.method, exchange.status) for exchange in ran.requests if "/actions/" in exchange.path]


# -- started once ---------------------------------------------------------------------


def test_deliver__a_new_stage__is_started_once_on_its_tag(shop: World) -> None:
    number = merged(shop)
    ran = promote(shop, number)
    assert ran.code == 0, ran.err
    assert set(shop.tags()) == {"churn@v0.1.0", PROD}
    (run,) = shop.repo.runs
    page = f"{shop.server.url}/org/shop/actions/runs/{run.id}"
    assert receipts(ran) == [
        {
            "artifact": "churn", "stage": "prod", "tag": PROD, "target": "deploy.yml", "how": "dispatch",
            "run_url": page, "state": "started", "environment": "churn/prod", "started": True, "error": None,
        }
    ]  # fmt: skip
    assert (run.name, run.sha, run.login) == (PROD, shop.tags()[PROD].target, "github-actions[bot]")
    assert about_runs(ran) == [("GET", 200), ("POST", 200)]

    again = promote(shop, number)
    assert (again.code, told(again)) == (0, [("deploy.yml", PROD, False)])
    assert (receipts(again)[0]["run_url"], receipts(again)[0]["how"]) == (page, "dispatch")
    assert about_runs(again) == [], "it is remembered"
    assert len(shop.repo.runs) == 1


def test_deliver__without_the_option__asks_nothing_and_tells_nothing(shop: World) -> None:
    ran = shop.promote(merged(shop), token="actions")
    assert (ran.code, runs(shop), about_runs(ran)) == (0, [], [])
    assert "delivered" not in ran.json


def test_deliver__by_an_app_whose_push_started_it__tells_that_run(shop: World) -> None:
    ran = promote(shop, merged(shop), token=None)
    assert (ran.code, told(ran)) == (0, [("deploy.yml", PROD, False)])
    assert runs(shop) == [("deploy.yml", PROD, "push")]


def test_deliver__rules_and_several_artifacts__each_workflow_on_what_it_wants(shop: World) -> None:
    for file in ("all.yml", "versions.yml"):
        shop.repo.add_workflow(file)
    files = {**BETTER, "models/fraud.txt": "rules: 4\n"}
    number = merged(shop, files=files, labels=("version:minor", "stage:churn#prod", "stage:fraud#staging"))
    ran = promote(shop, number, "deploy.yml **#prod#*", "all.yml", "versions.yml **@v*", "deploy.yml")
    assert sorted(told(ran)) == [
        ("all.yml", "churn#prod#1", True),
        ("all.yml", "fraud#staging#1", True),
        ("deploy.yml", "churn#prod#1", True),
        ("deploy.yml", "fraud#staging#1", True),
        ("versions.yml", "churn@v0.1.0", True),
        ("versions.yml", "fraud@v0.1.0", True),
    ]
    assert len(shop.repo.runs) == 6


def test_deliver__only_a_version__is_nothing_unless_a_pattern_says_so(shop: World) -> None:
    number = merged(shop, labels=("version:minor",))
    assert told(promote(shop, number)) == []
    assert told(promote(shop, number, "deploy.yml **#prod#*")) == []
    assert told(promote(shop, number, "deploy.yml churn@*")) == [("deploy.yml", "churn@v0.1.0", True)]


def test_deliver__nothing_promoted__says_so(shop: World) -> None:
    number = merged(shop, labels=())
    assert told(promote(shop, number)) == []
    opened = shop.open("other", {"models/churn.txt": "trees: 51\n"}, labels=LABELS)
    assert told(promote(shop, opened)) == []
    scheduled = shop.run("promote", "--deliver=deploy.yml", token="actions", GITHUB_EVENT_NAME="schedule")
    assert (scheduled.json["verdict"], receipts(scheduled)) == ("nothing", [])


def test_deliver__dry_run__starts_nothing(shop: World) -> None:
    number = merged(shop)
    ran = shop.run("promote", "--change", str(number), "--dry-run", "--deliver=deploy.yml", token="actions")
    assert (ran.code, receipts(ran), shop.tags(), shop.repo.runs) == (0, [], {}, [])
    promote(shop, number)
    shop.repo.runs.clear()
    ran = shop.run("promote", "--change", str(number), "--dry-run", "--deliver=deploy.yml", token="actions")
    assert (receipts(ran), shop.repo.runs) == ([], [])


def test_deliver__a_refused_stage__is_none(make_world: Callable[..., World]) -> None:
    world = make_world("github", "stages:\n  prod: {approvals: {count: 1}}\n")
    world.repo.add_workflow("deploy.yml")
    ran = promote(world, merged(world))
    assert (ran.code, receipts(ran), world.repo.runs) == (1, [], [])
    assert set(world.tags()) == {"churn@v0.1.0"}


# -- a run that died, and what is too old ----------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "after", "claimed", "was_started"),
    [
        pytest.param("GET", RUNS, False, False, False, id="before-it-looked"),
        pytest.param("POST", DISPATCH, False, True, False, id="before-it-was-started"),
        pytest.param("POST", DISPATCH, True, True, True, id="before-it-heard-of-it"),
        pytest.param("PATCH|POST", r"comments(/\d+)?$", False, True, True, id="before-the-record"),
    ],
)
def test_deliver__the_run_dies_between_push_and_record__the_next_change_delivers_both_in_order(
    shop: World, method: str, path: str, after: bool, claimed: bool, was_started: bool
) -> None:
    number = merged(shop)
    child: list[subprocess.Popen[str]] = []
    for one in method.split("|"):
        shop.kill_at(child, one, path, after=after)
    child.append(shop.child("promote", "--change", str(number), "--deliver=deploy.yml", token="actions"))
    child[0].communicate(timeout=60)
    assert child[0].returncode < 0
    assert set(shop.tags()) == {"churn@v0.1.0", PROD}
    deadline = time.monotonic() + 30
    while was_started and not shop.repo.runs and time.monotonic() < deadline:
        time.sleep(0.01)  # the server still does what it was asked to
    assert len(shop.repo.runs) == was_started

    later = merged(shop, "later", {"models/churn.txt": "trees: 51\n"})
    ran = promote(shop, later)
    # What was claimed and never came is started by nobody: it may come yet.
    first, second = receipts(ran)
    lost = claimed and not was_started
    assert (first["state"], first["started"]) == ("unknown" if lost else "started", not claimed), first
    assert (second["tag"], second["started"]) == ("churn#prod#2", True)
    assert ran.code == (4 if lost else 0), ran.err
    assert [name for _, name, _ in runs(shop)] == [*([] if lost else [PROD]), "churn#prod#2"]
    assert len(shop.comments(number)) == 1


def test_deliver__asked_for_after_the_tags_were_made__delivers_what_is_recent(shop: World) -> None:
    number = merged(shop)
    assert shop.promote(number, token="actions").code == 0
    assert told(promote(shop, number)) == [("deploy.yml", PROD, True)]


@pytest.mark.parametrize(("days", "is_delivered"), [(6.9, True), (7.1, False)])
def test_deliver__tags_that_stand_already__only_of_seven_days(shop: World, days: float, is_delivered: bool) -> None:
    with shop.days_ago(days):
        number = merged(shop)
    assert shop.promote(number, token="actions").code == 0
    ran = promote(shop, number)
    assert ran.code == 0
    assert told(ran) == ([("deploy.yml", PROD, True)] if is_delivered else [])
    assert len(shop.repo.runs) == is_delivered


def test_deliver__an_old_change_that_is_promoted_now__its_new_tags_are(shop: World) -> None:
    with shop.days_ago(30):
        number = merged(shop)
    assert told(promote(shop, number)) == [("deploy.yml", PROD, True)]


def test_deliver__a_later_change_fails__what_landed_before_is_started_all_the_same(shop: World) -> None:
    """Behind its record nobody would look for it again."""
    earlier = merged(shop)
    later = merged(shop, "later", {"models/fraud.txt": "rules: 4\n"})
    hook = shop.repo.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\nif grep -q refs/tags/fraud; then echo "no thank you" >&2; exit 1; fi\n')
    hook.chmod(0o755)
    ran = promote(shop, later)
    assert (ran.code, ran.json["error"]["code"]) == (4, "hook-declined")
    assert "Tagline: done" in shop.comments(earlier)[0]
    assert runs(shop) == [("deploy.yml", PROD, "workflow_dispatch")]


def test_deliver__a_change_that_is_done_in_part__what_was_made_is_started_once(shop: World) -> None:
    hook = shop.repo.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\nif grep -q refs/tags/fraud; then echo "no thank you" >&2; exit 1; fi\n')
    hook.chmod(0o755)
    number = merged(shop, files={**BETTER, "models/fraud.txt": "rules: 4\n"})
    ran = promote(shop, number)
    assert (ran.code, ran.json["error"]["code"]) == (4, "hook-declined")
    assert told(ran) == [("deploy.yml", PROD, True)]
    assert runs(shop) == [("deploy.yml", PROD, "workflow_dispatch")]
    (comment,) = shop.comments(number)
    assert "Tagline: failed" in comment
    assert "This merge made 2 tags. That is not all" in comment

    hook.unlink()
    again = promote(shop, number)
    assert (again.code, told(again)) == (0, [("deploy.yml", PROD, False), ("deploy.yml", "fraud#prod#1", True)])


def test_ci__a_change_that_is_done_in_part__its_tags_are_outputs_and_its_error_an_annotation(shop: World) -> None:
    hook = shop.repo.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\nif grep -q refs/tags/fraud; then echo "no thank you" >&2; exit 1; fi\n')
    hook.chmod(0o755)
    merge = shop.merge(shop.open("topic", {**BETTER, "models/fraud.txt": "rules: 4\n"}, labels=LABELS))
    event = shop.event("push", before="0" * 40, after=merge, ref="refs/heads/main")
    output = shop.folder / "output"
    output.touch()
    more = {
        **event, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": merge, "GITHUB_OUTPUT": str(output),
        "TAGLINE_COMMAND": "promote", "TAGLINE_DELIVER": "deploy.yml",
    }  # fmt: skip
    said = shop.run_cli("ci", cwd=shop.folder, **shop.environ("actions", **more))
    assert said.code == 4, said.out + said.err
    values = as_github_reads(output.read_text())
    assert [row["tag"] for row in json.loads(values["tags"])] == ["churn@v0.1.0", PROD]
    assert values["verdict"] == ""
    assert said.out.count("::error title=tagline%3A hook-declined::") == 1
    assert runs(shop) == [("deploy.yml", PROD, "workflow_dispatch")]


# -- what goes wrong ---------------------------------------------------------------------


def test_deliver__without_the_permission__fails_with_the_fix_and_the_tags_stand(shop: World) -> None:
    number = merged(shop)
    answer = {"message": "Resource not accessible by integration"}
    fault = fail_always(shop.server, "POST", DISPATCH, 403, answer=answer)
    ran = promote(shop, number)
    assert (ran.code, ran.verdict) == (4, "ok")
    (one,) = receipts(ran)
    assert (one["tag"], one["target"], one["run_url"], one["state"]) == (PROD, "deploy.yml", None, "none")
    assert one["error"]["code"] == "no-permission"
    assert "actions: write" in one["error"]["hint"]
    assert [row["created"] for row in ran.json["tags"]] == [True, True]
    assert set(shop.tags()) == {"churn@v0.1.0", PROD}
    assert "Tagline: done" in shop.comments(number)[0]

    fault.remove()
    again = promote(shop, number)
    assert (again.code, told(again)) == (0, [("deploy.yml", PROD, True)])


def test_deliver__one_workflow_cannot_be_started__the_others_are(shop: World) -> None:
    shop.repo.add_workflow("ci.yml", dispatch=False)
    ran = promote(shop, merged(shop), "none.yml", "ci.yml", "deploy.yml")
    assert ran.code == 4
    assert [(one["started"], (one["error"] or {}).get("code")) for one in receipts(ran)] == [
        (False, "no-workflow"),
        (False, "workflow-refused"),
        (True, None),
    ]


def test_deliver__fails_beside_a_refusal__the_platforms_code_counts(make_world: Callable[..., World]) -> None:
    world = make_world("github", "stages:\n  staging: {}\n  prod: {approvals: {count: 1}}\n")
    number = merged(world, labels=("version:minor", "stage:staging", "stage:prod"))
    ran = promote(world, number)
    assert (ran.code, ran.verdict) == (4, "refused")
    assert receipts(ran)[0]["error"]["code"] == "no-workflow"


@pytest.mark.parametrize("way", [500, 502, "drop", "drop-after"])
def test_deliver__the_answer_is_lost__is_looked_for_and_never_started_twice(shop: World, way: Any) -> None:
    fault = fail_once(shop.server, "POST", DISPATCH, way)
    number = merged(shop)
    ran = promote(shop, number)
    there = way == "drop-after"
    (one,) = receipts(ran)
    assert (ran.code, fault.fired, len(shop.repo.runs)) == (0 if there else 4, 1, there)
    assert (one["state"], one["started"]) == (("started", True) if there else ("unknown", False))
    if there:
        assert one["run_url"].endswith(f"/{shop.repo.runs[0].id}")
        return
    assert one["error"]["code"] == "start-unknown"
    again = promote(shop, number)
    assert (again.code, receipts(again)[0]["state"], shop.repo.runs) == (4, "unknown", [])
    shop.repo.start_run("deploy.yml", f"refs/tags/{PROD}", by="alice")  # as its fix says
    assert (promote(shop, number).code, len(shop.repo.runs)) == (0, 1)


@pytest.mark.parametrize("rule", [".github/workflows/deploy.yml", "deploy", "", "deploy.yml a b"])
def test_deliver__wrong_usage__comes_before_anything(shop: World, rule: str) -> None:
    ran = promote(shop, merged(shop), "deploy.yml", rule)
    assert (ran.code, ran.json["error"]["code"]) == (2, "bad-deliver")
    assert (ran.requests, shop.tags(), shop.repo.runs) == ([], {}, [])


def test_deliver__on_gitlab__wrong_usage_before_anything(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab")
    number = merged(world)
    ran = world.run("promote", "--change", str(number), "--deliver=deploy.yml")
    assert (ran.code, ran.json["error"]["code"]) == (2, "deliver-elsewhere")
    assert "the policy says what starts" in ran.json["error"]["hint"]
    assert (ran.requests, world.tags()) == ([], {})


def test_deliver__on_a_plain_machine__wrong_usage(shop: World) -> None:
    said = shop.run_cli("promote", "--change", "1", "--deliver=deploy.yml", "--json", cwd=shop.folder)
    assert (said.code, said.json["error"]["code"]) == (2, "which-forge")


# -- names are data -----------------------------------------------------------------------


def test_deliver__hostile_names_of_tags__are_data(make_world: Callable[..., World]) -> None:
    files = {
        "deep/er/artifacts.yaml": "a/b: {path: m.txt}\n",
        "deep/er/m.txt": "1\n",
        "-x/artifacts.yaml": "a: {path: m.txt}\n",
        "-x/m.txt": "1\n",
    }
    world = make_world("github", files=files)
    world.repo.add_workflow("deploy.yml")
    better = {"deep/er/m.txt": "2\n", "-x/m.txt": "2\n"}
    number = merged(world, files=better, labels=("version:minor", "stage:refs/tags"))
    ran = promote(world, number, "deploy.yml **#refs/*")
    assert ran.code == 0, ran.out + ran.err
    wanted = {"deep/er=a/b#refs/tags#1", "-x=a#refs/tags#1"}
    assert wanted <= set(world.tags())
    assert {name for _, name, _ in runs(world)} == wanted
    assert all(run.ref == f"refs/tags/{run.name}" for run in world.repo.runs)


def test_deliver__a_branch_called_as_the_tag__neither_is_run_nor_keeps_the_run_away(shop: World) -> None:
    number = shop.open("topic", BETTER, labels=LABELS)
    head = shop.push(PROD, {"evil.txt": "x\n"}, base="origin/main")
    shop.repo.start_run("deploy.yml", f"refs/heads/{PROD}", by="mallory", event="push")
    shop.merge(number)
    ran = promote(shop, number)
    assert (ran.code, told(ran)) == (0, [("deploy.yml", PROD, True)])
    assert [(run.ref, run.sha == head) for run in shop.repo.runs] == [
        (f"refs/heads/{PROD}", True),
        (f"refs/tags/{PROD}", False),
    ]


def _text(world: World, number: int, *rules: str) -> Any:
    options = [f"--deliver={rule}" for rule in rules]
    return world.run_cli("promote", "--change", str(number), *options, cwd=world.folder, **world.environ("actions"))


def test_text__for_people__a_line_each(shop: World) -> None:
    number = merged(shop)
    said = _text(shop, number, "deploy.yml")
    page = f"{shop.server.url}/org/shop/actions/runs/{shop.repo.runs[0].id}"
    assert said.code == 0
    assert f"\n  started deploy.yml for {PROD}: {page}\n" in said.out
    said = _text(shop, number, "deploy.yml", "none.yml")
    assert said.code == 4
    assert f"\n  deploy.yml runs for {PROD}: {page}\n  none.yml was not started for {PROD}\n" in said.out
    assert "fix: .github/workflows/none.yml must be on the default branch" in said.out


def test_text__hostile_words_of_the_forge_and_names_of_workflows__steer_no_runner(shop: World) -> None:
    answer = {"message": "a\n::error::b\n##[error]c \x1b[31m"}
    fail_always(shop.server, "POST", DISPATCH, 422, answer=answer)
    said = _text(shop, merged(shop), "##[group]x.yml", "::error::\x1b.yml")
    assert said.code == 4
    for text in (said.out, said.err):
        assert "##[" not in text
        assert "\x1b" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())


# -- as a step of CI -------------------------------------------------------------------------


def test_ci__by_its_input__in_the_output_json(shop: World) -> None:
    merge = shop.merge(shop.open("topic", BETTER, labels=LABELS))
    event = shop.event("push", before="0" * 40, after=merge, ref="refs/heads/main")
    output = shop.folder / "output"
    output.touch()
    more = {
        **event, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": merge, "GITHUB_OUTPUT": str(output),
        "TAGLINE_COMMAND": "promote", "TAGLINE_DELIVER": "deploy.yml **#prod#*\n\n  none.yml  **#dev#*\n",
    }  # fmt: skip
    said = shop.run_cli("ci", cwd=shop.folder, **shop.environ("actions", **more))
    assert said.code == 0, said.out + said.err
    values = as_github_reads(output.read_text())
    assert [one["tag"] for one in json.loads(values["json"])["delivery"]] == [PROD]
    assert values["verdict"] == "ok"
    assert runs(shop) == [("deploy.yml", PROD, "workflow_dispatch")]
