"""The ports of bytes: stores, what this machine says about them, and where fetched files go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tagline.domain.storage.objects import Facts, Item, Key, Remote
    from tagline.domain.storage.sha256 import Sha256s


class ObjectStore(Protocol):
    """Where an artifact's bytes are kept, by key.

    Every method may raise StoreRefused (credentials, permission, network, throttling) and, for an object
    that is not there, ObjectMissing; a store never answers with bytes or facts of another object.
    """

    @property
    def streams(self) -> int:
        """How many requests at once this store answers well."""

    def uri(self, key: Key) -> str:
        """Where a person finds the object, without its version."""

    def look(self, key: Key) -> Facts:
        """What the store says of one object."""

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        """The same for many in a bounded number of requests; those that are missing are left out."""

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        """The bytes from ``start``, to the end or ``length`` of them, in pieces of a few MiB at most.

        Raises ObjectChanged where ``etag`` is given and the object has another one now, StoreRefused where
        the connection was lost on the way. Closing the iterator early ends the transfer.
        """

    def presign(self, key: Key, seconds: int) -> str | None:
        """A URL that reads the object without credentials for so long; None where the store has none."""


class Stores(Protocol):
    """Opens stores. Nothing is asked of a store before its first use."""

    def remote(self, remote: Remote, folder: str) -> ObjectStore:
        """The store of a DVC remote whose project lies in ``folder`` of the repository (empty: its root).

        Raises WrongUsage for a remote that cannot be used here, such as one whose library is not installed.
        """

    def git(self, commit: str) -> ObjectStore:
        """The repository itself; keys are ``blob/ID`` and, for what Git LFS keeps, ``lfs/SHA256/SIZE``."""


class Machine(Protocol):
    """What this machine's own files say about DVC's remotes, beside the repository's."""

    @property
    def home(self) -> str | None:
        """What ``~`` means in paths."""

    def config(self, level: str, project: str) -> tuple[bytes, str] | None:
        """DVC's configuration file of a level (``system``, ``global``, ``local``), and the folder that it lies in.

        ``project`` is the folder of the repository that DVC's project lies in; None where there is no such
        file, or (``local``) no clone that could have one.
        """

    def folder(self, project: str) -> str | None:
        """The absolute path of the project's ``.dvc`` folder; None without a clone."""


class Destination(Protocol):
    """Where fetched files go: a path that is replaced as a whole, and never seen half full."""

    def settle(self, items: Sequence[Item], name: str) -> str:
        """Decide the place, before all else: the path, or into it under ``name``. Gives what people call it."""

    def compare(self, items: Sequence[Item], sums: Sha256s = ...) -> bool | None:
        """Whether what lies there is exactly these files, by their digests and ``sums``; None for nothing there."""

    def refuse_kept(self, items: Sequence[Item]) -> None:
        """Raise Refused where something lies there that these files never replace, whoever says so."""

    def receive(
        self,
        store: ObjectStore,
        items: Sequence[Item],
        report: Callable[[int, int], None],
        size: int | None = None,
        *,
        force: bool = False,
        sums: Sha256s = ...,
        still_wanted: Callable[[], bool] = ...,
    ) -> None:
        """Bring the files, verify each digest, and only then put them there as a whole.

        With ``force`` they replace a file, or a folder that an earlier fetch made, and Refused is raised for what
        is kept; without, Conflict is raised for anything else than these files.

        ``still_wanted`` is asked right before they are put there; where it says no, nothing is, and what came goes.
        ``report(bytes, files)`` is called with what came in addition; ``size`` is the bytes of all items
        together, where that is known. Raises WrongBytes for bytes that are not what their digest or ``sums`` say,
        PlatformRefused where the disk lacks the room.
        """

    def keep(self, digest: str, data: bytes) -> None:
        """Keep an object that is no file of its own, such as a folder's list, where fetched objects are kept."""

    def recall(self, digest: str) -> bytes | None:
        """What was kept under a digest, verified; None for nothing."""

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know of how it went: why nothing was kept."""
