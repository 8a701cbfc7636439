"""Which adapters reach bytes: DVC's remotes, the repository itself, Git LFS, this machine's configuration of DVC.

A file of its own because the libraries of object stores are slow to import, and who asks for ``show`` does not wait
for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tagline.domain.storage.objects import Remote
from tagline.errors import WrongUsage
from tagline.ports.storage import ObjectStore
from tagline.settings import Settings

if TYPE_CHECKING:
    from tagline.adapters.git.objects import GitObjects
    from tagline.adapters.git.running import Git
    from tagline.adapters.transfer.shelf import ShelfPlace
    from tagline.commands.storage.locating import StorageContext
    from tagline.ports.storage import Destination


def checkout() -> Git | None:
    """git in the work tree that this job stands in, if it stands in one."""
    from tagline.adapters.git.running import find_repository, open_git

    try:
        place = find_repository(Path())
    except WrongUsage:
        return None
    return None if place.bare else open_git(place)


class StorageWiring:
    """The port Stores, and what goes with it.

    ``objects`` opens the repository's own objects as of a commit; ``clone`` is git in a work tree, where
    there is one; ``policy`` reads the policy file of the default branch.
    """

    def __init__(
        self,
        settings: Settings,
        objects: Callable[[str], GitObjects],
        clone: Git | None,
        policy: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._objects = objects
        self._clone = clone
        self._git_objects: list[GitObjects] = []
        self._opened: list[tuple[Remote, ObjectStore]] = []

    def git(self, commit: str) -> ObjectStore:
        """The repository itself."""
        opened = self._objects(commit)
        self._git_objects.append(opened)
        return opened

    def close(self) -> None:
        """End the processes that read the repository."""
        for opened in self._git_objects:
            opened.close()

    def remote(self, remote: Remote, folder: str) -> ObjectStore:
        """The store of a DVC remote, opened once."""
        known = next((store for other, store in self._opened if other == remote), None)
        if known is None:
            from tagline.adapters.stores.choice import RemoteStores

            stores = RemoteStores(request_payer=self._settings.request_payer, platform=self._settings.platform)
            known = stores.remote(remote, folder)
            self._opened.append((remote, known))
        return known

    def context(self) -> StorageContext:
        """What commands need to find and reach bytes."""
        from tagline.adapters.stores.dvc_machine import DvcMachine
        from tagline.commands.storage.locating import StorageContext

        home = self._settings.home
        machine = DvcMachine(self._settings.dvc_folders, self._clone, str(home) if home else None)
        return StorageContext(self, machine, cache(self._moved))

    def _moved(self) -> Mapping[str, str]:
        """Where stores have moved to; nothing for a policy that cannot be understood."""
        from tagline.formats.policy import own_policy

        data = self._policy()
        return own_policy(data).storage_moved if data is not None else {}

    def destination(self, path: str, cache: Path | None, jobs: int | None) -> Destination:
        """Where fetched files go. A slash at the end of ``path`` means *into*."""
        from tagline.adapters.transfer.cache import ObjectCache
        from tagline.adapters.transfer.destination import Destination
        from tagline.adapters.transfer.fetched_folders import FetchedFolders

        made = FetchedFolders(self._settings.cache / "fetched")
        return Destination(path, cache=ObjectCache(cache) if cache is not None else None, streams=jobs, made=made)

    def shelf(self, cache: Path | None) -> ShelfPlace:
        """A place among the fetched artifacts that this user's programs share."""
        from tagline.adapters.transfer.cache import ObjectCache
        from tagline.adapters.transfer.shelf import ShelfPlace

        objects = ObjectCache(cache) if cache is not None else None
        return ShelfPlace(self._settings.cache / "artifacts", self._settings.cache_limit, cache=objects)
