"""The workflows of a repository as GitHub runs them, as far as the first hour goes: ours, and what is around them.

``uses`` of ours are this repository's own files; each step of the action is ``tagline ci`` with what action.yml puts
into its environment. Of the actions of others the ones that hand something on have a line here.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.first_hour.story import ACTIONS, KEYS, Hour
from tests.support.github_permissions import called_file
from tests.support.workflow_files import EXPRESSION, evaluate, load

ROOT = Path(__file__).parents[2]
ACTION = load(ROOT / "action.yml")
_OUTPUT = re.compile(r"^([\w-]+)(?:=(.*)|<<(\S+)\n((?:.*\n)*?)\3)$", re.MULTILINE)


@dataclass
class Run:
    """One run of one workflow: what its expressions see, and what its jobs hand on."""

    hour: Hour
    repository: str
    event: str
    ref: str
    sha: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    #: What the jobs of the run uploaded, by name.
    artifacts: dict[str, Path] = field(default_factory=dict)

    def workflow(self, text: dict[Any, Any]) -> dict[str, str]:
        """Run all of its jobs; each one's result."""
        said = {
            "github.token": ACTIONS, "github.repository": self.repository, "github.event_name": self.event,
            "github.ref": self.ref, **_flat("github.event", self.payload),
            **{f"secrets.{name}": value for name, value in self.secrets.items()},
        }  # fmt: skip
        return self._jobs(text["jobs"], said)[0]

    def _jobs(self, jobs: Mapping[str, Any], said: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
        """The jobs of a file, in its order; their results, and their outputs as expressions name them."""
        results: dict[str, str] = {}
        outputs: dict[str, Any] = {}
        for name, body in jobs.items():
            seen = said | {key.replace("jobs.", "needs.", 1): value for key, value in outputs.items()}
            if "if" in body and not evaluate(_bare(body["if"]), seen):
                results[name] = "skipped"
                continue
            if "uses" in body:
                inner, handed = self._called(body, seen)
                results |= {f"{name}/{key}": value for key, value in inner.items()}
            else:
                after = self._steps(name, body["steps"], seen)
                results[name] = "success"
                handed = {key: _word(_filled(value, after)) for key, value in body.get("outputs", {}).items()}
            outputs |= {f"jobs.{name}.outputs.{key}": value for key, value in handed.items()}
        return results, outputs

    def _called(self, body: Mapping[str, Any], said: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
        workflow = load(called_file(body["uses"]))
        declared = workflow[True]["workflow_call"]
        inputs = {key: each.get("default", "") for key, each in declared["inputs"].items()}
        inputs |= {key: _filled(value, said) for key, value in body.get("with", {}).items()}
        assert set(inputs) == set(declared["inputs"])
        # A called workflow has the secrets that it is handed, and no others.
        own = {key: value for key, value in said.items() if not key.startswith(("secrets.", "needs."))}
        own |= {f"secrets.{key}": _filled(value, said) for key, value in body.get("secrets", {}).items()}
        results, outputs = self._jobs(workflow["jobs"], own | {f"inputs.{key}": value for key, value in inputs.items()})
        return results, {key: _filled(each["value"], outputs) for key, each in declared.get("outputs", {}).items()}

    def _steps(self, job: str, steps: Iterable[Mapping[str, Any]], said: dict[str, Any]) -> dict[str, Any]:
        """Each step in a workspace of the job; what expressions see after them."""
        place = self.hour.folder / "runs" / str(len(list((self.hour.folder / "runs").glob("*"))))
        place.mkdir(parents=True)
        said, handed = dict(said), {}
        for step in steps:
            if "if" in step and not evaluate(_bare(str(step["if"])), said):
                continue
            given = {key: _filled(value, said) for key, value in step.get("with", {}).items()}
            environ = {key: str(_filled(value, said)) for key, value in step.get("env", {}).items()}
            outputs = self._step(job, step, place, given, {**handed, **environ})
            handed |= outputs.pop("env", {})
            if "id" in step:
                said[f"steps.{step['id']}.outcome"] = "success"
                said |= {f"steps.{step['id']}.outputs.{key}": value for key, value in outputs.items()}
        return said

    def _step(
        self, job: str, step: Mapping[str, Any], place: Path, given: dict[str, Any], environ: Mapping[str, str]
    ) -> dict[str, Any]:
        action = step.get("uses", "").partition("@")[0]
        if action == "actions/checkout":
            url, ref = str(self.hour.shop.path), self.ref.replace("/merge", "/head")
            git = ["git", "-C", str(place)]
            for command in (["init", "-q", "."], ["remote", "add", "origin", url],
                            ["fetch", "-q", "--tags", "origin", ref], ["checkout", "-q", "FETCH_HEAD"]):  # fmt: skip
                subprocess.run([*git, *command], check=True, env=self.hour.plain())
        elif action == "aws-actions/configure-aws-credentials":
            assert given["role-to-assume"].startswith("arn:aws:iam::")
            return {"env": {**KEYS, "AWS_REGION": given["aws-region"]}}
        elif action == "actions/upload-artifact":
            self.artifacts[given["name"]] = place / given["path"]
        elif action == "actions/download-artifact":
            shutil.copy(self.artifacts[given["name"]], place)
        elif action == "tagline-dev/tagline":
            assert set(given) <= set(ACTION["inputs"]), given
            inputs = {key: str(_filled(each["default"], {"github.token": ACTIONS}))
                      for key, each in ACTION["inputs"].items() if "default" in each} | given  # fmt: skip
            asked = {f"inputs.{key}": _word(value) for key, value in inputs.items()}
            own = {key: _filled(value, asked) for key, value in ACTION["runs"]["env"].items()}
            return self._run(job, ["tagline", *ACTION["runs"]["args"]], place, {**environ, **own})
        else:
            return self._run(job, ["bash", "-ec", step["run"]], place, environ)
        return {}

    def _run(self, job: str, command: list[str], place: Path, environ: Mapping[str, str]) -> dict[str, Any]:
        files = {name: self.hour.folder / f"{place.name}-{name}" for name in ("event", "output", "summary")}
        files["event"].write_text(json.dumps(self.payload))
        files["output"].write_text("")
        url = self.hour.server.url
        own = {
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": url, "GITHUB_API_URL": f"{url}/api/v3",
            "GITHUB_REPOSITORY": self.repository, "GITHUB_RUN_ID": "77", "GITHUB_SHA": self.sha, "GITHUB_REF": self.ref,
            "GITHUB_EVENT_NAME": self.event, "GITHUB_EVENT_PATH": str(files["event"]),
            "GITHUB_OUTPUT": str(files["output"]), "GITHUB_STEP_SUMMARY": str(files["summary"]),
        }  # fmt: skip
        said = subprocess.run(command, cwd=place, text=True, capture_output=True, check=False,
                              env={**self.hour.plain(), **own, **environ})  # fmt: skip
        assert said.returncode == 0, f"{job}: {' '.join(command)}: {said.returncode}\n{said.stdout}\n{said.stderr}"
        found = _OUTPUT.finditer(files["output"].read_text())
        return {match[1]: match[2] if match[3] is None else match[4].removesuffix("\n") for match in found}


def _flat(name: str, value: Any) -> dict[str, Any]:
    """A mapping as expressions name what is in it."""
    if not isinstance(value, dict):
        return {name: value}
    return {key: inner for part, each in value.items() for key, inner in _flat(f"{name}.{part}", each).items()}


def _bare(condition: str) -> str:
    return condition.removeprefix("${{").removesuffix("}}").strip()


def _filled(text: Any, said: Mapping[str, Any]) -> Any:
    """A value of YAML with its expressions replaced; one that is an expression alone keeps its type."""
    if not isinstance(text, str):
        return text
    if EXPRESSION.fullmatch(text):
        return evaluate(text[3:-2], said)
    return EXPRESSION.sub(lambda match: _word(evaluate(match[0][3:-2], said)), text)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
