"""The schemas of files that people write, as editors know them best: ``schemas/draft-07`` and the catalogue.

SchemaStore asks for draft-07, because many editors know no later one. Ours are of 2020-12, which says the same in other
words. Source: https://github.com/SchemaStore/schemastore/blob/master/CONTRIBUTING.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_OURS = "https://tagline.dev/schemas/"
NAMES = ("artifacts", "card", "policy", "request")

#: As SchemaStore's catalogue has entries. artifacts.yaml is GTO's name and promotions/ may be anybody's: those two are
#: for people to choose, by a first line or in their editor's settings.
_ENTRIES: tuple[dict[str, Any], ...] = (
    {
        "name": "Tagline artifacts",
        "description": "Models, data sets and other artifacts of a repository, as Tagline and GTO read them",
        "url": f"{_OURS}draft-07/artifacts.schema.json",
    },
    {
        "name": "Tagline model card",
        "description": "Front matter of a model card, as the Hugging Face Hub and Tagline read it",
        "url": f"{_OURS}draft-07/card.schema.json",
    },
    {
        "name": "Tagline policy",
        "description": "What a change must satisfy before Tagline moves a stage of a model",
        "fileMatch": [".tagline.yaml"],
        "url": f"{_OURS}draft-07/policy.schema.json",
    },
    {
        "name": "Tagline requests",
        "description": "What a change asks of Tagline by a file under promotions",
        "url": f"{_OURS}draft-07/request.schema.json",
    },
)


def editor_files() -> Iterator[tuple[Path, str]]:
    """Every file and its text."""
    for name in NAMES:
        file = f"{name}.schema.json"
        found = draft_07(json.loads((ROOT / "schemas" / file).read_text()))
        found = {**found, "$schema": "http://json-schema.org/draft-07/schema#", "$id": f"{_OURS}draft-07/{file}"}
        yield ROOT / "schemas" / "draft-07" / file, _text(found)
    catalogue = {
        "$schema": "https://www.schemastore.org/schema-catalog.json",
        "version": 1,
        "schemas": list(_ENTRIES),
    }
    yield ROOT / "schemas" / "catalog.json", _text(catalogue)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


#: What holds schemas by names that are no keywords.
_BY_NAME = ("properties", "definitions")
#: What holds no schema.
_PLAIN = ("examples", "enum", "const", "required", "default", "dependencies")


def draft_07(schema: Any) -> Any:
    """A schema of 2020-12 in the words of draft-07, where nothing counts beside a ``$ref``."""
    if isinstance(schema, list):
        return [draft_07(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        key = {"$defs": "definitions", "dependentRequired": "dependencies"}.get(key, key)
        if key in _BY_NAME:
            found[key] = {name: draft_07(part) for name, part in value.items()}
        elif key == "$ref":
            found[key] = value.replace("#/$defs/", "#/definitions/")
        else:
            found[key] = value if key in _PLAIN else draft_07(value)
    reference = found.pop("$ref", None)
    if reference is not None:
        found = {**found, "allOf": [{"$ref": reference}, *found.get("allOf", ())]} if found else {"$ref": reference}
    return found
