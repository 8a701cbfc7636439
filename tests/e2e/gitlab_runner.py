"""gitlab-ci-local as the GitLab of a local forge: real pipelines of real components in real containers.

What GitLab does and gitlab-ci-local does not is done here, and nothing else: the clone that the runner makes,
predefined variables, protected variables, ID tokens. What stays different:

- Every job has the clone, GIT_STRATEGY and GIT_DEPTH mean nothing. So plan and promote run here beside a checkout.
- ``regex`` of inputs, ``resource_group``, ``retry``, ``interruptible`` and ``artifacts:access`` do nothing.
- Of ``artifacts:reports`` only the dotenv report is kept. It ends a value at ``#``, which GitLab does not:
  TAGLINE_TAG is cut for the next job, so its report is read here as GitLab reads it.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tagline_localforge import Exchange, ForgeServer, Repository, Request, Response
from tests.e2e.machine import CACHE
from tests.support.gitbuild import environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "gitlab"
#: Where the components are, and what their image is called.
COMPONENTS = "tagline-dev/tagline"
IMAGE = "ghcr.io/tagline-dev/tagline:1"
HELPER = "tagline-e2e-helper"
#: The job token's secret at the forge.
JOB_TOKEN = "job"
_NOBODY = "0" * 40
_RAW = re.compile(r"/(?P<project>.+)/-/raw/(?P<ref>[^/]+)/(?P<file>.+)")
_RESULT = re.compile(r"^ (?P<result>PASS|FAIL|WARN) +(?P<job>\S+)", re.MULTILINE)
_EXIT_CODE = re.compile(r"^(?P<job>\S+) +finished in .* FAIL +(?P<code>\d+) *$", re.MULTILINE)


def gitlab_ci_local() -> Path:
    """The program, as .ci/runners installs it; without it the test is skipped."""
    found = CACHE / "npm" / "node_modules" / ".bin" / "gitlab-ci-local"
    if not found.exists():
        pytest.skip("needs gitlab-ci-local: .ci/runners")
    return found


@dataclass
class Pipeline:
    """A pipeline that ran: each job's exit code, and what it left as its artifact."""

    log: str
    #: Of the jobs that ran.
    codes: Mapping[str, int]
    folder: Path
    #: The jobs as GitLab would see them, components included.
    configuration: Mapping[str, Any]

    def file(self, job: str, name: str) -> Path:
        """A file of a job's artifact."""
        return self.folder / ".gitlab-ci-local" / "artifacts" / job / name

    def text(self, job: str, name: str) -> str:
        return self.file(job, name).read_text()

    def json(self, job: str, name: str = "tagline.json") -> Any:
        return json.loads(self.text(job, name))

    def variables(self, job: str) -> dict[str, str]:
        """A job's dotenv report as GitLab reads it (Ci::ParseDotenvArtifactService), which is not as dotenv's own.

        Every line must be NAME=VALUE, and quotes and # are characters like any other.
        """
        text = self.text(job, ".gitlab-ci-reports/dotenv/tagline.env")
        assert len(text.encode()) < 5 * 1024
        found = {}
        for line in text.removesuffix("\n").split("\n") if text else ():
            name, equals, value = line.partition("=")
            assert equals
            assert re.fullmatch(r"\w+", name)
            found[name] = value.strip()
        assert len(found) <= 20
        return found

    def said(self, job: str) -> str:
        """What a job printed."""
        return "\n".join(
            line.partition(" > ")[2]
            for line in self.log.splitlines()
            if line.split(" ", 1)[0] == job and re.match(r"\S+\s+> ", line)
        )


@dataclass
class GitLab:
    """Projects on a forge, with their CI/CD variables, and who runs their pipelines."""

    server: ForgeServer
    folder: Path
    program: Path
    #: CI/CD variables of all projects, and those that only protected branches and tags see.
    variables: dict[str, str] = field(default_factory=dict)
    protected: dict[str, str] = field(default_factory=dict)
    #: Git's configuration in the folder of a job: what an earlier job of the runner left there.
    left_behind: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    # -- the component project -------------------------------------------------------------------

    def publish_components(self, version: str = "1.0.0") -> Repository:
        """The component project, as a release makes it: a subtree of this repository, tagged."""
        project = self.server.forge.repository(COMPONENTS)
        project.public = True
        source = self.folder / "source"
        source.mkdir(parents=True)
        shutil.copytree(ROOT / "gitlab-ci", source / "gitlab-ci")
        (source / "README.md").write_text("Not the components'.\n")
        self.git(source, "init", "--quiet", "--initial-branch=main")
        self.git(source, "add", "--all")
        self.git(source, "commit", "--quiet", "--message", "Components")
        self.git(source, "subtree", "split", "-q", "--prefix", "gitlab-ci", "--branch", "components")
        self.git(source, "push", "--quiet", str(project.path), "components:refs/heads/main")
        self.git(source, "push", "--quiet", str(project.path), f"components:refs/tags/{version}")
        self.server.before.append(self._raw_file)
        return project

    def _raw_file(self, request: Request) -> Response | None:
        """GitLab's page of a file as it is, which the forge has not; gitlab-ci-local asks whether it is there."""
        match = _RAW.fullmatch(request.path)
        if match is None:
            return None
        project = self.server.forge.repositories.get(match["project"])
        if project is None or not project.public:
            return Response(404)
        command = ["git", "-C", str(project.path), "show", f"{match['ref']}:{match['file']}"]
        done = subprocess.run(command, capture_output=True, check=False, env=environment(HOME=str(self.folder)))
        return Response(200 if done.returncode == 0 else 404, body=done.stdout)

    def commit(self, project: Repository, files: Mapping[str, str]) -> str:
        """The first commit of a project."""
        folder = self.folder / project.full_name
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        self.git(folder, "init", "--quiet", "--initial-branch=main")
        self.git(folder, "add", "--all")
        self.git(folder, "commit", "--quiet", "--message", "All")
        self.git(folder, "push", "--quiet", str(project.path), "HEAD:refs/heads/main")
        return self.git(folder, "rev-parse", "HEAD")

    # -- pipelines -------------------------------------------------------------------------------

    def push(self, project: Repository, before: str = _NOBODY, source: str = "push") -> Pipeline:
        """After a push to the default branch, a merge for one."""
        branch = project.default_branch
        event = {"CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": branch, "CI_COMMIT_BEFORE_SHA": before}
        return self._pipeline(project, project.commit_named(branch).sha, branch, event, protected=True)

    def form(self, project: Repository, variables: Mapping[str, str]) -> Pipeline:
        """Of the default branch, by the form for a new pipeline, with the variables that somebody put in."""
        branch = project.default_branch
        event = {"CI_PIPELINE_SOURCE": "web", "CI_COMMIT_BRANCH": branch, "CI_COMMIT_BEFORE_SHA": _NOBODY, **variables}
        return self._pipeline(project, project.commit_named(branch).sha, branch, event, protected=True)

    def schedule(self, project: Repository) -> Pipeline:
        """Of the default branch, by a schedule."""
        return self.push(project, source="schedule")

    def tag(self, project: Repository, tag: str, *jobs: str) -> Pipeline:
        """After a tag was pushed, as which all are protected; all jobs, or those."""
        commit = project.commit_named(f"refs/tags/{tag}").sha
        event = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": tag, "CI_COMMIT_BEFORE_SHA": _NOBODY}
        return self._pipeline(project, commit, tag, event, protected=True, jobs=jobs)

    def merge_request(self, project: Repository, number: int) -> Pipeline:
        """Of a merge request, after a push to its branch."""
        change = project.change(number)
        event = {
            "CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_BEFORE_SHA": _NOBODY,
            "CI_MERGE_REQUEST_IID": str(number), "CI_MERGE_REQUEST_ID": str(change.id),
            "CI_MERGE_REQUEST_PROJECT_PATH": project.full_name,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": change.source,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": change.target,
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": change.latest.base,
        }  # fmt: skip
        return self._pipeline(project, change.head, change.source, event, protected=False)

    def _pipeline(
        self, project: Repository, commit: str, ref: str, event: Mapping[str, str], *, protected: bool,
        jobs: tuple[str, ...] = (),
    ) -> Pipeline:  # fmt: skip
        checkout = self._checkout(project, commit)
        variables = {
            **event, "GITLAB_CI": "true", "CI_JOB_TOKEN": JOB_TOKEN, "CI_PROJECT_ID": str(project.id),
            "CI_COMMIT_REF_NAME": ref, "CI_COMMIT_REF_PROTECTED": str(protected).lower(),
        }  # fmt: skip
        options = [f"--variable={name}={value}" for name, value in variables.items()]
        if "CI_COMMIT_BRANCH" not in event:
            options.append("--unset-variable=CI_COMMIT_BRANCH")
        settings = {**self.variables, **(self.protected if protected else {})}
        (checkout / ".gitlab-ci-local-variables.yml").write_text(json.dumps(settings))
        self._run(checkout, "--preview", *options)
        configuration = yaml.safe_load((checkout / ".gitlab-ci-local" / "expanded-gitlab-ci.yml").read_text())
        options += [f"--variable={name}={token}" for name, token in _id_tokens(configuration, project, ref).items()]
        here, kept = checkout / ".gitlab-ci-local" / "cache", self.folder / "caches" / project.full_name
        if kept.exists():
            shutil.copytree(kept, here, dirs_exist_ok=True)
        done = self._run(
            checkout, *jobs, "--network=host", "--pull-policy=if-not-present", f"--helper-image={HELPER}",
            "--no-artifacts-to-source", "--concurrency=2", *options,
        )  # fmt: skip
        if here.exists():
            shutil.copytree(here, kept, dirs_exist_ok=True)
        log = done.stdout + done.stderr
        ran = [match["job"] for match in _RESULT.finditer(log) if match["job"] in configuration]
        failed = {match["job"]: int(match["code"]) for match in _EXIT_CODE.finditer(log)}
        assert ran, log
        assert (done.returncode == 0) == (not failed), log
        return Pipeline(log, {job: failed.get(job, 0) for job in ran}, checkout, configuration)

    def _checkout(self, project: Repository, commit: str) -> Path:
        """As the runner clones with GIT_DEPTH 0: everything, the job token in the remote's address."""
        self._count += 1
        folder = self.folder / f"pipeline-{self._count}"
        self.git(self.folder, "clone", "--quiet", str(project.path), str(folder))
        self.git(folder, "fetch", "--quiet", "origin", "+refs/merge-requests/*:refs/remotes/merge-requests/*")
        self.git(folder, "checkout", "--quiet", "--detach", commit)
        host = self.server.url.removeprefix("http://")
        url = f"http://gitlab-ci-token:{JOB_TOKEN}@{host}/{project.full_name}.git"
        self.git(folder, "remote", "set-url", "origin", url)
        for name, value in self.left_behind.items():
            self.git(folder, "config", name, value)
        return folder

    def _run(self, checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), "--no-color", *options]
        return subprocess.run(
            command, cwd=checkout, capture_output=True, text=True, check=False, timeout=500, env=self._environment(),
        )  # fmt: skip

    def git(self, folder: Path, *arguments: str) -> str:
        """Git, as nobody in particular."""
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _environment(self) -> dict[str, str]:
        """gitlab-ci-local asks a component's project for its tags by ssh, then by https: both lead to the forge."""
        host, _, port = self.server.url.removeprefix("http://").partition(":")
        places = (f"git@{host}:", f"https://{host}:{port}/")
        own = environment(HOME=str(self.folder), GIT_CONFIG_COUNT=str(len(places)))
        for number, place in enumerate(places):
            own[f"GIT_CONFIG_KEY_{number}"] = f"url.{self.server.url}/.insteadOf"
            own[f"GIT_CONFIG_VALUE_{number}"] = place
        return own


def token_of(exchange: Exchange) -> str | None:
    """The token that a request came with."""
    for name in ("job-token", "private-token"):
        if name in exchange.headers:
            return exchange.headers[name]
    scheme, _, value = exchange.headers.get("authorization", "").partition(" ")
    return base64.b64decode(value).decode().partition(":")[2] if scheme.lower() == "basic" else value or None


def _id_tokens(configuration: Mapping[str, Any], project: Repository, ref: str) -> dict[str, str]:
    """What GitLab puts into the variables of ``id_tokens``, of which gitlab-ci-local knows nothing."""
    found = {}
    for job in configuration.values():
        for name, token in (job.get("id_tokens", {}) if isinstance(job, dict) else {}).items():
            claims = {
                "aud": token["aud"],
                "sub": f"project_path:{project.full_name}:ref:{ref}",
                "iss": "https://gitlab",
            }
            parts = ({"alg": "RS256", "typ": "JWT"}, claims)
            encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
            found[name] = ".".join((*encoded, "signature"))
    return found
