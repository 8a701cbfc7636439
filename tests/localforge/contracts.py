"""What the platforms' own descriptions say of each exchange, where they lie beside the checkout."""

from __future__ import annotations

from tests.localforge import gitlab_contract, openapi
from tests.localforge.gitlab_contract import GitLabChecker
from tests.localforge.openapi import ContractChecker

Checkers = list[ContractChecker | GitLabChecker]


def all_checkers(*, ghes: bool = False) -> Checkers:
    """One for each platform; each passes over the other's exchanges."""
    github = openapi.GHES_CONTRACT if ghes else openapi.CONTRACT
    found: Checkers = []
    if github.exists():
        found.append(ContractChecker(github))
    if gitlab_contract.CONTRACT.exists():
        found.append(GitLabChecker())
    return found


def violations(checkers: Checkers) -> list[str]:
    """What none of them allows."""
    return [violation for checker in checkers for violation in checker.violations]
