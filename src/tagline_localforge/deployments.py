"""Deployments to environments, and files that are written by the API."""

from __future__ import annotations

from typing import Any

from tagline_localforge.git import Signature
from tagline_localforge.landings import Landings
from tagline_localforge.records import NO_COMMIT, Deployment, DeploymentStatus, Run
from tagline_localforge.runs import Runs
from tagline_localforge.state import Refused, atomic


class Deployments(Landings, Runs):
    """A repository that something is deployed from."""

    @atomic
    def deploy(
        self, environment: str, ref: str, *, by: str, payload: Any = "", description: str | None = None,
        state: str = "", tag: bool = False, sha: str = "",
    ) -> Deployment:  # fmt: skip
        """A new deployment of what a ref, or a commit, is now."""
        now, login = self.forge.clock(), self.forge.person(by).login
        commit = sha or self.commit_named(ref).sha
        number = len(self.deployments) + 1
        made = Deployment(
            self.forge.next_id(), number, environment, ref, commit, login, now, tag=tag, description=description,
            payload=payload, state=state, updated=now,
        )  # fmt: skip
        self.deployments.append(made)
        return made

    @atomic
    def say(
        self, deployment: Deployment, state: str, *, by: str, description: str = "", log_url: str = "",
        environment_url: str = "", auto_inactive: bool = True,
    ) -> DeploymentStatus:  # fmt: skip
        """Add a status. Success makes the earlier ones of the environment inactive, unless that is not wanted."""
        now, login = self.forge.clock(), self.forge.person(by).login
        if state == "success" and auto_inactive:
            for other in self.deployments[: self.deployments.index(deployment)]:
                if other.environment == deployment.environment and other.statuses[-1:] and (
                    other.statuses[-1].state == "success"
                ):  # fmt: skip
                    other.statuses.append(DeploymentStatus(self.forge.next_id(), "inactive", login, now))
        said = DeploymentStatus(self.forge.next_id(), state, login, now, description, log_url, environment_url)
        deployment.statuses.append(said)
        deployment.updated = now
        return said

    @atomic
    def move(self, deployment: Deployment, state: str) -> None:
        """GitLab's way: a deployment has one status at a time."""
        deployment.state, deployment.updated = state, self.forge.clock()

    @atomic
    def deploy_by_job(self, run: Run, environment: str, page: str, state: str = "in_progress") -> Deployment:
        """What GitHub makes by itself for a job of a run that names an environment; ``page`` is the run's."""
        made = self.deploy(environment, run.name, by="github-actions[bot]", sha=run.sha)
        self.say(made, state, by="github-actions[bot]", log_url=f"{page}/job/{run.id + 5000}")
        return made

    @atomic
    def make_branch(self, name: str, sha: str, *, by: str) -> None:
        """A new branch. Raises Refused where one is there."""
        if name in self.git.branches():
            raise Refused("Reference already exists")
        self.git.set_ref(f"refs/heads/{name}", self.commit_named(sha).sha)
        self.pushed_branches({f"refs/heads/{name}": (NO_COMMIT, self.commit_named(sha).sha)}, by=by)

    @atomic
    def write_file(self, branch: str, path: str, content: bytes, message: str, *, by: str) -> str:
        """A commit upon a branch that adds a file or replaces one; its id."""
        before, person = self.git.branches()[branch], self.forge.person(by)
        who = Signature(person.login, person.email, f"{int(self.forge.clock())} +0000")
        after = self.git.add_file(before, path, content, message, who)
        self.git.set_ref(f"refs/heads/{branch}", after, old=before)
        self.pushed_branches({f"refs/heads/{branch}": (before, after)}, by=by)
        return after

    def file_at(self, revision: str, path: str) -> bytes | None:
        """A file of a commit."""
        return self.git.file(revision, path)
