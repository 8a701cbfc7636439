"""One suite for the port Inspection, run on both adapters over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tagline.adapters.forges.github.inspection import Inspection as GitHubInspection
from tagline.adapters.forges.github.repositories import Repositories as GitHubRepositories
from tagline.adapters.forges.gitlab.inspection import Inspection as GitLabInspection
from tagline.adapters.forges.gitlab.repositories import Repositories as GitLabRepositories
from tagline.domain.doctor.guards import BranchGuard
from tagline.errors import NotFound, PlatformRefused
from tagline.ports.forge import CannotRead, Inspection, Repositories
from tagline.settings import Secret
from tagline_localforge import LocalForge, Repository, serve
from tagline_localforge import guards as local
from tests.localforge.contracts import all_checkers, violations
from tests.support.gitbuild import Commit, History, build

GITHUB, GITLAB = (pytest.mark.parametrize("place", [name], indirect=True) for name in ("github", "gitlab"))


@dataclass
class Place:
    flavour: str
    repo: Repository
    forge: LocalForge
    by: Callable[[str | None], Inspection]
    listing: Callable[[str], Repositories]


@pytest.fixture(params=["github", "gitlab"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    forge = LocalForge(tmp_path / "forge")
    repo = forge.repository("org/shop")
    build(repo.path, History((Commit("c0", files={"a": "1"}),), branches={"main": "c0"}), bare=True)
    for login, role in {"alice": "admin", "bob": "write", "mallory": "read", "my-app[bot]": "maintain"}.items():
        repo.grant(login, role)
        forge.token(f"{login}-token", login=login)
    forge.token("ghs_app", kind="app")
    forge.token("job", login="bob", kind="job")
    with serve(forge) as server:
        checkers = all_checkers()
        server.observers += checkers

        def by(token: str | None) -> Inspection:
            secret = Secret(token) if token else None
            if request.param == "github":
                return GitHubInspection(f"{server.url}/api/v3", "org/shop", server.url, secret)
            page = f"{server.url}/org/shop"
            return GitLabInspection(server.url, "org/shop", page, secret, job_token=token == "job")

        def listing(token: str) -> Repositories:
            if request.param == "github":
                return GitHubRepositories(f"{server.url}/api/v3", server.url, Secret(token))
            return GitLabRepositories(server.url, Secret(token))

        yield Place(request.param, repo, forge, by, listing)
    assert server.failures == []
    assert violations(checkers) == []


@GITHUB
def test_token__of_github__is_told_by_its_beginning_and_headers(place: Place) -> None:
    place.forge.token("ghp_1", login="bob", scopes=("repo", "workflow"))
    place.forge.token("github_pat_1", login="mallory")
    place.forge.token("0123abcd", login="alice", scopes=())
    classic, fine, old = (place.by(name).token() for name in ("ghp_1", "github_pat_1", "0123abcd"))
    assert (classic.kind, classic.scopes, classic.role) == ("classic", {"repo", "workflow"}, "write")
    assert (fine.kind, fine.scopes, fine.role) == ("fine-grained", None, "read")
    assert (old.kind, old.scopes, old.role) == ("classic", frozenset(), "admin")
    app = place.by("ghs_app").token()
    assert (app.kind, app.scopes, app.role) == ("installation", None, None)


@GITLAB
def test_token__of_gitlab__is_told_by_itself_and_the_project(place: Place) -> None:
    place.forge.token("pat", login="bob", scopes=("api",), expires="2027-01-01")
    token = place.by("pat").token()
    assert (token.kind, token.scopes, token.role, token.expires) == ("access", {"api"}, "write", 1_798_761_600)
    job = place.by("job").token()
    assert (job.kind, job.job_push) == ("job", False)
    place.repo.job_token_push = True
    assert place.by("job").token().job_push is True


def test_token__none_or_a_wrong_one(place: Place) -> None:
    assert place.by(None).token().kind == "none"
    with pytest.raises(PlatformRefused):
        place.by("no-such-token").token()


def test_tag_rules__tell_patterns_and_whether_this_token_passes(place: Place) -> None:
    assert place.by("alice-token").tag_rules() == []
    patterns = ("refs/tags/**/*#*", "refs/tags/*#*") if place.flavour == "github" else ("*#*",)
    passes = frozenset({"my-app[bot]"})
    place.repo.guards.tags.append(local.TagGuard(7, "*#*", patterns, passes=passes, level=0))
    app = "ghs_app" if place.flavour == "github" else "my-app[bot]-token"
    (mine,) = place.by(app).tag_rules()
    assert (mine.name, mine.include, mine.exclude) == ("*#*", patterns, ())
    # Of people by name GitLab tells numbers, and not whose the token is.
    assert mine.passes is (True if place.flavour == "github" else None)
    (theirs,) = place.by("alice-token").tag_rules()
    assert theirs.passes is (False if place.flavour == "github" else None)
    assert theirs.who is not None


@GITLAB
@pytest.mark.parametrize(("level", "passes"), [(0, False), (40, True)])
def test_tag_rules__of_gitlab__by_role(place: Place, level: int, passes: bool) -> None:
    place.repo.guards.tags.append(local.TagGuard(7, "*#*", ("*#*",), level=level))
    (rule,) = place.by("my-app[bot]-token").tag_rules()
    assert rule.passes is passes


@GITLAB
def test_tag_rules__of_gitlab__that_let_a_deploy_key_pass__do_not_let_its_role(place: Place) -> None:
    place.repo.guards.tags.append(local.TagGuard(7, "*#*", ("*#*",), level=0, deploy_key=3))
    (rule,) = place.by("my-app[bot]-token").tag_rules()
    assert (rule.passes, rule.who) == (None, ("No one", "a key"))


@GITHUB
def test_tag_rules__of_github__without_those_that_are_off_and_without_names_for_others(place: Place) -> None:
    place.repo.guards.tags += [
        local.TagGuard(7, "off", ("~ALL",), active=False), local.TagGuard(8, "on", ("~ALL",)),
    ]  # fmt: skip
    (rule,) = place.by("bob-token").tag_rules()
    assert (rule.name, rule.who) == ("on", None)


@GITLAB
def test_settings__of_gitlab__that_a_role_may_not_see__cannot_be_read(place: Place) -> None:
    with pytest.raises(CannotRead):
        place.by("bob-token").tag_rules()
    for ask in ("tag_rules", "schedules"):
        with pytest.raises(CannotRead):
            getattr(place.by("job"), ask)()
    with pytest.raises(CannotRead):
        place.by("job").branch_guard("main")


def test_branch_guard__none_reviews_or_direct_pushes(place: Place) -> None:
    inspection = place.by("alice-token")
    assert inspection.branch_guard("main").reviewed is False
    place.repo.guards.branches.append(local.BranchGuard("main", owners=True))
    assert inspection.branch_guard("main") == BranchGuard(True, True)
    place.repo.guards.branches[0].reviewed = False
    # GitHub's rules are other ones then; GitLab's maintainers push.
    assert inspection.branch_guard("main").reviewed is (None if place.flavour == "github" else False)


@GITHUB
def test_branch_guard__by_protection__is_told_to_administrators(place: Place) -> None:
    place.repo.guards.branches.append(local.BranchGuard("main", by_ruleset=False))
    assert place.by("alice-token").branch_guard("main") == BranchGuard(True, False)
    assert place.by("bob-token").branch_guard("main") == BranchGuard(None)
    place.repo.guards.branches[0].reviewed = False
    assert place.by("alice-token").branch_guard("main") == BranchGuard(False)


def test_schedules__are_told_with_those_that_are_off(place: Place) -> None:
    place.repo.guards.schedules = {"hourly": True, "nightly": False}
    for number in range(101):
        place.repo.add_workflow(f"w{number:03}.yml")
    place.repo.guards.disabled = {"w100.yml": "disabled_inactivity"}
    found = place.by("alice-token").schedules()
    expected = [".github/workflows/w100.yml"] if place.flavour == "github" else ["nightly"]
    assert [name for name, is_on in found.items() if not is_on] == expected
    assert len(found) == (101 if place.flavour == "github" else 2)


def test_repositories__of_an_owner__are_listed_page_by_page(place: Place) -> None:
    for number in range(101):
        place.forge.repository(f"many/r{number:03}").grant("bob", "write")
    place.forge.repository("many/hidden")
    listed = list(place.listing("bob-token").of_owner("many"))
    assert listed == [f"many/r{number:03}" for number in range(101)]
    with pytest.raises(NotFound):
        list(place.listing("bob-token").of_owner("nobody"))
