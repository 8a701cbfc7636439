"""A JSON Schema compiled to one fast yes-or-no function.

jsonschema explains errors well but is slow to import and to run, and nearly every entry of
nearly every manifest, and nearly every policy, is fine. So this compiles the few keywords that
our schemas use, from the same files, and jsonschema is only asked about what is not fine. A test
compares the two on generated data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Check = Callable[[Any], bool]
Schema = Mapping[str, Any]

_ANNOTATIONS = frozenset(("$schema", "$id", "$defs", "title", "description", "examples", "default", "format"))
_TYPES: dict[str, Check] = {
    "string": lambda v: isinstance(v, str),
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "integer": lambda v: (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer()),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


def read_schema(name: str) -> dict[str, Any]:
    """One of the schemas that ship with Tagline, by file name."""
    path = Path(__file__).parents[2] / "schemas" / name
    schema: dict[str, Any] = json.loads(path.read_bytes())
    return schema


def compile_check(document: Schema, schema: Schema | None = None) -> Check:
    """A function that tells whether a value satisfies ``schema``, a part of ``document``.

    Raises NotImplementedError at a keyword that it does not know.
    """
    return _Compiler(document).compile(document if schema is None else schema)


class _Compiler:
    def __init__(self, document: Schema) -> None:
        self._document = document
        self._references: dict[str, list[Check]] = {}
        self._keywords: dict[str, Callable[[Any, Schema], Check]] = {
            "$ref": self._ref,
            "type": self._type,
            "minLength": self._min_length,
            "minimum": self._minimum,
            "items": self._items,
            "required": self._required,
            "properties": self._properties,
            "additionalProperties": self._additional,
            "propertyNames": self._names,
            "pattern": self._pattern,
            "anyOf": self._any_of,
            "not": self._not,
            "enum": self._enum,
            "minItems": self._min_items,
            "dependentRequired": self._dependent,
        }

    def compile(self, schema: Schema) -> Check:
        checks = []
        for keyword, value in schema.items():
            if keyword in _ANNOTATIONS:
                continue
            if keyword not in self._keywords:
                raise NotImplementedError(f"JSON Schema keyword {keyword}")
            checks.append(self._keywords[keyword](value, schema))
        if len(checks) == 1:
            return checks[0]
        return lambda value: all(check(value) for check in checks)

    def _ref(self, reference: str, _schema: Schema) -> Check:
        # A schema may refer to itself: the slot is there before its check is compiled.
        slot = self._references.get(reference)
        if slot is None:
            slot = self._references[reference] = []
            file, _, pointer = reference.partition("#")
            if file:
                slot.append(compile_check(other := read_schema(file), _at(other, pointer)))
            else:
                slot.append(self.compile(_at(self._document, pointer)))
        return lambda value: slot[0](value)

    def _type(self, names: str | list[str], _schema: Schema) -> Check:
        if isinstance(names, str):
            return _TYPES[names]
        checks = [_TYPES[name] for name in names]
        return lambda value: any(check(value) for check in checks)

    def _min_length(self, length: int, _schema: Schema) -> Check:
        return lambda value: not isinstance(value, str) or len(value) >= length

    def _minimum(self, least: float, _schema: Schema) -> Check:
        return lambda value: not isinstance(value, int | float) or isinstance(value, bool) or value >= least

    def _pattern(self, pattern: str, _schema: Schema) -> Check:
        expression = re.compile(pattern)
        return lambda value: not isinstance(value, str) or expression.search(value) is not None

    def _items(self, items: Schema, _schema: Schema) -> Check:
        check = self.compile(items)
        return lambda value: not isinstance(value, list) or all(check(item) for item in value)

    def _required(self, names: list[str], _schema: Schema) -> Check:
        return lambda value: not isinstance(value, dict) or all(name in value for name in names)

    def _names(self, names: Schema, _schema: Schema) -> Check:
        check = self.compile(names)
        return lambda value: not isinstance(value, dict) or all(check(name) for name in value)

    def _properties(self, properties: Mapping[str, Schema], _schema: Schema) -> Check:
        checks = {name: self.compile(part) for name, part in properties.items()}

        def check(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            return all(checks[name](part) for name, part in value.items() if name in checks)

        return check

    def _additional(self, rest: bool | Schema, schema: Schema) -> Check:
        known = frozenset(schema.get("properties", ()))
        if isinstance(rest, bool):
            return lambda value: rest or not isinstance(value, dict) or known.issuperset(value)
        check = self.compile(rest)
        return lambda value: (
            not isinstance(value, dict) or all(check(part) for name, part in value.items() if name not in known)
        )

    def _any_of(self, schemas: list[Schema], _schema: Schema) -> Check:
        checks = [self.compile(schema) for schema in schemas]
        return lambda value: any(check(value) for check in checks)

    def _not(self, schema: Schema, _schema: Schema) -> Check:
        check = self.compile(schema)
        return lambda value: not check(value)

    def _enum(self, words: list[str], _schema: Schema) -> Check:
        # Words only: numbers would have to be told from booleans.
        if not all(isinstance(word, str) for word in words):
            raise NotImplementedError("JSON Schema keyword enum with anything but strings")
        return lambda value: isinstance(value, str) and value in words

    def _min_items(self, least: int, _schema: Schema) -> Check:
        return lambda value: not isinstance(value, list) or len(value) >= least

    def _dependent(self, needs: Mapping[str, list[str]], _schema: Schema) -> Check:
        return lambda value: (
            not isinstance(value, dict) or all(name in value for key in needs if key in value for name in needs[key])
        )


def _at(document: Schema, pointer: str) -> Schema:
    part: Any = document
    for key in pointer.strip("/").split("/"):
        part = part[key]
    schema: Schema = part
    return schema
