"""The policy file: every mistake is found where it stands, and none of them opens a stage."""

from __future__ import annotations

import hashlib
import json
import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tagline.domain.changes.policy import NO_POLICY, POLICY_FILE, ApprovalRule, Freeze, Gate, StageRules
from tagline.domain.text.times import format_time
from tagline.errors import WrongUsage
from tagline.formats.policy import ALONE, check_policy, load_policy
from tagline.formats.schema.check import compile_check, read_schema

SCHEMA = read_schema("policy.schema.json")
QUICK = compile_check(SCHEMA)
VALID = """\
stages:
  staging: {}
  canary:
  prod:
    after: [staging]
    soak: 24h
    approvals:
      count: 2
      from: [alice, "@org/ml-leads", "@top", "bot[bot]", codeowners]
      not: [author, labeller]
      fresh: true
    gates: [{metric: accuracy, min: 0.9}, {metric: auc, not_worse_than: prod, direction: max, tolerance: 0.01}]
    freeze: [{from: "2026-12-20T00:00:00Z", to: 2027-01-03T00:00:00+01:00}]
artifacts: {"risk/*": {stages: {prod: {approvals: {count: 3}, soak: 7d}}}}
labels: {prefix: ""}
max_artifacts: 5
atomic: artifact
drift: replan
comment_authors: ["tagline[bot]"]
other_stages: allow
branches: ["release/*"]
mlflow: best-effort
"""


# -- the schema -----------------------------------------------------------------


def parts(schema: Any) -> Any:
    if isinstance(schema, dict):
        if "title" in schema and isinstance(schema["title"], str):
            yield schema
        for key, child in schema.items():
            if key != "examples":
                yield from parts(child)


def test_schema__itself__is_valid_and_identified() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "https://tagline.dev/schemas/policy.schema.json"


def test_schema__every_part__has_title_description_and_valid_examples() -> None:
    found = list(parts(SCHEMA))
    assert len(found) > 30
    for part in found:
        assert part["description"], part["title"]
        assert part["examples"], part["title"]
        for example in part["examples"]:
            Draft202012Validator({**part, "$defs": SCHEMA["$defs"]}).validate(example)


# -- good files -----------------------------------------------------------------


def test_load_policy__whole_example__is_read() -> None:
    assert check_policy(VALID.encode()) == []
    policy = load_policy(VALID.encode(), ALONE)
    assert policy.digest == "sha256:" + hashlib.sha256(VALID.encode()).hexdigest()
    assert policy.stages("x") == ("canary", "prod", "staging")
    rules = policy.rules("risk/x", "prod")
    assert rules is not None
    assert rules.approvals is not None
    assert (rules.approvals.count, rules.approvals.people, rules.soak) == (
        3,
        ("alice", "@org/ml-leads", "@top", "bot[bot]", "codeowners"),
        604800,
    )


@pytest.mark.parametrize("data", [b"", b"# nothing yet\n", b"---\n", b"null\n"])
def test_load_policy__empty_file__has_no_rules_but_a_digest(data: bytes) -> None:
    assert check_policy(data) == []
    assert load_policy(data, ALONE) == replace(NO_POLICY, digest="sha256:" + hashlib.sha256(data).hexdigest())


def test_load_policy__no_file__is_no_policy() -> None:
    assert load_policy(None, ALONE) is NO_POLICY


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n",
        "stages: {}\nartifacts:\n",
        "{artifacts: {'dir/sub:*': {stages: {prod: {approvals: {count: 1}}}}}}",
        "stages: {a: {}, b: {after: [a], soak: 1h}}\nartifacts: {x: {stages: {b: {soak: 2h}}}}",
        "stages: {a: {}, b: {after: [a], soak: 1h}}\nartifacts: {x: {stages: {b: {after: [], soak: 0s}}}}",
        "stages: {a: {}, b: {after: [a]}}\nartifacts: {x: {stages: {a: {after: [b]}, b: {after: []}}}}",
        "stages: {a: &x {approvals: {count: 1}}, b: *x}",
    ],
)
def test_check_policy__valid_file__has_no_finding(text: str) -> None:
    assert check_policy(text.encode()) == []
    load_policy(text.encode(), ALONE)


def test_documentation__its_example__is_valid() -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert [check_policy(example.encode()) for example in examples] == [[], [], []]
    assert set(load_policy(examples[0].encode(), ALONE).stages("risk/x")) == {"prod", "staging"}
    assert [key for part in parts(SCHEMA) for key in part.get("properties", ()) if f"`{key}`" not in text] == []


# -- bad files ------------------------------------------------------------------

STAGE = "stages:\n  staging:\n  prod:\n    "
BAD = [
    # YAML
    ("stages: [", 1, 9, "yaml-syntax", "", ""),
    ("stages: {}\nstages: {}", 2, 1, "yaml-duplicate-key", "already given on line 1", ""),
    ("[]", 1, 1, "wrong-type", "The policy must be a mapping, not a list.", ""),
    ("prod", 1, 1, "wrong-type", "The policy must be a mapping, not text.", ""),
    # The shape
    ("stage: {}", 1, 1, "unknown-key", "Unknown key 'stage' in the policy.", "Did you mean 'stages'?"),
    ("environments: {}", 1, 1, "unknown-key", "Unknown key 'environments'", "Did you mean 'stages'?"),
    ("qqq: {}", 1, 1, "unknown-key", "Unknown key 'qqq'", "Known keys are stages, artifacts, labels"),
    ("storage: maybe", 1, 10, "wrong-value", "'storage' must be required or best-effort, not 'maybe'.", ""),
    ("storage: {look: maybe}", 1, 17, "wrong-value", "'storage.look' must be required or best-effort", ""),
    ("storage: {gone: {}}", 1, 11, "unknown-key", "Unknown key 'gone' in 'storage'.", "look, moved"),
    ("storage: {moved: {s3://a: b}}", 1, 27, "wrong-value", "'storage.moved.s3://a' must be an address, not 'b'.", ""),
    ("storage: {moved: {a: s3://b}}", 1, 0, "wrong-value", "must be an address, not 'a'.", ""),
    ("storage: {moved: [s3://b]}", 1, 18, "wrong-type", "'storage.moved' must be a mapping, not a list.", ""),
    ("storage: 5", 1, 10, "wrong-type", "'storage' must be text or a mapping, not the number 5.", ""),
    ("stages: [prod]", 1, 9, "wrong-type", "'stages' must be a mapping, not a list.", ""),
    ("artifacts: {x: }", 1, 16, "wrong-type", "'artifacts.x' must be a mapping, not empty.", ""),
    ("artifacts: {x: {prod: {}}}", 1, 17, "unknown-key", "Unknown key 'prod' in 'artifacts.x'.", "stages"),
    (STAGE + "aproval: {}", 4, 5, "unknown-key", "'aproval' in 'stages.prod'.", "Did you mean 'approvals'?"),
    (STAGE + "approvals:", 4, 15, "wrong-type", "must be a mapping, not empty.", "Remove the key"),
    (STAGE + "after: staging", 4, 12, "wrong-type", "must be a list, not text.", "Write 'after: [staging]'."),
    (STAGE + "after: [staging]\n    soak: 24", 5, 11, "wrong-type", "must be text, not the number", "'soak: 24h'."),
    (STAGE + "approvals: {count: two}", 4, 24, "wrong-type", "must be a whole number, not text.", "'count: 2'"),
    (STAGE + "approvals: {count: 1.5}", 4, 24, "wrong-type", "must be a whole number, not the number 1.5.", ""),
    (STAGE + "approvals: {count: .inf}", 4, 24, "wrong-type", "must be a whole number", ""),
    (STAGE + "approvals: {count: 0}", 4, 24, "wrong-value", "must be at least 1, not the number 0.", "'count: 2'"),
    (STAGE + "approvals: {from: []}", 4, 23, "wrong-value", "'stages.prod.approvals.from' is empty.", ""),
    (STAGE + "approvals: {reviewers: [a]}", 4, 17, "unknown-key", "key 'reviewers'", "Known keys are count, from"),
    (STAGE + "approvals: {approvers: [a]}", 4, 17, "unknown-key", "Unknown key 'approvers'", "Did you mean 'from'?"),
    (STAGE + "approvals: {not: author}", 4, 22, "wrong-type", "must be a list, not text.", "Write 'not: [author]'."),
    (STAGE + "approvals: {not: [autor]}", 4, 23, "wrong-value", "labeller or requester, not 'autor'.", "'author'?"),
    (STAGE + "approvals: {fresh: yes}", 4, 24, "wrong-type", "must be true or false", "Write 'fresh: true'."),
    (STAGE + "gates: [{metric: a}]", 4, 13, "missing-key", "has none of min, max, not_worse_than.", "Add 'min: ...'."),
    (STAGE + "gates: [{min: 1}]", 4, 13, "missing-key", "'stages.prod.gates[0]' has no 'metric'.", ""),
    (STAGE + "gates: [{metric: '', min: 1}]", 4, 22, "wrong-value", "'stages.prod.gates[0].metric' is empty.", ""),
    (STAGE + "gates: [{metric: a, min: high}]", 4, 30, "wrong-type", "must be a number, not text.", ""),
    (STAGE + "gates: [{metric: a, min: 1, tolerance: -1}]", 4, 44, "wrong-value", "must be at least 0", ""),
    (STAGE + "gates: [{metric: a, min: 1, direction: up}]", 4, 44, "wrong-value", "must be max or min, not 'up'.", ""),
    (STAGE + "deliver: {workflow: a.yml, together: true}", 4, 42, "policy", "A workflow here says itself", "input"),
    (STAGE + "freeze: [{from: '2026-12-20T00:00:00Z'}]", 4, 14, "missing-key", "has no 'to'.", ""),
    (STAGE + "soak: 1h", 3, 3, "missing-key", "'stages.prod' has 'soak' but no 'after'.", ""),
    ("max_artifacts: 0", 1, 16, "wrong-value", "'max_artifacts' must be at least 1", ""),
    ("atomic: changes", 1, 9, "wrong-value", "must be artifact or change, not 'changes'.", "Did you mean 'change'?"),
    ("drift: true", 1, 8, "wrong-value", "'drift' must be replan or refuse, not true.", "For example 'drift: replan'."),
    ("other_stages: refused", 1, 15, "wrong-value", "must be allow or refuse", "Did you mean 'refuse'?"),
    ("other_stages:", 1, 14, "wrong-value", "must be allow or refuse, not empty.", ""),
    ("mlflow: no", 1, 9, "wrong-value", "must be required or best-effort, not 'no'.", ""),
    ("branches: main", 1, 11, "wrong-type", "'branches' must be a list, not text.", "Write 'branches: [main]'."),
    ("comment_authors: ['']", 1, 19, "wrong-value", "'comment_authors[0]' is empty.", ""),
    ("labels: ml-", 1, 9, "wrong-type", "'labels' must be a mapping, not text.", "Write 'labels: {prefix: ml-}'."),
    # The meaning
    ("stages: {-prod: {}}", 1, 10, "policy", "'-prod' is no valid name of a stage.", ""),
    ("artifacts: {'risk/* ': {}}", 1, 13, "policy", "'risk/* ' matches no artifact.", ""),
    ("extends: {repo: ../p, ref: v3}", 1, 17, "policy", "'../p' is a folder of one machine.", "owner/name"),
    (STAGE + "after: [staging]\n    soak: 1 day", 5, 11, "policy", "'1 day' is no duration.", "such as 90m"),
    (STAGE + "after: [stagign]", 4, 13, "policy", "does not list a stage 'stagign'.", "Did you mean 'staging'?"),
    (STAGE + "after: [qa]", 4, 13, "policy", "does not list a stage 'qa'.", "List it under 'stages': 'qa: {}'."),
    (STAGE + "after: [prod]", 4, 12, "policy", "'prod', which comes after 'prod': none", ""),
    ("stages: {a: {after: [b]}, b: {after: [a]}}", 1, 0, "policy", "which comes after", "Remove one"),
    (STAGE + "after: []\n    soak: 1h", 5, 11, "policy", "'prod' has a soak but no stage to hold.", ""),
    (STAGE + "ticket: RISK 1", 4, 0, "policy", "'RISK 1' is no pattern of tickets.", "such as RISK-*"),
    (STAGE + "ticket: [A-*, 'B\u200b']", 4, 0, "policy", "is no pattern of tickets.", ""),
    (STAGE + "ticket: 12", 4, 0, "wrong-type", "must be text or a list", ""),
    (STAGE + "ticket: [12]", 4, 0, "wrong-type", "", ""),
    (STAGE + "ticket: ''", 4, 0, "wrong-value", "", ""),
    (STAGE + f"ticket: [{'a, ' * 20}a]", 4, 0, "policy", "more than 20 patterns", ""),
    (STAGE + "approvals: {from: [org/team]}", 4, 24, "policy", "neither a login nor a team.", "Write '@org/team'."),
    (STAGE + "approvals: {from: [a b]}", 4, 24, "policy", "'a b' is neither a login nor a team.", "codeowners"),
    (STAGE + "gates: [{metric: a, min: 2, max: 1}]", 4, 30, "policy", "'min' (2) is above 'max' (1)", "Exchange"),
    (STAGE + "gates: [{metric: a, min: .nan}]", 4, 30, "policy", "'min' is .nan, which is no bound.", ""),
    (STAGE + "gates: [{metric: a, max: .inf}]", 4, 30, "policy", "'max' is .inf", ""),
    (STAGE + "gates: [{metric: a, not_worse_than: prdo}]", 4, 41, "policy", "does not list a stage 'prdo'.", "'prod'?"),
    (STAGE + "freeze: [{from: 2026-12-20, to: '2027-01-03T00:00:00Z'}]", 4, 21, "policy", "is no instant.", "zone"),
    (
        STAGE + "freeze: [{from: '2026-12-20T00:00:00Z', to: '2026-12-20T01:00:00+01:00'}]",
        4, 49, "policy", "ends at 2026-12-20T01:00:00+01:00, not after its beginning", "later instant",
    ),
    # Overrides
    ("stages: {p: {}}\nartifacts: {x: {stages: {p: {soak: 1h}}}}", 2, 36, "policy", "'p' of 'x' has a soak but no", ""),
    (
        "stages: {a: {}, p: {after: [a], soak: 1h}}\nartifacts: {x: {stages: {p: {after: []}}}}",
        2, 37, "policy", "'p' of 'x' comes after no stage, but its soak from above would stay.", "Add 'soak: 0s'",
    ),
    (
        "stages: {a: {}, p: {after: [a]}}\nartifacts: {x: {stages: {p: {after: []}}}, y: {stages: {p: {soak: 1h}}}}",
        2, 67, "policy", "'p' of 'y' has a soak but no stage", "",
    ),
    (
        "stages: {a: {after: [b]}, b: {}}\nartifacts: {x: {stages: {b: {after: [a]}}}}",
        2, 37, "policy", "which comes after", "",
    ),
    (
        "stages: {a: {}, b: {after: [a]}}\nartifacts: {x: {stages: {a: {after: [b]}}}}",
        2, 37, "policy", "'a', which comes after 'b', which comes after 'a'", "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "rule", "message", "hint"), BAD, ids=lambda v: str(v)[-40:])
def test_check_policy__one_mistake__is_one_finding_where_it_stands(
    text: str, line: int, column: int, rule: str, message: str, hint: str
) -> None:
    (found,) = check_policy(text.encode(), "f")
    assert (found.file, found.line, found.artifact, found.rule, found.severity) == ("f", line, None, rule, "error")
    assert column in (0, found.column)
    assert message in found.message
    assert hint in found.hint
    assert found.hint
    with pytest.raises(WrongUsage) as refused:
        load_policy(text.encode(), ALONE)
    assert refused.value.code == "policy-unreadable"
    assert f"{POLICY_FILE} of the default branch cannot be read, line {line}: {found.message}" == refused.value.message
    assert refused.value.hint == found.hint


def test_check_policy__mistakes_of_all_kinds__are_told_together_in_the_files_order() -> None:
    text = "stages:\n  -x: {}\n  prod: {sook: 1h, soak: soon}\ndrift: off\n"
    assert [(f.line, f.rule) for f in check_policy(text.encode())] == [
        (2, "policy"),
        (3, "missing-key"),
        (3, "unknown-key"),
        (3, "policy"),
        (4, "wrong-value"),
    ]
    with pytest.raises(WrongUsage, match=r"line 2: .* And 4 more problems\.$"):
        load_policy(text.encode(), ALONE)


def test_check_policy__mistake_that_aliases_repeat__is_told_once_for_each_name() -> None:
    text = "stages: {a: &x {soak: soon, after: []}, b: *x, c: *x}"
    assert [f.message for f in check_policy(text.encode())] == ["'soon' is no duration."]


@pytest.mark.parametrize("data", [b"\xff", b"a: \x07", b"x" * (1024 * 1024 + 1), b"--- a\n--- b"])
def test_load_policy__no_readable_file__is_refused(data: bytes) -> None:
    with pytest.raises(WrongUsage):
        load_policy(data, ALONE)


def test_check_policy__deep_and_long_values__are_cut_in_words() -> None:
    for finding in check_policy(f"stages: {{p: {{after: [{'x' * 9000}], soak: {'y' * 9000}}}}}".encode()):
        assert len(finding.message + finding.hint) < 500


def test_check_policy__long_chain_of_stages__does_not_overflow() -> None:
    chain = ",".join(f"s{i}: {{after: [s{i + 1}]}}" for i in range(3000))
    assert check_policy(f"stages: {{{chain}, s3000: }}".encode()) == []


# -- properties -----------------------------------------------------------------

NAMES = ["stages", "artifacts", "prod", "dev", "x/*", "after", "soak", "approvals", "count", "from", "not", "fresh"]
NAMES += [
    "ticket",
    "gates",
    "metric",
    "min",
    "max",
    "not_worse_than",
    "freeze",
    "to",
    "atomic",
    "drift",
    "labels",
    "prefix",
]
LEAVES = st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.sampled_from([*NAMES, "", "1h", "change"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def written(value: Any) -> bytes:
    """As YAML that is nearly JSON."""
    text = json.dumps(value)
    return text.replace("NaN", ".nan").replace("-Infinity", "-.inf").replace("Infinity", ".inf").encode()


STAGES = st.sampled_from(["s1", "s2", "s3"])
INSTANTS = st.integers(0, 9).map(lambda year: f"202{year}-01-01T00:00:00Z")
GATES = st.fixed_dictionaries(
    {"metric": st.just("m"), "min": st.floats(0, 1)},
    optional={"max": st.floats(1, 2), "not_worse_than": STAGES, "direction": st.sampled_from(["min", "max"])},
)
FREEZES = st.tuples(INSTANTS, INSTANTS).filter(lambda pair: pair[0] < pair[1])
APPROVALS = st.fixed_dictionaries(
    {},
    optional={
        "count": st.integers(1, 9),
        "from": st.lists(st.sampled_from(["alice", "@o/t", "codeowners"]), min_size=1, max_size=2),
        "not": st.lists(st.sampled_from(["author", "pusher", "labeller"]), max_size=3),
        "fresh": st.booleans(),
    },
)
RULES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "approvals": APPROVALS,
        "gates": st.lists(GATES, max_size=2),
        "freeze": st.lists(FREEZES.map(lambda pair: {"from": pair[0], "to": pair[1]}), max_size=2),
    },
)
# Only s3 comes after others: no cycle.
LAST = st.fixed_dictionaries({"after": st.lists(st.sampled_from(["s1", "s2"]), min_size=1, max_size=2)}) | st.builds(
    lambda after, soak: {"after": [after], "soak": soak}, st.sampled_from(["s1", "s2"]), st.sampled_from(["0s", "2d"])
)
LISTED = st.fixed_dictionaries({"s1": RULES, "s2": RULES, "s3": LAST})
OVERRIDES = st.dictionaries(
    st.sampled_from(["*", "a*", "dir:*", "a"]),
    st.fixed_dictionaries({}, optional={"stages": st.dictionaries(st.sampled_from(["s1", "s2", "new"]), RULES)}),
    max_size=3,
)
POLICIES = st.fixed_dictionaries(
    {"stages": LISTED},
    optional={"artifacts": OVERRIDES, "max_artifacts": st.integers(1, 9), "atomic": st.sampled_from(["artifact"])},
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_check_policy__any_value__agrees_with_the_schema_and_with_loading(value: Any) -> None:
    data = written(value)
    findings = check_policy(data)
    assert all(f.message and f.hint and f.line == 1 and f.column >= 1 for f in findings)
    if value is not None and not Draft202012Validator(SCHEMA).is_valid(value):
        assert findings
    if findings:
        with pytest.raises(WrongUsage):
            load_policy(data, ALONE)
    else:
        load_policy(data, ALONE).rules("x/y", "prod")


@settings(max_examples=300, deadline=None)
@given(VALUES | POLICIES)
def test_compile_check__any_policy__agrees_with_jsonschema(value: Any) -> None:
    assert QUICK(value) == Draft202012Validator(SCHEMA).is_valid(value)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_check_policy__any_bytes__answers(data: bytes) -> None:
    findings = check_policy(data)
    try:
        load_policy(data, ALONE)
        assert findings == []
    except WrongUsage:
        assert findings


MODELS = st.builds(
    StageRules,
    after=st.sampled_from([("s1",), ("s1", "s2")]),
    soak=st.integers(0, 10**6),
    approvals=st.none()
    | st.builds(
        ApprovalRule,
        st.integers(1, 9),
        st.none() | st.sampled_from([("alice",), ("@o/t", "codeowners")]),
        st.frozensets(st.sampled_from(["author", "pusher", "labeller"])),
        st.booleans(),
    ).map(lambda rule: replace(rule, must_know_pushers="pusher" in rule.exclude)),
    gates=st.lists(
        st.builds(
            Gate,
            st.sampled_from(["accuracy", "test.auc"]),
            st.floats(-2, 0),
            st.none() | st.floats(0, 2),
            st.none() | STAGES,
            st.booleans(),
            st.floats(0, 1),
        ),
        max_size=2,
    ).map(tuple),
    freeze=st.lists(st.builds(Freeze, st.integers(0, 9), st.integers(10, 10**9)), max_size=2).map(tuple),
)


GATE_KEYS = ("metric", "min", "max", "not_worse_than")


def as_written(rules: StageRules) -> dict[str, Any]:
    """Rules in the words of the file."""
    raw: dict[str, Any] = {"after": list(rules.after), "soak": f"{rules.soak}s"}
    if rule := rules.approvals:
        raw["approvals"] = {"count": rule.count, "not": sorted(rule.exclude), "fresh": rule.fresh}
        if rule.people is not None:
            raw["approvals"]["from"] = list(rule.people)
    raw["gates"] = [
        {
            **{key: getattr(gate, key) for key in GATE_KEYS if getattr(gate, key) is not None},
            "direction": "max" if gate.higher_is_better else "min",
            "tolerance": gate.tolerance,
        }
        for gate in rules.gates
    ]
    raw["freeze"] = [{"from": format_time(time.start), "to": format_time(time.end)} for time in rules.freeze]
    return raw


@settings(max_examples=200, deadline=None)
@given(MODELS)
def test_load_policy__rules_as_they_are_written__come_back(rules: StageRules) -> None:
    raw = {"stages": {"s1": {}, "s2": {}, "s3": as_written(rules)}}
    assert load_policy(written(raw), ALONE).rules("any", "s3") == rules
    assert load_policy(written({"artifacts": {"a*": raw}}), ALONE).rules("any", "s3") == rules


@settings(max_examples=200, deadline=None)
@given(POLICIES)
def test_load_policy__valid_file_with_overrides__loads(raw: Any) -> None:
    assert check_policy(written(raw)) == []
    policy = load_policy(written(raw), ALONE)
    for stage in policy.stages("a"):
        assert policy.rules("a", stage) is not None


@settings(max_examples=200, deadline=None)
@given(POLICIES, st.data())
def test_load_policy__one_mistake_anywhere__never_loads(raw: Any, data: st.DataObject) -> None:
    broken = deepcopy(raw)
    place: Any = broken
    while isinstance(place, dict) and (below := [v for v in place.values() if isinstance(v, dict)]):
        if not data.draw(st.booleans()):
            break
        place = data.draw(st.sampled_from(below))
    assume(place is not broken.get("stages"))
    assume(place is not broken.get("artifacts"))
    assume(all(place is not override.get("stages") for override in broken.get("artifacts", {}).values()))
    place["unheard-of"] = {}
    with pytest.raises(WrongUsage, match="unheard-of"):
        load_policy(written(broken), ALONE)


@settings(max_examples=100, deadline=None)
@given(
    APPROVALS,
    st.lists(st.tuples(st.sampled_from(["*", "a*", "?", "b"]), APPROVALS), max_size=3, unique_by=lambda p: p[0]),
)
def test_rules__overrides__the_last_that_says_a_key_decides(base: Any, overrides: Any) -> None:
    raw = {
        "stages": {"prod": {"approvals": base}},
        "artifacts": {glob: {"stages": {"prod": {"approvals": rule}}} for glob, rule in overrides},
    }
    merged = dict(base)
    for glob, rule in overrides:
        if glob != "b":
            merged |= rule
    rules = load_policy(written(raw), ALONE).rules("a", "prod")
    assert rules is not None
    assert rules.approvals == ApprovalRule.read(merged)


SOAKS = st.fixed_dictionaries(
    {}, optional={"after": st.sampled_from([[], ["dev"]]), "soak": st.sampled_from(["0s", "1h"])}
)


@settings(max_examples=500, deadline=None)
@given(SOAKS, st.dictionaries(st.sampled_from(["*a*", "*b*", "*c*"]), SOAKS, max_size=3))
def test_check_policy__soaks_and_overrides__none_is_left_without_a_stage_to_hold(base: Any, overrides: Any) -> None:
    layers = {glob: {"stages": {"prod": rules}} for glob, rules in overrides.items()}
    data = written({"stages": {"dev": {}, "prod": base}, "artifacts": layers})
    assume(check_policy(data) == [])
    policy = load_policy(data, ALONE)
    for artifact in ("x", "a", "b", "c", "ab", "ac", "bc", "abc"):
        rules = policy.rules(artifact, "prod")
        assert rules is not None
        assert rules.after or not rules.soak


def test_on_failure__may_stand_alone_or_beside_what_is_started() -> None:
    def rules(deliver: str) -> StageRules:
        found = load_policy(f"stages: {{prod: {{deliver: {deliver}}}}}\n".encode(), ALONE).rules("churn", "prod")
        assert found is not None
        return found

    alone, beside = rules("{on_failure: rollback-change}"), rules("{pipeline: true, on_failure: rollback-change}")
    assert (alone.deliver, alone.rolls_back, alone.free) == (None, True, True)
    assert (beside.deliver is not None, beside.rolls_back) == (True, True)
    assert not rules("{pipeline: true}").rolls_back
    for wrong in ("{on_failure: restart}", "{on_failure: true}", "{wait: 2m, on_failure: rollback-change}"):
        assert check_policy(f"stages: {{prod: {{deliver: {wrong}}}}}\n".encode()), wrong
