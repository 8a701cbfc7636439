"""docs/manifest.md: its examples are valid, and it leaves out no field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tagline.commands.manifest.describe import describe
from tagline.commands.manifest.validate import validate
from tests.support.fakes import MemoryTree

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "manifest.md").read_text()
BLOCKS = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", TEXT)
FILES = {"models/churn.pkl": "", "metrics/churn.json": "{}"}


def example(first_line: str) -> str:
    (found,) = (text for _, text in BLOCKS if text.startswith(first_line))
    return found


def properties(part: Any) -> set[str]:
    """The names of all fields in a schema, without those of examples."""
    if isinstance(part, list):
        return set().union(*map(properties, part))
    if not isinstance(part, dict):
        return set()
    inner = set().union(*(properties(value) for key, value in part.items() if key != "examples"))
    return inner | set(part["properties"]) if "properties" in part else inner


@pytest.mark.parametrize("file", ["artifacts.yaml", "dvc.yaml"])
def test_manifest_document__examples__are_valid(file: str):
    tree = MemoryTree({**FILES, file: example(f"# {file}"), ".gto": example("types:")})
    report = validate(tree, None, has_registry_tags=lambda: True)
    assert report.findings == ()
    assert [checked.file for checked in report.checked if checked.file != ".gto"] == [file]


@pytest.mark.parametrize("file", ["artifacts.yaml", "dvc.yaml"])
def test_manifest_document__examples__fill_every_field(file: str):
    entry = describe("churn", MemoryTree({file: example(f"# {file}")}))
    assert entry is not None
    assert entry.mlflow is not None
    assert all((entry.type, entry.path, entry.description, entry.labels, entry.custom, entry.metrics))


@pytest.mark.parametrize("schema", ["artifacts.schema.json", "dvc-artifacts.schema.json"])
def test_manifest_document__fields__are_all_there(schema: str):
    fields = properties(json.loads((ROOT / "schemas" / schema).read_text()))
    assert len(fields) >= 6
    quoted = " ".join(re.findall(r"`([^`\n]+)`", TEXT))
    assert {field for field in fields if not re.search(rf"\b{field}\b", quoted)} == set()


def test_manifest_document__settings__are_json():
    (settings,) = (text for language, text in BLOCKS if language == "json")
    assert "artifacts.schema.json" in next(iter(json.loads(settings)["yaml.schemas"]))


@pytest.mark.parametrize("file", ["docs/manifest.md", "docs/rules.md"])
def test_manifest_document__links__lead_somewhere(file: str):
    here = ROOT / file
    for target in re.findall(r"\]\(([^)#]+)\)", here.read_text()):
        assert target.startswith("https://") or (here.parent / target).exists(), target
