"""A floor that repositories may only tighten: every key, its looser form, and the file that is named for it."""

from __future__ import annotations

from typing import Any

import pytest

from tagline.domain.changes.floors import looser_keys, looser_rules
from tagline.domain.changes.origins import judge_floor, other_stage, with_origin
from tagline.domain.changes.policy import Part, read_policy
from tagline.domain.changes.verdicts import Verdict

WINTER = {"from": "2026-12-20T00:00:00Z", "to": "2027-01-03T00:00:00Z"}
LONGER = {"from": "2026-12-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}
SHORTER = {"from": "2026-12-24T00:00:00Z", "to": "2026-12-27T00:00:00Z"}
GATE = {"metric": "auc", "min": 0.9, "not_worse_than": "prod", "tolerance": 0.01}

#: The floor's rules of a stage, a repository's that are as strict, and some that are looser with their key.
RULES: list[tuple[dict[str, Any], list[dict[str, Any]], list[tuple[str, dict[str, Any]]]]] = [
    (
        {"after": ["staging"]},
        [{}, {"after": ["qa", "staging"]}],
        [("after", {"after": ["qa"]}), ("after", {"after": []})],
    ),
    ({"after": ["s"], "soak": "24h"}, [{}, {"soak": "2d"}], [("soak", {"soak": "1h"})]),
    (
        {"approvals": {"count": 2, "from": ["@org/leads", "alice"]}},
        [
            {},
            {"approvals": {}},
            {"approvals": {"count": 3, "from": ["alice"]}},
            {"approvals": {"not": ["author", "pusher", "labeller"]}},
        ],
        [
            ("approvals.count", {"approvals": {"count": 1}}),
            ("approvals.count", {"approvals": {"count": 0}}),
            ("approvals.from", {"approvals": {"from": ["mallory"]}}),
            ("approvals.from", {"approvals": {"from": ["alice", "@org/all"]}}),
            ("approvals.not", {"approvals": {"not": ["author"]}}),
            ("approvals.fresh", {"approvals": {"fresh": False}}),
        ],
    ),
    (
        {"approvals": {"not": ["author", "labeller"]}},
        [{"approvals": {"not": ["author", "requester"]}}, {"drift": "refuse"}],
        # An approval of something else is none of what the floor asks for.
        [("drift", {"drift": "replan"})],
    ),
    (
        {"deliver": {"workflow": "deploy.yml", "required": True}},
        [{"deliver": {"wait": "1m"}}, {"deliver": {"required": True}}],
        [("deliver.required", {"deliver": {"required": False}})],
    ),
    (
        {"gates": [GATE]},
        [{}, {"gates": [GATE, {"metric": "f1", "min": 0.5}]}, {"gates": [{**GATE, "min": 0.95, "tolerance": 0}]}],
        [
            ("gates", {"gates": []}),
            ("gates", {"gates": [{**GATE, "min": 0.8}]}),
            ("gates", {"gates": [{**GATE, "tolerance": 0.1}]}),
            ("gates", {"gates": [{"metric": "auc", "min": 0.9}]}),
            ("gates", {"gates": [{**GATE, "direction": "min"}]}),
            ("gates", {"gates": [{**GATE, "metric": "f1"}]}),
        ],
    ),
    (
        {"freeze": [WINTER]},
        [{}, {"freeze": [LONGER]}, {"freeze": [SHORTER, WINTER]}],
        [("freeze", {"freeze": []}), ("freeze", {"freeze": [SHORTER]})],
    ),
    (
        {"ticket": "RISK-*"},
        [{}, {"ticket": "RISK-*"}, {"ticket": ["CHG-*", "RISK-*"]}],
        [("ticket", {"ticket": "*"}), ("ticket", {"ticket": []}), ("ticket", {"ticket": "RISK-2026-*"})],
    ),
    ({"drift": "refuse"}, [{}, {"drift": "refuse"}], [("drift", {"drift": "replan"})]),
    ({"rollback": {"hold": True}}, [{}], [("rollback.hold", {"rollback": {"hold": False}})]),
    ({"after": ["s"]}, [{}], [("override.allow", {"override": {"allow": ["mallory"]}})]),
    (
        {"override": {"allow": ["alice"]}},
        [{"override": {"allow": ["alice"]}}],
        [("override.allow", {"override": {"allow": ["alice", "bob"]}})],
    ),
]


@pytest.mark.parametrize(("floor", "strict", "loose"), RULES)
def test_looser_rules__key_by_key(floor: Any, strict: Any, loose: Any) -> None:
    for own in strict:
        assert list(looser_rules(own, floor)) == [], own
        assert list(looser_rules(own, {})) == [], "a floor without rules forbids nothing"
    for key, own in loose:
        assert [one.key for one in looser_rules(own, floor)] == [key], own


@pytest.mark.parametrize(
    ("floor", "strict", "loose"),
    [
        ({"max_artifacts": 5}, {"max_artifacts": 1}, {"max_artifacts": 50}),
        ({"atomic": "change"}, {"atomic": "change"}, {"atomic": "artifact"}),
        ({"drift": "refuse"}, {}, {"drift": "replan"}),
        ({"other_stages": "refuse"}, {"other_stages": "refuse"}, {"other_stages": "allow"}),
        ({"mlflow": "required"}, {}, {"mlflow": "best-effort"}),
        ({"reproduced": "required"}, {}, {"reproduced": "best-effort"}),
        ({"storage": "required"}, {"storage": {"moved": {"s3://a": "s3://b"}}}, {"storage": {"look": "best-effort"}}),
        ({"sha256": "preferred"}, {"sha256": "required"}, {"sha256": "off"}),
        ({"branches": ["release/*"]}, {"branches": []}, {"branches": ["*"]}),
        ({"ignore": {"tags": ["web@*"]}}, {"ignore": {"paths": ["x"]}}, {"ignore": {"tags": ["*"]}}),
        ({"rollback": {"hold": True}}, {}, {"rollback": {"hold": False}}),
        ({"comment_authors": ["a"]}, {"comment_authors": ["a"]}, {"comment_authors": ["b"]}),
    ],
)
def test_looser_keys__of_a_repository(floor: Any, strict: Any, loose: Any) -> None:
    assert list(looser_keys(strict, floor)) == []
    (found,) = looser_keys(loose, floor)
    assert found.key.split(".")[0] == next(iter(floor))


BASE = Part(
    {"stages": {"prod": {"approvals": {"count": 1}, "after": ["staging"]}, "staging": {}}}, "org/policies@v3:p.yaml"
)
FLOOR = Part(
    {"stages": {"prod": {"approvals": {"count": 2}}}, "artifacts": {"risk/*": {"stages": {"prod": {"soak": "24h"}}}}},
    "the policy floor /etc/floor.yaml",
)


def test_policy__of_three_files__says_what_each_says_and_whose_rule_it_is() -> None:
    policy = read_policy(Part({"stages": {"prod": {"approvals": {"count": 3}}}}), BASE, FLOOR)
    rules = policy.rules("risk/x", "prod")
    assert rules is not None
    assert rules.approvals is not None
    assert (rules.after, rules.soak, rules.approvals.count) == (("staging",), 86400, 3)
    origins = {key: policy.origin("risk/x", "prod", key) for key in ("after", "soak", "approvals")}
    assert origins == {"after": BASE.name, "soak": FLOOR.name, "approvals": ".tagline.yaml"}
    assert policy.stages("risk/x") == ("prod", "staging")
    assert judge_floor(policy, "risk/x", "prod") == []
    told = with_origin(Verdict("after", "ok", "It held staging."), policy, "x", "prod")
    assert told.message == "It held staging. (org/policies@v3:p.yaml)"
    assert with_origin(Verdict("approvals", "ok", "m"), policy, "x", "prod").message == "m"
    assert len({policy.digest, read_policy(BASE).digest, read_policy(Part({}), None, FLOOR).digest}) == 3


@pytest.mark.parametrize(
    ("rule", "said", "named"),
    [
        ("after", {"stages": {"prod": {"after": ["s"]}}}, True),
        ("soak", {"stages": {"prod": {"soak": "1h"}}}, True),
        ("gate:auc", {"stages": {"prod": {"gates": [GATE]}}}, True),
        ("freeze", {"stages": {"prod": {"freeze": [WINTER]}}}, True),
        ("approvals", {"stages": {"prod": {"approvals": {}}}}, True),
        ("branch-behind", {"stages": {"prod": {"approvals": {}}}}, True),
        ("not-what-was-approved", {"stages": {"prod": {"approvals": {}}}}, True),
        ("ticket", {"stages": {"prod": {"ticket": "A-*"}}}, True),
        ("override", {"stages": {"prod": {"override": {"allow": ["a"]}}}}, True),
        ("storage", {"storage": "required"}, True),
        ("reproduced", {"reproduced": "required"}, True),
        ("mlflow", {"mlflow": "required"}, True),
        ("atomic", {"atomic": "change"}, True),
        # The repository has no file of its own, so that a default is nobody's.
        ("storage", {}, False),
        ("approvals", {"stages": {"prod": {"ticket": "A-*"}}}, False),
        ("superseded", {"stages": {"prod": {"ticket": "A-*"}}}, False),
    ],
)
def test_with_origin__of_each_rule(rule: str, said: dict[str, Any], named: bool) -> None:
    """Whether it stands in what the repository extends, or in the floor alone."""
    for policy in (read_policy(Part({}), Part(said, "THERE")), read_policy(Part({}), None, Part(said, "THERE"))):
        told = with_origin(Verdict(rule, "ok", "Said."), policy, "churn", "prod").message
        assert told == ("Said. (THERE)" if named else "Said.")
    own = read_policy(Part(said), Part(said, "THERE"), Part(said, "THERE"))
    assert with_origin(Verdict(rule, "ok", "Said."), own, "churn", "prod").message == "Said."


def test_other_stage__names_who_lists_stages_or_refuses_others() -> None:
    listed = read_policy(Part({}), Part({"stages": {"prod": {}}}, "THERE"))
    assert other_stage(listed, "churn", "prdo").message.endswith("refuses others. (THERE)")
    said = read_policy(Part({"stages": {"prod": {}}}), None, Part({"other_stages": "refuse"}, "FLOOR"))
    assert other_stage(said, "churn", "prdo").message.endswith("refuses others. (FLOOR)")
    assert other_stage(read_policy(Part({"stages": {"prod": {}}})), "churn", "x").message.endswith("refuses others.")


def test_policy__below_the_floor__names_both_files() -> None:
    """What a file extends may be looser too: it is named, not the repository's own."""
    (verdict,) = judge_floor(read_policy(Part({}), BASE, FLOOR), "churn", "prod")
    assert (verdict.rule, verdict.state) == ("policy-floor", "refused")
    assert "approvals.count is 1 in org/policies@v3:p.yaml" in verdict.message
    assert "the policy floor /etc/floor.yaml: at least 2" in verdict.message


def test_policy__without_a_file__is_the_floor() -> None:
    policy = read_policy(Part({}), None, FLOOR)
    assert policy.guards("churn", "prod")
    assert policy.refuses("churn", "live")


@pytest.mark.parametrize(
    ("own", "floor", "key"),
    [
        # What the floor says for a whole repository holds for each stage.
        ({"stages": {"prod": {"drift": "replan"}}}, {"drift": "refuse"}, "drift"),
        ({"stages": {"prod": {"rollback": {"hold": False}}}}, {"rollback": {"hold": True}}, "rollback.hold"),
        # And the other way round.
        ({"drift": "replan"}, {"stages": {"prod": {"approvals": {"count": 1}}}}, "drift"),
        ({"stages": {"prod": {}}}, {"other_stages": "refuse", "stages": {"staging": {}}}, "stages"),
    ],
)
def test_policy__looser_elsewhere_than_the_floor_says_it__is_refused(own: Any, floor: Any, key: str) -> None:
    (verdict,) = judge_floor(read_policy(Part(own), None, Part(floor, "the floor")), "churn", "prod")
    assert verdict.message.startswith(f"{key} is ")
    assert "looser than the floor" in verdict.message


@pytest.mark.parametrize(
    ("own", "floor"),
    [
        ({"drift": "replan"}, {}),
        ({"drift": "replan"}, {"drift": "replan", "stages": {"prod": {"approvals": {}}}}),
        ({"drift": "replan"}, {"stages": {"prod": {"drift": "refuse"}}}),
        ({"stages": {"prod": {"drift": "replan"}}}, {"stages": {"prod": {"approvals": {}, "drift": "replan"}}}),
        ({"stages": {"prod": {}}}, {"stages": {"staging": {}}}),
        ({"stages": {"prod": {}}}, {"other_stages": "refuse", "stages": {"live": {"after": ["prod"]}}}),
        ({}, {"other_stages": "refuse", "stages": {"staging": {}}}),
    ],
)
def test_policy__as_strict_as_the_floor__passes(own: Any, floor: Any) -> None:
    assert judge_floor(read_policy(Part(own), None, Part(floor, "the floor")), "churn", "prod") == []
