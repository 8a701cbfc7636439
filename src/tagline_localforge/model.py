"""The forge itself: its accounts, its repositories, and who may do what there."""

from __future__ import annotations

from pathlib import Path

from tagline_localforge.accounts import Accounts
from tagline_localforge.records import Person, Role, Token
from tagline_localforge.repository import Repository


class LocalForge(Accounts):
    """A forge with real bare repositories below ``folder``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.repositories: dict[str, Repository] = {}

    def repository(self, full_name: str, *, default_branch: str = "main") -> Repository:
        """The repository of that name; an empty bare one ``folder/FULL_NAME.git`` if new."""
        with self.lock:
            if full_name not in self.repositories:
                self._organization(full_name.rpartition("/")[0])
                self.repositories[full_name] = Repository(self, full_name, default_branch)
            return self.repositories[full_name]

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
