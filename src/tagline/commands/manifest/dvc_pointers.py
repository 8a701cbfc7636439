"""What DVC tracks in a snapshot, read from its pointer files on the first question only."""

from __future__ import annotations

import posixpath
from functools import cached_property
from typing import Any

from tagline.commands.manifest.parameters import parameter_files
from tagline.commands.manifest.snapshots import is_pointer, pipeline_in, snapshot, tracked_out
from tagline.domain.manifest.document import Document
from tagline.domain.manifest.dvc_stages import is_of_dvc_1
from tagline.domain.manifest.tracked import Outs, TrackedPaths, upwards
from tagline.errors import BadPointer
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


class DvcPointers:
    """Answers whether DVC tracks a path. An unreadable pointer tracks nothing."""

    def __init__(self, tree: Tree, tracked: TrackedPaths) -> None:
        self._tree = tree
        self._tracked = tracked
        self._has_old_locks = False

    def covers(self, path: str) -> bool:
        """Whether ``path`` is an out, lies in one, or contains one."""
        return self._outs.covers(path)

    def tracked_by(self, file: str) -> list[str]:
        """The paths that a ``.dvc`` file tracks; none for a file that is only called like one."""
        outs = snapshot(self._tree).outs([file]) if is_pointer(file) else []
        return [out.path for out in outs]

    def why_unclear(self, path: str) -> BadPointer | None:
        """What a path is refused with as a folder of which DVC tracks only parts, or for a lock of another time."""
        in_git = self._tracked.is_directory(path)
        # Names tell first, as everywhere: most files of pointers are read for nobody.
        if self._tracked.has_dvc_file(path):
            return None
        surely_one = not in_git and any(part in self._outs.paths for part in upwards(path))
        if (surely_one or not self._outs.covers(path)) and not self._has_old_locks:
            return None
        try:
            tracked_out(self._tree, path, in_git=in_git)
        except BadPointer as error:
            return error if error.code in ("mixed-folder", "lock-of-dvc-1") else None
        return None

    def paths(self) -> list[str]:
        """What DVC tracks in the repository; not what it tracks elsewhere."""
        return [path for path in self._outs.paths if not path.startswith(("/", "../")) and ":/" not in path]

    @cached_property
    def _outs(self) -> Outs:
        outs = Outs()
        contents = self._tree.read_many(self._tracked.pointers(), yaml.MAX_BYTES)
        load = parameter_files(self._tree)
        pipelines: dict[str, dict[str, Document]] = {}
        for file, data in contents.items():
            directory, name = posixpath.split(file)
            document = yaml.load(data)
            if name in ("dvc.yaml", "dvc.lock"):
                pipelines.setdefault(directory, {})[name] = document
            else:
                outs.add_dvc_file(file, _value(document))
        self._has_old_locks = any(is_of_dvc_1(_value(files.get("dvc.lock"))) for files in pipelines.values())
        for directory, files in pipelines.items():
            file = posixpath.join(directory, "dvc.yaml")
            pipeline = pipeline_in(files.get("dvc.yaml"), file, load)
            outs.add_pipeline(directory, pipeline, _value(files.get("dvc.lock")))
        return outs


def _value(document: Document | None) -> Any:
    return document.root.value if document is not None and document.root is not None else None
