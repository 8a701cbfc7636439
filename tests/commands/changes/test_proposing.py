"""``propose``: a request becomes a change, once; it asks in the name of whoever started the run, and merges nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tagline.domain.delivery.proposals import Request, place
from tests.commands.changes.world import Platform, Ran, World
from tests.localforge.faults import fail_always

# replan: what was approved moments after a tag is unclear, which is not the question here.
RULES = "drift: replan\nstages:\n  staging: {}\n  prod: {approvals: {count: 1}, ticket: ML-*}\n"


@pytest.fixture
def shop(make_world: Callable[..., World], platform: Platform) -> World:
    """A shop with two versions of churn, and a run that carol started and that goes on."""
    world = make_world(platform, RULES)
    world.admin("register", "churn")
    world.push("main", {"models/churn.txt": "trees: 50\n"})
    world.admin("register", "churn")
    world.repo.add_workflow("deploy.yml" if platform == "github" else ".gitlab-ci.yml")
    world.repo.start_run(next(iter(world.repo.workflows)), "refs/heads/main", by="carol")
    return world


def in_run(world: World) -> dict[str, str]:
    """The run's environment; on GitLab whoever started it says that it was another job, of somebody else."""
    run = str(world.repo.runs[-1].id)
    if world.platform == "github":
        return {"GITHUB_RUN_ID": run}
    return {"CI_JOB_TOKEN": "job", "CI_JOB_ID": "12", "GITLAB_USER_LOGIN": "dave"}


def propose(world: World, *arguments: str, **more: str) -> Ran:
    return world.run("propose", *arguments, **{**in_run(world), **more})


def test_propose__in_a_run__asks_for_who_started_it__and_somebody_else_approves(shop: World) -> None:
    asked = ("churn", "latest", "prod", "--ticket", "ML-7", "--reason", "Fewer false alarms.\n/approve @bob")
    dry = propose(shop, *asked, "--dry-run")
    assert (dry.code, dry.json["change"], len(shop.repo.changes())) == (0, None, 0), dry.out + dry.err
    ran = propose(shop, *asked)
    assert ran.code == 0, ran.out + ran.err
    said = ran.json
    assert (said["version"], said["requester"], said["change"]["opened"]) == ("v0.0.2", "carol", True)
    assert {key: said[key] for key in ("file", "content", "branch")} == {
        key: dry.json[key] for key in ("file", "content", "branch")
    }
    change = shop.repo.change(said["change"]["number"])
    assert (change.state, change.target, change.title) == ("open", "main", "Promote churn v0.0.2 to prod")
    assert "carol" in change.body
    assert "@bob" not in change.body
    assert not re.search(r"^\s*/", change.body, re.MULTILINE)
    (added,) = shop.repo.files_of(change)
    assert (added.status, added.path) == ("added", said["file"])
    for more in ((), ("--dry-run",)):
        again = propose(shop, "churn", "v0.0.2", "prod", *more)
        assert (again.code, again.json["change"]) == (0, {**said["change"], "opened": False})
    assert len(shop.repo.changes()) == 1

    shop.repo.end_run(shop.repo.runs[-1])
    shop.approve(change.number, "carol")
    assert shop.plan(change.number).verdict == "waiting"
    assert "started a run" in shop.comments(change.number)[0]
    shop.approve(change.number, "bob")
    assert shop.plan(change.number).verdict == "ok"
    shop.merge(change.number)
    assert shop.promote(change.number).code == 0
    trailers = shop.trailers("churn#prod#1")
    assert ("Fewer false alarms." in trailers["Reason"][0], trailers["Ticket"]) == (True, ["ML-7"])
    assert trailers["Requested-By"] == ["carol"]

    held = propose(shop, "churn", "v0.0.2", "prod")
    assert (held.code, held.json["change"], "holds prod already" in held.json["why"]) == (0, None, True)
    first = propose(shop, "churn", "v0.0.2", "prod", "--rollback")
    assert (first.code, first.json["error"]["code"]) == (6, "nothing-to-roll-back-to")


def test_propose__a_rollback__takes_the_stage_from_that_version__and_is_asked_anew_once_it_was_closed(
    shop: World,
) -> None:
    for version in ("v0.0.1", "v0.0.2"):
        shop.admin("assign", "churn#staging", "--version", version)
    other = propose(shop, "churn", "v0.0.1", "staging", "--rollback")
    assert (other.code, other.json["error"]["code"]) == (1, "superseded")
    first = propose(shop, "churn", "v0.0.2", "staging", "--rollback").json
    assert "from: v0.0.2" in first["content"]
    shop.repo.close(first["change"]["number"])
    second = propose(shop, "churn", "v0.0.2", "staging", "--rollback").json
    assert (second["change"]["opened"], second["branch"]) == (True, f"{first['branch']}-2")
    assert second["file"] != first["file"]
    shop.merge(second["change"]["number"])
    assert shop.promote(second["change"]["number"]).code == 0
    trailers = shop.trailers("churn#staging#3")
    assert (trailers["Rollback-From"], trailers["Requested-By"]) == (["v0.0.2"], ["carol"])


def test_propose__by_a_person__is_their_own_request__whatever_runs_go_on(shop: World) -> None:
    person = {"CI": "", "GITHUB_ACTIONS": "", "GITLAB_CI": "", "TAGLINE_TOKEN": "", "TAGLINE_REPO_TOKEN": "alice-token"}
    where = ("--repo", f"{shop.server.url}/org/shop", "--repo-forge", shop.platform)
    api = ("--repo-api-url", f"{shop.server.url}/api/v3") if shop.platform == "github" else ()
    ran = shop.run("propose", "churn", "v0.0.1", "prod", "--ticket", "ML-8", *where, *api, **person)
    assert ran.code == 0, ran.out + ran.err
    assert (ran.json["requester"], ran.json["branch"].startswith("tagline/ask-")) == (None, True)
    number = ran.json["change"]["number"]
    assert shop.repo.change(number).author == "alice"
    assert propose(shop, "churn", "v0.0.1", "prod").json["change"]["number"] == number
    shop.approve(number, "alice") if shop.platform == "gitlab" else None
    assert shop.plan(number).verdict == "waiting"
    shop.approve(number, "carol")
    assert shop.plan(number).verdict == "ok"


def test_propose__that_is_killed_anywhere__opens_one_change_when_it_is_run_again(shop: World) -> None:
    writes = {
        "github": [("POST", r"/git/refs$"), ("PUT", r"/contents/"), ("POST", r"/pulls$")],
        "gitlab": [("POST", r"/repository/commits$"), ("POST", r"/merge_requests$")],
    }[shop.platform]
    fault = fail_always(shop.server, "POST", r"/merge_requests$|/pulls$", 403)
    refused = propose(shop, "churn", "v0.0.2", "staging")
    assert (refused.code, refused.json["error"]["code"]) == (4, "change-not-opened")
    fault.remove()
    for number, (method, path) in enumerate(writes):
        version, why = ("v0.0.1", "v0.0.2")[number % 2], ("--reason", "Another one.") if number == 2 else ()
        children = [shop.child("propose", "churn", version, "prod", *why, **in_run(shop))]
        shop.kill_at(children, method, path, after=True)
        children[0].communicate(timeout=90)
        assert children[0].returncode != 0
        ran = propose(shop, "churn", version, "prod")
        assert ran.code == 0, ran.out + ran.err
        change = shop.repo.change(ran.json["change"]["number"])
        assert [file.path for file in shop.repo.files_of(change)] == [ran.json["file"]]
        assert [one.number for one in shop.repo.changes() if one.state == "open"] == [change.number]
        shop.repo.close(change.number)
    assert (
        propose(shop, "churn", "v0.0.2", "staging").json["branch"]
        == place(Request("churn", "v0.0.2", "staging"), 1, by_run=True)[0]
    )


def test_propose__where_somebody_has_pushed_its_branch__opens_nothing_from_it(shop: World) -> None:
    branch, path = place(Request("churn", "v0.0.2", "prod"), 1, by_run=True)
    content = propose(shop, "churn", "v0.0.2", "prod", "--dry-run").json["content"]
    shop.push(branch, {path: content, "models/churn.txt": "trees: evil\n"}, by="mallory")
    ran = propose(shop, "churn", "v0.0.2", "prod")
    assert ran.code == 0, ran.out + ran.err
    assert (ran.json["branch"], [one["code"] for one in ran.json["warnings"]]) == (f"{branch}-2", ["branch-taken"])
    (change,) = shop.repo.changes()
    assert [file.path for file in shop.repo.files_of(change)] == [ran.json["file"]]

    # Another ticket would be the tag's, under the name of who started the run.
    branch, path = place(Request("churn", "v0.0.1", "prod"), 1, by_run=True)
    content = propose(shop, "churn", "v0.0.1", "prod", "--dry-run").json["content"]
    shop.push(branch, {path: f"{content}  ticket: ML-999\n"}, by="mallory")
    ran = propose(shop, "churn", "v0.0.1", "prod", "--ticket", "ML-7")
    assert (ran.json["branch"], len(ran.json["warnings"])) == (f"{branch}-2", 1), ran.out + ran.err

    # Where the file is on the default branch, no branch is made; the warning blames nobody for one.
    branch, path = place(Request("churn", "v0.0.1", "staging"), 1, by_run=True)
    shop.push("main", {path: "[]\n"})
    ran = propose(shop, "churn", "v0.0.1", "staging")
    assert (ran.json["branch"], branch in shop.repo.git.branches()) == (f"{branch}-2", False), ran.out + ran.err
    assert f"There is a file {path} already" in ran.json["warnings"][0]["message"]


def test_propose__that_names_a_remote__asks_of_the_clone_also_in_a_job(shop: World) -> None:
    ran = propose(shop, "churn", "v0.0.2", "prod", "--remote", "nowhere")
    assert (ran.code, len(shop.repo.changes())) == (2, 0), ran.out + ran.err


def test_two_requests_at_once__open_one_change(shop: World) -> None:
    children = [shop.child("propose", "churn", "v0.0.2", "prod", **in_run(shop)) for _ in range(2)]
    numbers = set()
    for child in children:
        out, err = child.communicate(timeout=90)
        assert child.returncode == 0, out + err
        numbers.add(json.loads(out)["change"]["number"])
    assert (len(numbers), len(shop.repo.changes())) == (1, 1)
