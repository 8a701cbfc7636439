"""Whose token goes where, as a table: who asks, what the environment holds, what goes out."""

from __future__ import annotations

import pytest

from tagline.errors import WrongUsage
from tagline.settings import Settings
from tagline.wiring.tokens import NamedBy, mlflow_login_for, token_for, token_to_start

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_REPOSITORY": "org/own",
    "TAGLINE_TOKEN": "job",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_SERVER_URL": "https://gl.example:8443/git",
    "CI_API_V4_URL": "https://gl.example:8443/git/api/v4",
    "CI_PROJECT_PATH": "org/own",
    "CI_PROJECT_URL": "https://gl.example:8443/git/org/own",
    "CI_JOB_TOKEN": "ci",
}
PROJECT = GITLAB | {"TAGLINE_TOKEN": "job"}
TERMINAL = {"TAGLINE_TOKEN": "job"}
REPO = {"TAGLINE_REPO_TOKEN": "repo"}
HOST = REPO | {"TAGLINE_REPO_HOST": "h.example"}


def sent(environ: dict[str, str], asked: str, by: NamedBy, repository: str | None = None) -> str | None:
    grant = token_for(Settings.from_environ(environ), asked, asked if repository is None else repository, by)
    assert grant is None or grant.is_job_token is (grant.token.reveal() == "ci")
    return None if grant is None else grant.token.reveal()


OWN = "https://github.com/org/own.git"
OTHER = "https://github.com/org/other.git"
GL_OWN = "https://gl.example:8443/git/org/own.git"
GL_OTHER = "https://gl.example:8443/git/org/other.git"
AWAY = "https://h.example/o/r.git"


@pytest.mark.parametrize(
    ("environ", "asked", "by", "token"),
    [
        # The job's token: its own forge, whoever names the repository there ...
        (GITHUB, OWN, "here", "job"),
        (GITHUB, OWN, "caller", "job"),
        (GITHUB, OTHER, "caller", "job"),
        (GITHUB, "https://GitHub.com:443/org/own", "here", "job"),
        (GITLAB, GL_OWN, "here", "ci"),
        (PROJECT, GL_OWN, "here", "job"),
        (PROJECT, GL_OTHER, "caller", "ci"),
        # ... but a file, which may name the job's own repository only.
        (GITHUB, OWN, "content", "job"),
        (GITHUB, OTHER, "content", None),
        (PROJECT, GL_OWN, "content", "job"),
        (PROJECT, GL_OTHER, "content", None),
        # Another scheme, host, port, or another part of the same server, is another forge.
        (GITHUB, "http://github.com/org/own.git", "here", None),
        (GITHUB, "https://github.com:8443/org/own.git", "caller", None),
        (GITHUB, "https://github.com.evil.example/org/own.git", "caller", None),
        (GITHUB, "https://github.com@evil.example/org/own.git", "caller", None),
        (GITHUB, "https://evil.example/github.com/org/own.git", "here", None),
        (GITHUB, "https://www.github.com/org/own.git", "here", None),
        (GITHUB, "ssh://git@github.com/org/own.git", "here", None),
        (GITHUB, "git@github.com:org/own.git", "here", None),
        (GITHUB, "file:///github.com/org/own.git", "caller", None),
        (GITHUB, "https://github.com\\@evil.example/org/own.git", "caller", None),
        (GITHUB, "https://[/org/own.git", "caller", None),
        (GITLAB, "https://gl.example/git/org/own.git", "here", None),
        (GITLAB, "https://gl.example:8443/other/org/own.git", "here", None),
        (GITLAB, "https://gl.example:8443/gitlab/own.git", "here", None),
        (GITLAB, "https://gl.example:8443/git/../other/own.git", "caller", None),
        (GITLAB, "https://gl.example:8443/git/%2e%2e/other/own.git", "caller", None),
        # No job, no forge of it.
        (TERMINAL, OWN, "here", None),
        (TERMINAL, OWN, "caller", None),
        # TAGLINE_REPO_TOKEN: the host that the caller names, and before the job's own there.
        (REPO, AWAY, "caller", "repo"),
        (GITHUB | REPO, AWAY, "caller", "repo"),
        (GITHUB | REPO, OTHER, "caller", "repo"),
        (GITHUB | REPO, OWN, "here", "job"),
        (GITHUB | REPO, AWAY, "here", None),
        (GITHUB | REPO, AWAY, "content", None),
        (REPO, AWAY, "here", None),
        (REPO, AWAY, "content", None),
        (REPO, "ssh://git@h.example/o/r", "caller", None),
        # With TAGLINE_REPO_HOST to that host only, whoever names it.
        (HOST, AWAY, "caller", "repo"),
        (HOST, AWAY, "here", "repo"),
        (HOST, AWAY, "content", "repo"),
        (HOST, "https://H.EXAMPLE:443/o/r", "content", "repo"),
        (HOST, "https://other.example/o/r", "caller", None),
        (HOST, "https://h.example:8443/o/r", "caller", None),
        (HOST, "http://h.example/o/r", "caller", None),
        (HOST, "https://sub.h.example/o/r", "caller", None),
        (GITHUB | HOST, OTHER, "caller", "job"),
        (GITHUB | HOST, OWN, "here", "job"),
        (GITHUB | REPO | {"TAGLINE_REPO_HOST": "github.com"}, OTHER, "content", "repo"),
        (GITHUB | REPO | {"TAGLINE_REPO_HOST": "github.com"}, OWN, "here", "job"),
        (REPO | {"TAGLINE_REPO_HOST": "http://h.example:8080/"}, "http://h.example:8080/o/r", "here", "repo"),
        (REPO | {"TAGLINE_REPO_HOST": "h.example:8443"}, "https://h.example:8443/o/r", "here", "repo"),
    ],
)
def test_token_for__an_address_of_git__goes_where_the_rule_says(
    environ: dict[str, str], asked: str, by: NamedBy, token: str | None
) -> None:
    assert sent(environ, asked, by) == token


@pytest.mark.parametrize(
    ("environ", "asked", "by", "repository", "token"),
    [
        (GITHUB, "https://api.github.com", "here", "https://github.com/org/own", "job"),
        (GITLAB, "https://gl.example:8443/git/api/v4", "here", "https://gl.example:8443/git/org/own", "ci"),
        # An API that somebody put elsewhere.
        (GITHUB, "https://evil.example/api/v3", "caller", "https://github.com/org/own", None),
        (PROJECT, "https://evil.example/api/v4", "here", "https://gl.example:8443/git/org/own", None),
        (GITHUB | REPO, "https://evil.example/api/v3", "caller", "https://github.com/org/own", None),
        (REPO, "https://evil.example/api/v4", "caller", AWAY, None),
        (REPO, "https://h.example/api/v4", "caller", AWAY, "repo"),
        # GitHub's API is on another host, and on GitHub's alone.
        (REPO, "https://api.github.com", "caller", OTHER, "repo"),
        (REPO, "https://api.github.com", "caller", AWAY, None),
        (REPO | {"TAGLINE_REPO_HOST": "github.com"}, "https://api.github.com", "here", OTHER, "repo"),
        (REPO | {"TAGLINE_REPO_HOST": "h.example"}, "https://api.github.com", "caller", OTHER, None),
    ],
)
def test_token_for__an_address_of_an_api__goes_where_the_rule_says(
    environ: dict[str, str], asked: str, by: NamedBy, repository: str, token: str | None
) -> None:
    assert sent(environ, asked, by, repository) == token


@pytest.mark.parametrize("host", ["h.example/o/r", "https://u:p@h.example", "ssh://h.example", "h:x", "a b", "?"])
def test_token_for__a_repo_host_that_is_none__is_said(host: str) -> None:
    settings = Settings.from_environ(REPO | {"TAGLINE_REPO_HOST": host})
    with pytest.raises(WrongUsage, match="TAGLINE_REPO_HOST") as caught:
        token_for(settings, AWAY, AWAY, "caller")
    assert host not in caught.value.message


DELIVER = {"TAGLINE_DELIVER_TOKEN": "deliver"}
API = "https://api.github.com"


@pytest.mark.parametrize(
    ("environ", "asked", "repository", "token"),
    [
        (GITHUB | DELIVER, API, "https://github.com/org/app", "deliver"),
        (PROJECT | DELIVER, "https://gl.example:8443/git/api/v4", "https://gl.example:8443/git/org/app", "deliver"),
        # Nothing else starts things in other repositories, and it starts nothing in this one.
        (GITHUB | HOST, API, "https://github.com/org/app", None),
        (GITHUB | DELIVER, API, "https://github.com/org/own", None),
        # A policy names no host.
        (GITHUB | DELIVER, "https://h.example/api/v3", "https://h.example/org/app", None),
        (DELIVER, API, "https://github.com/org/app", None),
    ],
)
def test_token_to_start__in_another_repository__is_for_this_forge(
    environ: dict[str, str], asked: str, repository: str, token: str | None
) -> None:
    grant = token_to_start(Settings.from_environ(environ), asked, repository)
    assert (None if grant is None else grant.token.reveal()) == token


@pytest.mark.parametrize("by", ["caller", "here", "content"])
@pytest.mark.parametrize("asked", [OWN, OTHER, AWAY, API])
def test_token_for__a_deliver_token__is_for_nothing_else(asked: str, by: NamedBy) -> None:
    environ = {name: value for name, value in GITHUB.items() if name != "TAGLINE_TOKEN"}
    assert sent(environ | DELIVER, asked, by) is None


@pytest.mark.parametrize(
    ("server", "asked", "goes"),
    [
        ("https://m.example", "https://m.example/x", True),
        ("https://m.example", "https://m.example:8443", False),
        ("https://m.example", "http://m.example", False),
        ("https://m.example", "https://n.example", False),
        ("", "https://n.example", True),
    ],
)
def test_mlflow_login__is_for_the_environments_server(server: str, asked: str, *, goes: bool) -> None:
    settings = Settings.from_environ({"MLFLOW_TRACKING_URI": server, "MLFLOW_TRACKING_TOKEN": "t"})
    assert (mlflow_login_for(settings, asked) is not None) is goes
