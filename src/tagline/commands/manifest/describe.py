"""What the manifest of one snapshot says about one artifact."""

from __future__ import annotations

import posixpath

from tagline.commands.manifest.reading import LoadedManifest, load_manifest, mentions_artifacts
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import DVC_MANIFEST, MANIFEST, ManifestEntry, split_name
from tagline.errors import ManifestUnreadable
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree

# Findings that make one entry unreadable; others leave a field out at most.
_FATAL = frozenset(("dvc-interpolation", "yaml-duplicate-key", "yaml-tag", "yaml-merge"))


def describe(name: str, tree: Tree) -> ManifestEntry | None:
    """The entry of the artifact ``name`` (``NAME`` or ``dir:NAME``), or None where there is none.

    Reads only the manifests of its directory. Where both have it (``validate`` forbids that)
    artifacts.yaml counts, because GTO reads it. Raises ManifestUnreadable where a mistake keeps
    this entry from being read; mistakes in other entries do not matter.
    """
    directory, short = split_name(name)
    files = [posixpath.join(directory, file) for file in (MANIFEST, DVC_MANIFEST)]
    contents = tree.read_many(files, yaml.MAX_BYTES)
    unreadable: Finding | None = None
    for file in files:
        data = contents.get(file)
        if data is None or (file == files[1] and not mentions_artifacts(data)):
            continue
        manifest = load_manifest(file, data, tree)
        fatal = _fatal(manifest, name)
        entry = next((item.entry for item in manifest.items if item.name == short), None)
        if entry is not None and fatal is None:
            return entry
        unreadable = unreadable or fatal
    if unreadable is not None:
        raise ManifestUnreadable(
            f"{unreadable.file}, line {unreadable.line}, in {tree.label}: {unreadable.message}",
            unreadable.hint,
        )
    return None


def described_names(tree: Tree, artifact: str) -> list[str]:
    """What the manifests beside an artifact's own place describe."""
    directory, _ = split_name(artifact)
    files = [posixpath.join(directory, file) for file in (MANIFEST, DVC_MANIFEST)]
    loaded = (load_manifest(file, data, tree) for file, data in tree.read_many(files, yaml.MAX_BYTES).items())
    return [item.entry.name for manifest in loaded for item in manifest.items]


def _fatal(manifest: LoadedManifest, name: str) -> Finding | None:
    """The first finding that keeps the entry ``name`` from being read."""
    errors = [finding for finding in manifest.findings if finding.severity == "error"]
    if manifest.document.root is None:
        # An empty file says nothing about any artifact, and does so clearly.
        return next((finding for finding in errors if finding.rule != "file-empty"), None)
    for finding in errors:
        if finding.rule == "not-a-mapping" or (finding.rule == "artifacts-wrapper" and _is_wrapped(name, manifest)):
            return finding
        if finding.artifact == name and (finding.rule in _FATAL or _spoils(finding, manifest)):
            return finding
    return None


def _is_wrapped(name: str, manifest: LoadedManifest) -> bool:
    return manifest.document.find(("artifacts", split_name(name)[1])) is not None


def _spoils(finding: Finding, manifest: LoadedManifest) -> bool:
    """Whether a value of the wrong type is the entry itself, or its path or type."""
    if finding.rule != "wrong-type":
        return False
    item = next(item for item in manifest.items if item.entry.name == finding.artifact)
    vital = [item.node, item.node.fields.get("path"), item.node.fields.get("type")]
    return any(node is not None and node.position == (finding.line, finding.column) for node in vital)
