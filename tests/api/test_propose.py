"""``tagline.propose`` and ``tagline propose``: one suite, on each forge; the same documents and the same refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tagline as package
from tagline.errors import TaglineError
from tests.commands.changes.conftest import make_world, platform
from tests.commands.changes.world import Platform, World
from tests.localforge.faults import fail_always

__all__ = ["make_world", "platform"]

Ask = tuple[tuple[str, str, str], dict[str, Any], int, str]
#: What is asked, what came of it by the command line's exit code, and by a word of what is said.
ASKS: dict[str, Ask] = {
    "dry": (("churn", "v0.0.2", "prod"), {"dry_run": True}, 0, "artifact: churn"),
    "asks": (("churn", "latest", "prod"), {"reason": "Better: 0.92", "ticket": "ML-7"}, 0, "Better: 0.92"),
    "again": (("churn", "v0.0.2", "prod"), {}, 0, '"opened": false'),
    "holds": (("churn", "v0.0.1", "staging"), {}, 0, "holds staging already"),
    "rollback": (("churn", "v0.0.1", "staging"), {"action": "rollback"}, 6, "nothing-to-roll-back-to"),
    "not-the-holder": (("churn", "v0.0.2", "staging"), {"action": "rollback"}, 1, "superseded"),
    "nobody": (("chrn", "v0.0.1", "prod"), {}, 6, "unknown-artifact"),
    "no-version": (("churn", "v9.0.0", "prod"), {}, 6, "unknown-version"),
    "withdrawn": (("churn", "v0.0.3", "prod"), {}, 1, "deregistered"),
    "deprecated": (("old", "v0.0.1", "prod"), {}, 6, "deprecated"),
    "other-stage": (("churn", "v0.0.2", "prd"), {}, 1, "prod"),
    "bad-version": (("churn", "0.0.2", "prod"), {}, 2, "bad-request"),
    "bad-name": (("churn#prod", "v0.0.2", "prod"), {}, 2, "bad-name"),
    "bad-ticket": (("churn", "v0.0.2", "prod"), {"ticket": "two words"}, 2, "bad-request"),
}


@pytest.fixture
def shop(make_world: Callable[..., World], platform: Platform, monkeypatch: pytest.MonkeyPatch) -> World:
    world = make_world(platform, "stages: {staging: {}, prod: {}}\n")
    for number in range(3):
        world.push("main", {"models/churn.txt": f"trees: {number}\n"})
        world.admin("register", "churn")
    world.admin("deregister", "churn@v0.0.3")
    world.admin("assign", "churn#staging", "--version", "v0.0.1")
    world.admin("register", "old")
    world.admin("deprecate", "old")
    monkeypatch.setenv("TAGLINE_REPO_TOKEN", "alice-token")
    return world


def where(world: World) -> tuple[str, Platform, str | None]:
    """The repository, whose it is, and where that one's API is."""
    api = f"{world.server.url}/api/v3" if world.platform == "github" else None
    return f"{world.server.url}/org/shop", world.platform, api


def by_function(world: World, words: tuple[str, str, str], more: dict[str, Any], token: Any = None) -> tuple[int, Any]:
    repo, forge, api = where(world)
    try:
        return 0, package.propose(*words, repo, forge=forge, api_url=api, token=token, **more).to_dict()
    except TaglineError as error:
        return int(error.exit_code), {"error": {"code": error.code, "message": error.message, "hint": error.hint}}


def by_command(world: World, words: tuple[str, str, str], more: dict[str, Any]) -> tuple[int, Any]:
    repo, forge, api = where(world)
    line = [*words, "--repo", repo, "--repo-forge", forge, *(["--repo-api-url", api] if api else [])]
    options = {f"--{name.replace('_', '-')}": value for name, value in more.items()}
    line += [text for name, value in options.items() for text in ([name] if value is True else [name, str(value)])]
    said = world.run_cli("propose", *line, "--json", cwd=world.folder)
    return said.code, said.json


def test_propose__asked_by_command_and_by_function__answers_and_refuses_alike(shop: World) -> None:
    for name, (words, more, code, word) in ASKS.items():
        first, second = by_command(shop, words, more), by_function(shop, words, more)
        assert first[0] == second[0] == code, (name, first, second)
        if name == "asks":  # the second finds what the first has opened
            assert (first[1]["change"].pop("opened"), second[1]["change"].pop("opened")) == (True, False)
            assert second[1].pop("content") is None
            assert word in first[1].pop("content")
            assert (first[1]["version"], first[1]["requester"]) == ("v0.0.2", None)
        else:
            assert word in str(first[1]).replace("'", '"').replace("False", "false"), (name, first)
        assert first[1] == second[1], name
    (change,) = shop.repo.changes()
    assert (change.author, change.state, change.title) == ("alice", "open", "Promote churn v0.0.2 to prod")


def test_propose__by_a_token_of_python__opens_it_as_that_person_and_shows_the_token_nowhere(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("churn", "v0.0.1", "prod")
    monkeypatch.setenv("TAGLINE_REPO_HOST", "elsewhere.example")
    shop.repo.public = True
    code, said = by_function(shop, words, {})
    assert (code, said["error"]["code"]) == (4, "change-not-opened")
    assert "TAGLINE_REPO_HOST says that it is for elsewhere.example alone" in said["error"]["hint"]
    monkeypatch.delenv("TAGLINE_REPO_HOST")
    monkeypatch.delenv("TAGLINE_REPO_TOKEN")
    fault = fail_always(shop.server, "POST", r"/merge_requests$|/pulls$", 403)
    code, said = by_function(shop, words, {}, token="bob-token")
    assert (code, said["error"]["code"], "bob-token" in str(said)) == (4, "change-not-opened", False)
    fault.remove()
    asked = package.propose(
        *words, where(shop)[0], forge=where(shop)[1], api_url=where(shop)[2], token=lambda: "bob-token"
    )
    assert asked.change is not None
    assert (asked.change.opened, shop.repo.change(asked.change.number).author) == (True, "bob")
    assert "bob-token" not in f"{asked!r}"
    with pytest.raises(package.WrongUsage):
        package.propose(*words, where(shop)[0], action="merge", forge=where(shop)[1])  # type: ignore[arg-type]
