"""A pipeline of a project as GitLab runs it, as far as the first hour goes: components, local includes, rules, scripts.

The components are this repository's own files; ``tagline`` in a script is the one of this environment, in place of
the image's. GIT_STRATEGY none is an empty folder, anything else a clone with all tags.
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

import yaml

from tests.contract.test_gitlab_components import COMPONENTS
from tests.first_hour.story import JOB, Hour
from tests.support.github_events import let_through
from tests.support.gitlab_rules import runs

_STAGES = (".pre", "build", "test", "deploy", ".post")
_USED = re.compile(r"\$CI_SERVER_FQDN/tagline-dev/tagline/([a-z-]+)@1")


@dataclass
class Pipeline:
    """One pipeline. ``event``: the variables that say what started it; ``settings``: the project's CI/CD variables."""

    hour: Hour
    project: str
    #: The files of the commit, and those that a push changed.
    files: Path
    event: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    #: Each job that ran, and its folder.
    folders: dict[str, Path] = field(default_factory=dict)
    _reported: dict[str, str] = field(default_factory=dict)

    def run(self, file: Path) -> list[str]:
        """Run the jobs that this event starts, stage by stage; their names."""
        jobs = _expanded(yaml.safe_load(file.read_text()), self.files)
        variables = self._variables()
        chosen = [(name, job) for name, job in jobs.items() if self._starts(job, variables)]
        for name, job in sorted(chosen, key=lambda one: _STAGES.index(one[1].get("stage", "test"))):
            self._job(name, job, variables)
        return [name for name, _ in chosen]

    def _starts(self, job: Mapping[str, Any], variables: Mapping[str, str]) -> bool:
        if "rules" not in job:
            return runs(job, variables)
        if any(rule.get("when") == "on_failure" for rule in job["rules"]):
            return False  # every job of the first hour succeeds
        return runs({**job, "rules": [rule for rule in job["rules"] if self._touched(rule)]}, variables)

    def _touched(self, rule: Mapping[str, Any]) -> bool:
        return "changes" not in rule or any(let_through(rule["changes"], path) for path in self.changed)

    def _variables(self) -> dict[str, str]:
        url = self.hour.server.url
        return {
            "CI": "true", "GITLAB_CI": "true", "CI_SERVER_URL": url, "CI_API_V4_URL": f"{url}/api/v4",
            "CI_PROJECT_PATH": self.project, "CI_PROJECT_URL": f"{url}/{self.project}", "CI_DEFAULT_BRANCH": "main",
            "CI_JOB_URL": f"{url}/{self.project}/-/jobs/77", "CI_JOB_TOKEN": JOB, **self.settings, **self.event,
        }  # fmt: skip

    def _job(self, name: str, job: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        own = {key: str(value).lower() if isinstance(value, bool) else str(value)
               for key, value in job.get("variables", {}).items()}  # fmt: skip
        place = self.hour.folder / "jobs" / str(len(list((self.hour.folder / "jobs").glob("*")))) / name
        place.mkdir(parents=True)
        if own.get("GIT_STRATEGY") != "none":
            self._clone(place)
        handed = {} if job.get("dependencies") == [] else self._reported
        if job.get("dependencies") != []:
            for earlier in self.folders.values():
                shutil.copytree(earlier / "kept", place, dirs_exist_ok=True)
        tokens = {key: self._id_token(each["aud"]) for key, each in job.get("id_tokens", {}).items()}
        known = {**variables, **handed}
        # As the runner does it: a variable may name others, and one that is not there is nothing.
        own = {key: re.sub(r"\$(\w+)", lambda named: known.get(named[1], ""), value) for key, value in own.items()}
        environ = {**self.hour.plain(), **known, **own, **tokens}
        said = subprocess.run(["bash", "-ec", "\n".join(job["script"])], cwd=place, env=environ, text=True,
                              capture_output=True, check=False)  # fmt: skip
        assert said.returncode == 0, f"{name}: {said.returncode}\n{said.stdout}\n{said.stderr}"
        self._keep(place, job.get("artifacts", {}))
        self.folders[name] = place

    def _clone(self, place: Path) -> None:
        git = ["git", "-c", "advice.detachedHead=false"]
        for command in (["clone", "-q", str(self.hour.shop.path), str(place)],
                        ["-C", str(place), "checkout", "-q", self.event["CI_COMMIT_SHA"]]):  # fmt: skip
            subprocess.run([*git, *command], check=True, env=self.hour.plain())
        url = self.hour.server.url.replace("://", f"://gitlab-ci-token:{JOB}@")
        subprocess.run(["git", "-C", str(place), "remote", "set-url", "origin", f"{url}/{self.project}.git"],
                       check=True, env=self.hour.plain())  # fmt: skip

    def _keep(self, place: Path, artifacts: Mapping[str, Any]) -> None:
        """What later jobs get: files, and the variables of the dotenv report."""
        for path in artifacts.get("paths", ()):
            if (place / path).exists():
                (place / "kept" / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(place / path, place / "kept" / path)
        (place / "kept").mkdir(exist_ok=True)
        report = place / str(artifacts.get("reports", {}).get("dotenv", "none"))
        if report.is_file():
            self._reported |= dict(line.split("=", 1) for line in report.read_text().splitlines())

    def _id_token(self, audience: str) -> str:
        """As GitLab makes it; this S3 server's STS gives a role to anybody."""
        claims = {
            "aud": audience,
            "sub": f"project_path:{self.project}:ref_type:branch:ref:main",
            "iss": "https://gitlab",
        }
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
        return ".".join((*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "signature"))


def _expanded(document: dict[str, Any], files: Path) -> dict[str, Any]:
    """The jobs of a file and of all that it includes."""
    jobs = {name: body for name, body in document.items() if isinstance(body, dict) and "script" in body}
    for one in document.get("include", ()):
        if "local" in one:
            jobs |= _expanded(yaml.safe_load((files / one["local"]).read_text()), files)
        else:
            match = _USED.fullmatch(one["component"])
            assert match, one
            jobs |= COMPONENTS[match[1]].rendered(**one.get("inputs", {}))
    return jobs
