"""Reading one manifest from a snapshot: text, templates, schema; findings instead of failures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tagline.domain.manifest import interpolation as dvc_interpolation
from tagline.domain.manifest.document import Document, Path, Problem
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import Declared, Kind, declared, full_name, kind_of, section_of
from tagline.formats import params
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
    kind = kind_of(file)
    document = yaml.load(data)
    problems = [p for p in document.problems if _concerns_us(p, kind)]
    if kind == "dvc" and b"${" in data:
        document, unresolved = dvc_interpolation.resolve_artifacts(document, file, _params_reader(tree))
        problems += unresolved
    findings = [p.finding(file, _artifact_of(p, file, kind)) for p in problems]
    findings += _root_findings(document, file, kind)
    items = declared(document, file)
    section = section_of(kind)
    for item in items:
        findings += schema.check_entry(document, (*section, item.name), kind=kind, file=file, artifact=item.entry.name)
    return LoadedManifest(file, document, tuple(items), tuple(findings), data)


def _concerns_us(problem: Problem, kind: Kind) -> bool:
    """Whether a problem is one of the artifacts', or makes the whole file unreadable to GTO or DVC."""
    if kind == "artifacts":
        inside_own = len(problem.path) > 1 and problem.path[1] == "custom"
        return problem.rule != "yaml-portability" or not inside_own
    if problem.rule not in ("yaml-portability", "yaml-key-type"):
        return True
    # Without a path it concerns the file as a whole, as a directive or a tab does.
    return not problem.path or (problem.path[0] == "artifacts" and problem.path[2:3] != ("meta",))


def _artifact_of(problem: Problem, file: str, kind: Kind) -> str | None:
    below = problem.path[len(section_of(kind)) :]
    return full_name(file, below[0]) if below and isinstance(below[0], str) else None


def _root_findings(document: Document, file: str, kind: Kind) -> list[Finding]:
    """The document, and in dvc.yaml the section, must be mappings."""
    root = document.root
    if root is None:
        return []  # said already
    path: Path = ()
    node, what = root, "The file"
    if isinstance(root.value, dict):
        if kind == "artifacts" or "artifacts" not in root.fields:
            return []
        path = ("artifacts",)
        node, what = root.fields["artifacts"], "'artifacts'"
        if isinstance(node.value, dict):
            return []
    shape = {list: "a list", str: "text", type(None): "empty"}.get(type(node.value), "a single value")
    hint = "Write 'NAME: {path: FILE}', one entry for each artifact."
    if node.value is None:
        hint = "Write 'artifacts: {}', or remove the key." if path else "Write {} for a manifest without artifacts."
    return [
        Finding(
            file, node.line, node.column, None, "not-a-mapping", "error",
            f"{what} must be a mapping of names to artifacts, but is {shape}.", hint,
        )
    ]  # fmt: skip


def _params_reader(tree: Tree) -> dvc_interpolation.LoadParams:
    cache: dict[str, Mapping[str, Any] | str | None] = {}

    def load(path: str) -> Mapping[str, Any] | str | None:
        if path not in cache:
            data = tree.read(path, yaml.MAX_BYTES)
            cache[path] = None if data is None else params.read_params(path, data)
        return cache[path]

    return load
