"""The looks at a live forge, at the local one: what it knows it answers as the platform is said to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tagline_localforge import LocalForge, serve
from tests.live import __main__ as live
from tests.support.gitbuild import Commit, History, build

#: What the local forge cannot show: it runs no workflows of its own accord, and its owner cannot change it by the API.
_UNSEEN = {
    "github": {"api-version", "tag-by-rest", "pushed-merge", "rebase-merge", "renamed", "ruleset-bypass"},
    "gitlab": {"external-status", "pending-again", "pushed-merge", "approved-at", "job-token-tag", "automatic-rebase"},
}


@pytest.fixture
def variables(tmp_path: Path):
    forge = LocalForge(tmp_path / "forge")
    repository = forge.repository("org/live")
    build(repository.path, History((Commit("c0", files={"a": "1"}),)), bare=True)
    repository.grant("olga", "admin")
    repository.add_workflow("live.yml", tags=("live-*",))
    forge.token("olga-token", login="olga", scopes=("repo", "workflow"))
    forge.token("app-token", kind="app")
    with serve(forge) as server:
        yield {
            "TAGLINE_LIVE_REPO": f"{server.url}/org/live",
            "TAGLINE_LIVE_TOKEN": "olga-token",
            "TAGLINE_LIVE_JOB_TOKEN": "app-token",
            "TAGLINE_LIVE_PATIENCE": "0",
        }


def _rows(text: str) -> dict[str, tuple[str, str]]:
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return {fact.strip(): (seen.strip(), verdict.strip()) for fact, _, seen, verdict in cells[1:]}


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_live__at_the_local_forge__a_row_for_every_fact(forge, variables, capsys):
    assert live.main([forge], variables) == 0
    said = capsys.readouterr()
    rows = _rows(said.out)
    assert set(rows) == {fact for fact, _, _ in live._FACTS[forge]}
    assert rows["own-refs"] == ("pushed, listed, deleted", "as written")
    if forge == "github":
        assert rows["token-scopes"] == ("the owner's: repo, workflow; the App's: None", "as written")
    assert rows["atomic"] == ("neither ref moved", "as written")
    assert rows["filters"] == ("tree:0 taken, blob:none taken", "as written")
    assert {fact for fact, (_, verdict) in rows.items() if verdict == "not seen"} <= _UNSEEN[forge]
    for token in ("olga-token", "app-token"):
        assert token not in said.out + said.err


def test_live__without_a_repository__says_what_to_set(capsys):
    assert live.main(["github"], {}) == 2
    assert "TAGLINE_LIVE_REPO" in capsys.readouterr().err


def test_live__table__is_one_line_a_fact():
    rows = [live.Row("f", "written", "a|b\nc", holds) for holds in (True, False, None)]
    assert live.table("host", rows, "2026-01-02").count("\n| f | written | a\\|b c |") == 3


def test_place__git__has_no_token_among_its_arguments(tmp_path, variables):
    place = live.place_of("github", variables, tmp_path)
    done = place.git("config", "--get-regexp", r"^http\.")
    assert "Authorization: Basic" in done.stdout
    assert "app-token" not in str(done.args)
    assert "olga-token" not in str(done.args)


def test_documents__verified__name_every_fact():
    text = (Path(__file__).parents[2] / "docs" / "verified.md").read_text()
    for facts in live._FACTS.values():
        for fact, written, _ in facts:
            assert f"| {fact} | {written} |" in text, fact
