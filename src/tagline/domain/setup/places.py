"""Which forge a repository is on, where its settings are, and where its pipelines lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

Forge = Literal["github", "gitlab"]
FORGES: tuple[Forge, ...] = ("github", "gitlab")
#: The hosts whose forge is certain. Any other may be either's, whatever it is called.
_HOSTS: Mapping[str, Forge] = {"github.com": "github", "gitlab.com": "gitlab"}
_REMOTE_RE = re.compile(
    r"(?:(?:(?P<web>https?)|ssh|git)://(?:[^/@]*@)?(?P<host>[^/:]+)(?P<port>:\d+)?/|(?:[^/@:]+@)(?P<short>[^/:]+):)"
    r"(?P<name>[^?#]+?)(?:\.git)?/*"
)

DOCS = "https://github.com/tagline-dev/tagline/blob/main/docs"


class Home(NamedTuple):
    """Where people find a repository: the page, and OWNER/NAME."""

    page: str
    name: str


def home_of(url: str) -> tuple[Home | None, Forge | None]:
    """The page behind a remote's URL, and the forge where its host is a known one."""
    match = _REMOTE_RE.fullmatch(url)
    if match is None:
        return None, None
    host, name = (match["host"] or match["short"]).casefold(), match["name"].strip("/")
    # The port of ssh is not that of the pages.
    port = match["port"] or "" if match["web"] else ""
    return Home(f"{match['web'] or 'https'}://{host}{port}/{name}", name), _HOSTS.get(host) if not port else None


class Todo(NamedTuple):
    """Something that people do by hand, and where."""

    what: str
    url: str | None = None


def todos(forge: Forge, home: Home | None, *, s3: bool) -> list[Todo]:
    """What no command can do from here; ``s3``: DVC keeps bytes there."""
    page = home.page if home is not None else None
    made = _github(page) if forge == "github" else _gitlab(page)
    if home is not None and not home.page.startswith(tuple(f"https://{host}/" for host in _HOSTS)):
        what = "the action and its workflows" if forge == "github" else "the components"
        made.insert(
            0, Todo(f"A server of your own has to have Tagline: mirror {what} there.", f"{DOCS}/self-managed.md")
        )
    if s3:
        where = (
            "aws-role, aws-region and id-token in the workflows" if forge == "github" else "aws_role in the pipeline"
        )
        made.append(Todo(f"DVC keeps bytes in S3: make a role, and take the # away from {where}.", f"{DOCS}/aws.md"))
    by = f"tagline labels sync --repo-forge {forge} --repo {page or 'URL'}"
    said = f"The labels that people ask with. A job makes them after the merge; at once: {by}"
    return [*made, Todo(said, f"{DOCS}/labels.md#make-them")]


def _github(page: str | None) -> list[Todo]:
    return [
        Todo(
            "Allow the action: under Actions permissions, tagline-dev/tagline must be among what may run.",
            _at(page, "settings/actions"),
        ),
        Todo(
            "Require the status tagline and the check review / validate before a merge into the default branch.",
            _at(page, "settings/rules"),
        ),
        Todo(
            "A ruleset for all tags with @ and #, so that the promotion alone makes them, with an App's token.",
            f"{DOCS}/permissions.md#who-may-do-what",
        ),
    ]


def _gitlab(page: str | None) -> list[Todo]:
    return [
        Todo(
            "A project token with the role Maintainer and the scopes api and write_repository.",
            _at(page, "-/settings/access_tokens"),
        ),
        Todo("It as the CI/CD variable TAGLINE_TOKEN, masked and protected.", _at(page, "-/settings/ci_cd")),
        Todo("Protected tags *#* and *@*, allowed to create: the token's bot.", _at(page, "-/settings/repository")),
        Todo(
            "A pipeline schedule of the default branch, every hour: labels and approvals start no job there.",
            _at(page, "-/pipeline_schedules"),
        ),
    ]


def _at(page: str | None, rest: str) -> str | None:
    return f"{page}/{rest}" if page is not None else None
