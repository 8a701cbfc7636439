"""The schemas and their two readers: jsonschema, and the compiled check that must agree with it."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tagline.domain.manifest.document import Document
from tagline.domain.manifest.interpolation import resolve_artifacts
from tagline.domain.manifest.manifest import Declared, Kind, ManifestEntry, declared
from tagline.formats.schema import findings as schema
from tagline.formats.schema.check import compile_check, read_schema
from tagline.formats.yaml import reading as yaml

FILES = {"artifacts": "artifacts.schema.json", "dvc": "dvc-artifacts.schema.json"}
SCHEMAS = {kind: read_schema(file) for kind, file in FILES.items()}
REGISTRY: Any = Registry().with_resources([(s["$id"], Resource.from_contents(s)) for s in SCHEMAS.values()])
WHOLE = {kind: Draft202012Validator(s, registry=REGISTRY) for kind, s in SCHEMAS.items()}
QUICK = {kind: compile_check(s) for kind, s in SCHEMAS.items()}

FIELDS = [
    "type", "path", "description", "labels", "custom", "virtual", "metrics", "mlflow",
    "desc", "meta", "tagline", "run_id", "tracking_uri", "version", "auc", "other",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-1, 2) | st.just(0.5) | st.sampled_from(["", "x", "a b"])
VALUES = st.recursive(
    LEAVES,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), parts, max_size=4),
    max_leaves=12,
)
ENTRIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4)
FILES_OF_ENTRIES = st.dictionaries(st.sampled_from(["a", "b/c", "a b", "", "-x"]), ENTRIES | VALUES, max_size=3)


def subschemas(part: Any):
    if isinstance(part, dict):
        if {"type", "anyOf", "properties", "$ref"} & part.keys() and "title" in part:
            yield part
        for key, child in part.items():
            if key != "examples":
                yield from subschemas(child)
    elif isinstance(part, list):
        for child in part:
            yield from subschemas(child)


@pytest.mark.parametrize("kind", FILES)
def test_schema__itself__is_valid_and_identified(kind: str):
    Draft202012Validator.check_schema(SCHEMAS[kind])
    assert SCHEMAS[kind]["$id"] == f"https://tagline.dev/schemas/{FILES[kind]}"


@pytest.mark.parametrize("kind", FILES)
def test_schema__every_part__has_title_description_and_valid_examples(kind: str):
    base = SCHEMAS[kind]["$id"]
    parts = list(subschemas(SCHEMAS[kind]))
    assert len(parts) > 5
    for part in parts:
        assert part["description"], part["title"]
        assert part["examples"], part["title"]
        # References inside a part are relative to its file.
        resolved = json.loads(
            json.dumps(part)
            .replace('"#/', f'"{base}#/')
            .replace('"artifacts.schema', '"https://tagline.dev/schemas/artifacts.schema')
        )
        resolved.pop("$id", None)
        for example in part["examples"]:
            Draft202012Validator(resolved, registry=REGISTRY).validate(example)


@settings(max_examples=300, deadline=None)
@given(FILES_OF_ENTRIES)
def test_compile_check__any_data__agrees_with_jsonschema(data: Any):
    for kind in FILES:
        assert QUICK[kind](data) == WHOLE[kind].is_valid(data)


@settings(max_examples=300, deadline=None)
@given(ENTRIES | VALUES)
def test_check_entry__any_entry__has_findings_exactly_when_it_is_invalid(entry: Any):
    document = yaml.load(json.dumps({"a": entry}).encode())
    for kind in get_args(Kind):
        findings = schema.check_entry(document, item(document, kind))
        assert bool(findings) != WHOLE[kind].is_valid({"a": entry})
        for finding in findings:
            assert finding.message
            assert finding.hint
            assert "jsonschema" not in finding.message
            assert 1 <= finding.column <= len(json.dumps({"a": entry}))


@pytest.mark.parametrize("value", [[], ["a"], "a", "b", 1, True, None, {"soak": 1}, {"soak": 1, "after": 2}])
@pytest.mark.parametrize(
    "part",
    [{"not": {"type": "string"}}, {"enum": ["a", "c"]}, {"minItems": 1}, {"dependentRequired": {"soak": ["after"]}}],
)
def test_compile_check__one_keyword__agrees_with_jsonschema(part: Any, value: Any):
    assert compile_check(part)(value) == Draft202012Validator(part).is_valid(value)


def test_compile_check__enum_of_more_than_words__is_refused():
    with pytest.raises(NotImplementedError, match="enum"):
        compile_check({"enum": [1]})


def test_compile_check__unknown_keyword__is_refused_and_not_ignored():
    with pytest.raises(NotImplementedError, match="maxLength"):
        compile_check({"type": "string", "maxLength": 3})


def item(document: Document, kind: Kind) -> Declared:
    """The artifact ``a`` at the document's root, also of the kind that has it elsewhere."""
    key, node = document.key_position(("a",)), document.find(("a",))
    assert key is not None
    assert node is not None
    return Declared(ManifestEntry("a", "f", 1), "a", ("a",), key, node, kind)


def findings(text: str, kind: Kind = "artifacts") -> list[tuple[int, int, str, str, str]]:
    document = yaml.load(text.encode())
    found = schema.check_entry(document, item(document, kind))
    return [(f.line, f.column, f.rule, f.message, f.hint) for f in found]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            "artifacts",
            "a: {pth: x}",
            (1, 5, "unknown-key", "Unknown key 'pth' in artifact 'a'.", "Did you mean 'path'?"),
        ),
        (
            "artifacts",
            "a: {desc: x}",
            (1, 5, "unknown-key", "Unknown key 'desc' in artifact 'a'.", "Did you mean 'description'?"),
        ),
        (
            "dvc",
            "a: {path: x, description: y}",
            (1, 14, "unknown-key", "Unknown key 'description' in artifact 'a'.", "Did you mean 'desc'?"),
        ),
        (
            "artifacts",
            "a:\n  type: 1.5",
            (2, 9, "wrong-type", "'type' must be text, not the number 1.5.", "Write 'type: \"1.5\"'."),
        ),
        (
            "artifacts",
            "a:\n  type: true",
            (2, 9, "wrong-type", "'type' must be text, not true.", "Write 'type: \"true\"'."),
        ),
        (
            "artifacts",
            "a:\n  labels: [x, []]",
            (2, 15, "wrong-type", "'labels[1]' must be text, not a list.", "For example 'tabular'."),
        ),
        (
            "artifacts",
            "a:",
            (
                1,
                3,
                "wrong-type",
                "Artifact 'a' must be a mapping, not empty.",
                "Write 'a: {}' for an artifact with a name only.",
            ),
        ),
        (
            "dvc",
            "a: {}",
            (1, 1, "missing-key", "Artifact 'a' has no 'path'.", "Add 'path: models/churn.pkl'."),
        ),
        (
            "artifacts",
            "a: {mlflow: {}}",
            (
                1,
                5,
                "missing-key",
                "'mlflow' has none of run_id, model with version.",
                "Add 'run_id: ...'.",
            ),
        ),
        (
            "artifacts",
            "a: {metrics: []}",
            (
                1,
                14,
                "wrong-type",
                "'metrics' must be text or a mapping, not a list.",
                "For example 'metrics: metrics/churn.json'.",
            ),
        ),
        (
            "artifacts",
            "a: {metrics: {t: {auc: x}}}",
            (
                1,
                24,
                "wrong-type",
                "'metrics.t.auc' must be a number or a mapping, not text.",
                "For example 'auc: 0.91'.",
            ),
        ),
        (
            "artifacts",
            "a: {type: ''}",
            (1, 11, "wrong-value", "'type' is empty.", "Give it a value, or remove the key."),
        ),
    ],
)
def test_check_entry__one_mistake__is_one_finding_that_says_how_to_mend_it(kind: Kind, text: str, expected: tuple):
    assert findings(text, kind) == [expected]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: {labels: fraud}", "Write 'labels: [fraud]'."),
        ("a: {labels: 'fraud, risk team,'}", "Write 'labels: [fraud, risk team]'."),
        ("a: {labels: 'no: way'}", """Write 'labels: ["no: way"]'."""),
        ("a: {labels: 2024}", """Write 'labels: ["2024"]'."""),
        ("a: {labels: [x, 1]}", """Write '"1"'."""),
        ("a: {labels: ','}", "For example 'labels: [tabular, weekly]'."),
        ("a: {description: 1.10}", """Write 'description: "1.10"'."""),
        ("a: {description: 0x1F}", """Write 'description: "0x1F"'."""),
        ("a: {custom: &n 1.10, description: *n}", """Write 'description: "1.10"'."""),
        ("a: {path: [m.pkl]}", "Write 'path: m.pkl'."),
        ("a: {path: [m.pkl, n.pkl]}", "For example 'path: models/churn.pkl'."),
        ("a: {virtual: yes}", "Write 'virtual: true'."),
        ("a: {virtual: 'False'}", "Write 'virtual: false'."),
        ("a: {virtual: 1}", "Write 'virtual: true'."),
        ("a: {virtual: maybe}", "For example 'virtual: true'."),
        ("a: models/x.pkl", "Write 'a: {path: models/x.pkl}'."),
        ("a: s3://b/k", """Write 'a: {path: "s3://b/k"}'."""),
        ("a: 3", "For example 'a: {type: model, path: models/churn.pkl}'."),
        ("a: {mlflow: 0a1b}", "Write 'mlflow: {run_id: 0a1b}'."),
        ("a: {metrics: {auc: '0.91'}}", "Write 'auc: 0.91'."),
        ("a: {metrics: {auc: 'yes'}}", "For example 'auc: 0.91'."),
        ("a: {metrics: 1}", "For example 'metrics: metrics/churn.json'."),
        ("a: {labels: " + "x" * 81 + "}", "For example 'labels: [tabular, weekly]'."),
        ("a: {labels: null}", "Remove the key, or give it a value such as 'labels: [tabular, weekly]'."),
    ],
)
def test_check_entry__wrong_type__hint_repeats_the_users_own_value(text: str, hint: str):
    assert [f[4] for f in findings(text)] == [hint]


def test_check_entry__number_beside_templates__is_quoted_as_it_is_written():
    text = b"artifacts: {a: {path: '${p}', desc: 1.10}}"
    document = resolve_artifacts(yaml.load(text), "dvc.yaml", lambda path: {"p": "x"})
    (found,) = schema.check_entry(document, *declared(document, "dvc.yaml"))
    assert (document.problems, found.hint) == ((), """Write 'desc: "1.10"'.""")


def test_check_entry__text_where_meta_wants_a_mapping__is_not_taken_for_a_run_id():
    hint = findings("a: {path: x, meta: {tagline: x}}", "dvc")[0][4]
    assert hint == "For example 'tagline: {metrics: metrics/churn.json}'."


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aé1.0:,#'\"[]{}&*!|>%@- ~=\\\n", min_size=1, max_size=8))
def test_check_entry__any_text_where_a_list_is_wanted__hint_is_valid_yaml_of_that_text(text: str):
    hint = findings(json.dumps({"a": {"labels": text}}))[0][4]
    proposed = hint.removeprefix("Write '").removeprefix("For example '").removesuffix("'.")
    labels = yaml.load(proposed.encode()).find(("labels",))
    assert labels is not None
    if hint.startswith("Write"):
        assert labels.value == [word.strip() for word in text.split(",") if word.strip()]


def test_check_entry__two_mistakes_below_any_of__are_both_found():
    assert [f[:2] for f in findings("a: {metrics: {x: y, z: [1]}}")] == [(1, 18), (1, 24)]


def test_check_entry__valid_entry__does_not_import_jsonschema():
    import subprocess
    import sys

    code = (
        "import sys; from tagline.formats.schema import findings; from tagline.formats.yaml import reading;"
        "from tagline.domain.manifest.manifest import declared; document = reading.load(b'a: {path: x}');"
        "assert findings.check_entry(document, *declared(document, 'artifacts.yaml')) == [];"
        "sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
