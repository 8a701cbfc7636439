"""The examples of docs/examples/gitlab as real pipelines: gitlab-ci-local, Docker, a forge and an S3 server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from dvc.repo import Repo

from tests.commands.changes.conftest import make_world
from tests.commands.changes.world import World
from tests.e2e.gitlab_runner import COMPONENTS, EXAMPLES, IMAGE, GitLab, gitlab_ci_local, token_of
from tests.e2e.machine import docker, image
from tests.oracle.dvc_world import in_dvc, surroundings, write
from tests.support.gitbuild import run_git
from tests.support.s3server import KEY_ID, SECRET, S3Server

__all__ = ["image", "make_world"]

pytestmark = pytest.mark.e2e

POLICY = "stages: {staging: {}, prod: {approvals: {count: 1}}}\n"
MANIFEST = "churn: {path: models/churn.pkl, type: model, description: Who is about to leave}\n"
BROKEN = MANIFEST.replace("type:", "tipe:")
MODEL = b"a model " * 5000
KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
#: A weaker token for merge requests, as gitlab-ci/README.md has it; without the variable it is empty.
PLAN_TOKEN = "tagline-plan: {variables: {TAGLINE_TOKEN: $TAGLINE_PLAN_TOKEN}}\n"
#: Another Tagline job beside a deployment, in the same variables: what staging is.
OTHER = """\
include:
  - component: $CI_SERVER_FQDN/tagline-dev/tagline/resolve@1
    inputs:
      job_name: tagline-other
      target: churn#staging
      no_storage: true
      rules: [{if: "$CI_COMMIT_TAG =~ /#prod#/"}]
"""
#: Git's configuration as a merge request's job may leave it: other servers, programs.
HOSTILE = """\
[url "http://127.0.0.1:9/"]
    insteadOf = {forge}/
[http]
    proxy = http://127.0.0.1:9
    extraHeader = "Authorization: Bearer mallory-token"
[core]
    fsmonitor = "echo fsmonitor was here >> /builds/org/shop/tagline-report.md; false"
    askPass = "echo askPass was here >> /builds/org/shop/tagline-report.md; false"
[credential]
    helper = "!echo credential was here >> /builds/org/shop/tagline-report.md; false"
"""
LABELS = ("version:minor", "stage:staging", "stage:prod")


@dataclass
class Models:
    """Where DVC works: its files go into org/shop, its objects to S3."""

    root: Path
    s3: S3Server

    @property
    def config(self) -> str:
        return (self.root / ".dvc/config").read_text()

    def pointer(self, data: bytes) -> str:
        """Real DVC adds the bytes and pushes them; its pointer."""
        with surroundings(self.root.parent / "home"):
            write(self.root / "models/churn.pkl", data)
            in_dvc(self.root, lambda repo: (repo.add("models/churn.pkl"), repo.push()))
        return (self.root / "models/churn.pkl.dvc").read_text()


@pytest.fixture
def models(tmp_path: Path, s3: S3Server) -> Models:
    root = tmp_path / "dvc" / "root"
    root.mkdir(parents=True)
    run_git(root, "init", "--quiet")
    with surroundings(root.parent / "home"):
        Repo.init(str(root)).close()
    remote = "['remote \"models\"']\n"
    write(root / ".dvc/config", f"[core]\nremote = models\n{remote}url = s3://{s3.bucket()}/shop\n")
    write(root / ".dvc/config.local", f"{remote}endpointurl = {s3.url}\n")
    return Models(root, s3)


@pytest.fixture(scope="session")
def program(image: str) -> Iterator[Path]:
    """gitlab-ci-local; meanwhile our image has the name that the components give it."""
    found = gitlab_ci_local()
    docker("tag", image, IMAGE)
    yield found
    docker("rmi", IMAGE, check=False)  # each module that imports this has one of its own


@dataclass
class Shop:
    """org/shop on a GitLab, whose pipelines are those of the examples, all of them together."""

    world: World
    gitlab: GitLab
    models: Models

    def propose(self, *labels: str) -> int:
        """A merge request with another model."""
        return self.world.open("better", {"models/churn.pkl.dvc": self.models.pointer(MODEL)}, labels=labels)

    def promote(self) -> None:
        """Merged, and promoted beside the runner: what a later pipeline begins with."""
        number = self.propose(*LABELS)
        self.world.approve(number, "carol")
        self.world.merge(number)
        ran = self.world.promote(number)
        assert ran.code == 0, ran.err

    def reported(self) -> tuple[str, str, str | None]:
        """What was reported of prod: version, state, drift."""
        where = ("--json", "--repo", self.world.repo.path.as_uri())
        said = self.world.run_cli("show", "churn", "--deployed", *where, cwd=self.world.folder)
        shown = said.json["artifacts"]["churn"]["stages"]["prod"]["deployed"]
        return shown["version"], shown["state"], shown["drift"]


@pytest.fixture
def shop(program: Path, make_world: Callable[..., World], tmp_path: Path, models: Models) -> Shop:
    pipelines = {
        f"ci/{name}.yml": (EXAMPLES / f"{name}.yml").read_text()
        for name in ("review", "promote", "deploy", "announce", "record")
    } | {"ci/other.yml": OTHER}
    files = {
        **pipelines,
        ".gitlab-ci.yml": "include:\n" + "".join(f"  - local: {name}\n" for name in pipelines) + PLAN_TOKEN,
        ".dvc/config": models.config,
        "artifacts.yaml": MANIFEST,
        "models/churn.pkl.dvc": models.pointer(b"the first model"),
    }
    world = make_world("gitlab", policy=POLICY, files=files)
    gitlab = GitLab(world.server, tmp_path / "gitlab", program)
    gitlab.publish_components()
    gitlab.variables = {"AWS_ENDPOINT_URL": models.s3.url, "AWS_DEFAULT_REGION": "us-east-1"}
    return Shop(world, gitlab, models)


def test_merge_request__with_a_broken_manifest__findings_in_the_widgets_and_a_note(shop: Shop) -> None:
    shop.gitlab.variables |= {**KEYS, "TAGLINE_PLAN_TOKEN": "bot"}
    number = shop.propose(*LABELS)
    shop.world.push("better", {"artifacts.yaml": BROKEN})

    pipeline = shop.gitlab.merge_request(shop.world.repo, number)

    assert pipeline.codes == {"tagline-validate": 1, "tagline-plan": 0}
    (finding,) = pipeline.json("tagline-validate", "tagline-codequality.json")
    assert finding["check_name"] == "tagline/unknown-key"
    assert finding["location"] == {"path": "artifacts.yaml", "lines": {"begin": 1}}
    suites = ElementTree.fromstring(pipeline.text("tagline-validate", "tagline-junit.xml"))
    assert suites.get("failures") == "1"
    assert "Did you mean 'type'?" in pipeline.said("tagline-validate")
    (note,) = shop.world.comments(number)
    assert "Tagline: waiting" in note
    assert pipeline.variables("tagline-plan")["TAGLINE_VERDICT"] == "waiting"
    assert shop.world.status(shop.world.repo.change(number).head) == "pending"

    shop.world.push("better", {"artifacts.yaml": MANIFEST})
    pipeline = shop.gitlab.merge_request(shop.world.repo, number)

    assert pipeline.codes == {"tagline-validate": 0, "tagline-plan": 0}
    assert pipeline.json("tagline-validate", "tagline-codequality.json") == []
    assert len(shop.world.comments(number)) == 1


def test_merge_request__with_the_job_token_alone__has_a_report_and_the_schedule_a_note(shop: Shop) -> None:
    shop.gitlab.variables |= KEYS
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}
    number = shop.propose(*LABELS)

    pipeline = shop.gitlab.merge_request(shop.world.repo, number)

    assert pipeline.codes == {"tagline-validate": 0, "tagline-plan": 0}
    assert shop.world.comments(number) == []
    report = pipeline.text("tagline-plan", "tagline-report.md")
    assert "Tagline: waiting" in report
    assert "churn" in report

    pipeline = shop.gitlab.schedule(shop.world.repo)

    assert pipeline.codes == {"tagline-plan": 0, "tagline-promote": 0}
    (note,) = shop.world.comments(number)
    assert "Tagline: waiting" in note


def test_merge__of_an_approved_change__makes_tags_with_their_reasons(shop: Shop) -> None:
    shop.gitlab.variables |= KEYS
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}
    world = shop.world
    number = shop.propose(*LABELS)
    assert world.plan(number).verdict == "waiting"
    world.approve(number, "carol")
    before = world.repo.commit_named("main").sha
    merged = world.merge(number)

    pipeline = shop.gitlab.push(world.repo, before)

    assert pipeline.codes == {"tagline-validate": 0, "tagline-promote": 0}
    assert set(world.tags()) == {"churn@v0.1.0", "churn#staging#2", "churn#prod#1"}
    trailers = world.trailers("churn#prod#1")
    assert trailers["Change"] == [f"{world.server.url}/org/shop/-/merge_requests/{number}"]
    assert trailers["Merge-Commit"] == [merged]
    assert trailers["Requested-By"] == ["bob"]
    assert [approval.split()[0] for approval in trailers["Approved-By"]] == ["carol"]
    assert trailers["Artifact-Digest"] == [f"md5:{hashlib.md5(MODEL).hexdigest()}"]
    assert trailers["Policy"] == [f"sha256:{hashlib.sha256(POLICY.encode()).hexdigest()}"]
    assert trailers["Run"][0].startswith(f"{world.server.url}/org/shop/-/jobs/")
    (note,) = world.comments(number)
    assert "This merge made 3 tags" in note
    variables = pipeline.variables("tagline-promote")
    assert (variables["TAGLINE_VERDICT"], variables["TAGLINE_COMMIT"]) == ("ok", merged)
    assert "/org/shop/-/merge_requests/1#note_" in variables["TAGLINE_COMMENT_URL"]

    again = shop.gitlab.push(world.repo, before)

    assert again.codes == pipeline.codes
    assert len(world.tags()) == 3


def test_merge__with_the_job_token_alone__is_refused_where_approvals_are_needed(shop: Shop) -> None:
    shop.gitlab.variables |= KEYS
    shop.world.repo.job_token_push = True
    number = shop.propose(*LABELS)
    shop.world.approve(number, "carol")
    before = shop.world.repo.commit_named("main").sha
    shop.world.merge(number)

    pipeline = shop.gitlab.push(shop.world.repo, before)

    assert pipeline.codes == {"tagline-validate": 0, "tagline-promote": 4}
    assert set(shop.world.tags()) == {"churn@v0.1.0", "churn#staging#1"}
    assert "a job token cannot read it" in pipeline.text("tagline-promote", "tagline-report.md")
    assert pipeline.variables("tagline-promote")["TAGLINE_VERDICT"] == "refused"


def test_merge__in_a_folder_that_an_earlier_job_left__is_not_led_astray(shop: Shop) -> None:
    # With GIT_STRATEGY none a runner may give a job the folder of another, of a merge request's for one.
    shop.gitlab.left_behind = {"include.path": "/builds/org/shop/hostile"}
    left = {
        "hostile": HOSTILE.format(forge=shop.world.server.url),
        "tagline.json": "old",
        "tagline.env": "TAGLINE_TAG=old\n",
    }
    shop.world.push("main", left)
    shop.gitlab.variables |= KEYS
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}
    number = shop.propose("version:minor")
    shop.world.merge(number)

    pipeline = shop.gitlab.schedule(shop.world.repo)

    assert pipeline.codes == {"tagline-plan": 0, "tagline-promote": 0}
    assert set(shop.world.tags()) == {"churn@v0.1.0"}
    for job in pipeline.codes:
        assert "TAGLINE_TAG" not in pipeline.variables(job)
        assert pipeline.json(job)
        report = pipeline.file(job, "tagline-report.md")
        assert not report.exists() or "was here" not in report.read_text()


def test_report__of_every_promotion__is_its_own(shop: Shop) -> None:
    shop.world.push("main", {"tagline-report.md": "Of an earlier job.\n"})
    shop.gitlab.variables |= KEYS
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}
    number = shop.propose("version:minor")
    before = shop.world.repo.commit_named("main").sha
    shop.world.merge(number)

    report = shop.gitlab.push(shop.world.repo, before).text("tagline-promote", "tagline-report.md")

    assert "This merge made" in report
    assert "Of an earlier job." not in report


def test_stage_tag__deploys__by_the_jobs_identity_and_reports(shop: Shop) -> None:
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}
    shop.promote()

    pipeline = shop.gitlab.tag(shop.world.repo, "churn#prod#1")

    jobs = ("tagline-fetch", "tagline-other", "tagline-check-ref", "deploy", "announce", "tagline-deployed")
    assert pipeline.codes == dict.fromkeys(jobs, 0)
    assert pipeline.variables("tagline-other")["TAGLINE_STAGE"] == "staging"
    digest = hashlib.md5(MODEL).hexdigest()
    assert pipeline.file("tagline-fetch", "model").read_bytes() == MODEL
    assert f"churn v0.1.0 to prod, md5:{digest}" in pipeline.said("deploy")
    assert f"{digest}  model" in pipeline.said("deploy")
    assert "assignment of churn v0.1.0 prod" in pipeline.said("announce")
    assert pipeline.variables("tagline-fetch")["TAGLINE_TAG"] == "churn#prod#1"
    assert pipeline.configuration["tagline-fetch"]["id_tokens"] == {
        "TAGLINE_AWS_ID_TOKEN": {"aud": "sts.amazonaws.com"}
    }
    reported = pipeline.json("tagline-deployed")
    assert (reported["state"], reported["tag"], reported["digest"]) == ("success", "churn#prod#1", f"md5:{digest}")
    assert shop.reported() == ("v0.1.0", "success", None)


def test_deployment__that_fails__is_reported_as_failed(shop: Shop) -> None:
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}
    pipeline_file = (shop.world.clone / ".gitlab-ci.yml").read_text()
    shop.world.push("main", {".gitlab-ci.yml": f"{pipeline_file}deploy: {{script: [exit 7]}}\n"})
    shop.promote()

    pipeline = shop.gitlab.tag(shop.world.repo, "churn#prod#1")

    assert pipeline.codes["deploy"] == 7
    assert pipeline.codes["tagline-deployed-failed"] == 0
    assert "tagline-deployed" not in pipeline.codes
    assert shop.reported() == ("v0.1.0", "failure", "not-deployed")


def test_version_tag__record__both_documents_and_a_report_are_kept(shop: Shop) -> None:
    shop.promote()
    commit = shop.world.repo.commit_named("refs/tags/churn@v0.1.0").sha

    pipeline = shop.gitlab.tag(shop.world.repo, "churn@v0.1.0")

    assert pipeline.codes == dict.fromkeys(("tagline-lineage", "tagline-bom", "tagline-check-ref", "announce"), 0)
    said = pipeline.variables("tagline-lineage")
    assert (said["TAGLINE_NAME"], said["TAGLINE_VERSION"], said["TAGLINE_COMMIT"]) == ("churn", "v0.1.0", commit)
    assert pipeline.variables("tagline-bom")["BOM_COMMIT"] == commit
    md5 = hashlib.md5(MODEL).hexdigest()
    statement = pipeline.json("tagline-lineage", "statement.json")
    assert [(each["name"], each["digest"]) for each in statement["subject"]] == [("churn@v0.1.0", {"md5": md5})]
    sources = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    (source,) = (each for each in sources if each["name"] == "source")
    assert source["digest"] == {"gitCommit": commit}
    assert source["uri"].startswith(f"git+{shop.world.server.url}/org/shop")
    bom = pipeline.json("tagline-bom", "bom.cdx.json")
    assert bom["metadata"]["component"]["hashes"] == [{"alg": "MD5", "content": md5}]
    assert commit in {
        each["value"] for each in bom["metadata"]["component"]["properties"] if each["name"] == "tagline:commit"
    }
    for job, document in (("tagline-lineage", "statement.json"), ("tagline-bom", "bom.cdx.json")):
        report = pipeline.text(job, "tagline-report.md")
        assert "Everything behind it" in report
        assert report.count("#### `churn` `v0.1.0`") == 1
        assert pipeline.json(job)["digest"] == f"md5:{md5}"
        # The clone's remote has the job token.
        assert "gitlab-ci-token" not in report + pipeline.text(job, document) + pipeline.text(job, "tagline.json")


def test_version_taken_back__record__does_not_run(shop: Shop) -> None:
    shop.promote()
    shop.world.admin("unassign", "churn#prod", "--override", "a test")
    shop.world.admin("unassign", "churn#staging", "--override", "a test")
    made = shop.world.admin("deregister", "churn@v0.1.0", "--override", "a test")

    pipeline = shop.gitlab.tag(shop.world.repo, made["tags"][0]["tag"])

    assert pipeline.codes == {"tagline-check-ref": 0, "announce": 0}


def test_stage_tag__made_by_hand__deploys_nothing(shop: Shop) -> None:
    shop.promote()
    shop.world.admin("unassign", "churn#prod", "--override", "a test")
    made = shop.world.admin("assign", "churn#prod", "--version", "v0.1.0", "--override", "a test")

    pipeline = shop.gitlab.tag(shop.world.repo, made["tags"][0]["tag"])

    assert pipeline.codes["tagline-fetch"] == 1
    assert not pipeline.said("deploy")
    assert not pipeline.file("tagline-fetch", "model").exists()


def test_stage_tag__overtaken__deploys_nothing_and_says_by_what(shop: Shop) -> None:
    shop.promote()
    shop.world.admin("unassign", "churn#prod", "--override", "a test")

    pipeline = shop.gitlab.tag(shop.world.repo, "churn#prod#1")

    assert pipeline.codes["tagline-fetch"] == 1
    assert "churn#prod#1 was overtaken: churn#prod!#" in pipeline.log
    assert not pipeline.said("deploy")
    assert not pipeline.file("tagline-fetch", "model").exists()


def test_another_project__finds_and_fetches_what_holds_prod__without_a_checkout(shop: Shop) -> None:
    shop.promote()
    shop.gitlab.variables |= KEYS
    scores = shop.world.forge.repository("org/scores")
    shop.gitlab.commit(scores, {".gitlab-ci.yml": (EXAMPLES / "reuse.yml").read_text()})
    before = len(shop.world.server.exchanges)

    pipeline = shop.gitlab.push(scores)

    jobs = ("tagline-resolve", "tagline-resolve-staging", "tagline-fetch", "score")
    assert pipeline.codes == dict.fromkeys(jobs, 0)
    assert pipeline.file("tagline-fetch", "models/churn.pkl").read_bytes() == MODEL
    assert "prod is v0.1.0, staging is v0.1.0" in pipeline.said("score")
    assert f"{hashlib.md5(MODEL).hexdigest()}  models/churn.pkl" in pipeline.said("score")
    asked = [e for e in shop.world.server.exchanges[before:] if "tagline-dev" not in e.path]
    assert asked
    assert not [e.path for e in asked if "scores" in e.path]
    assert {token_of(e) for e in asked} == {"job"}


def test_labels__of_a_new_project__are_made(shop: Shop) -> None:
    project = shop.world.forge.repository("org/labels")
    project.grant("tagline-bot", "maintain")
    # gitlab-ci-local sees no changes on the default branch.
    always = "tagline-labels-sync: {rules: [{when: always}]}\n"
    pipeline = (EXAMPLES / "labels.yml").read_text() + always
    shop.gitlab.commit(project, {".gitlab-ci.yml": pipeline, ".tagline.yaml": "stages: {prod: {}}\n"})
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}

    assert shop.gitlab.push(project).codes == {"tagline-labels-sync": 0}
    assert {"version:minor", "stage:prod"} <= set(project.label_names())


def test_doctor__of_a_new_project__says_what_is_missing(shop: Shop) -> None:
    project = shop.world.forge.repository("org/patient")
    project.grant("tagline-bot", "maintain")
    pipeline = (EXAMPLES / "doctor.yml").read_text() + "tagline-doctor: {rules: [{when: always}]}\n"
    files = {".gitlab-ci.yml": pipeline, "artifacts.yaml": "churn: {path: model}\n", "model": "x"}
    shop.gitlab.commit(project, files)
    shop.gitlab.protected = {"TAGLINE_TOKEN": "bot"}

    assert shop.gitlab.push(project).codes == {"tagline-doctor": 1}  # there are no labels


def test_projects_own_defaults__are_for_its_own_jobs(shop: Shop) -> None:
    project = shop.world.forge.repository("org/other")
    defaults = "default: {image: none, before_script: [exit 1], after_script: [exit 1]}\n"
    pipelines = {".gitlab-ci.yml": (EXAMPLES / "review.yml").read_text() + defaults}
    shop.gitlab.commit(project, {**pipelines, "artifacts.yaml": "churn: {path: model}\n", "model": "x"})

    assert shop.gitlab.push(project).codes == {"tagline-validate": 0}


def test_component_project__tagged__tests_its_components_and_releases_them(shop: Shop) -> None:
    jobs = ("tagline-validate", "tagline-check-ref", "tagline-plan", "tagline-promote")
    components = shop.world.forge.repository(COMPONENTS)

    pipeline = shop.gitlab.tag(components, "1.0.0", *jobs)

    assert pipeline.codes == dict.fromkeys(jobs, 0)
    assert set(pipeline.configuration) >= {
        *jobs,
        "tagline-resolve",
        "tagline-fetch",
        "tagline-lineage",
        "create-release",
    }
    assert pipeline.variables("tagline-check-ref")["TAGLINE_EVENT"] == ""
