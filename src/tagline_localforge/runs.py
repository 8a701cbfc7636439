"""Statuses of commits, workflows and their runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tagline_localforge.records import NO_COMMIT, Attempt, Run, Status, Workflow
from tagline_localforge.state import RepositoryState, atomic

#: More tags than this in one push start nothing; on GitLab, of whose one file all pipelines are, one more.
_MOST_TAGS = 3
_PIPELINES = ".gitlab-ci.yml"


class Runs(RepositoryState):
    """A repository whose commits are checked."""

    @atomic
    def set_status(
        self,
        name: str,
        state: str,
        *,
        by: str,
        context: str = "default",
        description: str | None = None,
        target_url: str | None = None,
        ref: str = "",
        pipeline: int = 0,
    ) -> Status:
        """Set a commit's status."""
        sha, now = self.commit_named(name).sha, self.forge.clock()
        login = self.forge.person(by).login
        number = self.forge.next_id()
        status = Status(number, sha, state, context, description, target_url, login, now, ref, pipeline)
        self.statuses.append(status)
        return status

    @atomic
    def move_status(self, status: Status, state: str, description: str | None, target_url: str | None) -> Status:
        """Let a status become another, as GitLab does with what is pending or running."""
        moved = replace(status, state=state, description=description, target_url=target_url)
        self.statuses[self.statuses.index(status)] = moved
        return moved

    @atomic
    def start_external(self, sha: str, ref: str, *, by: str) -> Run:
        """The pipeline that GitLab makes for a status of a commit that has none; its workflow is nobody's file."""
        now, login = self.forge.clock(), self.forge.person(by).login
        workflow = Workflow(self.forge.next_id(), "external", dispatch=False, tags=(), created=now)
        full_name = f"refs/heads/{ref}"
        ended = [Attempt(login, now, now)]
        run = Run(self.forge.next_id(), len(self.runs) + 1, workflow, "external", full_name, sha, login, now, ended)
        self.runs.append(run)
        return run

    def branches_with(self, sha: str) -> list[str]:
        """The branches that have a commit; those that are said to lie in forks do so where that is switched on."""
        forks = {change.source for change in self.changes() if change.fork and self.switches.fork_heads_unknown}
        names = self.git("for-each-ref", f"--contains={sha}", "--format=%(refname:lstrip=2)", "refs/heads")
        return [name for name in names.splitlines() if name not in forks]

    # Workflows, as GitHub has them

    @atomic
    def add_workflow(
        self, file: str, *, dispatch: bool = True, tags: Sequence[str] = (), types: Sequence[str] = (),
        named_by: str | None = None, inputs: Sequence[str] = (),
    ) -> Workflow:  # fmt: skip
        """A workflow of every branch and tag, which a push of tags that match ``tags`` starts.

        So do events of a repository_dispatch of some ``types``, whose payload may name the run. A dispatch may give it
        ``inputs``.
        """
        now = self.forge.clock()
        workflow = Workflow(
            self.forge.next_id(), file, dispatch, tuple(tags), now, tuple(types), named_by, tuple(inputs)
        )
        self.workflows[file] = workflow
        return workflow

    @atomic
    def start_run(self, file: str, ref: str, *, by: str, event: str = "workflow_dispatch") -> Run:
        """Run a workflow on a branch or tag, given by its full name."""
        number = 1 + sum(run.workflow.file == file for run in self.runs)
        sha, login, now = self.commit_named(ref).sha, self.forge.person(by).login, self.forge.clock()
        first = [Attempt(login, now)]
        run = Run(self.forge.next_id(), number, self.workflows[file], event, ref, sha, login, now, first)
        self.runs.append(run)
        return run

    @atomic
    def end_run(self, run: Run, *, succeeded: bool = True) -> None:
        """It is done."""
        run.attempts[-1].ended, run.succeeded = self.forge.clock(), succeeded

    @atomic
    def run_again(self, run: Run, *, by: str) -> None:
        """Start a run once more that is done."""
        run.attempts.append(Attempt(self.forge.person(by).login, self.forge.clock()))

    @atomic
    def start_on_tags(self, commands: Mapping[str, tuple[str, str]], *, by: str) -> None:
        """Start what a push of tags starts."""
        tags = [ref for ref, (_, after) in commands.items() if ref.startswith("refs/tags/") and after != NO_COMMIT]
        if len(tags) > _MOST_TAGS + (_PIPELINES in self.workflows):
            return
        for ref in tags:
            for file, workflow in self.workflows.items():
                if any(_matches(pattern, ref.removeprefix("refs/tags/")) for pattern in workflow.tags):
                    self.start_run(file, ref, by=by, event="push")


def _matches(pattern: str, name: str) -> bool:
    """``*`` is any text without a slash, ``**`` any text."""
    text = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.fullmatch(text, name) is not None
