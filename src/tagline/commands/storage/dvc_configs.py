"""DVC's configuration as it counts for one project of a snapshot: the repository's and this machine's, merged."""

from __future__ import annotations

import posixpath

from tagline.domain.manifest.tracked import upwards
from tagline.domain.storage.remotes import REPOSITORY, DvcConfig, Level
from tagline.formats import dvc_config
from tagline.ports.repository import Tree
from tagline.ports.storage import Machine

CONFIG = ".dvc/config"


def project_of(pointer: str, tree: Tree) -> str:
    """The folder of the DVC project that a pointer belongs to: the nearest one with a configuration, else the root."""
    folders = list(upwards(posixpath.dirname(pointer)))
    configs = tree.kinds(posixpath.join(folder, CONFIG) for folder in folders)
    return next((folder for folder in folders if configs.get(posixpath.join(folder, CONFIG), "tree") != "tree"), "")


def config_of(project: str, tree: Tree, machine: Machine) -> DvcConfig:
    """The merged configuration of a project. Raises WrongUsage for a file that cannot be read."""
    levels = []
    for name in ("system", "global", REPOSITORY, "local"):
        if name == REPOSITORY:
            file = posixpath.join(project, CONFIG)
            data = tree.read(file, dvc_config.MAX_BYTES)
            label, folder = f"{file} ({tree.label})", machine.folder(project)
        else:
            found = machine.config(name, project)
            data, folder = found if found is not None else (None, None)
            label = f"{folder}/{'config.local' if name == 'local' else 'config'}"
        if data is not None:
            levels.append(Level(name, dvc_config.parse(data, label), folder))
    return DvcConfig.merge(levels, machine.home)
