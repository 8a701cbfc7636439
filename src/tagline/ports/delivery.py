"""The ports of delivery: what starts runs, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from tagline.domain.delivery.book import Book
from tagline.domain.delivery.deployments import Announcement, Deployment
from tagline.domain.delivery.events import Event
from tagline.domain.delivery.proposals import Proposal, Proposed
from tagline.domain.delivery.receipts import How, Run, Start
from tagline.errors import Conflict, PlatformRefused


class Lost(Exception):
    """Nobody heard what came of asking for a run: it may be there."""


class Starter(Protocol):
    """What starts workflows or pipelines, where a pushed tag alone does not."""

    def how(self, start: Start) -> How:
        """In which way :meth:`begin` starts it. Raises WrongUsage for a target that this forge has not."""

    def pushes_start(self, start: Start, tags_in_push: int) -> bool:
        """Whether a push of this token, with so many tags, starts something by itself on a tag."""

    def find(self, start: Start, since: float, *, asked_for: bool = False) -> Run | None:
        """The run for a tag that was created after ``since`` (unix seconds); ``asked_for``: none that its push began.

        Raises PlatformRefused.
        """

    def begin(self, start: Start, tags: Sequence[str] = ()) -> Run | None:
        """Ask for a run, once; None where the forge does not say which it is. ``tags`` are given to it as a list.

        Raises PlatformRefused where there is none and :class:`Lost` where nobody knows.
        """


class Page(NamedTuple):
    """An artifact's book, and the mark of where it stands."""

    book: Book
    mark: str = ""


class DeliveryMemory(Protocol):
    """What is remembered of deliveries, on the ledger's remote."""

    def read(self, artifacts: Collection[str]) -> Mapping[str, Page]:
        """Each artifact's page. Raises PlatformRefused when the remote cannot be reached."""

    def write(self, pages: Mapping[str, Page], like: str, now: int) -> Mapping[str, str]:
        """Put each book above the page that it was made from, all or none; the records' ids by artifact.

        ``like`` is the id of any object of the repository, ``now`` unix seconds. Raises
        :class:`tagline.ports.ledger.Raced` when somebody else wrote one of them, PlatformRefused when the remote
        says no, WrongUsage where Git does not know who writes.
        """


class Receiver(Protocol):
    """Somebody who is told what happens."""

    @property
    def key(self) -> str:
        """What tells it from others; no secret."""

    def send(self, event: Event) -> None:
        """Send an event. Raises PlatformRefused where it was not taken."""


class NotStarted(PlatformRefused):
    """Nothing runs on a tag (exit 4)."""

    code = "not-started"


class Deployments(Protocol):
    """The forge's own page of deployments, of the repository whose job deploys."""

    def announce(self, announcement: Announcement, *, news: bool) -> Deployment:
        """Let the forge know how far a deployment is; what it knows already is not said again.

        Where the job names an environment, the forge's own deployment is the answer and none is made beside it.
        ``news``: no run reported this before. Raises PlatformRefused.
        """

    def record(self, announcement: Announcement) -> None:
        """Keep a record by the SHA-256 of what was deployed. Raises PlatformRefused, and WrongUsage where none are."""

    def starter(self) -> str | None:
        """Who started this job, as the forge says; None where it does not. Raises PlatformRefused."""


class BranchTaken(Conflict):
    """The branch of a change that is to be opened has something else in it, or would have nothing (exit 5)."""

    code = "branch-taken"

    def __init__(self, branch: str, file: str | None = None) -> None:
        """``file`` is the request file, where it lies on the base branch already."""
        if file is not None:
            super().__init__(
                f"There is a file {file} already where the branch {branch} would begin: it would ask nothing.",
                "Nothing was opened. Look which change added it, take it away by a change and run this again.",
            )
            return
        super().__init__(
            f"There is a branch {branch} already, and more or something else is in it than the request file.",
            "Nothing was opened from it. Look who pushed it, delete it and run this again.",
        )


class Proposer(Protocol):
    """What opens changes in the ledger's repository. Every method may raise PlatformRefused."""

    def find(self, branch: str) -> Proposed | None:
        """The change of a branch, whatever became of it; of several one that is open."""

    def propose(self, proposal: Proposal) -> Proposed:
        """Open a change, once for each branch: one that was opened, whatever became of it, is the answer.

        What a killed run has left is completed. Raises :class:`BranchTaken` where the branch has anything else in it.
        """
