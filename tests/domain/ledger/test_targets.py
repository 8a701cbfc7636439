"""Targets: the four forms, and hints that contain the fix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.targets import LATEST, Target, parse_target
from tagline.errors import WrongUsage
from tests.domain.ledger.test_tags import _ARTIFACTS, _NAMES
from tests.domain.ledger.test_versions import versions


@st.composite
def targets(draw: st.DrawFn) -> Target:
    artifact = draw(_ARTIFACTS)
    form = draw(st.integers(0, 2))
    if form == 0:
        return Target(artifact)
    if form == 1:
        return Target(artifact, version=draw(st.just(LATEST) | versions()))
    return Target(artifact, stage=draw(_NAMES))


@given(targets())
def test_parse_target__a_written_target__gives_it_back(target):
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("rf", Target("rf")),
        ("rf@latest", Target("rf", LATEST)),
        ("rf@greatest", Target("rf", LATEST)),
        ("dir/sub:rf@v1.0.0-rc.1", Target("dir/sub:rf", "v1.0.0-rc.1")),
        ("dir/sub:rf#prod/eu", Target("dir/sub:rf", stage="prod/eu")),
    ],
)
def test_parse_target__each_form__read(text, target):
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    ["", "@v1.0.0", "#prod", "rf#", "rf@", "rf@v1", "rf#prod#1", "rf#prod!", "rf@v1.0.0!", "rf@v1.0.0#prod", "rf prod",
     "a:b:c", "rf\n", "rf#prod\n"],
)  # fmt: skip
def test_parse_target__none_of_the_forms__refused_with_the_forms(text):
    with pytest.raises(WrongUsage) as caught:
        parse_target(text)

    assert repr(text) in caught.value.message
    assert "NAME#stage" in caught.value.hint


@pytest.mark.parametrize("text", ["rf@1.2.3", "rf@V1.2.3"])
def test_parse_target__version_without_its_v__hint_has_the_right_one(text):
    with pytest.raises(WrongUsage) as caught:
        parse_target(text)

    assert "v1.2.3" in caught.value.hint


@pytest.mark.parametrize("text", ["dir/sub=rf", "dir/sub=rf#prod", "dir/sub=rf@v1.0.0"])
def test_parse_target__written_as_in_a_tag__hint_has_the_right_name(text):
    with pytest.raises(WrongUsage) as caught:
        parse_target(text)

    assert caught.value.hint.endswith("dir/sub:rf")
