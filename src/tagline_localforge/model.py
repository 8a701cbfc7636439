"""The forge itself: its accounts, its repositories, and who may do what there."""

from __future__ import annotations

from pathlib import Path

from tagline_localforge.accounts import Accounts
from tagline_localforge.records import Person, Role, Token
from tagline_localforge.repository import Repository


class LocalForge(Accounts):
    """A forge with real bare repositories below ``folder``.

    With ``ghes`` its GitHub is an Enterprise Server 3.17: no API but below /api/v3, no limits, no newer keys.
    """

    def __init__(self, folder: Path, *, ghes: bool = False) -> None:
        super().__init__(folder)
        self.ghes = ghes
        self.repositories: dict[str, Repository] = {}
        #: By the names that they had before.
        self.moved: dict[str, Repository] = {}

    def repository(self, full_name: str, *, default_branch: str = "main", object_format: str = "sha1") -> Repository:
        """The repository of that name; an empty bare one ``folder/FULL_NAME.git`` if new.

        GitLab has projects of ``object_format`` sha256; GitHub has none.
        """
        with self.lock:
            if full_name in self.moved:
                raise ValueError(f"{full_name} was renamed; a new repository of that name would lie where it lies")
            if full_name not in self.repositories:
                self._organization(full_name.rpartition("/")[0])
                self.repositories[full_name] = Repository(self, full_name, default_branch, object_format)
            return self.repositories[full_name]

    def rename(self, old: str, new: str) -> Repository:
        """Call a repository otherwise, or give it to another owner. What asks for the old name is sent on.

        Its folder stays where it is. GitHub answers 301 to GET, 307 to the rest, and 301 to git; GitLab 301 to GET
        and 405 to the rest (lib/api/helpers.rb of gitlab-org/gitlab). Unverified: that GitLab redirects git as GitHub
        does; it may serve the old path as it is.
        """
        with self.lock:
            repository = self.repositories.pop(old)
            self._organization(new.rpartition("/")[0])
            repository.full_name = new
            self.repositories[new] = self.moved[old] = repository
            return repository

    def _organization(self, name: str) -> None:
        if name not in self.people:
            self.people[name] = Person(self.next_id(), name, "Organization")

    def role(self, token: Token | None, repository: Repository) -> Role:
        """What the bearer of ``token`` (nobody: None) may do in ``repository``."""
        if token is None:
            return "read" if repository.public else "none"
        if token.kind in ("actions", "app"):
            return "write"
        if token.kind in ("fork", "job"):
            return "read"
        return repository.role_of(token.login)

    def may_push(self, token: Token | None, repository: Repository) -> bool:
        """Whether the bearer may push by git."""
        if token is not None and token.kind == "job":
            return repository.job_token_push
        return self.role(token, repository) in ("write", "maintain", "admin")
