"""The ports: what commands need from the world, in words of the registry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from tagline.domain.changes import Change, Comment, Label, Named, Reviews, Status, Unknown
from tagline.domain.codeowners import Flavour
from tagline.domain.commits import CommitFacts
from tagline.domain.delivery import Delivered
from tagline.domain.events import RawTag
from tagline.domain.moved import Moved
from tagline.domain.planning import NewTag
from tagline.domain.pushes import Push
from tagline.domain.records import ChangeKey
from tagline.domain.touches import Among, FileChange
from tagline.domain.triggers import Event
from tagline.errors import PlatformRefused


class Tree(Protocol):
    """The files of one snapshot: a work tree's tracked files, or those of one commit.

    Paths are POSIX, relative to the repository's root, as Git stores them.
    """

    @property
    def label(self) -> str:
        """What a person calls this snapshot: ``work tree`` or ``commit 1a2b3c4``."""

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

    def written_at(self, artifact: str) -> Mapping[str, int]:
        """Of tag objects of the last snapshot an instant before which they were not written, by the artifact's chain.

        In unix seconds; without those that the chain does not name.
        """

    def is_older(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` lies strictly before ``other`` in history; None when nobody can tell."""

    def policy(self) -> bytes | None:
        """The policy file of the default branch; None where there is none.

        Raises WrongUsage when its path is a link or a folder.
        """

    def publish(self, batches: Sequence[Batch]) -> None:
        """Write all the tags, if nothing of their artifacts was written since their marks.

        Raises :class:`Raced` when something was written, Conflict when a name is taken for good,
        Refused when a ref-name collision blocks it, PlatformRefused when the remote says no.
        """


class Batch(NamedTuple):
    """New tags of one artifact, the mark of the snapshot that they were planned on, and the change that asked."""

    artifact: str
    tags: Sequence[NewTag]
    mark: str
    change: ChangeKey | None = None


class CannotRead(PlatformRefused):
    """The token at hand may not read something (exit 4). ``unknown`` says what, and which token could.

    A rule that needs it catches this and says that it is unknown; nobody takes it for an empty answer.
    """

    code = "cannot-read"

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(f"This token may not read {unknown.what}.", unknown.needs)
        self.unknown = unknown


class CannotComment(Exception):
    """The token at hand may not comment on a change; the message says why and what would help."""


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


#: What a step leaves behind, beside the text of its log.
Piece = Literal["outputs", "document", "annotations", "code-quality", "junit"]


class Job(Protocol):
    """The runner that executes us."""

    @property
    def event(self) -> Event:
        """What started the job. Raises WrongUsage when its description cannot be read."""

    def begin(self) -> None:
        """Take away what an earlier job may have left where this one leaves its answer."""

    def report(self, markdown: str, *, posted: bool = False) -> str | None:
        """Show a text where the runner shows such; where that is, None when there is no such place.

        ``posted``: it stands on the change already, so it is shown only where it outlives that.
        """

    def keep(self, piece: Piece, text: str) -> None:
        """Leave a text where the runner takes up such; nothing where it takes up none.

        ``outputs`` are for later steps. Raises PlatformRefused when it cannot be left there.
        """


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
