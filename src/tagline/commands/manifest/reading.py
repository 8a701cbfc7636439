"""Reading one manifest from a snapshot: text, templates, schema; findings instead of failures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tagline.commands.manifest.parameters import parameter_files
from tagline.domain.manifest.document import Document
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.interpolation import resolve_artifacts
from tagline.domain.manifest.manifest import Declared, declared, kind_of, misread
from tagline.formats.schema import findings as schema
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree

_MENTIONS_ARTIFACTS = re.compile(rb"""\bartifacts["']?[ \t]*:""")


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """One file: its artifacts, and the findings of its text and schema. ``text`` is for excerpts."""

    file: str
    document: Document
    items: tuple[Declared, ...]
    findings: tuple[Finding, ...]
    data: bytes


def mentions_artifacts(data: bytes) -> bool:
    """Whether a dvc.yaml may have ``artifacts:``, decided without parsing it."""
    return _MENTIONS_ARTIFACTS.search(data) is not None


# One run asks for the manifest of many artifacts. More of them at a time would be many times their size.
@lru_cache(maxsize=2)
def load_manifest(file: str, data: bytes, tree: Tree) -> LoadedManifest:
    """Read the manifest ``file`` whose content is ``data``; ``tree`` gives parameter files."""
    document = yaml.load(data)
    if kind_of(file) == "dvc" and b"${" in data:
        document = resolve_artifacts(document, file, parameter_files(tree))
    findings, items = misread(document, file), declared(document, file)
    for item in items:
        findings += schema.check_entry(document, item)
    return LoadedManifest(file, document, tuple(items), tuple(findings), data)
