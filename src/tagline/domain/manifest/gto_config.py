"""``.gto``: the types and stages that a repository allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tagline.domain.ledger.tags import is_name
from tagline.domain.manifest.document import Document, Node, Position
from tagline.domain.manifest.findings import Finding
from tagline.domain.text.similar import Words, suggestion

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


#: Every key of GTO's that is a text, or true or false.
_TEXTS = ("index", "log_level")
_SWITCHES = ("debug", "emojis", "autoload_enrichments")
_KEYS = (*_TEXTS, *_SWITCHES, "types", "stages", "enrichments", "config_file_name")
#: What GTO takes for true or false.
_BOOLEANS = frozenset(("0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes"))
_EXAMPLES = {
    "types": "Write for example 'types: [model, dataset]'.",
    "stages": "Write for example 'stages: [staging, prod]'.",
}


def read_config(document: Document) -> tuple[GtoConfig, list[Finding]]:
    """The configuration and what is wrong in it. Whoever guards by it must refuse where anything is."""
    findings = [p.finding(GTO_CONFIG) for p in document.problems if p.rule != "file-empty"]
    root = document.root
    if root is None or root.value is None:
        return GtoConfig(), findings
    if not isinstance(root.value, dict):
        findings.append(_finding(root, "This file must hold a mapping.", _EXAMPLES["types"]))
        return GtoConfig(), findings
    fields, wrong = _by_key(root)
    findings += wrong
    names: dict[str, tuple[str, ...] | None] = {}
    for key in ("types", "stages"):
        node = fields.get(key)
        wrong = _wrong(node, key)
        findings += wrong
        names[key] = None if wrong or node is None or node.value is None else tuple(node.value)
    for key, node in fields.items():
        findings += _wrong_setting(key, node)
    types = names["types"]
    return GtoConfig(None if types is None else dict.fromkeys(types), names["stages"]), findings


def _by_key(root: Node) -> tuple[dict[str, Node], list[Finding]]:
    """The values by GTO's own keys, which it reads in any case, and findings about keys that it refuses."""
    fields: dict[str, Node] = {}
    findings = []
    for written, node in root.fields.items():
        key, place = written.lower(), root.keys[written]
        if key in fields:
            message = f"'{key}' is given twice; GTO takes the first."
            findings.append(_finding(place, message, "Keep one of them: case makes no difference."))
        elif key in _KEYS:
            fields[key] = node
        else:
            hint = f"Keys are: {', '.join(_KEYS)}.{suggestion(key, _KEYS)}"
            findings.append(_finding(place, f"GTO knows no key '{written}' and refuses the whole file.", hint))
    return fields, findings


def _wrong_setting(key: str, node: Node) -> list[Finding]:
    """What GTO refuses of the keys that mean nothing here: it refuses the whole file."""
    value = node.value
    if key in _TEXTS and not isinstance(value, str):
        return [_finding(node, f"'{key}' must be a text.", "Put it in quotes, or leave the key out.")]
    if key in _SWITCHES and value not in (0, 1) and str(value).lower() not in _BOOLEANS:
        return [_finding(node, f"'{key}' must be true or false.", f"Write '{key}: true', or leave the key out.")]
    if key == "enrichments" and not _are_enrichments(value):
        hint = "Write for example 'enrichments: [{type: mlem}]', or leave the key out."
        return [_finding(node, "'enrichments' must be a list of mappings with a 'type'.", hint)]
    return []


def _are_enrichments(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and isinstance(one.get("type"), str) and isinstance(one.get("config", {}), dict)
        for one in value
    )


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


def _finding(node: Node | Position, message: str, hint: str) -> Finding:
    return Finding(GTO_CONFIG, node.line, node.column, None, "gto-config", "error", message, hint)
