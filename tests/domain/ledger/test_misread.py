"""Targets by other tools' habits: each has its own word on what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.misread import as_version, likely, meant
from tagline.domain.ledger.tags import TagName, parse_tag
from tagline.domain.ledger.targets import parse_target
from tagline.errors import WrongUsage
from tests.domain.ledger.test_targets import targets


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("models:/churn/Production", "churn#Production"),
        ("models:/churn/3", "churn@v3.0.0"),
        ("models:/churn/latest", "churn@latest"),
        ("models:/churn@champion", "churn#champion"),
        ("models:/churn", "churn"),
        ("churn@1.0.0", "churn@v1.0.0"),
        ("churn@V1.0.0-rc.1", "churn@v1.0.0-rc.1"),
        ("churn@v1", "churn@v1.0.0"),
        ("churn@1.2", "churn@v1.2.0"),
        ("churn==1.0.0", "churn@v1.0.0"),
        ("churn:1.0.0", "churn@v1.0.0"),
        ("churn#v1.0.0", "churn@v1.0.0"),
        ("churn@prod", "churn#prod"),
        ("churn prod", "churn#prod"),
        ("churn # prod", "churn#prod"),
        (" churn", "churn"),
        ("churn#prod#3", "churn#prod"),
        ("churn#prod!", "churn#prod"),
        ("refs/tags/churn#prod#3", "churn#prod"),
        ("churn@v1.0.0!", "churn@v1.0.0"),
        ("churn@deprecated", "churn"),
        ("nlp=churn#prod#3", "nlp:churn#prod"),
        ("churn@v1.0.0#prod", "churn#prod, or churn@v1.0.0"),
        ("churn#prod@1.0.0", "churn#prod, or churn@v1.0.0"),
    ],
)
def test_parse_target__a_habit_of_elsewhere__says_what_is_meant(text, target):
    with pytest.raises(WrongUsage) as caught:
        parse_target(text)

    assert repr(text) in caught.value.message
    assert f"Did you mean {target}?" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "#", "@", "models:/", "models:/a b/c", "churn@", "churn@v1.0.0#", "a b c", "ä", "churn@01.0"]
)
def test_meant__nobody_can_tell__says_nothing(text):
    assert meant(text) is None


@given(st.text(max_size=30))
def test_meant__whatever_text__what_it_proposes_is_a_target(text):
    found = meant(text)
    if found is not None:
        parse_target(found.fix.removeprefix("Did you mean ").partition("?")[0].partition(",")[0])


@given(targets())
def test_likely__a_known_artifact_after_a_colon__gives_the_target(target):
    if target.stage is not None:
        tags = [TagName(target.artifact, parse_tag("a@v1.0.0").kind, "v1.0.0")]
        found = likely(f"{target.artifact}:{target.stage}", tags)
        assert found in (str(target), f"{target.artifact}@{as_version(target.stage)}", f"{target.artifact}@latest")
