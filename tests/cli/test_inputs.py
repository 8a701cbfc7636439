"""Inputs of a CI step become arguments, and whatever they contain stays a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.cli.commands import parser
from tagline.cli.inputs import LINEAGE_FORMATS, command_line
from tagline.errors import WrongUsage


def test_inputs__of_fetch__are_its_options() -> None:
    environ = {
        "TAGLINE_COMMAND": "fetch", "TAGLINE_TARGET": "churn#prod", "TAGLINE_DEST": "model.pkl",
        "TAGLINE_REPO": "org/shop", "TAGLINE_FORCE": "True", "TAGLINE_REQUIRE_CHANGE": "no", "TAGLINE_AS_OF": "",
    }  # fmt: skip
    assert command_line(None, environ) == [
        "fetch", "--repo=org/shop", "--output=model.pkl", "--force", "--", "churn#prod"
    ]  # fmt: skip


def test_inputs__of_lineage__are_its_options() -> None:
    environ = {
        "TAGLINE_COMMAND": "lineage", "TAGLINE_TARGET": "churn@v1.0.0", "TAGLINE_REPO": "org/shop",
        "TAGLINE_FORMAT": "in-toto", "TAGLINE_DEST": "--json", "TAGLINE_AS_OF": "2026-03-01T00:00:00Z",
    }  # fmt: skip
    arguments = command_line(None, environ)
    assert arguments == [
        "lineage", "--repo=org/shop", "--output=--json", "--format=in-toto", "--as-of=2026-03-01T00:00:00Z", "--",
        "churn@v1.0.0",
    ]  # fmt: skip
    asked = parser().parse_args(arguments)
    assert (asked.output, asked.json, asked.target) == ("--json", False, "churn@v1.0.0")


def test_inputs__of_lineage__need_nothing_and_know_a_change() -> None:
    assert command_line("lineage", {}) == ["lineage"]
    assert parser().parse_args(command_line("lineage", {"TAGLINE_CHANGE": "42"})).change == 42


@pytest.mark.parametrize("form", LINEAGE_FORMATS)
def test_inputs__every_format_of_lineage__is_one_of_the_command_line(form: str) -> None:
    assert parser().parse_args(command_line("lineage", {"TAGLINE_FORMAT": form})).format == form


@pytest.mark.parametrize("form", ["spdx", "In-Toto", "in-toto cyclonedx", "--json"])
def test_inputs__format_that_is_none__refused(form: str) -> None:
    with pytest.raises(WrongUsage, match="--format") as refused:
        parser().parse_args(command_line("lineage", {"TAGLINE_FORMAT": form}))
    assert "cyclonedx" in f"{refused.value} {refused.value.hint}"


def test_inputs__the_argument_wins__over_a_variable_that_anybody_may_set() -> None:
    assert command_line("validate", {"TAGLINE_COMMAND": "promote"}) == ["validate"]


def test_inputs__files__one_a_line() -> None:
    environ = {"TAGLINE_FILES": "a b.yaml\n\n  --json\n"}
    asked = parser().parse_args(command_line("validate", environ))
    assert (asked.files, asked.json) == (["a b.yaml", "--json"], False)


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_inputs__any_target_and_repo__are_values_and_no_options(text: str) -> None:
    environ = {"TAGLINE_TARGET": text, "TAGLINE_REPO": text, "TAGLINE_AS_OF": text}
    asked = parser().parse_args(command_line("resolve", environ))
    assert (asked.target, asked.repo, asked.as_of) == (text.strip(),) * 3
    assert not asked.json


@pytest.mark.parametrize(
    ("command", "environ", "said"),
    [
        (None, {}, "No command"),
        ("", {"TAGLINE_COMMAND": "show"}, "'show' is no command"),
        (None, {"TAGLINE_COMMAND": "--help"}, "'--help' is no command"),
        ("fetch", {"TAGLINE_TARGET": "churn"}, "fetch needs the input dest"),
        ("resolve", {"TAGLINE_DEST": "x"}, "dest means nothing to resolve"),
        ("fetch", {"TAGLINE_DEST": "x", "TAGLINE_FORMAT": "json"}, "format means nothing to fetch"),
        ("lineage", {"TAGLINE_FORCE": "true"}, "force means nothing to lineage"),
        ("lineage", {"TAGLINE_DRY_RUN": "true"}, "dry-run means nothing to lineage"),
        ("lineage", {"TAGLINE_PRESIGN": "60"}, "presign means nothing to lineage"),
        ("lineage", {"TAGLINE_REQUIRE_CHANGE": "true"}, "require-change means nothing to lineage"),
        ("promote", {"TAGLINE_OPEN": "true"}, "open means nothing to promote"),
        ("plan", {"TAGLINE_OPEN": "maybe"}, "neither true nor false"),
    ],
)
def test_inputs__wrong__refused_in_words(command: str | None, environ: dict[str, str], said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        command_line(command, environ)


def test_inputs__a_flag_that_says_no__is_not_given() -> None:
    assert command_line("promote", {"TAGLINE_OPEN": "false", "TAGLINE_DRY_RUN": "0"}) == ["promote"]


def test_inputs__of_a_form__ask_nothing_of_other_jobs_of_the_pipeline() -> None:
    form = {
        "TAGLINE_PROPOSE_ARTIFACT": "churn", "TAGLINE_PROPOSE_VERSION": "v1.0.0", "TAGLINE_PROPOSE_STAGE": "prod",
        "TAGLINE_PROPOSE_ACTION": "rollback", "TAGLINE_PROPOSE_REASON": "-", "TAGLINE_PROPOSE_TICKET": "-",
    }  # fmt: skip
    assert command_line("propose", form) == ["propose", "--action=rollback", "--", "churn", "v1.0.0", "prod"]
    assert command_line("plan", form) == ["plan"]
    with pytest.raises(WrongUsage, match="needs the input artifact"):
        command_line("propose", {**form, "TAGLINE_PROPOSE_ARTIFACT": "-"})
    with pytest.raises(WrongUsage, match="means nothing to plan"):  # a step of GitHub's has inputs of its own
        command_line("plan", {**form, "INPUT_COMMAND": "plan"})


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("TAGLINE_TOKEN", "glpat-x", True),
        ("CI_JOB_TOKEN", "64_abcdef", True),
        ("DATABASE", "9f8e7d6c5b4a39281706", True),
        ("CI_COMMIT_SHA", "9f8e7d6c5b4a39281706", False),
        ("INPUT_REASON", "Better by 9f8e7d6c5b4a39281706.", False),
        ("DEPLOY_TO", "production", False),
        ("SHORT_KEY", "a", False),
    ],
)
def test_inputs__reason_with_a_secret_of_the_job__is_refused(name: str, value: str, refused: bool) -> None:
    """GitLab expands variables in what somebody writes into a form, and a change is read by many."""
    form = {
        "TAGLINE_PROPOSE_ARTIFACT": "churn", "TAGLINE_PROPOSE_VERSION": "v1.0.0", "TAGLINE_PROPOSE_STAGE": "prod",
        "TAGLINE_PROPOSE_REASON": f"Because {value}.", name: value,
    }  # fmt: skip
    if not refused:
        assert f"--reason=Because {value}." in command_line("propose", form)
        return
    with pytest.raises(WrongUsage) as caught:
        command_line("propose", form)
    assert caught.value.code == "secret-in-input"
    assert value not in f"{caught.value}{caught.value.hint}"
