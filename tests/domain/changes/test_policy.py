"""The policy's model: what the rules of a stage are, and how overrides change them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.policy import (
    NO_POLICY,
    ApprovalRule,
    Freeze,
    Gate,
    Part,
    Policy,
    StageRules,
    merge,
    read_policy,
)
from tagline.domain.text.durations import parse_duration
from tagline.errors import WrongUsage

RAW: dict[str, Any] = {
    "stages": {
        "staging": {},
        "empty": None,
        "prod": {
            "after": ["staging"],
            "soak": "24h",
            "approvals": {"count": 2, "from": ["alice", "codeowners"], "not": ["author", "labeller"]},
            "gates": [
                {"metric": "accuracy", "min": 0.9},
                {"metric": "loss", "not_worse_than": "prod", "direction": "min", "tolerance": 0.01},
            ],
            "freeze": [{"from": "1970-01-01T00:00:10Z", "to": "1970-01-01T01:00:00+00:00"}],
        },
    },
    "artifacts": {
        "risk/*": {"stages": {"prod": {"approvals": {"count": 3}}, "staging": {"approvals": {}}}},
        "*:rf": {"stages": {"prod": {"gates": []}, "eu": None}},
        "risk/eu:*": {"stages": {"prod": {"approvals": {"count": 4, "fresh": False}, "soak": "0s"}}},
    },
}
POLICY = read_policy(Part(RAW, digest="sha256:1"))


def test_rules__everything_given__is_read() -> None:
    assert POLICY.rules("churn", "prod") == StageRules(
        after=("staging",),
        soak=86400,
        approvals=ApprovalRule(2, ("alice", "codeowners"), frozenset({"author", "labeller"}), True),
        gates=(Gate("accuracy", min=0.9), Gate("loss", None, None, "prod", False, 0.01)),
        freeze=(Freeze(10, 3600),),
    )


def test_rules__nothing_given__has_the_documented_defaults() -> None:
    policy = read_policy(
        Part({"stages": {"prod": {"approvals": {}, "gates": [{"metric": "a", "max": 1}]}}}, digest="d")
    )
    assert policy.rules("rf", "prod") == StageRules(
        (), 0, ApprovalRule(1, None, frozenset({"author", "pusher"}), True), (Gate("a", None, 1, None, True, 0),), ()
    )
    assert read_policy(Part({}, digest="none")) == NO_POLICY == Policy()
    assert (NO_POLICY.max_artifacts, NO_POLICY.digest, NO_POLICY.other_stages) == (5, "none", "")
    assert not any((NO_POLICY.atomic_change, NO_POLICY.mlflow_required))
    assert NO_POLICY.refuses_drift(StageRules())


def test_policy__every_key_of_its_own__is_read() -> None:
    raw = {
        "labels": {"prefix": "ml-"},
        "max_artifacts": 7.0,
        "atomic": "change",
        "drift": "replan",
        "comment_authors": ["tagline[bot]"],
        "other_stages": "refuse",
        "branches": ["release/*"],
        "mlflow": "required",
    }
    policy = read_policy(Part(raw, digest="sha256:2"))
    assert policy.layers == ()
    assert (policy.label_prefix, policy.max_artifacts, policy.comment_authors) == ("ml-", 7, ("tagline[bot]",))
    assert policy.atomic_change
    assert not policy.refuses_drift(StageRules())
    assert policy.refuses_drift(StageRules(drift="refuse"))
    assert policy.other_stages == "refuse"
    assert policy.mlflow_required
    assert policy.digest == "sha256:2"


def test_rules__override__merges_mappings_and_replaces_the_rest() -> None:
    rules = POLICY.rules("risk/eu:rf", "prod")
    assert rules is not None
    assert rules.approvals == ApprovalRule(
        4, ("alice", "codeowners"), frozenset({"author", "labeller"}), False
    )  # of the last override, and what it leaves out
    assert (rules.gates, rules.soak, rules.after) == ((), 0, ("staging",))
    assert POLICY.rules("risk/us:x", "prod") != POLICY.rules("x", "prod")


@pytest.mark.parametrize(
    ("artifact", "stage", "guarded"),
    [
        ("rf", "prod", True),
        ("rf", "staging", False),
        ("rf", "empty", False),
        ("rf", "other", True),
        ("risk/rf", "staging", True),
        ("risk/rf", "prod", True),
        ("a:rf", "eu", False),
    ],
)
def test_guards__listed_rules__guard(artifact: str, stage: str, guarded: bool) -> None:
    assert POLICY.guards(artifact, stage) is guarded


def test_guards__leaving_a_stage_that_is_not_listed__is_free() -> None:
    assert not POLICY.guards("rf", "other", leaving=True)
    assert POLICY.guards("rf", "prod", leaving=True)
    assert not read_policy(Part({**RAW, "other_stages": "allow"}, digest="d")).guards("rf", "other")


def test_guards__other_stages_refuse__unlisted_are_guarded() -> None:
    policy = read_policy(Part({**RAW, "other_stages": "refuse"}, digest="d"))
    assert policy.guards("rf", "other")
    assert policy.guards("rf", "eu")
    assert not policy.guards("a:rf", "eu")
    assert not policy.guards("rf", "staging")


@pytest.mark.parametrize("raw", [{}, {"stages": None}, {"stages": {}}, {"artifacts": None}, {"artifacts": {"*": {}}}])
def test_guards__nothing_said__free(raw: dict[str, Any]) -> None:
    policy = read_policy(Part(raw, digest="d"))
    assert not policy.guards("rf", "prod")
    assert policy.rules("rf", "prod") is None
    assert policy.stages("rf") == ()


def test_stages__of_an_artifact__are_those_of_its_overrides_too() -> None:
    assert POLICY.stages("churn") == ("empty", "prod", "staging")
    assert POLICY.stages("a:rf") == ("empty", "eu", "prod", "staging")


@pytest.mark.parametrize(
    ("branch", "listed"), [("release/1", True), ("release/1/x", True), ("Release/1", False), ("main", False)]
)
def test_lists_branch__pattern__is_case_sensitive_and_crosses_slashes(branch: str, listed: bool) -> None:
    assert Policy(branches=("release/*",)).lists_branch(branch) is listed
    assert not NO_POLICY.lists_branch(branch)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("90m", 5400), ("24h", 86400), ("7d", 604800), ("2w", 1209600), ("0s", 0)]
)
def test_parse_duration__number_and_unit__is_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1 h", "1.5h", "-1h", "1H", "1h30m", "1y", "１h", "9" * 10 + "s"])
def test_parse_duration__anything_else__is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match="no duration") as refused:
        parse_duration(text)
    assert "24h" in refused.value.hint


values = st.recursive(
    st.none() | st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(mappings, mappings)
def test_merge__of_two__says_all_of_the_second(base: dict[str, Any], override: dict[str, Any]) -> None:
    def says(whole: Any, part: Any) -> bool:
        if isinstance(part, dict) and isinstance(whole, dict):
            return all(key in whole and says(whole[key], value) for key, value in part.items())
        return bool(whole == part)

    before = repr(base)
    merged = merge(base, override)
    assert says(merged, override)
    assert merged.keys() == base.keys() | override.keys()
    assert merge(merged, override) == merged
    assert repr(base) == before


KEYS = ("after", "soak", "approvals", "gates", "freeze")


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers()), max_size=5, unique_by=lambda pair: pair[0]))
def test_merge__of_disjoint_keys__is_the_same_however_it_is_grouped(pairs: list[tuple[str, int]]) -> None:
    parts: list[dict[str, Any]] = [{key: value} for key, value in pairs]
    left: dict[str, Any] = {}
    for part in parts:
        left = merge(left, part)
    right: dict[str, Any] = {}
    for part in reversed(parts):
        right = merge(part, right)
    assert left == right == dict(pairs)
