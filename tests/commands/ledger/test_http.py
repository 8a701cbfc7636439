"""Git over HTTP: few requests, the token as a header, and never anywhere else."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagline.cli.commands import parser
from tagline.cli.shared import wiring_of
from tagline.settings import Settings
from tests.commands.ledger.test_reading import COMMITS, TAGS
from tests.conftest import CommandLine
from tests.support.gitbuild import History, build, run_git
from tests.support.githttp import GitServer, serve

TOKEN = "glpat-s3cret-token"


@pytest.fixture
def origin(here: Path) -> Path:
    build(here / "served" / "shop.git", History(COMMITS, TAGS, {"main": "c1"}), bare=True)
    for key in ("uploadpack.allowFilter", "http.receivepack"):
        run_git(here / "served" / "shop.git", "config", key, "true")
    return here / "served" / "shop.git"


@pytest.fixture
def public(origin: Path) -> Iterator[GitServer]:
    with serve(origin.parent) as server:
        yield server


@pytest.fixture
def private(origin: Path) -> Iterator[GitServer]:
    with serve(origin.parent, password=TOKEN) as server:
        yield server


def test_show__public_repository__three_requests(public: GitServer, tagline: CommandLine) -> None:
    assert tagline.json("show", "rf#prod", "--repo", f"{public.url}/shop.git")["version"] == "v1.1.0"
    assert [method for method, _, _ in public.requests] == ["GET", "POST", "POST"]


def test_private_repository__without_token__exit_4_with_the_fix(private: GitServer, tagline: CommandLine) -> None:
    said = tagline("show", "rf#prod", "--repo", f"{private.url}/shop.git", "--json")
    assert (said.code, said.json["error"]["code"]) == (4, "access-denied")
    assert "TAGLINE_REPO_TOKEN" in said.json["error"]["hint"]


def test_private_repository__with_token__as_a_header_and_nowhere_else(
    private: GitServer, here: Path, tagline: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(here / "trace"))
    token = {"TAGLINE_REPO_TOKEN": TOKEN}
    for question in (("show", "rf#prod"), ("resolve", "rf#prod"), ("assign", "rf#dev", "--version", "v1.0.0")):
        said = tagline(*question, "--repo", f"{private.url}/shop.git", "--json", **token)
        assert said.code == 0, said.err
        assert TOKEN not in said.out + said.err
    assert all(header for _, _, header in private.requests)
    arguments = [json.loads(line).get("argv", []) for line in (here / "trace").read_text().splitlines()]
    assert TOKEN not in str(arguments)
    kept = [path for path in Path(os.environ["TAGLINE_CACHE"]).rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]


def test_clone__with_the_token_in_its_url__reads_and_writes_without_showing_it(
    private: GitServer, here: Path, tagline: CommandLine
) -> None:
    """As GitLab's runner leaves it."""
    url = private.url.replace("http://", f"http://gitlab-ci-token:{TOKEN}@")
    run_git(here, "clone", "--quiet", f"{url}/shop.git", "clone")
    for command in (("show",), ("assign", "rf#dev", "--version", "v1.0.0"), ("resolve", "rf#dev")):
        said = tagline(*command, "--json", cwd=here / "clone", GITLAB_CI="true")
        assert said.code == 0, said.err
        assert TOKEN not in said.out + said.err
    assert said.json["uri"].startswith(f"git+{private.url}/shop.git@")


def test_clone__with_a_header_in_its_configuration__sends_it_once(
    private: GitServer, here: Path, tagline: CommandLine
) -> None:
    """As actions/checkout leaves it. Two Authorization headers would be an error."""
    url = private.url.replace("http://", f"http://x:{TOKEN}@")
    run_git(here, "clone", "--quiet", f"{url}/shop.git", "clone")
    clone = here / "clone"
    run_git(clone, "remote", "set-url", "origin", f"{private.url}/shop.git")
    import base64

    secret = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    included = here / "credentials.config"
    included.write_text(f'[http "{private.url}/"]\n\textraheader = AUTHORIZATION: basic {secret}\n')
    run_git(clone, "config", f"includeIf.gitdir:{clone}/.git.path", str(included))
    for command in (("show",), ("show", "rf#prod"), ("assign", "rf#dev", "--version", "v1.0.0")):
        said = tagline(*command, "--json", cwd=clone, GITHUB_ACTIONS="true")
        assert said.code == 0, said.err
    assert "rf#dev#3" in run_git(here / "served" / "shop.git", "tag").split()


def test_clone__of_depth_1_whose_branch_has_moved_on__writes_with_what_its_configuration_says(
    private: GitServer, here: Path, tagline: CommandLine
) -> None:
    """As a job that runs again later: nothing here shows that its commit is on the remote."""
    login = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    header = f"http.{private.url}/.extraheader=AUTHORIZATION: basic {login}"
    run_git(here, "-c", header, "clone", "--quiet", "--depth=1", f"{private.url}/shop.git", "clone")
    run_git(here / "clone", "config", *header.split("=", 1))
    url = private.url.replace("http://", f"http://x:{TOKEN}@")
    run_git(here, "clone", "--quiet", f"{url}/shop.git", "other")
    for _ in range(2):
        run_git(here / "other", "commit", "--quiet", "--allow-empty", "-m", "later")
    run_git(here / "other", "push", "--quiet", "origin", "HEAD:main")
    said = tagline("register", "new", "--version", "v1.0.0", "--push", "--new", cwd=here / "clone")
    assert said.code == 0, said.err
    assert "new@v1.0.0" in run_git(here / "served" / "shop.git", "tag").split()


def test_clone__with_a_token_as_user_name__reads_and_writes(
    private: GitServer, here: Path, tagline: CommandLine
) -> None:
    """As people write GitHub's tokens: https://TOKEN@host/..."""
    url = private.url.replace("http://", f"http://{TOKEN}@")
    run_git(here, "clone", "--quiet", f"{url}/shop.git", "clone")
    assert tagline.json("assign", "rf#dev", "--version", "v1.0.0", "--push", cwd=here / "clone")["pushed"] is True


def test_job__with_its_own_token__beats_what_the_clone_has(
    private: GitServer, here: Path, tagline: CommandLine
) -> None:
    url = private.url.replace("http://", f"http://x:{TOKEN}@")
    run_git(here, "clone", "--quiet", f"{url}/shop.git", "clone")
    wrong = private.url.replace("http://", "http://gitlab-ci-token:expired@")
    run_git(here / "clone", "remote", "set-url", "origin", f"{wrong}/shop.git")
    run_git(here / "clone", "config", f"http.{private.url}/.extraheader", "Authorization: Basic ZXhwaXJlZA==")
    job = {"GITLAB_CI": "true", "CI_SERVER_URL": private.url}
    assert tagline("show", cwd=here / "clone", **job).code == 4
    assert tagline("show", "rf#prod", TAGLINE_TOKEN=TOKEN, **job).code == 0
    assert tagline("assign", "rf#dev", "--version", "v1.0.0", TAGLINE_TOKEN=TOKEN, **job).code == 0
    assert tagline("show", "rf#prod", "--repo", "shop", TAGLINE_TOKEN=TOKEN, **job).code == 2
    (here / "served" / "org").mkdir()
    (here / "served" / "shop.git").rename(here / "served" / "org" / "shop.git")
    assert tagline("show", "rf#prod", "--repo", "org/shop", TAGLINE_TOKEN=TOKEN, **job).code == 0
    assert tagline("show", "rf#prod", "--repo", "org/shop", **job).code == 4


def test_job__its_token__goes_to_its_own_forge_alone(public: GitServer, here: Path, tagline: CommandLine) -> None:
    run_git(here, "clone", "--quiet", f"{public.url}/shop.git", "clone")
    public.requests.clear()
    job = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.example", "TAGLINE_TOKEN": TOKEN}
    assert tagline("show", cwd=here / "clone", **job).code == 0
    assert tagline("show", "rf#prod", **job).code == 0
    assert tagline("assign", "rf#dev", "--version", "v1.0.0", **job).code == 0
    assert tagline("show", "rf#prod", "--repo", f"{public.url}/shop.git", **job).code == 0
    assert public.requests
    assert not [header for _, _, header in public.requests if header]


JOB = {"GITLAB_CI": "true", "CI_JOB_TOKEN": TOKEN}


def _job(server: GitServer, **more: str) -> dict[str, str]:
    return {**JOB, "CI_SERVER_URL": server.url, "CI_PROJECT_URL": f"{server.url}/other", **more}


def _sent(server: GitServer) -> set[str]:
    headers = (header for _, _, header in server.requests)
    return {base64.b64decode(header.removeprefix("Basic ")).decode() for header in headers if header}


def test_gitlab_job__another_repository__is_read_with_the_jobs_token(private: GitServer, tagline: CommandLine) -> None:
    # A project's token reads nothing elsewhere; the job's does where it is on the allowlist.
    job = _job(private, TAGLINE_TOKEN="of-this-project")
    assert tagline.json("resolve", "rf#prod", "--repo", f"{private.url}/shop.git", **job)["version"] == "v1.1.0"
    assert _sent(private) == {f"gitlab-ci-token:{TOKEN}"}


def test_gitlab_job__repo_token__wins(private: GitServer, tagline: CommandLine) -> None:
    job = _job(private, CI_JOB_TOKEN="useless", TAGLINE_REPO_TOKEN=TOKEN)
    assert tagline.json("resolve", "rf#prod", "--repo", f"{private.url}/shop.git", **job)["version"] == "v1.1.0"
    assert _sent(private) == {f"x-access-token:{TOKEN}"}


def test_gitlab_job__its_own_repository__by_its_own_token_first(private: GitServer, tagline: CommandLine) -> None:
    job = _job(private, CI_JOB_TOKEN="useless", TAGLINE_TOKEN=TOKEN, CI_PROJECT_URL=f"{private.url}/shop")
    assert tagline.json("show", "rf#prod", "--repo", f"{private.url}/shop.git", **job)["version"] == "v1.1.0"
    assert _sent(private) == {f"x-access-token:{TOKEN}"}


def test_repo_token__goes_to_the_repo_host_alone(private: GitServer, here: Path, tagline: CommandLine) -> None:
    url = f"{private.url}/shop.git"
    tokens = {"TAGLINE_REPO_TOKEN": TOKEN}
    assert tagline("show", "rf#prod", "--repo", url, **tokens, TAGLINE_REPO_HOST="git.example.org").code == 4
    assert tagline("show", "rf#prod", "--repo", url, **tokens, TAGLINE_REPO_HOST="no host").code == 2
    assert _sent(private) == set()
    assert tagline("show", "rf#prod", "--repo", url, **tokens, TAGLINE_REPO_HOST=private.url).code == 0
    run_git(here, "clone", "--quiet", f"{private.url.replace('://', f'://x:{TOKEN}@')}/shop.git", "clone")
    run_git(here / "clone", "remote", "set-url", "origin", url)
    private.requests.clear()
    assert tagline("show", cwd=here / "clone", CI="true", **tokens).code == 4
    assert _sent(private) == set()
    assert tagline("show", cwd=here / "clone", CI="true", **tokens, TAGLINE_REPO_HOST=private.url).code == 0
    assert _sent(private) == {f"x-access-token:{TOKEN}"}


def test_job_token__never_leaves_its_forge(private: GitServer, tagline: CommandLine) -> None:
    job = _job(private) | {"CI_SERVER_URL": "https://gitlab.example.org"}
    said = tagline("show", "rf#prod", "--repo", f"{private.url}/shop.git", **job)
    assert said.code == 4
    assert _sent(private) == set()


@pytest.mark.parametrize(
    ("arguments", "environ", "url"),
    [
        (("--repo-forge", "github"), {}, "https://github.com/org/shop.git"),
        (("--repo-forge", "gitlab"), {}, "https://gitlab.com/org/shop.git"),
        (("--repo-api-url", "https://git.example.org/api/v4"), {}, "https://git.example.org/org/shop.git"),
        (("--repo-api-url", "https://api.github.com"), {}, "https://github.com/org/shop.git"),
        (
            (),
            {"GITHUB_ACTIONS": "1", "GITHUB_SERVER_URL": "https://ghe.example.org"},
            "https://ghe.example.org/org/shop.git",
        ),
        (
            ("--repo-forge", "gitlab"),
            {"GITHUB_ACTIONS": "1", "GITHUB_SERVER_URL": "https://ghe.example.org"},
            "https://gitlab.com/org/shop.git",
        ),
    ],
)
def test_owner_name__is_on_the_forge_that_is_said(
    arguments: tuple[str, ...], environ: dict[str, str], url: str
) -> None:
    asked = parser().parse_args(["show", "--repo", "org/shop", *arguments])
    assert wiring_of(asked, Settings.from_environ(environ), None)._url == url


def test_owner_name__on_a_plain_server__is_no_repository(tagline: CommandLine) -> None:
    said = tagline("show", "--repo", "org/shop", "--repo-forge", "git")
    assert (said.code, "nothing says on which" in said.err) == (2, True)
    said = tagline("plan", "--change", "1", "--repo", "https://git.example.org/o/r", "--repo-forge", "git")
    assert (said.code, "no pull or merge requests" in said.err) == (2, True)
