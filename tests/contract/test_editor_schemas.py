"""What editors know of the files that people write: the same in both drafts, and an entry as SchemaStore takes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from tagline.domain.changes.request_files import judge_requests
from tagline.formats.yaml import reading as yaml
from tests.contract.test_documents import DOCS
from tests.editor_schemas import NAMES
from tests.formats.test_policy import POLICIES, VALUES

SCHEMAS = Path(__file__).parents[2] / "schemas"
CATALOGUE = json.loads((SCHEMAS / "catalog.json").read_text())


def both(name: str) -> tuple[Draft202012Validator, Draft7Validator]:
    new, old = (json.loads((SCHEMAS / path / f"{name}.schema.json").read_text()) for path in ("", "draft-07"))
    return Draft202012Validator(new), Draft7Validator(old)


POLICY, REQUEST, ARTIFACTS = both("policy"), both("request"), both("artifacts")
VERSIONS = st.sampled_from(["this", "latest", "v1.2.3", "v1.2.3-rc.1+b", "1.2.3", "v1", "x", "", None, 1])
FLAGS = st.sampled_from([True, False, None, "true", 1])
TEXTS = st.sampled_from(["RISK-1", "#12", "a b", "", " ", "x" * 201, None, 3, ["A-1"], ["A-1", "B 2"], []])
REQUESTS = st.lists(
    st.fixed_dictionaries(
        {"artifact": st.sampled_from(["churn", "d/e:m", "a b", "", ":x", None, 3])},
        optional={
            "version": VERSIONS, "from": VERSIONS, "rollback": FLAGS, "lift": FLAGS, "reason": TEXTS,
            "ticket": TEXTS, "override": TEXTS, "nonsense": FLAGS,
        },
    ),
    max_size=2,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_editions__are_schemas_that_say_where_they_are(name: str) -> None:
    new, old = both(name)
    for validator, folder, draft in (
        (new, "", "https://json-schema.org/draft/2020-12/schema"),
        (old, "draft-07/", "http://json-schema.org/draft-07/schema#"),
    ):
        validator.check_schema(validator.schema)
        assert validator.schema["$schema"] == draft
        assert validator.schema["$id"] == f"https://tagline.dev/schemas/{folder}{name}.schema.json"
    text = json.dumps(old.schema)
    assert not re.search(r'"\$defs"|dependentRequired|unevaluated|prefixItems|"\$anchor"', text)
    assert not re.search(r'"\$ref": "[^#]', text), "SchemaStore follows no other file"
    for example in new.schema.get("examples", ()):
        new.validate(example)
        old.validate(example)


@given(POLICIES | VALUES)
def test_editions__of_the_policy__judge_alike(value: Any) -> None:
    new, old = POLICY
    assert new.is_valid(value) == old.is_valid(value)


@given(st.dictionaries(st.sampled_from(["a", "b c"]), VALUES | st.fixed_dictionaries({"path": st.text(max_size=3)})))
def test_editions__of_the_manifest__judge_alike(value: Any) -> None:
    new, old = ARTIFACTS
    assert new.is_valid(value) == old.is_valid(value)


@given(REQUESTS)
def test_request_schema__says_what_the_reader_says(value: Any) -> None:
    new, old = REQUEST
    _, findings = judge_requests("promotions/prod/x.yaml", yaml.load(json.dumps(value).encode()))
    assert new.is_valid(value) == old.is_valid(value) == (findings == []), findings


def test_catalogue__is_as_schemastore_takes_it() -> None:
    """Their rules, by https://www.schemastore.org/schema-catalog.json and what their cli.js checks of a catalogue."""
    assert set(CATALOGUE) == {"$schema", "version", "schemas"}
    assert CATALOGUE["$schema"] == "https://www.schemastore.org/schema-catalog.json"
    names = [entry["name"] for entry in CATALOGUE["schemas"]]
    assert names == sorted(set(names), key=str.casefold)
    for entry in CATALOGUE["schemas"]:
        assert {"name", "description", "url"} <= set(entry) <= {"name", "description", "url", "fileMatch"}
        for words in (entry["name"], entry["description"]):
            assert words[-1] not in ",. \t-"
            assert "schema" not in words.casefold()
            assert "\n" not in words
        # Nobody else's name, and none that is anybody's: artifacts.yaml is GTO's.
        assert set(entry.get("fileMatch", ())) <= {".tagline.yaml"}
        path = entry["url"].removeprefix("https://tagline.dev/schemas/")
        assert json.loads((SCHEMAS / path).read_text())["$id"] == entry["url"]


def test_documents__name_schemas_that_are_there() -> None:
    found = {
        url for path in DOCS for url in re.findall(r"https://tagline\.dev/schemas/([\w./-]+\.json)", path.read_text())
    }
    assert {f"draft-07/{name}.schema.json" for name in NAMES} <= found
    assert [url for url in found if not (SCHEMAS / url).is_file()] == []
