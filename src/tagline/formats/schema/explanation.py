"""jsonschema's errors about a value of a document -> findings: places, human words, the fix in the hint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tagline.domain.manifest.document import Document, Node, Path, Position
from tagline.domain.manifest.findings import Finding
from tagline.domain.text.similar import did_you_mean
from tagline.formats.schema.right_value import converted, flow

_WORDS = {
    "string": "text",
    "null": "empty",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "number": "a number",
    "integer": "a whole number",
}
_LONGEST = 100  # a finding repeats no more than this of the user's text


class Explanation:
    """Explains errors about the value at ``root`` of a document.

    Each format has a subclass that knows its vocabulary.
    """

    #: Where a mapping is wanted and text is written: the key that the text belongs under, by the mapping's.
    main_keys: Mapping[str, str] = {}

    def __init__(self, document: Document, root: Path, file: str, artifact: str | None = None) -> None:
        self.root = root
        self._document = document
        self._file = file
        self._artifact = artifact

    # -- what a format may say in its own words -------------------------------

    def root_name(self) -> str:
        """What the value itself is called at the beginning of a sentence."""
        return "The file"

    def known_keys(self, path: Path, key: str, known: list[str]) -> str:
        """The hint for an unknown key that resembles none of the known ones."""
        return f"Known keys are {', '.join(known)}."

    def synonym(self, path: Path, key: str) -> str | None:
        """What a key of a neighbouring format is called here."""
        return None

    def instead_of_nothing(self, path: Path, example: str) -> str:
        """The hint for a key without a value."""
        return f"Remove the key, or give it a value such as {example}."

    # -- errors ---------------------------------------------------------------

    def findings(self, errors: Iterable[Any]) -> list[Finding]:
        """The findings that these errors amount to, in the file's order."""
        found = [finding for error in errors for part in _meant(error) for finding in self._one(part)]
        return sorted(found, key=lambda finding: (finding.line, finding.column))

    def _one(self, error: Any) -> Iterator[Finding]:
        path = (*self.root, *error.absolute_path)
        match error.validator:
            case "additionalProperties":
                known = list(error.schema.get("properties", {}))
                for key in (key for key in error.instance if key not in known):
                    yield self._unknown_key(path, key, known)
            case "required":
                properties = error.schema["properties"]
                for key in (key for key in error.validator_value if key not in error.instance):
                    yield self._missing(path, f"has no '{key}'", f"{key}: {_example(properties[key])}")
            case "dependentRequired":
                for key, needed in error.validator_value.items():
                    if key in error.instance and not set(needed) <= set(error.instance):
                        yield self._missing(path, f"has '{key}' but no '{needed[0]}'", f"{needed[0]}: ...")
            case "anyOf" if groups := _alternatives(error):
                lacks = ", ".join(" with ".join(keys) for keys in groups)
                yield self._missing(path, f"has none of {lacks}", f"{groups[0][0]}: ...")
            case "minLength" | "minItems":
                hint = "Give it a value, or remove the key."
                yield self._finding(self._value(path), "wrong-value", f"{self._what(path)} is empty.", hint)
            case "minimum" | "pattern" | "enum":
                yield self._wrong_value(path, _wanted(error), error)
            case _:
                yield self._wrong_type(path, error)

    def _unknown_key(self, path: Path, key: str, known: list[str]) -> Finding:
        synonym = self.synonym(path, key)
        guess = synonym if synonym in known else did_you_mean(key, known)
        hint = f"Did you mean '{guess}'?" if guess else self.known_keys(path, key, known)
        what = self._what(path)
        place = self._key((*path, key))
        return self._finding(place, "unknown-key", f"Unknown key '{key}' in {what[0].lower()}{what[1:]}.", hint)

    def _missing(self, path: Path, what: str, line: str) -> Finding:
        return self._finding(self._key(path), "missing-key", f"{self._what(path)} {what}.", f"Add '{line}'.")

    def _wrong_value(self, path: Path, wanted: str, error: Any) -> Finding:
        value = error.instance
        written = f"'{value[:_LONGEST]}'" if isinstance(value, str) else _describe(value, self._document.find(path))
        is_choice = isinstance(value, str) and isinstance(error.validator_value, list)
        guess = did_you_mean(value, error.validator_value) if is_choice else None
        proposal = guess or _example(error.schema)
        key = f"{path[-1]}: " if isinstance(path[-1], str) else ""
        return self._finding(
            self._value(path), "wrong-value", f"{self._what(path)} must be {wanted}, not {written}.",
            f"Did you mean '{proposal}'?" if guess else f"For example '{key}{proposal}'.",
        )  # fmt: skip

    def _wrong_type(self, path: Path, error: Any) -> Finding:
        node = self._document.find(path)
        kinds = _expected(error)
        message = f"{self._what(path)} must be {' or '.join(kinds)}, not {_describe(error.instance, node)}."
        return self._finding(self._value(path), "wrong-type", message, self._right_type(path, kinds, error, node))

    def _right_type(self, path: Path, kinds: list[str], error: Any, node: Node | None) -> str:
        """How to write the value: the user's own if it can be guessed, else an example."""
        key = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
        example = f"'{key}{_example(error.schema)}'"
        if error.instance is None:
            return self.instead_of_nothing(path, example)
        # Quotes alone do not make 24 a duration or an instant.
        has_grammar = not {"pattern", "format"}.isdisjoint(error.schema)
        if node and not has_grammar and (own := converted(node, kinds, self._main_key(path))):
            return f"Write '{key}{own}'."
        return f"For example {example}."

    def _main_key(self, path: Path) -> str | None:
        return self.main_keys.get(str(path[-1])) if len(path) > len(self.root) else self.main_keys.get("")

    # -- names and places -----------------------------------------------------

    def _what(self, path: Path) -> str:
        if len(path) == len(self.root):
            return self.root_name()
        first, *rest = path[len(self.root) :]
        return f"'{first}{''.join(f'[{key}]' if isinstance(key, int) else f'.{key}' for key in rest)}'"

    def _key(self, path: Path) -> Position:
        return self._document.key_position(path) or self._value(path[:-1])

    def _value(self, path: Path) -> Position:
        while path:
            if node := self._document.find(path):
                return node.position
            path = path[:-1]
        return self._document.root.position if self._document.root else Position(1, 1)

    def _finding(self, place: Position, rule: str, message: str, hint: str) -> Finding:
        return Finding(self._file, place.line, place.column, self._artifact, rule, "error", message, hint)


def _meant(error: Any) -> Iterator[Any]:
    """For an ``anyOf``: the errors inside the alternative that was meant, else the error itself.

    Meant is the alternative whose type the value has; without one, the whole ``anyOf`` is wrong.
    """
    if _alternatives(error):
        yield error
        return
    branches: dict[int, list[Any]] = {}
    for part in error.context or ():
        branches.setdefault(part.schema_path[0], []).append(part)
    for parts in branches.values():
        if not any(part.validator == "type" and not part.path for part in parts):
            for part in parts:
                yield from _meant(part)
            return
    yield error


def _alternatives(error: Any) -> list[tuple[str, ...]]:
    """The keys, or groups of keys, of which an ``anyOf`` wants at least one; empty for any other error."""
    parts = error.context or ()
    if not all(part.validator == "required" and not part.path for part in parts):
        return []
    return list(dict.fromkeys(tuple(part.validator_value) for part in parts))


def _expected(error: Any) -> list[str]:
    """The kinds of value that would have been right, in words."""
    if error.validator == "anyOf":
        kinds = (part for part in error.context if part.validator in ("type", "anyOf"))
        names = [name for part in kinds for name in _expected(part)]
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


def _wanted(error: Any) -> str:
    """The values that are right, in words."""
    match error.validator:
        case "minimum":
            return f"at least {error.validator_value}"
        case "pattern":
            return str(error.schema["title"]).lower()
        case _:
            return " or ".join(error.validator_value)


def _example(schema: Any) -> str:
    examples = schema.get("examples") or ["..."]
    return flow(examples[0])
