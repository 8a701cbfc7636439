"""``--if-superseded``: a promotion that comes while an older one is handed over, in a clone and at a URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.storage.test_fetch import MODEL, OLD, Registry
from tests.conftest import CommandLine, Said
from tests.support.gitbuild import EPOCH, Tag, run_git, tag_content
from tests.support.githttp import GitServer, serve
from tests.support.s3server import S3Server

OVERTAKES = Tag("model#prod#3", "model@v1.0.0", time=EPOCH + 300)


def add_tag(repository: Path, tag: Tag) -> None:
    """Put a tag into a repository as a push would."""
    commit = run_git(repository, "rev-parse", f"{tag.target}^{{commit}}").strip()
    made = run_git(repository, "hash-object", "-t", "tag", "-w", "--stdin", stdin=tag_content(tag, commit, "commit"))
    run_git(repository, "update-ref", f"refs/tags/{tag.name}", made.strip())


@pytest.fixture
def registry(tmp_path: Path, s3: S3Server) -> Registry:
    return Registry(tmp_path / "served", s3)


@pytest.fixture
def server(registry: Registry) -> Iterator[GitServer]:
    run_git(registry.path, "config", "uploadpack.allowFilter", "true")
    run_git(registry.path, "config", "uploadpack.allowAnySHA1InWant", "true")
    with serve(registry.path.parent) as running:
        yield running


class Job:
    """A deploy job of a tag, in a clone or without one."""

    def __init__(self, tagline: CommandLine, where: str, dest: Path) -> None:
        self._tagline, self._where, self.dest = tagline, where, dest

    def __call__(self, command: str, what: str, target: str | None = None, tag: str = "model#prod#2") -> Said:
        job = {"GITLAB_CI": "true", "CI_COMMIT_TAG": tag}
        words = [command, *([target] if target else []), "--if-superseded", what, "--repo", self._where, "--json"]
        return self._tagline(*words, *(["-o", str(self.dest)] if command == "fetch" else []), **job)


@pytest.fixture(params=["clone", "url"])
def job(request: pytest.FixtureRequest, server: GitServer, tagline: CommandLine, tmp_path: Path) -> Job:
    where = f"{server.url}/shop.git"
    if request.param == "clone":
        run_git(tmp_path, "clone", "--quiet", where, "clone")
        server.requests.clear()
        where = str(tmp_path / "clone")
    return Job(tagline, where, tmp_path / "out" / "model.bin")


def overtake_late(registry: Registry, server: GitServer, tag: Tag = OVERTAKES) -> None:
    """The tag comes once the tags were read: when the server is asked the fourth time."""

    def meanwhile(_: str) -> None:
        if len(server.requests) == 4:
            add_tag(registry.path, tag)

    server.redirect = meanwhile


def nothing_there(job: Job) -> bool:
    return not job.dest.parent.exists() or not list(job.dest.parent.iterdir())


@pytest.mark.parametrize("command", ["resolve", "fetch"])
def test_clone_whose_tags_are_old__asks_its_remote_outside_of_ci_too(
    command: str, registry: Registry, server: GitServer, tagline: CommandLine, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "--quiet", f"{server.url}/shop.git", "clone")
    add_tag(registry.path, OVERTAKES)
    dest = ["-o", str(tmp_path / "model.bin")] if command == "fetch" else []
    words = [command, "model#prod", "--if-superseded", "fail", "--repo", str(clone), "--json", *dest]
    said = tagline(*words)
    assert (said.code, said.json["error"]["code"]) == (1, "superseded"), said.out
    run_git(clone, "remote", "set-url", "origin", f"{server.url}/nowhere.git")
    assert tagline(*words).code == 4


# -- the ledger moves while the bytes come ---------------------------------------------------------


def test_fetch_fail__overtaken_before_the_rename__exit_1_names_tag_and_time(
    registry: Registry, server: GitServer, job: Job
) -> None:
    overtake_late(registry, server)
    said = job("fetch", "fail", "model#prod")
    assert (said.code, said.json["error"]["code"]) == (1, "superseded")
    assert "model#prod#2 was overtaken: model#prod#3 gave model#prod to v1.0.0 at 2023-11-14T22:18:20Z" in said.err
    assert said.json["error"]["hint"]
    assert nothing_there(job)


def test_fetch_skip__overtaken_before_the_rename__says_so_and_hands_nothing_over(
    registry: Registry, server: GitServer, job: Job
) -> None:
    overtake_late(registry, server)
    said = job("fetch", "skip")
    assert said.code == 0, said.err
    found = said.json
    assert (found["superseded"], found["current"], found["fetched"]) == (True, False, False)
    assert [found[key] for key in ("uri", "digest", "sha256", "size", "files", "destination")] == [None] * 6
    assert (found["version"], found["tag"], found["stage"]) == ("v2.0.0", "model#prod#2", "prod")
    assert [(note["code"], note["tag"]) for note in found["warnings"]] == [("superseded", "model#prod#3")]
    assert nothing_there(job)


def test_fetch_run__overtaken_meanwhile__hands_over_what_was_asked(
    registry: Registry, server: GitServer, job: Job
) -> None:
    overtake_late(registry, server)
    said = job("fetch", "run")
    assert (said.code, said.json["superseded"]) == (0, False)
    assert job.dest.read_bytes() == MODEL


def test_fetch_fail__nothing_overtakes__hands_over_after_one_look(server: GitServer, job: Job) -> None:
    job("fetch", "run")
    first = len(server.requests)
    job.dest.unlink()
    plain = job("fetch", "run")
    warm = len(server.requests) - first
    job.dest.unlink()
    server.requests.clear()
    said = job("fetch", "fail")
    assert (said.code, said.json["superseded"], said.json) == (0, False, plain.json)
    assert job.dest.read_bytes() == MODEL
    # One listing of the artifact's tags: what the server can do, and its answer.
    assert len(server.requests) - warm == 2


def test_fetch_skip__there_already_and_overtaken__leaves_it_and_says_so(
    registry: Registry, server: GitServer, job: Job
) -> None:
    job.dest.parent.mkdir()
    job.dest.write_bytes(MODEL)
    overtake_late(registry, server)
    assert job("fetch", "skip").json["superseded"] is True
    assert job.dest.read_bytes() == MODEL


# -- the ledger had moved before -------------------------------------------------------------------


@pytest.mark.parametrize("command", ["resolve", "fetch"])
def test_overtaken_before_it_began__no_store_is_asked(registry: Registry, job: Job, command: str) -> None:
    registry.delete(OLD)
    old = job(command, "skip", tag="model#prod#1")
    assert (old.code, old.json["superseded"], old.json["digest"]) == (0, True, None)
    failed = job(command, "fail", tag="model#prod#1")
    assert (failed.code, failed.json["error"]["code"]) == (1, "superseded")
    assert "model#prod#2" in failed.json["error"]["message"]
    assert job(command, "run", tag="model#prod#1").code == 6  # it asks, and the object is gone


def test_clone_that_lacks_the_tag_that_overtook__skips_where_others_refuse_to_answer(
    registry: Registry, server: GitServer, tagline: CommandLine, tmp_path: Path
) -> None:
    run_git(tmp_path, "clone", "--quiet", f"{server.url}/shop.git", "clone")
    job = Job(tagline, str(tmp_path / "clone"), tmp_path / "out" / "model.bin")
    add_tag(registry.path, Tag("model#dev#3", "model@v1.0.0", time=EPOCH + 300))
    assert job("resolve", "skip").json["error"]["code"] == "incomplete-clone"
    add_tag(registry.path, Tag("model#prod#4", "model@v1.0.0", time=EPOCH + 400))
    assert job("resolve", "skip").json["superseded"] is True
    assert job("fetch", "fail").json["error"]["code"] == "superseded"
    assert job("resolve", "run").json["error"]["code"] == "incomplete-clone"


def test_as_of__asks_of_then__nothing_is_overtaken(tagline: CommandLine, registry: Registry) -> None:
    asked = ("resolve", "model#prod", "--as-of", "2023-11-14T22:13:40Z", "--if-superseded", "fail")
    assert tagline.json(*asked, "--repo", str(registry.path))["version"] == "v1.0.0"
