"""Entry + JSON Schema -> findings: exact places, human words, the fix in the hint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tagline.domain.manifest.document import Document, Path
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import Declared, Kind
from tagline.formats.schema.check import Check, compile_check, read_schema
from tagline.formats.schema.explanation import Explanation

_FILES: dict[Kind, str] = {"artifacts": "artifacts.schema.json", "dvc": "dvc-artifacts.schema.json"}

# Keys of the neighbouring formats, and what they are called here.
_SYNONYMS: dict[Kind, dict[str, str]] = {
    "artifacts": {"desc": "description", "meta": "custom", "label": "labels", "tags": "labels", "name": ""},
    "dvc": {"description": "desc", "custom": "meta", "label": "labels", "tags": "labels"},
}
_OURS = frozenset(("virtual", "metrics", "card", "mlflow"))


def check_entry(document: Document, item: Declared) -> list[Finding]:
    """Findings about one artifact of the document, by the schema of its kind."""
    value = item.node.value
    if _quick(item.kind)(value):
        return []
    if item.kind == "artifacts" and item.name == "artifacts" and _is_wrapper(value):
        return [
            Finding(
                item.entry.file, item.key.line, item.key.column, None, "artifacts-wrapper", "error",
                "In artifacts.yaml the names stand at the top level.",
                "Remove 'artifacts:' and unindent its entries.",
            )
        ]  # fmt: skip
    return _EntryExplanation(document, item).findings(_validator(item.kind).iter_errors(value))


def _is_wrapper(entry: Any) -> bool:
    """Whether an invalid entry called ``artifacts`` holds the artifacts, as that key of a dvc.yaml does."""
    known = read_schema(_FILES["artifacts"])["$defs"]["artifact"]["properties"]
    return (
        isinstance(entry, dict)
        and not known.keys() >= entry.keys()
        and all(isinstance(v, dict) for v in entry.values())
    )


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


class _EntryExplanation(Explanation):
    """Errors about one artifact of a manifest."""

    # The empty key is the artifact itself.
    main_keys: Mapping[str, str] = {"": "path", "mlflow": "run_id"}

    def __init__(self, document: Document, item: Declared) -> None:
        super().__init__(document, item.path, item.entry.file, item.entry.name)
        self._kind = item.kind

    def root_name(self) -> str:
        return f"Artifact '{self.root[-1]}'"

    def synonym(self, path: Path, key: str) -> str | None:
        return _SYNONYMS[self._kind].get(key) if path == self.root else None

    def known_keys(self, path: Path, key: str, known: list[str]) -> str:
        if self._kind == "dvc" and key in _OURS:
            return f"Move it under 'meta: {{tagline: {{{key}: ...}}}}': DVC rejects other keys."
        hint = super().known_keys(path, key, known)
        if path != self.root:
            return hint
        return f"{hint} Data of your own belongs under '{'custom' if self._kind == 'artifacts' else 'meta'}'."

    def instead_of_nothing(self, path: Path, example: str) -> str:
        if path != self.root:
            return super().instead_of_nothing(path, example)
        if self._kind == "artifacts":
            return f"Write '{path[-1]}: {{}}' for an artifact with a name only."
        return f"For example {example}."
