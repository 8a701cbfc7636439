"""Which folders fetches have made on this machine, and the files that they put there: in files of the user's own cache.

Not in the folder, whose bytes are the artifact's, nor beside it, where a checkout may bring anything along. What is
not known is nobody's to replace: where the cache was lost, a fetch refuses.
"""

# ruff: noqa: PTH103, PTH105, PTH108, PTH118, PTH119, PTH120, PTH208
# Plain strings, as in destination.py.

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: The folders that are remembered; of more the oldest are forgotten.
_MOST = 1000


class FetchedFolders:
    """What is remembered in ``folder``, which is made when something is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files_of(self, path: str, inode: int) -> frozenset[str] | None:
        """The files that fetches put into the folder at ``path``; None for one that no fetch of this user has made.

        A folder that was made anew under the name has another inode.
        """
        return next((frozenset(one["files"]) for one in self._read(path) if one["inode"] == inode), None)

    def add(self, path: str, inode: int, files: Iterable[str]) -> None:
        """Remember what is about to become the folder at ``path``, beside what lies there now: either may come to stay.

        Raises OSError where it cannot be kept.
        """
        there = os.lstat(path).st_ino if os.path.lexists(path) else None
        made = [one for one in self._read(path) if one["inode"] == there != inode]
        made.append({"inode": inode, "files": sorted(files)})
        os.makedirs(self._folder, 0o700, exist_ok=True)
        if not self._is_ours():
            raise PermissionError(errno.EPERM, "others may write there", str(self._folder))
        self._forget_oldest()
        handle, name = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump({"folder": _real(path), "made": made}, file)
            os.replace(name, self._file(path))
        except BaseException:
            os.unlink(name)
            raise

    def _read(self, path: str) -> list[Any]:
        try:
            with open(self._file(path), "rb") as file:  # noqa: PTH123
                return list(json.load(file)["made"]) if self._is_ours() else []
        except (OSError, ValueError, LookupError, TypeError):
            return []

    def _is_ours(self) -> bool:
        facts = os.lstat(self._folder)
        return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022

    def _forget_oldest(self) -> None:
        if len(os.listdir(self._folder)) < _MOST:
            return
        known = sorted(self._folder.iterdir(), key=lambda file: file.lstat().st_mtime)
        for file in known[: -_MOST + 1]:
            file.unlink(missing_ok=True)

    def _file(self, path: str) -> str:
        return str(self._folder / f"{hashlib.sha256(os.fsencode(_real(path))).hexdigest()[:40]}.json")


def _real(path: str) -> str:
    """A path whose parents are no links; what lies at the path itself may be one."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
