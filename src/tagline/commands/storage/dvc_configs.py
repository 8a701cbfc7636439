"""DVC's configuration as it counts for one project of a snapshot: the repository's and this machine's, merged."""

from __future__ import annotations

import posixpath

from tagline.commands.manifest.snapshots import DVC_CONFIG
from tagline.domain.storage.remotes import REPOSITORY, DvcConfig, Level
from tagline.formats import dvc_config
from tagline.ports.repository import Tree
from tagline.ports.storage import Machine


def config_of(project: str, tree: Tree, machine: Machine) -> DvcConfig:
    """The merged configuration of a project. Raises WrongUsage for a file that cannot be read."""
    levels = []
    for name in ("system", "global", REPOSITORY, "local"):
        if name == REPOSITORY:
            file = posixpath.join(project, DVC_CONFIG)
            data = tree.read(file, dvc_config.MAX_BYTES)
            label, folder = f"{file} ({tree.label})", machine.folder(project)
        else:
            found = machine.config(name, project)
            data, folder = found if found is not None else (None, None)
            label = f"{folder}/{'config.local' if name == 'local' else 'config'}"
        if data is not None:
            levels.append(Level(name, dvc_config.parse(data, label), folder))
    return DvcConfig.merge(levels, machine.home)
