"""Every JSON document that a test sees is held against its schema in schemas/output/: no field is unnamed there."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).parents[2] / "schemas" / "output"
_WRITES = ("register", "assign", "unassign", "rollback", "deregister", "deprecate")


def check(arguments: Sequence[str], out: str) -> None:
    """Hold what a command printed under ``--json`` against its schema; anything else passes."""
    if "--json" not in arguments and ("--format", "json") not in itertools.pairwise(arguments):
        return
    try:
        document = json.loads(out)
    except ValueError:
        return
    name = _schema_of(arguments, document)
    errors = [f"{error.json_path}: {error.message[:300]}" for error in _validator(name).iter_errors(document)]
    assert not errors, f"{' '.join(arguments)} is not as schemas/output/{name}.schema.json says: {errors[:3]}"


def _schema_of(arguments: Sequence[str], document: Any) -> str:
    command = next(word for word in arguments if not word.startswith("-"))
    if isinstance(document, dict) and list(document) == ["error"]:
        return "error"
    if command == "labels":
        return "labels-sync"
    if command in _WRITES:
        return "write"
    if command == "show":
        return "show" if "artifacts" in document else "show-target"
    if command == "history":
        return "history" if "events" in document else "history-at"
    if command == "lineage":
        return "lineage-change" if "change" in document else "lineage"
    return "change" if command in ("plan", "promote") else command


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    schemas = {path.name: _strict(json.loads(path.read_text())) for path in FOLDER.glob("*.schema.json")}
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    return Draft202012Validator(schemas[f"{name}.schema.json"], registry=registry)


def _strict(schema: Any) -> Any:
    """The schema without leave for fields that it does not name."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("title") != "open":
        strict.setdefault("additionalProperties", False)
    return strict


def documented() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and schema of every document."""
    for path in sorted(FOLDER.glob("*.schema.json")):
        if path.stem != "common.schema":
            yield path.name.removesuffix(".schema.json"), json.loads(path.read_text())
