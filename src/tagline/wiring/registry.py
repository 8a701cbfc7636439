"""Which adapters serve which run: the only file that names them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tagline.commands.ledger.reading import Source
from tagline.domain.ledger.messages import one_line
from tagline.domain.ledger.tags import parse_tag
from tagline.domain.text.public import public
from tagline.errors import NotFound, WrongUsage
from tagline.ports.clock import Clock
from tagline.settings import Settings
from tagline.wiring.addresses import address_of
from tagline.wiring.tokens import Grant, NamedBy, token_for

if TYPE_CHECKING:
    from tagline.adapters.git.objects import GitObjects
    from tagline.adapters.git.remote import RemoteCache
    from tagline.adapters.git.remote_ledger import RemoteLedger
    from tagline.adapters.git.repository import GitRepository
    from tagline.adapters.git.tag_objects import Tagger
    from tagline.adapters.git.urls import Login, RemoteUrl
    from tagline.commands.ledger.writing import WriteContext
    from tagline.commands.lineage.reading import LineageSource
    from tagline.ports.commits import Commits
    from tagline.ports.delivery import DeliveryMemory
    from tagline.ports.ledger import Ledger
    from tagline.ports.mlflow import MlflowAccess
    from tagline.ports.repository import Tree, Upstream
    from tagline.ports.storage import ObjectStore
    from tagline.wiring.storage import StorageWiring

#: Bytes; nobody writes a longer one.
MAX_LFS_CONFIG = 1024 * 1024


def login_of(grant: Grant | None) -> Login | None:
    """A token as Git sends it."""
    from tagline.adapters.git.urls import JOB_TOKEN_USER, TOKEN_USER, Login

    if grant is None:
        return None
    return Login(grant.token.reveal(), JOB_TOKEN_USER if grant.is_job_token else TOKEN_USER)


def now() -> int:
    """Unix seconds."""
    return int(time.time())


@dataclass(frozen=True)
class Wiring:
    """The adapters of one run.

    ``repo`` is what ``--repo`` says: a path, a URL or ``owner/name``; ``forge`` and ``api_url`` what ``--repo-forge``
    and ``--repo-api-url`` say, ``remote`` what ``--remote`` says; ``artifact`` the only one that the question is
    about, None for all. ``takes_offline``: the command has ``--offline``, and errors may name it.
    """

    settings: Settings
    repo: str | None = None
    forge: str | None = None
    api_url: str | None = None
    remote: str | None = None
    artifact: str | None = None
    offline: bool = False
    takes_offline: bool = False
    fresh: bool = False
    tells_age: bool = False
    #: Who says what ``repo`` is: a file of a repository introduces no host that gets a token.
    named_by: NamedBy = "caller"

    @cached_property
    def _url(self) -> str | None:
        """The remote that ``--repo`` names; None when it names a folder here, or nothing."""
        return address_of(self.repo, self.settings, self.forge, self.api_url)

    @cached_property
    def _folder(self) -> Path:
        try:
            return Path(self.repo or ".").expanduser().absolute()
        except (RuntimeError, FileNotFoundError) as error:
            raise WrongUsage(
                f"There is no folder {self.repo or '.'}: {error}", "Check the path.", code="no-folder"
            ) from error

    @cached_property
    def repository(self) -> GitRepository:
        """The repository to read: local, or the cache of the remote one."""
        from tagline.adapters.git.repository import GitRepository

        if self._url is None:
            found = GitRepository.at(self._folder, self.remote)
            if found.place.bare and self.repo is None and self.settings.ci:
                # Its configuration names programs, and a commit can bring all the files of a bare repository.
                raise WrongUsage(
                    f"{found.place.root} is a bare repository, and anybody's commit may have made it look like one.",
                    "Check the repository out (actions/checkout, GIT_STRATEGY: fetch), or name it: --repo .",
                    code="bare-here",
                )
            return found
        if self.offline:
            raise WrongUsage(
                "--offline cannot read a repository by URL.", "Drop --offline, or read a clone: --repo ./PATH"
            )
        from tagline.adapters.git.snapshots import RemoteRepository, Snapshots
        from tagline.adapters.git.tag_fetch import has_files

        tags = self._fetch_tags()
        snapshots = Snapshots(self._cache, self._remote_url, self.artifact)
        return RemoteRepository(tags, snapshots, has_files=has_files(tags.place.root))

    def _fetch_tags(self) -> GitRepository:
        """The tags of the remote that ``--repo`` names, as they are now."""
        return self._cache.fetch(self._remote_url, None if self.artifact is None else [self.artifact])

    @cached_property
    def _cache(self) -> RemoteCache:
        from tagline.adapters.git.remote import RemoteCache

        return RemoteCache(self.settings.cache)

    @cached_property
    def _remote_url(self) -> RemoteUrl:
        from tagline.adapters.git.urls import remote_url

        url = self._url or ""
        return remote_url(url, login=login_of(token_for(self.settings, url, url, self.named_by)))

    def _own_login(self, url: str) -> Login | None:
        """The login for a remote of the clone."""
        return login_of(token_for(self.settings, url, url, "here"))

    @cached_property
    def storage(self) -> StorageWiring:
        """What reaches bytes."""
        from tagline.wiring.storage import StorageWiring

        local = self._url is None and not self.repository.place.bare
        return StorageWiring(self.settings, self._git_objects, self.repository.git if local else None, self.policy)

    @cached_property
    def tracking(self) -> MlflowAccess:
        """This job's MLflow, which only an artifact whose manifest names a run asks for."""
        from tagline.wiring.mlflow import mlflow_access_of

        return mlflow_access_of(self.settings)

    def _git_objects(self, commit: str) -> GitObjects:
        from tagline.adapters.git.objects import GitObjects

        git, prefetch = self.repository.objects(commit)
        return GitObjects(git, self.repository.url, lambda: self._lfs(commit), prefetch)

    def _lfs(self, commit: str) -> ObjectStore:
        from tagline.adapters.git.lfs import LfsStore, lfs_server
        from tagline.adapters.git.urls import remote_url, upstream_of

        repository = self.repository
        if self._url is not None:
            remote = self._remote_url
        elif name := self._remote():
            remote = upstream_of(repository, name, login_for=self._own_login)
        else:
            remote = remote_url(repository.url)
        config = repository.tree(commit).read(".lfsconfig", MAX_LFS_CONFIG)
        endpoint, headers = lfs_server(repository.git, remote, config)
        return LfsStore(endpoint, headers, repository.place.common_dir / "lfs" / "objects" if not self._url else None)

    @property
    def address(self) -> str | None:
        """The remote's URL without secrets; None for a clone."""
        return None if self._url is None else public(self._url)

    def policy(self, *, fresh: bool = False) -> bytes | None:
        """The policy file of the default branch; ``fresh``: as the remote has it. Raises PlatformRefused."""
        return (self._ledger(pushes=fresh) if self._url is None else self._remote_ledger).policy()

    def source(self) -> Source:
        """What reading commands read."""
        local = self._url is None
        return Source(
            self.repository,
            self._upstream,
            always_compare=self.settings.ci,
            offline=self.offline and local,
            platform=self.settings.platform,
            is_remote=not local,
            fresh=self.fresh,
            foreign=self._foreign_tags,
            reopened=lambda: None if local else self._fetch_tags(),
            fetched=self._fetched,
        )

    def _fetched(self) -> tuple[str, int | None] | None:
        """From which remote the clone's tags came, and when; None where there is none, or nobody is to be told."""
        if not self.tells_age or self.offline or self.repository.remote is None:
            return None
        return self.repository.remote, self.repository.fetched_at()

    def _foreign_tags(self) -> Sequence[str]:
        """The patterns of other tools' tags, by the work tree's policy; a remote's is its default branch's."""
        from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE

        try:
            data = self.repository.work_tree().read(POLICY_FILE, MAX_POLICY) if self._url is None else self.policy()
        except (NotFound, WrongUsage):  # no commit on HEAD; a folder in its place, which validate tells
            return ()
        if data is None or b"ignore" not in data:
            return ()
        from tagline.formats.policy import other_tools  # here, because it parses YAML

        return other_tools(data).ignore_tags

    def lineage_source(self) -> LineageSource:
        """Where lineages are read from."""
        from tagline.commands.lineage.reading import LineageSource

        return LineageSource(self.repository, self.storage.context(), self.tracking)

    def _upstream(self) -> Upstream | None:
        """The remote to compare a clone with; None where it has none, and with --offline."""
        from tagline.adapters.git.upstream import GitUpstream

        if self.offline:
            return None
        name = self._remote()
        if name is None:
            return None
        return GitUpstream(self.repository, name, self._cache, self._own_login, else_offline=self.takes_offline)

    def _remote(self) -> str | None:
        repository = self.repository
        if repository.remote is None and len(repository.remotes) > 1:
            raise WrongUsage(
                f"There are several remotes ({', '.join(repository.remotes)}) and none is origin.",
                "Say which one is the registry's: --remote NAME",
                code="which-remote",
            )
        return repository.remote

    def context(self, *, push: bool | None, dry_run: bool, override: str | None = None) -> WriteContext:
        """What writing commands write with. ``push`` None means the default: in CI and to URLs.

        Raises WrongUsage for an override without a reason.
        """
        from tagline.commands.ledger.writing import WriteContext
        from tagline.wiring.policies import outside_of

        pushes = push if push is not None else self.settings.ci or self._url is not None
        if override is not None and not one_line(override):
            raise WrongUsage("--override needs a reason.", "Say why: --override 'REASON'", code="no-reason")
        ledger = self._ledger(pushes=pushes)
        return WriteContext(
            repository=lambda: self.repository if self._url is None else self._remote_ledger.cached,
            ledger=ledger,
            clock=Clock(time.time, time.sleep),
            pushes=pushes,
            remote=public(self._url) if self._url else self.repository.remote or "origin",
            has_remote=self._url is not None or bool(self.repository.remotes),
            dry_run=dry_run,
            run_url=self.settings.run_url,
            override=override,
            source=None if pushes else self.source,
            outside=outside_of(self.settings, self.forge, self.api_url),
        )

    @cached_property
    def _remote_ledger(self) -> RemoteLedger:
        from tagline.adapters.git.remote_ledger import RemoteLedger

        clone = self.repository if self._url is None else None
        return RemoteLedger(self._cache, self._pushed_to, clone, self.settings.tagger)

    @cached_property
    def _pushed_to(self) -> RemoteUrl:
        """The remote that is written to. Raises WrongUsage where there is none."""
        from tagline.adapters.git.urls import upstream_of

        if self._url is not None:
            return self._remote_url
        name = self._remote()
        if name is None:
            raise WrongUsage(
                "There is no remote to push to.",
                "Add one (git remote add origin URL), or write here only: --no-push",
                code="no-remote",
            )
        return upstream_of(self.repository, name, push=True, login_for=self._own_login)

    def delivery_memory(self) -> DeliveryMemory:
        """What is remembered of deliveries, on the remote. Raises WrongUsage where there is none."""
        from tagline.adapters.git.delivery_memory import GitDeliveryMemory

        return GitDeliveryMemory(self._cache, self._pushed_to, self.settings.tagger)

    def _ledger(self, *, pushes: bool) -> Ledger:
        from tagline.adapters.git.ledger import LocalLedger
        from tagline.adapters.git.tag_objects import Tagger

        if pushes:
            return self._remote_ledger
        if self._url is not None:
            raise WrongUsage("--no-push makes no sense with a remote --repo.", "Drop one of them.")
        return LocalLedger(self.repository, Tagger(self.repository.git, self.settings.tagger))

    def commits(self, branch: str, *, push: bool | None, dry_run: bool) -> Commits:
        """What makes commits on a branch of this clone. ``push`` is as for :meth:`context`. Raises WrongUsage."""
        from tagline.adapters.git.commits import BranchCommits

        pushes = push if push is not None else self.settings.ci
        return BranchCommits(self.repository, branch, *self.committing(pushes=pushes), keeps=not dry_run)

    def committing(self, *, pushes: bool) -> tuple[Tagger, Callable[[], RemoteUrl] | None]:
        """Who commits in this clone, and what is pushed to. Raises WrongUsage where ``--repo`` names a remote."""
        from tagline.adapters.git.tag_objects import Tagger

        if self._url is not None:
            raise WrongUsage(
                "This needs a clone: commits are made in it.", "Clone it, and name the folder: --repo ./PATH"
            )
        return Tagger(self.repository.git, self.settings.tagger), (lambda: self._pushed_to) if pushes else None

    def commit(self, revision: str) -> str:
        """The commit of a revision, of the remote when ``--repo`` names one."""
        if self._url is None:
            return self.repository.commit(revision)
        return self._cache.fetch_revision(self._remote_ledger.cached, revision)

    def allowed_stages(self) -> Sequence[str] | None:
        """The stages that ``.gto`` lists, in the work tree or on the remote's default branch; None for any."""
        from tagline.commands.manifest.gto_file import understood_gto

        try:
            local = self._url is None
            tree = self.repository.work_tree() if local else self._remote_ledger.default_branch_tree
        except NotFound:  # a bare repository without a commit on HEAD
            return None
        return understood_gto(tree, self.exists).stages if tree is not None else None

    def manifests(self) -> Tree:
        """The files that ``validate`` looks at: the work tree's, or HEAD's where there is none."""
        if self._url is None:
            return self.repository.work_tree()
        files = self._cache.files(self._remote_url)
        return files.tree(self._cache.fetch_revision(files, "HEAD"))

    def file_of_remote(self, revision: str, path: str, most: int) -> bytes | None:
        """A file of the remote, of at most ``most`` bytes; None for none. Raises NotFound for no such revision."""
        files = self._cache.files(self._remote_url)
        return files.tree(self._cache.fetch_revision(files, revision)).read(path, most)

    def has_registry_tags(self) -> bool:
        """Whether any tag of the repository is a registry tag; of the remote's, where a clone may lack some.

        Raises PlatformRefused when the remote has to be asked and does not answer.
        """
        names = self.repository.tag_names()
        if any(parse_tag(name) is not None for name in names):
            return True
        # Nobody asked for a network, but "no" from a clone without tags would be a guess.
        doubtful = self.settings.ci or self.repository.why_incomplete() is not None
        upstream = self._upstream() if doubtful and self._url is None else None
        return upstream is not None and any(parse_tag(name) is not None for name in upstream.tag_objects(None))

    def exists(self, path: str) -> bool:
        """Whether the work tree has ``path``, tracked or not."""
        if self._url is not None or self.repository.place.bare:
            return False
        return os.path.lexists(self.repository.place.root / path)

    def repository_path(self, file: str) -> str:
        """A file argument as a path from the repository's root.

        Relative to the current folder, or to the root when ``--repo`` names another repository.
        Raises WrongUsage for a path outside.
        """
        if self._url is not None or self.repository.place.bare:
            return os.path.normpath(file)
        place = self.repository.place
        root = place.root.resolve()
        here = Path.cwd() if self.repo is None else root
        # The folder is resolved and the file is not: a link to a file is itself, not its target.
        path = Path(os.path.normpath(here / file))
        path = path.parent.resolve() / path.name
        if not path.is_relative_to(root):
            raise WrongUsage(f"{file} is outside the repository at {root}.", "Name a file inside it.")
        return path.relative_to(root).as_posix()
