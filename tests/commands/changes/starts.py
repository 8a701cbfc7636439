"""What the stage's tags of a local forge start, and a forge whose lists of runs lag."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tagline_localforge import Request, Response
from tests.commands.changes.world import Platform, World

PROD = "churn#prod#1"
LABELS = ("version:minor", "stage:prod")
ON_TAGS = {".github/workflows/deploy.yml": "on:\n  push: {tags: ['**#prod#*']}\n  workflow_dispatch:\n"}
ON_DISPATCH = {".github/workflows/deploy.yml": "on: workflow_dispatch\n"}
TAKES_LIST = {
    ".github/workflows/deploy.yml": "on: {workflow_dispatch: {inputs: {tags: {type: string, required: false}}}}\n"
}
#: The job's own tokens, whose pushes start nothing.
OWN = {"github": "actions", "gitlab": "job"}
HERE = {"github": "workflow: deploy.yml", "gitlab": "pipeline: true"}
THERE = {"github": "workflow: deploy.yml, repo: org/app", "gitlab": "project: org/app, ref: main"}
#: The value of TAGLINE_DELIVER_TOKEN.
SECRET = "d3l1v3r"


def add_pipelines(repo: Any, platform: Platform, *, by_push: bool = True) -> None:
    """The workflow or the pipelines of a repository; ``by_push``: those of a tag begin with its push."""
    if platform == "github":
        repo.add_workflow("deploy.yml", tags=["**#prod#*"] if by_push else [], types=["tagline"], named_by="tag")
    else:
        repo.add_workflow(".gitlab-ci.yml", tags=["**"] if by_push else [])


def add_app(world: World) -> Any:
    """``org/app``, in which ``SECRET`` may start what a tag of the shop's is to start."""
    other = world.forge.repository("org/app")
    other.grant("deployer", "maintain")
    world.forge.token(SECRET, login="deployer")
    add_pipelines(other, world.platform)
    world.git("push", "--quiet", str(other.path), "HEAD:refs/heads/main")
    return other


def hide_runs(world: World, looks: float = math.inf) -> Callable[[Request], Response | None]:
    """The lists of runs lag: so many looks see none."""
    left = [looks]

    def answer(request: Request) -> Response | None:
        if request.method != "GET" or not request.path.endswith(("/actions/runs", "/pipelines")) or left[0] <= 0:
            return None
        left[0] -= 1
        empty: Any = [] if request.path.endswith("/pipelines") else {"total_count": 0, "workflow_runs": []}
        return Response(json=empty)

    world.server.before.append(answer)
    return answer
