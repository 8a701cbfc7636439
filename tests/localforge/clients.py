"""PyGithub and python-gitlab as their authors made them, pointed at a local forge and in a hurry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import github
import gitlab
import pytest
from github import GithubException
from github.Repository import Repository
from gitlab.exceptions import GitlabError
from gitlab.v4.objects import Project

from tagline_localforge import ForgeServer


def github_client(
    server: ForgeServer, token: str = "alice-token", *, retry: int = 0, prefix: str = "/api/v3"
) -> github.Github:
    """A client that waits for nothing; without a ``token`` it is a stranger."""
    return github.Github(
        base_url=server.url + prefix,
        auth=github.Auth.Token(token) if token else None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        retry=github.GithubRetry(total=retry, backoff_factor=0, secondary_rate_wait=0) if retry else 0,
    )


def on_github(server: ForgeServer, token: str = "alice-token") -> Repository:
    """``org/shop`` by GitHub's API."""
    return github_client(server, token).get_repo("org/shop")


def gitlab_client(server: ForgeServer, token: str = "alice-token", **options: Any) -> gitlab.Gitlab:
    """A client with a personal or project token."""
    return gitlab.Gitlab(server.url, private_token=token, **options)


def on_gitlab(server: ForgeServer, token: str = "alice-token") -> Project:
    """``org/shop`` by GitLab's API."""
    return gitlab_client(server, token).projects.get("org/shop")


def status_of(call: Callable[[], object]) -> int | None:
    """The status with which the forge refuses ``call``."""
    with pytest.raises((GithubException, GitlabError)) as caught:
        call()
    return caught.value.status if isinstance(caught.value, GithubException) else caught.value.response_code
