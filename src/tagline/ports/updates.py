"""The ports of a change that is kept up to date: one branch with one commit, and the change that is open for it."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from tagline.domain.delivery.events import ChangeLink
from tagline.domain.delivery.proposals import Proposed


class Base(NamedTuple):
    """The default branch as the remote has it: its name and its newest commit."""

    branch: str
    commit: str


class Standing(NamedTuple):
    """A branch on the remote: its newest commit, and the files, but for the one asked for, that differ from the base.

    ``others`` are somebody's work, whom nobody should overwrite.
    """

    commit: str
    others: tuple[str, ...] = ()


class UpdateBranch(Protocol):
    """The branch that takes an update: always one commit above the default branch. No work tree is touched."""

    @property
    def branch(self) -> str:
        """Its name."""

    def base(self) -> Base:
        """What an update goes on from. Raises PlatformRefused, Refused where the remote has no default branch."""

    def standing(self, base: Base, path: str) -> Standing | None:
        """The branch as the remote has it, beside the file at ``path``; None where there is none."""

    def read(self, commit: str, path: str) -> bytes | None:
        """A file of a commit; None where there is none."""

    def replace(self, base: Base, path: str, data: bytes, message: str, time: int) -> None:
        """Let the branch be the base with another file at ``path``; ``time`` is unix seconds.

        Raises Conflict where somebody else moved the branch meanwhile, PlatformRefused when the remote says no.
        """

    def withdraw(self) -> None:
        """Take the branch away. Raises as :meth:`replace`."""


class There(NamedTuple):
    """A change of the branch: what became of it, and its text."""

    change: ChangeLink
    state: Literal["open", "closed", "merged"]
    body: str


class UpdateForge(Protocol):
    """The changes of one repository, as far as updates are about them."""

    def newest(self, branch: str) -> There | None:
        """The open change of a branch of this repository, else the newest; None for none. Raises PlatformRefused."""

    def open(self, branch: str, base: str, title: str, body: str) -> Proposed:
        """Open one; where another run was faster, that one. Raises PlatformRefused."""

    def edit(self, number: int, title: str, body: str) -> None:
        """Give a change another title and text. Raises PlatformRefused."""

    def close(self, number: int, body: str) -> None:
        """Close a change, with another text. Raises PlatformRefused."""


class Updating(NamedTuple):
    """Both, of one repository."""

    branch: UpdateBranch
    forge: UpdateForge
