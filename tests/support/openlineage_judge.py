"""Whether a document is an OpenLineage event, by the classes that the project generates from its JSON Schemas.

They know each facet's fields, which are required, their types and the URL of the schema they were made from; the
formats (times, URIs, UUIDs) are jsonschema's.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any

import attr
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import generated
from openlineage.client.generated import base

OWN = json.loads((Path(__file__).parents[2] / "schemas" / "openlineage.schema.json").read_text())
FORMATS = FormatChecker()
FIELD_FORMATS = {
    "eventTime": "date-time", "runId": "uuid", "producer": "uri", "schemaURL": "uri", "_producer": "uri",
    "_schemaURL": "uri", "uri": "uri", "url": "uri",
}  # fmt: skip
# The names of facets that are not their class's own.
NAMES = {"DatasourceDatasetFacet": "dataSource", "DatasetVersionDatasetFacet": "version"}
KINDS = ("InputDatasetFacet", "OutputDatasetFacet", "DatasetFacet", "JobFacet", "RunFacet")

for _format in set(FIELD_FORMATS.values()):
    assert _format in FORMATS.checkers, f"nothing here checks the format {_format}"


def kind_of(url: Any) -> tuple[str, ...]:
    """Which definition a schema's URL means, and in which major version: minor ones only add."""
    match = re.fullmatch(r"https://openlineage\.io/spec/(?:facets/)?(\d+)-\d+-\d+/\w+\.json#/\$defs/(\w+)", str(url))
    return match.groups() if match else ()


def _classes() -> dict[tuple[str, ...], type]:
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for cls in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(cls, type) and issubclass(cls, base.BaseFacet):
                found[kind_of(cls._get_schema())] = cls
    return found


FACETS = _classes()


def judge(event: dict[str, Any]) -> None:
    """Raises an AssertionError, or what the classes raise, for anything that is no event."""
    assert kind_of(event.get("schemaURL")) == kind_of(base.RunEvent._get_schema()) != ()
    _read(base.RunEvent, event, "event")


def _read(cls: type, data: Any, where: str) -> Any:
    assert isinstance(data, dict), f"{where}: no object"
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in attr.fields(cls)}
    assert data.keys() <= fields.keys(), f"{where}: {cls.__name__} has no {data.keys() - fields.keys()}"
    # What the classes fill in by themselves is required all the same.
    needed = {name for name, field in fields.items() if field.default is attr.NOTHING}
    needed |= fields.keys() & {"producer", "schemaURL", "_producer", "_schemaURL"}
    assert needed <= data.keys(), f"{where}: {needed - data.keys()} missing"
    ready = {name: _value(hints[name], value, f"{where}.{name}", name) for name, value in data.items()}
    return cls(**{fields[name].alias: value for name, value in ready.items() if fields[name].init})


def _value(hint: Any, value: Any, where: str, name: str) -> Any:
    options = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    # No field of ours is null: what is unknown is left out.
    (hint,) = [option for option in options if option is not type(None)]
    if name in FIELD_FORMATS:
        FORMATS.check(value, FIELD_FORMATS[name])
    if typing.get_origin(hint) is list:
        assert isinstance(value, list), f"{where}: no list"
        (inner,) = typing.get_args(hint)
        return [_value(inner, one, f"{where}[{place}]", "") for place, one in enumerate(value)]
    if typing.get_origin(hint) is dict:
        assert isinstance(value, dict), f"{where}: no object"
        _, inner = typing.get_args(hint)
        return {key: _facet(inner, key, one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if attr.has(hint):
        return _read(hint, value, where)
    assert type(value) is hint, f"{where}: {value!r} is no {hint.__name__}"
    return value


def _facet(kind: type, key: str, data: Any, where: str) -> Any:
    if key.startswith("tagline_"):
        assert data["_schemaURL"].startswith(OWN["$id"] + "#/"), where
        schema = OWN | {"$ref": data["_schemaURL"].removeprefix(OWN["$id"])}
        Draft202012Validator(schema, format_checker=FORMATS).validate(data)
        assert data["_schemaURL"].endswith(kind.__name__), f"{where}: not for a {kind.__name__}"
        return data
    cls = FACETS.get(kind_of(data.get("_schemaURL")))
    assert cls is not None, f"{where}: no published schema of this package has the URL {data.get('_schemaURL')}"
    assert issubclass(cls, kind), f"{where}: {cls.__name__} is no {kind.__name__}"
    own = next(cls.__name__.removesuffix(suffix) for suffix in KINDS if cls.__name__.endswith(suffix))
    assert key == NAMES.get(cls.__name__, own[0].lower() + own[1:]), f"{where}: not the name of {cls.__name__}"
    return _read(cls, data, where)
