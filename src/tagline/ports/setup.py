"""The port of a work tree that new files are put into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class NewFiles(Protocol):
    """Makes files where there are none. Paths are POSIX, from the repository's root."""

    @property
    def default_branch(self) -> str:
        """The branch that changes are merged into, as far as this clone knows."""

    def there(self, path: str) -> bool:
        """Whether anything but a link is at a path, tracked or not. Raises WrongUsage for what is in the way.

        That is a link, a file where a folder is needed, or the other way round.
        """

    def read(self, path: str) -> str | None:
        """A file's text, tracked or not; None where there is none."""

    def names(self, folder: str) -> list[str]:
        """What lies in a folder; nothing where there is none."""

    def ignored(self, paths: Sequence[str]) -> list[str]:
        """Those of some new files that Git would not add, since a .gitignore names them."""

    def make(self, path: str, text: str) -> bool:
        """Make a file, whole or not at all; False where there is one by now.

        Raises WrongUsage for a link on the way, PlatformRefused where it cannot be written.
        """
