"""The examples of docs/examples/github in a real runner: two shops, each from the first change to a deployment."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tagline_localforge import LocalForge, serve
from tests.commands.changes.conftest import ROLES
from tests.commands.changes.world import BETTER, START, World
from tests.e2e.github_runner import (
    ACTIONS_TOKEN,
    APP_KEY,
    APP_TOKEN,
    EXAMPLES,
    FOREIGN_TOKEN,
    FORK_TOKEN,
    READER_TOKEN,
    Models,
    Ran,
    Runner,
    Shop,
    make_release,
    watched,
)
from tests.e2e.machine import image
from tests.localforge.openapi import CONTRACT, ContractChecker
from tests.support.gitbuild import environment
from tests.support.s3server import S3Server
from tests.support.workflow_files import without_queue

__all__ = ["image"]
pytestmark = pytest.mark.e2e

APP = {"secrets": {"TAGLINE_APP_KEY": APP_KEY}, "variables": {"TAGLINE_APP": "Iv23liTestTestTestTest"}}
GOOD = "churn: {path: models/churn.pkl, metrics: metrics/churn.json}\nfraud:\n  path: models/fraud.txt\n"
#: A typing error, and two keys that would be commands to the runner, in its old form and in its new one.
BROKEN = GOOD.replace("path: models/fraud", "pth: models/fraud") + (
    '  "x ##[warning]owned": 1\n  "y\\n::warning::owned": 1\n'
)


def examples(review: str, promote: str, deploy: str) -> dict[str, str]:
    """Examples, each where its reader puts it."""
    names = {
        "tagline-review.yml": review,
        "tagline-promote.yml": promote,
        "deploy.yml": deploy,
        "record.yml": "record.yml",
        "tagline-labels.yml": "labels.yml",
    }
    return {
        f".github/workflows/{name}": without_queue((EXAMPLES / example).read_text()) for name, example in names.items()
    }


@pytest.fixture(scope="module")
def release(image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tagline-dev/tagline@v1 as a release makes it."""
    return make_release(tmp_path_factory.mktemp("release"), image)


class Shops:
    """Makes shops and takes them down."""

    def __init__(self, stack: ExitStack, base: Path, release: Path) -> None:
        self._stack, self._base, self._release = stack, base, release
        self.made: list[tuple[Shop, ContractChecker | None]] = []

    def make(self, name: str, files: dict[str, str], policy: str, **more: Any) -> Shop:
        folder = self._base / name
        folder.mkdir()
        forge = LocalForge(folder / "forge")
        repo = forge.repository("org/shop")
        repo.add_workflow("deploy.yml", tags=["**#prod#*"])
        for login, role in ROLES.items():
            repo.grant(login, role)
        forge.team("org/ml-leads", ["carol", "dave"])
        forge.token(ACTIONS_TOKEN, kind="actions")
        forge.token(FORK_TOKEN, kind="fork")
        forge.token(APP_TOKEN, kind="app")
        forge.token(READER_TOKEN, login="mallory")
        server = self._stack.enter_context(serve(forge))
        checker = ContractChecker() if CONTRACT.exists() else None
        if checker is not None:
            server.observers.append(checker)
        world = World("github", forge, repo, server, folder, run_cli=_no_command_line)
        world.start(files, policy)
        shop = Shop(world, Runner(folder / "runner", self._release, server.url), more)
        self.made.append((shop, checker))
        return shop


def _no_command_line(*_: str) -> None:
    raise AssertionError("everything runs in the runner")


@pytest.fixture(scope="module")
def shops(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with ExitStack() as stack:
        shops = Shops(stack, tmp_path_factory.mktemp("shops"), release)
        yield shops
        for shop, checker in shops.made:
            assert shop.world.server.failures == []
            assert checker is None or checker.violations == []


class Company:
    """A company's first change: an App's token, a team that approves, bytes in S3. Each step happens once, in order."""

    NUMBER = 1
    MODEL = os.urandom(300_000)
    POLICY = 'stages: {prod: {approvals: {count: 1, from: ["@org/ml-leads"]}, gates: [{metric: accuracy, min: 0.9}]}}\n'

    def __init__(self, shops: Shops, server: S3Server, folder: Path) -> None:
        self.models = Models(folder, server)
        files = {**START, "artifacts.yaml": GOOD, **self.models.files(b"the first model")}
        files |= examples("company-review.yml", "company-promote.yml", "company-deploy.yml")
        self.shop = shops.make("company", files, self.POLICY, **APP)
        self.world = self.shop.world

    @cached_property
    def opened(self) -> Ran:
        better = {
            **self.models.files(self.MODEL),
            "metrics/churn.json": BETTER["metrics/churn.json"],
            "artifacts.yaml": BROKEN,
        }
        number = self.world.open("better", better, labels=("version:minor", "stage:prod"))
        assert number == self.NUMBER
        return self.shop.pull_request("opened", number)

    @cached_property
    def mended(self) -> Ran:
        assert self.opened
        self.world.push("better", {"artifacts.yaml": GOOD})
        return self.shop.pull_request("synchronize", self.NUMBER)

    @cached_property
    def approved(self) -> Ran:
        assert self.mended
        self.world.approve(self.NUMBER, by="carol")
        return self.shop.pull_request("submitted", self.NUMBER, "pull_request_review", review={"state": "approved"})

    @cached_property
    def merged(self) -> Ran:
        assert self.approved
        before = self.shop.tip
        self.world.merge(self.NUMBER)
        return self.shop.pushed(before)

    @cached_property
    def merged_again(self) -> tuple[Ran, dict[str, Any], list[str]]:
        """A second run for the same push, and what was there before it."""
        assert self.merged
        before = self.world.tags(), self.world.comments(self.NUMBER)
        return (self.shop.pushed("0" * 40), *before)

    @cached_property
    def deployed(self) -> Ran:
        assert self.merged_again
        return self.shop.tagged("churn#prod#1")

    @cached_property
    def offered(self) -> Ran:
        """The labels, made by hand instead of by a push."""
        assert self.opened
        return self.shop.by_hand("tagline-labels.yml")

    @cached_property
    def recorded(self) -> Ran:
        """On the tag of the version."""
        assert self.merged
        return self.shop.tagged("churn@v0.1.0", workflow="record.yml")

    @cached_property
    def reused(self) -> Ran:
        """The workflow of another repository, whose own token means nothing here."""
        assert self.merged_again
        clone = self.world.folder / "scoring"
        self.world.git("init", "--quiet", str(clone), folder=self.world.folder)
        (clone / ".github/workflows").mkdir(parents=True)
        (clone / ".github/workflows/reuse.yml").write_text((EXAMPLES / "reuse.yml").read_text())
        self.world.git("add", "--all", folder=clone)
        self.world.git("commit", "--quiet", "--message", "reuse", folder=clone)
        payload = {"schedule": "5 6 * * *", "repository": {"full_name": "org/scoring", "default_branch": "main"}}
        before = len(self.world.server.exchanges)
        ran = self.shop.runner.run(
            "schedule", payload, clone, "reuse.yml", token=FOREIGN_TOKEN, secrets={"SHOP_TOKEN": READER_TOKEN}
        )
        self.asked_by_another = self.world.server.exchanges[before:]
        return ran

    @cached_property
    def from_a_fork(self) -> Ran:
        assert self.taken_away
        number = self.world.open("theirs", {"metrics/churn.json": "{}\n"}, author="mallory", fork=True)
        return self.shop.pull_request("opened", number, token=FORK_TOKEN)

    @cached_property
    def taken_away(self) -> tuple[Ran, Ran]:
        """What the tag starts that takes prod away, and what a late re-run of the old tag does."""
        assert self.deployed
        assert self.reused
        command = (sys.executable, "-m", "tagline", "unassign", "churn#prod", "--override", "a test", "--push")
        where = ("--repo", self.world.repo.path.as_uri())
        subprocess.run(
            [*command, *where], check=True, env=environment(HOME=str(self.world.folder)), capture_output=True
        )
        (tag,) = (name for name in self.world.tags() if name.startswith("churn#prod!"))
        return self.shop.tagged(tag), self.shop.tagged("churn#prod#1")


@pytest.fixture(scope="module")
def company(shops: Shops, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company(shops, s3_server, tmp_path_factory.mktemp("company"))


def test_review__broken_manifest__annotated_at_its_lines_and_nowhere_else(company: Company) -> None:
    ran = company.opened
    assert ran.jobs() == {"validate": "failure", "plan": "success"}
    found = ran.annotations()
    assert [(each.kind, each.file, each.line) for each in found] == [("error", "artifacts.yaml", n) for n in (3, 4, 5)]
    assert "Unknown key 'pth'" in found[0].text
    assert "`artifacts.yaml:3:3`" in ran.summary()


def test_review__labelled_change__comment_and_status(company: Company) -> None:
    assert company.opened.outputs("plan")["verdict"] == "waiting"
    (comment,) = company.world.comments(company.NUMBER)
    assert "churn#prod#1" in comment
    assert "0 of 1 approval" in comment
    head = company.world.repo.change(company.NUMBER).head
    assert company.world.status(head) == "pending"
    assert {each.login for each in company.world.repo.change(company.NUMBER).comments} == {"my-app[bot]"}


def test_labels__by_the_workflows_own_token__are_there(company: Company) -> None:
    assert company.offered.jobs() == {"labels": "success"}
    assert {"version:minor", "stage:prod"} <= set(company.world.repo.label_names())


def test_review__mended_and_approved__status_turns_green(company: Company) -> None:
    assert company.mended.jobs() == {"validate": "success", "plan": "success"}
    assert company.approved.jobs() == {"validate": "success", "plan": "success"}
    assert company.approved.outputs("plan")["verdict"] == "ok"
    assert company.world.status(company.world.repo.change(company.NUMBER).head) == "success"
    assert len(company.world.comments(company.NUMBER)) == 1
    # It knows whose its comments are: the App's.
    assert "warning:" not in company.mended.said("plan") + company.approved.said("plan")


def test_promote__merged__tags_with_trailers_and_the_record(company: Company) -> None:
    assert company.merged.jobs() == {"promote": "success"}
    world = company.world
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}
    trailers = world.trailers("churn#prod#1")
    assert trailers["Change"] == [f"{world.server.url}/org/shop/pull/1"]
    assert trailers["Merge-Commit"] == [company.shop.tip]
    assert trailers["Requested-By"][0].startswith("bob")
    assert trailers["Approved-By"][0].startswith("carol")
    assert trailers["Artifact-Uri"][0].startswith("s3://")
    assert trailers["Artifact-Digest"] == [f"md5:{hashlib.md5(company.MODEL).hexdigest()}"]
    assert trailers["Run"] == [f"{world.server.url}/org/shop/actions/runs/81"]
    (record,) = world.comments(company.NUMBER)
    assert "This merge made 2 tags" in record
    # As an App's push does.
    assert [(run.event, run.ref) for run in world.repo.runs] == [("push", "refs/tags/churn#prod#1")]


def test_promote__again__nothing_new(company: Company) -> None:
    ran, tags, comments = company.merged_again
    assert ran.jobs() == {"promote": "success"}
    assert company.world.tags() == tags
    assert company.world.comments(company.NUMBER) == comments


def test_deploy__tag_pushed__next_job_has_the_bytes(company: Company) -> None:
    ran = company.deployed
    assert ran.jobs() == {"deploy": "success", "ship": "success", "report": "success"}
    # Right before it, whether its tag still counts.
    assert ran.outputs("ship")["current"] == "true"
    digest = hashlib.md5(company.MODEL).hexdigest()
    assert f"churn v0.1.0 is prod now: md5:{digest}" in ran.said("ship")
    assert f"{hashlib.sha256(company.MODEL).hexdigest()}  churn.pkl" in ran.said("ship")
    assert (company.shop.runner.artifacts / "model/churn.pkl").read_bytes() == company.MODEL
    # What was deployed is on the forge's page, and the registry knows it.
    (deployment,) = company.world.repo.deployments
    assert (deployment.environment, deployment.statuses[-1].state) == ("churn/prod", "success")
    assert ran.outputs("report")["digest"] == f"md5:{digest}"


def test_deploy__tag_that_took_away_or_was_overtaken__nothing_handed_over(company: Company) -> None:
    for ran, why in zip(company.taken_away, ("the event is 'unassignment'", "another tag has overtaken"), strict=True):
        assert ran.code == 0
        assert ran.jobs()["deploy"] == "success"
        assert not {"ship", "report"} & set(ran.jobs())
        assert any(each.text.startswith(f"Nothing to deploy: {why}") for each in ran.annotations())


def test_record__version_tag__both_documents_kept_and_the_lineage_in_the_summary(company: Company) -> None:
    ran, world = company.recorded, company.world
    assert ran.jobs() == {"record": "success"}
    handed = ran.outputs("record")
    assert (handed["name"], handed["version"], handed["commit"]) == ("churn", "v0.1.0", company.shop.tip)
    assert f"churn v0.1.0 is {company.shop.tip}" in ran.said("record")
    assert "Everything behind it" in ran.summary()
    assert "carol" in ran.summary()

    kept = company.shop.runner.artifacts / "lineage"
    assert {file.name for file in kept.iterdir()} == {"statement.json", "bom.cdx.json"}
    url, md5 = f"{world.server.url}/org/shop", hashlib.md5(company.MODEL).hexdigest()
    statement = json.loads((kept / "statement.json").read_text())
    assert [(each["name"], each["digest"]) for each in statement["subject"]] == [("churn@v0.1.0", {"md5": md5})]
    sources = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    (source,) = (each for each in sources if each["name"] == "source")
    assert source["digest"] == {"gitCommit": company.shop.tip}
    assert source["uri"].startswith(f"git+{url}")
    bom = json.loads((kept / "bom.cdx.json").read_text())
    assert bom["metadata"]["component"]["hashes"] == [{"alg": "MD5", "content": md5}]
    assert company.shop.tip in {
        each["value"] for each in bom["metadata"]["component"]["properties"] if each["name"] == "tagline:commit"
    }


def test_reuse__another_repository__has_the_bytes_without_a_checkout(company: Company) -> None:
    ran = company.reused
    assert ran.jobs() == {"score": "success"}
    assert f"churn v0.1.0: md5:{hashlib.md5(company.MODEL).hexdigest()}" in ran.said("score")
    assert f"{hashlib.sha256(company.MODEL).hexdigest()}  churn.pkl" in ran.said("score")
    assert not any("checkout" in name for name in ran.steps("score"))
    answered = [each for each in company.asked_by_another if each.status == 200]
    assert {each.path.partition(".git/")[0] for each in answered} == {"/org/shop"}
    asked_with = {base64.b64decode(e.headers["authorization"].split()[1]).decode().partition(":")[2] for e in answered}
    assert asked_with == {READER_TOKEN}


def test_review__fork_where_plan_needs_secrets__left_to_the_schedule(company: Company) -> None:
    """A job that was left out has no result in act's log."""
    assert company.from_a_fork.jobs() == {"validate": "success"}


def test_runner__all_that_ran__no_secret_in_a_command_line_or_a_log(company: Company) -> None:
    assert company.from_a_fork
    assert company.shop.runner.leaks == []


def test_runner__secret_in_a_command_line__noticed() -> None:
    seen: list[str] = []
    with watched({READER_TOKEN}, seen.append):
        subprocess.run(["sh", "-c", "sleep 0.3", READER_TOKEN], check=True)
    assert seen


class Small:
    """A small shop: the workflow's own token, models in Git. Each step happens once, in order."""

    POLICY = "stages: {prod: {approvals: {count: 1}}}\n"

    def __init__(self, shops: Shops) -> None:
        self.shop = shops.make("small", {**START, **examples("review.yml", "promote.yml", "deploy.yml")}, self.POLICY)
        self.world = self.shop.world

    @cached_property
    def from_a_fork(self) -> Ran:
        number = self.world.open("theirs", BETTER, labels=("version:minor", "stage:prod"), author="mallory", fork=True)
        return self.shop.pull_request("opened", number, token=FORK_TOKEN)

    @cached_property
    def on_schedule(self) -> Ran:
        assert self.from_a_fork
        return self.shop.on_schedule()

    @cached_property
    def by_hand(self) -> Ran:
        assert self.on_schedule
        return self.shop.by_hand()

    @cached_property
    def queued(self) -> Ran:
        assert self.by_hand
        self.world.approve(1, by="carol")
        return self.shop.queued(1)

    @cached_property
    def merged(self) -> Ran:
        assert self.queued
        before = self.shop.tip
        self.world.merge(1, method="squash")
        return self.shop.pushed(before)

    @cached_property
    def delivered(self) -> Ran:
        assert self.merged
        return self.shop.tagged("churn#prod#1", "workflow_dispatch")


@pytest.fixture(scope="module")
def small(shops: Shops) -> Small:
    return Small(shops)


def test_review__fork__plan_in_the_summary_and_nothing_written(small: Small) -> None:
    ran = small.from_a_fork
    assert ran.jobs() == {"validate": "success", "plan": "success"}
    assert "churn#prod#1" in ran.summary()
    assert small.world.comments(1) == []


def test_review__schedule__comment_for_the_fork_and_validate_left_out(small: Small) -> None:
    assert small.on_schedule.jobs() == {"plan": "success"}
    assert len(small.world.comments(1)) == 1


def test_review__by_hand__validate_too(small: Small) -> None:
    """A skipped one would count as passed, on whatever commit the run is."""
    assert small.by_hand.jobs() == {"validate": "success", "plan": "success"}
    assert len(small.world.comments(1)) == 1


def test_review__merge_queue__status_on_what_it_asks_about(small: Small) -> None:
    assert small.queued.jobs() == {"validate": "success", "plan": "success"}
    assert small.queued.outputs("plan")["verdict"] == "ok"
    assert small.world.status(small.world.repo.change(1).head) == "success"


def test_promote__own_token__tags_and_the_deployment_started(small: Small) -> None:
    assert small.merged.jobs() == {"promote": "success"}
    assert set(small.world.tags()) == {"churn@v0.1.0", "churn#prod#1"}
    # The push by the job's own token started nothing.
    assert [(run.event, run.ref) for run in small.world.repo.runs] == [("workflow_dispatch", "refs/tags/churn#prod#1")]


def test_deploy__dispatched_on_the_tag__next_job_has_the_bytes(small: Small) -> None:
    assert small.delivered.jobs() == {"deploy": "success", "ship": "success", "report": "success"}
    assert "churn v0.1.0 is prod now: gitblob:" in small.delivered.said("ship")
    assert (small.shop.runner.artifacts / "model/model").read_text() == BETTER["models/churn.txt"]
    assert small.shop.runner.leaks == []
