"""Which stages a policy guards; a mistake in it never opens one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.policy import guards

POLICY = {
    "stages": {"staging": {}, "empty": None, "prod": {"approvals": {"count": 1}}},
    "artifacts": {"risk/*": {"stages": {"staging": {"soak": "1h"}}}},
}


@pytest.mark.parametrize(
    ("artifact", "stage", "guarded"),
    [
        ("rf", "prod", True),
        ("rf", "staging", False),
        ("rf", "empty", False),
        ("rf", "other", False),
        ("risk/rf", "staging", True),
        ("risk/rf", "prod", True),
    ],
)
def test_guards__listed_rules__guard(artifact: str, stage: str, guarded: bool) -> None:
    assert guards(POLICY, artifact, stage) is guarded


def test_guards__other_stages_refuse__unlisted_are_guarded() -> None:
    policy = {**POLICY, "other_stages": "refuse"}
    assert guards(policy, "rf", "other")
    assert not guards(policy, "rf", "staging")


@pytest.mark.parametrize("policy", [None, {}, {"stages": None}, {"stages": {}}, {"artifacts": None}])
def test_guards__nothing_said__free(policy: object) -> None:
    assert not guards(policy, "rf", "prod")


@pytest.mark.parametrize(
    "policy",
    [
        [],
        "text",
        3,
        {"stages": []},
        {"stages": "prod"},
        {"artifacts": []},
        {"artifacts": {"*": []}},
        {"stage": {}},
        {"other_stages": "refused"},
    ],
)
def test_guards__not_to_be_understood__guarded(policy: object) -> None:
    assert guards(policy, "rf", "prod")


keys = st.sampled_from(["stages", "artifacts", "prod", "*", "x"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_guards__any_value__answers(policy: object) -> None:
    assert guards(policy, "rf", "prod") in (True, False)
