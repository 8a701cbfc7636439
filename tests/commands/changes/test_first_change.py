"""From a repository that knows nothing of Tagline to a model in prod: init, labels, one change; no file by hand."""

from __future__ import annotations

from collections.abc import Callable

from tests.commands.changes.world import Platform, World


def test_first_change__of_a_repository_that_init_set_up__is_promoted(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, files={"models/churn.pkl": "trees: 10\n"})
    said = world.run_cli("init", "--forge", platform, "--json", cwd=world.clone)
    assert said.code == 0, said.err
    assert [entry["name"] for entry in said.json["artifacts"]] == ["churn"]
    # What init wrote lies in the work tree, and is committed with this.
    world.merge(world.open("set-up", {"README.md": "A shop\n"}))
    assert world.run("labels", "sync").code == 0
    offered = world.repo.label_names()

    number = world.open("better", {"models/churn.pkl": "trees: 50\n"})
    for label in ("version:minor", "stage:prod"):
        assert label in offered
        world.repo.label(number, label, by="bob")
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    assert world.promote(number).code == 0
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}
