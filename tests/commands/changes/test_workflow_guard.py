"""GitHub guards workflows: a tag on a commit from before an edit of one takes a token that may write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.changes.world import BETTER, World

DEPLOY = ".github/workflows/deploy.yml"


@pytest.fixture
def edited(make_world: Callable[..., World]) -> World:
    """Two versions that held prod one after the other, with an edit of a workflow between them."""
    world = make_world("github")
    world.push("main", {DEPLOY: "on: push\n"})
    for branch, more in (("first", {}), ("second", {"models/churn.txt": "trees: 60\n"})):
        number = world.open(branch, {**BETTER, **more}, labels=("version:minor", "stage:prod"))
        world.merge(number)
        # The commit that a change landed as is the newest: nothing is different there.
        assert world.promote(number, token="actions").code == 0
        world.send(branch, "", by="alice")  # any branch that has the workflow as it was would do
        world.push("main", {DEPLOY: f"on: [push] # after {branch}\n"})
    return world


@pytest.mark.parametrize("token", ["actions", "weak"])
def test_rollback__past_an_edit_of_a_workflow__takes_an_app_that_may_write_workflows(edited: World, token: str) -> None:
    edited.forge.token("weak", kind="app", workflows=False)
    number = edited.open("back", {"note": "x"}, labels=("rollback:churn#prod",))
    edited.merge(number)
    before = edited.tags()

    ran = edited.promote(number, token=token)
    assert ran.code == 4
    error = ran.json["error"]
    assert error["code"] == "workflows"
    assert "`.github/workflows/deploy.yml` without `workflows` permission" in error["message"]
    assert "Workflows: write" in error["hint"]
    assert "actions/create-github-app-token" in error["hint"]
    assert edited.tags() == before

    assert edited.promote(number).code == 0
    assert edited.run("show", "churn#prod", "--repo", "org/shop").json["version"] == "v0.1.0"


def test_refusal__with_the_words_of_a_ruleset_around_it__is_still_of_workflows(
    make_world: Callable[..., World],
) -> None:
    world = make_world("github")
    number = world.open("topic", BETTER, labels=("version:minor",))
    world.merge(number)
    world.repo.refuse_pushes = (
        "remote: error: GH013: Repository rule violations found for refs/tags/churn@v0.1.0.\n"
        "remote: - refusing to allow an integration to create or update workflow `.github/workflows/x.yml` without "
        "`workflows` permission"
    )
    assert world.promote(number).json["error"]["code"] == "workflows"


def test_refusal__of_earlier_changes__stops_no_later_one(edited: World) -> None:
    """It stays until somebody gives another token, however often a job runs."""
    back = edited.open("back", {"note": "x"}, labels=("rollback:churn#prod",))
    edited.merge(back)
    number = edited.open("fraud", {"models/fraud.txt": "rules: 9\n"}, labels=("version:minor",))
    tip = edited.merge(number)
    ran = edited.run(
        "promote", token="actions", GITHUB_REF="refs/heads/main", GITHUB_SHA=tip,
        **edited.event("push", before="0" * 40, after=tip, ref="refs/heads/main"),
    )  # fmt: skip
    assert ran.code == 4
    assert "fraud@v0.1.0" in edited.tags()
