"""The port of the forge: changes, people, comments, in words of changes; and what starts its workflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from tagline.domain.changes.changes import Change, Comment, Label, Merges, Named, Reviews, Status, Unknown
from tagline.domain.changes.codeowners import Flavour
from tagline.domain.changes.pages import Pages
from tagline.domain.changes.pushes import Push
from tagline.errors import PlatformRefused

if TYPE_CHECKING:  # plan and promote load nothing of the doctor's
    from tagline.domain.doctor.guards import BranchGuard, TagRule
    from tagline.domain.doctor.tokens import Token


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


class CommentGone(CannotComment):
    """A comment that was to be edited is not there any more: somebody deleted it meanwhile."""


class Changes(Protocol):
    """Changes, and what is known of each."""

    def change(self, number: int) -> Change:
        """One change. Raises NotFound."""

    def changes_with(self, commit: str) -> list[Change]:
        """The changes that the forge counts a commit to, with fields that a list tells.

        Each may have landed as that commit, or have it among its own.
        """

    def merged_since(self, branch: str, since: float) -> Merges:
        """Changes merged into a branch after ``since`` (unix seconds), with fields that a list tells."""

    def open_changes(self) -> list[Change]:
        """Every open change, with fields that a list tells."""

    def labels(self, change: Change) -> tuple[Label, ...]:
        """The labels as they stood at the merge, or stand now, with who put them there."""

    def labels_of_author(self, change: Change) -> frozenset[str]:
        """The labels of the newest other changes of a change's author, whatever became of them. One request."""

    @property
    def attests_labels(self) -> bool:
        """Whether :meth:`labels` can tell who put a label there, and when."""

    def reviews(self, change: Change) -> Reviews:
        """The reviews as they stood at the merge, or stand now."""

    def merge_base(self, change: Change) -> str:
        """Where an open change leaves its base branch."""

    def commit_ids(self, change: Change) -> list[str]:
        """The change's own commits, oldest first."""

    def pushes(self, change: Change) -> Iterator[Push]:
        """The newest pushes to branches of the name of the change's own, newest first. May raise midway."""

    def pushes_to(self, branch: str, until: float | None = None) -> Iterator[Push]:
        """The newest pushes to a branch until about an instant, newest first. May raise midway."""

    def starters(self, change: Change) -> Named:
        """Who started what ran when a change was opened."""


class People(Protocol):
    """Who may do what."""

    def may_write(self, login: str) -> bool:
        """Whether a person may write to the repository."""

    def members(self, team: str) -> frozenset[str]:
        """The folded logins of a team or group, written ``@org/team``; empty for one that does not exist."""

    def me(self) -> str | None:
        """The login that our comments are by; None where only an answer would tell."""


class Comments(Protocol):
    """What we write on changes."""

    def comments(self, change: Change) -> list[Comment]:
        """Every comment of a change, oldest first."""

    def comment(self, change: Change, body: str) -> Comment:
        """Add a comment. Raises CannotComment."""

    def edit_comment(self, change: Change, comment: Comment, body: str) -> Comment:
        """Replace a comment's text. Raises CannotComment, and CommentGone where there is none any more."""

    def delete_comment(self, change: Change, comment: Comment) -> None:
        """Take a comment of ours away again."""

    def set_status(self, change: Change, commit: str, status: Status, *, asked: bool = True) -> None:
        """Let the commit status ``tagline`` say this; what it says already is not posted again.

        ``asked`` False: the change asks for nothing, so that only a forge which can require a status needs it, or
        one that still says something else. Raises CannotComment.
        """


class CannotLabel(PlatformRefused):
    """The token at hand may not see or make labels (exit 4)."""

    code = "cannot-label"


class Labels(Protocol):
    """The labels that a repository offers, be they on a change or not."""

    #: Characters of a label's name; a longer one is refused.
    longest_label: int

    #: Whether ``Prod`` and ``prod`` are one label.
    labels_ignore_case: bool

    def offered_labels(self) -> list[str]:
        """The names of all of them, those of the groups above included. Raises CannotLabel."""

    def make_label(self, name: str, color: str, description: str) -> bool:
        """Make a label; ``color`` is six hex digits. False: it was there already. Raises CannotLabel."""


class Forge(Changes, People, Comments, Labels, Pages, Protocol):
    """The forge's API, in words of changes. Whoever needs one part takes that part.

    Every method but those of the pages may raise PlatformRefused. What a token may not read raises
    :class:`CannotRead`; it is never taken for an empty answer.
    """

    @property
    def flavour(self) -> Flavour:
        """Whose rules CODEOWNERS follows."""


class Inspection(Protocol):
    """How the forge is set up for one repository, read only. Any method may raise PlatformRefused and CannotRead."""

    def token(self) -> Token:
        """What the forge says of the token that asks."""

    def tag_rules(self) -> list[TagRule]:
        """What keeps people from creating tags."""

    def branch_guard(self, branch: str) -> BranchGuard:
        """What keeps people from pushing to a branch."""

    def schedules(self) -> dict[str, bool]:
        """What a schedule may start, as the forge calls it, and whether it is switched on."""


class Repositories(Protocol):
    """The repositories of a forge."""

    def of_owner(self, owner: str) -> Iterator[str]:
        """The full names of those of an organization or group. Raises NotFound and PlatformRefused."""
