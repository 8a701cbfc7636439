"""The port of a repository: its tags, commits and files, and the remote that it was cloned from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.moved import Moved


class Tree(Protocol):
    """The files of one snapshot: a work tree's tracked files, or those of one commit.

    Paths are POSIX, relative to the repository's root, as Git stores them.
    """

    @property
    def label(self) -> str:
        """What a person calls this snapshot: ``work tree`` or ``commit 1a2b3c4``."""

    def __hash__(self) -> int:
        """By identity: what was made of a tree's files is kept for the next question about it."""

    def telling(self) -> Sequence[str]:
        """The files that tell something of artifacts, by their names (``domain.tracked.is_telling``), in any folder.

        Raises TooManyPaths, as does whatever lists files: a few kB of a commit can stand for millions of them.
        """

    def kinds(self, paths: Iterable[str]) -> dict[str, str]:
        """The kinds (as of :class:`Content`) of what lies at some paths; absent ones are left out."""

    def paths(self) -> Sequence[str]:
        """Every tracked file (symlinks included, submodules' content not), sorted."""

    def files(self, within: Collection[str]) -> Sequence[tuple[str, str]]:
        """Path and Git's id of the files and links at and below some paths, sorted; in a work tree the ids are empty.

        ``.`` is the whole snapshot.
        """

    def submodules(self) -> frozenset[str]:
        """The paths of the submodules; none of a work tree, whose names do not tell."""

    def read(self, path: str, limit: int) -> bytes | None:
        """The content of a regular file, at most ``limit`` + 1 bytes; None where there is none, and for a symlink."""

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        """The same for several files at once; absent ones are left out."""

    def content(self, path: str) -> Content | None:
        """What lies at a path; None for nothing."""

    def blobs(self, path: str) -> list[Blob]:
        """Every file, link and submodule below a folder."""


class Blob(NamedTuple):
    """A file of a folder: its path in there, its kind (as of :class:`Content`), id, and size where that is known."""

    relpath: str
    kind: str
    object_id: str
    size: int | None


class Content(NamedTuple):
    """What a snapshot holds at a path: ``kind`` is ``blob``, ``tree``, ``symlink`` or ``submodule``.

    ``object_id`` is Git's, empty in a work tree. ``size`` is in bytes, None where finding out would mean
    downloading it; ``files`` is 1 for a blob; ``pointer`` says that the blob is a Git LFS pointer, not the
    bytes themselves.
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

    def facts(self, commit: str) -> CommitFacts:
        """Who made a commit and when, and whether it is signed."""

    def prepare(self, commits: Sequence[str]) -> None:
        """Bring the files of several commits at once, where they are not here and will be read one after the other."""

    @property
    def moved(self) -> Sequence[Moved]:
        """Tags that named another object before, where that is known: of a remote's, as they were just fetched."""

    def why_incomplete(self) -> str | None:
        """``shallow`` or ``partial`` when tags may be missing here, else None."""


class Upstream(Protocol):
    """The remote that a clone was made from: what the registry's truth is compared with."""

    @property
    def name(self) -> str:
        """What Git calls it (``origin``), or its URL."""

    @property
    def moved(self) -> Sequence[Moved]:
        """Tags that named another object before, of those that :meth:`tag_objects` asked for by artifact."""

    def tag_objects(self, artifacts: Collection[str] | None) -> dict[str, str]:
        """Tag name to object id of the tags of some artifacts; of all for None. Raises PlatformRefused."""

    def tags(self, artifact: str) -> list[RawTag]:
        """The remote's own tags of one artifact."""
