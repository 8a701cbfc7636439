"""Which adapters serve ``plan`` and ``promote``: a forge, a job, the history and the ledger of one repository."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tagline.domain.text.origins import origin_of
from tagline.errors import WrongUsage
from tagline.ports.clock import Clock
from tagline.settings import Secret, Settings
from tagline.wiring.addresses import OWNER_NAME_RE, over_https, server_of
from tagline.wiring.policies import outside_of
from tagline.wiring.registry import MAX_LFS_CONFIG, Wiring, login_of
from tagline.wiring.tokens import GITHUB, GITHUB_API, Grant, NamedBy, token_for, token_to_start, withheld

if TYPE_CHECKING:
    from tagline.adapters.git.history import GitHistory
    from tagline.adapters.git.listing import Listing
    from tagline.adapters.git.objects import GitObjects
    from tagline.adapters.git.remote import RemoteCache
    from tagline.adapters.git.urls import RemoteUrl
    from tagline.commands.changes.context import ChangeContext
    from tagline.commands.delivery.starting import Delivering
    from tagline.domain.delivery.targets import Rule
    from tagline.ports.delivery import Starter
    from tagline.ports.forge import Forge, Inspection, Repositories
    from tagline.ports.index import Organization
    from tagline.ports.job import Job
    from tagline.ports.ledger import Ledger
    from tagline.ports.memory import Memory
    from tagline.ports.storage import ObjectStore
    from tagline.wiring.storage import StorageWiring


@dataclass(frozen=True)
class _Place:
    """A repository on a forge: its name there, its page, the forge's own URL and its API's."""

    name: str
    page: str
    server: str
    api_url: str | None


@dataclass(frozen=True)
class ChangeWiring:
    """The adapters of one run about changes.

    ``repo`` is what ``--repo`` says, ``forge`` and ``api_url`` what ``--repo-forge`` and ``--repo-api-url``
    say; all None for the repository of this job. ``named_by``: who named it, where it was not the caller.
    """

    settings: Settings
    repo: str | None = None
    forge: str | None = None
    api_url: str | None = None
    named_by: NamedBy | None = None

    @property
    def flavour(self) -> str:
        """Which API is spoken. Raises WrongUsage where neither the job nor anybody says it."""
        found = self.forge or self.settings.platform
        if found == "git":
            raise WrongUsage(
                "A plain Git server has no pull or merge requests.",
                "Say whose API it has: --repo-forge github or gitlab.",
                code="which-forge",
            )
        if found is None:
            raise WrongUsage(
                "This is no job of GitHub or GitLab, so nothing says whose changes these are.",
                "Say it: --repo-forge github --repo https://github.com/OWNER/NAME",
                code="which-forge",
            )
        return found

    @cached_property
    def job(self) -> Job:
        """The runner that executes us."""
        from tagline.wiring.runner import job_of

        return job_of(self.settings)

    def context(self, *, dry_run: bool, deliver: Sequence[Rule] = ()) -> ChangeContext:
        """What the commands about changes work with. ``deliver``: what the run itself starts on its tags.

        Raises WrongUsage where the forge has no such thing.
        """
        from tagline.commands.changes.context import ChangeContext, Options
        from tagline.wiring.mlflow import mlflow_access_of

        if deliver and self.flavour != "github":
            raise WrongUsage(
                "--deliver is GitHub's.",
                "Leave it out: on GitLab the policy says what starts, under deliver of a stage.",
                code="deliver-elsewhere",
            )
        # Where no forge can be told nothing else is opened.
        forge, history = self._forge, self._history
        return ChangeContext(
            forge=forge,
            job=self.job,
            history=history,
            ledger=self._ledger(history),
            memory=self._memory,
            storage=self._storage.context(),
            tracking=mlflow_access_of(self.settings),
            clock=Clock(time.time, time.sleep),
            options=Options(
                dry_run=dry_run,
                identity=self.settings.identity,
                run_url=self.settings.run_url,
                tags_a_push=None if deliver else self._tags_a_push,
                deliver=tuple(deliver),
            ),
            outside=outside_of(self.settings, self.forge, self.api_url),
            begin_delivering=lambda: self._delivering(history),
        )

    @property
    def _tags_a_push(self) -> int | None:
        """So many tags of one push start something on the forge; None where this token's pushes start nothing."""
        grant = self._grant(f"{self._place.page}.git")
        if self.flavour == "gitlab":
            from tagline.adapters.forges.gitlab.pipelines import PIPELINES_A_PUSH

            return None if grant is not None and grant.is_job_token else PIPELINES_A_PUSH
        from tagline.adapters.forges.github.runs import EVENTS_A_PUSH

        return None if self.has_workflow_token else EVENTS_A_PUSH

    @property
    def has_workflow_token(self) -> bool:
        """Whether the token for this repository is the workflow's own."""
        grant, own = self._grant(f"{self._place.page}.git"), self.settings.workflow_token
        return grant is not None and grant.token == own

    def _delivering(self, history: GitHistory) -> Delivering:
        """What starts runs on tags and tells receivers. Raises WrongUsage for a receiver that is none."""
        from tagline.adapters.git.delivery_memory import GitDeliveryMemory
        from tagline.commands.delivery.notebook import Notebook
        from tagline.commands.delivery.starting import Delivering
        from tagline.formats.yaml.reading import MAX_BYTES
        from tagline.wiring.delivery import receivers_of

        clock = Clock(time.time, time.sleep)
        return Delivering(
            starter=self._starter,
            notebook=Notebook(GitDeliveryMemory(self._cache, self._remote_url, self.settings.tagger), clock),
            clock=clock,
            run_url=self.settings.run_url,
            read=lambda commit, path: history.tree(commit).read(path, MAX_BYTES),
            receivers=receivers_of(self.settings, self._place.page),
        )

    @property
    def _starter(self) -> Starter:
        """What starts workflows, or pipelines."""
        if self.flavour == "gitlab":
            from tagline.adapters.forges.gitlab.pipelines import GitLabPipelines

            server, name, page, secret, is_job_token, _ = self.on_gitlab()
            return GitLabPipelines(
                server,
                name,
                page,
                secret,
                job_token=is_job_token,
                elsewhere=lambda other: _secret(
                    token_to_start(self.settings, f"{server}/api/v4", f"{self._place.server}/{other}")
                ),
            )
        from tagline.adapters.forges.github.runs import GitHubRuns

        place, api = self._place, _github_api(self._place)
        return GitHubRuns(
            api,
            place.name,
            place.server,
            _secret(self._grant(api)),
            hears_pushes=not self.has_workflow_token,
            elsewhere=lambda name: _secret(token_to_start(self.settings, api, f"{place.server}/{name}")),
        )

    @cached_property
    def _storage(self) -> StorageWiring:
        """What reaches bytes. A person's clone may carry settings for DVC, which may name programs to run.

        A job's folder may not: it has no checkout of its own, and what lies there an earlier job left.
        """
        from tagline.wiring.storage import StorageWiring, checkout

        personal = self.repo is None and not self.settings.ci
        return StorageWiring(self.settings, self._git_objects, checkout() if personal else None)

    def _git_objects(self, commit: str) -> GitObjects:
        from tagline.adapters.git.lfs import LfsStore, lfs_server
        from tagline.adapters.git.objects import GitObjects

        history = self._history

        def lfs() -> ObjectStore:
            config = history.tree(commit).read(".lfsconfig", MAX_LFS_CONFIG)
            return LfsStore(*lfs_server(history.commits.git, self._remote_url, config), None)

        git, prefetch = history.snapshots.objects(commit)
        return GitObjects(git, history.url, lfs, prefetch)

    @cached_property
    def _place(self) -> _Place:
        settings = self.settings
        if self.repo is None and settings.repository and settings.repository_url:
            if self.api_url is not None:
                raise WrongUsage(
                    "--repo-api-url says where the API of --repo is, and there is no --repo.",
                    "Leave it out: this job says where its own forge is. Or name the repository.",
                    code="bad-repo",
                )
            server = settings.server_url or settings.repository_url.removesuffix(f"/{settings.repository}")
            return _Place(settings.repository, settings.repository_url, server.rstrip("/"), settings.api_url)
        if self.api_url is not None and origin_of(self.api_url) is None:
            raise WrongUsage(
                f"--repo-api-url {self.api_url!r} is no address of a server.",
                "Give the whole address, with https:// before it.",
                code="bad-address",
            )
        url = self._named_url()
        server = (settings.server_url or "").rstrip("/")
        same = bool(server) and url.startswith(f"{server}/")
        if not same:
            parts = urlsplit(url)
            server = f"{parts.scheme}://{parts.netloc}"
        name = url.removeprefix(f"{server}/").removesuffix("/").removesuffix(".git")
        return _Place(name, f"{server}/{name}", server, self.api_url or (settings.api_url if same else None))

    @property
    def _is_folder(self) -> bool:
        return self.repo is not None and self.repo.startswith((".", "/", "~"))

    def _named_url(self) -> str:
        """The repository's URL: as named, or the remote of the clone that one stands in."""
        text = self.repo
        if text is None or self._is_folder:
            text = over_https(Wiring(self.settings, repo=text).repository.url)
        elif OWNER_NAME_RE.fullmatch(text) and (server := server_of(self.settings, self.forge, self.api_url)):
            text = f"{server}/{text}"
        if not text.startswith(("http://", "https://")) or not urlsplit(text).path.strip("/"):
            raise WrongUsage(
                f"{text} is no repository on a forge.",
                "Name it by its page: --repo https://HOST/OWNER/NAME, or OWNER/NAME in a job.",
                code="bad-repo",
            )
        return text

    @property
    def _by(self) -> NamedBy:
        return self.named_by or ("caller" if self.repo is not None and not self._is_folder else "here")

    def _grant(self, asked: str) -> Grant | None:
        """The token for a request to an address: of Git, or of the API, which somebody may have put elsewhere."""
        return token_for(self.settings, asked, self._place.page, self._by)

    @property
    def withheld(self) -> str | None:
        """Why a token that is there does not go to this repository's forge; None where one does, or none is there."""
        return withheld(self.settings, f"{self._place.page}.git", self._place.page, self._by)

    @cached_property
    def _forge(self) -> Forge:
        if self.flavour == "github":
            from tagline.adapters.forges.github.forge import GitHub

            return GitHub(*self.on_github())
        from tagline.adapters.forges.gitlab.forge import GitLab

        server, name, page, secret, is_job_token, why_none = self.on_gitlab()
        return GitLab(server, name, page, secret, job_token=is_job_token, no_token=why_none)

    def inspection(self) -> Inspection:
        """What reads how the repository is set up."""
        if self.flavour == "github":
            from tagline.adapters.forges.github.inspection import Inspection as OnGitHub

            return OnGitHub(*self.on_github())
        from tagline.adapters.forges.gitlab.inspection import Inspection as OnGitLab

        server, name, page, secret, is_job_token, why_none = self.on_gitlab()
        return OnGitLab(server, name, page, secret, job_token=is_job_token, no_token=why_none)

    def repositories(self) -> Repositories:
        """What lists the repositories of the forge."""
        if self.flavour == "github":
            from tagline.adapters.forges.github.repositories import Repositories as OnGitHub

            api, _, server, secret, why_none = self.on_github()
            return OnGitHub(api, server, secret, why_none)
        from tagline.adapters.forges.gitlab.repositories import Repositories as OnGitLab

        server, _, _, secret, is_job_token, why_none = self.on_gitlab()
        return OnGitLab(server, secret, job_token=is_job_token, no_token=why_none)

    def organization(self) -> Organization:
        """What lists the repositories of an organization or group with all that an index wants to know of them."""
        if self.flavour == "github":
            from tagline.adapters.forges.github.organizations import Organizations as OnGitHub

            api, _, server, secret, why_none = self.on_github()
            return OnGitHub(api, server, secret, why_none)
        from tagline.adapters.forges.gitlab.groups import Groups as OnGitLab

        server, _, _, secret, is_job_token, why_none = self.on_gitlab()
        return OnGitLab(server, secret, job_token=is_job_token, no_token=why_none)

    @property
    def asked(self) -> tuple[tuple[str, str, Secret | None], str]:
        """What is the same for all repositories that one client asks for, and this one's full name."""
        where, name, _, secret, *_ = self.on_github() if self.flavour == "github" else self.on_gitlab()
        return (self.flavour, where, secret), name

    def on_github(self) -> tuple[str, str, str, Secret | None, str]:
        """API, full name, server, token, and why there is none."""
        from tagline.adapters.forges.refusals import NO_TOKEN

        place = self._place
        api = _github_api(place)
        return api, place.name, place.server, _secret(self._grant(api)), self.withheld or NO_TOKEN

    def on_gitlab(self) -> tuple[str, str, str, Secret | None, bool, str]:
        """Server, full path, page, token, whether it is the job's own, and why there is none."""
        from tagline.adapters.forges.refusals import NO_TOKEN

        place = self._place
        server = (place.api_url or place.server).rstrip("/").removesuffix("/api/v4")
        grant = self._grant(f"{server}/api/v4")
        is_job_token = grant is not None and grant.is_job_token
        return server, place.name, place.page, _secret(grant), is_job_token, self.withheld or NO_TOKEN

    def close(self) -> None:
        """End the processes that read the repository."""
        self._storage.close()

    def default_branch(self) -> tuple[str, str]:
        """Its name and newest commit. Raises PlatformRefused."""
        return self._history.default_branch, self._history.tip()

    @property
    def page(self) -> str:
        """The repository's page."""
        return self._place.page

    @cached_property
    def _remote_url(self) -> RemoteUrl:
        from tagline.adapters.git.urls import remote_url

        url = f"{self._place.page}.git"
        return remote_url(url, login=login_of(self._grant(url)))

    @cached_property
    def _cache(self) -> RemoteCache:
        from tagline.adapters.git.remote import RemoteCache

        return RemoteCache(self.settings.cache)

    @cached_property
    def _listing(self) -> Listing:
        from tagline.adapters.git.listing import Listing

        return Listing(self._remote_url)

    @cached_property
    def _history(self) -> GitHistory:
        from tagline.adapters.git.history import GitHistory

        return GitHistory(self._cache, self._remote_url, self._listing)

    @property
    def _memory(self) -> Memory:
        from tagline.adapters.git.memory import GitMemory

        return GitMemory(self._cache, self._remote_url, self.settings.tagger, self._listing)

    def _ledger(self, history: GitHistory) -> Ledger:
        from tagline.adapters.git.remote_ledger import RemoteLedger

        return RemoteLedger(self._cache, self._remote_url, None, self.settings.tagger, lambda: history.repositories)


def _secret(grant: Grant | None) -> Secret | None:
    return grant.token if grant is not None else None


def _github_api(place: _Place) -> str:
    return place.api_url or (GITHUB_API if place.server == GITHUB else f"{place.server}/api/v3")
