"""The ports: what commands need from the world, in words of the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from tagline.domain.events import RawTag
from tagline.domain.planning import NewTag


class Tree(Protocol):
    """The files of one snapshot: a work tree's tracked files, or those of one commit.

    Paths are POSIX, relative to the repository's root, as Git stores them.
    """

    @property
    def label(self) -> str:
        """What a person calls this snapshot: ``work tree`` or ``commit 1a2b3c4``."""

    def paths(self) -> Sequence[str]:
        """Every tracked file (symlinks included, submodules' content not), sorted."""

    def read(self, path: str, limit: int) -> bytes | None:
        """The content of a regular file, at most ``limit`` + 1 bytes of it.

        None where there is no such regular file. A symlink is never followed.
        """

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        """The same for several files at once; absent ones are left out."""


class Content(NamedTuple):
    """What a commit holds at a path: ``kind`` is ``blob``, ``tree``, ``symlink`` or ``submodule``.

    ``size`` is in bytes, None where finding out would mean downloading it; ``files`` is 1 for a
    blob; ``pointer`` says that the blob is a Git LFS pointer, not the bytes themselves.
    """

    kind: str
    object_id: str
    size: int | None
    files: int
    pointer: bool = False


class Repository(Protocol):
    """A Git repository to read: tags, commits and files."""

    @property
    def url(self) -> str:
        """Where a person finds it, without credentials: its remote's URL, or its own path's."""

    def tags(self, artifacts: Collection[str] | None, *, details: bool = False) -> Iterable[RawTag]:
        """The tags of some artifacts and no others; every tag for None.

        ``details`` adds tagger and message.
        """

    def tag_names(self) -> list[str]:
        """The names of all tags; costs less than reading them."""

    def commit(self, revision: str) -> str:
        """The commit id of a revision. Raises NotFound."""

    def tree(self, commit: str) -> Tree:
        """The files of a commit."""

    def work_tree(self) -> Tree:
        """The tracked files as they lie in the work tree; HEAD's in a bare repository."""

    def content(self, commit: str, path: str) -> Content | None:
        """What a commit holds at a path; None for nothing."""

    def why_incomplete(self) -> str | None:
        """``shallow`` or ``partial`` when tags may be missing here, else None."""


class Upstream(Protocol):
    """The remote that a clone was made from: what the registry's truth is compared with."""

    @property
    def name(self) -> str:
        """What Git calls it (``origin``), or its URL."""

    def tag_objects(self, artifacts: Collection[str] | None) -> dict[str, str]:
        """Tag name to object id of the tags of some artifacts; of all for None.

        Raises PlatformRefused when the remote cannot be reached.
        """

    def tags(self, artifact: str) -> list[RawTag]:
        """The remote's own tags of one artifact."""


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

    def snapshot(self, artifact: str) -> Snapshot:
        """What the plan is to be made from."""

    def is_older(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` lies strictly before ``other`` in history; None when nobody can tell."""

    def policy(self) -> bytes | None:
        """The policy file of the default branch; None where there is none.

        Raises WrongUsage when its path is a link or a folder.
        """

    def publish(self, artifact: str, tags: Sequence[NewTag], mark: str) -> None:
        """Write all the tags, if nothing of the artifact was written since ``mark``.

        Raises :class:`Raced` when something was written, Conflict when a name is taken for good,
        Refused when a ref-name collision blocks it, PlatformRefused when the remote says no.
        """
