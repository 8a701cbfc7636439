"""The port of the forge: changes, people, comments, in words of changes; and what starts its workflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tagline.domain.changes.changes import Change, Comment, Label, Named, Reviews, Status, Unknown
from tagline.domain.changes.codeowners import Flavour
from tagline.domain.changes.delivery import Delivered
from tagline.domain.changes.pushes import Push
from tagline.errors import PlatformRefused


class CannotRead(PlatformRefused):
    """The token at hand may not read something (exit 4). ``unknown`` says what, and which token could.

    A rule that needs it catches this and says that it is unknown; nobody takes it for an empty answer.
    """

    code = "cannot-read"

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(f"This token may not read {unknown.what}.", unknown.needs)
        self.unknown = unknown


class CannotComment(Exception):
    """A comment or status cannot be written; the message says why and what would help. ``passes``: not now, that is."""

    def __init__(self, why: str, *, passes: bool = False) -> None:
        super().__init__(why)
        self.passes = passes


class Forge(Protocol):
    """The forge's API, in words of changes. Every method may raise PlatformRefused.

    What a token may not read raises :class:`CannotRead`; it is never taken for an empty answer.
    """

    @property
    def flavour(self) -> Flavour:
        """Whose rules CODEOWNERS follows."""

    def change(self, number: int) -> Change:
        """One change. Raises NotFound."""

    def landed_as(self, commit: str) -> list[Change]:
        """The merged changes that a commit of a branch landed with."""

    def merged_since(self, branch: str, since: float) -> list[Change]:
        """Changes merged into a branch after ``since`` (unix seconds), with fields that a list tells."""

    def open_changes(self) -> list[Change]:
        """Every open change, with fields that a list tells."""

    def labels(self, change: Change) -> tuple[Label, ...]:
        """The labels as they stood at the merge, or stand now, with who put them there."""

    def reviews(self, change: Change) -> Reviews:
        """The reviews as they stood at the merge, or stand now."""

    def merge_base(self, change: Change) -> str:
        """Where an open change leaves its base branch."""

    def commit_ids(self, change: Change) -> list[str]:
        """The change's own commits, oldest first."""

    def pushes(self, change: Change) -> Iterator[Push]:
        """The newest pushes to branches of the name of the change's own, newest first. May raise midway."""

    def starters(self, change: Change) -> Named:
        """Who started what ran when a change was opened."""

    @property
    def attests_labels(self) -> bool:
        """Whether :meth:`labels` can tell who put a label there, and when."""

    def may_write(self, login: str) -> bool:
        """Whether a person may write to the repository."""

    def members(self, team: str) -> frozenset[str]:
        """The folded logins of a team or group, written ``@org/team``; empty for one that does not exist."""

    def me(self) -> str | None:
        """The login that our comments are by; None where only an answer would tell."""

    def comments(self, change: Change) -> list[Comment]:
        """Every comment of a change, oldest first."""

    def comment(self, change: Change, body: str) -> Comment:
        """Add a comment. Raises CannotComment."""

    def edit_comment(self, change: Change, comment: Comment, body: str) -> Comment:
        """Replace a comment's text. Raises CannotComment."""

    def delete_comment(self, change: Change, comment: Comment) -> None:
        """Take a comment of ours away again."""

    def set_status(self, change: Change, commit: str, status: Status) -> None:
        """Set the commit status ``tagline``. Raises CannotComment."""

    def commit_url(self, commit: str) -> str:
        """The page of a commit."""

    def tag_url(self, tag: str) -> str:
        """The page of a tag."""

    def file_url(self, commit: str, path: str) -> str:
        """The page of a file or folder of a commit."""

    def compare_url(self, before: str, after: str) -> str:
        """The page of what lies between two commits."""


class Delivery(Protocol):
    """What starts workflows, where a pushed tag alone does not."""

    def deliver(self, workflow: str, tag: str, commit: str) -> Delivered:
        """Start a workflow on a tag that names ``commit``, unless a run of it is there already.

        Raises PlatformRefused.
        """
