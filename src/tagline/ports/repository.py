"""The port of a repository: commits and files; a clone's tags and its remote; the branches that changes land on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # a port loads nothing: what it speaks of, its callers have
    from tagline.domain.changes.landing import Commit
    from tagline.domain.changes.touches import Among, FileChange
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

    def objects(self, paths: Iterable[str]) -> dict[str, Object]:
        """What lies at some paths, by its name alone; absent ones are left out."""

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
        """What lies at a path, after a look at it; None for nothing."""

    def blobs(self, path: str) -> list[Blob]:
        """Every file, link and submodule below a folder."""


class Object(NamedTuple):
    """What Git names: ``kind`` is ``blob``, ``tree``, ``symlink`` or ``submodule``; ``id`` is empty in a work tree."""

    kind: str
    id: str


class Blob(NamedTuple):
    """A file of a folder: its path in there, its kind and id (as of :class:`Object`), and size where that is known."""

    relpath: str
    kind: str
    object_id: str
    size: int | None


class Content(NamedTuple):
    """What a snapshot holds at a path, its kind and id as of :class:`Object`.

    ``size`` is in bytes, None where finding out would mean downloading it; ``files`` is 1 for a blob; ``pointer`` says
    that the blob is a Git LFS pointer, not the bytes themselves.
    """

    kind: str
    object_id: str
    size: int | None
    files: int
    pointer: bool = False


class Repository(Protocol):
    """Commits and their files: all that manifests, storage and lineage are read from."""

    @property
    def url(self) -> str:
        """Where a person finds it, without credentials: its remote's URL, or its own path's."""

    def tree(self, commit: str) -> Tree:
        """The files of a commit."""

    def facts(self, commit: str) -> CommitFacts:
        """Who made a commit and when, and whether it is signed."""

    def prepare(self, commits: Sequence[str], depth: int = 1, /) -> None:
        """Bring the files of several commits at once, where they are not here and will be read one after the other.

        ``depth`` 2 brings those of their parents as well. What is not to be had is told when it is read.
        """


class TaggedRepository(Repository, Protocol):
    """A repository that the ledger is read from: a clone, or a remote named by its URL."""

    def tags(self, artifacts: Collection[str] | None, *, details: bool = False) -> Iterable[RawTag]:
        """The tags of some artifacts and no others; every tag for None.

        ``details`` adds tagger and message.
        """

    def tag_names(self) -> list[str]:
        """The names of all tags; costs less than reading them."""

    def commit(self, revision: str) -> str:
        """The commit id of a revision. Raises NotFound."""

    def work_tree(self) -> Tree:
        """The tracked files as they lie in the work tree; HEAD's in a bare repository."""

    @property
    def moved(self) -> Sequence[Moved]:
        """Tags that named another object before, where that is known: of a remote's, as they were just fetched."""

    def why_incomplete(self) -> str | None:
        """``shallow`` or ``partial`` when tags may be missing here, else None."""


class Landing(NamedTuple):
    """How a change landed: the tip of the branch before it, and the commit that it landed as."""

    before: str
    commit: str


class History(Repository, Protocol):
    """The repository that changes land in: its branches, and what lies between its commits."""

    @property
    def default_branch(self) -> str:
        """Its name."""

    def branches(self) -> list[str]:
        """The names of all branches."""

    def tip(self, branch: str | None = None) -> str:
        """The newest commit of a branch; of the default one for None. Raises NotFound."""

    def line(self, branch: str, since: float) -> list[str]:
        """The first parents of a branch's tip, newest first, at least as far back as ``since``."""

    def behind(self, commit: str, steps: int) -> list[str]:
        """The first parents of a commit, newest first: so many, or fewer where the history begins earlier."""

    def words(self, commits: Sequence[str], head: str | None = None) -> list[Commit]:
        """What commits say themselves, in the order asked for. ``head``: they are it and its last ancestors."""

    def own_commits(self, head: str, landed: str) -> list[str]:
        """A change's own commits, oldest first: what its head has and the commit that it landed as has not."""

    def is_on(self, branch: str, commit: str, since: float) -> bool:
        """Whether a branch has a commit, which is most often no older than ``since``. Raises NotFound for no branch."""

    def lies_behind(self, commit: str, tip: str) -> bool:
        """Whether a commit is another or one of its ancestors."""

    def is_older(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` lies strictly before ``other``; None when nobody can tell."""

    def differing(self, before: str, after: str, among: Among) -> list[FileChange]:
        """The files that differ between two commits, of those that are asked for. Raises TooManyPaths."""

    def brings_nothing(self, before: str | None, after: str, base: str) -> bool:
        """Whether it is proved that a push brought only commits of ``base``, or the plain merge with one."""


class Upstream(Protocol):
    """The remote that a clone was made from: what the registry's truth is compared with."""

    @property
    def name(self) -> str:
        """What Git calls it (``origin``), or its URL."""

    @property
    def moved(self) -> Sequence[Moved]:
        """Tags that named another object before, of those that were asked for last by artifact."""

    def tag_objects(self, artifacts: Collection[str] | None) -> dict[str, str]:
        """Tag name to object id of the tags of some artifacts; of all for None. Raises PlatformRefused."""

    def tags(self, artifact: str) -> list[RawTag]:
        """The remote's own tags of one artifact, as they are now. Sets ``moved``."""

    def bring(self, names: Sequence[str]) -> None:
        """Put tags of the remote into the clone; none that is there is touched. Raises PlatformRefused."""
