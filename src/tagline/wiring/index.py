"""What keeps an index: which repositories are meant, how they are read, where the data set lies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tagline.commands.index.index import IndexContext
from tagline.commands.storage.locating import StorageContext
from tagline.domain.index.sources import Wanted, listed, once, page_of, repository_name
from tagline.domain.text.origins import same_origin
from tagline.errors import PlatformRefused, WrongUsage
from tagline.settings import Settings
from tagline.wiring.addresses import OWNER_NAME_RE, address_of, over_https
from tagline.wiring.registry import login_of
from tagline.wiring.storage import StorageWiring
from tagline.wiring.tokens import GITHUB, NamedBy, token_for

if TYPE_CHECKING:
    from tagline.adapters.git.registries import GitRegistries
    from tagline.adapters.git.urls import RemoteUrl
    from tagline.adapters.index.dataset import PlacedDataSet
    from tagline.ports.index import Organization
    from tagline.ports.repository import Repository
    from tagline.settings import Secret

#: Bytes of a list of repositories.
_MOST_OF_LIST = 16 << 20
#: Repositories at once: with fewer a slow network leaves the processors idle.
JOBS = 16


class _NoMachine:
    """The port Machine of nowhere: an index says the same wherever it is made."""

    home = None

    def config(self, _level: str, _project: str) -> tuple[bytes, str] | None:
        """None: only what a repository says counts."""
        return None

    def folder(self, _project: str) -> str | None:
        """None: there is no clone."""
        return None


@dataclass(frozen=True)
class IndexWiring:
    """The adapters of one run. ``forge`` and ``api_url`` are what ``--repo-forge`` and ``--repo-api-url`` say."""

    settings: Settings
    forge: str | None = None
    api_url: str | None = None

    def wanted(
        self, named: Sequence[str], lists: Sequence[str], organizations: Sequence[str], groups: Sequence[str]
    ) -> list[Wanted]:
        """Every repository that is asked for, once. Raises WrongUsage, NotFound, PlatformRefused."""
        found = [self._named(text, "caller") for text in named]
        for file in lists:
            found += [self._named(text, "content") for text in _lines(Path(file))]
        for owner, forge in [*((one, "github") for one in organizations), *((one, "gitlab") for one in groups)]:
            found += self._of_owner(owner, forge)
        return once(found)

    def with_visibility(self, wanted: Sequence[Wanted], say: Callable[[str], None]) -> list[Wanted]:
        """The same with what their forge says of those that somebody named, as far as its token may ask.

        Who may see a repository stays unknown where nobody says so.
        """
        found = {one.repository: one for one in wanted}
        for organization, names in self._by_forge(wanted):
            try:
                told = organization.named(list(names))
            except PlatformRefused as error:
                say(f"Who may see {len(names)} of the repositories is not known: {error.message}")
                continue
            for name, one in told.items():
                own = found[names[name]]
                found[own.repository] = replace(own, visibility=one.visibility, refs=one.refs, problem=one.problem)
        return list(found.values())

    def _by_forge(self, wanted: Iterable[Wanted]) -> list[tuple[Organization, dict[str, str]]]:
        """Whom to ask, and for which full names; each leads to what the index calls that repository."""
        from tagline.wiring.changes import ChangeWiring

        found: dict[tuple[str, str, Secret | None], tuple[Organization, dict[str, str]]] = {}
        for one in wanted:
            page = one.url.startswith(("http://", "https://"))
            if one.forge not in ("github", "gitlab") or one.visibility != "unknown" or not page:
                continue
            by = self._by(one.address)
            if by == "content" and token_for(self._asking, one.url, one.url, by) is None:
                continue
            wiring = ChangeWiring(self._asking, one.url, one.forge, self.api_url, by)
            key, name = wiring.asked
            _, names = found.setdefault(key, (wiring.organization(), {}))
            names[name] = one.repository
        return list(found.values())

    def _named(self, text: str, by: NamedBy) -> Wanted:
        address = address_of(text, self.settings, self.forge, self.api_url)
        if address is None:
            path = Path(text).expanduser().resolve()
            return Wanted(path.as_uri(), path.as_uri(), path.as_uri())
        if by == "content" and not OWNER_NAME_RE.fullmatch(text):
            self._of_lists.add(address)
        else:
            self._meant.add(address)
        name, page = repository_name(address), page_of(over_https(address))
        return Wanted(name, page, address, self._forge_of(page))

    @cached_property
    def _of_lists(self) -> set[str]:
        """Addresses whose host a file names: no token goes there that nobody meant for it."""
        return set()

    @cached_property
    def _meant(self) -> set[str]:
        """Addresses on a host that the caller named, or on the forge that ``owner/name`` is on."""
        return set()

    def _by(self, address: str) -> NamedBy:
        return "content" if address in self._of_lists and address not in self._meant else "caller"

    @cached_property
    def _asking(self) -> Settings:
        """With TAGLINE_TOKEN before GitLab's own token of the job, which lists no group and reads only what let it."""
        return replace(self.settings, job_token=None) if self.settings.token else self.settings

    def _forge_of(self, page: str) -> str:
        """Whose page it is, as far as somebody said so."""
        own = self.settings.server_url
        if self.forge is not None:
            return self.forge
        if own is not None and self.settings.platform is not None and same_origin(own, page):
            return self.settings.platform
        return "github" if same_origin(GITHUB, page) else "git"

    def _of_owner(self, owner: str, forge: str) -> Iterator[Wanted]:
        from tagline.wiring.changes import ChangeWiring

        if self.forge not in (None, forge):
            raise WrongUsage(
                f"--{'org' if forge == 'github' else 'group'} is {forge}'s, and --repo-forge says {self.forge}.",
                "GitHub has organizations (--org), GitLab has groups (--group).",
            )
        changes = ChangeWiring(self._asking, f"{owner}/any", forge, self.api_url)
        return changes.organization().repositories(owner)

    def registries(self, jobs: int) -> GitRegistries:
        """What reads repositories."""
        from tagline.adapters.git.registries import GitRegistries

        return GitRegistries(self._remote, self.settings.cache, jobs)

    def _remote(self, address: str) -> RemoteUrl:
        from tagline.adapters.git.urls import remote_url

        return remote_url(address, login=login_of(token_for(self._asking, address, address, self._by(address))))

    def data(self, destination: str) -> PlacedDataSet:
        """The data set at a folder or an ``s3://`` address."""
        from tagline.adapters.index.choice import data_set

        return data_set(destination, self.settings.cache)

    def context(
        self, data: PlacedDataSet, jobs: int | None, say: Callable[[str], None], report: Callable[[int], None]
    ) -> IndexContext:
        """What ``index`` works with."""
        count = jobs or JOBS
        return IndexContext(self.registries(count), data, self.storage, int(time.time()), count, say, report)

    def storage(self, repository: Repository, policy: bytes | None) -> StorageContext:
        """What locates bytes by the word of a repository alone; no store is asked anything."""
        from tagline.adapters.git.addresses import NamedObjects

        stores = StorageWiring(self.settings, lambda commit: NamedObjects(repository.url), None)  # type: ignore[arg-type, return-value]
        return StorageContext(stores, _NoMachine(), lambda: _moved(policy))


def _moved(policy: bytes | None) -> dict[str, str]:
    from tagline.formats.policy import own_policy

    return dict(own_policy(policy).storage_moved) if policy is not None else {}


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_OF_LIST + 1)
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror}.", "Check the path of --from.") from error
    if len(data) > _MOST_OF_LIST:
        raise WrongUsage(f"{file} is larger than 16 MiB.", "List one repository a line.")
    return listed(data.decode(errors="replace"))
