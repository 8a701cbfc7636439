"""DVC's configuration files of this machine: the system's, the user's, and the clone's own that Git does not track."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from tagline.adapters.git.running import Git

#: Bytes; nobody writes a longer one.
_MAX = 1024 * 1024


class DvcMachine:
    """``folders`` are those of the levels ``system`` and ``global``.

    ``git`` runs in a clone's work tree, where there is one: its ``config.local`` counts as this machine's
    own word, which may name programs to run. So it must be a plain file that the repository did not bring.
    """

    def __init__(self, folders: Mapping[str, Path], git: Git | None, home: str | None) -> None:
        self._folders = folders
        self._git = git
        self.home = home

    def config(self, level: str, project: str) -> tuple[bytes, str] | None:
        """A level's file and the folder that it lies in; None where there is none."""
        local = level == "local"
        folder = self._dvc_folder(project) if local else self._folders.get(level)
        if folder is None:
            return None
        file = folder / ("config.local" if local else "config")
        if local and not self._is_ours(project, file):
            return None
        try:
            with file.open("rb") as stream:
                return stream.read(_MAX + 1), str(folder)
        except OSError:  # absent, or not for us to read: DVC passes over it as well
            return None

    def folder(self, project: str) -> str | None:
        """The project's ``.dvc`` folder; None without a clone."""
        found = self._dvc_folder(project)
        return None if found is None else str(found)

    def _dvc_folder(self, project: str) -> Path | None:
        return None if self._git is None else self._git.directory.absolute() / project / ".dvc"

    def _is_ours(self, project: str, file: Path) -> bool:
        """Whether somebody of this machine wrote the file: Git does not track it, and no link leads to it."""
        assert self._git is not None  # noqa: S101 - it has a folder
        try:
            is_file = stat.S_ISREG(os.lstat(file).st_mode)
        except OSError:
            return False
        root = self._git.directory.resolve()
        if not is_file or file.parent.resolve() != root / project / ".dvc":
            return False
        # A submodule's files are tracked by the submodule.
        folders = [file.parent.parent, *file.parent.parent.parents]
        inner = folders[: len(Path(project).parts)]
        if any(os.path.lexists(folder / ".git") for folder in inner):
            return False
        return not self._is_tracked(file)

    def _is_tracked(self, file: Path) -> bool:
        """Whether Git tracks a file, also by another spelling of its name where the disk takes both for one."""
        assert self._git is not None  # noqa: S101 - it has a folder
        ours = file.lstat()
        for raw in self._git.run("ls-files", "-z").stdout.split(b"\0"):
            if raw.rpartition(b"/")[2].lower() == file.name.encode():
                with contextlib.suppress(OSError):
                    if os.path.samestat(ours, os.lstat(self._git.directory / os.fsdecode(raw))):
                        return True
        return False
