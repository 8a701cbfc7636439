"""The port of an import that brings bytes: from MLflow to DVC's remote, and their pointer to Git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class ByteImport(Protocol):
    """Brings the bytes of versions. Whatever is on the way lies in a folder that goes away."""

    def bring(self, uri: str, path: str, config: Mapping[str, bytes]) -> bytes:
        """Have the bytes of ``models:/NAME/N`` in DVC's remote, and give the pointer for ``path``: a ``.dvc`` file.

        ``config`` is what the repository says of DVC: ``.dvc/config``. Raises WrongUsage where a program is missing,
        PlatformRefused where MLflow or DVC refuse.
        """
