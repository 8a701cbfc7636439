"""``.gto``: the types and stages that a repository allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tagline.domain.ledger.tags import is_name
from tagline.domain.manifest.document import Document, Node
from tagline.domain.manifest.findings import Finding
from tagline.domain.text.similar import Words

GTO_CONFIG = ".gto"


@dataclass(frozen=True)
class GtoConfig:
    """What ``.gto`` lists; None where it lists nothing and so allows everything."""

    types: Mapping[str, None] | None = None
    stages: tuple[str, ...] | None = None

    @cached_property
    def words(self) -> Words:
        """The types, to compare misspelt ones with."""
        return Words(self.types or ())


_EXAMPLES = {
    "types": "Write for example 'types: [model, dataset]'.",
    "stages": "Write for example 'stages: [staging, prod]'.",
}


def read_config(document: Document) -> tuple[GtoConfig, list[Finding]]:
    """The configuration and what is wrong in it. A list with a mistake allows everything."""
    findings = [p.finding(GTO_CONFIG) for p in document.problems if p.rule != "file-empty"]
    root = document.root
    if root is None or root.value is None:
        return GtoConfig(), findings
    if not isinstance(root.value, dict):
        findings.append(_finding(root, "This file must hold a mapping.", _EXAMPLES["types"]))
        return GtoConfig(), findings
    names: dict[str, tuple[str, ...] | None] = {}
    for key in ("types", "stages"):
        wrong = _wrong(root.fields.get(key), key)
        findings += wrong
        node = root.fields.get(key)
        names[key] = None if wrong or node is None or node.value is None else tuple(node.value)
    types = names["types"]
    return GtoConfig(None if types is None else dict.fromkeys(types), names["stages"]), findings


def _wrong(node: Node | None, key: str) -> list[Finding]:
    if node is None or node.value is None:
        return []
    if not isinstance(node.value, list):
        words = [word.strip() for word in str(node.value)[:200].split(",")]
        own = ", ".join(words) if all(map(is_name, words)) else ""
        return [_finding(node, f"'{key}' must be a list.", f"Write '{key}: [{own}]'." if own else _EXAMPLES[key])]
    hint = "Use letters, digits, '-', '_' and '/', beginning and ending with a letter or digit."
    return [
        _finding(item, f"'{item.value}' in '{key}' is no valid name.", hint)
        for item in node.items
        if not isinstance(item.value, str) or not is_name(item.value)
    ]


def _finding(node: Node, message: str, hint: str) -> Finding:
    return Finding(GTO_CONFIG, node.line, node.column, None, "gto-config", "error", message, hint)
