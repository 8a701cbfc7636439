"""``labels sync``: the labels that people ask with are there, whoever made them, and no other is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tagline_localforge import Request
from tests.commands.changes.world import START, Platform, Ran, World

POLICY = "stages:\n  staging: {}\n  prod: {after: [staging]}\n"
GENERIC = ["version:patch", "version:minor", "version:major", "stage:staging", "stage:prod"]
#: Who may read, and no more, on each forge.
MAY_NOT = {"github": "mallory-token", "gitlab": "job"}


def _states(ran: Ran) -> dict[str, str]:
    return {row["name"]: row["state"] for row in ran.json["labels"]}


def test_sync__once_and_again__makes_the_missing_ones_and_then_nothing(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    first = world.run("labels", "sync")
    assert (first.code, _states(first)) == (0, dict.fromkeys(GENERIC, "made"))
    assert sorted(world.repo.label_names()) == sorted(GENERIC)
    color, description = world.repo.look_of("stage:prod") or ("", "")
    assert len(color) == 6
    assert description == "Tagline: prod for each artifact that the change touches"
    again = world.run("labels", "sync")
    assert (again.code, _states(again)) == (0, dict.fromkeys(GENERIC, "there"))
    assert not [one for one in again.requests if one.method != "GET"]


def test_sync__labels_that_are_there__stay_as_they_are(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, POLICY)
    world.repo.make_label("version:minor", "000000", "ours")
    world.repo.make_label("stage:old", "000000", "of a stage that is gone")
    for number in range(150):  # more than a page
        world.repo.make_label(f"area/{number}", "000000", "")
    ran = world.run("labels", "sync")
    assert _states(ran)["version:minor"] == "there"
    assert [name for name, state in _states(ran).items() if state == "made"] == [
        name for name in GENERIC if name != "version:minor"
    ]
    assert world.repo.look_of("version:minor") == ("000000", "ours")
    assert "stage:old" in world.repo.label_names()


def test_sync__dry_run__says_what_is_missing_and_writes_nothing(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    ran = world.run("labels", "sync", "--dry-run")
    assert (ran.code, _states(ran)) == (0, dict.fromkeys(GENERIC, "missing"))
    assert world.repo.label_names() == []


def test_sync__dry_run_with_a_token_that_may_not__says_that_the_run_would_be_refused(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    world.forge.token("ghp_mallory", login="mallory", scopes=("repo",))
    world.forge.token("glpat-reads", login="bob", scopes=("read_api",))
    token = {"github": "ghp_mallory", "gitlab": "glpat-reads"}[platform]
    ran = world.run("labels", "sync", "--dry-run", token=token)
    assert (ran.code, "would be refused" in ran.json["refused"]) == (0, True)
    assert world.run("labels", "sync", "--dry-run").json["refused"] is None


def test_sync__a_prefix_and_stages_of_gto__are_kept_to(make_world: Callable[..., World], platform: Platform) -> None:
    files = {**START, ".gto": "stages: [dev, prod]\n"}
    plain = make_world(platform, None, files)
    assert [name for name in _states(plain.run("labels", "sync")) if "stage" in name] == ["stage:dev", "stage:prod"]
    prefixed = make_world(platform, f"labels: {{prefix: ml-}}\n{POLICY}", files)
    # staging is the policy's, and .gto does not allow it.
    assert list(_states(prefixed.run("labels", "sync")))[2:] == ["ml-version:major", "ml-stage:prod"]


def test_sync__per_artifact__names_each_artifact_with_its_stages(
    make_world: Callable[..., World], platform: Platform
) -> None:
    policy = "artifacts: {churn: {stages: {prod: {}}}, fraud: {stages: {shadow: {}}}}\n"
    world = make_world(platform, policy)
    names = set(_states(world.run("labels", "sync", "--per-artifact")))
    assert {"version:churn@minor", "version:fraud@patch", "stage:churn#prod", "stage:fraud#shadow"} <= names
    assert not names & {"stage:churn#shadow", "stage:fraud#prod"}


def test_sync__per_artifact_of_many__is_refused_and_makes_none(
    make_world: Callable[..., World], platform: Platform
) -> None:
    manifest = "".join(f"m{number}: {{path: models/churn.txt, virtual: true}}\n" for number in range(30))
    world = make_world(platform, POLICY, {**START, "artifacts.yaml": manifest})
    ran = world.run("labels", "sync", "--per-artifact")
    assert (ran.code, ran.json["error"]["code"]) == (1, "too-many-labels")
    assert "155 labels" in ran.json["error"]["message"]
    assert "100" in ran.json["error"]["message"]
    assert world.repo.label_names() == []


def test_sync__a_name_that_the_forge_does_not_take__is_left_out_and_told(
    make_world: Callable[..., World], platform: Platform
) -> None:
    long = "customers-who-are-about-to-leave-us-soon"
    world = make_world(platform, POLICY, {**START, "artifacts.yaml": f"{long}: {{path: models/churn.txt}}\n"})
    ran = world.run("labels", "sync", "--per-artifact")
    states, long_one = _states(ran), f"version:{long}@minor"
    assert len(long_one) > 50
    assert states[long_one] == ("too-long" if platform == "github" else "made")
    if platform == "github":
        said = next(row["message"] for row in ran.json["labels"] if row["name"] == long_one)
        assert "54 characters, and this forge allows 50: ask by a request file" in said
    assert ran.code == 0


def test_sync__a_label_in_capitals__blocks_on_github_which_takes_it_for_the_same(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    world.repo.make_label("Stage:Prod", "000000", "")
    ran = world.run("labels", "sync")
    blocked = platform == "github"
    assert (ran.code, _states(ran)["stage:prod"]) == ((1, "blocked") if blocked else (0, "made"))
    if blocked:
        assert "rename it to stage:prod" in next(r["message"] for r in ran.json["labels"] if r["name"] == "stage:prod")


def test_sync__scoped_labels_of_gitlab__count_as_there(make_world: Callable[..., World]) -> None:
    world = make_world("gitlab", POLICY)
    world.repo.make_label("version::minor", "000000", "")
    assert _states(world.run("labels", "sync"))["version:minor"] == "there"


def test_sync__two_at_once__both_end_well(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, POLICY)
    runs = [world.child("labels", "sync") for _ in range(3)]
    said = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert sorted(world.repo.label_names()) == sorted(GENERIC)


def test_sync__another_run_between_list_and_post__is_no_failure(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)

    def hurry(exchange: object) -> None:
        if "stage:prod" not in world.repo.label_names():
            world.repo.make_label("stage:prod", "000000", "the other's")

    world.server.observers.append(hurry)
    ran = world.run("labels", "sync")
    assert ran.code == 0
    assert world.repo.look_of("stage:prod") == ("000000", "the other's")


def test_sync__a_token_that_may_not__exits_4_and_names_the_right(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    ran = world.run("labels", "sync", token=MAY_NOT[platform])
    assert (ran.code, ran.json["error"]["code"]) == (4, "cannot-label")
    assert {"github": "issues: write", "gitlab": "Reporter"}[platform] in ran.json["error"]["hint"]
    assert world.repo.label_names() == []


def test_sync__of_a_broken_policy__makes_none(make_world: Callable[..., World], platform: Platform) -> None:
    world = make_world(platform, "stages: [prod]\n")
    ran = world.run("labels", "sync")
    assert (ran.code, ran.json["error"]["code"]) == (2, "policy-unreadable")
    assert world.repo.label_names() == []


@pytest.mark.parametrize("given", ["true", ""])
def test_step__labels_sync__is_a_command_of_ci(
    make_world: Callable[..., World], platform: Platform, given: str
) -> None:
    world = make_world(platform, POLICY)
    inputs = {"TAGLINE_COMMAND": "labels-sync", "TAGLINE_DRY_RUN": given, "GITHUB_OUTPUT": str(world.folder / "out")}
    said = world.run_cli("ci", cwd=world.folder, **world.environ(**inputs))
    assert said.code == 0, said.err
    assert "stage:prod" in said.out
    assert bool(world.repo.label_names()) is (given == "")
    if platform == "github":
        assert "| `stage:prod` |" in (world.folder / "summary.md").read_text()


def test_sync__an_answer_that_was_lost__makes_no_second_one_and_no_failure(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    lost: list[str] = []

    def drop(request: Request) -> None:
        if request.method == "POST" and request.path.endswith("/labels") and not lost:
            lost.append(request.path)
            request.drop_answer = True

    world.server.before.append(drop)
    ran = world.run("labels", "sync")
    assert (ran.code, len(lost)) == (0, 1)
    assert sorted(world.repo.label_names()) == sorted(GENERIC)
