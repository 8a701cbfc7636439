"""What DVC tracks in a snapshot, read from its pointer files on the first question only."""

from __future__ import annotations

import posixpath
from functools import cached_property
from typing import Any

from tagline.commands.manifest.snapshots import pipeline_in
from tagline.domain.manifest.document import Document
from tagline.domain.manifest.tracked import Outs, TrackedPaths
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


class DvcPointers:
    """Answers whether DVC tracks a path. An unreadable pointer tracks nothing."""

    def __init__(self, tree: Tree, tracked: TrackedPaths) -> None:
        self._tree = tree
        self._tracked = tracked

    def covers(self, path: str) -> bool:
        """Whether ``path`` is an out, lies in one, or contains one."""
        return self._outs.covers(path)

    def paths(self) -> list[str]:
        """What DVC tracks in the repository; not what it tracks elsewhere."""
        return [path for path in self._outs.paths if not path.startswith(("/", "../")) and ":/" not in path]

    @cached_property
    def _outs(self) -> Outs:
        outs = Outs()
        contents = self._tree.read_many(self._tracked.pointers(), yaml.MAX_BYTES)
        pipelines: dict[str, dict[str, Document]] = {}
        for file, data in contents.items():
            directory, name = posixpath.split(file)
            document = yaml.load(data)
            if name in ("dvc.yaml", "dvc.lock"):
                pipelines.setdefault(directory, {})[name] = document
            else:
                outs.add_dvc_file(file, _value(document))
        for directory, files in pipelines.items():
            outs.add_pipeline(directory, pipeline_in(files.get("dvc.yaml")), _value(files.get("dvc.lock")))
        return outs


def _value(document: Document | None) -> Any:
    return document.root.value if document is not None and document.root is not None else None
