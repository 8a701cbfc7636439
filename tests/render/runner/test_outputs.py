"""Outputs as runners read them: whatever a value contains, it stays one value."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.render.runner.outputs import ANSWERS, OUTPUTS, dotenv, github_outputs, is_prefix, links, outputs
from tagline.render.runner.summary import summary

HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from(list("\n\r=<$%`\\\x00\x1b\u2028")), st.just("\ud800")), max_size=40
) | st.sampled_from(
    [
        "x\ntoken<<E\nevil\nE",
        "a=b",
        "E\nE",
        "${CI_JOB_TOKEN}",
        "%CI_JOB_TOKEN%",
        "##[set-output name=x]y",
        "::set-output::x",
    ]
)
VALUES = st.dictionaries(st.sampled_from(list(OUTPUTS)), HOSTILE)


def as_github_reads(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner's FileCommandManager reads it: the first of ``=`` and ``<<`` decides."""
    found, lines, place = {}, text.split("\n"), 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = line.split("=", 1)
        else:
            assert heredoc > 0, line
            name, delimiter = line.split("<<", 1)
            end = lines.index(delimiter, place)
            value = "\n".join(lines[place:end])
            place = end + 1
        found[name] = value
    return found


def as_gitlab_reads(text: str) -> dict[str, str]:
    """A dotenv report as GitLab's parser reads it; a name that is none refuses the whole report."""
    found = {}
    for line in re.findall(r"[^\n]*\n", text):
        match = re.fullmatch(r"(.*)=(.*)", line.removesuffix("\n"))
        assert match, line
        name, value = match[1].strip(), match[2].strip()
        assert re.fullmatch(r"[a-zA-Z0-9_]+", name), line
        found[name] = value
    return found


@given(VALUES)
def test_github_outputs__any_values__come_back_as_they_were(values: dict[str, str]) -> None:
    read = as_github_reads(github_outputs(values, "tagline-0123456789").text)
    assert read == {name: value.encode(errors="backslashreplace").decode() for name, value in values.items()}


def test_github_outputs__guessed_delimiter__refused() -> None:
    with pytest.raises(ValueError, match="delimiter"):
        github_outputs({"path": "x\nD\nverdict<<E"}, "D")


def test_github_outputs__too_long__left_out_and_named() -> None:
    handed = github_outputs({"json": "x" * (1024 * 1024 + 1), "tag": "t"}, "D-1")
    assert handed.left_out == ("json",)
    assert as_github_reads(handed.text) == {"json": "", "tag": "t"}


@given(VALUES, st.sampled_from(list(ANSWERS)))
def test_dotenv__any_values__each_of_the_command_is_whole_or_empty(values: dict[str, str], command: str) -> None:
    handed = dotenv(values, "P_", command)
    assert len(handed.text.encode()) < 5 * 1024
    read = as_gitlab_reads(handed.text)
    for name, value in values.items():
        key = f"P_{name.upper().replace('-', '_')}"
        if name in ("json", "tags", "description") or name not in ANSWERS[command]:
            assert key not in read
        else:
            assert read[key] == ("" if name in handed.left_out else value)
            assert not set("$%") & set(read[key])


@pytest.mark.parametrize("value", ["$CI_JOB_TOKEN", "${CI_JOB_TOKEN}", "%CI_JOB_TOKEN%", "100%"])
def test_dotenv__what_gitlab_would_take_for_a_variable__is_left_out_and_named(value: str) -> None:
    handed = dotenv({"path": value, "tag": "t"}, "P_", "fetch")
    assert handed == ("P_PATH=\nP_TAG=t\n", ("path",))


def test_dotenv__as_long_as_the_limit__is_too_long() -> None:
    """GitLab takes what is smaller than 5 KiB."""
    most = 5 * 1024 - len("P_TAG=\n")
    assert dotenv({"tag": "t" * (most - 1)}, "P_", "fetch").left_out == ()
    assert dotenv({"tag": "t" * most}, "P_", "fetch").left_out == ("tag",)


def test_dotenv__not_enough_room__what_can_be_looked_up_goes_first() -> None:
    handed = dotenv({"tag": "t" * 2000, "uri": "u" * 2000, "path": "p" * 2000, "commit": "c"}, "TAGLINE_", "fetch")
    assert handed.left_out == ("path",)
    handed = dotenv({"tag": "t" * 6000, "uri": "u" * 2000, "commit": "c"}, "TAGLINE_", "fetch")
    assert set(handed.left_out) == {"uri", "tag"}
    assert as_gitlab_reads(handed.text)["TAGLINE_COMMIT"] == "c"


@pytest.mark.parametrize(
    ("prefix", "good"), [("", False), ("1_", False), ("A-", False), ("A=", False), ("churn_", True)]
)
def test_prefix(prefix: str, good: bool) -> None:
    assert is_prefix(prefix) == good


def test_outputs__of_resolve__are_the_documents_fields() -> None:
    document = {"artifact": "churn", "version": "v1.0.0", "stage": None, "size": 0, "current": True, "uri": "s3://b/k"}
    values = outputs(document)
    assert (values["name"], values["version"], values["stage"], values["size"]) == ("churn", "v1.0.0", "", "0")
    assert (values["current"], values["uri"], values["tags"]) == ("true", "s3://b/k", "")


def _change(verdict: str, *tags: str, **more: object) -> dict[str, object]:
    return {
        "intents": [], "verdict": verdict, "tags": [{"tag": tag} for tag in tags], "comment_url": None, "why": None,
        "change": {"number": 7, "url": "https://f/7", "commit": "c", "labels": []}, "touched": {}, **more,
    }  # fmt: skip


def test_outputs__of_one_change__with_what_was_made_for_earlier_ones() -> None:
    values = outputs(_change("ok", "b", earlier=[_change("ok", "a")]))
    assert (values["verdict"], values["commit"]) == ("ok", "c")
    assert values["tags"] == '[{"tag": "a"}, {"tag": "b"}]'


def test_outputs__of_several_changes__the_worst_verdict() -> None:
    assert outputs({"changes": [_change("ok"), _change("refused"), _change("nothing")]})["verdict"] == "refused"
    assert outputs({"changes": [], "verdict": "nothing"})["verdict"] == "nothing"
    assert outputs({"changes": [], "verdict": "nothing"})["tags"] == "[]"


def test_outputs__of_a_failure__are_empty_but_for_the_document() -> None:
    values = outputs({"error": {"code": "x", "message": "m", "hint": ""}})
    assert {name for name, value in values.items() if value} == {"json"}


def test_links__only_pages() -> None:
    assert links(_change("ok", comment_url="javascript:x")).count('"url"') == 1
    assert links({"artifact": "a"}) == '{"Tagline": []}\n'


@given(HOSTILE, HOSTILE)
def test_summary__hostile_words__stay_in_their_cells(message: str, path: str) -> None:
    finding = {
        "file": path, "line": 1, "column": 1, "severity": "error", "message": message, "hint": message, "rule": "r",
    }  # fmt: skip
    found = summary({"ok": False, "checked": [], "findings": [finding]})
    assert found.count("\n") == 5
    assert "##[" not in re.sub(r"`[^\n]*`", "", found)
    shown = summary({"artifact": "a", "path": path or "p"})
    assert len(shown.splitlines()) == 6


@given(HOSTILE)
def test_summary__changes__a_row_each_whatever_they_say(words: str) -> None:
    refusal = {"artifact": "a", "stage": "prod", "rule": "r", "message": words, "fix": ""}
    one = _change("refused", words or "t", refused=[refusal], waiting=[], why=words, touched={words: words})
    one["change"] = {"number": 7, "url": "https://f/7", "commit": None, "labels": [words]}
    late = {**_change("ok", "early", refused=[], waiting=[]), "error": {"code": "c", "message": words, "hint": ""}}
    found = summary({"changes": [{**one, "earlier": [late]}]})
    assert len(found.splitlines()) == 6
    assert "❌ refused" in found
    assert "early" in found


def test_summary__no_change__says_why() -> None:
    assert "nothing to plan" in summary({"changes": [], "verdict": "nothing", "why": "There is nothing to plan."})


def test_summary__many_tags__bounded() -> None:
    found = summary(_change("ok", *(f"t{number}" for number in range(30)), refused=[], waiting=[]))
    assert "10 more" in found


def test_summary__many_findings__bounded() -> None:
    finding = {"file": "f", "line": 1, "column": 1, "severity": "error", "message": "m", "hint": "", "rule": "r"}
    found = summary({"ok": False, "checked": [], "findings": [finding] * 250})
    assert "50 more are in the log" in found


def test_summary__of_a_deployment__says_who_knows_it_and_what_is_missing() -> None:
    document = {
        "artifact": "churn", "stage": "prod", "version": "v1.0.0", "commit": "c" * 40, "tag": "churn#prod#1",
        "state": "failure", "current": False, "environment": "churn/prod", "remembered": False,
        "deployment": {"url": "https://h/d", "environment": "live", "by": "forge", "news": False},
        "rollback_change": {"number": 7, "url": "https://h/7", "opened": True},
        "errors": [{"code": "x", "message": "No <b>right</b>.", "hint": "Give `contents: write`."}],
    }  # fmt: skip
    found = summary(document)
    assert "❌ the deployment failed" in found
    assert "another one holds the stage by now" in found
    assert "`live`" in found
    assert "[change 7](https://h/7)" in found
    assert "<b>" not in found
    plain = summary({**document, "deployment": None, "rollback_change": None, "errors": [], "state": "success"})
    assert "`churn/prod`" in plain
    assert "✅ is deployed" in plain
