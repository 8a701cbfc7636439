"""The port of the repository that changes land in: its commits and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from tagline.domain.changes.changes import Change
from tagline.domain.changes.touches import Among, FileChange
from tagline.domain.ledger.commits import CommitFacts
from tagline.ports.repository import Tree


class Landing(NamedTuple):
    """How a change landed: the tip of the branch before it, and the commit that it landed as."""

    before: str
    commit: str


class History(Protocol):
    """Commits and files of the changes' repository, read from the remote."""

    @property
    def url(self) -> str:
        """Where a person finds it, without credentials."""

    def tip(self, branch: str | None = None) -> str:
        """The newest commit of a branch; of the default one for None. Raises NotFound."""

    @property
    def default_branch(self) -> str:
        """Its name."""

    def files(self, commit: str) -> Tree:
        """The files of a commit."""

    def facts(self, commit: str) -> CommitFacts:
        """Who made a commit and when, and whether it is signed."""

    def prepare(self, commits: Sequence[str]) -> None:
        """Bring the files of several commits at once, before they are read one after the other."""

    def object_id(self, commit: str, path: str) -> tuple[str, str] | None:
        """Kind (as of :class:`Content`) and id of what a commit holds at a path, without downloading it."""

    def parent(self, commit: str, steps: int = 1) -> str | None:
        """The first parent, so many times; None where the history begins earlier."""

    def branches(self) -> list[str]:
        """The names of all branches."""

    def differing(self, before: str, after: str, among: Among) -> list[FileChange]:
        """The files that differ between two commits, of those that are asked for. Raises TooManyPaths."""

    def line(self, branch: str, since: float) -> list[str]:
        """The first parents of a branch's tip, newest first, at least as far back as ``since``."""

    def landing(self, change: Change, own: Callable[[], list[str]]) -> Landing:
        """How a merged change landed on its branch; ``own`` asks for its own commits where that matters.

        Raises Refused when its commit is not on the branch, or where nobody can tell what came before it.
        """

    def is_older(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` lies strictly before ``other``; None when nobody can tell."""

    def brings_nothing(self, before: str | None, after: str, base: str) -> bool:
        """Whether it is proved that a push brought only commits of ``base``, or the plain merge with one."""
