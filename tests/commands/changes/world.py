"""A shop on a local forge, and Tagline run against it as CI runs it: by events, through real HTTP and git."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tagline.adapters.git.running import find_repository, open_git
from tagline.adapters.git.tags import read_tags
from tagline.domain.changes.record import MARKER
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.messages import parse_trailers
from tagline_localforge import Drop, Exchange, ForgeServer, LocalForge, Repository, Request
from tagline_localforge.accounts import SteppingClock
from tagline_localforge.records import NO_COMMIT
from tests.support.gitbuild import environment

Platform = Literal["github", "gitlab"]

MANIFEST = "churn: {path: models/churn.txt, metrics: metrics/churn.json}\nfraud: {path: models/fraud.txt}\n"
#: Runs beside each other; of 2 cores each takes seconds: TAGLINE_TESTS_WRITERS=20 for a long run.
WRITERS = int(os.environ.get("TAGLINE_TESTS_WRITERS", "4"))
#: Seconds that each request to the forge takes longer: TAGLINE_TESTS_LATENCY=0.05 as on a real one.
LATENCY = float(os.environ.get("TAGLINE_TESTS_LATENCY", "0"))

START = {
    "artifacts.yaml": MANIFEST,
    "models/churn.txt": "trees: 10\n",
    "models/fraud.txt": "rules: 3\n",
    "metrics/churn.json": '{"accuracy": 0.9}\n',
}
BETTER = {"models/churn.txt": "trees: 50\n", "metrics/churn.json": '{"accuracy": 0.92}\n'}
#: An App that may read teams, and a project's bot: what a company uses.
TOKENS = {"github": "app", "gitlab": "bot"}


@dataclass
class Ran:
    """What one run said, the API's requests that it made, and git's."""

    code: int
    out: str
    err: str
    requests: list[Exchange] = field(default_factory=list)
    by_git: list[Exchange] = field(default_factory=list)

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def verdict(self) -> str:
        assert "verdict" in self.json, self.out + self.err
        return str(self.json["verdict"])


@dataclass
class World:
    """One repository, ``org/shop``, on a forge of one platform."""

    platform: Platform
    forge: LocalForge
    repo: Repository
    server: ForgeServer
    folder: Path
    run_cli: Callable[..., Any]
    object_format: str = "sha1"
    #: What tells Git another time than now.
    dates: dict[str, str] = field(default_factory=dict)

    # -- the repository ---------------------------------------------------------

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder or self.clone), *arguments],
            capture_output=True, check=False, env=environment(HOME=str(self.folder), **self.dates),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @contextmanager
    def days_ago(self, days: float) -> Iterator[None]:
        """What people do inside is so many days old, as Git and the forge tell it."""
        start = int(time.time() - days * 86_400)
        real = self.forge.clock, self.dates
        # A quarter: as the forge's own clock has it.
        self.forge.clock = SteppingClock(start + 0.25)
        self.dates = {f"GIT_{who}_DATE": f"{start} +0000" for who in ("AUTHOR", "COMMITTER")}
        yield
        self.forge.clock, self.dates = real

    def start(self, files: Mapping[str, str], policy: str | None = None) -> None:
        """The first commit, on main."""
        self.clone.mkdir()
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={self.object_format}")
        self.git("remote", "add", "origin", str(self.repo.path))
        more = {".tagline.yaml": policy} if policy is not None else {}
        self.push("main", {**files, **more})

    def push(self, branch: str, *commits: Mapping[str, str | None], base: str | None = None, by: str = "alice") -> str:
        """Commit files (None deletes) on a branch, new or not, and push it; the last commit.

        A branch that is there is gone on with, unless ``base`` begins with ``+``: then it begins anew.
        """
        self.git("fetch", "--quiet", "--no-tags", "--prune", "origin")
        exists = subprocess.run(
            ["git", "-C", str(self.clone), "rev-parse", "-q", "--verify", f"origin/{branch}"],
            capture_output=True, check=False,
        ).returncode == 0  # fmt: skip
        if exists or self.git("rev-list", "--all", "--max-count=1"):
            anew = base is not None and base.startswith("+")
            start = f"origin/{branch}" if exists and not anew else (base or "origin/main").removeprefix("+")
            self.git("checkout", "--quiet", "--force", "-B", branch, start)
        for number, files in enumerate(commits):
            for name, content in files.items():
                path = self.clone / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if content is None:
                    path.unlink()
                else:
                    path.write_text(content)
            self.git("add", "--all")
            self.git("commit", "--quiet", "--allow-empty", "--message", f"{branch} {number}: {', '.join(files)}")
        return self.send(branch, by=by)

    def send(self, branch: str, commit: str = "HEAD", *, by: str) -> str:
        """Push a commit of the clone to a branch as somebody, or take the branch away (``commit`` is empty)."""
        before = self.repo.git.branches().get(branch, NO_COMMIT)
        after = self.git("rev-parse", commit) if commit else NO_COMMIT
        self.git("push", "--quiet", "--force", "origin", f"{after if commit else ''}:refs/heads/{branch}")
        self.repo.pushed_branches({f"refs/heads/{branch}": (before, after)}, by=by)
        return after

    def open(
        self, branch: str, *commits: Mapping[str, str | None], labels: tuple[str, ...] = (), author: str = "alice",
        by: str = "bob", pusher: str | None = None, title: str = "A better model", target: str = "main", **more: Any,
    ) -> int:  # fmt: skip
        """A change from a branch of its own, which its author pushed or somebody else; its number."""
        self.push(branch, *commits, base=f"origin/{target}", by=pusher or author)
        change = self.repo.open_change(author=author, source=branch, target=target, title=title, **more)
        for label in labels:
            self.repo.label(change.number, label, by=by)
        return int(change.number)

    def approve(self, number: int, by: str) -> Any:
        if self.platform == "gitlab":
            return self.repo.approve(number, by=by)
        return self.repo.review(number, by=by, state="approved")

    def merge(self, number: int, method: str | None = None, by: str = "alice") -> str:
        return str(self.repo.merge(number, by=by, method=method or "merge"))

    def tag(self, *names: str) -> None:
        """Tags by hand on main as it is, of the time that it is here."""
        self.git("fetch", "--quiet", "--no-tags", "origin", "main")
        for name in names:
            self.git("tag", "--annotate", name, "--message", name, "FETCH_HEAD")
        self.git("push", "--quiet", "origin", "--tags")

    def admin(self, *arguments: str) -> Any:
        """An administrator's command on a clone, pushed; its document."""
        said = self.run_cli(*arguments, "--push", "--json", "--repo", self.repo.path.as_uri(), cwd=self.folder)
        assert said.code == 0, said.err
        return said.json

    # -- running Tagline ----------------------------------------------------------

    def environ(self, token: str | None = None, **more: str) -> dict[str, str]:
        """A CI job's, without an event."""
        url = self.server.url
        common = {"TAGLINE_TOKEN": token if token is not None else TOKENS[self.platform], "CI": "true"}
        if self.platform == "github":
            own = {
                "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": url, "GITHUB_API_URL": f"{url}/api/v3",
                "GITHUB_REPOSITORY": "org/shop", "GITHUB_RUN_ID": "77", "GITHUB_SHA": "0" * 40,
                **({"TAGLINE_IDENTITY": "my-app[bot]"} if token is None else {}),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            }  # fmt: skip
        else:
            own = {
                "GITLAB_CI": "true", "CI_SERVER_URL": url, "CI_API_V4_URL": f"{url}/api/v4",
                "CI_PROJECT_PATH": "org/shop", "CI_PROJECT_URL": f"{url}/org/shop",
                "CI_JOB_URL": f"{url}/org/shop/-/jobs/77",
                **({"TAGLINE_TOKEN": "", "CI_JOB_TOKEN": "job"} if token == "job" else {}),
            }  # fmt: skip
        return {**common, **own, **more}

    def run(self, *arguments: str, token: str | None = None, cwd: Path | None = None, **more: str) -> Ran:
        """One run in this process, as JSON."""
        before = len(self.server.exchanges)
        said = self.run_cli(*arguments, "--json", cwd=cwd or self.folder, **self.environ(token, **more))
        made = self.server.exchanges[before:]
        of_api, by_git = ([one for one in made if one.is_git is wanted] for wanted in (False, True))
        return Ran(said.code, said.out, said.err, of_api, by_git)

    def child(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """One run as a process of its own, which runs beside others."""
        import sys

        own = {**environment(HOME=str(self.folder), TAGLINE_CACHE=os.environ["TAGLINE_CACHE"]), **self.environ(**more)}
        return subprocess.Popen(
            [sys.executable, "-m", "tagline", *arguments, "--json"],
            cwd=self.folder, env=own, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def event(self, name: str, **payload: Any) -> dict[str, str]:
        """The environment of a GitHub event."""
        file = self.folder / f"event-{name}.json"
        file.write_text(json.dumps(payload))
        return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)}

    def plan(self, number: int, **more: str) -> Ran:
        return self.run("plan", "--change", str(number), **more)

    def promote(self, number: int, **more: str) -> Ran:
        return self.run("promote", "--change", str(number), **more)

    def on_schedule(self) -> Ran:
        """The promote that runs every night."""
        return self.run("promote", **self.schedule_event())

    def on_push(self, commit: str, before: str = NO_COMMIT, token: str | None = None) -> Ran:
        """The promote that a push to main starts."""
        return self.run("promote", token=token, **self.push_event(commit, before))

    def schedule_event(self) -> dict[str, str]:
        """The environment of a run that no person started."""
        return {("GITHUB_EVENT_NAME" if self.platform == "github" else "CI_PIPELINE_SOURCE"): "schedule"}

    def push_event(self, commit: str, before: str = NO_COMMIT) -> dict[str, str]:
        """The environment of what a push to main starts."""
        if self.platform == "gitlab":
            event = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": before}
            return {**event, "CI_COMMIT_SHA": commit}
        event = self.event("push", before=before, after=commit, ref="refs/heads/main")
        return {**event, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit}

    def kill_at(self, child: list[subprocess.Popen[str]], method: str, path: str, *, after: bool) -> None:
        """Kill the child at its first request of this kind: before the forge has heard it, or ``after``."""

        def kill(request: Request) -> None:
            if request.method == method and re.search(path, request.path):
                self.server.before.remove(kill)
                child[0].kill()
                child[0].wait()
                if not after:
                    raise Drop
                request.drop_answer = True

        self.server.before.append(kill)

    def drop_pushes_after_the_first(self) -> Callable[[Request], None]:
        """Of all pushes the first one arrives; what keeps the others from it."""
        pushes = 0

        def drop(request: Request) -> None:
            nonlocal pushes
            if request.method == "POST" and request.path.endswith("git-receive-pack"):
                pushes += 1
                if pushes > 1:
                    raise Drop

        self.server.before.append(drop)
        return drop

    # -- what is there --------------------------------------------------------------

    def tags(self) -> dict[str, RawTag]:
        """The tags of the bare repository."""
        return {tag.name: tag for tag in read_tags(open_git(find_repository(self.repo.path)), None, details=True)}

    def trailers(self, tag: str) -> dict[str, list[str]]:
        return parse_trailers(self.tags()[tag].message)

    def comments(self, number: int) -> list[str]:
        """The bodies of our comments on a change."""
        return [c.body for c in self.repo.change(number).comments if MARKER in c.body and c.login != "mallory"]

    def status(self, commit: str) -> str | None:
        """The newest status ``tagline`` of a commit, in GitHub's words."""
        found = [s.state for s in self.repo.statuses if s.sha == commit]
        return {"failed": "failure"}.get(found[-1], found[-1]) if found else None
