"""What a manifest must satisfy beyond its schema: names, types, clashes. Paths: manifest_paths."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from tagline.domain.ledger.tags import artifact_in_tag, is_artifact, is_name, why_git_refuses
from tagline.domain.manifest.document import Node, Position
from tagline.domain.manifest.findings import Finding, Severity
from tagline.domain.manifest.gto_config import GtoConfig
from tagline.domain.manifest.manifest import DVC_MANIFEST, MANIFEST, Declared, full_name
from tagline.domain.text.alike import alike, difference
from tagline.domain.text.similar import did_you_mean, listed


def finding(
    item: Declared, place: Node | Position, rule: str, message: str, hint: str, severity: Severity = "error"
) -> Finding:
    """A finding about one artifact."""
    return Finding(item.entry.file, place.line, place.column, item.entry.name, rule, severity, message, hint)


def check_directory(file: str, items: Sequence[Declared]) -> list[Finding]:
    """A manifest's directory is part of its artifacts' names, so it must fit into a tag."""
    directory = posixpath.dirname(file)
    if not directory or not items:
        return []
    full = full_name(file, "x")
    why = "it has characters other than letters, digits, '-', '_', '.' and '/'"
    if is_artifact(full):
        refusal = why_git_refuses(artifact_in_tag(full) + "@v1.0.0")
        if refusal is None:
            return []
        why = f"Git refuses such a tag: {refusal}"
    return [
        Finding(
            file, items[0].key.line, items[0].key.column, None, "directory-name", "error",
            f"The directory '{directory}' cannot be part of an artifact's name: {why}.",
            "Rename the directory, or move the entries to a manifest elsewhere.",
        )
    ]  # fmt: skip


def check_name(item: Declared) -> list[Finding]:
    """The name alone, without its directory, must fit GTO's grammar and Git's rules for refs."""
    if is_name(item.name):
        refusal = why_git_refuses(item.name + "@v1.0.0")
        if refusal is None:
            return []
        message = f"Git refuses tags for '{item.name}': {refusal}."
    else:
        message = f"'{item.name}' is no valid artifact name."
    proposal = valid_name(item.name)
    hint = f"Rename it to '{proposal}'." if proposal else "Use letters, digits, '-', '_' and '/'."
    return [finding(item, item.key, "artifact-name", message, hint)]


def valid_name(name: str) -> str | None:
    """A valid name like ``name``, or None where nothing of it can stay."""
    proposal = re.sub(r"[^a-zA-Z0-9_/-]+", "-", name[:100])
    proposal = re.sub(r"-*/[-/]*", "/", proposal).strip("-_/")
    return proposal if is_name(proposal) else None


def check_type(item: Declared, config: GtoConfig) -> list[Finding]:
    """``.gto`` may list the types that are allowed."""
    kind = item.entry.type
    if config.types is None or kind is None or kind in config.types:
        return []
    near = did_you_mean(kind, config.words)
    guess = f"Did you mean '{near}'?" if near else f"Listed types: {listed(config.types)}."
    place = item.node.fields.get("type") or item.node
    return [
        finding(
            item,
            place,
            "unknown-type",
            f"The type '{kind}' is not listed in .gto.",
            f"{guess} Or add it to .gto.",
        )
    ]


def check_same_name(items: Iterable[Declared]) -> list[Finding]:
    """A name may be in ``artifacts.yaml`` or in ``dvc.yaml`` of a directory, not in both."""
    first: dict[str, Declared] = {}
    found = []
    for item in items:
        other = first.setdefault(item.entry.name, item)
        if other is not item:
            where = f"{other.entry.file}, line {other.entry.line}"
            found.append(
                finding(
                    item, item.key, "name-in-both-files", f"'{item.name}' is also defined in {where}.",
                    f"Keep it in {MANIFEST} or in {DVC_MANIFEST}.",
                )
            )  # fmt: skip
    return found


def check_alike(items: Sequence[Declared]) -> list[Finding]:
    """Two names that look the same: people take one for the other, and many file systems their tags."""
    by_name = {item.entry.name: item for item in reversed(items)}
    found = []
    for group in alike(by_name):
        first, *others = sorted(group, key=lambda name: (by_name[name].entry.file, by_name[name].entry.line))
        for name in others:
            only = difference(first, name) or "case and Unicode form"
            where = f"{by_name[first].entry.file}, line {by_name[first].entry.line}"
            found.append(
                finding(
                    by_name[name], by_name[name].key, "names-alike",
                    f"'{name}' differs from '{first}' ({where}) in {only} only.",
                    "Give one of them another name before it has versions: where case does not count in file names, "
                    "Git cannot keep the tags of both.", "warning",
                )
            )  # fmt: skip
    return found


def check_same_path(items: Iterable[Declared]) -> list[Finding]:
    """Two artifacts on one path could never change independently."""
    first: dict[str, Declared] = {}
    found = []
    for item in items:
        path = item.entry.path
        if path is None:
            continue
        other = first.setdefault(path, item)
        if other is not item and other.entry.name != item.entry.name:
            place = item.node.fields.get("path") or item.node
            found.append(
                finding(
                    item, place, "same-path",
                    f"'{other.entry.name}' has the same path ({other.entry.file}, line {other.entry.line}).",
                    "Give each artifact its own path, or remove one of the two.",
                )
            )  # fmt: skip
    return found
