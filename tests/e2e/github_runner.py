"""Runs workflows by act, a real runner of GitHub Actions, in Docker, against the forge of this machine.

What act cannot have without a network are the actions of others. Stand-ins take their places, below: a few lines of
shell that do what the workflows need of them. actions/checkout needs none: act does it itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from tests.commands.changes.world import World
from tests.oracle.dvc_world import in_dvc, surroundings
from tests.support.gitbuild import environment
from tests.support.s3server import S3Server

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples/github"
ACT = Path(sys.executable).with_name("act")
#: What a job without a container of its own runs in.
RUNNER_IMAGE = "debian:trixie-slim"
#: What AWS's stand-in hands out; this S3 server takes any.
AWS_SECRET = "of/the+role/0123456789abcdefghijklmnopqrst"
#: What the App's stand-in hands out, and the key that it wants to see.
APP_TOKEN, APP_SLUG, APP_KEY = "ghs_app0123456789abcdefghijklmnopqrstuvw", "my-app", "-----the-key-of-the-app-----"
#: A job's own, and what it is in runs for forks.
ACTIONS_TOKEN, FORK_TOKEN = "ghs_actions0123456789abcdefghijklmnopqrs", "ghs_fork0123456789abcdefghijklmnopqrstuv"
#: A person's, that may only read; and one that this forge never gave out, as another repository's jobs have.
READER_TOKEN, FOREIGN_TOKEN = "ghp_reader0123456789abcdefghijklmnopqrst", "ghs_foreign0123456789abcdefghijklmnopqrs"
_USES = re.compile(r"uses: ((?!tagline-dev/|actions/checkout@|\./)[\w./-]+)@([0-9a-f]{40})")

#: What each stand-in does in place of the action; its inputs are in its environment.
STAND_INS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    # In place of the service that keeps artifacts: a folder of this machine.
    "actions/upload-artifact": (
        ("name", "path", "compression-level", "include-hidden-files", "if-no-files-found", "retention-days"), (),
        'mkdir -p "/e2e/artifacts/$NAME" && printf "%s\\n" "$PATH_" | while read -r path; do [ -z "$path" ] || '
        'if [ -d "$path" ]; then cp -r "$path/." "/e2e/artifacts/$NAME"; '
        'else cp "$path" "/e2e/artifacts/$NAME"; fi || exit; done',
    ),
    "actions/download-artifact": (
        ("name", "path"), (), 'mkdir -p "${PATH_:-.}" && cp -r "/e2e/artifacts/$NAME/." "${PATH_:-.}"',
    ),
    # In place of the service that keeps caches: the newest one of those that begin so.
    "actions/cache/restore": (
        ("path", "key", "restore-keys"), (),
        'found=$(ls -td "/e2e/caches/$RESTORE_KEYS"* 2>/dev/null | head -n 1) || true; [ -z "$found" ] || '
        '{ mkdir -p "$PATH_" && cp -r "$found/." "$PATH_"; }',
    ),
    "actions/cache/save": (
        ("path", "key"), (), 'mkdir -p "/e2e/caches/$KEY" && cp -r "$PATH_/." "/e2e/caches/$KEY"',
    ),
    # With the command of the action itself.
    "actions/upload-pages-artifact": (
        ("path",), (),
        'mkdir -p /e2e/artifacts/github-pages && tar --dereference --hard-dereference --directory "$PATH_" '
        "--exclude=.git --exclude=.github '--exclude=.[^/]*' -cf /e2e/artifacts/github-pages/artifact.tar .",
    ),
    # In place of GitHub Pages: a folder of this machine.
    "actions/deploy-pages": (
        (), ("page_url",),
        "rm -rf /e2e/pages && mkdir /e2e/pages && tar -xf /e2e/artifacts/github-pages/artifact.tar -C /e2e/pages && "
        'echo "page_url=https://org.github.io/models/" >> "$GITHUB_OUTPUT"',
    ),
    # In place of GitHub, which gives an App's token to whoever signs with its key.
    "actions/create-github-app-token": (
        ("client-id", "private-key", "owner", "repositories", "permission-actions", "permission-contents",
         "permission-issues", "permission-members", "permission-pull-requests", "permission-statuses",
         "permission-workflows"),
        ("token", "app-slug"),
        '[ "$PRIVATE_KEY" = "$(cat /e2e/app-key)" ] && token=$(cat /e2e/app-token) && echo "::add-mask::$token" && '
        f'printf "token=%s\\napp-slug={APP_SLUG}\\n" "$token" >> "$GITHUB_OUTPUT"',
    ),
    # In place of AWS, which gives keys to a role. Like the action it hands them to the later steps of the job.
    "aws-actions/configure-aws-credentials": (
        ("aws-region", "role-to-assume", "aws-access-key-id", "aws-secret-access-key"), (),
        'case $ROLE_TO_ASSUME in arn:aws:iam::*:role/*) ;; *) exit 1 ;; esac; sed "s/.*=/::add-mask::/" /e2e/aws-keys; '
        'cat /e2e/aws-keys >> "$GITHUB_ENV"; echo "AWS_REGION=$AWS_REGION_" >> "$GITHUB_ENV"',
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Annotation:
    """What the runner shows at a line of a file."""

    kind: str
    file: str
    line: int
    title: str
    text: str


def _annotation(record: Mapping[str, Any], said: Mapping[str, str]) -> Annotation:
    line = int(said.get("line", 0))
    return Annotation(record["command"], said.get("file", ""), line, said.get("title", ""), record["arg"])


@dataclass(frozen=True)
class Ran:
    """What one run of a workflow said, record by record."""

    code: int
    records: list[dict[str, Any]]

    def jobs(self) -> dict[str, str]:
        """Each job's result, by its id; of a called workflow too."""
        return {str(each["jobID"]): str(each["jobResult"]) for each in self.records if "jobResult" in each}

    def steps(self, job: str) -> dict[str, str]:
        """Each step's result, by its name."""
        of_job = [each for each in self.records if each.get("jobID") == job and each.get("stage") == "Main"]
        return {str(each["step"]): str(each["stepResult"]) for each in of_job if "stepResult" in each}

    def annotations(self) -> list[Annotation]:
        found = [each for each in self.records if each.get("command") in ("error", "warning", "notice")]
        return [_annotation(each, each.get("kvPairs") or {}) for each in found]

    def summary(self) -> str:
        """What the steps said for the page of the run."""
        return "".join(str(each["content"]) for each in self.records if each.get("command") == "summary")

    def outputs(self, job: str) -> dict[str, str]:
        """What the steps of a job handed over; of several with one name the last one's."""
        found = [each for each in self.records if each.get("command") == "set-output" and each.get("jobID") == job]
        return {str(each["name"]): str(each["arg"]) for each in found}

    def said(self, job: str) -> str:
        """What the steps of a job printed."""
        return "".join(str(e["msg"]) for e in self.records if e.get("raw_output") and e.get("jobID") == job)


@dataclass
class Runner:
    """Act, and what is around it: ``folder`` is its own, ``release`` the action as a release has it."""

    folder: Path
    release: Path
    server_url: str
    #: What a job without a container of its own runs in.
    image: str = RUNNER_IMAGE
    #: Whether jobs start containers: they have Docker's socket, and a workspace that lies where it lies outside.
    docker: bool = False
    #: Text that no process's command line and no log may show.
    secrets: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)
    _runs: int = 0

    def __post_init__(self) -> None:
        shared = self.folder / "shared"
        shared.mkdir(parents=True)
        (shared / "app-token").write_text(APP_TOKEN)
        (shared / "app-key").write_text(APP_KEY)
        (shared / "aws-keys").write_text(
            f"AWS_ACCESS_KEY_ID=AKIAROLEROLEROLEROLE\nAWS_SECRET_ACCESS_KEY={AWS_SECRET}\n"
        )
        self.secrets |= {APP_TOKEN, APP_KEY, AWS_SECRET}
        for action, (inputs, outputs, script) in STAND_INS.items():
            place = self.folder / "stand-ins" / action
            place.mkdir(parents=True)
            (place / "action.yml").write_text(_composite(action, inputs, outputs, script))

    @property
    def artifacts(self) -> Path:
        """Where the stand-ins keep the artifacts of runs."""
        return self.folder / "shared" / "artifacts"

    def run(
        self, event: str, payload: Mapping[str, Any], clone: Path, workflow: str, *, token: str,
        secrets: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None,
    ) -> Ran:  # fmt: skip
        """Run one workflow file of ``clone`` on an event, as its repository's runner would."""
        self._runs += 1
        event_file = self.folder / f"event-{self._runs}.json"
        event_file.write_text(json.dumps(payload))
        given = {**(secrets or {}), "GITHUB_TOKEN": token}
        self.secrets.update(given.values())
        repository = payload["repository"]["full_name"]
        command = [
            str(ACT), event, "--json", "--rm", "--directory", str(clone),
            "--workflows", f".github/workflows/{workflow}", "--eventpath", str(event_file),
            "--platform", f"ubuntu-latest={self.image}", "--pull=false",
            "--network", "host", "--no-cache-server", *self._docker_options(),
            "--container-options", f"--volume {self.folder / 'shared'}:/e2e",
            "--env", f"GITHUB_SERVER_URL={self.server_url}", "--env", f"GITHUB_API_URL={self.server_url}/api/v3",
            "--env", f"GITHUB_REPOSITORY={repository}", "--env", f"GITHUB_RUN_ID={76 + self._runs}",
            "--local-repository", f"tagline-dev/tagline@v1={self.release}",
            *(text for place in self._stand_ins(clone) for text in ("--local-repository", place)),
            # By name alone: act takes the value from its environment.
            *(text for name in given for text in ("--secret", name)),
            *(text for name, value in (variables or {}).items() for text in ("--var", f"{name}={value}")),
        ]  # fmt: skip
        with watched(self.secrets, self.leaks.append):
            done = subprocess.run(
                command, env=environment(HOME=str(self.folder / "home"), **given), cwd=clone,
                capture_output=True, text=True, check=False, timeout=300,
            )  # fmt: skip
        text = done.stdout + done.stderr
        (self.folder / f"act-{self._runs}.log").write_text(text)  # for whoever looks into a failure
        records = [json.loads(line) for line in text.splitlines() if line.startswith('{"')]
        for record in records:
            self.leaks += [f"log: {record}" for secret in self.secrets if secret in _shown(record)]
        return Ran(done.returncode, records)

    def _stand_ins(self, clone: Path) -> Iterator[str]:
        """Each foreign action that a workflow names, at the commit that it names."""
        files = [*clone.glob(".github/workflows/*.yml"), *self.release.glob(".github/workflows/*.yml")]
        named = {(match[1], match[2]) for file in files for match in _USES.finditer(file.read_text())}
        of_ours = {(*action.split("/")[:2], commit) for action, commit in named if action in STAND_INS}
        for owner, name, commit in sorted(of_ours):
            yield f"{owner}/{name}@{commit}={self.folder / 'stand-ins' / owner / name}"

    def _docker_options(self) -> tuple[str, ...]:
        return ("--bind",) if self.docker else ("--container-daemon-socket", "-")


def _shown(record: Mapping[str, Any]) -> str:
    """What a person sees of a record, and all that our action said: act masks the message alone, after the fact."""
    of_stand_ins = record.get("command") in ("add-mask", "set-env") or record.get("name") == "token"
    return str(record["msg"]) if of_stand_ins else json.dumps(record)


def _composite(action: str, inputs: Iterable[str], outputs: Iterable[str], script: str) -> str:
    """A composite action; what it is asked stands in variables such as ``ROLE_TO_ASSUME``."""
    names = {name: name.upper().replace("-", "_") for name in inputs}
    # Not PATH and not AWS_REGION themselves: the script, and later steps, mean others by them.
    variables = {name: f"{text}_" if text in ("PATH", "AWS_REGION") else text for name, text in names.items()}
    document = {
        "name": f"Stand-in for {action}",
        "description": "For tests.",
        "inputs": {name: {"description": name, "required": False, "default": ""} for name in names},
        "outputs": {name: {"description": name, "value": f"${{{{ steps.do.outputs.{name} }}}}"} for name in outputs},
        "runs": {
            "using": "composite",
            "steps": [{
                "id": "do", "shell": "bash", "run": f"set -e; {script}",
                "env": {variable: f"${{{{ inputs.{name} }}}}" for name, variable in variables.items()},
            }],
        },
    }  # fmt: skip
    return json.dumps(document)  # JSON is YAML


@contextmanager
def watched(secrets: Iterable[str], leak: Callable[[str], None]) -> Iterator[None]:
    """Look at the command lines of all processes of this machine, also in containers, again and again."""
    wanted = [secret.encode() for secret in secrets]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            for process in os.listdir("/proc"):  # noqa: PTH208 - a quarter of the time that Path takes
                if process.isdigit():
                    try:
                        line = Path("/proc", process, "cmdline").read_bytes()
                    except OSError:
                        continue
                    if any(secret in line for secret in wanted):
                        leak(line.replace(b"\0", b" ").decode(errors="replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@dataclass
class Shop:
    """org/shop, and the runner that its workflows run in."""

    world: World
    runner: Runner
    more: dict[str, Any]

    def _run(
        self, event: str, workflow: str, at: str, merged: str | None = None, token: str = ACTIONS_TOKEN, **payload: Any
    ) -> Ran:
        """Run on a fresh clone at ``at``, with ``merged`` merged into it as GitHub does it for pull requests."""
        clone = self.runner.folder / f"clone-{len(list(self.runner.folder.glob('clone-*')))}"
        self.world.git("clone", "--quiet", self.world.repo.path.as_uri(), str(clone), folder=self.world.folder)
        self.world.git("checkout", "--quiet", "--detach", at, folder=clone)
        if merged is not None:
            self.world.git("merge", "--quiet", "--no-ff", "--no-edit", merged, folder=clone)
        payload["repository"] = {"full_name": "org/shop", "default_branch": "main"}
        return self.runner.run(event, payload, clone, workflow, token=token, **self.more)

    def pull_request(self, action: str, number: int, event: str = "pull_request", **more: Any) -> Ran:
        change = self.world.repo.change(number)
        pull = {
            "number": number,
            "user": {"login": change.author},
            "head": {
                "ref": change.source,
                "sha": change.head,
                "repo": {"full_name": change.fork or "org/shop", "fork": change.fork is not None},
            },
            "base": {"ref": "main", "sha": self.tip},
        }
        said = {"action": action, "number": number, "pull_request": pull}
        return self._run(event, "tagline-review.yml", "origin/main", change.head, **said, **more)

    @property
    def tip(self) -> str:
        return self.world.git("rev-parse", "main", folder=self.world.repo.path)

    def pushed(self, before: str) -> Ran:
        return self._run(
            "push", "tagline-promote.yml", "origin/main", ref="refs/heads/main", before=before, after=self.tip
        )

    def tagged(self, tag: str, event: str = "push", workflow: str = "deploy.yml") -> Ran:
        """What a tag's push starts; or, as workflow_dispatch, what ``deliver`` starts on it."""
        return self._run(event, workflow, tag, ref=f"refs/tags/{tag}")

    def on_schedule(self) -> Ran:
        return self._run("schedule", "tagline-review.yml", "origin/main", schedule="17 * * * *")

    def by_hand(self, workflow: str = "tagline-review.yml") -> Ran:
        """A workflow, the review for one, started by hand on the default branch."""
        return self._run("workflow_dispatch", workflow, "origin/main", ref="refs/heads/main")

    def queued(self, number: int) -> Ran:
        """The check that a merge queue asks for."""
        head = self.world.repo.change(number).head
        queue = f"refs/heads/gh-readonly-queue/main/pr-{number}-{self.tip}"
        group = {"head_sha": head, "head_ref": queue, "base_sha": self.tip, "base_ref": "refs/heads/main"}
        return self._run(
            "merge_group", "tagline-review.yml", "origin/main", head, action="checks_requested", merge_group=group
        )


class Models:
    """Where real DVC keeps models: a bucket."""

    def __init__(self, folder: Path, server: S3Server) -> None:
        self._folder, self._home = folder / "models", folder / "home"
        self._config = (
            f"[core]\nremote = s3\n['remote \"s3\"']\nurl = s3://{server.bucket()}/models\nendpointurl = {server.url}\n"
        )
        self._folder.mkdir(parents=True)
        with surroundings(self._home):
            Repo.init(str(self._folder), no_scm=True).close()
        (self._folder / ".dvc/config").write_text(self._config.replace("[core]\n", "[core]\nno_scm = true\n"))

    def files(self, data: bytes) -> dict[str, str]:
        """Push a model; what its commit has of it."""
        with surroundings(self._home):
            file = self._folder / "models/churn.pkl"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data)
            in_dvc(self._folder, lambda repo: (repo.add("models/churn.pkl"), repo.push()))
        pointer = (self._folder / "models/churn.pkl.dvc").read_text()
        return {".dvc/config": self._config, "models/churn.pkl.dvc": pointer, "models/.gitignore": "/churn.pkl\n"}


def make_release(folder: Path, image: str) -> Path:
    """The files of this repository, with the image named in action.yml as a release names it."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard", "action.yml", ".github"],
        capture_output=True, text=True, check=True, env=environment(),
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    subprocess.run([folder / ".github/pin-image", f"docker://{image}", "action.yml"], cwd=folder, check=True)
    return folder
