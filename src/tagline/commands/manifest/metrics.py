"""An artifact's metrics at a commit: in its manifest, or in the file that the manifest names."""

from __future__ import annotations

from tagline.commands.manifest.describe import describe
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.manifest.metrics import Metrics
from tagline.errors import ManifestUnreadable
from tagline.formats.params import read_params
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


def metrics_at(tree: Tree, artifact: str) -> Metrics:
    """The metrics of an artifact, or a few words that say why there are none."""
    try:
        entry = describe(artifact, tree)
    except ManifestUnreadable as error:
        return f"the manifest cannot be read ({error.message})."
    if entry is None:
        return f"no manifest describes {artifact} at {tree.label}."
    return declared_metrics(entry, tree)


def declared_metrics(entry: ManifestEntry, tree: Tree) -> Metrics:
    """The metrics that an entry has or names, or a few words that say why there are none."""
    if entry.metrics is None:
        return f"the manifest names no metrics at {tree.label}."
    if not isinstance(entry.metrics, str):
        return entry.metrics
    data = tree.read(entry.metrics, yaml.MAX_BYTES)
    if data is None:
        return f"{entry.metrics} is not in Git at {tree.label}."
    found = read_params(entry.metrics, data)
    return f"{entry.metrics} cannot be read: {found}" if isinstance(found, str) else found
