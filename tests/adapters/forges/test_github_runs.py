"""The port Starter over GitHub's API, on real HTTP: looks first, starts once, and says why it could not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tagline.adapters.forges.github.runs import GitHubRuns
from tagline.adapters.http import retries as http_retries
from tagline.domain.delivery.receipts import Start
from tagline.domain.delivery.targets import Target
from tagline.errors import PlatformRefused
from tagline.ports.delivery import Lost
from tagline.settings import Secret
from tagline_localforge import Drop, ForgeServer, LocalForge, Repository, Request, Response, serve
from tests.localforge.faults import Way, fail_always, fail_once, rate_limited
from tests.localforge.openapi import CONTRACT, ContractChecker
from tests.support.gitbuild import Commit, History, Tag, build

TAG = "dir/sub=churn#prod#1"
OTHER = "churn#prod#2"
DISPATCH = r"/actions/workflows/deploy\.yml/dispatches$"
RUNS = r"/actions/runs$"


class Done(NamedTuple):
    """Whether a run was started, and its page."""

    started: bool
    url: str | None


@dataclass
class Place:
    """``org/shop`` with two tags of prod and the workflow deploy.yml, and the adapter of a workflow's own token."""

    repo: Repository
    server: ForgeServer
    ids: dict[str, str]
    runs: GitHubRuns

    def with_token(self, token: str | None) -> GitHubRuns:
        secret = Secret(token) if token else None
        return GitHubRuns(f"{self.server.url}/api/v3", "org/shop", self.server.url, secret)

    def deliver(self, tag: str = TAG, commit: str = "c0", workflow: str = "deploy.yml") -> Any:
        """Look, start, and look again where the server does not tell the run."""
        start = Start("churn", "prod", "v1.0.0", tag, "0" * 40, self.ids[commit], Target(workflow), "churn/prod")
        if (found := self.runs.find(start, 0)) is not None:
            return Done(False, found.url)
        run = self.runs.begin(start) or self.runs.find(start, 0)
        return Done(True, run.url if run is not None else None)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    forge = LocalForge(tmp_path / "forge")
    repo = forge.repository("org/shop")
    commits = (Commit("c0", files={"a": "1"}), Commit("c1", ("c0",), {"a": "2"}))
    ids = build(repo.path, History(commits, (Tag(TAG, "c0"), Tag(OTHER, "c1")), {"main": "c1"}), bare=True)
    repo.add_workflow("deploy.yml")
    for kind in ("actions", "fork"):
        forge.token(kind, kind=kind)  # type: ignore[arg-type]
    with serve(forge) as server:
        checker = ContractChecker() if CONTRACT.exists() else None
        if checker is not None:
            server.observers.append(checker)
        found = Place(repo, server, ids, None)  # type: ignore[arg-type]
        found.runs = found.with_token("actions")
        yield found
    assert server.failures == []
    assert checker is None or checker.violations == []


def said(place: Place) -> list[tuple[str, int]]:
    return [(exchange.method, exchange.status) for exchange in place.server.exchanges]


# -- what is done --------------------------------------------------------------------


def test_deliver__no_run__is_started_and_its_page_told(place: Place) -> None:
    done = place.deliver()
    (run,) = place.repo.runs
    assert (run.ref, run.sha, run.workflow.file) == (f"refs/tags/{TAG}", place.ids["c0"], "deploy.yml")
    page = f"{place.server.url}/org/shop/actions/runs/{run.id}"
    assert done == (True, page)
    assert said(place) == [("GET", 200), ("POST", 200)]


@pytest.mark.parametrize("event", ["push", "workflow_dispatch"])
def test_deliver__a_run_is_there__is_the_answer(place: Place, event: str) -> None:
    run = place.repo.start_run("deploy.yml", f"refs/tags/{TAG}", by="alice", event=event)
    done = place.deliver()
    assert (done.started, done.url.endswith(f"/runs/{run.id}")) == (False, True)
    # No branch is called as the tag is.
    assert said(place) == [("GET", 200), ("GET", 404)]
    assert place.repo.runs == [run]


def test_deliver__runs_of_other_workflows_tags_and_commits__are_none_of_it(place: Place) -> None:
    place.repo.add_workflow("other.yml")
    place.repo.add_workflow("deploy.yml.yml")
    # A branch called as the tag is, and run at another commit: nobody may keep a deployment away with it.
    place.repo.git.set_ref(f"refs/heads/{TAG}", place.ids["c1"])
    for file, ref in (
        ("other.yml", f"refs/tags/{TAG}"),
        ("deploy.yml.yml", f"refs/tags/{TAG}"),
        ("deploy.yml", f"refs/tags/{OTHER}"),
        ("deploy.yml", "refs/heads/main"),
        ("deploy.yml", f"refs/heads/{TAG}"),
    ):
        place.repo.start_run(file, ref, by="mallory")
    assert place.deliver().started
    assert place.repo.runs[-1].sha == place.ids["c0"]


def test_deliver__a_branch_called_as_the_tag_at_its_very_commit__the_run_may_be_the_branchs(place: Place) -> None:
    place.repo.git.set_ref(f"refs/heads/{TAG}", place.ids["c0"])
    place.repo.start_run("deploy.yml", f"refs/heads/{TAG}", by="mallory")
    done = place.deliver()
    assert done.started
    run = place.repo.runs[-1]
    assert (run.ref, done.url) == (f"refs/tags/{TAG}", f"{place.server.url}/org/shop/actions/runs/{run.id}")
    assert said(place) == [("GET", 200), ("GET", 200), ("POST", 200)]


def test_deliver__a_branch_below_the_tags_name__is_another(place: Place) -> None:
    place.repo.git.set_ref(f"refs/heads/{TAG}/x", place.ids["c0"])
    place.repo.start_run("deploy.yml", f"refs/tags/{TAG}", by="alice")
    assert not place.deliver().started


def test_deliver__whether_there_is_such_a_branch_cannot_be_told__is_said(place: Place) -> None:
    place.repo.start_run("deploy.yml", f"refs/tags/{TAG}", by="alice")
    fail_always(place.server, "GET", r"/git/ref/heads/", 500)
    with pytest.raises(PlatformRefused) as caught:
        place.deliver()
    assert caught.value.code == "forge-failed"


@pytest.mark.parametrize(
    ("path", "is_it"),
    [
        (".github/workflows/deploy.yml", True),
        (f".github/workflows/deploy.yml@refs/tags/{TAG}", True),
        ("org/shop/.github/workflows/deploy.yml@main", True),
        ("org/other/.github/workflows/deploy.yml@main", False),
        (".github/workflows/x/.github/workflows/deploy.yml", False),
        (".github/workflows/deploy.yml2", False),
    ],
)
def test_deliver__a_run_by_its_path__in_each_way_that_github_writes_it(place: Place, path: str, is_it: bool) -> None:
    place.repo.start_run("deploy.yml", f"refs/tags/{TAG}", by="alice")

    def rewrite(request: Request) -> Response | None:
        if request.method != "GET":
            return None
        place.server.before.remove(rewrite)
        answer = place.server.answer(request)
        assert answer is not None
        answer.json["workflow_runs"][0]["path"] = path
        return answer

    place.server.before.append(rewrite)
    assert place.deliver().started is not is_it


def test_deliver__behind_more_than_a_page_of_runs__is_found(place: Place) -> None:
    place.repo.add_workflow("ci.yml")
    first = place.repo.start_run("deploy.yml", f"refs/tags/{TAG}", by="alice")
    for _ in range(130):
        place.repo.start_run("ci.yml", f"refs/tags/{TAG}", by="alice")
    done = place.deliver()
    assert (done.started, done.url.endswith(f"/runs/{first.id}")) == (False, True)


def test_deliver__by_a_server_that_tells_nothing_of_the_run__looks_for_its_page(place: Place) -> None:
    """A 204, as before 2026."""

    def forget(request: Request) -> None:
        if request.method == "POST":
            request.body = request.body.replace(b"true", b"false")

    place.server.before.append(forget)
    done = place.deliver()
    assert (done.started, done.url.endswith(f"/runs/{place.repo.runs[0].id}")) == (True, True)
    assert said(place) == [("GET", 200), ("POST", 204), ("GET", 200), ("GET", 404)]


def test_deliver__by_a_server_that_does_not_know_the_question__asks_without_it(place: Place) -> None:
    words = {"message": 'Invalid request.\n\n"return_run_details" is not a permitted key.'}
    fault = fail_once(place.server, "POST", DISPATCH, 422, answer=words)
    done = place.deliver()
    assert (fault.fired, done.started, len(place.repo.runs)) == (1, True, 1)
    assert place.server.exchanges[2].json == {"ref": f"refs/tags/{TAG}"}


@pytest.mark.parametrize("name", ["de#p?l%2Foy.yml", "..yml", "ö 😀.yml"])
def test_deliver__odd_names_of_files__are_one_segment_of_the_address(place: Place, name: str) -> None:
    place.repo.add_workflow(name)
    assert place.deliver(workflow=name).started
    assert [run.workflow.file for run in place.repo.runs] == [name]


# -- what goes wrong on the way ----------------------------------------------------------


@pytest.mark.parametrize("way", [500, 502, 503, 429, "drop"])
def test_deliver__one_look_fails__is_made_again(place: Place, way: Way) -> None:
    fault = fail_once(place.server, "GET", RUNS, way)
    assert (place.deliver().started, fault.fired, len(place.repo.runs)) == (True, 1, 1)


@pytest.mark.parametrize("way", [500, 502, 503, 524, "drop", "drop-after"])
def test_deliver__the_answer_is_lost__is_said_and_asked_for_once(place: Place, way: Way) -> None:
    fault = fail_once(place.server, "POST", DISPATCH, way)
    with pytest.raises(Lost):
        place.deliver()
    assert (fault.fired, len(place.repo.runs)) == (1, way == "drop-after")
    assert [method for method, _ in said(place)].count("POST") == 1


def test_deliver__the_tag_is_not_known_yet__is_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(http_retries.time, "sleep", slept.append)
    fault = fail_once(place.server, "POST", DISPATCH, 422, answer={"message": f"No ref found for: refs/tags/{TAG}"})
    assert place.deliver().started
    assert (fault.fired, len(place.repo.runs), max(slept)) == (1, 1, 1.0)


def test_deliver__a_short_rate_limit__is_waited_for(place: Place) -> None:
    fault = rate_limited(place.server, "POST", DISPATCH, retry_after=0)
    assert place.deliver().started
    assert (fault.fired, len(place.repo.runs)) == (1, 1)


NOT_ACCESSIBLE = {"message": "Resource not accessible by integration"}


def _forbid(place: Place) -> None:
    fail_always(place.server, "POST", DISPATCH, 403, answer=NOT_ACCESSIBLE)


def _forbid_looking(place: Place) -> None:
    fail_always(place.server, "GET", RUNS, 403, answer=NOT_ACCESSIBLE)


def _no_workflow(place: Place) -> None:
    place.repo.workflows.clear()


def _no_trigger(place: Place) -> None:
    place.repo.add_workflow("deploy.yml", dispatch=False)


def _always(way: Way, method: str, path: str) -> Callable[[Place], object]:
    return lambda place: fail_always(place.server, method, path, way)


def _bad_token(place: Place) -> None:
    place.runs = place.with_token("nobody's")


def _fork_token(place: Place) -> None:
    place.runs = place.with_token("fork")


def _no_token(place: Place) -> None:
    place.repo.public = True
    place.runs = place.with_token(None)


@pytest.mark.parametrize(
    ("stand_in_the_way", "code", "words"),
    [
        pytest.param(_forbid, "no-permission", "`actions: write`", id="no-permission"),
        pytest.param(_forbid_looking, "no-permission", "`actions: write`", id="no-permission-to-look"),
        pytest.param(_fork_token, "no-permission", "`actions: write`", id="fork"),
        pytest.param(_no_workflow, "no-workflow", "default branch", id="no-workflow"),
        pytest.param(_no_trigger, "workflow-refused", "`on: workflow_dispatch`", id="no-trigger"),
        pytest.param(_bad_token, "bad-credentials", "TAGLINE_TOKEN", id="bad-token"),
        pytest.param(_no_token, "bad-credentials", "TAGLINE_TOKEN", id="no-token"),
        pytest.param(_always(500, "GET", RUNS), "forge-failed", "same command", id="list-500"),
    ],
)
def test_deliver__cannot__says_why_and_what_helps(
    place: Place, stand_in_the_way: Callable[[Place], object], code: str, words: str
) -> None:
    stand_in_the_way(place)
    with pytest.raises(PlatformRefused) as caught:
        place.deliver()
    assert (caught.value.code, caught.value.exit_code) == (code, 4)
    assert words in caught.value.hint
    assert place.repo.runs == []


HTML = "<html>Sign in to the proxy</html>"
RUN = {"id": 1, "head_branch": TAG, "head_sha": "COMMIT", "path": ".github/workflows/deploy.yml"}
BARE_RUN = {"id": 1, "head_branch": TAG, "head_sha": "COMMIT"}


@pytest.mark.parametrize(
    ("method", "path", "status", "answer", "headers"),
    [
        pytest.param("GET", RUNS, 200, HTML, {"Content-Type": "text/html"}, id="html"),
        pytest.param("GET", RUNS, 200, b"<html>", {"Content-Type": "text/html"}, id="bare-html"),
        pytest.param("GET", RUNS, 200, b"{<html>", {}, id="broken-json"),
        pytest.param("GET", RUNS, 200, b"\xff\xfe", {}, id="no-text"),
        pytest.param("GET", RUNS, 200, {}, {}, id="empty-object"),
        pytest.param("GET", RUNS, 200, [], {}, id="a-list"),
        pytest.param("GET", RUNS, 200, None, {}, id="nothing"),
        pytest.param("GET", RUNS, 200, {"workflow_runs": None}, {}, id="no-list"),
        pytest.param("GET", RUNS, 200, {"workflow_runs": [1]}, {}, id="no-runs"),
        pytest.param("GET", RUNS, 200, {"workflow_runs": [{**RUN, "path": 1}]}, {}, id="odd-path"),
        pytest.param("GET", RUNS, 200, {"workflow_runs": [BARE_RUN]}, {}, id="no-path"),
        pytest.param("GET", RUNS, 200, {"workflow_runs": [RUN]}, {}, id="no-page"),
        pytest.param("GET", r"/git/ref/heads/", 200, HTML, {"Content-Type": "text/html"}, id="branch-html"),
        pytest.param("GET", RUNS, 400, ["no"], {}, id="a-refusal-in-a-list"),
    ],
)
def test_deliver__an_answer_that_is_not_githubs__is_a_refusal_and_no_bug(
    place: Place, method: str, path: str, status: int, answer: Any, headers: dict[str, str]
) -> None:
    def garble(request: Request) -> Response | None:
        if request.method != method or not re.search(path, request.path):
            return None
        body = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
        return Response(status, None, headers, body.replace(b"COMMIT", place.ids["c0"].encode()))

    if path.startswith("/git/"):
        place.repo.start_run("deploy.yml", f"refs/tags/{TAG}", by="alice")
    before = list(place.repo.runs)
    place.server.before.append(garble)
    place.server.observers.clear()  # what it says is no contract's
    with pytest.raises(PlatformRefused) as caught:
        place.deliver()
    assert (caught.value.code, caught.value.exit_code) == ("forge-failed", 4)
    assert "org/shop" in caught.value.message
    assert "\n" not in caught.value.message
    assert place.repo.runs == before


@pytest.mark.parametrize(
    "answer",
    [pytest.param(HTML, id="html"), pytest.param({}, id="empty"), pytest.param({"html_url": 7}, id="odd-page")],
)
def test_deliver__an_answer_that_is_not_githubs_to_the_dispatch__may_have_started_it(place: Place, answer: Any) -> None:
    def garble(request: Request) -> Response | None:
        return Response(200, None, {}, json.dumps(answer).encode()) if request.method == "POST" else None

    place.server.before.append(garble)
    place.server.observers.clear()  # what it says is no contract's
    with pytest.raises(Lost):
        place.deliver()


def test_deliver__a_rate_limit_of_an_hour__is_said(place: Place) -> None:
    headers = {"Retry-After": "3600"}
    fault = fail_once(place.server, "POST", DISPATCH, 429, headers=headers, answer={"message": "slow"})
    with pytest.raises(PlatformRefused) as caught:
        place.deliver()
    assert (caught.value.code, fault.fired) == ("rate-limit", 1)


def test_deliver__the_forges_words__are_one_short_line(place: Place) -> None:
    fail_always(place.server, "POST", DISPATCH, 422, answer={"message": "a\n::error::b " + "x" * 5000})
    with pytest.raises(PlatformRefused) as caught:
        place.deliver()
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500


def test_deliver__every_connection_breaks__is_unreachable(place: Place) -> None:
    def drop(_: Request) -> None:
        raise Drop

    place.server.before.append(drop)
    with pytest.raises(PlatformRefused, match="org/shop cannot be reached"):
        place.deliver()
