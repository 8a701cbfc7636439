"""Inputs of a CI step become arguments, and whatever they contain stays a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.arguments import parser
from tagline.errors import WrongUsage
from tagline.inputs import command_line


def test_inputs__of_fetch__are_its_options() -> None:
    environ = {
        "TAGLINE_COMMAND": "fetch", "TAGLINE_TARGET": "churn#prod", "TAGLINE_DEST": "model.pkl",
        "TAGLINE_REPO": "org/shop", "TAGLINE_FORCE": "True", "TAGLINE_REQUIRE_CHANGE": "no", "TAGLINE_AS_OF": "",
    }  # fmt: skip
    assert command_line(None, environ) == [
        "fetch", "--repo=org/shop", "--output=model.pkl", "--force", "--", "churn#prod"
    ]  # fmt: skip


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
        ("promote", {"TAGLINE_OPEN": "true"}, "open means nothing to promote"),
        ("plan", {"TAGLINE_OPEN": "maybe"}, "neither true nor false"),
    ],
)
def test_inputs__wrong__refused_in_words(command: str | None, environ: dict[str, str], said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        command_line(command, environ)


def test_inputs__a_flag_that_says_no__is_not_given() -> None:
    assert command_line("promote", {"TAGLINE_OPEN": "false", "TAGLINE_DRY_RUN": "0"}) == ["promote"]
