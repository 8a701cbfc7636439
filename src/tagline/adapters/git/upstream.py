"""The remote of a clone: what the clone's tags are compared with, and fetched from."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tagline.adapters.git.remote import RemoteCache, list_refs
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import open_git
from tagline.adapters.git.tags import tags_among
from tagline.adapters.git.urls import LoginFor, RemoteUrl, upstream_of
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.moved import Moved
from tagline.domain.ledger.tags import artifact_in_tag, before_event, why_no_tag_names
from tagline.errors import PlatformRefused

#: Of more artifacts all tags are fetched: each has words on a command line.
_MOST_NAMED = 300


class GitUpstream:
    """The remote of a clone, to compare the clone's tags with. ``else_offline``: who asks takes ``--offline``."""

    def __init__(
        self,
        repository: GitRepository,
        name: str,
        cache: RemoteCache,
        login_for: LoginFor,
        *,
        else_offline: bool = False,
    ) -> None:
        self.name = name
        self._repository = repository
        self._cache = cache
        self._login_for = login_for
        self._else_offline = else_offline
        self.moved: Sequence[Moved] = ()

    def tags(self, artifact: str) -> list[RawTag]:
        """The remote's own tags of one artifact, as they are now."""
        found = self._cache.fetch(self._remote(), [artifact])
        self.moved = found.moved
        return list(found.tags([artifact], details=True))

    def tag_objects(self, artifacts: Collection[str] | None) -> dict[str, str]:
        """Tag name to object id, of some artifacts or of all."""
        try:
            remote = self._remote()
            if artifacts is None:
                return tags_among(list_refs(remote))
            named = [name for name in artifacts if not why_no_tag_names(name)]
            if not named:
                self.moved = ()
                return {}
            found = self._cache.fetch(remote, named if len(named) <= _MOST_NAMED else None)
            self.moved = found.moved
            bases = set(map(artifact_in_tag, named))
            return {tag.name: tag.object_id for tag in found.tags(None) if before_event(tag.name) in bases}
        except PlatformRefused as error:
            if not self._else_offline:
                raise
            hint = f"{error.hint}\nOr answer from the tags that are here: --offline"
            raise PlatformRefused(error.message, hint, code=error.code) from error

    def bring(self, names: Sequence[str]) -> None:
        """Fetch tags into the clone itself."""
        remote = self._remote()
        refspecs = "".join(f"refs/tags/{name}:refs/tags/{name}\n" for name in names)
        git = open_git(self._repository.place, remote.config, remote.moved)
        git.run("fetch", "--quiet", "--no-tags", "--stdin", remote.url, stdin=refspecs.encode(errors="surrogateescape"))

    def _remote(self) -> RemoteUrl:
        return upstream_of(self._repository, self.name, login_for=self._login_for)
