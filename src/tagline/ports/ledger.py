"""The port of the ledger: where an artifact's tags are written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.planning import NewTag
from tagline.domain.ledger.records import ChangeKey


class Snapshot(NamedTuple):
    """An artifact's tags at one instant, and a mark to tell whether anybody wrote since.

    ``unpublished`` are the clone's own events of the artifact that the ledger lacks or has with
    other content: made with --no-push, or deleted on the remote.
    """

    tags: list[RawTag]
    mark: str
    unpublished: tuple[RawTag, ...] = ()


class Raced(Exception):
    """Somebody else wrote to this artifact first: read again, plan again."""


class Ledger(Protocol):
    """Where an artifact's tags are written: all of a plan or nothing, and never over another's."""

    def snapshots(self, artifacts: Collection[str]) -> Mapping[str, Snapshot]:
        """What plans are to be made from, by artifact. Raises NotFound for a name that no tag can carry."""

    def tag_names(self) -> Collection[str]:
        """The names of all tags there are, of every artifact and of none."""

    def written_at(self, artifacts: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """Of tag objects of the last snapshots an instant before which they were not written, by artifact.

        By the artifact's chain, in unix seconds; without those that the chain does not name.
        """

    def is_older(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` lies strictly before ``other`` in history; None when nobody can tell."""

    def policy(self) -> bytes | None:
        """The policy file of the default branch; None where there is none.

        Raises WrongUsage when its path is a link or a folder.
        """

    def bring_home(self, artifact: str, tags: Mapping[str, str]) -> None:
        """Make tags of the last snapshot, by their commits, where the command runs: a killed run left them out."""

    def publish(self, batches: Sequence[Batch]) -> Mapping[str, str]:
        """Write all the tags, if nothing of their artifacts was written since their marks; name to object id.

        Raises :class:`Raced` when something was written, Conflict when a name is taken for good,
        Refused when a ref-name collision blocks it, PlatformRefused when the remote says no.
        """


class Batch(NamedTuple):
    """New tags of one artifact, the mark of the snapshot that they were planned on, and the change that asked."""

    artifact: str
    tags: Sequence[NewTag]
    mark: str
    change: ChangeKey | None = None
