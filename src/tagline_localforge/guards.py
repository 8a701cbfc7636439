"""How a repository is set up: who may create which tags and push to which branches, and what a schedule starts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class TagGuard:
    """GitHub's tag ruleset, GitLab's protected tag. ``passes`` are the logins that may create such tags anyway."""

    id: int
    name: str
    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    passes: frozenset[str] = frozenset()
    active: bool = True
    #: GitLab's role that may, as a number; 0 is no one. GitHub has logins alone.
    level: int = 40
    #: GitLab: a key that may, by its number.
    deploy_key: int | None = None


@dataclass
class BranchGuard:
    """What protects a branch, by its name or (GitLab) a wildcard: a review for each change, or a push by some."""

    branch: str
    reviewed: bool = True
    owners: bool = False
    #: GitHub: by a ruleset, which everybody may read, or by a protection, which administrators may.
    by_ruleset: bool = True


@dataclass
class Guards:
    """The settings of one repository."""

    tags: list[TagGuard] = field(default_factory=list)
    branches: list[BranchGuard] = field(default_factory=list)
    #: GitHub's workflows that stand still, by file and why; GitLab's schedules, by what they are called.
    disabled: dict[str, str] = field(default_factory=dict)
    schedules: dict[str, bool] = field(default_factory=dict)
