"""Entry + JSON Schema -> findings: exact places, human words, the fix in the hint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from tagline.domain.document import Document, Node, Path, Position
from tagline.domain.findings import Finding
from tagline.domain.manifest import Kind
from tagline.domain.similar import did_you_mean
from tagline.formats.right_value import converted, flow
from tagline.formats.schema_check import Check, compile_check, read_schema

_FILES: dict[Kind, str] = {"artifacts": "artifacts.schema.json", "dvc": "dvc-artifacts.schema.json"}

# Keys of the neighbouring formats, and what they are called here.
_SYNONYMS: dict[Kind, dict[str, str]] = {
    "artifacts": {"desc": "description", "meta": "custom", "label": "labels", "tags": "labels", "name": ""},
    "dvc": {"description": "desc", "custom": "meta", "label": "labels", "tags": "labels"},
}
_OURS = frozenset(("virtual", "metrics", "mlflow"))
# Where a mapping is wanted and text is written: the key that the text belongs under.
_MAIN_KEYS = {"mlflow": "run_id"}
_WORDS = {
    "string": "text",
    "null": "empty",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "number": "a number",
}


def check_entry(document: Document, path: Path, *, kind: Kind, file: str, artifact: str | None) -> list[Finding]:
    """Findings about the artifact at ``path`` of the document; ``kind`` names its schema."""
    node = document.find(path)
    if node is None or _quick(kind)(node.value):
        return []
    if kind == "artifacts" and path == ("artifacts",) and _is_wrapper(node.value):
        return [_wrapper(document, file)]
    explanation = _Explanation(document, path, kind, file, artifact)
    found = [finding for error in _validator(kind).iter_errors(node.value) for finding in explanation.of(error)]
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _is_wrapper(entry: Any) -> bool:
    """Whether an invalid entry called ``artifacts`` holds the artifacts, as that key of a dvc.yaml does."""
    known = read_schema(_FILES["artifacts"])["$defs"]["artifact"]["properties"]
    return (
        isinstance(entry, dict)
        and not known.keys() >= entry.keys()
        and all(isinstance(v, dict) for v in entry.values())
    )


def _wrapper(document: Document, file: str) -> Finding:
    place = document.key_position(("artifacts",)) or Position(1, 1)
    return Finding(
        file, place.line, place.column, None, "artifacts-wrapper", "error",
        "In artifacts.yaml the names stand at the top level.", "Remove 'artifacts:' and unindent its entries.",
    )  # fmt: skip


@cache
def _quick(kind: Kind) -> Check:
    schema = read_schema(_FILES[kind])
    return compile_check(schema, schema["$defs"]["artifact"])


@cache
def _validator(kind: Kind) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    schemas = [read_schema(name) for name in _FILES.values()]
    registry: Any = Registry().with_resources([(s["$id"], Resource.from_contents(s)) for s in schemas])
    base = read_schema(_FILES[kind])["$id"]
    return Draft202012Validator({"$ref": base + "#/$defs/artifact"}, registry=registry)


class _Explanation:
    """Turns the library's errors about one entry into findings."""

    def __init__(self, document: Document, path: Path, kind: Kind, file: str, artifact: str | None) -> None:
        self._document = document
        self._path = path
        self._kind = kind
        self._file = file
        self._artifact = artifact

    def of(self, error: Any) -> Iterator[Finding]:
        """The findings that one error amounts to."""
        for part in _meant(error):
            yield from self._one(part)

    def _one(self, error: Any) -> Iterator[Finding]:
        path = (*self._path, *error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            for key in (key for key in error.instance if key not in known):
                yield self._unknown_key(path, key, list(known))
        elif error.validator == "required":
            for key in (key for key in error.validator_value if key not in error.instance):
                example = _example(error.schema["properties"][key])
                yield self._finding(
                    self._key(path),
                    "missing-key",
                    f"{self._what(path)} has no '{key}'.",
                    f"Add '{key}: {example}'.",
                )
        elif error.validator == "minLength":
            yield self._finding(
                self._value(path),
                "wrong-value",
                f"{self._what(path)} is empty.",
                "Give it a value, or remove the key.",
            )
        else:
            yield self._wrong_type(path, error)

    def _unknown_key(self, path: Path, key: str, known: list[str]) -> Finding:
        keys = ", ".join(known)
        synonym = _SYNONYMS[self._kind].get(key) if len(path) == len(self._path) else None
        if guess := synonym or did_you_mean(key[:100], known):
            hint = f"Did you mean '{guess}'?"
        elif self._kind == "dvc" and key in _OURS:
            hint = f"Move it under 'meta: {{tagline: {{{key}: ...}}}}': DVC rejects other keys."
        elif len(path) == len(self._path):
            own = "custom" if self._kind == "artifacts" else "meta"
            hint = f"Known keys are {keys}. Data of your own belongs under '{own}'."
        else:
            hint = f"Known keys are {keys}."
        return self._finding(self._key((*path, key)), "unknown-key", f"Unknown key '{key}' in {self._in(path)}.", hint)

    def _wrong_type(self, path: Path, error: Any) -> Finding:
        node = self._document.find(path)
        kinds = _expected(error)
        message = f"{self._what(path)} must be {' or '.join(kinds)}, not {_describe(error.instance, node)}."
        return self._finding(self._value(path), "wrong-type", message, self._right_type(path, kinds, error, node))

    def _right_type(self, path: Path, kinds: list[str], error: Any, node: Node | None) -> str:
        """How to write the value: the user's own if it can be guessed, else an example."""
        is_entry = len(path) == len(self._path)
        if is_entry and error.instance is None and self._kind == "artifacts":
            return f"Write '{path[-1]}: {{}}' for an artifact with a name only."
        key = f"{path[-1]}: " if isinstance(path[-1], str) else ""
        main_key = "path" if is_entry else _MAIN_KEYS.get(str(path[-1]))
        if node and (own := converted(node, kinds, main_key)):
            return f"Write '{key}{own}'."
        example = f"'{key}{_example(error.schema)}'"
        if error.instance is None and not is_entry:
            return f"Remove the key, or give it a value such as {example}."
        return f"For example {example}."

    def _what(self, path: Path) -> str:
        if len(path) == len(self._path):
            return f"Artifact '{path[-1]}'"
        first, *rest = path[len(self._path) :]
        return f"'{first}{''.join(f'[{key}]' if isinstance(key, int) else f'.{key}' for key in rest)}'"

    def _in(self, path: Path) -> str:
        return self._what(path).replace("Artifact", "artifact")

    def _key(self, path: Path) -> Position:
        return self._document.key_position(path) or self._value(path[:-1])

    def _value(self, path: Path) -> Position:
        while path:
            if node := self._document.find(path):
                return node.position
            path = path[:-1]
        return Position(1, 1)

    def _finding(self, place: Position, rule: str, message: str, hint: str) -> Finding:
        return Finding(self._file, place.line, place.column, self._artifact, rule, "error", message, hint)


def _meant(error: Any) -> Iterator[Any]:
    """For an ``anyOf``: the errors inside the alternative that was meant, else the error itself.

    Meant is the alternative whose type the value has; without one, the whole ``anyOf`` is wrong.
    """
    branches: dict[int, list[Any]] = {}
    for part in error.context or ():
        branches.setdefault(part.schema_path[0], []).append(part)
    for parts in branches.values():
        if not any(part.validator == "type" and not part.path for part in parts):
            for part in parts:
                yield from _meant(part)
            return
    yield error


def _expected(error: Any) -> list[str]:
    """The kinds of value that would have been right, in words."""
    if error.validator == "anyOf":
        names = [name for part in error.context for name in _expected(part)]
    else:
        value = error.validator_value
        names = [_WORDS.get(name, name) for name in ([value] if isinstance(value, str) else value)]
    return [name for i, name in enumerate(names) if name not in names[:i] and name != "empty"]


def _describe(value: Any, node: Node | None) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {node.written if node and node.written else value}"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"


def _example(schema: Any) -> str:
    examples = schema.get("examples") or ["..."]
    return flow(examples[0])
