"""A throw-away repository on a live forge: its API, its Git, and what was seen there.

Tokens come from the environment and go to this one forge, in headers only.
"""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import requests

from tests.support.gitbuild import environment

T = TypeVar("T")


class Row(NamedTuple):
    """What is written of a forge, and what it did. ``holds``: None where it could not be seen."""

    fact: str
    written: str
    seen: str
    holds: bool | None


class Unseen(Exception):
    """A fact could not be looked at; the message says why."""


class Answer(NamedTuple):
    """What the API said."""

    status: int
    headers: Mapping[str, str]
    json: Any


@dataclass
class Place:
    """One repository. ``token`` is its owner's, who sets things up; ``job_token`` what a job would have.

    ``patience`` is how many seconds something that comes late is waited for.
    """

    forge: str
    api_url: str
    url: str
    name: str
    token: str
    job_token: str
    work: Path
    patience: float = 120.0
    #: What makes the names of this run its own.
    run: str = field(default_factory=lambda: f"{int(time.time()):x}")

    # -- the API ------------------------------------------------------------------

    def ask(self, method: str, path: str, *, job: bool = False, data: object = None) -> Answer:
        """One request, no redirect followed. ``path`` begins behind the repository's own."""
        token = self.job_token if job else self.token
        if self.forge == "github":
            root = f"{self.api_url}/repos/{self.name}"
            headers = {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": "2022-11-28"}
        else:
            root = f"{self.api_url}/projects/{quote(self.name, safe='')}"
            headers = {"PRIVATE-TOKEN": token}
        said = requests.request(method, root + path, headers=headers, json=data, timeout=30, allow_redirects=False)
        try:
            found = said.json() if said.content else None
        except ValueError:
            found = None
        return Answer(said.status_code, said.headers, found)

    def need(self, method: str, path: str, *, job: bool = False, data: object = None) -> Any:
        """The JSON of an answer that must be one. Raises Unseen."""
        answer = self.ask(method, path, job=job, data=data)
        if not 200 <= answer.status < 300:
            said = answer.json.get("message", "") if isinstance(answer.json, dict) else ""
            raise Unseen(f"{method} {path.partition('?')[0]} answered {answer.status} {said}".strip())
        return answer.json

    def wait(self, look: Callable[[], T | None]) -> tuple[T | None, float]:
        """What ``look`` finds at last, and after how many seconds."""
        start = time.monotonic()
        pause = 0.2
        while (found := look()) is None and time.monotonic() - start < self.patience:
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
        return found, time.monotonic() - start

    # -- Git ----------------------------------------------------------------------

    def git(self, *arguments: str, job: bool = False, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Git in our clone. The token is in the environment, never among the arguments."""
        user = "x-access-token" if self.forge == "github" else "oauth2"
        login = base64.b64encode(f"{user}:{self.job_token if job else self.token}".encode()).decode()
        variables = environment(
            HOME=str(self.work),
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0=f"http.{self.url}.extraHeader",
            GIT_CONFIG_VALUE_0=f"Authorization: Basic {login}",
            **{name: os.environ[name] for name in ("GIT_SSL_CAINFO", "HTTPS_PROXY") if name in os.environ},
        )
        return subprocess.run(
            ["git", *arguments], cwd=self.work, env=variables, input=stdin, capture_output=True, text=True, check=False
        )

    def must(self, *arguments: str, stdin: str | None = None) -> str:
        """What git prints. Raises Unseen where it fails."""
        done = self.git(*arguments, stdin=stdin)
        if done.returncode:
            raise Unseen(f"git {arguments[0]}: {last_line(done.stderr)}")
        return done.stdout.strip()

    def commit(self, parent: str | None, files: Mapping[str, str], message: str) -> str:
        """A commit of the parent's files and these."""
        self.must("read-tree", "--empty" if parent is None else parent)
        for path, text in files.items():
            blob = self.must("hash-object", "-w", "--stdin", stdin=text)
            self.must("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = self.must("write-tree")
        return self.must("commit-tree", tree, *(("-p", parent) if parent else ()), "-m", message)

    def tag(self, name: str, commit: str) -> str:
        """An annotated tag of this clone."""
        self.must("tag", "-a", "-m", name, name, commit)
        return name

    def push(self, *specs: str, job: bool = False) -> str | None:
        """None for a push that went through, else what the forge said."""
        done = self.git("push", "--atomic", self.url, *specs, job=job)
        return None if done.returncode == 0 else " ".join(done.stderr.split())

    def start(self) -> str:
        """Our clone, with the tip of the default branch; an empty repository gets its first commit."""
        self.must("init", "--quiet", "--initial-branch=main", ".")
        if not self.must("ls-remote", self.url, "HEAD"):
            first = self.commit(None, {"README.md": "A throw-away repository.\n"}, "First")
            if (why := self.push(f"{first}:refs/heads/main")) is not None:
                raise Unseen(f"The first push was refused: {why}")
            return first
        self.must("fetch", "--quiet", self.url, "HEAD")
        return self.must("rev-parse", "FETCH_HEAD")


def last_line(text: str) -> str:
    """The last line of what a program said."""
    return (text.strip().splitlines() or [""])[-1]
