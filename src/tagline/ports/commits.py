"""The port of a branch that is gone on with, commit by commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Commits(Protocol):
    """A branch that is gone on with, commit by commit, without a checkout: no work tree, index or HEAD is touched."""

    @property
    def branch(self) -> str:
        """Its name."""

    def tip(self) -> str | None:
        """The commit to go on from: the branch's newest, or the default branch's; None before the first commit.

        Raises Refused where the branch is checked out, Conflict where it differs here and on the remote.
        """

    def default(self) -> str | None:
        """The newest commit of the default branch; None before the first."""

    def unpushed(self) -> bool:
        """Whether the branch is here, and not on the remote that it is pushed to; False where nothing is pushed."""

    def read(self, commit: str, path: str) -> bytes | None:
        """A file of a commit; None where there is none. Raises Refused for what is there and is no file."""

    def unmerged(self) -> list[tuple[str, str]]:
        """Id and message of the branch's commits that the default branch lacks, oldest first."""

    def add(self, parent: str | None, files: Mapping[str, bytes], message: str, time: int) -> str:
        """A commit that changes some files, by path; its id. No branch knows it yet. ``time`` is unix seconds.

        Raises Refused where a file would lie in what is none of a folder.
        """

    def publish(self, commit: str) -> None:
        """Make it the branch's newest commit, on the remote first where that is pushed to.

        Raises Conflict where somebody else moved the branch meanwhile, PlatformRefused when the remote says no.
        """
